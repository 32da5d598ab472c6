#include <atomic>
#include <chrono>
#include <memory>
#include <optional>
#include <set>
#include <thread>

#include "catch.hpp"
#include "hooked.hpp"
#include "signal.hpp"
#include "windlass/testing.hpp"

using namespace std::chrono_literals;
using windlass::DeadLetter;
using windlass::DeadReason;
using windlass::EnqueueError;
using windlass::EnqueueResult;
using windlass::JobQueue;
using windlass::Leftover;
using windlass::Report;
using windlass::Time;
using windlass::testing::ManualQueue;
using windlass::testing::ManualTraits;

// A job that becomes due just as its queue shuts down: whoever keeps time is held up with it in its hands.

namespace {

// A wall clock on which, once `ender` has looked at it, the next other thread that does stands still for a while.
struct HoldingClock {
  struct Shared {
    const std::thread::id ender = std::this_thread::get_id();
    std::atomic<bool> is_watched{false}, is_armed{false}, has_held{false};
    Signal go_on;
  };
  std::shared_ptr<Shared> shared = std::make_shared<Shared>();

  [[nodiscard]] Time now() const noexcept { return std::chrono::steady_clock::now(); }
  [[nodiscard]] std::chrono::system_clock::time_point wall_now() const noexcept {
    if (std::this_thread::get_id() == shared->ender) {
      if (shared->is_watched) shared->is_armed = true;
    } else if (shared->is_armed.exchange(false)) {
      shared->has_held = true;
      shared->go_on.wait(200ms);  // in vain, if all is well
    }
    return std::chrono::system_clock::now();
  }
};
struct HoldingTraits : windlass::DefaultTraits {
  using Clock = HoldingClock;
};

}  // namespace

TEST_CASE("a due job is not lost when a waiting call holds it while its queue is shut down", "[shutdown][race]") {
  const auto leftover = GENERATE(Leftover::run, Leftover::dead_letter, Leftover::hand_back, Leftover::discard);
  CAPTURE(static_cast<int>(leftover));
  std::set<int> ran, lettered, handed_back;
  std::optional<EnqueueResult> waited;
  bool has_happened = false;
  Report report;
  {
    ManualQueue<int, ManualTraits<HookedTraits>> queue{
        [&](const int& n) { ran.insert(n); }, {.capacity = 4, .dead_letters = [&](const DeadLetter<int>& letter) {
                                                 if (letter.reason == DeadReason::abandoned)
                                                   lettered.insert(*letter.payload);
                                               }}};
    queue.try_enqueue(0, {.delay = 100ms}).or_throw();
    for (int n = 1; n < 4; ++n) queue.try_enqueue(n, {.delay = 1h}).or_throw();
    Signal is_held, is_shut_down;
    std::thread waiter([&] {  // waits for room, and keeps time meanwhile
      const Interruption between("ring.push.tail", 1, [&] {
        is_held.set();
        is_shut_down.wait(200ms);  // in vain, if shutdown waits for us
      });
      waited = queue.enqueue_for(9, 1min);
      has_happened = between.has_happened();
    });
    const bool was_held = is_held.wait();
    (void)queue.shutdown(
        {.grace = 10ms, .leftover = leftover, .hand_back = [&](windlass::JobId, int&& n) { handed_back.insert(n); }});
    is_shut_down.set();
    waiter.join();
    REQUIRE(was_held);
    report = queue.stats();
  }
  CHECK(has_happened);
  CHECK_FALSE(*waited);
  CHECK(report.accepted == 4);
  CHECK(report.done + report.dead + report.returned + report.discarded == 4);
  CHECK(report.present == 0);
  const std::size_t told = ran.size() + lettered.size() + handed_back.size();
  CHECK(told == (leftover == Leftover::discard ? 0 : 4));
}

TEST_CASE("shutdown runs a job that is due within the grace, though it is held as it becomes ready",
          "[shutdown][race]") {
  bool has_held = false;
  for (auto delay = 100ms; !has_held && delay < 10s; delay *= 2) {  // longer if shutdown came too late
    std::atomic<int> ran{0};
    const HoldingClock clock;
    JobQueue<int, HoldingTraits> queue{[&](const int&) { ++ran; }, {.workers = 1, .lease = 0s}, clock};
    queue.try_enqueue(1, {.at = std::chrono::system_clock::now() + delay}).or_throw();
    clock.shared->is_watched = true;
    const Report report = queue.shutdown({.grace = 20s});
    clock.shared->go_on.set();
    has_held = clock.shared->has_held;
    CHECK(ran == 1);
    CHECK(report.done == 1);
    CHECK(report.abandoned == 0);
  }
  CHECK(has_held);
}

namespace {

// A wall clock that holds up the one who ends the queue until the time to come is past.
struct LateClock : windlass::SystemClocks {
  std::thread::id ender = std::this_thread::get_id();
  std::shared_ptr<std::atomic<bool>> holds = std::make_shared<std::atomic<bool>>(false);
  [[nodiscard]] std::chrono::system_clock::time_point wall_now() const noexcept {
    if (std::this_thread::get_id() == ender && holds->exchange(false)) std::this_thread::sleep_for(200ms);
    return windlass::SystemClocks::wall_now();
  }
};
struct LateTraits : windlass::DefaultTraits {
  using Clock = LateClock;
};

}  // namespace

TEST_CASE("the timekeeper does not sleep through a shutdown that plans anew just as it looks", "[shutdown][race]") {
  std::atomic<int> ran{0};
  const LateClock clock;
  JobQueue<int, LateTraits> queue{[&](const int&) { ++ran; }, {.workers = 1, .lease = 0s}, clock};
  queue.try_enqueue(1, {.at = std::chrono::system_clock::now() + 100ms}).or_throw();
  *clock.holds = true;  // the timekeeper wakes meanwhile
  const Report report = queue.shutdown({.grace = 20s});
  CHECK(ran == 1);
  CHECK(report.done == 1);
}
