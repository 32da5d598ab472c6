#include <cstddef>  // for __GLIBC__

#if defined(__GLIBC__)
#include <pthread.h>

#include <atomic>
#include <chrono>
#include <limits>
#include <system_error>

#include "await.hpp"
#include "catch.hpp"
#include "signal.hpp"
#include "windlass/windlass.hpp"

using namespace std::chrono_literals;
using windlass::Delivery;
using windlass::FixedDelay;
using windlass::JobQueue;
using windlass::Outcome;
using windlass::WorkerPool;

// What becomes of a queue when the system will not start a thread for it.

namespace {

// While one lives, no thread can be started in this process: each would have a stack that no address space has room
// for.
class NoThreads {
 public:
  NoThreads() {
    pthread_getattr_default_np(&usual_);
    pthread_attr_t vast;
    pthread_attr_init(&vast);
    pthread_attr_setstacksize(&vast, std::numeric_limits<std::size_t>::max() / 8 * 7);
    works_ = pthread_setattr_default_np(&vast) == 0;
    pthread_attr_destroy(&vast);
  }
  ~NoThreads() {
    pthread_setattr_default_np(&usual_);
    pthread_attr_destroy(&usual_);
  }
  NoThreads(const NoThreads&) = delete;
  NoThreads& operator=(const NoThreads&) = delete;

  [[nodiscard]] bool works() const noexcept { return works_; }

 private:
  pthread_attr_t usual_{};
  bool works_ = false;
};

}  // namespace

TEST_CASE("while no substitute can be started a queue is degraded and loses no job", "[substitute][threads]") {
  Signal inside;
  Signal release;
  const auto handle = [&](const int& payload, Delivery& delivery) {
    if (payload != 0 || delivery.attempt() > 1) return Outcome::done();
    inside.set();
    release.wait();
    return Outcome::retry("too late");
  };
  JobQueue<int> queue{handle, {.workers = 1, .lease = 150ms, .retry = FixedDelay{}}};
  {
    const NoThreads none;
    REQUIRE(none.works());
    queue.enqueue(0).or_throw();
    queue.enqueue(1).or_throw();
    REQUIRE(inside.wait());
    CHECK(await([&] { return queue.stats().expiries == 1; }));  // which does not depend on a substitute
    CHECK(await([&] { return queue.stats().is_degraded; }));
    CHECK(queue.stats().hung == 1);
    CHECK(queue.stats().substitutes == 0);
    CHECK(queue.stats().done == 0);
  }
  CHECK(await([&] { return queue.stats().done == 2; }));  // the lost job and the other, while the run still hangs
  CHECK(await([&] { return !queue.stats().is_degraded; }));
  CHECK(queue.stats().hung == 1);
  release.set();
  CHECK(await([&] { return queue.stats().hung == 0 && queue.stats().substitutes == 0; }));
  CHECK(queue.stats().stale_settles == 1);
  CHECK(queue.drain_for(10s));
}

TEST_CASE("without a substitute the hung worker goes on with its lost job when it returns", "[substitute][threads]") {
  Signal inside;
  Signal release;
  std::atomic<int> runs{0};
  const auto handle = [&](const int&, Delivery&) {
    if (++runs > 1) return Outcome::done();
    inside.set();
    release.wait();
    return Outcome::retry("too late");
  };
  JobQueue<int> queue{handle, {.workers = 1, .lease = 150ms, .retry = FixedDelay{}}};
  const NoThreads none;
  REQUIRE(none.works());
  queue.enqueue(0).or_throw();
  REQUIRE(inside.wait());
  CHECK(await([&] { return queue.stats().is_degraded; }));
  release.set();
  CHECK(await([&] { return queue.stats().done == 1; }));
  CHECK(await([&] { return !queue.stats().is_degraded; }));
  CHECK(runs == 2);
  CHECK(queue.drain_for(10s));
}

TEST_CASE("a queue whose threads cannot be started throws that and is not built", "[threads]") {
  const auto build = [] { const JobQueue<int> queue{[](int) {}, {.workers = 2}}; };
  {
    const NoThreads none;
    REQUIRE(none.works());
    CHECK_THROWS_AS(build(), std::system_error);
  }
  CHECK_NOTHROW(build());
}

TEST_CASE("a pool that cannot be made larger says so and goes on with the workers it has", "[pool][threads]") {
  WorkerPool pool{{.workers = 1, .max_workers = 3}};
  std::atomic<int> inside{0};
  Signal release;
  JobQueue<int> queue{[&](int) {
                        ++inside;
                        release.wait();
                      },
                      {.pool = &pool}};
  {
    const NoThreads none;
    REQUIRE(none.works());
    CHECK_THROWS_AS(pool.resize(3), std::system_error);
    for (int n = 0; n < 3; ++n) queue.enqueue(n).or_throw();
    CHECK(await([&] { return inside == 1; }));
  }
  pool.resize(3);
  CHECK(await([&] { return inside == 3; }));
  release.set();
  CHECK(queue.drain_for(10s));
  CHECK(queue.stats().done == 3);
}
#endif
