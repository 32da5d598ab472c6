#include "windlass/detail/machines/wait_list.hpp"

#include <atomic>
#include <chrono>
#include <functional>
#include <memory>
#include <optional>
#include <thread>
#include <vector>

#include "catch.hpp"

using namespace std::chrono_literals;
using windlass::StopSource;
using windlass::StopToken;
using windlass::WaitError;
using windlass::detail::WaitList;
using Clock = std::chrono::steady_clock;

namespace {

// True once `claim` is; false if that takes longer than anything here may.
bool within_limit(const std::function<bool()>& claim) {
  const auto deadline = Clock::now() + 10s;
  while (!claim()) {
    if (Clock::now() > deadline) return false;
    std::this_thread::yield();
  }
  return true;
}

// Takes about as long as `steps` atomic additions.
void dwell(int steps) {
  for (std::atomic<int> step{0}; step < steps;) ++step;
}

// A call that waits on its own thread. Its `ready` tells that it has looked: whoever takes the list's mutex after
// that (all notify calls do) finds it asleep.
struct Call {
  std::atomic<int> looks{0};
  std::atomic<bool> is_over{false};
  WaitError error = WaitError::would_deadlock;
  std::thread thread;

  template <class Ready>
  Call(WaitList& list, Ready ready, WaitList::Deadline deadline = {}, StopToken stop = {})
      : thread([this, &list, ready, deadline, stop] {
          const auto look = [&] {
            ++looks;
            return ready();
          };
          error = list.wait(look, deadline, stop);
          is_over = true;
        }) {
    while (looks == 0) std::this_thread::yield();
  }
  Call(const Call&) = delete;
  ~Call() { thread.join(); }

  bool ends() {
    return within_limit([this] { return is_over.load(); });
  }
};

}  // namespace

TEST_CASE("a wait for what is there already ends at once, whatever its deadline and stop token say", "[wait]") {
  WaitList list;
  StopSource source;
  source.request_stop();
  CHECK(list.wait([] { return true; }, Clock::now() - 1s, source.token()) == WaitError::none);
}

TEST_CASE("a wait ends with what ended it: time, stop or a notify", "[wait]") {
  WaitList list;
  const auto never = [] { return false; };
  CHECK(list.wait(never, Clock::now() - 1s, {}) == WaitError::timed_out);
  CHECK(list.wait(never, Clock::now() + 1ms, {}) == WaitError::timed_out);
  StopSource source;
  {
    Call stopped(list, never, {}, source.token());
    source.request_stop();
    CHECK(stopped.ends());
    CHECK(stopped.error == WaitError::stopped);
  }
  std::atomic<bool> is_ready{false};
  Call notified(list, [&] { return is_ready.load(); });
  list.notify_one();  // too early: it looks again, and sleeps on
  CHECK(within_limit([&] { return notified.looks >= 2; }));
  is_ready = true;
  list.notify_one();
  CHECK(notified.ends());
  CHECK(notified.error == WaitError::none);
}

TEST_CASE("a deadline at the end of time is no deadline in the past", "[wait]") {
  WaitList list;
  std::atomic<bool> is_ready{false};
  Call call(
      list, [&] { return is_ready.load(); }, Clock::time_point::max());
  list.notify_all();
  CHECK(within_limit([&] { return call.looks >= 2; }));
  CHECK_FALSE(call.is_over);
  is_ready = true;
  list.notify_one();
  CHECK(call.ends());
  CHECK(call.error == WaitError::none);
}

TEST_CASE("a waiter leaving by timeout passes its token on", "[wait]") {
  WaitList list;
  std::atomic<bool> is_ready{false};
  // The first in the list gets the token and cannot use it.
  Call first(
      list, [] { return false; }, Clock::now() + 100ms);
  Call second(list, [&] { return is_ready.load(); });
  is_ready = true;
  list.notify_one();
  CHECK(second.ends());
  list.notify_all();  // or the test would hang
}

TEST_CASE("a waiter that got what it came for passes on a token worth two", "[wait]") {
  WaitList list;
  std::atomic<bool> is_ready{false};
  Call first(list, [&] { return is_ready.load(); });
  Call second(list, [&] { return is_ready.load(); });
  is_ready = true;
  list.notify_one();
  CHECK(first.ends());
  CHECK(second.ends());
  list.notify_all();
}

TEST_CASE("notify_all wakes all", "[wait]") {
  WaitList list;
  std::atomic<bool> is_ready{false};
  const auto ready = [&] { return is_ready.load(); };
  Call calls[] = {{list, ready}, {list, ready}, {list, ready}};
  list.notify_all();
  for (Call& call : calls) CHECK(within_limit([&] { return call.looks >= 2; }));
  is_ready = true;
  list.notify_all();
  for (Call& call : calls) CHECK(call.ends());
}

TEST_CASE("a notify that comes after a waiter's look and before its sleep holds on until it sleeps", "[wait]") {
  const bool all = GENERATE(false, true);
  WaitList list;
  std::atomic<bool> is_ready{false}, has_looked{false}, was_notified{false};
  const auto ready = [&] {
    const bool seen = is_ready;
    if (has_looked.exchange(true)) return seen;
    // Time enough for a notify that does not hold on; one that does is not heard of meanwhile.
    const auto end = Clock::now() + 30ms;
    while (!was_notified && Clock::now() < end) std::this_thread::yield();
    return seen;
  };
  Call call(list, ready);
  while (!has_looked) std::this_thread::yield();
  is_ready = true;
  all ? list.notify_all() : list.notify_one();
  was_notified = true;
  CHECK(call.ends());
  list.notify_all();  // or the test would hang
}

TEST_CASE("waiters and notifiers that meet at every moment lose no wake-up", "[wait]") {
  const int waiters = GENERATE(1, 3);  // a single one is not saved by another that looks later
  constexpr int per_producer = 5'000;
  WaitList list;
  std::atomic<int> tokens{0};
  std::atomic<int> taken{0};
  std::atomic<bool> was_lost{false};
  const auto take = [&] {
    int seen = tokens.load(std::memory_order_seq_cst);
    while (seen > 0 && !tokens.compare_exchange_weak(seen, seen - 1, std::memory_order_seq_cst)) {
    }
    if (seen <= 0) dwell(1'000);  // between the look and the sleep a notify is easily lost
    return seen > 0;
  };
  std::vector<std::thread> threads;
  for (int i = 0; i < waiters; ++i) {
    threads.emplace_back([&] {
      while (taken < 2 * per_producer && !was_lost) {
        const auto deadline = Clock::now() + 10s;
        const auto ready = [&] { return take() || taken == 2 * per_producer; };
        if (list.wait(ready, deadline, {}) != WaitError::none || Clock::now() >= deadline) was_lost = true;
        if (taken < 2 * per_producer && ++taken == 2 * per_producer) list.notify_all();
      }
    });
  }
  for (int i = 0; i < 2; ++i) {
    threads.emplace_back([&] {
      for (int n = 0; n < per_producer && !was_lost; ++n) {
        while (tokens > 0 && !was_lost) std::this_thread::yield();
        dwell(n % 64 * 32);  // so that it finds the waiters before their look, after it and asleep
        tokens.fetch_add(1, std::memory_order_seq_cst);
        list.notify_one();
      }
    });
  }
  for (auto& thread : threads) thread.join();
  CHECK_FALSE(was_lost);
  CHECK(taken == 2 * per_producer);
}

TEST_CASE("a stop request may come while the list is left for good", "[wait]") {
  // It fails by a sanitizer's word, or hangs on a mutex that is gone.
  std::atomic<int> requests{0};
  for (int round = 0; round < 300; ++round) {
    auto list = std::make_unique<WaitList>();
    StopSource source;
    std::atomic<bool> is_destroying{false};
    // It leaves with the requester in line for the list's mutex.
    const auto ready = [&] {
      if (!source.token().stop_requested() || !is_destroying) return false;
      for (int i = 0; i < 3; ++i) std::this_thread::yield();
      return true;
    };
    std::optional<Call> call;
    call.emplace(*list, ready, WaitList::Deadline{}, source.token());
    std::thread requester([&] { requests += source.request_stop() ? 1 : 0; });
    is_destroying = true;
    call.reset();
    list.reset();
    requester.join();
  }
  CHECK(requests == 300);
}
