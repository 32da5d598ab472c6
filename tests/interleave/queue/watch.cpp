// The lease watch: who wakes it, when it may sleep, and whom it stops.

#include <array>
#include <cstdint>
#include <system_error>

#include "catch.hpp"
#include "traits.hpp"

namespace {

using namespace std::chrono_literals;
using interleave::check;
using interleave::Happening;
using interleave::Queue;
using interleave::Run;
using interleave::Thread;
using windlass::Delivery;
using windlass::StopReason;

// Job 0 works until it is told to stop, and that must be for `why`. Job 1, on the same worker, is told nothing.
auto stopped_for(StopReason why) {
  return [why](const int& n, Delivery& delivery) {
    const windlass::StopToken token = delivery.stop_token();
    if (n == 1) return check(token.reason() == StopReason::none, "told of what concerns another run");
    while (!token.stop_requested()) (void)delivery.sleep_for(1ms);  // time of the model
    check(token.reason() == why, "told something else");
  };
}

}  // namespace

TEST_CASE("queue: a run that hangs loses its lease, though the watch had gone to sleep (arm, disarm)", "[queue]") {
  interleave::explore({.depth_first = 200, .random = 5'000}, [](Run& run) {
    run.thread([] {
      std::array<Happening, 3> ran;
      Queue queue{[&](const int& n, Delivery& delivery) {
                    if (n == 2 && delivery.attempt() == 1) return ran[2].wait();
                    ran[static_cast<std::size_t>(n)].happen();
                  },
                  {.capacity = 2, .workers = 1, .lease = 10ms}};
      for (int n = 0; n < 3; ++n) {
        queue.enqueue(n).or_throw();
        ran[static_cast<std::size_t>(n)].wait();
        interleave::pass_time();
      }
    });
    run.join();
  });
}

TEST_CASE("queue: a run of a worker that stood by loses its lease, though its pool cannot grow", "[queue]") {
  interleave::explore({.depth_first = 200, .random = 5'000}, [](Run& run) {
    run.thread([] {
      Happening is_lost;
      windlass::WorkerPool pool{{.workers = 2, .max_workers = 3, .max_substitutes = 0}};
      Queue queue{[&](const int&) { is_lost.wait(); },
                  {.capacity = 1,
                   .pool = &pool,
                   .lease = 10ms,
                   .max_hangs = 1,
                   .dead_letters = [&](const windlass::DeadLetter<int>&) { is_lost.happen(); }}};
      pool.resize(1);
      interleave::pass_time(100ms);  // the watch goes to sleep
      Thread other([&] { queue.enqueue(1).or_throw(); });
      Thread::can_start = false;
      try {
        pool.resize(3);
      } catch (const std::system_error&) {
      }
      Thread::can_start = true;
      other.join();
      is_lost.wait();
    });
    run.join();
  });
}

TEST_CASE("queue: a job that hangs is taken away as often as it may be", "[queue]") {
  interleave::explore({.depth_first = 200, .random = 500}, [](Run& run) {
    run.thread([] {
      Happening is_dead;
      Queue queue{[&](const int&) { is_dead.wait(); },
                  {.capacity = 2,
                   .workers = 1,
                   .lease = 10ms,
                   .max_hangs = 2,
                   .max_substitutes = 2,
                   .dead_letters = [&](const windlass::DeadLetter<int>& letter) {
                     check(letter.reason == windlass::DeadReason::hung && letter.hangs == 2, "dead for another reason");
                     is_dead.happen();
                   }}};
      queue.enqueue(1).or_throw();
      is_dead.wait();
    });
    run.join();
  });
}

TEST_CASE("queue: a run is told that its lease is lost, and the next run of its worker is not", "[queue]") {
  interleave::explore({.depth_first = 200, .random = 500}, [](Run& run) {
    run.thread([] {
      Queue queue{stopped_for(StopReason::lease_lost),
                  {.capacity = 2, .workers = 1, .lease = 10ms, .max_substitutes = 0}};
      queue.enqueue(0).or_throw();
      queue.enqueue(1).or_throw();
      const windlass::Report report = queue.shutdown({.grace = 24h * 365});
      check(report.done == 2, "the first ends late, but well");
    });
    run.join();
  });
}

TEST_CASE("queue: a cancel is told to the run it is meant for, and to no other (stop_run)", "[queue]") {
  interleave::explore({.depth_first = 200, .random = 1'500}, [](Run& run) {
    run.thread([] {
      Happening go_on;
      bool ran = false;
      StopReason told = StopReason::none;
      windlass::CancelResult result{};
      {
        Queue queue{[&](const int& n, Delivery& delivery) {
                      if (n == 0) go_on.wait();
                      const StopReason why = delivery.stop_token().reason();
                      if (n == 1) return check(why == StopReason::none, "told of what concerns another job");
                      ran = true;
                      told = why;
                    },
                    {.capacity = 1, .workers = 1, .lease = 0s}};
        const windlass::JobId id = queue.enqueue(0).or_throw();
        result = queue.cancel(id);
        go_on.happen();
        queue.enqueue(1).or_throw();
        (void)queue.shutdown({.grace = 24h * 365});
      }
      check(ran == (result == windlass::CancelResult::requested), "the answer is not what happened");
      check(!ran || told == StopReason::user, "not told");
    });
    run.join();
  });
}

TEST_CASE("queue: a run that takes too long is told so, and the next run of its worker is not", "[queue]") {
  interleave::explore({.depth_first = 200, .random = 500}, [](Run& run) {
    run.thread([] {
      Queue queue{stopped_for(StopReason::max_runtime),
                  {.capacity = 2, .workers = 1, .lease = 0s, .max_substitutes = 0}};
      queue.enqueue(0, {.max_runtime = 10ms}).or_throw();
      queue.enqueue(1).or_throw();
      (void)queue.shutdown({.grace = 24h * 365});
    });
    run.join();
  });
}

TEST_CASE("queue: a run that has extended its lease does not lose it before that is over", "[queue]") {
  interleave::explore({.depth_first = 1'000, .random = 1'500}, [](Run& run) {
    run.thread([] {
      Happening is_seen;
      Queue queue{[&](const int&, Delivery& delivery) {
                    if (!delivery.extend(24h * 365)) return;
                    is_seen.wait();
                    check(!delivery.stop_token().stop_requested(), "taken away");
                  },
                  {.capacity = 1, .workers = 0, .lease = 1ms}};
      queue.enqueue(0).or_throw();
      Thread other([&] {
        for (int looks = 0; looks < 3; ++looks) {
          (void)queue.pump({.max_jobs = 0});  // keeps time
          interleave::pass_time();
        }
        is_seen.happen();
      });
      (void)queue.pump();
      other.join();
    });
    run.join();
  });
}
