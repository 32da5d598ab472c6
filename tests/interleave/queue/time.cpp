// Who keeps time, and what else happens just as it looks.

#include <cstdint>
#include <optional>
#include <utility>

#include "catch.hpp"
#include "traits.hpp"

namespace {

using namespace std::chrono_literals;
using interleave::check;
using interleave::Happening;
using interleave::Queue;
using interleave::Run;
using interleave::Thread;
using windlass::StopReason;

}  // namespace

TEST_CASE("queue: delayed jobs run, the earlier one first, whoever plans it last", "[queue]") {
  interleave::explore({.depth_first = 200, .random = 1'500}, [](Run& run) {
    run.thread([] {
      Happening ran[2];
      Queue queue{[&](const int& n) { ran[n].happen(); }, {.capacity = 2, .workers = 1, .lease = 0s}};
      Thread other([&] { queue.enqueue(1, {.delay = 5ms}).or_throw(); });
      queue.enqueue(0, {.delay = 24h}).or_throw();
      ran[1].wait();
      other.join();
      ran[0].wait();
    });
    run.join();
  });
}

TEST_CASE("queue: a shutdown that plans wall-clock jobs anew does not lose the timekeeper", "[queue]") {
  interleave::explore({.depth_first = 200, .random = 1'500}, [](Run& run) {
    run.thread([] {
      std::uint32_t ran = 0;
      Queue queue{[&](const int&) { ++ran; }, {.capacity = 2, .workers = 1, .lease = 0s}};
      const auto now = interleave::time_of<std::chrono::system_clock>();
      queue.enqueue(0, {.at = now + 10ms}).or_throw();
      // The grace has no end: who waits for what never comes is a schedule without end.
      const windlass::Report report = queue.shutdown({.grace = windlass::Duration::max()});
      check(ran == 1 && report.done == 1, "not run");
    });
    run.join();
  });
}

TEST_CASE("queue: a pulled lease that is extended as the timekeeper looks still ends", "[queue]") {
  interleave::explore({.depth_first = 200, .random = 1'000}, [](Run& run) {
    run.thread([] {
      Happening ran;
      Queue queue{[&](const int&) { ran.happen(); }, {.capacity = 1, .workers = 1, .lease = 10ms}};
      queue.enqueue(0).or_throw();
      auto lease = queue.try_reserve();
      if (lease) interleave::pass_time();
      if (lease) (void)lease->extend(20ms);
      ran.wait();  // by the worker, when the lease is over
      check(!lease || !lease->done(), "a stale settle counted");
    });
    run.join();
  });
}

TEST_CASE("queue: who waits on a pulled lease's stop is told when it is cancelled or lost", "[queue]") {
  interleave::explore({.depth_first = 200, .random = 1'000}, [](Run& run) {
    run.thread([] {
      Queue queue{{.capacity = 2, .workers = 0, .lease = 0s}};
      const windlass::JobId id = queue.enqueue(0).or_throw();
      auto lease = queue.try_reserve();
      check(static_cast<bool>(lease), "nothing to reserve");
      const windlass::StopToken token = lease->stop_token();
      Thread other([&] {
        const auto next = queue.reserve(token);  // nothing else will come
        check(!next && next.error() == windlass::WaitError::stopped, "not stopped");
      });
      check(queue.cancel(id) == windlass::CancelResult::requested, "not asked");
      other.join();
      check(token.reason() == StopReason::user, "told something else");
      check(lease->done(), "not settled");
    });
    run.join();
  });
}

TEST_CASE("queue: who may not extend, for max_runtime is over, is told so at once", "[queue]") {
  interleave::explore({.depth_first = 500, .random = 1'000}, [](Run& run) {
    run.thread([] {
      Queue queue{{.capacity = 1, .workers = 0, .lease = 24h}};
      queue.enqueue(0, {.max_runtime = 2ms}).or_throw();
      auto lease = queue.try_reserve();
      check(static_cast<bool>(lease), "nothing to reserve");
      const windlass::StopToken token = lease->stop_token();
      Thread other([&] {
        while (!token.stop_requested()) {
          interleave::pass_time();
          (void)queue.pump();  // keeps time
        }
      });
      while (lease->extend(24h)) interleave::pass_time();
      check(token.reason() == StopReason::max_runtime, "not told");
      other.join();
    });
    run.join();
  });
}
