#include <atomic>
#include <chrono>
#include <condition_variable>
#include <mutex>
#include <optional>
#include <thread>
#include <utility>
#include <vector>

#include "await.hpp"
#include "catch.hpp"
#include "puppet.hpp"
#include "signal.hpp"
#include "windlass/testing.hpp"

using namespace std::chrono_literals;
using windlass::CancelResult;
using windlass::EnqueueError;
using windlass::FixedDelay;
using windlass::JobId;
using windlass::JobQueue;
using windlass::StopReason;
using windlass::StopToken;
using windlass::WaitError;
using windlass::testing::ManualQueue;

// The stop tokens of leases that are pulled by hand.

namespace {

using Queue = ManualQueue<int>;

template <class AnyQueue>
typename AnyQueue::Lease pull(AnyQueue& queue) {
  auto reserved = queue.try_reserve();
  REQUIRE(reserved);
  return std::move(*reserved);
}

// Another thread that sleeps until a token is set; asleep as soon as it is constructed.
class Sleeper {
 public:
  explicit Sleeper(StopToken token) : thread_([this, token] { sleep(token); }) {
    while (!is_asleep_) std::this_thread::yield();
  }
  Sleeper(const Sleeper&) = delete;
  Sleeper& operator=(const Sleeper&) = delete;
  ~Sleeper() { (void)join(); }

  // What it was woken with; `none` if it slept in vain.
  StopReason join() {
    if (thread_.joinable()) thread_.join();
    return woken_with_;
  }

 private:
  void sleep(StopToken token) {
    const windlass::detail::StopState::Waiter registered(token.state(), mutex_, wake_);
    std::unique_lock lock(mutex_);
    is_asleep_ = true;  // whoever asks for a stop waits for the mutex, and gets it when we are asleep
    wake_.wait_for(lock, 20s, [&] { return token.stop_requested(); });
    woken_with_ = token.reason();
  }

  std::mutex mutex_;
  std::condition_variable wake_;
  std::atomic<bool> is_asleep_{false};
  StopReason woken_with_ = StopReason::none;
  std::thread thread_;
};

}  // namespace

TEST_CASE("each reason sets the token of a pulled lease and wakes who waits for it", "[pulled][stop]") {
  Queue queue{{.lease = 100ms, .max_runtime = 1s, .shutdown_grace = 0s}};
  const JobId id = queue.try_enqueue(1).or_throw();
  auto lease = pull(queue);
  const StopToken token = lease.stop_token();
  CHECK(token.reason() == StopReason::none);
  CHECK_FALSE(token.stop_requested());
  Sleeper first(token);
  Sleeper second(token);
  StopReason expected{};
  SECTION("cancelled") {
    CHECK(queue.cancel(id) == CancelResult::requested);
    expected = StopReason::user;
  }
  SECTION("cancelled after it was extended") {
    CHECK(lease.extend(1h));
    CHECK(queue.cancel(id) == CancelResult::requested);
    expected = StopReason::user;
  }
  SECTION("cancelled after it was committed") {
    CHECK(lease.try_commit());
    CHECK(queue.cancel(id) == CancelResult::requested);
    expected = StopReason::user;
  }
  SECTION("lost") {
    queue.clock().advance(99ms);
    CHECK(token.reason() == StopReason::none);
    queue.clock().advance(2ms);
    expected = StopReason::lease_lost;
  }
  SECTION("shut down") {
    queue.shutdown({.grace = 0s});
    expected = StopReason::shutdown;
  }
  SECTION("max_runtime") {
    CHECK(lease.extend(1h));
    queue.clock().advance(999ms);
    CHECK(token.reason() == StopReason::none);
    queue.clock().advance(2ms);
    expected = StopReason::max_runtime;
  }
  CHECK(token.reason() == expected);
  CHECK(lease.stop_token().reason() == expected);
  CHECK(lease.stop_reason() == expected);
  CHECK(first.join() == expected);
  CHECK(second.join() == expected);
}

TEST_CASE("a pulled lease that is lost while its queue shuts down, or cancelled, is told", "[pulled][stop]") {
  Queue queue{{.lease = 100ms}};
  const JobId id = queue.try_enqueue(1).or_throw();
  auto lease = pull(queue);
  Sleeper sleeper(lease.stop_token());
  StopReason expected = StopReason::lease_lost;
  SECTION("during the grace of a shutdown") {
    queue.shutdown({.grace = 1s});  // moves the clock on
    CHECK(queue.stats().expiries == 1);
  }
  SECTION("cancelled before") {
    CHECK(queue.cancel(id) == CancelResult::requested);
    expected = StopReason::user;
    queue.clock().advance(101ms);
    CHECK(queue.stats().cancelled == 1);
    CHECK(lease.stop_reason() == StopReason::user);  // the first reason stands
  }
  CHECK(sleeper.join() == expected);
}

TEST_CASE("who waits for the stop of a pulled lease is woken when it is settled", "[pulled][stop]") {
  Queue queue{{.capacity = 1, .retry = FixedDelay{}}};
  queue.try_enqueue(1).or_throw();
  std::optional<Queue::Lease> lease = pull(queue);
  const StopToken token = lease->stop_token();
  Sleeper sleeper(token);
  SECTION("done") { CHECK(lease->done()); }
  SECTION("snoozed") { CHECK(lease->snooze(1s)); }
  SECTION("dropped") { lease.reset(); }
  SECTION("replaced") {
    lease->retry();
    lease = pull(queue);
    CHECK(lease->stop_token().reason() == StopReason::none);
  }
  CHECK(token.reason() == StopReason::lease_lost);
  CHECK(sleeper.join() == StopReason::lease_lost);
}

TEST_CASE("a call that waits for a stop token of a pulled lease is woken by it", "[pulled][stop]") {
  JobQueue<int> queue{{.workers = 0}};
  const JobId id = queue.try_enqueue(1).or_throw();
  auto reserved = queue.try_reserve();
  REQUIRE(reserved);
  const StopToken token = reserved->stop_token();
  JobQueue<int> full{{.capacity = 1, .workers = 0}};
  full.try_enqueue(1).or_throw();
  JobQueue<int> empty{{.workers = 0}};
  std::vector<std::thread> threads;
  std::atomic<int> waiting{0};
  std::atomic<int> stopped{0};
  threads.emplace_back([&] {
    ++waiting;
    stopped += full.enqueue_for(2, 1h, {}, token).error() == EnqueueError::stopped ? 1 : 0;
  });
  threads.emplace_back([&] {
    ++waiting;
    stopped += empty.reserve(token).error() == WaitError::stopped ? 1 : 0;
  });
  threads.emplace_back([&] {  // a call of the same queue
    ++waiting;
    stopped += queue.reserve_for(1h, token).error() == WaitError::stopped ? 1 : 0;
  });
  threads.emplace_back([&] {
    ++waiting;
    empty.run(token);
    ++stopped;
  });
  CHECK(await([&] { return waiting == 4; }));
  CHECK(stopped == 0);
  CHECK(queue.cancel(id) == CancelResult::requested);
  CHECK(await([&] { return stopped == 4; }));
  empty.close();  // lest a defect hangs the test
  full.close();
  queue.close();
  for (auto& thread : threads) thread.join();
}

TEST_CASE("in real time max_runtime and a lost lease wake a call that waits for the token", "[pulled][stop]") {
  const bool is_lost = GENERATE(false, true);
  Signal inside;
  Signal release;
  const auto handle = [&](const int&) {
    inside.set();
    release.wait();
  };
  JobQueue<int> queue{handle, {.workers = 1, .lease = 0s}};
  queue.try_enqueue(1).or_throw();  // keeps the worker away from the other
  REQUIRE(inside.wait());
  queue.try_enqueue(2, {.lease = is_lost ? 50ms : 0ms, .max_runtime = is_lost ? 1h : 50ms}).or_throw();
  auto lease = queue.try_reserve();
  REQUIRE(lease);
  JobQueue<int> empty{{.workers = 0}};
  const StopToken token = lease->stop_token();
  CHECK(empty.reserve_for(20s, token).error() == WaitError::stopped);
  CHECK(token.reason() == (is_lost ? StopReason::lease_lost : StopReason::max_runtime));
  release.set();
}

TEST_CASE("a call that keeps time itself is stopped by what it brings about", "[pulled][stop]") {
  Queue queue{{.lease = 0s, .max_runtime = 1s}};
  queue.try_enqueue(1).or_throw();
  auto lease = pull(queue);
  const auto begun = queue.clock().now();
  CHECK(queue.reserve(lease.stop_token()).error() == WaitError::stopped);
  CHECK(queue.clock().now() - begun >= 1s);
  CHECK(queue.clock().now() - begun <= 1s + 1ms);
  CHECK(lease.stop_reason() == StopReason::max_runtime);
}

TEST_CASE("a pulled lease that is extended keeps its token", "[pulled][stop]") {
  Queue queue{{.lease = 100ms}};
  queue.try_enqueue(1).or_throw();
  auto lease = pull(queue);
  const StopToken token = lease.stop_token();
  for (int i = 0; i < 10; ++i) {
    CHECK(lease.extend(100ms));
    queue.clock().advance(99ms);
    CHECK(token.reason() == StopReason::none);
    CHECK(lease.stop_token().reason() == StopReason::none);
  }
  auto moved = std::move(lease);
  Sleeper sleeper(token);
  queue.clock().advance(2ms);
  CHECK(token.reason() == StopReason::lease_lost);
  CHECK(sleeper.join() == StopReason::lease_lost);
}

TEST_CASE("an old token says lease_lost once a newer lease has begun, and the newer one's says none",
          "[pulled][stop]") {
  Queue queue{{.capacity = 1, .lease = 100ms, .max_runtime = 50ms, .max_hangs = 9, .retry = FixedDelay{}}};
  queue.try_enqueue(1).or_throw();
  auto lost = pull(queue);
  const StopToken old = lost.stop_token();
  queue.clock().advance(101ms);
  CHECK(old.reason() == StopReason::max_runtime);
  auto next = pull(queue);
  CHECK(old.reason() == StopReason::lease_lost);
  CHECK(lost.stop_reason() == StopReason::lease_lost);
  CHECK(lost.stop_token().reason() == StopReason::lease_lost);
  CHECK(next.stop_token().reason() == StopReason::none);
  CHECK(next.stop_reason() == StopReason::none);
  CHECK_FALSE(lost.extend(1h));  // nothing that the old one does reaches the new one
  CHECK_FALSE(lost.retry());
  CHECK(next.stop_token().reason() == StopReason::none);
  queue.clock().advance(51ms);
  CHECK(next.stop_token().reason() == StopReason::max_runtime);
  CHECK(old.reason() == StopReason::lease_lost);  // nor the other way round
}

TEST_CASE("a token says nothing about the next job in its slot", "[pulled][stop]") {
  Queue queue{Puppet::handle, {.capacity = 1}};
  const JobId first = queue.try_enqueue(1).or_throw();
  auto lease = pull(queue);
  const StopToken old = lease.stop_token();
  CHECK(queue.cancel(first) == CancelResult::requested);
  CHECK(old.reason() == StopReason::user);
  CHECK(lease.done());
  const JobId second = queue.try_enqueue(2).or_throw();
  REQUIRE(second.slot() == first.slot());
  SECTION("which is pulled") {
    auto next = pull(queue);
    CHECK(old.reason() == StopReason::lease_lost);
    CHECK(queue.cancel(first) == CancelResult::not_found);
    CHECK(next.stop_token().reason() == StopReason::none);
    CHECK(queue.cancel(second) == CancelResult::requested);
    CHECK(next.stop_token().reason() == StopReason::user);
    CHECK(old.reason() == StopReason::lease_lost);
  }
  SECTION("which a worker runs") {
    Puppet run(queue);
    CHECK(run.stop_reason() == StopReason::none);
    CHECK(queue.cancel(second) == CancelResult::requested);
    CHECK(run.stop_reason() == StopReason::user);
  }
}

TEST_CASE("each pulled lease has a token of its own", "[pulled][stop]") {
  constexpr int many = 200;  // more than the planner takes at once
  Queue queue{{.capacity = many, .lease = 1s, .max_runtime = 500ms}};
  std::vector<Queue::Lease> leases;
  std::vector<StopToken> tokens;
  for (int i = 0; i < many; ++i) {
    const JobId id = queue.try_enqueue(i).or_throw();
    leases.push_back(pull(queue));
    tokens.push_back(leases.back().stop_token());
    if (i % 2 == 0) CHECK(queue.cancel(id) == CancelResult::requested);
  }
  const auto count = [&](StopReason reason) {
    int n = 0;
    for (const StopToken& token : tokens) n += token.reason() == reason ? 1 : 0;
    return n;
  };
  CHECK(count(StopReason::user) == many / 2);
  CHECK(count(StopReason::none) == many / 2);
  queue.clock().advance(501ms);
  CHECK(count(StopReason::user) == many / 2);
  CHECK(count(StopReason::max_runtime) == many / 2);
  queue.clock().advance(500ms);
  CHECK(queue.stats().expiries == many);
}

TEST_CASE("a lease that is settled or outlives its queue gives tokens that are set", "[pulled][stop]") {
  std::optional<Queue> queue(std::in_place, Queue::Options{.shutdown_grace = 0s});
  queue->try_enqueue(1).or_throw();
  queue->try_enqueue(2).or_throw();
  auto settled = pull(*queue);
  auto held = pull(*queue);
  CHECK(settled.done());
  CHECK(settled.stop_token().reason() == StopReason::lease_lost);
  CHECK(settled.stop_reason() == StopReason::lease_lost);
  queue.reset();
  CHECK(held.stop_token().reason() == StopReason::shutdown);
  CHECK(held.stop_reason() == StopReason::shutdown);
  Queue empty;
  CHECK(empty.reserve_for(1s, held.stop_token()).error() == WaitError::stopped);  // valid without the queue
}
