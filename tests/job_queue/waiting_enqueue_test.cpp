#include <atomic>
#include <functional>
#include <memory>
#include <optional>
#include <thread>
#include <utility>
#include <vector>

#include "await.hpp"
#include "catch.hpp"
#include "proc.hpp"
#include "windlass/testing.hpp"

using namespace std::chrono_literals;
using windlass::EnqueueError;
using windlass::EnqueueResult;
using windlass::JobQueue;
using windlass::StopSource;
using windlass::testing::ManualQueue;

namespace {

using Payload = std::unique_ptr<int>;

// A pumped queue with room for one job, and that job in it.
struct FullQueue {
  std::vector<int> seen;
  JobQueue<Payload> queue{[this](const Payload& payload) { seen.push_back(*payload); }, {.capacity = 1, .workers = 0}};

  FullQueue() { queue.try_emplace(new int{1}).or_throw(); }
};

// Calls `enqueue` on a thread of its own; `result` is there when it has returned.
struct Waiter {
  Payload payload = std::make_unique<int>(2);
  std::atomic<int> task{0};
  std::atomic<bool> has_returned{false};
  std::optional<EnqueueResult> result;
  std::thread thread;

  template <class Enqueue>
  explicit Waiter(Enqueue enqueue)
      : thread([this, enqueue] {
#if defined(__linux__)
          task = ::gettid();
#else
          task = 1;
#endif
          result = enqueue(payload);
          has_returned = true;
        }) {
  }
  ~Waiter() {
    if (thread.joinable()) thread.join();
  }

  // Whether it has come so far as to wait; where the system does not tell, whether it has begun.
  [[nodiscard]] bool waits() const {
#if defined(__linux__)
    return task != 0 && !has_returned && proc::is_asleep(task);
#else
    return task != 0;
#endif
  }
};

}  // namespace

TEST_CASE("enqueue on a full queue waits until a job is over, then is accepted", "[enqueue][waiting]") {
  FullQueue full;
  Waiter waiter{[&](Payload& payload) { return full.queue.enqueue(std::move(payload)); }};
  CHECK(await([&] { return waiter.waits(); }));
  CHECK_FALSE(waiter.has_returned);
  CHECK(full.queue.run_one());
  CHECK(await([&] { return waiter.has_returned.load(); }));
  full.queue.close();  // lest it wait on where it should fail
  waiter.thread.join();
  CHECK(waiter.result->error() == EnqueueError::none);
  CHECK(waiter.payload == nullptr);
  REQUIRE(full.queue.run_one());
  CHECK(full.seen == std::vector{1, 2});
}

TEST_CASE("a slot that a throwing constructor gives back lets a waiter in", "[enqueue][waiting]") {
  struct Refuses {
    explicit Refuses(Payload&&) {}
    explicit Refuses(const std::function<void()>& before) {
      before();
      throw 42;
    }
  };
  JobQueue<Refuses> queue{[](const Refuses&) {}, {.capacity = 1, .workers = 0}};
  std::optional<Waiter> waiter;
  bool has_waited = false;
  // While the only slot is taken by a payload that is not going to be.
  const auto let_wait = [&] {
    waiter.emplace([&](Payload& payload) { return queue.enqueue(Refuses{std::move(payload)}); });
    has_waited = await([&] { return waiter->waits(); });
  };
  CHECK_THROWS_AS(queue.try_emplace(let_wait).or_throw(), int);
  CHECK(await([&] { return waiter->has_returned.load(); }));
  queue.close();  // lest it wait on where it should fail
  waiter->thread.join();
  CHECK(has_waited);
  CHECK(waiter->result->error() == EnqueueError::none);
  CHECK(queue.stats().accepted == 1);
}

TEST_CASE("enqueue_for waits exactly as long as it was told, then leaves the payload unmoved", "[enqueue][waiting]") {
  ManualQueue<Payload> queue{[](const Payload&) {}, {.capacity = 1}};
  queue.try_emplace(new int{1}).or_throw();
  for (const auto limit : {0ns, 1ns, 1'000'000ns, 3'600'000'000'001ns}) {
    Payload payload = std::make_unique<int>(2);
    const auto begun = queue.clock().now();
    CHECK(queue.enqueue_for(std::move(payload), limit).error() == EnqueueError::timed_out);
    CHECK(queue.clock().now() - begun == limit);
    CHECK(payload != nullptr);
  }
  CHECK(queue.stats().accepted == 1);
}

TEST_CASE("on real time too, enqueue_for gives up no sooner than it was told", "[enqueue][waiting]") {
  FullQueue full;
  Payload payload = std::make_unique<int>(2);
  const auto begun = std::chrono::steady_clock::now();
  CHECK(full.queue.enqueue_for(std::move(payload), 20ms).error() == EnqueueError::timed_out);
  CHECK(std::chrono::steady_clock::now() - begun >= 20ms);
  CHECK(payload != nullptr);
}

TEST_CASE("a stop request ends a waiting enqueue and leaves the payload unmoved", "[enqueue][waiting]") {
  FullQueue full;
  StopSource stop;
  Waiter waiter{[&](Payload& payload) {
    return full.queue.enqueue_for(std::move(payload), windlass::Duration::max(), {}, stop.token());
  }};
  CHECK(await([&] { return waiter.waits(); }));
  CHECK_FALSE(waiter.has_returned);
  CHECK(stop.request_stop());
  waiter.thread.join();
  CHECK(waiter.result->error() == EnqueueError::stopped);
  CHECK(waiter.payload != nullptr);

  Payload payload = std::make_unique<int>(3);
  CHECK(full.queue.enqueue_for(std::move(payload), 10s, {}, stop.token()).error() == EnqueueError::stopped);
  CHECK(payload != nullptr);
  REQUIRE(full.queue.run_one());  // with room there is nothing to wait for
  CHECK(full.queue.enqueue_for(std::move(payload), 10s, {}, stop.token()));
}

TEST_CASE("close ends a waiting enqueue and leaves the payload unmoved", "[enqueue][waiting]") {
  FullQueue full;
  Waiter waiter{[&](Payload& payload) { return full.queue.enqueue(std::move(payload)); }};
  CHECK(await([&] { return waiter.waits(); }));
  CHECK_FALSE(waiter.has_returned);
  full.queue.close();
  waiter.thread.join();
  CHECK(waiter.result->error() == EnqueueError::closed);
  CHECK(waiter.payload != nullptr);
}

TEST_CASE("many producers wait for one worker and every job runs once", "[enqueue][waiting]") {
  static constexpr int each = 2000;
  static constexpr int producers = 4;
  std::vector<std::atomic<int>> runs(each * producers);
  JobQueue<int> queue{[&](int n) { ++runs[static_cast<std::size_t>(n)]; }, {.capacity = 3}};
  std::atomic<int> refused{0};
  std::vector<std::thread> threads;
  for (int p = 0; p < producers; ++p) {
    threads.emplace_back([&, p] {
      for (int i = 0; i < each; ++i) refused += queue.enqueue(p * each + i) ? 0 : 1;
    });
  }
  for (std::thread& thread : threads) thread.join();
  REQUIRE(queue.drain_for(10s));
  CHECK(refused == 0);
  int others = 0;
  for (const auto& count : runs) others += count == 1 ? 0 : 1;
  CHECK(others == 0);
}
