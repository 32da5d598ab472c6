#include <atomic>
#include <chrono>
#include <condition_variable>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <map>
#include <mutex>
#include <string>
#include <thread>
#include <utility>
#include <vector>
#include <windlass/windlass.hpp>

#include "catch.hpp"

// Stops one thread at each atomic access of a job's life in turn, and lets another thread go on: the strict sense of
// lock-free. The accesses are not listed here; the probe collects them.
namespace {

class Staller {
 public:
  /// Called by the victim before each atomic access.
  void at(const char* site) {
    if (collects) {
      sites.emplace_back(site);
    } else if (countdown-- == 0) {
      std::unique_lock lock(mutex);
      is_stopped = true;
      changed.notify_all();
      changed.wait(lock, [&] { return may_go; });
    }
  }

  void wait_until_stopped() {
    std::unique_lock lock(mutex);
    changed.wait(lock, [&] { return is_stopped; });
  }

  void let_go() {
    const std::lock_guard lock(mutex);
    may_go = true;
    changed.notify_all();
  }

  bool collects = false;
  std::vector<std::string> sites;
  std::ptrdiff_t countdown = 0;

 private:
  std::mutex mutex;
  std::condition_variable changed;
  bool is_stopped = false;
  bool may_go = false;
};

thread_local Staller* staller = nullptr;  // of the victim only

struct ProbedAtomics {
  template <class T>
  using Atomic = std::atomic<T>;

  static void probe(const char* site) {
    if (staller != nullptr) staller->at(site);
  }
};

struct ProbedTraits : windlass::DefaultTraits {
  using Atomics = ProbedAtomics;
};

using Queue = windlass::JobQueue<int, ProbedTraits>;

windlass::Outcome fail_once(const int&, windlass::Delivery& delivery) {
  return delivery.attempt() == 1 ? windlass::Outcome::retry_after({}) : windlass::Outcome::done();
}

// `burst` whole lives: enqueue, lease, immediate retry, lease again, done, free. A burst moves chains of free slots.
void live(Queue& queue, int burst) {
  for (int i = 0; i < burst; ++i) (void)queue.try_enqueue(1);
  for (int i = 0; i < 2 * burst; ++i) (void)queue.run_one();
}

// Runs `jobs` lives, or fewer if nothing moves any more.
std::uint64_t finish(Queue& queue, std::uint64_t jobs) {
  const auto give_up = std::chrono::steady_clock::now() + std::chrono::seconds{10};
  const std::uint64_t before = queue.stats().done;
  while (queue.stats().done - before < jobs && std::chrono::steady_clock::now() < give_up) {
    for (int i = 0; i < 100; ++i) live(queue, 1);
  }
  return queue.stats().done - before;
}

// The accesses of a burst on a queue that has already seen one.
std::vector<std::string> collect(std::uint32_t capacity, int burst) {
  Queue queue{fail_once, {.capacity = capacity, .workers = 0}};
  live(queue, burst);
  Staller collector;
  collector.collects = true;
  staller = &collector;
  live(queue, burst);
  staller = nullptr;
  return collector.sites;
}

// Stops a thread before the access number `stop` of its burst; how many jobs another finishes meanwhile, and after.
std::uint64_t finished_beside(std::uint32_t capacity, int burst, std::size_t stop, std::uint64_t& left) {
  Queue queue{fail_once, {.capacity = capacity, .workers = 0}};
  Staller stopper;
  stopper.countdown = static_cast<std::ptrdiff_t>(stop);
  std::thread victim([&] {
    live(queue, burst);
    staller = &stopper;
    live(queue, burst);
    staller = nullptr;
  });
  stopper.wait_until_stopped();
  const std::uint64_t finished = finish(queue, 10'000);
  stopper.let_go();
  victim.join();
  while (queue.run_one()) {
  }
  left = queue.stats().present;
  return finished;
}

}  // namespace

TEST_CASE("a thread stopped at any atomic access of a job's life holds up no other", "[stall]") {
  std::map<std::string, int> stops;
  for (const auto& [capacity, burst] : {std::pair{16U, 1}, std::pair{4096U, 40}}) {
    const std::vector<std::string> sites = collect(capacity, burst);
    REQUIRE(sites.size() > 20);
    std::map<std::string, int> seen;
    for (std::size_t stop = 0; stop < sites.size(); ++stop) {
      if (++seen[sites[stop]] > 10) continue;  // later ones of a long burst are the same again
      CAPTURE(capacity, stop, sites[stop]);
      std::uint64_t left = 0;
      CHECK(finished_beside(capacity, burst, stop, left) >= 10'000);
      CHECK(left == 0);
      ++stops[sites[stop]];
    }
  }
  for (const auto& [site, count] : stops) std::printf("stopped %2d times at %s\n", count, site.c_str());
}
