#include <atomic>
#include <chrono>
#include <optional>
#include <thread>
#include <utility>

#include "await.hpp"
#include "catch.hpp"
#include "puppet.hpp"
#include "signal.hpp"
#include "windlass/testing.hpp"
#include "windlass/windlass.hpp"

using namespace std::chrono_literals;
using windlass::Delivery;
using windlass::FixedDelay;
using windlass::JobQueue;
using windlass::Outcome;
using windlass::Report;
using windlass::StopReason;

// Runs that hang while their queue shuts down.

namespace {

using Queue = JobQueue<int>;

// A queue with a hung run of job 1, and a shutdown that waits for it.
struct Ending {
  std::atomic<int> runs_of_one{0};
  std::atomic<int> inside_one{0};
  std::atomic<int> most_inside_one{0};
  std::atomic<StopReason> told{StopReason::none};
  Signal inside;
  Signal may_hang;
  Signal release;
  Outcome answer;
  std::optional<Queue> queue;
  Report report;
  std::thread ender;

  explicit Ending(Outcome its_answer) : answer(its_answer) {
    queue.emplace(
        [this](const int& payload, Delivery& d) {
          if (payload != 1) return Outcome::done();
          const int now = ++inside_one;
          if (now > most_inside_one) most_inside_one = now;
          if (++runs_of_one > 1) {
            --inside_one;
            return Outcome::done();
          }
          inside.set();
          while (!may_hang.wait(5ms)) d.heartbeat();
          release.wait();
          told = d.stop_token().reason();
          --inside_one;
          return answer;
        },
        Queue::Options{.workers = 1, .lease = 100ms, .retry = FixedDelay{}});
    queue->enqueue(1).or_throw();
    queue->enqueue(2, {.delay = 500ms}).or_throw();
    if (!inside.wait()) return;
    ender = std::thread([this] { report = queue->shutdown({.grace = 20s}); });
  }
  Ending(const Ending&) = delete;
  ~Ending() {
    may_hang.set();
    release.set();
    if (ender.joinable()) ender.join();
  }
};

// A queue whose only job is with a run that has lost its lease, and hangs until a shutdown waits for it.
struct LostJob {
  int others = 0;  // runs of the job that are not the hung one
  std::optional<Puppet> run;
  windlass::testing::ManualQueue<int> queue;

  explicit LostJob(FixedDelay backoff)
      : queue{[this](const int& payload, Delivery& d) {
                if (!Puppet::is_here()) ++others;
                return Puppet::handle(payload, d);
              },
              {.lease = 100ms, .retry = backoff, .on_hung = [this](const windlass::HungInfo& info) {
                 if (info.shutting_down) run->let_go();  // somebody waits for it: it listens at last
                 return windlass::OnHung::redeliver;
               }}} {
    queue.enqueue(1).or_throw();
    run.emplace(queue);
    queue.clock().advance(200ms);
  }

  // The hung run ends the job, and no other run was beside it.
  void shut_down() {
    const Report report = queue.shutdown({.grace = 1s});
    run.reset();
    CHECK(others == 0);
    CHECK(report.done == 1);
    CHECK(queue.stats().late_successes == 1);
  }
};

}  // namespace

TEST_CASE("a run that loses its lease while its queue shuts down shares its job with nobody", "[shutdown][lease]") {
  Ending ending(GENERATE(Outcome::done(), Outcome::retry("too late")));
  REQUIRE(await([&] { return ending.queue->is_closed(); }));
  ending.may_hang.set();
  CHECK(await([&] { return ending.queue->stats().expiries == 1; }));
  CHECK(await([&] { return ending.queue->stats().done == 1; }));  // the other job: somebody is there to run jobs
  CHECK(ending.runs_of_one == 1);
  ending.release.set();
  ending.ender.join();
  CHECK(ending.told == StopReason::lease_lost);
  CHECK(ending.most_inside_one == 1);
  CHECK(ending.report.present == 0);
  CHECK(ending.report.done + ending.report.dead == 2);
  CHECK(ending.runs_of_one == 1);  // nothing is redelivered once a shutdown began
  if (ending.answer.kind() == windlass::OutcomeKind::done) {
    CHECK(ending.report.done == 2);
    CHECK(ending.queue->stats().late_successes == 1);
    CHECK(ending.queue->stats().redeliveries == 0);
  }
}

TEST_CASE("a run that says it lives keeps its lease while its queue shuts down", "[shutdown][lease]") {
  Signal inside;
  std::atomic<bool> extended{true};
  std::atomic<int> runs{0};
  Queue queue{[&](const int&, Delivery& d) {
                ++runs;
                inside.set();
                for (int i = 0; i < 50; ++i) {
                  std::this_thread::sleep_for(10ms);
                  if (i % 2 == 0) d.heartbeat();
                  if (i % 2 != 0 && !d.extend(200ms)) extended = false;
                }
              },
              {.workers = 1, .lease = 200ms}};
  queue.enqueue(1).or_throw();
  REQUIRE(inside.wait());
  const Report report = queue.shutdown({.grace = 20s});
  CHECK(extended);
  CHECK(runs == 1);
  CHECK(report.done == 1);
  CHECK(queue.stats().expiries == 0);
}

TEST_CASE("a job that was lost just before its queue shuts down is not redelivered beside its hung run",
          "[shutdown][lease]") {
  LostJob lost(FixedDelay{});
  REQUIRE(lost.queue.stats().expiries == 1);
  lost.shut_down();  // what follows from the loss is done here
}

TEST_CASE("a job that comes due while its queue shuts down is not redelivered beside its hung run",
          "[shutdown][lease]") {
  LostJob lost(FixedDelay{500ms});
  REQUIRE(lost.queue.poll() == 0);  // the loss is dealt with: the job waits for its backoff
  REQUIRE(lost.queue.stats().waiting == 1);
  lost.shut_down();
}

TEST_CASE("nobody is counted as hung after a shutdown that waited for a hung run", "[shutdown][hung]") {
  const auto substitutes = GENERATE(0U, 1U);
  Signal is_ending;
  Queue queue{
      [&](const int&) { is_ending.wait(); },
      {.workers = 1, .lease = 5ms, .max_substitutes = substitutes, .on_hung = [&](const windlass::HungInfo& info) {
         if (info.shutting_down) is_ending.set();  // the workers have been told to go
         return windlass::OnHung::wait;
       }}};
  queue.enqueue(1).or_throw();
  REQUIRE(await([&] { return queue.stats().hung == 1 && queue.stats().is_degraded == (substitutes == 0); }));
  CHECK(queue.shutdown({.grace = 0s}).done == 1);
  CHECK(queue.stats().hung == 0);
  CHECK(queue.stats().substitutes == 0);
  CHECK_FALSE(queue.stats().is_degraded);
}

TEST_CASE("nobody is counted as hung after a shutdown that waited for a hung run of a thread that pumps",
          "[shutdown][hung]") {
  Signal is_ending, is_held, is_pumped;
  Queue queue{[&](const int& n) {
                (n == 0 ? is_held : is_pumped).set();
                is_ending.wait();
              },
              {.workers = 1, .lease = 5ms, .on_hung = [&](const windlass::HungInfo& info) {
                 if (info.shutting_down) is_ending.set();
                 return windlass::OnHung::wait;
               }}};
  queue.enqueue(0, {.lease = 0s}).or_throw();
  REQUIRE(is_held.wait());
  queue.enqueue(1).or_throw();
  std::thread host([&] { (void)queue.run_one(); });
  CHECK(is_pumped.wait());
  CHECK(await([&] { return queue.stats().hung == 1; }));
  CHECK(queue.shutdown({.grace = 0s}).done == 2);
  CHECK(queue.stats().hung == 0);
  host.join();
}
