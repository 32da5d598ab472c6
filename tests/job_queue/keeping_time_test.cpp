// Without workers whoever waits keeps time, and watches over those who pump; whatever happens just as it looks.

#include <atomic>
#include <chrono>
#include <optional>
#include <thread>
#include <vector>

#include "await.hpp"
#include "catch.hpp"
#include "hooked.hpp"
#include "signal.hpp"
#include "windlass/job_queue.hpp"

using namespace std::chrono_literals;
using windlass::Delivery;
using windlass::JobQueue;
using windlass::StopSource;
using windlass::Time;

namespace {

// The machine's clock; before each look at it comes the site "now".
struct HookedClock : windlass::SystemClocks {
  [[nodiscard]] Time now() const noexcept {
    Interruption::at("now");
    return SystemClocks::now();
  }
};
struct Traits : windlass::DefaultTraits {
  using Clock = HookedClock;
};
using Queue = JobQueue<int, Traits>;

}  // namespace

TEST_CASE("who waits watches over a thread that left and pumps again just as it was looked for", "[wait][lease]") {
  Signal is_inside, may_leave, has_left, may_come_again, is_inside_again;
  std::atomic<bool> is_told{false};
  Queue queue{[&](const int& job, Delivery& delivery) {
                if (job == 1) {
                  is_inside.set();
                  may_leave.wait();
                  return;
                }
                if (delivery.attempt() > 1) return;
                is_inside_again.set();
                is_told = await([&] { return delivery.stop_token().stop_requested(); });
              },
              {.workers = 0, .lease = 50ms}};
  queue.enqueue(1).or_throw();
  std::thread pumps([&] {
    (void)queue.run_one();
    has_left.set();
    may_come_again.wait();
    (void)queue.run_one();
  });
  CHECK(is_inside.wait());
  StopSource stop;
  std::thread lent([&] {
    std::optional<Interruption> second;
    const Interruption first("now", 1, [&] {
      second.emplace("now", 1, [&] {
        queue.try_enqueue(2).or_throw();
        may_come_again.set();
        is_inside_again.wait();
      });
      may_leave.set();
      has_left.wait();
    });
    queue.run(stop.token());
  });
  pumps.join();
  CHECK(is_told);
  stop.request_stop();
  lent.join();
}

TEST_CASE("who waits keeps time for a job that is due when one was that is cancelled just as it looked",
          "[wait][delay]") {
  std::atomic<bool> has_run{false};
  Queue queue{[&](const int&) { has_run = true; }, {.workers = 0}};
  const Time due = windlass::SystemClocks{}.now() + 300ms;
  const auto enqueue = [&](int job) {  // both in the same tick, or in the next one
    return queue.try_enqueue(job, {.delay = due - windlass::SystemClocks{}.now()}).or_throw();
  };
  const windlass::JobId id = enqueue(1);
  StopSource stop;
  std::thread lent([&] {
    std::optional<Interruption> second;
    const Interruption first("now", 1, [&] {
      (void)queue.cancel(id);
      second.emplace("now", 1, [&] { (void)enqueue(2); });
    });
    queue.run(stop.token());
  });
  CHECK(await([&] { return has_run.load(); }));
  stop.request_stop();
  lent.join();
}

TEST_CASE("who waits for room watches over a job that took it and brings the first lease", "[wait][lease]") {
  bool is_room_taken = false;  // by the job, and not by who waits for it
  for (int tries = 0; tries < 20 && !is_room_taken; ++tries) {
    Signal is_inside, may_go_on;
    std::atomic<bool> is_told{false};
    JobQueue<int, HookedTraits> queue{[&](const int& job, Delivery& delivery) {
                                        if (job == 1) {
                                          is_inside.set();
                                          may_go_on.wait();
                                          return windlass::Outcome::snooze(1h);
                                        }
                                        if (delivery.attempt() == 1) {
                                          is_told = await([&] { return delivery.stop_token().stop_requested(); });
                                        }
                                        return windlass::Outcome::done();
                                      },
                                      {.capacity = 3, .workers = 0, .lease = 0s}};
    queue.enqueue(3, {.delay = 30min}).or_throw();  // no later plan is news
    queue.enqueue(3).or_throw();
    auto lease = queue.try_reserve();
    REQUIRE(lease);
    queue.enqueue(1).or_throw();
    std::thread pumps([&] { (void)queue.pump({.max_jobs = 2}); });
    CHECK(is_inside.wait());
    std::thread waits([&] { (void)queue.enqueue_for(3, 1h); });
    std::this_thread::sleep_for(100ms);  // it waits by now
    const bool is_settled = lease->done();
    {
      const Interruption has_taken("word.read", 1, [] { std::this_thread::sleep_for(100ms); });  // who waits looks
      is_room_taken = static_cast<bool>(queue.try_enqueue(2, {.lease = 10ms}));
    }
    CHECK(is_settled);
    may_go_on.set();
    pumps.join();
    CHECK(is_told == is_room_taken);
    queue.close();
    waits.join();
  }
  CHECK(is_room_taken);
}

TEST_CASE("who waits for idleness runs what is left by four threads that pumped and left", "[wait][drain]") {
  static constexpr int places = 4;
  std::atomic<int> inside{0};
  Signal may_leave;
  JobQueue<int> queue{[&](const int& job) {
                        if (job != 0) return;
                        ++inside;
                        may_leave.wait();
                      },
                      {.workers = 0}};
  std::vector<std::thread> pumping;
  for (int i = 0; i < places; ++i) {
    queue.enqueue(0).or_throw();
    pumping.emplace_back([&] { (void)queue.run_one(); });
    REQUIRE(await([&] { return inside == i + 1; }));
  }
  queue.try_enqueue(1).or_throw();
  std::thread leaves([&] {
    std::this_thread::sleep_for(50ms);  // who waits for idleness has found no place by now
    may_leave.set();
  });
  CHECK(queue.drain_for(10s));
  leaves.join();
  for (auto& thread : pumping) thread.join();
}
