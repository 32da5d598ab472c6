#include "windlass/stop.hpp"

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <memory>
#include <mutex>
#include <optional>
#include <thread>
#include <vector>

#include "catch.hpp"
#include "windlass/job_queue.hpp"

using namespace std::chrono_literals;
using windlass::StopReason;
using windlass::StopSource;
using windlass::StopToken;
using windlass::detail::StopState;
using Clock = std::chrono::steady_clock;

namespace {

// A call that waits until `token` says stop; calls `after_look` each time before it sleeps. False if nobody wakes it.
template <class AfterLook>
bool wait_for_stop(StopToken token, AfterLook after_look) {
  std::mutex mutex;
  std::condition_variable wake;
  const StopState::Waiter registered(token.state(), mutex, wake);
  std::unique_lock lock(mutex);
  const auto deadline = Clock::now() + 10s;
  while (!token.stop_requested()) {
    after_look();
    if (wake.wait_until(lock, deadline) == std::cv_status::timeout) return false;
  }
  return true;
}

}  // namespace

TEST_CASE("a default token is never stopped", "[stop]") {
  const StopToken token;
  CHECK_FALSE(token.stop_requested());
  CHECK(token.reason() == StopReason::none);
}

TEST_CASE("a source stops all its tokens, copies and later ones included, once", "[stop]") {
  StopSource source;
  StopSource other;
  const StopToken before = source.token();
  const StopToken copy = before;
  CHECK_FALSE(before.stop_requested());
  CHECK(source.request_stop());
  CHECK_FALSE(source.request_stop());
  CHECK(before.reason() == StopReason::user);
  CHECK(copy.stop_requested());
  CHECK(source.token().stop_requested());
  CHECK_FALSE(other.token().stop_requested());
}

TEST_CASE("stopping one run never stops the next of that worker", "[stop]") {
  StopState state;
  const std::uint64_t first = state.begin_round();
  const StopToken first_token(&state, first);
  CHECK(state.request(first, StopReason::lease_lost));
  CHECK(first_token.reason() == StopReason::lease_lost);

  const std::uint64_t second = state.begin_round();
  CHECK(second != first);
  CHECK(state.round() == second);
  const StopToken second_token(&state, second);
  CHECK_FALSE(second_token.stop_requested());
  CHECK_FALSE(first_token.stop_requested());  // over: nobody asks it any more
  CHECK_FALSE(state.request(first, StopReason::user));
  CHECK_FALSE(second_token.stop_requested());
  CHECK(state.request(second, StopReason::shutdown));
  CHECK(second_token.reason() == StopReason::shutdown);
  CHECK_FALSE(first_token.stop_requested());
}

TEST_CASE("the first reason for a stop stands", "[stop]") {
  StopState state;
  const std::uint64_t round = state.begin_round();
  CHECK(state.request(round, StopReason::max_runtime));
  CHECK_FALSE(state.request(round, StopReason::shutdown));
  CHECK(state.reason(round) == StopReason::max_runtime);
}

TEST_CASE("every reason for a stop has its name", "[stop]") {
  CHECK(to_string(StopReason::none) == "none");
  CHECK(to_string(StopReason::user) == "user");
  CHECK(to_string(StopReason::lease_lost) == "lease_lost");
  CHECK(to_string(StopReason::shutdown) == "shutdown");
  CHECK(to_string(StopReason::max_runtime) == "max_runtime");
  CHECK(to_string(static_cast<StopReason>(200)) == "unknown");
}

TEST_CASE("of many requests to stop one run exactly one is the first, and a late one never hits the next", "[stop]") {
  StopState state;
  std::atomic<std::uint64_t> current{0};
  std::atomic<int> won{0};
  std::vector<std::thread> threads;
  for (int t = 0; t < 3; ++t) {
    threads.emplace_back([&] {
      for (std::uint64_t round = 1; round <= 3'000; ++round) {
        while (current < round) std::this_thread::yield();
        won += state.request(round, StopReason::user) ? 1 : 0;  // mostly late
      }
    });
  }
  int stopped = 0;
  bool is_clean = true;
  for (std::uint64_t round = 1; round <= 3'000; ++round) {
    const std::uint64_t begun = state.begin_round();
    is_clean = is_clean && begun == round && state.reason(begun) == StopReason::none;
    current = round;
    for (int i = 0; i < 3 && state.reason(begun) == StopReason::none; ++i) std::this_thread::yield();
    stopped += state.request(begun, StopReason::shutdown) ? 0 : 1;  // refused: one of them was first
  }
  for (auto& thread : threads) thread.join();
  CHECK(is_clean);
  CHECK(won == stopped);
}

TEST_CASE("a stop wakes everybody who waits for it", "[stop]") {
  constexpr int waiters = 4;
  StopSource source;
  std::atomic<int> waiting{0};
  std::atomic<int> woken{0};
  std::vector<std::thread> threads;
  for (int i = 0; i < waiters; ++i) {
    threads.emplace_back([&] { woken += wait_for_stop(source.token(), [&] { ++waiting; }) ? 1 : 0; });
  }
  while (waiting < waiters) std::this_thread::yield();
  source.request_stop();
  for (auto& thread : threads) thread.join();
  CHECK(woken == waiters);
}

TEST_CASE("a stop that comes after a call's look and before its sleep wakes it", "[stop]") {
  StopSource source;
  std::atomic<bool> has_looked{false}, was_requested{false}, was_woken{false};
  std::thread waiter([&] {
    was_woken = wait_for_stop(source.token(), [&] {
      has_looked = true;
      // Time enough for a request that does not hold on until the call sleeps.
      const auto end = Clock::now() + 30ms;
      while (!was_requested && Clock::now() < end) std::this_thread::yield();
    });
  });
  while (!has_looked) std::this_thread::yield();
  source.request_stop();
  was_requested = true;
  waiter.join();
  CHECK(was_woken);
}

TEST_CASE("a stop that comes while a call begins to wait is not lost", "[stop]") {
  std::atomic<int> lost{0};
  for (int i = 0; i < 1'000 && lost == 0; ++i) {
    StopSource source;
    std::thread waiter([&] { lost += wait_for_stop(source.token(), [] {}) ? 0 : 1; });
    source.request_stop();
    waiter.join();
  }
  CHECK(lost == 0);
}

TEST_CASE("waiting calls may come and go while stops are requested", "[stop]") {
  StopState state;
  std::atomic<std::uint64_t> current{state.begin_round()};
  std::atomic<bool> is_over{false};
  std::atomic<std::uint64_t> lives{0};
  std::vector<std::thread> threads;
  for (int t = 0; t < 2; ++t) {
    threads.emplace_back([&] {
      while (!is_over) {
        // On the heap, so that a sanitizer sees a request that touches one that left.
        struct Call {
          std::mutex mutex;
          std::condition_variable wake;
        };
        const auto outer = std::make_unique<Call>();
        const auto inner = std::make_unique<Call>();
        std::optional<StopState::Waiter> first(std::in_place, &state, outer->mutex, outer->wake);
        const StopState::Waiter second(&state, inner->mutex, inner->wake);
        first.reset();  // not the order of registration
        ++lives;
      }
    });
  }
  std::thread requester([&] {
    while (!is_over) state.request(current, StopReason::user);
  });
  for (int i = 0; i < 20'000 || lives < 1'000; ++i) {
    current = state.begin_round();
    if (i % 64 == 0) std::this_thread::yield();
  }
  is_over = true;
  requester.join();
  for (auto& thread : threads) thread.join();
  CHECK(state.request(state.begin_round(), StopReason::user));  // the list is whole
}

#if defined(__cpp_lib_jthread)
TEST_CASE("a source that follows a std::stop_token is stopped with it, at once and from before", "[stop]") {
  const auto theirs = std::make_unique<std::stop_source>();  // on the stack g++ 12 warns of it at -Og
  StopSource ours{theirs->get_token()};
  const StopToken token = ours.token();
  CHECK_FALSE(token.stop_requested());
  theirs->request_stop();
  CHECK(token.reason() == StopReason::user);
  CHECK_FALSE(ours.request_stop());
  StopSource late{theirs->get_token()};
  CHECK(late.token().stop_requested());
}

TEST_CASE("a jthread that lends itself to a queue goes when it is told to", "[stop]") {
  std::atomic<int> ran{0};
  windlass::JobQueue<int> queue{[&](const int&) { ++ran; }, {.workers = 0}};
  std::jthread worker([&](const std::stop_token& token) { queue.run(StopSource{token}.token()); });
  queue.enqueue(1).or_throw();
  CHECK(queue.wait_idle_for(10s));
  worker.request_stop();
  worker.join();
  CHECK(ran == 1);
}
#endif
