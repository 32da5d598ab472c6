#include <algorithm>
#include <array>
#include <atomic>
#include <chrono>
#include <cstdint>
#include <mutex>
#include <string>
#include <utility>
#include <vector>

#include "await.hpp"
#include "catch.hpp"
#include "signal.hpp"
#include "windlass/windlass.hpp"

using namespace std::chrono_literals;
using windlass::Delivery;
using windlass::EnqueueError;
using windlass::FixedDelay;
using windlass::JobQueue;
using windlass::Outcome;
using windlass::QueueOptions;
using windlass::WorkerInfo;

// Hung handlers on real threads: somebody stands in for them, and stands back when they return.

namespace {

using Queue = JobQueue<int>;

constexpr auto lease = 150ms;

// The threads that were started, by name.
struct Roll {
  std::mutex mutex;
  std::vector<std::string> names;

  auto keeper() {
    return [this](const WorkerInfo& info) {
      const std::lock_guard lock(mutex);
      names.emplace_back(info.name);
    };
  }
  std::vector<std::string> read() {
    const std::lock_guard lock(mutex);
    auto copy = names;
    std::sort(copy.begin(), copy.end());
    return copy;
  }
};

// How many are inside at once, at most.
struct Peak {
  std::atomic<int> inside{0};
  std::atomic<int> most{0};

  void enter() {
    const int now = ++inside;
    int seen = most;
    while (now > seen && !most.compare_exchange_weak(seen, now)) {
    }
  }
  void leave() { --inside; }
};

QueueOptions<int> one_worker(Roll& roll) {
  QueueOptions<int> options{.name = "q", .workers = 1, .lease = lease, .retry = FixedDelay{}};
  options.on_worker_start = roll.keeper();
  return options;
}

bool is_at_rest(const Queue& queue) {
  const auto stats = queue.stats();
  return stats.hung == 0 && stats.substitutes == 0;
}

}  // namespace

TEST_CASE("a job that hangs the only worker is redelivered by a substitute, and then all is as it was",
          "[substitute]") {
  Roll roll;
  std::array<Signal, 3> inside;
  std::array<Signal, 3> release;
  std::atomic<std::size_t> hang{0};
  const auto handle = [&](const int& payload, Delivery& delivery) {
    if (payload != 0 || delivery.attempt() > 1) return Outcome::done();
    const std::size_t mine = hang++;
    inside.at(mine).set();
    release.at(mine).wait();
    return Outcome::retry("too late");
  };
  auto options = one_worker(roll);
  options.capacity = 1;
  Queue queue{handle, std::move(options)};
  for (std::size_t i = 0; i < 3; ++i) {
    queue.enqueue(0).or_throw();
    REQUIRE(inside.at(i).wait());
    CHECK(await([&] { return queue.stats().done == 2 * i + 1; }));  // by somebody else
    CHECK(queue.stats().hung == 1);
    CHECK(await([&] { return queue.stats().substitutes == 1; }));
    CHECK(queue.try_enqueue(1).error() == EnqueueError::full);  // the hung run still has the slot
    release.at(i).set();
    CHECK(await([&] { return is_at_rest(queue); }));
    queue.enqueue(1).or_throw();  // as soon as there is room
    CHECK(await([&] { return queue.stats().done == 2 * i + 2; }));
    const auto stats = queue.stats();
    CHECK(stats.expiries == i + 1);
    CHECK(stats.stale_settles == i + 1);
    CHECK(stats.failures == 0);
    CHECK_FALSE(stats.is_degraded);
    CHECK(roll.read() == std::vector<std::string>{"q-0", "q-s0"});  // the same substitute every time
  }
}

TEST_CASE("when a hung run returns, its worker stands back as long as its substitute is busy", "[substitute]") {
  Roll roll;
  Signal hung_inside;
  Signal hung_release;
  Signal long_inside;
  Signal long_release;
  std::atomic<bool> third_started{false};
  const auto handle = [&](const int& payload, Delivery& delivery) {
    if (payload == 1 && delivery.attempt() == 1) {
      hung_inside.set();
      hung_release.wait();
    }
    if (payload == 2) {
      long_inside.set();
      while (!long_release.wait(20ms)) delivery.heartbeat();
    }
    if (payload == 3) third_started = true;
    return Outcome::done();
  };
  Queue queue{handle, one_worker(roll)};
  queue.enqueue(1).or_throw();
  REQUIRE(hung_inside.wait());
  queue.enqueue(2).or_throw();
  REQUIRE(long_inside.wait());  // on the substitute
  queue.enqueue(3).or_throw();
  hung_release.set();
  CHECK(await([&] { return queue.stats().hung == 0; }));
  CHECK(await([&] { return is_at_rest(queue); }));
  CHECK_FALSE(third_started);  // one worker was asked for, and one is busy
  long_release.set();
  CHECK(await([&] { return queue.stats().done == 3; }));
  CHECK(roll.read().size() == 2);
}

TEST_CASE("never more handlers run at once than there are workers, those that hang apart", "[substitute]") {
  constexpr int workers = 2;
  Signal release;
  std::atomic<int> hung{0};
  Peak peak;
  const auto handle = [&](const int& payload, Delivery& delivery) {
    if (payload < 0 && delivery.attempt() == 1) {
      ++hung;
      release.wait();
      return;
    }
    peak.enter();
    for (const auto end = std::chrono::steady_clock::now() + 200us; std::chrono::steady_clock::now() < end;) {
    }
    peak.leave();
  };
  Queue queue{handle, {.workers = workers, .lease = lease, .retry = FixedDelay{}}};
  for (int round = 0; round < 2; ++round) queue.enqueue(-1).or_throw();
  REQUIRE(await([&] { return hung == workers; }));
  for (int i = 0; i < 500; ++i) queue.enqueue(i).or_throw();
  REQUIRE(await([&] { return queue.stats().done >= 100; }));  // by two substitutes
  release.set();                                              // and now there are four
  for (int i = 0; i < 500; ++i) queue.enqueue(i).or_throw();
  REQUIRE(await([&] { return queue.stats().done >= 1000; }));
  CHECK(queue.drain_for(10s));
  CHECK(peak.most == workers);
  CHECK(queue.stats().accepted == 1002);
}

TEST_CASE("as many hung handlers as workers stop nothing, and beyond the substitutes the queue says so",
          "[substitute]") {
  Signal release;
  std::atomic<int> hung{0};
  const auto handle = [&](const int& payload, Delivery& delivery) {
    if (payload != 0 || delivery.attempt() > 1) return;
    ++hung;
    release.wait();
  };
  Queue queue{handle, {.workers = 2, .lease = lease, .max_substitutes = 2, .retry = FixedDelay{}}};
  for (int i = 0; i < 2; ++i) queue.enqueue(0).or_throw();
  queue.enqueue(1).or_throw();
  CHECK(await([&] { return queue.stats().done == 3; }));  // two of them redelivered
  CHECK(queue.stats().hung == 2);
  CHECK(await([&] { return queue.stats().substitutes == 2; }));
  CHECK_FALSE(queue.stats().is_degraded);

  for (int i = 0; i < 2; ++i) queue.enqueue(0).or_throw();  // hang the substitutes too
  CHECK(await([&] { return queue.stats().hung == 4; }));
  CHECK(await([&] { return queue.stats().is_degraded; }));
  CHECK(queue.stats().expiries == 4);  // expiry does not depend on a substitute
  CHECK(queue.stats().substitutes == 2);
  CHECK(queue.stats().done == 3);
  release.set();
  CHECK(await([&] { return queue.stats().done == 5; }));
  CHECK(await([&] { return is_at_rest(queue); }));
  CHECK(await([&] { return !queue.stats().is_degraded; }));
  CHECK(hung == 4);
}

TEST_CASE("a lease is watched though its queue has none and its worker never slept since", "[substitute]") {
  Signal first_inside;
  Signal first_release;
  Signal release;
  std::atomic<int> hung{0};
  const auto handle = [&](const int& payload, Delivery& delivery) {
    if (payload == 1) {
      first_inside.set();
      first_release.wait();
    } else if (delivery.attempt() == 1) {
      ++hung;
      release.wait();
    }
  };
  Queue queue{handle, {.workers = 1, .lease = 0s, .retry = FixedDelay{}}};
  queue.enqueue(1).or_throw();
  REQUIRE(first_inside.wait());
  queue.enqueue(2, {.lease = lease}).or_throw();  // while the worker is busy
  first_release.set();
  CHECK(await([&] { return queue.stats().done == 2; }));
  CHECK(hung == 1);
  CHECK(queue.stats().expiries == 1);
  release.set();
}
