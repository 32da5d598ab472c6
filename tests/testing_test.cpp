#include "windlass/testing.hpp"

#include <chrono>
#include <cstdint>
#include <optional>
#include <utility>
#include <vector>

#include "catch.hpp"

using namespace std::chrono_literals;
using windlass::Delivery;
using windlass::Duration;
using windlass::Outcome;
using windlass::StopReason;
using windlass::Time;
using windlass::testing::ManualClock;
using windlass::testing::ManualQueue;

TEST_CASE("a manual clock moves only when it is told to, and its copies with it", "[testing]") {
  const ManualClock clock;
  const ManualClock copy = clock;
  const ManualClock other;
  CHECK(clock.now() == Time{1h});
  const auto wall = clock.wall_now();
  clock.advance(2500us);
  clock.jump(1h);
  clock.sleep(1ns);
  CHECK(clock.now() == Time{2h + 2500us + 1ns});
  CHECK(copy.now() == clock.now());
  CHECK(clock.wall_now() == wall + std::chrono::floor<std::chrono::system_clock::duration>(1h + 2500us + 1ns));
  CHECK(other.now() == Time{1h});
  clock.advance(0s);
  CHECK(clock.now() == copy.now());
}

TEST_CASE("setting a manual clock's wall changes nothing else", "[testing]") {
  const ManualClock clock;
  const std::chrono::system_clock::time_point noon{12h};
  clock.set_wall(noon);
  CHECK(clock.wall_now() == noon);
  CHECK(clock.now() == Time{1h});
  clock.advance(5ms);
  CHECK(clock.wall_now() == noon + 5ms);
}

TEST_CASE("advance goes tick by tick, jump and sleep at once, and all tell whoever listens", "[testing]") {
  struct Listener {
    ManualClock clock;
    std::vector<std::pair<Duration, Duration>> heard{};  // when, and how much of it was slept
  } listener;
  const auto begun = listener.clock.now();
  listener.clock.listen(&listener, [](void* self, Duration slept) {
    auto& me = *static_cast<Listener*>(self);
    me.heard.emplace_back(me.clock.now() - Time{1h}, slept);
  });
  listener.clock.advance(2500us);
  listener.clock.jump(1s);
  listener.clock.sleep(1s);
  listener.clock.advance(25ms, 10ms);
  const Duration after = 2500us + 2s;
  CHECK(listener.heard == std::vector<std::pair<Duration, Duration>>{{1ms, 0s},
                                                                     {2ms, 0s},
                                                                     {2500us, 0s},
                                                                     {2500us + 1s, 0s},
                                                                     {after, 1s},
                                                                     {after + 10ms, 0s},
                                                                     {after + 20ms, 0s},
                                                                     {after + 25ms, 0s}});
  listener.clock.forget(&listener);
  listener.clock.advance(1ms);
  CHECK(listener.heard.size() == 8);
  CHECK(listener.clock.now() == begun + after + 26ms);
}

TEST_CASE("an on_ready that the clock brings about may pump, make queues and end them", "[testing]") {
  const ManualClock clock;
  ManualQueue<int>* self = nullptr;
  std::optional<ManualQueue<int>> other;
  int ran = 0;
  ManualQueue<int> queue{[&](const int&, Delivery& delivery) {
                           ++ran;
                           (void)delivery.sleep_for(1ms);
                         },
                         {.on_ready =
                              [&] {
                                if (self == nullptr) return;
                                self->pump();
                                other.reset();
                                other.emplace([](const int&) {}, windlass::QueueOptions<int>{}, clock);
                              }},
                         clock};
  queue.enqueue(0, {.delay = 1s}).or_throw();
  queue.pump();
  self = &queue;
  clock.advance(2s);
  CHECK(ran == 1);
  CHECK(clock.now() == Time{1h + 2s + 1ms});
}

TEST_CASE("a manual queue runs nothing by itself, and on step what is ready then", "[testing]") {
  std::vector<int> ran;
  ManualQueue<int> queue{[&](const int& n) { ran.push_back(n); }, {.workers = 7}};  // it has none all the same
  queue.enqueue(0).or_throw();
  queue.enqueue(1, {.delay = 10ms}).or_throw();
  queue.clock().advance(9ms);
  CHECK(ran.empty());
  CHECK(queue.step() == 1);
  CHECK(queue.step() == 0);
  queue.clock().advance(1ms);
  CHECK(ran == std::vector{0});
  CHECK(queue.step() == 1);
  CHECK(ran == std::vector{0, 1});
}

TEST_CASE("run_until_idle skips empty time, with a lease out it does not", "[testing]") {
  ManualQueue<int> queue{[](const int&) {}, {.lease = 30s, .retry = windlass::FixedDelay{}}};
  queue.enqueue(0, {.delay = 24h * 365}).or_throw();
  CHECK(queue.run_until_idle() == 1);  // tick by tick this would take minutes
  queue.enqueue(0).or_throw();
  auto lease = queue.try_reserve();
  REQUIRE(lease);
  const auto begun = queue.clock().now();
  CHECK(queue.run_until_idle() == 1);
  CHECK(queue.clock().now() - begun < 34s);  // time passed for the lease, too: it was no standstill
  CHECK(lease->stop_reason() == windlass::StopReason::lease_lost);
}

TEST_CASE("run_until_idle moves the clock from one due time to the next, and no further", "[testing]") {
  std::vector<std::pair<int, Duration>> ran;
  ManualClock clock;
  ManualQueue<int> queue{[&](const int& n, Delivery& delivery) {
                           ran.emplace_back(n, clock.now() - Time{1h});
                           return n == 0 && delivery.attempt() < 3 ? Outcome::retry() : Outcome::done();
                         },
                         {.retry = windlass::FixedDelay{5s}},
                         clock};
  queue.enqueue(0).or_throw();
  queue.enqueue(1, {.delay = 7s}).or_throw();
  CHECK(queue.run_until_idle() == 4);
  CHECK(ran == std::vector<std::pair<int, Duration>>{{0, 0s}, {0, 5s}, {1, 7s}, {0, 10s}});
  CHECK(queue.clock().now() == Time{1h + 10s});
  CHECK(queue.run_until_idle() == 0);
  CHECK(queue.clock().now() == Time{1h + 10s});
}

TEST_CASE("advance lets leases run out, and jump looks as if the process had stood still", "[testing]") {
  ManualQueue<int> queue{{.lease = 1s}};
  queue.enqueue(0).or_throw();
  auto lease = queue.try_reserve();
  REQUIRE(lease);
  queue.clock().jump(1h);
  CHECK(lease->stop_reason() == StopReason::none);
  queue.clock().advance(900ms);
  CHECK(lease->stop_reason() == StopReason::none);
  queue.clock().advance(200ms);
  CHECK(lease->stop_reason() == StopReason::lease_lost);
}

TEST_CASE("one clock serves several queues, and what is gone is not called", "[testing]") {
  const ManualClock clock;
  int ran = 0;
  const auto count = [&](const int&) { ++ran; };
  std::optional<ManualQueue<int>> first, second;
  first.emplace(count, windlass::QueueOptions<int>{}, clock);
  second.emplace(count, windlass::QueueOptions<int>{}, clock);
  first->enqueue(0, {.delay = 1s}).or_throw();
  second->enqueue(0, {.delay = 1s}).or_throw();
  clock.advance(1s);
  CHECK(first->stats().waiting == 0);  // the clock told both
  CHECK(second->stats().waiting == 0);
  CHECK(first->step() == 1);
  first.reset();
  clock.advance(1s);
  CHECK(second->step() == 1);
  CHECK(ran == 2);
}

TEST_CASE("same seed, same run, and another seed, another run", "[testing]") {
  const auto run = [](std::uint64_t seed) {
    std::vector<std::pair<int, Duration>> ran;
    const ManualClock clock;
    ManualQueue<int> queue{[&](const int& n) {
                             ran.emplace_back(n, clock.now() - Time{1h});
                             return n % 3 == 0 ? Outcome::done() : Outcome::retry();
                           },
                           {.max_failures = 4, .seed = seed},
                           clock};
    for (int n = 0; n < 30; ++n) queue.enqueue(n, {.delay = 1ms * n}).or_throw();
    queue.run_until_idle();
    return ran;
  };
  const auto first = run(1);
  CHECK(first.size() == 10 + 20 * 4);
  CHECK(run(1) == first);
  CHECK(run(2) != first);
}

TEST_CASE("in virtual time a wait takes no time, and a handler's sleep moves the clock", "[testing]") {
  ManualQueue<int> queue{[](const int&, Delivery& delivery) { (void)delivery.sleep_for(3h); }};
  queue.enqueue(0, {.delay = 5h}).or_throw();
  const auto begun = std::chrono::steady_clock::now();
  CHECK(queue.drain_for(24h));
  CHECK(queue.clock().now() == Time{1h + 8h});
  CHECK(std::chrono::steady_clock::now() - begun < 30s);
}
