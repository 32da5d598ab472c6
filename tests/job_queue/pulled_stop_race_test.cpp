#include <atomic>
#include <chrono>
#include <cstddef>
#include <mutex>
#include <optional>
#include <string_view>
#include <thread>
#include <utility>
#include <vector>

#include "await.hpp"
#include "catch.hpp"
#include "hooked.hpp"
#include "windlass/testing.hpp"

using namespace std::chrono_literals;
using windlass::CancelResult;
using windlass::EnqueueError;
using windlass::FixedDelay;
using windlass::JobId;
using windlass::JobQueue;
using windlass::StopReason;
using windlass::StopToken;
using windlass::testing::ManualQueue;
using windlass::testing::ManualTraits;

// The stop tokens of leases that are pulled by hand, when a stop, a cancel or an expiry meets the end of the lease.

namespace {

using HookedQueue = ManualQueue<int, ManualTraits<HookedTraits>>;

template <class AnyQueue>
typename AnyQueue::Lease pull(AnyQueue& queue) {
  auto reserved = queue.try_reserve();
  REQUIRE(reserved);
  return std::move(*reserved);
}

}  // namespace

TEST_CASE("a job that is about to be pulled when its queue stops is left over", "[pulled][stop][race]") {
  const char* const site = GENERATE("word.read", "word.swap");
  HookedQueue queue{{.shutdown_grace = 0s}};
  queue.try_enqueue(1).or_throw();
  const Interruption between(site, 1, [&] { queue.shutdown({.grace = 0s}); });
  const auto reserved = queue.try_reserve();
  REQUIRE(between.has_happened());
  CHECK_FALSE(reserved);
  CHECK(reserved.error() == windlass::WaitError::closed);
  CHECK(queue.stats().abandoned == 1);
  CHECK(queue.stats().deliveries == 0);
  CHECK(queue.stats().present == 0);
}

TEST_CASE("a job whose lost lease is still out when its queue shuts down is not lent once more",
          "[pulled][stop][race]") {
  HookedQueue queue{{.lease = 1s, .retry = FixedDelay{}}};
  queue.try_enqueue(1).or_throw();
  auto lost = pull(queue);
  queue.clock().advance(3s);
  queue.pause();
  CHECK_FALSE(queue.try_reserve());  // the loss is dealt with: the job is ready
  queue.resume();
  REQUIRE(queue.stats().present - queue.stats().waiting == 1);
  std::optional<windlass::WaitError> answer;
  const Interruption draining("ring.pop.head", 1, [&] { answer = queue.try_reserve().error(); });
  queue.shutdown({.grace = 1s});
  REQUIRE(draining.has_happened());
  CHECK(answer == windlass::WaitError::timed_out);
  CHECK(lost.done());
  CHECK(queue.stats().late_successes == 1);
}

TEST_CASE("a job that is about to run when its queue stops is left over", "[stop][race]") {
  const char* const site = GENERATE("word.read", "word.swap");
  const bool is_cancelled = GENERATE(false, true);
  int ran = 0;
  HookedQueue queue{[&](const int&) { ++ran; }, {.shutdown_grace = 0s}};
  const JobId id = queue.try_enqueue(1).or_throw();
  std::thread ending;  // it waits for who pumps
  const Interruption between(site, 1, [&] {
    ending = std::thread([&] { queue.shutdown({.grace = 0s}); });
    CHECK(await([&] { return queue.try_reserve().error() == windlass::WaitError::closed; }));
    if (is_cancelled) CHECK(queue.cancel(id) != CancelResult::not_found);
  });
  CHECK(queue.poll() == 0);
  REQUIRE(between.has_happened());
  ending.join();
  CHECK(ran == 0);
  CHECK(queue.stats().abandoned + queue.stats().cancelled == 1);
  CHECK(queue.stats().deliveries == 0);
  CHECK(queue.stats().present == 0);
}

TEST_CASE("a pulled lease that is cancelled at any moment of its life does not leave its stop to the next one",
          "[pulled][stop][race]") {
  const std::string_view site = GENERATE("load", "word.read", "word.swap");
  for (int nth = 1; nth <= 20; ++nth) {
    HookedQueue queue{{.capacity = 1, .retry = FixedDelay{}}};
    const JobId id = queue.try_enqueue(1).or_throw();
    std::optional<HookedQueue::Lease> lease = pull(queue);
    const StopToken old = lease->stop_token();
    const bool is_retried = nth % 2 == 0;
    const Interruption between(site, nth, [&] {
      lease->retry();  // over, if it was marked as cancelled; else ready again, under another stamp
      if (is_retried && queue.try_enqueue(2).error() == EnqueueError::full) return;
      if (!is_retried) (void)queue.try_enqueue(2);
      lease = pull(queue);
    });
    const CancelResult said = queue.cancel(id);
    if (!between.has_happened()) {
      CHECK(said == CancelResult::requested);
      CHECK(old.reason() == StopReason::user);
      break;
    }
    INFO(site << " " << nth);
    if (lease->id() != id || said != CancelResult::requested) {
      CHECK(lease->stop_token().reason() != StopReason::user);
    } else {
      CHECK(lease->stop_token().reason() == StopReason::user);
    }
    CHECK(old.stop_requested());
  }
}

TEST_CASE("a lost lease is told before anybody hears of its job", "[pulled][stop][race]") {
  std::optional<StopToken> token;
  std::vector<StopReason> seen;
  windlass::QueueOptions<int> options{.lease = 100ms, .retry = FixedDelay{}};
  options.on_ready = [&] {
    if (token) seen.push_back(token->reason());
  };
  ManualQueue<int> queue{std::move(options)};
  queue.try_enqueue(1).or_throw();
  const auto lease = pull(queue);
  CHECK_FALSE(queue.try_reserve());  // from now on it is called again
  token = lease.stop_token();
  queue.clock().advance(101ms);
  REQUIRE(seen.size() == 1);
  CHECK(seen.front() == StopReason::lease_lost);
}

TEST_CASE("a lease that is lost and settled just then does not leave its stop to the next one",
          "[pulled][stop][race]") {
  const bool is_over_time = GENERATE(false, true);
  HookedQueue queue{{.capacity = 1, .lease = is_over_time ? 1h : 100ms, .max_runtime = is_over_time ? 100ms : 1h}};
  const JobId id = queue.try_enqueue(1).or_throw();
  std::optional<HookedQueue::Lease> lease = pull(queue);
  const StopToken old = lease->stop_token();
  if (!is_over_time) CHECK(queue.cancel(id) == CancelResult::requested);  // so that its loss ends the job
  // The timekeeper has let go of the planner's lock and is about to say so; the owner is quicker.
  const Interruption between("pull.tell", 1, [&] {
    lease->done();
    (void)queue.try_enqueue(2);
    lease = pull(queue);
  });
  queue.clock().advance(102ms);
  REQUIRE(between.has_happened());
  CHECK(**lease == 2);
  CHECK(old.reason() == StopReason::lease_lost);
  CHECK(lease->stop_token().reason() == StopReason::none);
  CHECK(lease->done());
}

TEST_CASE("of many cancels, expiries and settles none ever stops another lease", "[pulled][stop][stress]") {
  constexpr std::size_t jobs = 4'000;
  JobQueue<std::size_t> queue{
      {.capacity = 4, .workers = 0, .max_deliveries = 1'000'000, .max_hangs = 1'000'000, .retry = FixedDelay{}}};
  std::atomic<int> wrong{0};
  std::atomic<int> stopped{0};
  std::atomic<int> lost{0};
  std::mutex mutex;
  JobId current;
  std::size_t current_job = 0;
  std::atomic<bool> is_over{false};
  const auto work = [&] {
    while (auto lease = queue.reserve()) {
      const std::size_t job = **lease;
      const StopToken token = lease->stop_token();
      {
        const std::lock_guard lock(mutex);
        current = lease->id();
        current_job = job;
      }
      const bool is_short = job % 5 == 0 && lease->attempt() == 1;  // has a lease of 1 ms, and is late
      for (int spin = 0; spin < 16 || (is_short && !token.stop_requested()); ++spin) {
        if (spin % 8 == 0) std::this_thread::yield();
        if (spin > 1'000) std::this_thread::sleep_for(100us);
      }
      const StopReason reason = token.reason();
      if (reason == StopReason::user) ++stopped;
      if (reason == StopReason::lease_lost) ++lost;
      if (reason == StopReason::user && job % 3 == 0) ++wrong;        // nobody cancelled it
      if (reason == StopReason::lease_lost && job % 5 != 0) ++wrong;  // it has a long lease
      if (job % 2 == 0) {
        lease->snooze(0s);  // once more, by whoever
        if (auto again = queue.try_reserve()) {
          if (**again % 3 == 0 && again->stop_token().reason() == StopReason::user) ++wrong;
          again->done();
        }
      } else {
        lease->done();
      }
      if (!token.stop_requested()) ++wrong;  // its lease is over
    }
  };
  std::thread worker(work);
  std::thread other(work);
  std::thread canceller([&] {
    while (!is_over) {
      std::unique_lock lock(mutex);
      const JobId id = current;
      const std::size_t job = current_job;
      lock.unlock();
      if (job % 3 != 0) (void)queue.cancel(id);
      std::this_thread::yield();
    }
  });
  for (std::size_t job = 1; job <= jobs; ++job) {
    windlass::EnqueueOptions options;
    if (job % 5 == 0) options.lease = 1ms;
    while (queue.enqueue_for(std::size_t{job}, 1s, options).error() == EnqueueError::timed_out) {
    }
  }
  queue.close();
  worker.join();
  other.join();
  is_over = true;
  canceller.join();
  CHECK(wrong == 0);
  CHECK(stopped > 0);
  CHECK(lost > 0);
  CHECK(queue.stats().done + queue.stats().cancelled == jobs);
}
