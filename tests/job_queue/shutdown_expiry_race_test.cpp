#include <thread>

#include "catch.hpp"
#include "hooked.hpp"
#include "signal.hpp"
#include "windlass/job_queue.hpp"

using namespace std::chrono_literals;
using windlass::JobQueue;
using windlass::Leftover;

TEST_CASE("a job that loses its lease as its queue is shut down is not lost with whoever takes it away",
          "[shutdown][lease][race]") {
  int handed_back = 0;
  bool has_happened = false;
  Signal started, go_on, is_held, is_shut_down;
  JobQueue<int, HookedTraits> queue{[&](const int&) {
                                      started.set();
                                      go_on.wait();
                                      return windlass::Outcome::retry();  // too late, and no success
                                    },
                                    {.capacity = 1, .workers = 0, .lease = 20ms}};
  queue.try_enqueue(1).or_throw();
  std::thread pump([&] { (void)queue.run_one(); });
  REQUIRE(started.wait());
  std::thread waiter([&] {  // waits for room, and watches over the pump meanwhile
    const Interruption between("ring.push.tail", 1, [&] {
      is_held.set();
      is_shut_down.wait();
    });
    (void)queue.enqueue_for(2, 1min);
    has_happened = between.has_happened();
  });
  CHECK(is_held.wait());
  go_on.set();
  pump.join();
  (void)queue.shutdown({.leftover = Leftover::hand_back, .hand_back = [&](windlass::JobId, int&&) { ++handed_back; }});
  is_shut_down.set();
  waiter.join();
  CHECK(has_happened);
  CHECK(handed_back == 1);
  CHECK(queue.stats().present == 0);
}
