#pragma once

#include <array>
#include <atomic>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <iterator>
#include <mutex>
#include <optional>
#include <random>
#include <stdexcept>
#include <string>
#include <thread>
#include <type_traits>
#include <utility>
#include <vector>

#include "../history/check.hpp"
#include "../history/recorder.hpp"
#include "cargo.hpp"
#include "windlass/windlass.hpp"

namespace stress {

using namespace std::chrono_literals;
using windlass::Delivery;
using windlass::Duration;
using windlass::JobId;
using windlass::JobQueue;
using windlass::Outcome;

template <bool is_recorded>
struct StormTraits : windlass::DefaultTraits {
  using Observer = std::conditional_t<is_recorded, history::Observer, windlass::NoObserver>;
};

/// All operations at once on one queue with leases of a millisecond, on more threads than there are cores, until it is
/// shut down at a random moment. Recorded, every law is checked of every job; if not, memory does not grow with them.
template <bool is_recorded>
class Storm {
  using Queue = JobQueue<Cargo, StormTraits<is_recorded>>;
  using What = history::What;

 public:
  /// Ends soon after `jobs` were accepted.
  Storm(std::uint64_t seed, std::uint64_t jobs)
      : seed_(seed),
        jobs_(jobs),
        recorder_(is_recorded ? 100 * jobs : 0, [] { return std::chrono::steady_clock::now(); }) {}

  /// What was wrong; empty if nothing was.
  std::string run() {
    std::mt19937_64 random(seed_);
    queue_.emplace([this](const Cargo& cargo, Delivery& delivery) { return work(cargo, delivery); }, options(random));
    if constexpr (is_recorded) queue_->observer().write_to(recorder_);
    std::vector<std::thread> threads;
    for (std::uint64_t i = 0; i < 3; ++i) threads.emplace_back([this, s = random()] { produce(s); });
    threads.emplace_back([this, s = random()] { pull(s); });
    threads.emplace_back([this, s = random()] { meddle(s); });
    std::this_thread::sleep_for(std::chrono::microseconds{random() % 2'000});
    while (queue_->stats().accepted < jobs_) std::this_thread::sleep_for(1ms);
    constexpr std::array leftovers{windlass::Leftover::run, windlass::Leftover::dead_letter,
                                   windlass::Leftover::hand_back, windlass::Leftover::discard};
    (void)queue_->shutdown({.grace = std::chrono::microseconds{random() % 4'000},
                            .leftover = leftovers[random() % 4],
                            .hand_back = [this](JobId id, Cargo&&) {
                              ++handed_back_;
                              note(What::handed_back, id);
                            }});
    is_over_ = true;
    for (auto& thread : threads) thread.join();
    return verdict();
  }

  [[nodiscard]] const windlass::Stats& stats() const noexcept { return stats_; }

 private:
  windlass::QueueOptions<Cargo> options(std::mt19937_64& random) {
    windlass::QueueOptions<Cargo> options;
    options.capacity = static_cast<std::uint32_t>(16 + random() % 500);
    options.workers = 1 + static_cast<std::uint32_t>(random() % 3);
    options.lease = 1ms;
    options.max_failures = max_failures;
    options.max_hangs = max_hangs;
    options.max_deliveries = max_deliveries;
    options.retry = windlass::FixedDelay{backoff};
    if (random() % 2 == 0) {
      options.on_hung = [](const windlass::HungInfo& info) {
        return static_cast<windlass::OnHung>(info.id.slot() % 3);
      };
    }
    options.dead_letters = [this](const windlass::DeadLetter<Cargo>& letter) {
      if (!letter.is_completion && refuses_.fetch_add(1, std::memory_order_relaxed) % 16 == 0) throw 42;
      if (letter.is_completion) return;
      ++letters_;
      note(What::letter, letter.id, 0, letter.failures);
    };
    return options;
  }

  // What a run does; another one of the same job does something else.
  Outcome work(const Cargo& cargo, Delivery& delivery) {
    const std::uint64_t dice = mix(cargo.number() + (runs_.fetch_add(1, std::memory_order_relaxed) << 40U));
    const JobId id = delivery.id();
    const std::uint32_t attempt = delivery.attempt();
    const std::uint64_t odds = attempt == 1 ? one_in : one_in / 16;  // so that some meet a run that hung before them
    const bool hangs = dice % odds < 2;
    if (dice % odds == 0) std::this_thread::sleep_for(attempt == 1 ? 4ms : 3ms);  // hangs
    if (dice % odds == 1) (void)delivery.sleep_for(3ms);                          // hangs, and listens
    if (dice / 1'024 % 64 == 0) extend(delivery, id, attempt);
    if (dice / 1'024 % 64 == 1) delivery.heartbeat();
    if (dice / 1'024 % 64 == 2) (void)enqueue(cargo.number() ^ (std::uint64_t{1} << 40U), {});
    if (dice / 1'024 % 64 == 3) (void)cancel(id);
    if (hangs || dice / 65'536 % 4 == 0) commit(id, attempt, delivery.try_commit());
    const Outcome outcome = choose(dice / 262'144 % 64);
    if constexpr (is_recorded) recorder_.write_returning(id, attempt, outcome);
    if (outcome.kind() == windlass::OutcomeKind::retry && dice % 2 == 0) throw std::runtime_error("no");
    return outcome;
  }

  static Outcome choose(std::uint64_t dice) {
    switch (dice) {
      case 0:
      case 1:
      case 2:
      case 3:
        return Outcome::retry("no");
      case 4:
        return Outcome::retry_after(1ms);
      case 5:
        return Outcome::snooze(1ms);
      case 6:
        return Outcome::snooze(0ms);
      case 7:
        return Outcome::dead("never");
      case 8:
        return Outcome::discard();
      default:
        return Outcome::done();
    }
  }

  void extend(Delivery& delivery, JobId id, std::uint32_t attempt) {
    if constexpr (is_recorded) recorder_.write_extending(id, attempt, 2ms);
    note(delivery.extend(2ms) ? What::extended : What::lost, id, attempt);
  }
  void commit(JobId id, std::uint32_t attempt, bool is_granted) {
    note(is_granted ? What::committed : What::lost, id, attempt);
    if (is_granted) note(What::effect, id, attempt);
  }

  bool enqueue(std::uint64_t number, const windlass::EnqueueOptions& options) {
    const auto before = std::chrono::steady_clock::now();
    return accepted(queue_->try_enqueue(Cargo(ledger_, number), options), before, options);
  }
  bool accepted(const windlass::EnqueueResult& result, windlass::Time before, const windlass::EnqueueOptions& options) {
    if (!result) return false;
    if constexpr (is_recorded) {
      recorder_.write_terms(result.id(), {before + options.delay, options.lease.value_or(1ms), backoff, max_failures,
                                          max_hangs, max_deliveries});
    }
    const std::lock_guard lock(mutex_);
    recent_[newest_++ % recent_.size()] = result.id();
    return true;
  }

  windlass::CancelResult cancel(JobId id) {
    const auto result = queue_->cancel(id);
    if (result == windlass::CancelResult::cancelled) note(What::cancelled, id);
    return result;
  }

  void produce(std::uint64_t seed) {
    std::mt19937_64 random(seed);
    while (!queue_->is_closed()) {
      windlass::EnqueueOptions options;
      if (random() % 16 == 0) options.delay = std::chrono::microseconds{random() % 2'000};
      if (random() % 8 == 0) options.priority = static_cast<windlass::Priority>(random() % 3);
      if (random() % 32 == 0) options.lease = random() % 2 == 0 ? Duration{} : Duration{3ms};
      const std::uint64_t number = random() >> 24U;
      const auto before = std::chrono::steady_clock::now();
      if (random() % 4 == 0) {
        (void)accepted(queue_->enqueue_for(Cargo(ledger_, number), 1ms, options), before, options);
      } else if (random() % 32 == 0 && !is_recorded) {  // whose ids nobody would know
        std::vector<Cargo> many;
        for (std::uint64_t i = 0; i < 4; ++i) many.emplace_back(ledger_, number + i);
        (void)queue_->enqueue_bulk(std::make_move_iterator(many.begin()), std::make_move_iterator(many.end()));
      } else if (!enqueue(number, options)) {
        std::this_thread::yield();
      }
    }
  }

  // Leases by hand: settled in every way, dropped, or held for too long.
  void pull(std::uint64_t seed) {
    std::mt19937_64 random(seed);
    while (!is_over_) {
      auto reserved = queue_->reserve_for(1ms);
      if (!reserved) continue;
      auto lease = *std::move(reserved);
      const std::uint64_t dice = random();
      const JobId id = lease.id();
      if (dice % 64 == 0) std::this_thread::sleep_for(3ms);
      if (dice / 64 % 4 == 0) commit(id, lease.attempt(), lease.try_commit());
      const Outcome outcome = choose(dice / 256 % 16);
      if constexpr (is_recorded) recorder_.write_returning(id, lease.attempt(), outcome);
      const std::uint32_t attempt = lease.attempt();
      if (outcome.kind() == windlass::OutcomeKind::retry) continue;  // dropped
      note(settle(lease, outcome) ? What::settled : What::refused, id, attempt);
    }
  }

  static bool settle(typename Queue::Lease& lease, const Outcome& outcome) {
    switch (outcome.kind()) {
      case windlass::OutcomeKind::retry_after:
        return lease.retry_after(outcome.delay());
      case windlass::OutcomeKind::snooze:
        return lease.snooze(outcome.delay());
      case windlass::OutcomeKind::dead:
        return lease.dead();
      case windlass::OutcomeKind::discard:
        return lease.discard();
      default:
        return lease.done();
    }
  }

  // Cancels, pauses, offers kept letters again, and looks at snapshots.
  void meddle(std::uint64_t seed) {
    std::mt19937_64 random(seed);
    while (!is_over_) {
      JobId id;
      {
        const std::lock_guard lock(mutex_);
        id = recent_[random() % recent_.size()];
      }
      if (random() % 8 == 0) (void)cancel(id);
      if (random() % 64 == 0) queue_->pause();
      if (random() % 4 == 0) queue_->resume();
      if (random() % 16 == 0) (void)queue_->retry_kept();
      if (random() % 8 == 0 && !adds_up(queue_->stats())) ++unbalanced_;
      std::this_thread::yield();
    }
  }

  static bool adds_up(const windlass::Report& sums) {
    return sums.accepted == sums.done + sums.dead + sums.cancelled + sums.discarded + sums.returned + sums.present;
  }

  std::string verdict() {
    (void)queue_->retry_kept();
    while (queue_->stats().kept > 0) (void)queue_->retry_kept();
    stats_ = queue_->stats();
    std::string wrong;
    const auto expect = [&](bool holds, const char* otherwise) {
      if (!holds) wrong += std::string(otherwise) + "\n";
    };
    expect(unbalanced_ == 0, "a snapshot did not add up");
    expect(adds_up(stats_) && stats_.present == 0, "a job was lost, or is still there");
    expect(letters_ == stats_.dead, "there are more letters, or fewer, than dead jobs");
    expect(handed_back_ == stats_.returned, "more jobs were handed back, or fewer, than were returned");
    expect(stats_.tombstones == 0 && stats_.waiting == 0 && stats_.hung == 0, "a gauge is not back at zero");
    if constexpr (is_recorded) {
      expect(recorder_.missed() == 0, "the recorder was too small");
      wrong += broken_laws(recorder_.read(stats_));
    }
    queue_.reset();
    expect(ledger_.is_even(), "a payload was lost, or destroyed twice");
    return wrong;
  }

  void note([[maybe_unused]] What what, [[maybe_unused]] JobId id, [[maybe_unused]] std::uint32_t attempt = 0,
            [[maybe_unused]] std::uint32_t number = 0) {
    if constexpr (is_recorded) recorder_.write(what, id, attempt, number);
  }

  static std::uint64_t mix(std::uint64_t x) noexcept {  // the finaliser of splitmix64
    x = (x ^ (x >> 30U)) * 0xbf58476d1ce4e5b9U;
    x = (x ^ (x >> 27U)) * 0x94d049bb133111ebU;
    return x ^ (x >> 31U);
  }

  static constexpr std::uint64_t one_in = is_recorded ? 64 : 1'024;  // runs hangs, and another one listens meanwhile
  static constexpr std::uint32_t max_failures = 3;
  static constexpr std::uint32_t max_hangs = 3;
  static constexpr std::uint32_t max_deliveries = 5;
  static constexpr Duration backoff = 300us;

  const std::uint64_t seed_;
  const std::uint64_t jobs_;
  Ledger ledger_;
  history::Recorder recorder_;
  std::optional<Queue> queue_;
  std::atomic<bool> is_over_{false};
  std::atomic<std::uint64_t> runs_{0}, refuses_{0}, letters_{0}, handed_back_{0}, unbalanced_{0};
  std::mutex mutex_;
  std::array<JobId, 256> recent_{};
  std::size_t newest_ = 0;
  windlass::Stats stats_;
};

}  // namespace stress
