// Calls that wait in a queue without workers: whoever waits keeps time, watches over whoever pumps, and runs what there
// is to run. So each list of waiters is told of more than what it waits for.

#include <cstdint>

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
using windlass::Duration;

constexpr interleave::Options budget{.depth_first = 300, .random = 700};
constexpr interleave::Options patience{.depth_first = 300, .random = 4'000};

// Its first run of job 0 lasts until the lease is lost.
void hang_once(const int& n, Delivery& delivery) {
  if (n != 0 || delivery.attempt() > 1) return;
  while (!delivery.stop_token().stop_requested()) (void)delivery.sleep_for(1ms);
}

// Lets time pass until somebody has told `lease` that it is over.
template <class Lease>
void wait_for_the_end_of(Lease& lease) {
  while (!lease.stop_token().stop_requested()) interleave::pass_time();
}

}  // namespace

TEST_CASE("queue: who waits to reserve watches over who begins to pump, also when another who did has left",
          "[queue]") {
  interleave::explore(budget, [](Run& run) {
    run.thread([] {
      windlass::StopSource leaves, ends;
      Queue queue{[&](const int&, Delivery& delivery) {
                    leaves.request_stop();
                    hang_once(0, delivery);
                  },
                  {.capacity = 2, .workers = 0, .lease = 10ms}};
      const auto take = [&](windlass::StopToken stop) {
        while (auto lease = queue.reserve(stop)) (void)lease->done();
      };
      Thread first([&] { take(leaves.token()); });
      Thread second([&] { take(ends.token()); });
      queue.enqueue(0).or_throw();
      (void)queue.run_one();
      leaves.request_stop();
      ends.request_stop();
      first.join();
      second.join();
    });
    run.join();
  });
}

TEST_CASE("queue: who waits for room watches over who begins to pump", "[queue]") {
  interleave::explore(budget, [](Run& run) {
    run.thread([] {
      Queue queue{hang_once, {.capacity = 1, .workers = 0, .lease = 10ms}};
      queue.enqueue(0).or_throw();
      Thread waiter([&] { (void)queue.enqueue(1); });
      (void)queue.run_one();  // for ever, were it not for the waiter
      queue.close();
      waiter.join();
    });
    run.join();
  });
}

TEST_CASE("queue: who waits for idleness watches over who begins to pump", "[queue]") {
  interleave::explore(budget, [](Run& run) {
    run.thread([] {
      Queue queue{hang_once, {.capacity = 2, .workers = 0, .lease = 10ms}};
      queue.enqueue(1, {.lease = 0s}).or_throw();
      auto lease = queue.try_reserve();  // until it is settled, nothing is idle
      check(static_cast<bool>(lease), "nothing to reserve");
      Thread waiter([&] { check(static_cast<bool>(queue.wait_idle_for(Duration::max())), "not told"); });
      queue.enqueue(0).or_throw();
      (void)queue.run_one();
      check(lease->done(), "not settled");
      check(static_cast<bool>(queue.drain_for(Duration::max())), "not told");  // it may be the waiter that hangs
      waiter.join();
    });
    run.join();
  });
}

TEST_CASE("queue: who waits to reserve learns of a job that is due later", "[queue]") {
  interleave::explore(budget, [](Run& run) {
    run.thread([] {
      Queue queue{{.capacity = 1, .workers = 0, .lease = 0s}};
      Thread waiter([&] {
        auto lease = queue.reserve();
        check(lease && lease->done(), "nothing came");
      });
      queue.enqueue(1, {.delay = 5ms}).or_throw();
      waiter.join();
    });
    run.join();
  });
}

TEST_CASE("queue: who waits for room keeps time for a lease that is pulled meanwhile", "[queue]") {
  interleave::explore(budget, [](Run& run) {
    run.thread([] {
      Queue queue{{.capacity = 1, .workers = 0, .lease = 10ms}};
      queue.enqueue(0).or_throw();
      Thread waiter([&] { (void)queue.enqueue(1); });
      auto lease = queue.try_reserve();
      check(static_cast<bool>(lease), "nothing to reserve");
      wait_for_the_end_of(*lease);
      queue.close();
      waiter.join();
    });
    run.join();
  });
}

TEST_CASE("queue: who waits for idleness keeps time for a lease that is pulled meanwhile", "[queue]") {
  interleave::explore(budget, [](Run& run) {
    run.thread([] {
      Queue queue{{.capacity = 2, .workers = 0, .lease = 0s}};
      queue.enqueue(0).or_throw();
      const windlass::JobId id = queue.enqueue(1, {.lease = 10ms}).or_throw();
      auto first = queue.try_reserve();
      Thread waiter([&] { check(static_cast<bool>(queue.wait_idle_for(Duration::max())), "not told"); });
      auto second = queue.try_reserve();
      check(first && second, "nothing to reserve");
      wait_for_the_end_of(*second);
      check(first->done(), "not settled");
      (void)queue.cancel(id);
      waiter.join();
    });
    run.join();
  });
}

TEST_CASE("queue: who waits for idleness runs what is made ready, or may run again", "[queue]") {
  interleave::explore(budget, [](Run& run) {
    run.thread([] {
      Happening ran[2];
      Queue queue{[&](const int& n) { ran[n].happen(); }, {.capacity = 3, .workers = 0, .lease = 0s}};
      queue.enqueue(2).or_throw();
      auto lease = queue.try_reserve();
      check(static_cast<bool>(lease), "nothing to reserve");
      Thread waiter([&] { check(static_cast<bool>(queue.wait_idle_for(Duration::max())), "not told"); });
      queue.enqueue(0).or_throw();
      ran[0].wait();
      queue.pause();
      queue.enqueue(1).or_throw();
      interleave::pass_time();
      queue.resume();
      ran[1].wait();
      check(lease->done(), "not settled");
      waiter.join();
    });
    run.join();
  });
}

TEST_CASE("queue: who waits for idleness hears of the end of a lease that another who keeps time has seen", "[queue]") {
  interleave::explore(budget, [](Run& run) {
    run.thread([] {
      Queue queue{[](const int&) {}, {.capacity = 1, .workers = 0, .lease = 10ms, .max_hangs = 1}};
      queue.enqueue(0).or_throw();
      auto lease = queue.try_reserve();
      check(static_cast<bool>(lease), "nothing to reserve");
      Thread producer([&] { (void)queue.enqueue(1); });  // keeps time, and runs no errand
      check(static_cast<bool>(queue.wait_idle_for(Duration::max())), "not told");
      check(!lease->done(), "settled after its end");
      producer.join();
    });
    run.join();
  });
}

TEST_CASE("queue: who lends a thread where jobs are pulled hears of the end of a lease that another has seen",
          "[queue]") {
  interleave::explore(budget, [](Run& run) {
    run.thread([] {
      windlass::StopSource stop;
      Happening buried;
      Queue queue{{.capacity = 1,
                   .workers = 0,
                   .lease = 10ms,
                   .max_hangs = 1,
                   .dead_letters = [&](const windlass::DeadLetter<int>&) { buried.happen(); }}};
      queue.enqueue(0).or_throw();
      auto lease = queue.try_reserve();
      check(static_cast<bool>(lease), "nothing to reserve");
      Thread producer([&] { (void)queue.enqueue(1); });
      Thread lent([&] { queue.run(stop.token()); });
      buried.wait();
      check(!lease->done(), "settled after its end");
      stop.request_stop();
      lent.join();
      producer.join();
    });
    run.join();
  });
}

TEST_CASE("queue: who waits for room hears of free slots that another has put back", "[queue]") {
  struct Traits : interleave::QueueTraits {
    using Atomics = interleave::ShardedAtomics<1>;  // chains of two
  };
  interleave::explore(budget, [](Run& run) {
    run.thread([] {
      windlass::JobQueue<int, Traits> queue{{.capacity = 8, .workers = 0, .lease = 0s}};
      for (int n = 0; n < 8; ++n) queue.try_enqueue(n).or_throw();
      for (int n = 0; n < 2; ++n) {
        auto lease = queue.try_reserve();
        check(lease && lease->done(), "nothing to reserve");
      }
      Thread waiter([&] { check(static_cast<bool>(queue.enqueue(8)), "no room"); });
      check(static_cast<bool>(queue.enqueue(9)), "no room");
      waiter.join();
    });
    run.join();
  });
}

TEST_CASE("queue: who waits does not sleep through a job that is due when one was that is cancelled", "[queue]") {
  interleave::explore(budget, [](Run& run) {
    run.thread([] {
      Queue queue{{.capacity = 2, .workers = 0, .lease = 0s}};
      const windlass::JobId id = queue.enqueue(0, {.delay = 5ms}).or_throw();
      Thread waiter([&] {
        auto lease = queue.reserve();
        check(lease && lease->done(), "nothing came");
      });
      const bool is_first = queue.cancel(id) == windlass::CancelResult::cancelled;
      if (is_first) queue.enqueue(1, {.delay = 5ms}).or_throw();
      waiter.join();
    });
    run.join();
  });
}

TEST_CASE("queue: who waits for idleness watches over who runs what resume has set free", "[queue]") {
  interleave::explore(patience, [](Run& run) {
    run.thread([] {
      Queue queue{hang_once, {.capacity = 2, .workers = 0, .lease = 10ms}};
      queue.enqueue(1, {.lease = 0s}).or_throw();
      auto lease = queue.try_reserve();
      check(static_cast<bool>(lease), "nothing to reserve");
      queue.pause();
      queue.enqueue(0).or_throw();
      Thread waiter([&] { check(static_cast<bool>(queue.wait_idle_for(Duration::max())), "not told"); });
      Thread other([&] { queue.resume(); });
      (void)queue.run_one();
      other.join();
      check(lease->done(), "not settled");
      check(static_cast<bool>(queue.drain_for(Duration::max())), "not told");
      waiter.join();
    });
    run.join();
  });
}

TEST_CASE("queue: who waits for room watches over a job that brings the first lease", "[queue]") {
  interleave::explore(budget, [](Run& run) {
    run.thread([] {
      Queue queue{hang_once, {.capacity = 1, .workers = 0, .lease = 0s}};
      queue.enqueue(0, {.lease = 10ms}).or_throw();
      Thread waiter([&] { (void)queue.enqueue(1); });
      (void)queue.run_one();
      queue.close();
      waiter.join();
    });
    run.join();
  });
}

TEST_CASE("queue: who waits for room watches over a job that took it and brings the first lease", "[queue]") {
  interleave::explore(budget, [](Run& run) {
    run.thread([] {
      Happening is_over;
      Queue queue{[&](const int& n, Delivery& delivery) {
                    if (n == 1) is_over.wait();
                    hang_once(n, delivery);
                    return n == 1 ? windlass::Outcome::snooze(Duration::max()) : windlass::Outcome::done();
                  },
                  {.capacity = 3, .workers = 0, .lease = 0s}};
      queue.enqueue(3, {.delay = Duration::max()}).or_throw();  // no later plan is news
      queue.enqueue(2).or_throw();
      auto lease = queue.try_reserve();
      check(static_cast<bool>(lease), "nothing to reserve");
      queue.enqueue(1).or_throw();
      Thread waiter([&] { (void)queue.enqueue(3); });
      Thread other([&] {
        check(lease->done(), "not settled");
        (void)queue.try_enqueue(0, {.lease = 10ms});  // who waits may have been faster
        is_over.happen();
      });
      (void)queue.pump({.max_jobs = 2});
      other.join();
      queue.close();
      waiter.join();
    });
    run.join();
  });
}

TEST_CASE("queue: who waits for idleness watches over a job that brings the first lease to who pumps already",
          "[queue]") {
  interleave::explore(budget, [](Run& run) {
    run.thread([] {
      Queue* its_queue = nullptr;
      Queue queue{[&](const int& n, Delivery& delivery) {
                    if (n == 1) its_queue->try_enqueue(0, {.lease = 10ms}).or_throw();
                    hang_once(n, delivery);
                  },
                  {.capacity = 3, .workers = 0, .lease = 0s}};
      its_queue = &queue;
      queue.enqueue(2).or_throw();
      auto lease = queue.try_reserve();
      check(static_cast<bool>(lease), "nothing to reserve");
      queue.enqueue(1).or_throw();
      Thread waiter([&] { check(static_cast<bool>(queue.wait_idle_for(Duration::max())), "not told"); });
      (void)queue.pump();
      check(lease->done(), "not settled");
      check(static_cast<bool>(queue.drain_for(Duration::max())), "not told");
      waiter.join();
    });
    run.join();
  });
}

TEST_CASE("queue: without a handler who waits to reserve is woken though a thread is lent, which leaves at the end",
          "[queue]") {
  interleave::explore(budget, [](Run& run) {
    run.thread([] {
      Queue queue{{.capacity = 1, .workers = 0, .lease = 0s}};
      Thread lent([&] { queue.run({}); });
      Thread taker([&] {
        auto lease = queue.reserve();
        check(lease && lease->done(), "nothing came");
      });
      queue.enqueue(1).or_throw();
      taker.join();
      queue.close();
      lent.join();
    });
    run.join();
  });
}

TEST_CASE("queue: who waits for idleness runs what is left as soon as there is a place to pump", "[queue]") {
  interleave::explore(budget, [](Run& run) {
    run.thread([] {
      constexpr int last = 3, short_one = 4, left_over = 5;  // of four places, 1 to 3 are taken by one thread
      Happening are_taken, is_run;
      Queue* its_queue = nullptr;
      Queue queue{[&](const int& n) {
                    if (n < last) {
                      its_queue->try_enqueue(n + 1).or_throw();
                      (void)its_queue->run_one();
                    }
                    if (n == last) {
                      are_taken.happen();
                      is_run.wait();
                    }
                    if (n == left_over) is_run.happen();
                  },
                  {.capacity = 5, .workers = 0, .lease = 0s}};
      its_queue = &queue;
      queue.try_enqueue(1).or_throw();
      Thread many([&] { (void)queue.run_one(); });
      are_taken.wait();
      for (const int n : {short_one, left_over}) queue.try_enqueue(n).or_throw();
      Thread one([&] { (void)queue.run_one(); });
      check(static_cast<bool>(queue.drain_for(Duration::max())), "not told");
      one.join();
      many.join();
    });
    run.join();
  });
}
