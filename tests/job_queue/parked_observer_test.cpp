#include "proc.hpp"

#if defined(__linux__)
#include <atomic>
#include <chrono>
#include <thread>

#include "await.hpp"
#include "catch.hpp"
#include "hooked.hpp"
#include "signal.hpp"
#include "windlass/job_queue.hpp"

using namespace std::chrono_literals;
using windlass::Event;
using windlass::JobQueue;
using windlass::Observation;
using windlass::WorkerInfo;

namespace {

// Holds up the first worker that is about to sleep after `holds` was set.
struct HoldingObserver {
  std::atomic<bool> holds{false};
  std::atomic<int> parked{0};
  Signal is_held, go_on;

  void operator()(const Observation& seen) {
    if (seen.event != Event::parked) return;
    ++parked;
    if (!holds.exchange(false)) return;
    is_held.set();
    go_on.wait();
  }
};
struct HeldTraits : HookedTraits {
  using Observer = HoldingObserver;
};

}  // namespace

TEST_CASE("no job lies beside a sleeping worker while an observer holds up another that goes to sleep",
          "[observer][wake][race]") {
  std::atomic<pid_t> workers[2] = {};
  std::atomic<int> ran{0};
  JobQueue<int, HeldTraits> queue{
      [&](const int&) { ++ran; },
      {.workers = 2, .lease = 0s, .on_worker_start = [&](const WorkerInfo& info) { workers[info.index] = gettid(); }}};
  const auto asleep = [&] {
    return queue.observer().parked >= 2 && proc::is_asleep(workers[0]) && proc::is_asleep(workers[1]);
  };
  for (int n = 0; n < 7; ++n) queue.try_enqueue(0).or_throw();  // the eighth push moves the ring's tail
  CHECK(await([&] { return ran == 7; }));
  CHECK(await(asleep));
  queue.observer().holds = true;
  {
    // The job is there and gone before its enqueue wakes a worker: that one searches, finds nothing and wants to sleep.
    const Interruption between("ring.push.advance", 1, [&] { (void)queue.run_one(); });
    queue.try_enqueue(1).or_throw();
    CHECK(between.has_happened());
  }
  CHECK(ran == 8);
  CHECK(queue.observer().is_held.wait(5s));
  queue.try_enqueue(2).or_throw();
  CHECK(await([&] { return ran == 9; }, 5s));  // by the other
  queue.observer().go_on.set();
  CHECK(queue.drain_for(10s));
}
#endif
