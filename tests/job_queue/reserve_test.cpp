#include <atomic>
#include <chrono>
#include <optional>
#include <thread>
#include <utility>

#include "await.hpp"
#include "catch.hpp"
#include "puppet.hpp"
#include "signal.hpp"
#include "windlass/testing.hpp"
#include "windlass/windlass.hpp"

using namespace std::chrono_literals;
using windlass::Delivery;
using windlass::FixedDelay;
using windlass::JobQueue;
using windlass::StopSource;
using windlass::Time;
using windlass::WaitError;
using windlass::testing::ManualQueue;

namespace {

using Pulled = JobQueue<int>;

// A reserve() on a thread of its own.
struct Reserving {
  std::optional<WaitError> error;
  std::optional<int> payload;
  Signal is_over;
  std::thread thread;

  explicit Reserving(Pulled& queue, windlass::StopToken stop = {})
      : thread([this, &queue, stop] {
          auto reserved = queue.reserve(stop);
          error = reserved.error();
          if (reserved) payload = **reserved;
          if (reserved) reserved->done();
          is_over.set();
        }) {}
  Reserving(const Reserving&) = delete;
  ~Reserving() { thread.join(); }
};

}  // namespace

TEST_CASE("without a job try_reserve and reserve_for say timed_out, the latter when its time is over", "[pulled]") {
  ManualQueue<int> queue;
  CHECK(queue.try_reserve().error() == WaitError::timed_out);
  const Time before = queue.clock().now();
  CHECK(queue.reserve_for(5s).error() == WaitError::timed_out);
  CHECK(queue.clock().now() == before + 5s);
  CHECK(queue.reserve_for(0s).error() == WaitError::timed_out);
}

TEST_CASE("reserve gets a delayed job when it is due, and a lost one when its lease is over", "[pulled]") {
  ManualQueue<int> queue{{.lease = 10s, .retry = FixedDelay{1s}}};
  queue.try_enqueue(1, {.delay = 3s}).or_throw();
  const Time begun = queue.clock().now();
  auto first = queue.reserve();
  REQUIRE(first);
  CHECK(queue.clock().now() == begun + 3s);
  auto second = queue.reserve_for(1h);
  REQUIRE(second);
  CHECK(second->attempt() == 2);
  CHECK(queue.clock().now() == begun + 14s);
  CHECK_FALSE(first->retry());
  CHECK(second->done());
}

TEST_CASE("a lease is taken out of a temporary answer as out of an optional", "[pulled]") {
  ManualQueue<int> queue;
  queue.try_enqueue(7).or_throw();
  auto lease = *queue.try_reserve();
  CHECK(*lease == 7);
  CHECK(lease.done());
}

TEST_CASE("reserve that was told to stop says so, and a job goes before it", "[pulled]") {
  ManualQueue<int> queue;
  StopSource stop;
  stop.request_stop();
  CHECK(queue.reserve(stop.token()).error() == WaitError::stopped);
  CHECK(queue.reserve_for(1h, stop.token()).error() == WaitError::stopped);
  queue.try_enqueue(1).or_throw();
  CHECK(queue.reserve(stop.token()));
}

TEST_CASE("a closed queue says closed once its last job is over, not before", "[pulled]") {
  ManualQueue<int> queue{{.retry = FixedDelay{}}};
  queue.try_enqueue(1).or_throw();
  auto lease = queue.try_reserve();
  REQUIRE(lease);
  queue.close();
  CHECK(queue.try_reserve().error() == WaitError::timed_out);  // it may come back
  CHECK(queue.reserve_for(1s).error() == WaitError::timed_out);
  CHECK(lease->retry());
  auto again = queue.reserve();
  REQUIRE(again);
  CHECK(again->done());
  CHECK(queue.try_reserve().error() == WaitError::closed);
  CHECK(queue.reserve().error() == WaitError::closed);
}

TEST_CASE("reserve would wait for itself inside a handler of the queue, and on the thread that pumps", "[pulled]") {
  std::optional<WaitError> inside;
  std::optional<WaitError> at_once;
  ManualQueue<int>* self = nullptr;
  ManualQueue<int> queue{[&](const int&) {
    inside = self->reserve_for(1h).error();
    at_once = self->try_reserve().error();
  }};
  self = &queue;
  queue.try_enqueue(1).or_throw();
  CHECK(queue.step() == 1);
  CHECK(inside == WaitError::would_deadlock);
  CHECK(at_once == WaitError::timed_out);
  CHECK(queue.reserve().error() == WaitError::would_deadlock);
  queue.try_enqueue(2).or_throw();
  CHECK(queue.reserve());  // it need not wait
}

TEST_CASE("a handler may pull another job of its queue", "[pulled]") {
  std::optional<int> pulled;
  ManualQueue<int>* self = nullptr;
  ManualQueue<int> queue{[&](const int& payload) {
    if (payload != 1) return;
    if (auto lease = self->reserve()) {
      pulled = **lease;
      lease->done();
    }
  }};
  self = &queue;
  queue.try_enqueue(1).or_throw();
  queue.try_enqueue(2).or_throw();
  CHECK(queue.run_until_idle() == 1);
  CHECK(pulled == 2);
  CHECK(queue.stats().done == 2);
}

TEST_CASE("a waiting reserve is woken by a job", "[pulled]") {
  Pulled queue{{.workers = 0}};
  for (int i = 0; i < 500; ++i) {  // mostly before it waits, sometimes when it does
    Reserving call(queue);
    if (i % 2 == 0) std::this_thread::yield();
    queue.try_enqueue(i).or_throw();
    REQUIRE(call.is_over.wait());
    REQUIRE(call.payload == i);
  }
}

TEST_CASE("of two waiting reserves each gets a job", "[pulled]") {
  Pulled queue{{.workers = 0}};
  for (int i = 0; i < 200; ++i) {
    Reserving first(queue);
    Reserving second(queue);
    queue.try_enqueue(1).or_throw();
    queue.try_enqueue(2).or_throw();
    REQUIRE(first.is_over.wait());
    REQUIRE(second.is_over.wait());
    REQUIRE(*first.payload + *second.payload == 3);
  }
}

TEST_CASE("a waiting reserve is woken by a stop, and only the one that was told", "[pulled]") {
  Pulled queue{{.workers = 0}};
  StopSource stop;
  Reserving told(queue, stop.token());
  Reserving other(queue);
  stop.request_stop();
  REQUIRE(told.is_over.wait());
  CHECK(told.error == WaitError::stopped);
  queue.try_enqueue(1).or_throw();
  REQUIRE(other.is_over.wait());
  CHECK(other.payload == 1);
}

TEST_CASE("waiting reserves are woken by close and the end of the last job, and by shutdown", "[pulled]") {
  std::optional<Pulled> queue(std::in_place, Pulled::Options{.workers = 0, .lease = 0s, .shutdown_grace = 0s});
  queue->try_enqueue(1).or_throw();
  auto lease = queue->try_reserve();
  REQUIRE(lease);
  {
    Reserving first(*queue);
    Reserving second(*queue);
    SECTION("close, then the last job") {
      queue->close();
      CHECK(lease->done());
    }
    SECTION("the last job, then close") {
      CHECK(lease->done());
      queue->close();
    }
    SECTION("shutdown") { queue->shutdown({.grace = 50ms}); }  // by its end they sleep again, woken by the close
    REQUIRE(first.is_over.wait());
    REQUIRE(second.is_over.wait());
    CHECK(first.error == WaitError::closed);
    CHECK(second.error == WaitError::closed);
  }
}

TEST_CASE("a reserve that waits for a lost lease in real time gets the job", "[pulled]") {
  Pulled queue{{.workers = 0, .lease = 20ms, .retry = FixedDelay{}}};
  queue.try_enqueue(1).or_throw();
  auto lost = queue.try_reserve();
  REQUIRE(lost);
  auto again = queue.reserve_for(30s);  // nobody else keeps time
  REQUIRE(again);
  CHECK(again->attempt() == 2);
  CHECK_FALSE(lost->retry());
  CHECK(again->done());
}
