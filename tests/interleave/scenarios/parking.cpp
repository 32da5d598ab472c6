// Parking: park x enqueue x search x shutdown. The workers below do what Crew's do (detail/threads/crew_work.hpp: work,
// rest, end_search), on one ring.

#include "windlass/detail/machines/parking.hpp"

#include <array>
#include <cstdint>
#include <functional>
#include <mutex>
#include <utility>

#include "../interleave.hpp"
#include "catch.hpp"
#include "windlass/detail/machines/index_ring.hpp"

namespace {

using interleave::check;
using interleave::checked;
using interleave::Run;
using windlass::detail::no_slot;
using Ring = windlass::detail::IndexRing<interleave::Atomics, 2>;
using Parking = windlass::detail::Parking<interleave::Atomics>;

struct Floor {
  explicit Floor(std::uint32_t its_looks = 1) : looks(its_looks) {}

  struct Worker {
    Parking::Sleeper bed;
    bool is_searching = false;
  };

  const std::uint32_t looks;
  std::array<Ring::Cell, 4> cells;
  Ring ring{cells.data(), 4};
  Parking parking;
  interleave::Atomic<bool> stopping{false};
  std::array<Worker, 4> workers;
  std::array<checked<int>, 4> payloads;
  std::array<int, 4> runs{};
  std::function<void(std::uint32_t)> handler;

  void enqueue(std::uint32_t job) {
    payloads[job].set(1);
    ring.push(job);
    parking.wake_one();
  }

  void work(Worker& self) {
    while (!stopping.load(std::memory_order_relaxed)) {
      const std::uint32_t job = ring.pop();
      if (job == no_slot) {
        rest(self);
        continue;
      }
      end_search(self);
      payloads[job].set(payloads[job].get() + 1);
      ++runs[job];
      if (handler) handler(job);
    }
    end_search(self);
  }

  void stop() {
    stopping.store(true, std::memory_order_seq_cst);
    parking.release();
  }

 private:
  [[nodiscard]] bool has_work() const { return !ring.empty(); }

  void rest(Worker& self) {
    bool& searching = self.is_searching;
    if (!searching) searching = parking.try_search();
    if (searching) {
      for (std::uint32_t look = looks; look > 0; --look) {
        if (has_work() || stopping.load(std::memory_order_relaxed)) return;
      }
    }
    if (!parking.lie_down(self.bed, std::exchange(searching, false))) return;
    const bool wants_up = has_work() || stopping.load(std::memory_order_seq_cst);
    if (wants_up) {
      parking.get_up(self.bed);
      searching = true;
    } else {
      searching = parking.sleep(self.bed);
    }
  }

  void end_search(Worker& self) {
    if (!std::exchange(self.is_searching, false)) return;
    if (parking.end_search() && has_work()) parking.wake_one();
  }
};

// What jobs wait for.
struct Signal {
  interleave::Mutex mutex;
  interleave::Condition changed;
  int count = 0;

  void raise() {
    const std::lock_guard lock(mutex);
    ++count;
    changed.notify_all();
  }
  void wait_for(int wanted) {
    std::unique_lock lock(mutex);
    changed.wait(lock, [&] { return count >= wanted; });
  }
};

}  // namespace

TEST_CASE("parking: a job is never left beside a sleeping worker", "[parking]") {
  interleave::explore([](Run& run) {
    Floor floor;
    floor.handler = [&](std::uint32_t) { floor.stop(); };
    run.thread([&] { floor.work(floor.workers[0]); });
    run.thread([&] { floor.enqueue(0); });
    run.join();
    check(floor.runs[0] == 1, "not run once");
  });
}

TEST_CASE("parking: two jobs that wait for each other get two workers, though both were left to one searcher",
          "[parking]") {
  interleave::explore({.random = 20'000}, [](Run& run) {
    Floor floor;
    Signal started;
    floor.handler = [&](std::uint32_t) {
      started.raise();
      started.wait_for(2);
      floor.stop();
    };
    for (Floor::Worker* worker : {&floor.workers[0], &floor.workers[1]})
      run.thread([&, worker] { floor.work(*worker); });
    for (const std::uint32_t job : {0U, 1U}) run.thread([&, job] { floor.enqueue(job); });
    run.join();
    check(floor.runs[0] == 1 && floor.runs[1] == 1, "not run once each");
  });
}

TEST_CASE("parking: a burst of one enqueuer gets as many workers as it needs", "[parking]") {
  interleave::explore({.random = 20'000}, [](Run& run) {
    Floor floor(0);
    Signal started;
    floor.handler = [&](std::uint32_t) {
      started.raise();
      started.wait_for(3);
      floor.stop();
    };
    for (std::size_t i = 0; i < 3; ++i) run.thread([&, i] { floor.work(floor.workers[i]); });
    run.thread([&] {
      for (const std::uint32_t job : {0U, 1U, 2U}) floor.enqueue(job);
    });
    run.join();
    check(floor.runs[0] == 1 && floor.runs[1] == 1 && floor.runs[2] == 1, "not run once each");
  });
}

TEST_CASE("parking: release wakes everybody, whatever else goes on", "[parking]") {
  interleave::explore({.random = 10'000}, [](Run& run) {
    Floor floor;
    for (Floor::Worker* worker : {&floor.workers[0], &floor.workers[1]})
      run.thread([&, worker] { floor.work(*worker); });
    run.thread([&] { floor.enqueue(0); });
    run.thread([&] { floor.stop(); });
    run.join();
    check(floor.runs[0] <= 1, "run twice");
    check(floor.parking.sleepers() == 0, "somebody is counted who does not sleep");
    check(floor.runs[0] + (floor.ring.pop() == no_slot ? 0 : 1) == 1, "the job is neither run nor left");
  });
}

TEST_CASE("parking: a nudge and a wake for one sleeper lose neither", "[parking]") {
  interleave::explore({.random = 20'000}, [](Run& run) {
    Floor floor(0);
    Signal started;
    floor.handler = [&](std::uint32_t) {
      started.raise();
      started.wait_for(2);
      floor.stop();
    };
    for (Floor::Worker* worker : {&floor.workers[0], &floor.workers[1]})
      run.thread([&, worker] { floor.work(*worker); });
    run.thread([&] { floor.parking.nudge(floor.workers[0].bed); });
    run.thread([&] {
      for (const std::uint32_t job : {0U, 1U}) floor.enqueue(job);
    });
    run.join();
    check(floor.runs[0] == 1 && floor.runs[1] == 1, "not run once each");
  });
}
