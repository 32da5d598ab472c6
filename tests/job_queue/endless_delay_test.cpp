#include <chrono>
#include <vector>

#include "catch.hpp"
#include "windlass/testing.hpp"

using namespace std::chrono_literals;
using windlass::DeadLetter;
using windlass::DeadReason;
using windlass::Duration;
using windlass::FixedDelay;
using windlass::Leftover;
using windlass::Outcome;
using windlass::Report;
using windlass::testing::ManualQueue;

TEST_CASE("a job that waits for ever is left over at shutdown like any other", "[shutdown][delay]") {
  enum class Way { delay, snooze, backoff, retry_after };
  const auto leftover = GENERATE(Leftover::run, Leftover::dead_letter, Leftover::hand_back, Leftover::discard);
  const auto way = GENERATE(Way::delay, Way::snooze, Way::backoff, Way::retry_after);
  CAPTURE(static_cast<int>(leftover), static_cast<int>(way));
  int runs = 0;
  std::vector<int> handed_back;
  std::vector<DeadReason> reasons;
  Report report;
  {
    ManualQueue<int> queue{[&](const int&) {
                             ++runs;
                             return way == Way::snooze    ? Outcome::snooze(Duration::max())
                                    : way == Way::backoff ? Outcome::retry()
                                                          : Outcome::retry_after(Duration::max());
                           },
                           {.capacity = 1,
                            .retry = FixedDelay{Duration::max()},
                            .dead_letters = [&](const DeadLetter<int>& l) { reasons.push_back(l.reason); }}};
    queue.try_enqueue(7, {.delay = way == Way::delay ? Duration::max() : 0ns}).or_throw();
    CHECK(queue.step() == (way == Way::delay ? 0 : 1));
    queue.clock().advance(1000h, 1h);
    CHECK(queue.step() == 0);
    CHECK(queue.stats().waiting == 1);
    report = queue.shutdown(
        {.grace = 1s, .leftover = leftover, .hand_back = [&](windlass::JobId, int&& n) { handed_back.push_back(n); }});
  }
  CHECK(runs == (way == Way::delay ? 0 : 1));
  const bool buries = leftover == Leftover::run || leftover == Leftover::dead_letter;
  CHECK(reasons == (buries ? std::vector{DeadReason::abandoned} : std::vector<DeadReason>{}));
  CHECK(handed_back == (leftover == Leftover::hand_back ? std::vector{7} : std::vector<int>{}));
  CHECK(report.dead == (buries ? 1 : 0));
  CHECK(report.abandoned == (buries ? 1 : 0));
  CHECK(report.returned == (leftover == Leftover::hand_back ? 1 : 0));
  CHECK(report.discarded == (leftover == Leftover::discard ? 1 : 0));
  CHECK(report.present == 0);
}
