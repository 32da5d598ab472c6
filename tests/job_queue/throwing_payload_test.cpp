#include <chrono>
#include <cstdio>
#include <memory>
#include <utility>
#include <vector>

#include "catch.hpp"
#include "windlass/testing.hpp"

#if defined(__unix__)
#include "child.hpp"
#endif

using namespace std::chrono_literals;
using windlass::DeadLetter;
using windlass::DeadReason;
using windlass::JobQueue;
using windlass::Outcome;
using windlass::QueueOptions;
using windlass::testing::ManualQueue;

namespace {

// A payload of which the first that is destroyed after it was moved from throws.
struct Grenade {
  static inline bool is_live = false;

  int value;

  explicit Grenade(int v) noexcept : value(v) {}
  Grenade(Grenade&& other) noexcept : value(std::exchange(other.value, -1)) {}
  Grenade& operator=(Grenade&&) = delete;
  ~Grenade() noexcept(false) {
    if (value == -1 && std::exchange(is_live, false)) throw 42;
  }
};

}  // namespace

TEST_CASE("a payload whose destructor throws when the sink has thrown loses no letter", "[dead_letter]") {
  int offered = 0;
  std::vector<DeadReason> taken;
  Grenade::is_live = true;
  auto queue =
      std::make_unique<ManualQueue<Grenade>>([](const Grenade&) { return Outcome::dead("no"); },
                                             QueueOptions<Grenade>{.dead_letters = [&](DeadLetter<Grenade>&& letter) {
                                               if (++offered == 1) throw 43;
                                               taken.push_back(letter.reason);
                                             }});
  queue->try_emplace(1).or_throw();
  try {
    (void)queue->step();
  } catch (int) {
    (void)queue.release();  // its destructor would wait for that run for ever
    FAIL("what the payload's destructor threw came out of the queue");
  }
  CHECK_FALSE(std::exchange(Grenade::is_live, false));
  CHECK(queue->stats().dead == 1);
  CHECK(queue->stats().sink_failures == 1);
  CHECK(queue->stats().kept == 1);
  CHECK(queue->stats().user_errors >= 2);
  CHECK(queue->wait_idle_for(1s));
  CHECK(queue->retry_kept() == 1);
  CHECK(taken == std::vector{DeadReason::rejected});
}

#if defined(__unix__)
TEST_CASE("a worker survives a payload whose destructor throws when the sink has thrown", "[dead_letter][fork]") {
  const Child child([] {  // which dies if the worker does
    int ran = 0;
    Grenade::is_live = true;
    JobQueue<Grenade> queue{[&](const Grenade& payload) {
                              ++ran;
                              return payload.value == 1 ? Outcome::dead("no") : Outcome::done();
                            },
                            {.dead_letters = [](DeadLetter<Grenade>&&) { throw 43; }}};
    queue.emplace(1).or_throw();
    queue.emplace(2).or_throw();
    if (!queue.drain_for(5s)) std::fprintf(stderr, "not drained; ");
    if (ran != 2) std::fprintf(stderr, "the next job did not run; ");
    if (queue.stats().kept != 1) std::fprintf(stderr, "the letter is lost; ");
  });
  CHECK(child.ended_by() == "exit 0");
  CHECK(child.printed() == "");
}
#endif
