// Pumped queues: hosts that sleep until on_ready calls them.

#include <cstdint>
#include <optional>
#include <utility>

#include "catch.hpp"
#include "traits.hpp"

namespace {

using namespace std::chrono_literals;
using interleave::check;
using interleave::Condition;
using interleave::Mutex;
using interleave::Queue;
using interleave::Run;
using interleave::Thread;

}  // namespace

TEST_CASE("queue: a host that pumps when it is called, and sleeps otherwise, runs every job", "[queue]") {
  interleave::explore({.depth_first = 500, .random = 1'500}, [](Run& run) {
    run.thread([] {
      Mutex mutex;
      Condition wake;
      bool is_called = false;
      std::uint32_t ran = 0;
      Queue queue{[&](const int&) { ++ran; }, {.capacity = 2, .workers = 0, .lease = 0s, .on_ready = [&] {
                                                 const std::lock_guard lock(mutex);
                                                 is_called = true;
                                                 wake.notify_one();
                                               }}};
      Thread other([&] {
        for (int n = 0; n < 2; ++n) queue.try_enqueue(n).or_throw();
      });
      while (ran < 2) {
        {
          std::unique_lock lock(mutex);
          wake.wait(lock, [&] { return is_called; });
          is_called = false;
        }
        (void)queue.pump();
      }
      other.join();
    });
    run.join();
  });
}

TEST_CASE("queue: a thread that is lent runs what comes, until it is told to stop", "[queue]") {
  interleave::explore({.depth_first = 200, .random = 1'000}, [](Run& run) {
    run.thread([] {
      interleave::Happening ran;
      Queue queue{[&](const int&) { ran.happen(); }, {.capacity = 2, .workers = 0, .lease = 0s}};
      windlass::StopSource stop;
      Thread lent([&] { queue.run(stop.token()); });
      queue.try_enqueue(1).or_throw();
      ran.wait();
      check(stop.request_stop(), "asked before");
      lent.join();
    });
    run.join();
  });
}

TEST_CASE("queue: who waits for idleness is told by who pumps the last job", "[queue]") {
  interleave::explore({.depth_first = 500, .random = 1'000}, [](Run& run) {
    run.thread([] {
      Queue queue{[](const int&) {}, {.capacity = 1, .workers = 0, .lease = 0s}};
      queue.enqueue(1).or_throw();
      Thread other([&] { check(static_cast<bool>(queue.wait_idle_for(windlass::Duration::max())), "not told"); });
      (void)queue.run_one();
      other.join();
    });
    run.join();
  });
}

TEST_CASE("queue: an on_ready that takes its time holds up nobody who waits", "[queue]") {
  interleave::explore({.depth_first = 500, .random = 500}, [](Run& run) {
    run.thread([] {
      interleave::Happening is_taken, is_idle;
      bool is_known = false;
      Queue queue{{.capacity = 1, .workers = 0, .lease = 0s, .on_ready = [&] {
                     if (std::exchange(is_known, true)) return is_idle.wait();
                     is_taken.wait();
                   }}};
      std::optional<windlass::Lease<int, interleave::QueueTraits>> lease;
      Thread taker([&] {
        auto taken = queue.reserve(windlass::StopToken{});
        check(static_cast<bool>(taken), "nothing to reserve");
        lease.emplace(std::move(*taken));
        is_taken.happen();
      });
      queue.enqueue(1).or_throw();
      taker.join();
      Thread waiter([&] {
        check(static_cast<bool>(queue.wait_idle_for(windlass::Duration::max())), "not told");
        is_idle.happen();
      });
      check(lease->snooze(1h), "lost");
      waiter.join();
    });
    run.join();
  });
}
