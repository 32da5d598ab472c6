#include <atomic>
#include <chrono>
#include <cstdint>
#include <thread>
#include <utility>
#include <vector>

#include "catch.hpp"
#include "signal.hpp"
#include "windlass/testing.hpp"

using namespace std::chrono_literals;
using windlass::DeadLetter;
using windlass::Delivery;
using windlass::Duration;
using windlass::JobQueue;
using windlass::Outcome;
using windlass::Report;
using windlass::testing::ManualClock;
using windlass::testing::ManualQueue;

TEST_CASE("shutdown with run runs what is due within the grace, at its time, and abandons the rest", "[shutdown]") {
  std::vector<std::pair<int, Duration>> ran;
  std::vector<int> abandoned;
  ManualClock clock;
  const auto begun = clock.now();
  ManualQueue<int> queue{[&](const int& n, Delivery& delivery) {
                           ran.emplace_back(n, clock.now() - begun);
                           return n == 3 && delivery.attempt() < 3 ? Outcome::retry_after(1s) : Outcome::done();
                         },
                         {.dead_letters = [&](const DeadLetter<int>& letter) { abandoned.push_back(*letter.payload); }},
                         clock};
  queue.enqueue(1).or_throw();
  queue.enqueue(2, {.delay = 3s}).or_throw();
  queue.enqueue(3).or_throw();
  queue.enqueue(4, {.delay = 10s}).or_throw();
  const Report report = queue.shutdown({.grace = 5s});
  CHECK(ran == std::vector<std::pair<int, Duration>>{{1, 0s}, {3, 0s}, {3, 1s}, {3, 2s}, {2, 3s}});
  CHECK(abandoned == std::vector{4});
  CHECK(report.accepted == 4);
  CHECK(report.done == 3);
  CHECK(report.dead == 1);
  CHECK(report.abandoned == 1);
  CHECK(report.present == 0);
  CHECK(clock.now() == begun + 3s);
}

TEST_CASE("shutdown with run returns as soon as nothing is due within the grace", "[shutdown]") {
  const Duration delay = GENERATE(5001ms, 6s, 8s, 60s, 24h, 10000h);
  ManualQueue<int> queue{[](const int&) {}};
  const auto begun = queue.clock().now();
  queue.enqueue(0, {.delay = delay}).or_throw();
  queue.enqueue(1).or_throw();
  CHECK(queue.shutdown({.grace = 5s}).abandoned == 1);
  CHECK(queue.clock().now() == begun);
}

TEST_CASE("shutdown knows when wall-clock jobs are due, however often it looks at them", "[shutdown]") {
  std::vector<Duration> ran;
  ManualClock clock;
  const auto begun = clock.now();
  ManualQueue<int> queue{[&](const int&) { ran.push_back(clock.now() - begun); }, {}, clock};
  queue.enqueue(0, {.at = clock.wall_now() + 1h}).or_throw();
  queue.enqueue(1, {.at = clock.wall_now() + 5001ms}).or_throw();
  SECTION("none within the grace") {
    CHECK(queue.shutdown({.grace = 5s}).abandoned == 2);
    CHECK(clock.now() == begun);
  }
  SECTION("one within the grace") {
    queue.enqueue(2, {.at = clock.wall_now() + 2500ms}).or_throw();
    CHECK(queue.shutdown({.grace = 5s}).abandoned == 2);
    CHECK(ran == std::vector<Duration>{2500ms});
    CHECK(clock.now() == begun + 2500ms);
  }
}

TEST_CASE("in real time too, shutdown returns as soon as nothing is due within the grace", "[shutdown]") {
  int slow = 0;
  std::uint64_t done = 0, abandoned = 0;
  for (int round = 0; round < 200; ++round) {
    JobQueue<int> queue{[](const int&) {}, {.workers = 2}};
    queue.enqueue(0, {.delay = 1h}).or_throw();
    for (int n = 0; n < round % 5; ++n) queue.enqueue(n).or_throw();
    CHECK(queue.wait_idle_for(10s));
    const auto begun = std::chrono::steady_clock::now();
    const Report report = queue.shutdown({.grace = 20s});
    slow += std::chrono::steady_clock::now() - begun < 10s ? 0 : 1;
    done += report.done;
    abandoned += report.abandoned;
  }
  CHECK(slow == 0);
  CHECK(done == 40 * (0 + 1 + 2 + 3 + 4));
  CHECK(abandoned == 200);
}

TEST_CASE("threads that shut one queue down together all return with the same report", "[shutdown]") {
  Signal inside;
  std::atomic<int> stopped{0};
  JobQueue<int> queue{[&](const int&, Delivery& delivery) {
    inside.set();
    stopped += delivery.sleep_for(20s) ? 0 : 1;
  }};
  queue.enqueue(0).or_throw();
  queue.enqueue(1, {.delay = 1h}).or_throw();
  REQUIRE(inside.wait());
  std::vector<Report> reports(3);
  std::vector<std::thread> threads;
  for (auto& report : reports) threads.emplace_back([&] { report = queue.shutdown({.grace = 10ms}); });
  for (auto& thread : threads) thread.join();
  CHECK(stopped == 1);
  for (const auto& report : reports) {
    CHECK(report.done == 1);
    CHECK(report.abandoned == 1);
    CHECK(report.present == 0);
  }
}

TEST_CASE("a handler that succeeds although shutdown asked it to stop is done", "[shutdown]") {
  Signal inside;
  JobQueue<int> queue{[&](const int&, Delivery& delivery) {
    inside.set();
    (void)delivery.sleep_for(20s);
  }};
  queue.enqueue(0).or_throw();
  REQUIRE(inside.wait());
  CHECK(queue.shutdown({.grace = 0s}).done == 1);
}
