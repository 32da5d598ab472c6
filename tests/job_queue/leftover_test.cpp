#include <atomic>
#include <chrono>
#include <optional>
#include <stdexcept>
#include <utility>
#include <vector>

#include "catch.hpp"
#include "signal.hpp"
#include "tracked.hpp"
#include "windlass/testing.hpp"

using namespace std::chrono_literals;
using windlass::DeadLetter;
using windlass::DeadReason;
using windlass::Delivery;
using windlass::EnqueueError;
using windlass::JobId;
using windlass::JobQueue;
using windlass::Leftover;
using windlass::Outcome;
using windlass::Report;
using windlass::StopReason;
using windlass::WaitError;
using windlass::testing::ManualQueue;

namespace {

bool adds_up(const Report& r) {
  return r.accepted == r.done + r.dead + r.cancelled + r.discarded + r.returned + r.present && r.abandoned <= r.dead;
}

// A queue with a job in each place where one can be left over: ready, waiting, retrying, snoozing.
struct LeftBehind {
  std::vector<int> ran, abandoned;
  std::vector<DeadReason> reasons;
  ManualQueue<Tracked> queue{
      [this](const Tracked& job) {
        ran.push_back(job.value);
        return job.value == 2 ? Outcome::retry_after(1h) : job.value == 3 ? Outcome::snooze(1h) : Outcome::done();
      },
      {.dead_letters = [this](const DeadLetter<Tracked>& letter) {
        abandoned.push_back(letter.payload.value().value);
        reasons.push_back(letter.reason);
      }}};

  LeftBehind() {
    Tracked::reset();
    queue.emplace(2).or_throw();
    queue.emplace(3).or_throw();
    if (queue.step() != 2) throw std::logic_error("not both ran");
    queue.emplace(0).or_throw();
    queue.emplace_with({.delay = 1h}, 1).or_throw();
    ran.clear();
  }
};

}  // namespace

TEST_CASE("what is left over at shutdown goes where it was told to, from wherever it is", "[shutdown]") {
  LeftBehind left;
  const auto begun = left.queue.clock().now();
  std::vector<int> handed_back;
  SECTION("dead_letter") {
    const Report report = left.queue.shutdown({.leftover = Leftover::dead_letter});
    CHECK(report.dead == 4);
    CHECK(report.abandoned == 4);
    CHECK(left.abandoned == std::vector{0, 2, 3, 1});
    CHECK(left.reasons == std::vector(4, DeadReason::abandoned));
  }
  SECTION("discard") {
    const Report report = left.queue.shutdown({.leftover = Leftover::discard});
    CHECK(report.discarded == 4);
    CHECK(left.abandoned.empty());
  }
  SECTION("hand_back") {
    const Report report =
        left.queue.shutdown({.leftover = Leftover::hand_back, .hand_back = [&](JobId id, Tracked&& job) {
                               CHECK(id);
                               handed_back.push_back(Tracked(std::move(job)).value);
                             }});
    CHECK(report.returned == 4);
    CHECK(handed_back == std::vector{0, 2, 3, 1});
    CHECK(left.abandoned.empty());
  }
  SECTION("hand_back that throws: a dead letter") {
    const Report report = left.queue.shutdown({.leftover = Leftover::hand_back, .hand_back = [&](JobId, Tracked&& job) {
                                                 if (job.value % 2 == 1) throw std::runtime_error("no");
                                                 handed_back.push_back(Tracked(std::move(job)).value);
                                               }});
    CHECK(report.returned == 2);
    CHECK(report.abandoned == 2);
    CHECK(handed_back == std::vector{0, 2});
    CHECK(left.abandoned == std::vector{3, 1});
    CHECK(left.queue.stats().user_errors == 2);
  }
  SECTION("run") {
    const Report report = left.queue.shutdown({.leftover = Leftover::run});
    CHECK(left.ran == std::vector{0});
    CHECK(report.abandoned == 3);
    CHECK(left.abandoned == std::vector{2, 3, 1});
  }
  const Report report = left.queue.stats();
  CHECK(report.accepted == 4);
  CHECK(report.present == 0);
  CHECK(adds_up(report));
  CHECK(left.queue.clock().now() == begun);
  CHECK(Tracked::live == 0);
}

TEST_CASE("a second shutdown changes nothing, and a queue that was shut down refuses everything", "[shutdown]") {
  LeftBehind left;
  auto& queue = left.queue;
  CHECK(queue.shutdown({.leftover = Leftover::dead_letter}).dead == 4);
  const Report report = queue.shutdown({.leftover = Leftover::run});
  CHECK(report.dead == 4);
  CHECK(adds_up(report));
  CHECK(queue.is_closed());
  CHECK(queue.try_emplace(9).error() == EnqueueError::closed);
  CHECK(queue.emplace(9).error() == EnqueueError::closed);
  CHECK(queue.reserve().error() == WaitError::closed);
  CHECK(queue.pump().ran == 0);
  CHECK(queue.wait_idle_for(1s));
  CHECK(queue.drain_for(1s));
  queue.resume();
  queue.close();
  CHECK(queue.stats().dead == 4);
}

TEST_CASE("a job stopped by shutdown becomes a leftover and counts against no limit", "[shutdown]") {
  const bool throws = GENERATE(true, false);
  std::optional<DeadLetter<int>> letter;
  std::atomic<int> runs{0};
  Signal inside;
  JobQueue<int> queue{[&](const int&, Delivery& delivery) {
                        ++runs;
                        inside.set();
                        if (delivery.sleep_for(20s)) return Outcome::done();
                        if (throws) throw std::runtime_error("interrupted");
                        return delivery.stop_token().reason() == StopReason::shutdown ? Outcome::retry("interrupted")
                                                                                      : Outcome::done();
                      },
                      {.max_failures = 1, .max_deliveries = 1, .dead_letters = [&](DeadLetter<int>&& dead) {
                         letter = std::move(dead);
                       }}};
  queue.enqueue(7).or_throw();
  REQUIRE(inside.wait());
  std::vector<int> handed_back;
  SECTION("dead_letter") {
    const Report report = queue.shutdown({.grace = 0s, .leftover = Leftover::dead_letter});
    CHECK(report.abandoned == 1);
    REQUIRE(letter);
    CHECK(letter->reason == DeadReason::abandoned);
    CHECK(letter->failures == 0);
    CHECK(letter->deliveries == 0);
    CHECK(letter->payload == 7);
  }
  SECTION("run: it does not run again") {
    const Report report = queue.shutdown({.grace = 1ms, .leftover = Leftover::run});
    CHECK(report.abandoned == 1);
    REQUIRE(letter);
    CHECK(letter->failures == 0);
  }
  SECTION("hand_back") {
    const Report report =
        queue.shutdown({.grace = 0s, .leftover = Leftover::hand_back, .hand_back = [&](JobId, int&& job) {
                          handed_back.push_back(job);
                        }});
    CHECK(report.returned == 1);
    CHECK(handed_back == std::vector{7});
    CHECK_FALSE(letter);
  }
  CHECK(runs == 1);
  CHECK(queue.stats().failures == 0);
}
