#include <atomic>
#include <functional>
#include <optional>
#include <stdexcept>
#include <vector>

#include "await.hpp"
#include "catch.hpp"
#include "windlass/testing.hpp"

using namespace std::chrono_literals;
using windlass::DeadLetter;
using windlass::DeadReason;
using windlass::Duration;
using windlass::FixedDelay;
using windlass::JobQueue;
using windlass::Leftover;
using windlass::Outcome;
using windlass::Stats;
using windlass::Time;
using windlass::testing::ManualClock;
using windlass::testing::ManualQueue;

namespace {

// One row of the table: a job whose first delivery ends so, and whose second one ends it, as a dead letter that tells
// what was counted.
struct Row {
  std::uint32_t failures = 0;    // what the dead letter says, the last delivery not counted
  std::uint32_t deliveries = 0;  // likewise
  std::uint32_t hangs = 0;
  Duration again_after{};  // from the end of the first delivery to the start of the second
  Stats stats{};
};

Row try_out(const std::function<Outcome()>& first) {
  ManualClock clock;
  Row row;
  std::vector<Time> runs;
  const auto sink = [&](const DeadLetter<int>& letter) {
    row.failures = letter.failures - 1;
    row.deliveries = letter.deliveries - 1;
    row.hangs = letter.hangs;
    CHECK(letter.reason == DeadReason::rejected);
  };
  ManualQueue<int> queue{[&](int) {
                           runs.push_back(clock.now());
                           return runs.size() == 1 ? first() : Outcome::dead("over");
                         },
                         {.retry = FixedDelay{7s}, .dead_letters = sink},
                         clock};
  queue.try_enqueue(1).or_throw();
  CHECK(queue.run_until_idle() == 2);
  row.again_after = runs.back() - runs.front();
  row.stats = queue.stats();
  CHECK(row.stats.dead == 1);
  return row;
}

}  // namespace

TEST_CASE("retry counts a failure and a delivery and runs again when the policy says", "[outcome]") {
  const Row row = try_out([] { return Outcome::retry("later"); });
  CHECK(row.failures == 1);
  CHECK(row.deliveries == 1);
  CHECK(row.again_after == 7s);
  CHECK(row.stats.failures == 2);
  CHECK(row.stats.exceptions == 0);
  CHECK(row.stats.retries == 1);
  CHECK(row.stats.deliveries == 2);
}

TEST_CASE("an exception counts like a retry", "[outcome]") {
  const Row row = try_out([]() -> Outcome { throw std::runtime_error("oops"); });
  CHECK(row.failures == 1);
  CHECK(row.deliveries == 1);
  CHECK(row.again_after == 7s);
  CHECK(row.stats.failures == 2);
  CHECK(row.stats.exceptions == 1);
  CHECK(row.stats.retries == 1);
}

TEST_CASE("retry_after counts a failure and a delivery and runs again when it says", "[outcome]") {
  const Row row = try_out([] { return Outcome::retry_after(3s); });
  CHECK(row.failures == 1);
  CHECK(row.deliveries == 1);
  CHECK(row.again_after == 3s);
  CHECK(row.stats.retries == 1);
  CHECK(try_out([] { return Outcome::retry_after(0s); }).again_after == 0s);
  CHECK(try_out([] { return Outcome::retry_after(-1s); }).again_after == 0s);
}

TEST_CASE("snooze counts nothing against the job and runs again when it says", "[outcome]") {
  const Row row = try_out([] { return Outcome::snooze(5s); });
  CHECK(row.failures == 0);
  CHECK(row.deliveries == 0);
  CHECK(row.again_after == 5s);
  CHECK(row.stats.failures == 1);
  CHECK(row.stats.retries == 0);
  CHECK(row.stats.snoozes == 1);
  CHECK(try_out([] { return Outcome::snooze(0s); }).again_after == 0s);
  CHECK(try_out([] { return Outcome::snooze(-1s); }).again_after == 0s);
}

TEST_CASE("yield counts nothing against the job and runs again at once", "[outcome]") {
  const Row row = try_out([] { return Outcome::yield(); });
  CHECK(row.failures == 0);
  CHECK(row.deliveries == 0);
  CHECK(row.again_after == 0s);
  CHECK(row.stats.failures == 1);
  CHECK(row.stats.retries == 0);
  CHECK(row.stats.snoozes == 1);
}

TEST_CASE("a job that yields runs again behind those that are ready", "[outcome]") {
  std::vector<int> seen;
  ManualQueue<int> queue{[&](int n) {
    seen.push_back(n);
    return n == 0 && seen.size() == 1 ? Outcome::yield() : Outcome::done();
  }};
  for (int n = 0; n < 3; ++n) queue.try_enqueue(n).or_throw();
  CHECK(queue.step() == 3);
  CHECK(queue.step() == 1);
  CHECK(seen == std::vector{0, 1, 2, 0});
}

TEST_CASE("a lost lease counts a hang and a delivery and runs again when the policy says", "[outcome]") {
  ManualClock clock;
  std::optional<Time> ran;
  std::vector<DeadLetter<int>> letters;
  ManualQueue<int> queue{[&](int) {
                           ran = clock.now();
                           return Outcome::dead("over");
                         },
                         {.lease = 1s,
                          .retry = FixedDelay{7s},
                          .dead_letters = [&](DeadLetter<int>&& letter) { letters.push_back(std::move(letter)); }},
                         clock};
  queue.try_enqueue(1).or_throw();
  auto lease = queue.try_reserve();
  REQUIRE(lease);
  clock.advance(1s);
  CHECK(queue.step() == 0);
  REQUIRE(queue.stats().expiries == 1);
  const Time lost = clock.now();
  CHECK(queue.run_until_idle() == 1);
  REQUIRE(ran);
  CHECK(*ran - lost == 7s);
  REQUIRE(letters.size() == 1);
  CHECK(letters[0].failures == 1);
  CHECK(letters[0].hangs == 1);
  CHECK(letters[0].deliveries == 2);
  CHECK_FALSE(lease->done());
}

TEST_CASE("a lease that is dropped unsettled counts as a failure named dropped", "[outcome]") {
  std::vector<DeadLetter<int>> letters;
  ManualQueue<int> queue{
      [](int) { return Outcome::dead("over"); },
      {.retry = FixedDelay{7s}, .dead_letters = [&](DeadLetter<int>&& letter) { letters.push_back(letter); }}};
  queue.try_enqueue(1).or_throw();
  REQUIRE(queue.try_reserve());  // and let go at once
  CHECK(queue.step() == 0);
  queue.clock().jump(7s);
  CHECK(queue.step() == 1);
  REQUIRE(letters.size() == 1);
  CHECK(letters[0].failures == 2);
  CHECK(letters[0].deliveries == 2);
  CHECK(letters[0].first_error.view() == "dropped");
  CHECK(letters[0].last_error.view() == "over");
}

TEST_CASE("dead makes a dead letter at once and counts a failure and a delivery", "[outcome]") {
  int letters = 0;
  ManualQueue<int> queue{[](int) { return Outcome::dead("no such address"); },
                         {.dead_letters = [&](const DeadLetter<int>& letter) {
                           ++letters;
                           CHECK(letter.reason == DeadReason::rejected);
                           CHECK(letter.failures == 1);
                           CHECK(letter.deliveries == 1);
                           CHECK(letter.last_error.view() == "no such address");
                         }}};
  queue.try_enqueue(1).or_throw();
  CHECK(queue.run_until_idle() == 1);
  CHECK(letters == 1);
  CHECK(queue.stats().failures == 1);
  CHECK(queue.stats().dead == 1);
  CHECK(queue.stats().deliveries == 1);
}

TEST_CASE("discard ends the job without success and without a dead letter", "[outcome]") {
  int letters = 0;
  ManualQueue<int> queue{[](int) { return Outcome::discard(); },
                         {.dead_letters = [&](const DeadLetter<int>&) { ++letters; }}};
  queue.try_enqueue(1).or_throw();
  CHECK(queue.run_until_idle() == 1);
  CHECK(letters == 0);
  const Stats stats = queue.stats();
  CHECK(stats.discarded == 1);
  CHECK(stats.deliveries == 1);
  CHECK(stats.failures == 0);
  CHECK(stats.done == 0);
  CHECK(stats.present == 0);
}

TEST_CASE("done, or returning nothing, ends the job", "[outcome]") {
  ManualQueue<int> queue{[](int) { return Outcome::done(); }};
  ManualQueue<int> silent{[](int) {}};
  queue.try_enqueue(1).or_throw();
  silent.try_enqueue(1).or_throw();
  for (const Stats& stats : {(queue.run_until_idle(), queue.stats()), (silent.run_until_idle(), silent.stats())}) {
    CHECK(stats.done == 1);
    CHECK(stats.deliveries == 1);
    CHECK(stats.failures == 0);
    CHECK(stats.present == 0);
  }
}

TEST_CASE("a paused job waits without any delivery", "[outcome]") {
  ManualQueue<int> queue{[](int) {}, {.paused = true}};
  queue.try_enqueue(1).or_throw();
  queue.clock().advance(1h, 1s);
  CHECK(queue.step() == 0);
  CHECK(queue.stats().deliveries == 0);
  queue.resume();
  CHECK(queue.step() == 1);
}

TEST_CASE("a job stopped by shutdown counts no failure and no delivery, and is left over", "[outcome]") {
  std::vector<DeadLetter<int>> letters;
  std::atomic<bool> runs{false};
  JobQueue<int> queue{[&](int, windlass::Delivery& delivery) {
                        runs = true;
                        while (delivery.sleep_for(1h)) {
                        }
                        return Outcome::retry("stopped");
                      },
                      {.dead_letters = [&](const DeadLetter<int>& letter) { letters.push_back(letter); }}};
  queue.enqueue(1).or_throw();
  REQUIRE(await([&] { return runs.load(); }));
  const auto report = queue.shutdown({.grace = 0s, .leftover = Leftover::dead_letter});
  REQUIRE(letters.size() == 1);
  CHECK(letters[0].reason == DeadReason::abandoned);
  CHECK(letters[0].failures == 0);
  CHECK(letters[0].deliveries == 0);
  CHECK(report.abandoned == 1);
  CHECK(report.present == 0);
  CHECK(queue.stats().failures == 0);
}

TEST_CASE("ten thousand snoozes and yields end no job", "[outcome]") {
  int left = 10'000;
  std::vector<DeadLetter<int>> letters;
  ManualQueue<int> queue{[&](int) {
                           if (--left > 0) return left % 2 == 0 ? Outcome::snooze(1ms) : Outcome::yield();
                           return Outcome::done();
                         },
                         {.max_failures = 1, .max_deliveries = 1}};
  queue.try_enqueue(1).or_throw();
  CHECK(queue.run_until_idle() == 10'000);
  CHECK(queue.stats().done == 1);
  CHECK(queue.stats().snoozes == 9'999);
}
