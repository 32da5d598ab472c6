// Accepted, closed, finished: "drained" and "idle" are said only if they were true at one moment at least, and no job
// that was accepted before the close is overlooked. The order of the steps is that of JobIntake::admit and
// JobLife::end, settle_waiting and wake.

#include <cstdint>
#include <mutex>

#include "../interleave.hpp"
#include "catch.hpp"
#include "windlass/detail/job/counters.hpp"

namespace {

using interleave::check;
using interleave::checked;
using interleave::Run;
using windlass::detail::Count;
using Counters = windlass::detail::BasicCounters<interleave::Atomics>;

// Knows what is going on, as far as the order goes in which things are done.
struct Truth {
  int going_on = 0;
  bool was_always = false;  // since watch()

  void begin() { ++going_on; }
  void end() {
    if (--going_on == 0) was_always = false;
  }
  void watch() { was_always = going_on > 0; }
};

struct Queue {
  Counters counters;
  interleave::Atomic<bool> closed{false};
  checked<int> effect;
  Truth alive;

  // Accepts a job and runs it at once; false if it came too late.
  bool enqueue_and_run() {
    counters.add(Count::accepted);
    if (closed.load(std::memory_order_seq_cst)) {
      counters.add(Count::refused);
      return false;
    }
    alive.begin();
    effect.set(1);
    alive.end();
    counters.add(Count::done);
    return true;
  }
};

}  // namespace

TEST_CASE("counting: drained means that no job which was accepted before the close is unfinished", "[counting]") {
  interleave::explore({.random = 10'000}, [](Run& run) {
    Queue queue;
    bool is_drained = false;
    bool was_accepted = false;
    run.thread([&] { was_accepted = queue.enqueue_and_run(); });
    run.thread([&] {
      queue.closed.store(true, std::memory_order_seq_cst);
      is_drained = queue.counters.is_drained();
      if (!is_drained) return;
      check(queue.alive.going_on == 0, "drained, and a job goes on");
      if (was_accepted) check(queue.effect.get() == 1, "drained, and an effect is not there");
    });
    run.join();
    check(queue.counters.is_drained(), "not drained at the end");
  });
}

TEST_CASE("counting: drained, with two producers", "[counting]") {
  interleave::explore({.random = 10'000}, [](Run& run) {
    Counters counters;
    interleave::Atomic<bool> closed{false};
    int alive = 0;
    bool was_drained = false;
    for (int i = 0; i < 2; ++i) {
      run.thread([&] {
        counters.add(Count::accepted);
        if (closed.load(std::memory_order_seq_cst)) {
          counters.add(Count::refused);
          return;
        }
        check(!was_drained, "accepted after it was said to be drained for good");
        ++alive;
        counters.add(Count::left_waiting);  // something to stop at
        --alive;
        counters.add(Count::done);
      });
    }
    run.thread([&] {
      closed.store(true, std::memory_order_seq_cst);
      was_drained = counters.is_drained();
      check(!was_drained || alive == 0, "drained, and a job goes on");
    });
    run.join();
    check(counters.is_drained(), "not drained at the end");
  });
}

TEST_CASE("counting: who waits sees what a worker has ended, and what that did - or is seen by it", "[counting]") {
  interleave::explore({.random = 10'000}, [](Run& run) {
    Counters counters(1);
    counters.add(Count::accepted, 2);
    interleave::Atomic<int> waiters{0};
    checked<int> effect;
    bool is_told = false;
    bool has_seen = false;
    run.thread([&] {
      effect.set(1);
      counters.add_done(0);
      counters.add_done(0);  // another job of the same queue: until that is over nobody need be told
      counters.publish_done(0);
      is_told = waiters.load(std::memory_order_seq_cst) != 0;
    });
    run.thread([&] {
      waiters.fetch_add(1, std::memory_order_seq_cst);
      has_seen = counters.is_drained();
      if (has_seen) check(effect.get() == 1, "drained, and an effect is not there");
    });
    run.join();
    check(is_told || has_seen, "nobody tells the waiter that it may go");
  });
}

TEST_CASE("counting: who takes a job from a worker and ends it tells also of what that worker had ended",
          "[counting]") {
  const interleave::Seq seq = GENERATE(interleave::Seq::as_executed, interleave::Seq::any);
  interleave::explore({.depth_first = 3'000, .random = 10'000, .seq = seq}, [](Run& run) {
    Counters counters(1);
    counters.add(Count::accepted, 2);
    interleave::Atomic<int> waiters{0};
    interleave::Atomic<bool> is_leased{false};
    bool has_ended = false;
    bool is_told = false;
    bool has_seen = false;
    run.thread([&] {  // the worker ends one job, and hangs in the next
      counters.add_done(0);
      is_leased.store(true, std::memory_order_seq_cst);
    });
    run.thread([&] {  // the watch; the order of the steps is that of JobCore::expire
      if (!is_leased.load(std::memory_order_acquire)) return;
      counters.publish_all_done();
      bool seen = true;
      has_ended = is_leased.compare_exchange_strong(seen, false, std::memory_order_seq_cst, std::memory_order_acquire);
      counters.add(Count::cancelled);
      is_told = waiters.load(std::memory_order_seq_cst) != 0;
    });
    run.thread([&] {
      waiters.fetch_add(1, std::memory_order_seq_cst);
      has_seen = counters.is_drained();
    });
    run.join();
    check(!has_ended || is_told || has_seen, "nobody tells the waiter that it may go");
  });
}

TEST_CASE("counting: idle means that at one moment nothing was ready or running", "[counting]") {
  interleave::explore({.random = 10'000}, [](Run& run) {
    Counters counters;
    interleave::Mutex planner;
    Truth busy;
    bool is_linked = false;
    run.thread([&] {  // enqueues a job with a delay
      counters.add(Count::accepted);
      busy.begin();
      const std::lock_guard lock(planner);
      is_linked = true;
      busy.end();
      counters.add(Count::entered_waiting);
    });
    run.thread([&] {  // makes it ready and runs it
      {
        const std::lock_guard lock(planner);
        if (!is_linked) return;
        counters.add(Count::left_waiting);
        busy.begin();
      }
      busy.end();
      counters.add(Count::done);
    });
    run.thread([&] {
      busy.watch();
      const bool is_idle = counters.is_idle();
      check(!(is_idle && busy.was_always), "idle, and something went on all the time");
    });
    run.join();
    check(counters.is_idle(), "not idle at the end");
  });
}
