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

// One whole life: enqueue, lease, immediate retry, lease again, done, free.
void live(Queue& queue) {
  (void)queue.try_enqueue(1);
  (void)queue.run_one();
  (void)queue.run_one();
}

// Runs `jobs` lives, or fewer if nothing moves any more.
std::uint64_t finish(Queue& queue, std::uint64_t jobs) {
  const auto give_up = std::chrono::steady_clock::now() + std::chrono::seconds{10};
  const std::uint64_t before = queue.stats().done;
  while (queue.stats().done - before < jobs && std::chrono::steady_clock::now() < give_up) {
    for (int i = 0; i < 100; ++i) live(queue);
  }
  return queue.stats().done - before;
}

}  // namespace

TEST_CASE("a thread stopped at any atomic access of a job's life holds up no other", "[stall]") {
  Staller collector;
  collector.collects = true;
  {
    Queue queue{fail_once, {.capacity = 64, .workers = 0}};
    live(queue);  // the free list takes its first slot another way than later ones
    staller = &collector;
    live(queue);
    staller = nullptr;
  }
  REQUIRE(collector.sites.size() > 20);

  std::map<std::string, int> stops;
  for (std::size_t stop = 0; stop < collector.sites.size(); ++stop) {
    CAPTURE(stop, collector.sites[stop]);
    Queue queue{fail_once, {.capacity = 64, .workers = 0}};
    live(queue);
    Staller stopper;
    stopper.countdown = static_cast<std::ptrdiff_t>(stop);
    std::thread victim([&] {
      staller = &stopper;
      live(queue);
      staller = nullptr;
    });
    stopper.wait_until_stopped();
    const std::uint64_t finished = finish(queue, 10'000);
    stopper.let_go();
    victim.join();
    CHECK(finished >= 10'000);
    while (queue.run_one()) {
    }
    CHECK(queue.stats().present == 0);
    ++stops[collector.sites[stop]];
  }
  for (const auto& [site, count] : stops) std::printf("stopped %2d times at %s\n", count, site.c_str());
}
