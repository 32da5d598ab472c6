// When the lease watch of a crew goes to sleep, in virtual time.

#include "windlass/detail/threads/crew.hpp"

#include <chrono>

#include "catch.hpp"
#include "windlass/testing.hpp"

using namespace std::chrono_literals;
using windlass::Time;
using windlass::detail::Crew;
using windlass::detail::CrewOptions;
using windlass::testing::ManualClock;

namespace {

// A crew without threads whose rounds the test makes; its leases are of 16 ms, so it looks once a millisecond.
struct Watched {
  ManualClock clock;
  Crew crew{options(clock)};

  static CrewOptions options(const ManualClock& clock) {
    CrewOptions options;
    options.workers = options.max_workers = options.max_substitutes = 0;
    options.now = [clock] { return clock.now(); };
    return options;
  }

  // Whether the watch wants to look again after the next millisecond.
  bool looks_on() {
    clock.jump(1ms);
    return crew.round(clock.now()) != Time::max();
  }
};

}  // namespace

TEST_CASE("the lease watch sleeps after a whole idle interval, and not before", "[crew][lease]") {
  Watched watched;
  (void)watched.crew.lease_in_use(16ms);
  watched.crew.pulled_lease_out();
  for (int looks = 0; looks < 5; ++looks) CHECK(watched.looks_on());
  watched.crew.pulled_lease_back();
  CHECK(watched.looks_on());  // idle at one look
  CHECK(watched.looks_on());  // at two, and disarmed
  CHECK_FALSE(watched.looks_on());
  watched.crew.pulled_lease_out();
  CHECK(watched.looks_on());
}
