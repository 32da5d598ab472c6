#include "windlass/worker_pool.hpp"

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <random>
#include <thread>
#include <utility>
#include <vector>

#include "await.hpp"
#include "catch.hpp"
#include "job_queue/signal.hpp"
#include "windlass/job_queue.hpp"

using namespace std::chrono_literals;
using windlass::Delivery;
using windlass::HungInfo;
using windlass::JobQueue;
using windlass::Leftover;
using windlass::OnHung;
using windlass::Outcome;
using windlass::StopReason;
using windlass::WaitError;
using windlass::WorkerPool;

namespace {

using Options = windlass::QueueOptions<int>;

// How many of `jobs` are inside their handlers at most.
struct Crowd {
  std::atomic<int> inside{0}, most{0};

  void enter() {
    const int now = ++inside;
    for (int seen = most; now > seen && !most.compare_exchange_weak(seen, now);) {
    }
  }
  void leave() { --inside; }
};

}  // namespace

TEST_CASE("full queues share a worker's turns by weight, whatever idle queues are there", "[pool]") {
  WorkerPool pool;
  std::vector<int> order;  // by the only worker
  Signal inside, go_on;
  const auto note = [&](const int& n) {
    if (n != 0) return order.push_back(n);
    inside.set();
    go_on.wait();
  };
  std::optional<JobQueue<int>> idle_before, idle_between;
  const bool has_idle = GENERATE(false, true);
  if (has_idle) idle_before.emplace(note, Options{.pool = &pool, .weight = 7});
  JobQueue<int> light{note, {.pool = &pool}};
  if (has_idle) idle_between.emplace(note, Options{.pool = &pool, .weight = 100});
  JobQueue<int> heavy{note, {.pool = &pool, .weight = 3}};
  light.enqueue(0).or_throw();
  REQUIRE(inside.wait());
  for (int n = 0; n < 400; ++n) {
    light.enqueue(1).or_throw();
    heavy.enqueue(3).or_throw();
  }
  go_on.set();
  CHECK(light.drain_for(10s));
  CHECK(heavy.drain_for(10s));
  REQUIRE(order.size() == 800);
  int uneven = 0;
  for (std::ptrdiff_t i = 0; i < 400; i += 4) {
    uneven += std::count(order.begin() + i, order.begin() + i + 4, 3) == 3 ? 0 : 1;
  }
  CHECK(uneven == 0);
}

TEST_CASE("queues come and go while their pool works, and account for every job", "[pool][stress]") {
  const unsigned seed = std::random_device{}();
  INFO("seed " << seed);
  constexpr int threads_of_queues = 3, lives = 60;
  WorkerPool pool{{.workers = 2, .max_workers = 3}};
  std::atomic<std::uint64_t> accepted{0}, ended{0};
  std::atomic<int> unbalanced{0}, foreign{0}, living{0};
  JobQueue<int> resident{[](const int&) {}, {.pool = &pool, .weight = 2}};
  std::vector<std::thread> threads;
  for (int t = 0; t < threads_of_queues; ++t) {
    threads.emplace_back([&, t] {
      std::mt19937 random(seed + static_cast<unsigned>(t));
      for (int life = 0; life < lives; ++life) {
        const auto leftover = random() % 2 == 0 ? Leftover::run : Leftover::dead_letter;
        std::atomic<bool> is_alive{true};
        {
          JobQueue<int> queue{[&](const int& n, Delivery& delivery) {
                                foreign += is_alive ? 0 : 1;
                                if (n % 5 == 0 && delivery.attempt() == 1) return Outcome::retry_after(100us);
                                ++ended;
                                return Outcome::done();
                              },
                              {.capacity = 64,
                               .pool = &pool,
                               .weight = 1 + static_cast<unsigned>(random() % 4),
                               .shutdown_grace = std::chrono::milliseconds{random() % 3},
                               .leftover = leftover,
                               .dead_letters = [&](const auto&) { ++ended; }}};
          const auto jobs = random() % 200;
          for (unsigned n = 0; n < jobs; ++n) {
            const windlass::EnqueueOptions options{.delay = n % 9 == 0 ? 200us : 0us};
            accepted += queue.enqueue_for(static_cast<int>(n), 10s, options) ? 1U : 0U;
            if (n % 16 == 0) (void)resident.try_enqueue(1);
          }
          if (life % 3 == 0) {
            const auto report = queue.shutdown({.grace = 1ms, .leftover = leftover});
            unbalanced += report.present == 0 && report.accepted == report.done + report.dead ? 0 : 1;
          }
        }
        is_alive = false;
      }
      --living;
    });
    ++living;
  }
  for (std::uint32_t n = 0; living > 0; ++n) {
    pool.resize(1 + n % 3);
    std::this_thread::sleep_for(1ms);
  }
  for (auto& thread : threads) thread.join();
  CHECK(accepted == ended);
  CHECK(unbalanced == 0);
  CHECK(foreign == 0);
  CHECK(resident.drain_for(10s));
}

TEST_CASE("resize changes how many work, at once up and as soon as they are free down", "[pool]") {
  WorkerPool pool{{.workers = 1, .max_workers = 4}};
  Crowd crowd;
  std::atomic<bool> holds{true};
  JobQueue<int> queue{[&](const int&) {
                        crowd.enter();
                        (void)await([&] { return !holds; });
                        crowd.leave();
                      },
                      {.pool = &pool}};
  for (int n = 0; n < 12; ++n) queue.enqueue(n).or_throw();
  CHECK(await([&] { return crowd.inside == 1; }));
  pool.resize(4);
  CHECK(await([&] { return crowd.inside == 4; }));
  CHECK(queue.stats().done == 0);
  pool.resize(2);
  CHECK(crowd.inside == 4);  // nobody is thrown out
  holds = false;
  CHECK(queue.wait_idle_for(10s));
  CHECK(crowd.most == 4);
  crowd.most = 0;
  for (int n = 0; n < 2'000; ++n) queue.enqueue(n).or_throw();
  CHECK(queue.wait_idle_for(10s));
  CHECK(crowd.most <= 2);
  holds = true;
  pool.resize(3);  // those that stood by work again
  for (int n = 0; n < 12; ++n) queue.enqueue(n).or_throw();
  CHECK(await([&] { return crowd.inside == 3; }));
  holds = false;
  CHECK(queue.drain_for(10s));
  CHECK(crowd.most == 3);
}

TEST_CASE("a handler that hangs on a pool's only worker stops no other queue", "[pool]") {
  WorkerPool pool;
  Signal go_on;
  std::atomic<int> ran{0};
  JobQueue<int> bad{[&](const int&) { (void)go_on.wait(); },
                    {.pool = &pool, .lease = 5ms, .on_hung = [](const HungInfo&) { return OnHung::wait; }}};
  JobQueue<int> good{[&](const int&) { ++ran; }, {.pool = &pool}};
  bad.enqueue(0).or_throw();
  CHECK(await([&] { return pool.hung() == 1; }));
  for (int n = 0; n < 50; ++n) good.enqueue(n).or_throw();
  CHECK(good.wait_idle_for(10s));
  CHECK(ran == 50);
  CHECK(pool.substitutes() == 1);
  CHECK_FALSE(pool.is_degraded());
  CHECK(good.stats().hung == 1);  // of the pool they share
  go_on.set();
  CHECK(await([&] { return pool.hung() == 0 && pool.substitutes() == 0; }));
  CHECK(bad.drain_for(10s));
  CHECK(bad.stats().late_successes == 1);
}

TEST_CASE("a queue goes while another queue of its pool is busy, and from that one's handler too", "[pool]") {
  WorkerPool pool;
  Signal inside, go_on;
  std::optional<JobQueue<int>> visitor;
  std::atomic<int> ran{0};
  const auto count = [&](const int&) { ++ran; };
  JobQueue<> busy{{.pool = &pool}};
  busy.enqueue([&] {
        inside.set();
        go_on.wait();
      })
      .or_throw();
  REQUIRE(inside.wait());
  visitor.emplace(count, Options{.pool = &pool, .shutdown_grace = 0s});
  visitor->enqueue(0).or_throw();
  visitor.reset();  // its job has no worker
  CHECK(ran == 0);
  visitor.emplace(count, Options{.pool = &pool, .shutdown_grace = 0s});
  std::atomic<int> error{-1};
  busy.enqueue([&] {
        visitor->pause();
        visitor->enqueue(0).or_throw();
        error = static_cast<int>(visitor->wait_idle_for(10s).error());
        visitor.reset();
      })
      .or_throw();
  go_on.set();
  CHECK(busy.drain_for(10s));
  CHECK(error == static_cast<int>(WaitError::would_deadlock));
  CHECK_FALSE(visitor);
}

TEST_CASE("a queue that a handler of another on its pool shuts down is only closed", "[pool][shutdown]") {
  WorkerPool pool;
  std::atomic<int> ran{0};
  JobQueue<int> visitor{[&](const int&) { ++ran; }, {.pool = &pool}};
  JobQueue<> busy{{.pool = &pool}};
  std::atomic<std::uint64_t> present{0};
  busy.enqueue([&] {
        visitor.try_enqueue(0).or_throw();
        present = visitor.shutdown().present;
      })
      .or_throw();
  CHECK(busy.drain_for(10s));
  CHECK(present == 1);
  CHECK(visitor.is_closed());
  CHECK(visitor.drain_for(10s));
  CHECK(ran == 1);
}

TEST_CASE("a lease outlives its queue and the pool that served it", "[pool]") {
  std::optional<WorkerPool> pool(std::in_place);
  std::optional<JobQueue<int>> queue;
  std::atomic<int> dead{0};
  Signal inside, go_on;
  queue.emplace(
      [&](const int&) {
        inside.set();
        go_on.wait();
      },
      Options{.pool = &*pool, .shutdown_grace = 0s, .dead_letters = [&](const auto& letter) {
                dead += letter.reason == windlass::DeadReason::abandoned ? 1 : 0;
              }});
  queue->enqueue(0).or_throw();
  REQUIRE(inside.wait());  // the only worker
  queue->enqueue(1).or_throw();
  auto lease = queue->try_reserve();
  REQUIRE(lease);
  go_on.set();
  queue.reset();
  CHECK(dead == 1);
  CHECK(lease->stop_reason() == StopReason::shutdown);
  pool.reset();
  CHECK_FALSE(lease->extend(1s));
  CHECK_FALSE(lease->done());
}
