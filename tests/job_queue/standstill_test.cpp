#include <chrono>
#include <optional>
#include <utility>

#include "catch.hpp"
#include "puppet.hpp"
#include "windlass/testing.hpp"

using namespace std::chrono_literals;
using windlass::Delivery;
using windlass::Duration;
using windlass::FixedDelay;
using windlass::StopReason;
using windlass::Time;
using windlass::testing::ManualQueue;

// A process that stands still (a debugger, a lid, SIGSTOP) and goes on. Handlers stood still as well: no lease expires.

namespace {

using Queue = ManualQueue<int>;

constexpr Duration lease = 1s;
constexpr Duration standstill = 3s;

Duration moves_on_until(const Queue& queue, std::uint64_t expiries, Duration limit) {
  const Time begun = queue.clock().now();
  while (queue.stats().expiries < expiries && queue.clock().now() < begun + limit) queue.clock().advance(1ms);
  return queue.clock().now() - begun;
}

}  // namespace

TEST_CASE("a standstill of three leases expires no run, and takes next to nothing off its lease", "[standstill]") {
  const Duration before = GENERATE(Duration{0}, 1ms, 100ms, 900ms);
  Queue queue{Puppet::handle, {.lease = lease}};
  queue.try_enqueue(1).or_throw();
  Puppet run(queue);
  queue.clock().advance(before);
  queue.clock().jump(standstill);
  CHECK(run.stop_reason() == StopReason::none);
  const Duration took = moves_on_until(queue, 1, 5s) + before;
  CHECK(took >= lease - lease / 16);  // a standstill counts as one look, of which there are sixteen
  CHECK(took <= lease + lease / 4);
}

TEST_CASE("a standstill expires no pulled lease", "[standstill]") {
  const Duration before = GENERATE(Duration{0}, 1ms, 100ms, 900ms);
  Queue queue{{.lease = lease}};
  const bool was_idle = GENERATE(false, true);
  if (was_idle) queue.clock().advance(10s);  // the watch has gone to sleep
  queue.try_enqueue(1).or_throw();
  auto pulled = queue.try_reserve();
  REQUIRE(pulled);
  queue.clock().advance(before);
  queue.clock().jump(standstill);
  CHECK(pulled->stop_reason() == StopReason::none);
  const Duration took = moves_on_until(queue, 1, 5s) + before;
  CHECK(took >= lease - lease / 16);
  CHECK(took <= lease + lease / 4);
}

TEST_CASE("a standstill expires no lease that was extended", "[standstill]") {
  const bool is_pulled = GENERATE(false, true);
  const Duration before = GENERATE(Duration{0}, 1ms, 100ms, 1900ms);
  Queue queue{Puppet::handle, {.lease = lease}};
  queue.try_enqueue(1).or_throw();
  std::optional<Puppet> run;
  std::optional<Queue::Lease> pulled;
  if (is_pulled) {
    pulled.emplace(std::move(*queue.try_reserve()));
    CHECK(pulled->extend(2s));
  } else {
    run.emplace(queue);
    CHECK(run->tell([](Delivery& d) { return d.extend(2s); }));
  }
  queue.clock().advance(before);
  queue.clock().jump(standstill);
  CHECK(queue.stats().expiries == 0);
  const Duration took = moves_on_until(queue, 1, 9s) + before;
  CHECK(took >= 2s - lease / 16);
  CHECK(took <= 2s + lease / 4);
}

TEST_CASE("after a standstill new leases are as long as ever, for who pumps too", "[standstill]") {
  Queue queue{Puppet::handle, {.lease = lease}};
  queue.try_enqueue(0, {.lease = 0s}).or_throw();
  const Puppet other(queue);
  queue.clock().advance(100ms);
  queue.clock().jump(standstill);
  queue.clock().advance(100ms);
  queue.try_enqueue(1).or_throw();
  Puppet run(queue);
  queue.clock().advance(500ms);
  CHECK(queue.step() == 0);  // keeps time as well
  CHECK(queue.stats().expiries == 0);
  const Duration took = moves_on_until(queue, 1, 5s) + 500ms;
  CHECK(took >= lease);
  CHECK(took <= lease + lease / 8 + 2ms);
}

TEST_CASE("many standstills add up to nothing", "[standstill]") {
  Queue queue{Puppet::handle, {.lease = lease}};
  queue.try_enqueue(1).or_throw();
  queue.try_enqueue(2).or_throw();
  Puppet run(queue);
  auto pulled = queue.try_reserve();
  REQUIRE(pulled);
  for (int i = 0; i < 10; ++i) {
    queue.clock().advance(20ms);
    queue.clock().jump(10s);
  }
  CHECK(queue.stats().expiries == 0);
  CHECK(pulled->done());
  run.end();
  CHECK(queue.stats().done == 2);
}

TEST_CASE("a standstill delays no timer: what was due meanwhile is due at once", "[standstill]") {
  Queue queue{Puppet::handle, {.lease = lease}};
  queue.try_enqueue(0).or_throw();
  const Puppet other(queue);
  queue.try_enqueue(1, {.delay = 2s}).or_throw();
  queue.clock().advance(100ms);
  queue.clock().jump(standstill);
  CHECK(queue.step() == 1);
}

TEST_CASE("time that a handler slept, or a call waited, is no standstill", "[standstill]") {
  Queue queue{[](const int&, Delivery& d) { d.sleep_for(600ms); }, {.lease = lease}};
  queue.try_enqueue(1).or_throw();
  auto pulled = queue.try_reserve();
  REQUIRE(pulled);
  queue.clock().advance(1ms);
  SECTION("slept") {
    queue.try_enqueue(2).or_throw();
    CHECK(queue.run_one());
  }
  SECTION("waited") { CHECK_FALSE(queue.wait_idle_for(600ms)); }
  const Duration took = moves_on_until(queue, 1, 5s) + 601ms;
  CHECK(took >= lease);
  CHECK(took <= lease + 2ms);
}
