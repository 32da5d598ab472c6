// What a worker publishes and what the lease watch makes of it: RunLine x LeaseWatch x SlotWord, as JobCore::run_job
// and extend and Crew::watch use them.

#include <array>
#include <chrono>
#include <cstdint>

#include "../interleave.hpp"
#include "catch.hpp"
#include "windlass/detail/job/lease_watch.hpp"
#include "windlass/detail/job/slot_word.hpp"

namespace {

using interleave::check;
using interleave::Run;
using windlass::Duration;
using windlass::Time;
using windlass::detail::LeaseWatch;
using windlass::detail::QueueBase;
using windlass::detail::State;
using Line = windlass::detail::BasicRunLine<interleave::Atomics>;
using Word = windlass::detail::SlotWord<interleave::Atomics>;

constexpr std::uint64_t begun_at = 1000;
constexpr Duration second = std::chrono::seconds{1};

LeaseWatch::Finding look(LeaseWatch& watch, const Line& line, Time now) {
  return watch.look(line, now, [now] { return now; });
}

QueueBase* queue(std::uintptr_t number) { return reinterpret_cast<QueueBase*>(number * 64); }

}  // namespace

TEST_CASE("run line: what the watch reports belongs to one run", "[line]") {
  interleave::explore({.depth_first = 60'000, .random = 10'000}, [](Run& run) {
    Line line;
    run.thread([&] {
      for (const std::uint32_t i : {1U, 2U}) {
        (void)line.stop.begin_round();
        line.begin(queue(i), 10 * i, i, i * second, {});
        line.end();
      }
    });
    run.thread([&] {
      LeaseWatch watch;
      for (const int seconds : {0, 1}) {
        const LeaseWatch::Finding found = look(watch, line, Time{begun_at * second + seconds * second});
        if (found.queue == nullptr) continue;
        const std::uint32_t i = found.slot;
        check(i >= 1 && i <= 2 && found.low_stamp == 10 * i && found.queue == queue(i), "parts of two runs");
        check(found.round == i, "a round of another run");
        check(!found.is_overdue || seconds >= static_cast<int>(i), "overdue by another run's lease");
      }
    });
    run.join();
  });
}

TEST_CASE("run line: a run is neither overdue nor over time at first sight, whatever the one before it was", "[line]") {
  interleave::explore({.random = 10'000}, [](Run& run) {
    Line line;
    line.begin(queue(1), 10, 1, second, second);
    run.thread([&] {
      line.end();
      line.begin(queue(2), 20, 2, second, second);
    });
    run.thread([&] {
      LeaseWatch watch;
      std::uint32_t before = 0;
      for (const int seconds : {0, 1, 2}) {
        const LeaseWatch::Finding found = look(watch, line, Time{begun_at * second + seconds * second});
        if (found.queue == nullptr) continue;
        // No round begins between the two, as with errands: that would order the rest by itself.
        check(found.queue == queue(found.slot) && found.low_stamp == 10 * found.slot, "parts of two runs");
        if (found.slot != before) check(!found.is_overdue && !found.is_over_time, "judged at first sight");
        if (found.slot == before) check(found.is_overdue, "not judged at second sight");
        before = found.slot;
      }
    });
    run.join();
  });
}

TEST_CASE("run line: a run is judged by its own lease and limit and extension", "[line]") {
  for (const bool is_extended : {false, true}) {
    interleave::explore([is_extended](Run& run) {
      Line line;
      line.begin(queue(1), 10, 1, is_extended ? second : 2 * second, is_extended ? Duration{} : 2 * second);
      if (is_extended) line.extend_until.store((2 * begun_at * second).count(), std::memory_order_release);
      run.thread([&] {
        line.end();
        line.begin(queue(2), 20, 2, second, second);
      });
      run.thread([&] {
        LeaseWatch watch;
        for (const int seconds : {0, 1}) {
          const LeaseWatch::Finding found = look(watch, line, Time{begun_at * second + seconds * second});
          if (found.slot == 1) check(!found.is_overdue && !found.is_over_time, "judged by another run's");
        }
      });
      run.join();
    });
  }
}

TEST_CASE("run line: stopping one run never stops the next (round)", "[line]") {
  interleave::explore({.random = 10'000}, [](Run& run) {
    Line line;
    int asked = 0;
    run.thread([&] {
      for (const std::uint32_t i : {1U, 2U}) {
        const std::uint64_t round = line.stop.begin_round();
        line.begin(queue(i), 10 * i, i, second, {});
        if (line.stop.reason(round) != windlass::StopReason::none) check(asked == static_cast<int>(i), "not meant");
        line.end();
      }
    });
    run.thread([&] {
      LeaseWatch watch;
      const LeaseWatch::Finding found = look(watch, line, Time{begun_at * second});
      if (found.queue == nullptr) return;
      asked = static_cast<int>(found.slot);
      (void)line.stop.request(found.round, windlass::StopReason::lease_lost);
    });
    run.join();
  });
}

TEST_CASE("run line: a lease that was extended in time is not taken away (renew, 6)", "[line]") {
  interleave::explore({.random = 10'000}, [](Run& run) {
    Line line;
    Word word;
    word.enqueue(State::ready);
    const std::uint64_t stamp = word.lease();
    bool was_extended = false;
    bool was_expired = false;
    run.thread([&] {
      line.begin(queue(1), stamp, 0, second, {});
      line.extend_until.store(Duration{100 * begun_at * second}.count(), std::memory_order_release);
      const std::uint64_t renewed = word.renew(stamp);
      if (renewed == 0) return;
      was_extended = true;
      line.running.store(Line::name(renewed, 0), std::memory_order_release);
    });
    run.thread([&] {
      LeaseWatch watch;
      for (int seconds = 0; seconds < 3; ++seconds) {
        const LeaseWatch::Finding found = look(watch, line, Time{begun_at * second + seconds * second});
        if (found.is_overdue && word.expire(found.low_stamp) == State::expired) was_expired = true;
      }
    });
    run.join();
    check(!(was_extended && was_expired), "taken away though it was extended");
    const State state = word.read().state();
    check(state == (was_expired ? State::expired : State::leased), "neither");
  });
}
