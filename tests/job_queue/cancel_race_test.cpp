#include <atomic>
#include <chrono>
#include <cstddef>
#include <optional>
#include <string_view>
#include <thread>
#include <utility>
#include <vector>

#include "await.hpp"
#include "catch.hpp"
#include "hooked.hpp"
#include "puppet.hpp"
#include "windlass/testing.hpp"
#include "windlass/windlass.hpp"

using namespace std::chrono_literals;
using windlass::CancelResult;
using windlass::Delivery;
using windlass::FixedDelay;
using windlass::JobId;
using windlass::JobQueue;
using windlass::Outcome;
using windlass::StopReason;
using windlass::testing::ManualQueue;
using windlass::testing::ManualTraits;

// A cancel that meets its job on the move.

namespace {

using Queue = ManualQueue<int, ManualTraits<HookedTraits>>;

}  // namespace

TEST_CASE("a job that starts while it is being cancelled is told to stop", "[cancel][race]") {
  Queue queue{Puppet::handle, {.capacity = 1}};
  const JobId id = queue.try_enqueue(1).or_throw();
  std::optional<Puppet> run;
  const Interruption between("word.swap", 1, [&] { run.emplace(queue); });
  CHECK(queue.cancel(id) == CancelResult::requested);
  CHECK(between.has_happened());
  CHECK(run->stop_reason() == StopReason::user);
  run->end(Outcome::retry());
  CHECK(queue.stats().cancelled == 1);
}

TEST_CASE("a job that becomes due while it is being cancelled is cancelled where it then is", "[cancel][race]") {
  Queue queue{Puppet::handle, {.capacity = 1}};
  const JobId id = queue.try_enqueue(1, {.delay = 1s}).or_throw();
  const Interruption between("load", 2, [&] { queue.clock().advance(1s); });  // the word was read; its birth is next
  CHECK(queue.cancel(id) == CancelResult::cancelled);
  CHECK(between.has_happened());
  CHECK(queue.stats().tombstones == 1);
  CHECK(queue.run_until_idle() == 0);
  CHECK(queue.stats().cancelled == 1);
  CHECK(queue.stats().waiting == 0);
}

TEST_CASE("a job that ends while it is being cancelled leaves the next one in its slot alone", "[cancel][race]") {
  // Between the two things that it reads, and between reading and the CAS.
  const char* const site = GENERATE("load", "word.swap");
  const bool runs = GENERATE(false, true);
  Queue queue{Puppet::handle, {.capacity = 1}};
  const JobId id = queue.try_enqueue(1).or_throw();
  std::optional<JobId> next;
  std::optional<Puppet> run;
  const Interruption between(site, std::string_view{site} == "load" ? 2 : 1, [&] {
    Puppet(queue).end();
    next = queue.try_enqueue(2).or_throw();
    if (runs) run.emplace(queue);
  });
  CHECK(queue.cancel(id) == CancelResult::not_found);
  CHECK(between.has_happened());
  REQUIRE(next->slot() == id.slot());
  if (runs) CHECK(run->stop_reason() == StopReason::none);
  run.reset();
  queue.run_until_idle();
  CHECK(queue.stats().done == 2);
  CHECK(queue.stats().cancelled == 0);
}

TEST_CASE("a job that ends while it is being cancelled may still be finished or told, never run again",
          "[cancel][race]") {
  const auto outcome = GENERATE(Outcome::done(), Outcome::retry(), Outcome::snooze(1h), Outcome::yield());
  Queue queue{Puppet::handle, {.capacity = 1, .retry = FixedDelay{}}};
  const JobId id = queue.try_enqueue(1).or_throw();
  Puppet run(queue);
  const Interruption between("word.swap", 1, [&] { run.end(outcome); });
  const CancelResult said = queue.cancel(id);
  CHECK(between.has_happened());
  CHECK(queue.run_until_idle() == 0);
  const bool is_done = outcome.kind() == windlass::OutcomeKind::done;
  CHECK(said == (is_done ? CancelResult::not_found : CancelResult::cancelled));
  CHECK(queue.stats().done == (is_done ? 1 : 0));
  CHECK(queue.stats().cancelled == (is_done ? 0 : 1));
}

TEST_CASE("a cancel of a job that ends after its commit never tells the next one in its slot", "[cancel][race]") {
  const bool next_commits = GENERATE(true, false);
  CAPTURE(next_commits);
  int happened = 0;
  for (int nth = 1; nth <= 12; ++nth) {  // at whichever step of the cancel it is
    CAPTURE(nth);
    Queue queue{Puppet::handle, {.capacity = 1}};
    const JobId id = queue.try_enqueue(1).or_throw();
    std::optional<Puppet> run, next;
    run.emplace(queue);
    REQUIRE(run->tell([](Delivery& d) { return d.try_commit(); }));
    const Interruption between("load", nth, [&] {
      run->end();
      queue.try_enqueue(2).or_throw();
      next.emplace(queue);
      if (next_commits) CHECK(next->tell([](Delivery& d) { return d.try_commit(); }));
    });
    (void)queue.cancel(id);
    if (!between.has_happened()) continue;
    ++happened;
    CHECK(next->stop_reason() == StopReason::none);
    next->end();
    CHECK(queue.stats().done == 2);
    CHECK(queue.stats().cancelled == 0);
  }
  CHECK(happened >= 2);
}

TEST_CASE("what cancel says of a job is true of its runs, over and over", "[cancel][race][stress]") {
  constexpr std::size_t jobs = 20'000;
  struct Job {
    std::atomic<bool> has_started{false};
    std::atomic<bool> is_running{false};
    std::atomic<bool> was_cancelled{false};
  };
  std::vector<Job> all(jobs);
  std::atomic<int> wrong{0};
  JobQueue<std::size_t> queue{[&](const std::size_t& i, Delivery& d) {
                                Job& job = all[i];
                                job.has_started = true;
                                job.is_running = true;
                                if (job.was_cancelled) ++wrong;  // it said that none would start
                                if (i % 8 == 0) std::this_thread::yield();
                                job.is_running = false;
                                return d.attempt() < 3 && i % 2 == 0 ? Outcome::retry() : Outcome::done();
                              },
                              {.capacity = 64, .workers = 2, .retry = FixedDelay{}}};
  std::size_t said[4] = {};
  std::vector<std::pair<std::size_t, JobId>> mine;
  for (std::size_t i = 0; i < jobs; ++i) {
    const JobId id = queue.enqueue(i, {.delay = i % 16 == 0 ? 1ms : 0ms}).or_throw();
    mine.emplace_back(i, id);
    if (mine.size() < 4) continue;
    for (const auto& [which, name] : mine) {
      const CancelResult result = queue.cancel(name);
      ++said[static_cast<std::size_t>(result)];
      Job& job = all[which];
      if (result == CancelResult::cancelled) {
        job.was_cancelled = true;
        if (job.is_running) ++wrong;
      }
      // It was leased: if it has not started yet, it is about to.
      if (result == CancelResult::requested && !await([&] { return job.has_started.load(); })) ++wrong;
    }
    mine.clear();
  }
  CHECK(queue.drain_for(60s));
  CHECK(wrong == 0);
  const auto stats = queue.stats();
  CHECK(stats.done + stats.cancelled == jobs);
  CHECK(await([&] { return queue.stats().tombstones == 0; }));  // the last may still lie in its lane
  CHECK(said[static_cast<std::size_t>(CancelResult::cancelled)] <= stats.cancelled);
  CHECK(said[static_cast<std::size_t>(CancelResult::cancelled)] > 0);
  CHECK(said[static_cast<std::size_t>(CancelResult::requested)] > 0);
}
