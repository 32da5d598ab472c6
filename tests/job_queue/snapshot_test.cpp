#include <atomic>
#include <chrono>
#include <cstdint>
#include <random>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "catch.hpp"
#include "windlass/job_queue.hpp"

using namespace std::chrono_literals;
using windlass::DeadLetter;
using windlass::Delivery;
using windlass::JobQueue;
using windlass::Outcome;
using windlass::Priority;
using windlass::Stats;

TEST_CASE("no counter is negative and the equation holds in every snapshot of a storm", "[stats][stress]") {
  constexpr int producers = 2, each = 6'000;
  const unsigned seed = std::random_device{}();
  INFO("seed " << seed);
  std::atomic<int> running{producers + 1};
  std::atomic<std::uint64_t> accepted{0}, offers{0};
  const auto handle = [](const int& n, Delivery& delivery) -> Outcome {
    switch (n % 11) {
      case 0:
        throw 42;
      case 1:
        return Outcome::dead();
      case 2:
        return Outcome::discard();
      case 3:
        return n % 2 == 0 && delivery.attempt() == 1 ? Outcome::retry_after(100us) : Outcome::snooze(100us);
      case 4:
        return delivery.try_commit() ? Outcome::retry() : Outcome::done();
      case 5:
        return delivery.attempt() == 1 ? Outcome::retry_after(0s) : Outcome::done();
      default:
        return Outcome::done();
    }
  };
  JobQueue<int> queue{handle,
                      {.capacity = 128,
                       .workers = 2,
                       .lease = 2ms,
                       .max_failures = 2,
                       .retry = windlass::FixedDelay{100us},
                       .dead_letters = [&](const DeadLetter<int>&) {
                         if (++offers % 5 == 0) throw 43;
                       }}};
  std::vector<std::thread> threads;
  for (int p = 0; p < producers; ++p) {
    threads.emplace_back([&, p] {
      std::mt19937 random(seed + static_cast<unsigned>(p));
      for (int n = 0; n < each; ++n) {
        const int job = static_cast<int>(random() % 100'000);
        const windlass::EnqueueOptions options{.delay = job % 9 == 0 ? 300us : 0us,
                                               .priority = static_cast<Priority>(job % 3)};
        const auto result = queue.enqueue_for(job, 1s, options);
        accepted += result ? 1U : 0U;
        if (result && job % 8 == 0) (void)queue.cancel(result.id());
        if (job % 100 == 0) (void)queue.retry_kept();  // kept ones take up room
      }
      --running;
    });
  }
  threads.emplace_back([&] {
    while (running > 1) {
      if (auto lease = queue.reserve_for(1ms)) {
        const int job = **lease;
        if (job % 3 == 0) lease->done();
        if (job % 3 == 1) lease->retry();
      }
    }
    --running;
  });
  std::uint64_t snapshots = 0, wrong = 0, went_back = 0;
  std::string first_wrong;
  Stats before;
  while (running > 0) {
    const Stats s = queue.stats();
    ++snapshots;
    const std::pair<const char*, std::uint64_t> all[] = {
        {"accepted", s.accepted},
        {"done", s.done},
        {"dead", s.dead},
        {"cancelled", s.cancelled},
        {"discarded", s.discarded},
        {"returned", s.returned},
        {"present", s.present},
        {"deliveries", s.deliveries},
        {"failures", s.failures},
        {"exceptions", s.exceptions},
        {"retries", s.retries},
        {"snoozes", s.snoozes},
        {"expiries", s.expiries},
        {"redeliveries", s.redeliveries},
        {"stale_settles", s.stale_settles},
        {"late_successes", s.late_successes},
        {"sink_failures", s.sink_failures},
        {"user_errors", s.user_errors},
        {"waiting", s.waiting},
        {"tombstones", s.tombstones},
        {"kept", s.kept},
        {"hung", s.hung},
        {"substitutes", s.substitutes},
        {"wait", s.wait.total()},
        {"run", s.run.total()},
    };
    for (const auto& [name, value] : all) {
      if (value < (std::uint64_t{1} << 60U)) continue;
      ++wrong;
      first_wrong = name;
    }
    if (s.accepted != s.done + s.dead + s.cancelled + s.discarded + s.returned + s.present) {
      ++wrong;
      first_wrong = "the equation";
    }
    went_back += s.done < before.done || s.dead < before.dead || s.cancelled < before.cancelled ||
                         s.discarded < before.discarded || s.failures < before.failures || s.retries < before.retries ||
                         s.deliveries < before.deliveries || s.sink_failures < before.sink_failures
                     ? 1
                     : 0;
    before = s;
  }
  for (auto& thread : threads) thread.join();
  CHECK(snapshots > 100);
  CHECK(wrong == 0);
  CHECK(first_wrong == "");
  CHECK(went_back == 0);
  (void)queue.shutdown({.grace = 100ms});
  const Stats last = queue.stats();
  CHECK(last.accepted == accepted);
  CHECK(last.present == 0);
  CHECK(last.waiting == 0);
  CHECK(last.tombstones == 0);
  CHECK(last.hung == 0);
}

TEST_CASE("a snapshot taken while jobs end faster than it is read is not negative", "[stats][stress]") {
  std::atomic<bool> is_over{false};
  JobQueue<int> queue{[](const int&) {}, {.capacity = 4}};
  std::thread producer([&] {
    while (!is_over) (void)queue.enqueue_for(0, 1s);
  });
  int wrong = 0;
  for (int n = 0; n < 200'000; ++n) {
    const Stats s = queue.stats();
    wrong += s.present < (std::uint64_t{1} << 60U) ? 0 : 1;
  }
  is_over = true;
  producer.join();
  CHECK(wrong == 0);
  (void)queue.shutdown({.leftover = windlass::Leftover::discard});
  CHECK(queue.stats().present == 0);
}
