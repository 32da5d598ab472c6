// Queues that end, or leave their pool, while others call, wait, hold leases and run.

#include <cstdint>
#include <optional>

#include "catch.hpp"
#include "traits.hpp"

namespace {

using namespace std::chrono_literals;
using interleave::check;
using interleave::Happening;
using interleave::Queue;
using interleave::Run;
using interleave::Thread;
using windlass::WaitError;

}  // namespace

TEST_CASE("queue: who waits to reserve, for room or for the end leaves when the queue is closed", "[queue]") {
  interleave::explore({.depth_first = 200, .random = 1'500}, [](Run& run) {
    run.thread([] {
      Queue queue{{.capacity = 1, .workers = 0, .lease = 0s}};
      queue.enqueue(1).or_throw();
      auto lease = queue.try_reserve();
      check(static_cast<bool>(lease), "nothing to reserve");
      Thread taker([&] {
        const auto next = queue.reserve(windlass::StopToken{});
        check(!next && next.error() == WaitError::closed, "told something else");
      });
      Thread giver([&] {
        const auto next = queue.enqueue(2);
        check(next.error() == windlass::EnqueueError::closed, "told something else");
      });
      queue.close();
      giver.join();
      check(lease->done(), "not settled");
      taker.join();
    });
    run.join();
  });
}

TEST_CASE("queue: a lease that outlives its queue is settled by nobody", "[queue]") {
  interleave::explore({.depth_first = 200, .random = 1'500}, [](Run& run) {
    run.thread([] {
      std::optional<Queue> queue;
      queue.emplace(windlass::QueueOptions<int>{.capacity = 1, .workers = 0, .lease = 0s});
      queue->enqueue(1).or_throw();
      std::uint32_t settled = 0;
      {
        auto lease = queue->try_reserve();
        check(static_cast<bool>(lease), "nothing to reserve");
        Thread other([&] { settled += lease->done() ? 1U : 0U; });
        queue.reset();
        other.join();
      }
      check(settled <= 1, "settled twice");
    });
    run.join();
  });
}

TEST_CASE("queue: a queue leaves a pool whose workers look into it, and another goes on", "[queue]") {
  interleave::explore({.depth_first = 200, .random = 1'000}, [](Run& run) {
    run.thread([] {
      windlass::WorkerPool pool{{.workers = 1, .max_substitutes = 0}};
      Happening ran;
      Queue stays{[&](const int&) { ran.happen(); }, {.capacity = 1, .pool = &pool, .lease = 0s}};
      {
        std::uint32_t done = 0;
        Queue goes{[&](const int&) { ++done; }, {.capacity = 1, .pool = &pool, .lease = 0s}};
        goes.enqueue(1).or_throw();
        const windlass::Report report = goes.shutdown({.leftover = windlass::Leftover::discard});
        check(report.done == done && report.done + report.discarded == 1, "a job was lost");
      }
      stays.enqueue(1).or_throw();
      ran.wait();
    });
    run.join();
  });
}

TEST_CASE("queue: a pool that is made smaller and larger again runs every job", "[queue]") {
  interleave::explore({.depth_first = 200, .random = 1'000}, [](Run& run) {
    run.thread([] {
      windlass::WorkerPool pool{{.workers = 2, .max_workers = 2, .max_substitutes = 0}};
      Happening ran[2];
      Queue queue{[&](const int& n) {
                    ran[n].happen();
                    ran[1 - n].wait();  // takes two workers
                  },
                  {.capacity = 2, .pool = &pool, .lease = 0s}};
      pool.resize(1);
      queue.enqueue(0).or_throw();
      queue.enqueue(1).or_throw();
      pool.resize(2);
      for (Happening& happening : ran) happening.wait();
    });
    run.join();
  });
}

TEST_CASE("queue: a worker that is woken and finds itself one too many searches no more", "[queue]") {
  interleave::explore({.depth_first = 300, .random = 1'500}, [](Run& run) {
    run.thread([] {
      windlass::WorkerPool pool{{.workers = 2, .max_substitutes = 0}};
      Happening ran[2];
      Queue queue{[&](const int& n) { ran[n].happen(); }, {.capacity = 1, .pool = &pool, .lease = 0s}};
      interleave::pass_time();  // so that both may have gone to sleep
      Thread other([&] { pool.resize(1); });
      queue.enqueue(0).or_throw();
      ran[0].wait();
      other.join();
      interleave::pass_time();
      queue.enqueue(1).or_throw();  // while somebody searches, nobody would be woken for it
      ran[1].wait();
    });
    run.join();
  });
}

// Who pumps takes a job out of `waiting` and is slow to run it, between two looks of the shutdown: the first finds
// nothing ready, the second nothing due.
TEST_CASE("queue: a shutdown runs a delayed job that becomes ready as it looks (is_certain)", "[queue]") {
  interleave::explore({.depth_first = 200, .random = 3'000, .change_points = 3}, [](Run& run) {
    bool is_slow = false;
    Queue queue{[](const int&) {}, {.capacity = 1, .workers = 0, .lease = 0s, .max_substitutes = 0, .on_ready = [&] {
                                      if (is_slow) interleave::pass_time();
                                    }}};
    queue.enqueue(0, {.delay = 10ms}).or_throw();
    is_slow = true;
    run.thread([&] {
      const windlass::Report report = queue.shutdown({.grace = 24h * 365});
      check(report.done == 1, "not run");
    });
    run.thread([&] {
      interleave::pass_time(4ms);
      interleave::pass_time(6ms);
      (void)queue.pump();
    });
    run.join();
  });
}

TEST_CASE("queue: a worker that goes to sleep as its pool is made smaller stands by", "[queue]") {
  interleave::explore({.depth_first = 300, .random = 700}, [](Run& run) {
    run.thread([] {
      windlass::WorkerPool pool{{.workers = 2, .max_substitutes = 0}};
      pool.resize(1);
      while (pool.substitutes() != 0) interleave::pass_time();
    });
    run.join();
  });
}

// A worker may have taken its job out of the lane when the shutdown begins, and show nothing of it yet.
TEST_CASE("queue: a run that a shutdown meets has the whole grace, or is left over (is_settled)", "[queue]") {
  for (const bool is_paused : {false, true}) {
    interleave::explore({.depth_first = 300, .random = 1'500}, [&](Run& run) {
      run.thread([&] {
        std::uint32_t ran = 0;
        Queue queue{[&](const int&, windlass::Delivery& delivery) {
                      interleave::yield();
                      check(!delivery.stop_token().stop_requested(), "asked to stop within the grace");
                      ++ran;
                      return windlass::Outcome::retry();
                    },
                    {.capacity = 1, .workers = 1, .lease = 0s, .max_failures = 1}};
        queue.enqueue(0).or_throw();
        if (is_paused) queue.pause();
        const windlass::Report report = queue.shutdown(
            {.grace = 24h * 365, .leftover = is_paused ? windlass::Leftover::run : windlass::Leftover::discard});
        check(report.dead + report.discarded == 1, "a job was lost");
        check(report.dead - report.abandoned == ran && queue.stats().failures == ran, "taken for stopped");
      });
      run.join();
    });
  }
}

TEST_CASE("queue: who has a lease as the queue shuts down has the whole grace (take_lease)", "[queue]") {
  interleave::explore({.depth_first = 300, .random = 1'500}, [](Run& run) {
    run.thread([] {
      Queue queue{{.capacity = 1, .workers = 0, .lease = 0s}};
      queue.enqueue(0).or_throw();
      std::uint32_t done = 0;
      bool is_over = false;
      Thread taker([&] {
        auto lease = queue.try_reserve();
        if (!lease) return;
        interleave::yield();
        check(!lease->stop_requested(), "asked to stop within the grace");
        check(!is_over, "not waited for");
        done += lease->done() ? 1U : 0U;
      });
      (void)queue.shutdown({.grace = 24h * 365, .leftover = windlass::Leftover::discard});
      is_over = true;
      taker.join();
      const windlass::Report report = queue.stats();
      check(report.done == done && report.done + report.discarded == 1, "a job was lost");
    });
    run.join();
  });
}

TEST_CASE("queue: a success counts though its job stalls while it looks for it (finish_late)", "[queue]") {
  interleave::explore({.depth_first = 3'000, .random = 5'000}, [](Run& run) {
    run.thread([] {
      std::uint32_t runs = 0;
      Queue queue{[&](const int&) { ++runs; },
                  {.capacity = 1, .workers = 0, .lease = 10ms, .retry = windlass::FixedDelay{1ms}}};
      queue.enqueue(1).or_throw();
      auto lost = queue.try_reserve();
      while (!lost->stop_token().stop_requested()) {
        interleave::pass_time(11ms);
        (void)queue.try_reserve();  // keeps time
      }
      (void)queue.poll();  // the job waits for its time, which comes during the shutdown
      bool counts = false;
      const auto begun = interleave::time_of<std::chrono::steady_clock>();
      Thread settler([&] { counts = lost->done(); });
      (void)queue.shutdown({.grace = 24h * 365});
      settler.join();
      const bool is_in_grace = interleave::time_of<std::chrono::steady_clock>() - begun < 24h;
      check(!is_in_grace || counts || runs == 1, "a success under the newest stamp was thrown away");
    });
    run.join();
  });
}

TEST_CASE("queue: who waits for idleness is told before the worker that ended the last job calls its stop hook",
          "[queue]") {
  interleave::explore({.depth_first = 200, .random = 700}, [](Run& run) {
    run.thread([] {
      Happening has_begun, is_idle;
      Queue queue{
          [&](const int&) { has_begun.happen(); },
          {.capacity = 1, .workers = 1, .lease = 0s, .on_worker_stop = [&](windlass::WorkerInfo) { is_idle.wait(); }}};
      queue.enqueue(1).or_throw();
      Thread other([&] {
        (void)queue.wait_idle_for(windlass::Duration::max());
        is_idle.happen();
      });
      has_begun.wait();
      (void)queue.shutdown({.grace = 0s});
      other.join();
    });
    run.join();
  });
}
