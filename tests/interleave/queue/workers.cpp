// Workers that sleep, search, are woken and end, with everything that a queue has around them.

#include <array>
#include <cstddef>
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

}  // namespace

TEST_CASE("queue: a job that is enqueued while the worker goes to sleep is run", "[queue]") {
  interleave::explore({.depth_first = 500, .random = 1'000}, [](Run& run) {
    run.thread([] {
      Happening ran;
      Queue queue{[&](const int&) { ran.happen(); }, {.capacity = 2, .workers = 1, .lease = 0s}};
      queue.enqueue(1).or_throw();
      ran.wait();
    });
    run.join();
  });
}

TEST_CASE("queue: a job that comes after a pause does not start", "[queue]") {
  interleave::explore({.depth_first = 500, .random = 1'000}, [](Run& run) {
    run.thread([] {
      Happening ran;
      bool may_run = false;
      Queue queue{[&](const int&) {
                    check(may_run, "ran while paused");
                    ran.happen();
                  },
                  {.capacity = 2, .workers = 1, .lease = 0s}};
      queue.pause();
      queue.enqueue(1).or_throw();
      interleave::pass_time();
      may_run = true;
      queue.resume();
      ran.wait();
    });
    run.join();
  });
}

TEST_CASE("queue: a job that is enqueued while its queue is resumed is run", "[queue]") {
  interleave::explore({.depth_first = 500, .random = 1'000}, [](Run& run) {
    run.thread([] {
      Happening ran;
      Queue queue{[&](const int&) { ran.happen(); }, {.capacity = 2, .workers = 1, .paused = true, .lease = 0s}};
      Thread other([&] { queue.resume(); });
      queue.enqueue(1).or_throw();
      ran.wait();
      other.join();
    });
    run.join();
  });
}

TEST_CASE("queue: two jobs that wait for each other are run by two workers", "[queue]") {
  interleave::explore({.depth_first = 200, .random = 1'000}, [](Run& run) {
    run.thread([] {
      std::array<Happening, 2> ran;
      Queue queue{[&](const int& n) {
                    ran[static_cast<std::size_t>(n)].happen();
                    ran[static_cast<std::size_t>(1 - n)].wait();
                  },
                  {.capacity = 2, .workers = 2, .lease = 0s}};
      Thread other([&] { queue.enqueue(1).or_throw(); });
      queue.enqueue(0).or_throw();
      other.join();
      for (Happening& happening : ran) happening.wait();
    });
    run.join();
  });
}

TEST_CASE("queue: who waits for idleness hears that a job has gone to wait for its time", "[queue]") {
  interleave::explore({.depth_first = 200, .random = 500}, [](Run& run) {
    run.thread([] {
      std::uint32_t ran = 0;
      Queue queue{[&](const int&) {
                    ++ran;
                    return windlass::Outcome::snooze(windlass::Duration::max());
                  },
                  {.capacity = 1, .workers = 1, .lease = 0s}};
      queue.enqueue(1).or_throw();
      check(static_cast<bool>(queue.wait_idle_for(windlass::Duration::max())), "not told");
      check(ran == 1, "not run once");
    });
    run.join();
  });
}

TEST_CASE("queue: a full queue takes the next job when a worker has made room", "[queue]") {
  interleave::explore({.depth_first = 200, .random = 1'000}, [](Run& run) {
    run.thread([] {
      std::uint32_t ran = 0;
      Queue queue{[&](const int&) { ++ran; }, {.capacity = 1, .workers = 1, .lease = 0s}};
      for (int n = 0; n < 3; ++n) queue.enqueue(n).or_throw();
      const windlass::Report report = queue.shutdown({.grace = 24h * 365});
      check(ran == 3 && report.done == 3 && report.present == 0, "a job was lost");
    });
    run.join();
  });
}

TEST_CASE("queue: a shutdown accounts for every job whose enqueue it meets", "[queue]") {
  interleave::explore({.depth_first = 200, .random = 1'500}, [](Run& run) {
    run.thread([] {
      std::uint64_t accepted = 0, ran = 0, left = 0;
      {
        Queue queue{[&](const int&) { ++ran; }, {.capacity = 2, .workers = 1, .lease = 0s}};
        Thread other([&] {
          for (int n = 0; n < 2; ++n) accepted += queue.try_enqueue(n) ? 1U : 0U;
        });
        (void)queue.shutdown(
            {.leftover = windlass::Leftover::hand_back, .hand_back = [&](windlass::JobId, int&&) { ++left; }});
        other.join();
        const windlass::Report report = queue.stats();
        check(report.accepted == accepted, "accepted and refused differ from what the caller was told");
        check(report.done == ran && report.returned == left && report.present == 0, "not what happened");
      }
      check(ran + left == accepted, "a job was lost, or run twice");
    });
    run.join();
  });
}

TEST_CASE("queue: who waits for idleness, or for the end, is told", "[queue]") {
  interleave::explore({.depth_first = 200, .random = 1'000}, [](Run& run) {
    run.thread([] {
      std::uint32_t ran = 0;
      Queue queue{[&](const int&) { ++ran; }, {.capacity = 2, .workers = 1, .lease = 0s}};
      Thread other([&] {
        const auto drained = queue.drain_for(windlass::Duration::max());
        check(static_cast<bool>(drained), "not told");
      });
      const bool accepted = static_cast<bool>(queue.try_enqueue(1));
      other.join();
      (void)queue.shutdown();
      check(ran == (accepted ? 1U : 0U), "not run");
    });
    run.join();
  });
}

TEST_CASE("queue: who waits for idleness is told before the worker turns to another queue", "[queue]") {
  interleave::explore({.depth_first = 200, .random = 500}, [](Run& run) {
    run.thread([] {
      Happening has_begun, is_idle;
      windlass::WorkerPool pool{{.workers = 1}};
      Queue busy{[&](const int&) { is_idle.wait(); }, {.capacity = 1, .pool = &pool, .lease = 0s}};
      Queue queue{[&](const int&) { has_begun.happen(); }, {.capacity = 1, .pool = &pool, .lease = 0s}};
      queue.enqueue(1).or_throw();
      Thread other([&] {
        check(static_cast<bool>(queue.wait_idle_for(windlass::Duration::max())), "not told");
        is_idle.happen();
      });
      has_begun.wait();
      busy.enqueue(1).or_throw();
      other.join();
    });
    run.join();
  });
}
