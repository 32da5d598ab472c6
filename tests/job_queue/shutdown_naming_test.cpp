// Whom a shutdown that waits for a stubborn run names.

#include <chrono>
#include <thread>
#include <vector>

#include "catch.hpp"
#include "signal.hpp"
#include "windlass/job_queue.hpp"

using namespace std::chrono_literals;
using windlass::HungInfo;
using windlass::JobId;
using windlass::JobQueue;
using windlass::OnHung;

TEST_CASE("of its workers a shutdown names the one whose run is stubborn, and not one that has nothing to do",
          "[shutdown][on_hung]") {
  std::vector<JobId> named;
  Signal inside[2], go_on[2], is_named;
  JobQueue<int> queue{[&](const int& n) {
                        inside[n].set();
                        go_on[n].wait();
                      },
                      {.workers = 2, .lease = 0s, .on_hung = [&](HungInfo info) {
                         named.push_back(info.id);
                         is_named.set();
                         return OnHung::wait;
                       }}};
  const JobId stubborn = queue.enqueue(0).or_throw();
  REQUIRE(inside[0].wait());
  queue.enqueue(1).or_throw();  // for the other worker, which has done it by then
  REQUIRE(inside[1].wait());
  go_on[1].set();
  std::thread releaser([&] {
    (void)is_named.wait();
    std::this_thread::sleep_for(20ms);  // whoever is named besides is named now
    go_on[0].set();
  });
  (void)queue.shutdown({.grace = 0s});
  releaser.join();
  CHECK(named == std::vector{stubborn});
}

TEST_CASE("a shutdown names no job for a worker that is in a callback and in no run", "[shutdown][on_hung]") {
  int named = 0;
  Signal in_callback, go_on;
  JobQueue<int> queue{[&](const int&, windlass::Delivery& delivery) {
                        while (!delivery.stop_token().stop_requested()) (void)delivery.sleep_for(1h);
                        return windlass::Outcome::retry();  // too late, and no success
                      },
                      {.workers = 2, .lease = 20ms, .max_substitutes = 0, .on_hung = [&](HungInfo info) {
                         if (info.shutting_down) return ++named, OnHung::wait;
                         in_callback.set();
                         go_on.wait();
                         return OnHung::give_up;
                       }}};
  queue.enqueue(0).or_throw();
  REQUIRE(in_callback.wait());
  std::thread releaser([&] {
    std::this_thread::sleep_for(400ms);  // longer than a shutdown's patience
    go_on.set();
  });
  (void)queue.shutdown({.grace = 0s});
  releaser.join();
  CHECK(named == 0);
}

TEST_CASE("a shutdown that runs nothing more lets a run end within the grace before it asks it to stop",
          "[shutdown][stop]") {
  windlass::StopReason told{};
  Signal inside;
  JobQueue<int> queue{[&](const int&, windlass::Delivery& delivery) {
                        inside.set();
                        (void)delivery.sleep_for(100ms);
                        told = delivery.stop_token().reason();
                      },
                      {.workers = 1}};
  queue.enqueue(0).or_throw();
  REQUIRE(inside.wait());
  CHECK(queue.shutdown({.grace = 1min, .leftover = windlass::Leftover::discard}).done == 1);
  CHECK(told == windlass::StopReason::none);
}
