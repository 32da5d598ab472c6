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
