#include <version>

#if defined(__cpp_lib_jthread)
#include <chrono>
#include <memory>
#include <optional>
#include <stop_token>
#include <thread>

#include "catch.hpp"
#include "signal.hpp"
#include "windlass/windlass.hpp"

using namespace std::chrono_literals;
using windlass::JobQueue;
using windlass::StopSource;

// Callbacks of the host at the stop that windlass follows, which do not return.

TEST_CASE("a stop callback that blocks holds up who asked for the stop and nobody who works", "[stop][slow]") {
  Signal inside;
  Signal release;
  Signal ended;
  JobQueue<int> queue{[](int) {}, {.workers = 0}};
  const auto theirs = std::make_unique<std::stop_source>();  // on the stack g++ 12 warns of it at -Og
  StopSource ours{theirs->get_token()};                      // before their callback: they are called newest first
  const auto block = [&] {
    inside.set();
    release.wait();
  };
  const std::stop_callback blocked{theirs->get_token(), block};
  std::thread lent([&] {
    queue.run(ours.token());
    ended.set();
  });
  std::thread asking([&] { theirs->request_stop(); });
  CHECK(inside.wait());
  queue.enqueue(1).or_throw();  // the stop has not come to us
  CHECK(queue.wait_idle_for(10s));
  CHECK_FALSE(ours.token().stop_requested());
  queue.enqueue(2).or_throw();
  CHECK(queue.wait_idle_for(10s));
  CHECK(queue.stats().done == 2);
  release.set();
  CHECK(ended.wait());
  asking.join();
  lent.join();
  CHECK(ours.token().stop_requested());
}

TEST_CASE("a callback that blocks after the stop was followed holds up no call that waits on it", "[stop][slow]") {
  Signal inside;
  Signal release;
  Signal ended;
  JobQueue<int> queue{[](int) {}, {.workers = 0}};
  const auto theirs = std::make_unique<std::stop_source>();
  const auto block = [&] {
    inside.set();
    release.wait();
  };
  const std::stop_callback blocked{theirs->get_token(), block};
  StopSource ours{theirs->get_token()};  // after their callback: first to be called
  std::thread lent([&] {
    queue.run(ours.token());
    ended.set();
  });
  std::thread asking([&] { theirs->request_stop(); });
  CHECK(inside.wait());
  CHECK(ended.wait());
  CHECK_FALSE(queue.reserve(ours.token()));
  release.set();
  asking.join();
  lent.join();
}
#endif
