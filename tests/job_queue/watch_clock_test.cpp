#include <atomic>
#include <chrono>
#include <memory>
#include <optional>

#include "catch.hpp"
#include "hooked.hpp"
#include "puppet.hpp"
#include "windlass/job_queue.hpp"

using namespace std::chrono_literals;
using windlass::Delivery;
using windlass::Duration;
using windlass::JobQueue;
using windlass::StopReason;
using windlass::Time;

// Whoever keeps time may be held up between its look at the clock and its look at the runs.

namespace {

// A clock that is moved by hand, by a thread that does not keep time meanwhile; after each look at it comes the site
// "now".
struct SteppedClock {
  std::shared_ptr<std::atomic<Duration::rep>> time = std::make_shared<std::atomic<Duration::rep>>(Duration{1h}.count());

  [[nodiscard]] Time now() const noexcept {
    const Time seen{Duration{*time}};
    Interruption::at("now");
    return seen;
  }
  [[nodiscard]] std::chrono::system_clock::time_point wall_now() const noexcept { return {}; }
  void move(Duration by) const { *time += by.count(); }
};
struct SteppedTraits : windlass::DefaultTraits {
  using Clock = SteppedClock;
};

struct Queue : JobQueue<int, SteppedTraits> {
  using JobQueue::JobQueue;

  void keep_time(bool as_timekeeper) {
    if (as_timekeeper) {
      this->keep_time_as_timekeeper({});
    } else {
      (void)pump({.budget = 0ns});  // runs nothing
    }
  }
};

}  // namespace

TEST_CASE("a run that begins between the watch's look at the clock and at the runs has its whole lease",
          "[lease][race]") {
  const bool as_timekeeper = GENERATE(false, true);
  const bool has_lease = GENERATE(true, false);  // or a max_runtime
  CAPTURE(as_timekeeper, has_lease);
  constexpr Duration length = 1600ms, held = 280ms, step = 40ms;  // held for too short to be a standstill
  const SteppedClock clock;
  Queue queue{Puppet::handle,
              {.workers = 0, .lease = has_lease ? length : 0ms, .max_runtime = has_lease ? 0ms : length},
              clock};
  queue.try_enqueue(1).or_throw();
  std::optional<Puppet> run;
  {
    const Interruption between("now", 1, [&] {
      clock.move(held);
      run.emplace(queue);
    });
    queue.keep_time(as_timekeeper);
    REQUIRE(between.has_happened());
  }
  Duration age{};
  const auto grow_old = [&](Duration end) {
    for (; age + step < end && run->stop_reason() == StopReason::none; age += step) {
      clock.move(step);
      queue.keep_time(as_timekeeper);
    }
  };
  grow_old(length);
  CHECK(run->stop_reason() == StopReason::none);
  CHECK(age + step >= length);
  CHECK(queue.stats().expiries == 0);
  grow_old(length + length / 8 + 2 * step);  // then it is over
  CHECK(run->stop_reason() == (has_lease ? StopReason::lease_lost : StopReason::max_runtime));
  CHECK(queue.stats().expiries == (has_lease ? 1 : 0));
}
