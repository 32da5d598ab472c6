// The rows of the transition table that race, driven through the whole floor above the control word: what follows from
// each move, holds, payloads, counters, errands and the planner included. In every schedule each job ends exactly once,
// its payload is destroyed exactly once and never used after, and its slot is free again.

#include "job_life.hpp"

#include <algorithm>
#include <array>
#include <initializer_list>
#include <vector>

#include "catch.hpp"

namespace {

using interleave::check;
using interleave::Core;
using interleave::Run;
using windlass::CancelResult;
using windlass::Delivery;
using windlass::OnHung;
using windlass::Outcome;
using windlass::detail::Count;
using namespace std::chrono_literals;

Outcome succeed(Delivery& /*delivery*/, int /*run*/) { return Outcome::done(); }
Outcome fail_once(Delivery& /*delivery*/, int run) { return run == 1 ? Outcome::retry() : Outcome::done(); }

const interleave::Options options{.deviations = 4, .depth_first = 12'000, .random = 3'000};

// Explores `body`, which must have come by each of `events`, in one schedule at least.
void explore(std::initializer_list<Count> events, const interleave::Body& body) {
  interleave::hits.clear();
  interleave::explore(options, body);
  if (!interleave::settings.replay.empty()) return;
  for (const Count event : events) {
    INFO("event " << static_cast<int>(event));
    CHECK(interleave::hits[event] > 0);
  }
}

}  // namespace

TEST_CASE("job life: a success, its expiry and the redelivery (3, 6, 6a, 9b, 10, 11)", "[life]") {
  explore({Count::expiries, Count::late_successes, Count::stale_settles}, [](Run& run) {
    Core core(succeed);
    core.enqueue();
    run.thread([&] { core.work(); });
    run.thread([&] { core.expire(1); });
    run.thread([&] {
      core.work();
      core.work();
    });
    run.join();
    core.check_end();
    check(core.count(Count::done) == 1, "not done once");
  });
}

TEST_CASE("job life: a failure, its expiry and the redelivery (3a, 4, 6, 6a, 11)", "[life]") {
  explore({Count::expiries, Count::stale_settles, Count::failures}, [](Run& run) {
    Core core(fail_once);
    core.enqueue();
    run.thread([&] { core.work(); });
    run.thread([&] { core.expire(1); });
    run.thread([&] {
      core.work();
      core.work();
    });
    run.join();
    core.check_end();
    check(core.count(Count::done) == 1, "not done once");
  });
}

TEST_CASE("job life: settle x cancel (3, 3a, 4, 9a', 11)", "[life]") {
  for (const auto handler : {succeed, fail_once}) {
    explore({Count::cancelled, Count::tombstones_gone}, [=](Run& run) {
      Core core(handler);
      const windlass::JobId id = core.enqueue();
      CancelResult result{};
      int runs_then = 0;
      run.thread([&] { core.work(); });
      run.thread([&] {
        result = core.cancel(id);
        runs_then = core.runs();
      });
      run.join();
      core.check_end();
      if (result == CancelResult::cancelled) {
        check(core.count(Count::cancelled) == 1 && core.runs() == runs_then, "cancelled, and yet it ran");
      }
      if (result == CancelResult::not_found) check(core.count(Count::done) == 1, "not found, and not over");
    });
  }
}

TEST_CASE("job life: cancel x lease of a ready job leaves a tombstone (2, 9a')", "[life]") {
  explore({Count::cancelled, Count::tombstones_gone}, [](Run& run) {
    Core core(succeed, {.capacity = 2});
    const windlass::JobId id = core.enqueue();
    core.enqueue();
    std::array<CancelResult, 2> results{};
    for (CancelResult& result : results) run.thread([&] { result = core.cancel(id); });
    run.thread([&] {
      core.work();
      core.work();
    });
    run.join();
    core.check_end();
    check(!(results[0] == CancelResult::cancelled && results[1] == CancelResult::cancelled), "cancelled twice");
    check(core.count(Count::done) + core.count(Count::cancelled) == 2, "neither done nor cancelled");
  });
}

TEST_CASE("job life: commit x expiry x cancel: the effect comes about once at most (6, 8, 8a, 9)", "[life]") {
  explore({Count::expiries, Count::cancelled, Count::stale_settles}, [](Run& run) {
    int effects = 0;
    bool was_cancelled = false;
    Core core([&](Delivery& delivery, int) {
      const bool is_too_late = was_cancelled;
      if (!delivery.try_commit()) return Outcome::discard();
      check(!is_too_late, "committed after it was cancelled");
      ++effects;
      return Outcome::done();
    });
    const windlass::JobId id = core.enqueue();
    run.thread([&] { core.work(); });
    run.thread([&] { core.expire(1); });
    run.thread([&] {
      core.cancel(id);
      was_cancelled = true;
    });
    run.thread([&] {
      core.work();
      core.work();
    });
    run.join();
    core.check_end();
    check(effects <= 1, "the effect came twice");
    check(core.count(Count::done) == static_cast<std::uint64_t>(effects), "done without its effect, or the reverse");
  });
}

TEST_CASE("job life: a job that waits for its hung run is gone on with once (6b, 12, 9b, 9c)", "[life]") {
  for (const auto handler : {succeed, fail_once}) {
    for (const bool with_cancel : {false, true}) {
      explore({Count::expiries}, [=](Run& run) {
        Core core(handler, {.on_hung = [](const windlass::HungInfo&) { return OnHung::wait; }});
        const windlass::JobId id = core.enqueue();
        run.thread([&] { core.work(); });
        run.thread([&] {
          if (core.expire(1)) core.work();
        });
        if (with_cancel) run.thread([&] { core.cancel(id); });
        run.join();
        core.check_end();
        if (!with_cancel) check(core.count(Count::done) == 1, "not done once");
      });
    }
  }
}

TEST_CASE("job life: during a shutdown nothing is redelivered before its run has returned (6b, 9d)", "[life]") {
  explore({Count::expiries, Count::abandoned}, [](Run& run) {
    Core core(fail_once);
    core.enqueue();
    run.thread([&] { core.work(); });
    run.thread([&] {
      core.end_redelivery();
      core.expire(1);
      core.work();
    });
    run.join();
    core.check_end();
  });
}

TEST_CASE("job life: extend x expire: one of the two has the job (6, renew)", "[life]") {
  explore({Count::expiries, Count::late_successes}, [](Run& run) {
    bool was_extended = false;
    bool was_expired = false;
    Core core([&](Delivery& delivery, int number) {
      if (number == 1) was_extended = delivery.extend(1s);
      return Outcome::done();
    });
    core.enqueue();
    run.thread([&] { core.work(); });
    run.thread([&] { was_expired = core.expire(1); });
    run.thread([&] { core.work(); });
    run.join();
    core.check_end();
    check(!(was_extended && was_expired), "extended, and yet expired under the old stamp");
    check(core.count(Count::done) == 1, "not done once");
  });
}

TEST_CASE("job life: a late success of a job that waits, x its being due x cancel (9a, 9b, 9d)", "[life]") {
  for (const bool with_cancel : {false, true}) {
    explore({Count::late_successes, Count::left_waiting}, [=](Run& run) {
      Core core([](Delivery& /*delivery*/, int) { return Outcome::done(); },
                {.max_hangs = 5, .on_hung = [](const windlass::HungInfo&) { return OnHung::redeliver; }});
      core.retry_after(1s);
      const windlass::JobId id = core.enqueue();
      run.thread([&] { core.work(); });
      run.thread([&] {
        if (core.expire(1)) core.work();
        core.tick();
      });
      if (with_cancel) run.thread([&] { core.cancel(id); });
      run.thread([&] { core.work(); });
      run.join();
      core.check_end();
    });
  }
}

TEST_CASE("job life: cancel never ends the next job in the slot (10, 1, 9)", "[life]") {
  explore({Count::cancelled, Count::refused}, [](Run& run) {
    std::vector<windlass::JobId> ran;
    Core core([&](Delivery& delivery, int) {
      ran.push_back(delivery.id());
      return Outcome::done();
    });
    const windlass::JobId first = core.enqueue();
    windlass::JobId second{};
    CancelResult result{};
    run.thread([&] { core.work(); });
    run.thread([&] { second = core.enqueue(); });
    run.thread([&] { result = core.cancel(first); });
    run.thread([&] { core.work(); });
    run.join();
    core.check_end();
    const bool did_run = std::count(ran.begin(), ran.end(), first) == 1;
    check(did_run != (result == CancelResult::cancelled), "cancelled and run, or neither");
    check(second == windlass::JobId{} || std::count(ran.begin(), ran.end(), second) == 1, "the next job was hit");
  });
}

TEST_CASE("job life: an expiry means the lease it timed, not the next one in the slot (6, 10)", "[life]") {
  explore({Count::expiries}, [](Run& run) {
    Core core(succeed);
    core.enqueue();
    bool was_expired = false;
    run.thread([&] {
      core.work();
      core.enqueue();
      core.work();
    });
    run.thread([&] { was_expired = core.expire(1); });
    run.join();
    core.check_end();
    check(core.count(Count::expiries) == (was_expired ? 1U : 0U), "counted wrong");
    check(core.runs() <= 2 + (was_expired ? 1 : 0), "run again without an expiry");
  });
}
