#include <chrono>
#include <vector>

#include "catch.hpp"
#include "windlass/testing.hpp"

using namespace std::chrono_literals;
using windlass::JobQueue;
using windlass::Outcome;
using windlass::Priority;
using windlass::testing::ManualQueue;

TEST_CASE("jobs that a handler enqueues wait for the next poll, whatever else is in the lanes", "[pump]") {
  std::vector<int> ran;
  JobQueue<int>* self = nullptr;
  JobQueue<int> queue{[&](const int& n) {
                        ran.push_back(n);
                        if (n < 10) self->enqueue(n + 10, {.priority = Priority::high}).or_throw();
                      },
                      {.workers = 0}};
  self = &queue;
  SECTION("jobs only") {
    queue.enqueue(0, {.priority = Priority::high}).or_throw();
    queue.enqueue(1, {.priority = Priority::high}).or_throw();
    CHECK(queue.poll() == 2);
    CHECK(ran == std::vector{0, 1});
    CHECK(queue.poll() == 2);
    CHECK(ran == std::vector{0, 1, 10, 11});
  }
  SECTION("the new ones of a higher priority") {
    queue.enqueue(0, {.priority = Priority::low}).or_throw();
    queue.enqueue(1, {.priority = Priority::low}).or_throw();
    CHECK(queue.poll() == 2);
    CHECK(ran == std::vector{0, 1});
    CHECK(queue.poll() == 2);
  }
  SECTION("a cancelled job beside them") {
    queue.enqueue(0, {.priority = Priority::high}).or_throw();
    const auto id = queue.enqueue(1, {.priority = Priority::high}).or_throw();
    CHECK(queue.cancel(id) == windlass::CancelResult::cancelled);
    CHECK(queue.poll() == 1);
    CHECK(ran == std::vector{0});
    CHECK(queue.poll() == 1);
  }
  CHECK(queue.poll() == 0);
}

TEST_CASE("poll runs a job that yields once", "[pump]") {
  int ran = 0;
  ManualQueue<int> queue{[&](const int&) { return ++ran < 3 ? Outcome::yield() : Outcome::done(); }};
  queue.enqueue(0).or_throw();
  CHECK(queue.poll() == 1);
  CHECK(queue.poll() == 1);
  CHECK(queue.poll() == 1);
  CHECK(queue.poll() == 0);
  CHECK(ran == 3);
}
