#include "windlass/detail/job/lease_watch.hpp"

#include <algorithm>
#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <thread>

#include "catch.hpp"

using namespace std::chrono_literals;
using windlass::Duration;
using windlass::Time;
using windlass::detail::LeaseWatch;
using windlass::detail::QueueBase;
using windlass::detail::RunLine;

namespace {

// Addresses of queues that nobody calls.
QueueBase* queue(std::size_t n) {
  static std::array<std::max_align_t, 4> places;
  return reinterpret_cast<QueueBase*>(&places.at(n));
}

// A look that takes no time.
LeaseWatch::Finding look(LeaseWatch& watch, const RunLine& line, Time now) {
  return watch.look(line, now, [now] { return now; });
}

// How often the watch looks when this is the shortest lease; see Crew::interval.
Duration interval_for(Duration lease) { return std::clamp<Duration>(lease / 16, 1ms, 1s); }

// Looks at `line` every `interval` until it is overdue, and says when that was; Time::max() if not before `end`.
struct Looker {
  RunLine& line;
  Duration interval;
  Time now{};
  LeaseWatch watch{};
  int over_time = 0;

  Time overdue_before(Time end, const std::function<void(Time)>& before_look = {}) {
    for (; now < end; now += interval) {
      if (before_look) before_look(now);
      const LeaseWatch::Finding found = look(watch, line, now);
      over_time += found.is_over_time ? 1 : 0;
      if (found.is_overdue) return now;
    }
    return Time::max();
  }
};

void beat(RunLine& line) { ++line.beats; }

void extend(RunLine& line, std::uint64_t stamp, std::uint32_t slot, Time until) {
  line.extend_until = until.time_since_epoch().count();
  line.running = RunLine::name(stamp, slot);
}

}  // namespace

TEST_CASE("a run is overdue in [lease, lease + two looks], which is 1.125 leases, and never earlier", "[lease]") {
  const Duration lease = GENERATE(Duration{7ms}, 100ms, 1s, 30s, 1h, 16'123'457ns);
  const Duration interval = interval_for(lease);
  for (int phase = 0; phase < 20; ++phase) {
    RunLine line;
    Looker looker{line, interval};
    CHECK(looker.overdue_before(Time{10 * interval}) == Time::max());  // nothing runs
    const Time begun = looker.now - interval + phase * interval / 20 + 1ns;
    line.begin(queue(0), 1, 0, lease, 0s);
    const Duration took = looker.overdue_before(begun + 2 * lease + 5 * interval) - begun;
    INFO("lease " << lease.count() << " ns, took " << took.count());
    CHECK(took >= lease);
    CHECK(took <= lease + 2 * interval);
    CHECK((interval > lease / 16 || took <= lease + lease / 8));
  }
}

TEST_CASE("what is overdue is named by its queue, slot, stamp and round", "[lease]") {
  RunLine line;
  line.stop.begin_round();
  const std::uint64_t round = line.stop.begin_round();
  line.begin(queue(2), 0x1234'5678'9abc, 77, 10ms, 0s);
  LeaseWatch watch;
  CHECK_FALSE(look(watch, line, Time{5s}).is_overdue);
  const LeaseWatch::Finding found = look(watch, line, Time{5s + 10ms});
  CHECK(found.is_overdue);
  CHECK_FALSE(found.is_over_time);
  CHECK(found.queue == queue(2));
  CHECK(found.slot == 77);
  CHECK(found.low_stamp == 0x5678'9abc);
  CHECK(found.round == round);
  line.end();
  CHECK(look(watch, line, Time{6s}).queue == nullptr);
  line.begin_errand(queue(1), 10ms);
  CHECK(look(watch, line, Time{6s}).slot == RunLine::errand);
}

TEST_CASE("a run without a lease is never overdue", "[lease]") {
  RunLine line;
  line.begin(queue(0), 1, 0, 0s, 0s);
  CHECK(Looker{line, 24h}.overdue_before(Time{24h * 10'000}) == Time::max());
}

TEST_CASE("a handler that beats or extends runs 100 leases long, and one lease after the last time it is overdue",
          "[lease]") {
  const bool beats = GENERATE(true, false);
  RunLine line;
  line.begin(queue(0), 1, 0, 16s, 0s);
  Looker looker{line, 1s};
  std::uint64_t stamp = 1;
  const auto live = [&](Time now) {
    if (now.time_since_epoch() % 15s != 0s) return;
    beats ? beat(line) : extend(line, ++stamp, 0, Time{});
  };
  CHECK(looker.overdue_before(Time{1600s}, live) == Time::max());
  const Time last{1590s};
  CHECK(looker.overdue_before(Time{2000s}) == last + 16s);
}

TEST_CASE("an extend beyond the lease holds until its deadline", "[lease]") {
  RunLine line;
  line.begin(queue(0), 1, 0, 1s, 0s);
  Looker looker{line, 100ms};
  CHECK(looker.overdue_before(Time{500ms}) == Time::max());
  extend(line, 2, 0, Time{10s});
  CHECK(looker.overdue_before(Time{20s}) == Time{10s});
  extend(line, 3, 0, Time{60s});
  line.end();
  line.begin(queue(0), 4, 0, 1s, 0s);  // of another run it says nothing
  CHECK(looker.overdue_before(Time{20s}) == Time{11s});
}

TEST_CASE("max_runtime is reported once, never early, and ends renewal", "[lease]") {
  RunLine line;
  line.begin(queue(0), 1, 0, 2s, 10s);
  Looker looker{line, 100ms};
  const auto live = [&](Time) { beat(line); };
  CHECK(looker.overdue_before(Time{10s}, live) == Time::max());
  CHECK(looker.over_time == 0);
  CHECK(looker.overdue_before(Time{60s}, live) == Time{12s});
  CHECK(looker.over_time == 1);
  line.end();
  line.begin(queue(0), 2, 0, 2s, 10s);  // the next run has all its time
  CHECK(looker.overdue_before(Time{21s}, live) == Time::max());
  CHECK(looker.over_time == 1);
  CHECK(looker.overdue_before(Time{60s}, live) == Time{24s});
  CHECK(looker.over_time == 2);
}

TEST_CASE("two runs of one job under one name are told apart from one long run", "[lease]") {
  RunLine line;
  line.begin(queue(0), 1, 0, 10s, 15s);
  Looker looker{line, 1s};
  CHECK(looker.overdue_before(Time{9s}) == Time::max());
  line.end();
  line.begin(queue(0), 1 + (std::uint64_t{1} << 32U), 0, 10s, 15s);  // 2^32 stamps later: the low half is the same
  CHECK(looker.overdue_before(Time{100s}) == Time{19s});
  CHECK(looker.over_time == 0);
}

TEST_CASE("a run that was dealt with is overdue again only after another lease", "[lease]") {
  RunLine line;
  line.begin(queue(0), 1, 0, 10s, 0s);
  Looker looker{line, 1s};
  CHECK(looker.overdue_before(Time{100s}) == Time{10s});
  looker.watch.restart(Time{10s});
  looker.now += 1s;
  CHECK(looker.overdue_before(Time{100s}) == Time{20s});
}

TEST_CASE("a handler that extends without a pause is over its max_runtime all the same", "[lease]") {
  RunLine line;
  line.begin(queue(0), 1, 0, 0s, 1s);
  std::atomic<bool> is_over{false};
  std::atomic<std::uint64_t> extends{0};
  std::thread handler([&] {
    for (std::uint64_t stamp = 2; !is_over; ++stamp) {
      extend(line, stamp, 0, Time{});
      extends = stamp;
    }
  });
  while (extends == 0) std::this_thread::yield();
  Looker looker{line, 1us};  // a million looks, many of them at a line that changes meanwhile
  CHECK(looker.overdue_before(Time{1s}) == Time::max());
  CHECK(looker.over_time == 0);
  CHECK(looker.overdue_before(Time{1s + 1ms}) == Time::max());
  CHECK(looker.over_time == 1);
  is_over = true;
  handler.join();
}

TEST_CASE("a run that began after the watch had read its clock is not timed from before it began", "[watch]") {
  RunLine line;
  LeaseWatch watch;
  const auto late = [](Time when) { return [when] { return when; }; };
  line.begin(queue(0), 1, 7, 1s, 2s);
  CHECK_FALSE(watch.look(line, Time{0s}, late(Time{5s})).is_overdue);  // it was held up between clock and line
  CHECK_FALSE(look(watch, line, Time{5s + 999ms}).is_overdue);
  CHECK(look(watch, line, Time{6s}).is_overdue);
  CHECK_FALSE(look(watch, line, Time{6s + 999ms}).is_over_time);
  CHECK(look(watch, line, Time{7s}).is_over_time);
}

TEST_CASE("a look at a line that changes hands sees one run or none, never a mixture", "[lease]") {
  RunLine line;
  std::atomic<bool> is_over{false};
  std::thread worker([&] {
    for (std::uint64_t run = 1; !is_over; ++run) {
      if (line.stop.begin_round() != run) break;
      line.begin(queue(run % 4), 4 * run, static_cast<std::uint32_t>(run % 1000), 1ns, 0s);
      for (unsigned extends = 1; extends < run % 4; ++extends) {
        extend(line, 4 * run + extends, static_cast<std::uint32_t>(run % 1000), Time{});
      }
      line.end();
    }
  });
  LeaseWatch watch;
  std::uint64_t mixed = 0;
  std::uint64_t seen = 0;
  std::uint64_t looks = 0;
  for (; looks < 1'000'000 || seen < 10'000; ++looks) {
    const LeaseWatch::Finding found = look(watch, line, Time{Duration{static_cast<Duration::rep>(looks)}});
    if (found.queue == nullptr) continue;
    ++seen;
    const std::uint64_t run = found.low_stamp / 4;
    if (found.queue != queue(run % 4) || found.slot != run % 1000 || found.round != run) ++mixed;
  }
  is_over = true;
  worker.join();
  CHECK(mixed == 0);
}
