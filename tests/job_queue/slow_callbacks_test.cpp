#include <atomic>
#include <chrono>
#include <thread>

#include "await.hpp"
#include "catch.hpp"
#include "signal.hpp"
#include "windlass/job_queue.hpp"

using namespace std::chrono_literals;
using windlass::DeadLetter;
using windlass::Delivery;
using windlass::Event;
using windlass::JobQueue;
using windlass::Observation;
using windlass::Outcome;
using windlass::WaitError;

namespace {

// An observer that stops at the first event of one kind that concerns one job, or at the first `parked`.
struct Stopper {
  std::atomic<bool> is_armed{false};
  Event at = Event::started;
  Signal stopped, go_on;
  std::atomic<bool> was_left_alone{false};  // nobody had to wait until it gave up

  void operator()(const Observation& seen) {
    // Workers call from the beginning, and `at` is set after that: only who sees it armed may read it.
    if (!is_armed.load() || seen.event != at || !is_armed.exchange(false)) return;
    stopped.set();
    was_left_alone = go_on.wait();
  }
};
struct StopperTraits : windlass::DefaultTraits {
  using Observer = Stopper;
};

}  // namespace

TEST_CASE("a slow observer holds up the thread that calls it, no other worker and no timer", "[slow]") {
  const Event at = GENERATE(Event::started, Event::finished, Event::failed, Event::retry_scheduled, Event::dead,
                            Event::dropped, Event::parked);
  CAPTURE(static_cast<int>(at));
  std::atomic<int> good{0};
  JobQueue<int, StopperTraits> queue{[&](const int& n, Delivery& delivery) {
                                       if (n == 0) ++good;
                                       if (n == 1 && delivery.attempt() == 1) return Outcome::retry_after(0s);
                                       if (n == 2) return Outcome::dead();
                                       if (n == 3) return Outcome::discard();
                                       return Outcome::done();
                                     },
                                     {.workers = 2}};
  Stopper& observer = queue.observer();
  observer.at = at;
  observer.is_armed = true;
  const bool fails = at == Event::failed || at == Event::retry_scheduled;
  queue.enqueue(fails ? 1 : at == Event::dead ? 2 : at == Event::dropped ? 3 : 4).or_throw();
  REQUIRE(observer.stopped.wait());
  for (int n = 0; n < 100; ++n) queue.enqueue(0).or_throw();
  queue.enqueue(0, {.delay = 2ms}).or_throw();
  queue.enqueue(1).or_throw();  // is retried meanwhile, too
  CHECK(await([&] { return good == 101 && queue.stats().retries >= 1; }));
  CHECK(queue.wait_idle_for(0s).error() == (at == Event::parked ? WaitError::none : WaitError::timed_out));
  observer.go_on.set();
  CHECK(queue.drain_for(10s));
  CHECK(await([&] { return observer.was_left_alone.load(); }));
}

TEST_CASE("an observer that is slow to hear of one enqueue holds up no other", "[slow]") {
  std::atomic<int> ran{0};
  JobQueue<int, StopperTraits> queue{[&](const int&) { ++ran; }};
  Stopper& observer = queue.observer();
  observer.at = Event::enqueued;
  observer.is_armed = true;
  std::thread producer([&] { queue.enqueue(0).or_throw(); });
  CHECK(observer.stopped.wait());
  for (int n = 0; n < 100; ++n) queue.enqueue(n).or_throw();
  queue.enqueue(0, {.delay = 1ms}).or_throw();
  CHECK(await([&] { return ran == 101; }));
  observer.go_on.set();
  producer.join();
  CHECK(await([&] { return observer.was_left_alone.load(); }));
  CHECK(queue.drain_for(10s));
  CHECK(ran == 102);
}

TEST_CASE("a slow sink holds up its worker, no other worker and no timer", "[slow]") {
  Signal stopped, go_on;
  std::atomic<int> good{0}, dead{0};
  JobQueue<int> queue{[&](const int& n) {
                        if (n == 0) ++good;
                        return n == 0 ? Outcome::done() : Outcome::dead();
                      },
                      {.workers = 2, .dead_letters = [&](const DeadLetter<int>& letter) {
                         ++dead;
                         if (*letter.payload != 2) return;
                         stopped.set();
                         go_on.wait();
                       }}};
  queue.enqueue(2).or_throw();
  REQUIRE(stopped.wait());
  for (int n = 0; n < 100; ++n) queue.enqueue(n % 2).or_throw();
  queue.enqueue(0, {.delay = 2ms}).or_throw();
  CHECK(await([&] { return good == 51 && dead == 51; }));
  CHECK(queue.stats().dead == 50);
  go_on.set();
  CHECK(queue.drain_for(10s));
  CHECK(queue.stats().dead == 51);
}

TEST_CASE("several workers may be in the sink at once", "[slow]") {
  std::atomic<int> inside{0}, together{0};
  JobQueue<int> queue{[](const int&) { return Outcome::dead(); },
                      {.workers = 2, .dead_letters = [&](const DeadLetter<int>&) {
                         ++inside;
                         together += await([&] { return inside == 2; }) ? 1 : 0;
                       }}};
  queue.enqueue(0).or_throw();
  queue.enqueue(1).or_throw();
  CHECK(queue.drain_for(20s));
  CHECK(together == 2);
}

TEST_CASE("the only worker in a slow sink delays no lease and no timer, only what needs a worker", "[slow]") {
  Signal stopped, go_on;
  JobQueue<int> queue{[](const int&) { return Outcome::dead(); }, {.dead_letters = [&](const DeadLetter<int>&) {
                        stopped.set();
                        go_on.wait();
                      }}};
  queue.enqueue(0).or_throw();
  REQUIRE(stopped.wait());
  queue.enqueue(1, {.delay = 2ms, .lease = 5ms}).or_throw();
  auto lease = queue.reserve_for(10s);  // made ready by the timekeeper
  REQUIRE(lease);
  CHECK(await([&] { return lease->stop_reason() == windlass::StopReason::lease_lost; }));
  CHECK(lease->done());  // nobody could take it on
  go_on.set();
  CHECK(queue.drain_for(10s));
  CHECK(queue.stats().late_successes == 1);
}
