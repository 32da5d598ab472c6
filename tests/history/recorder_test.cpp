#include "recorder.hpp"

#include <chrono>
#include <cstdint>
#include <stdexcept>
#include <thread>
#include <vector>

#include "../catch.hpp"
#include "../job_queue/puppet.hpp"
#include "check.hpp"
#include "windlass/testing.hpp"

using namespace std::chrono_literals;
using history::JobId;
using history::Recorder;
using history::What;
using windlass::CancelResult;
using windlass::Delivery;
using windlass::Outcome;
using windlass::testing::ManualClock;
using windlass::testing::ManualQueue;
using windlass::testing::ManualTraits;

namespace {

using Observed = ManualQueue<int, ManualTraits<history::ObservedTraits>>;

// One who notes what it returns.
struct Noting {
  Recorder* recorder;

  Outcome operator()(const int& payload, Delivery& delivery) const {
    if (Puppet::is_here()) return Puppet::act(delivery);
    const Outcome outcome = payload == 0 ? Outcome::retry("no") : Outcome::done();
    recorder->write_returning(delivery.id(), delivery.attempt(), outcome);
    return outcome;
  }
};

}  // namespace

TEST_CASE("what a queue does is recorded and lawful", "[history]") {
  const ManualClock clock;
  Recorder recorder(1'000, [clock] { return clock.now(); });
  Observed queue{Noting{&recorder}, {.lease = 1s, .max_failures = 3, .retry = windlass::FixedDelay{10ms}}, clock};
  queue.observer().write_to(recorder);
  const auto enqueue = [&](int payload) {
    const JobId id = queue.enqueue(payload).or_throw();
    recorder.write_terms(id, {clock.now(), 1s, 10ms, 3, 2, 10});
    return id;
  };
  const JobId hangs = enqueue(1);
  Puppet hung(queue);
  clock.advance(2s);
  enqueue(1);
  enqueue(0);
  const JobId unwanted = enqueue(1);
  CHECK(queue.cancel(unwanted) == CancelResult::cancelled);
  recorder.write(What::cancelled, unwanted);
  CHECK(queue.run_until_idle() == 5);
  recorder.write_returning(hangs, 1, Outcome::done());
  hung.end();
  (void)queue.shutdown();
  CHECK(recorder.missed() == 0);
  const auto history = recorder.read(queue.stats());
  CHECK(history.stats.done == 2);
  CHECK(history.stats.dead == 1);
  CHECK(history.stats.stale_settles == 1);
  CHECK(broken_laws(history).empty());
  CHECK(history::lives_of(history).size() == 4);
}

TEST_CASE("a queue that did something else than was noted is found out", "[history]") {
  const ManualClock clock;
  Recorder recorder(1'000, [clock] { return clock.now(); });
  Observed queue{Noting{&recorder}, {.max_failures = 3, .retry = windlass::FixedDelay{10ms}}, clock};
  queue.observer().write_to(recorder);
  recorder.write_terms(queue.enqueue(0).or_throw(), {clock.now(), 30s, 11ms, 2, 2, 10});  // not what was set
  queue.run_until_idle();
  const std::string broken = broken_laws(recorder.read(queue.stats()));
  CHECK(broken.find("limits_hold") != std::string::npos);
  CHECK(broken.find("starts_when_due") != std::string::npos);
}

TEST_CASE("what many threads write at once is all there and what does not fit is counted", "[history]") {
  Recorder recorder(2'500, [] { return history::Time{}; });
  std::vector<std::thread> writers;
  for (std::uint64_t writer = 1; writer <= 3; ++writer) {
    writers.emplace_back([&recorder, writer] {
      for (std::uint32_t i = 0; i < 1'000; ++i) recorder.write(What::effect, JobId{writer, i, 1});
    });
  }
  for (auto& writer : writers) writer.join();
  CHECK(recorder.missed() == 500);
  const auto history = recorder.read({});
  CHECK(history.notes.size() == 2'500);
  CHECK(history::lives_of(history).size() == 2'500);  // each once
}
