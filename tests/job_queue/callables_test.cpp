#include <array>
#include <memory>
#include <stdexcept>
#include <thread>
#include <utility>
#include <vector>

#include "catch.hpp"
#include "windlass/dead_letter_box.hpp"
#include "windlass/testing.hpp"

#if defined(__unix__)
#include <cstdio>

#include "child.hpp"
#endif

using namespace std::chrono_literals;
using windlass::Callable;
using windlass::DeadLetter;
using windlass::Delivery;
using windlass::EnqueueError;
using windlass::FixedDelay;
using windlass::JobId;
using windlass::JobQueue;
using windlass::Outcome;
using windlass::testing::ManualQueue;

namespace {

// A function with a capture that shows whether it was moved away.
struct Mover {
  std::unique_ptr<int> owned = std::make_unique<int>(7);
  void operator()() const {}
};

}  // namespace

TEST_CASE("a refused function object stays in the caller's hands, unmoved", "[callables]") {
  ManualQueue<> queue{{.capacity = 1}};
  Mover mover;
  CHECK(queue.try_enqueue(std::move(mover), {.delay = -1s}).error() == EnqueueError::invalid_options);
  CHECK(mover.owned != nullptr);
  queue.try_enqueue([] {}).or_throw();
  CHECK(queue.try_enqueue(std::move(mover)).error() == EnqueueError::full);
  CHECK(mover.owned != nullptr);
  EnqueueError waited{};
  std::thread([&] { waited = queue.enqueue_for(std::move(mover), 1s).error(); }).join();
  CHECK(waited == EnqueueError::timed_out);
  CHECK(mover.owned != nullptr);
  REQUIRE(queue.run_one());
  queue.try_enqueue([] {}).or_throw();
  CHECK(queue.enqueue(std::move(mover)).error() == EnqueueError::would_deadlock);
  CHECK(mover.owned != nullptr);
  queue.close();
  CHECK(queue.try_enqueue(std::move(mover)).error() == EnqueueError::closed);
  CHECK(queue.enqueue(std::move(mover)).error() == EnqueueError::closed);
  CHECK(mover.owned != nullptr);

  ManualQueue<> other;
  CHECK(other.try_enqueue(std::move(mover)));
  CHECK(mover.owned == nullptr);
}

TEST_CASE("an lvalue function is copied, and the caller's copy can be enqueued again", "[callables]") {
  ManualQueue<> queue;
  int sum = 0;
  const auto add = [&sum, n = std::make_shared<int>(2)] { sum += *n; };
  queue.try_enqueue(add).or_throw();
  queue.enqueue(add).or_throw();
  queue.enqueue_for(add, 1s).or_throw();
  CHECK(queue.step() == 3);
  CHECK(sum == 6);
}

TEST_CASE("a callable runs once per run, as a non-const lvalue that keeps its state", "[callables]") {
  ManualQueue<> queue{{.retry = FixedDelay{1s}}};
  std::vector<int> seen;
  queue
      .try_enqueue([&seen, next = 0]() mutable {
        seen.push_back(next++);
        return next < 3 ? Outcome::retry() : Outcome::done();
      })
      .or_throw();
  CHECK(queue.step() == 1);
  CHECK(seen == std::vector{0});
  CHECK(queue.run_until_idle() == 2);
  CHECK(seen == std::vector{0, 1, 2});
  CHECK(queue.stats().done == 1);
}

TEST_CASE("the non-const call operator is the one that runs", "[callables]") {
  struct Both {
    std::vector<const char*>* seen;
    void operator()() { seen->push_back("non-const"); }
    void operator()() const { seen->push_back("const"); }
  };
  std::vector<const char*> seen;
  ManualQueue<> queue;
  queue.try_enqueue(Both{&seen}).or_throw();
  CHECK(queue.step() == 1);
  REQUIRE(seen.size() == 1);
  CHECK(std::string{seen[0]} == "non-const");
}

TEST_CASE("a callable may take the delivery that runs it", "[callables]") {
  ManualQueue<> queue;
  std::vector<std::uint32_t> attempts;
  std::vector<JobId> ids;
  const JobId id = queue
                       .try_enqueue([&](Delivery& delivery) {
                         attempts.push_back(delivery.attempt());
                         ids.push_back(delivery.id());
                         return delivery.attempt() == 3 ? Outcome::done() : Outcome::retry();
                       })
                       .or_throw();
  CHECK(queue.run_until_idle() == 3);
  CHECK(attempts == std::vector<std::uint32_t>{1, 2, 3});
  CHECK(ids == std::vector(3, id));
}

TEST_CASE("a callable's outcome decides as a handler's does", "[callables]") {
  ManualQueue<> queue;
  queue.try_enqueue([] { return Outcome::done(); }).or_throw();
  queue.try_enqueue([] { return Outcome::discard(); }).or_throw();
  queue.try_enqueue([] { return Outcome::dead("no"); }).or_throw();
  queue.try_enqueue([n = 0]() mutable { return n++ == 0 ? Outcome::snooze(1h) : Outcome::done(); }).or_throw();
  CHECK(queue.step() == 4);
  const auto stats = queue.stats();
  CHECK(stats.done == 1);
  CHECK(stats.discarded == 1);
  CHECK(stats.dead == 1);
  CHECK(stats.snoozes == 1);
  CHECK(stats.waiting == 1);
  CHECK(queue.run_until_idle() == 1);
  CHECK(queue.stats().done == 2);
}

TEST_CASE("a callable's captures are destroyed when its job is over, and not before", "[callables]") {
  ManualQueue<> queue;
  const auto counted = std::make_shared<int>(0);
  queue.try_enqueue([counted, n = 0]() mutable { return n++ == 0 ? Outcome::retry() : Outcome::done(); }).or_throw();
  queue.try_enqueue([counted] { throw std::runtime_error("never"); }, {.max_failures = 1}).or_throw();
  CHECK(counted.use_count() == 3);
  CHECK(queue.step() == 2);
  CHECK(counted.use_count() == 2);
  CHECK(queue.run_until_idle() == 1);
  CHECK(counted.use_count() == 1);
}

TEST_CASE("a dead letter of a callable carries it, state included, and it can be enqueued anew", "[callables]") {
  std::vector<int> seen;
  std::vector<Callable<>> dead;
  ManualQueue<> queue{{.max_failures = 2, .dead_letters = [&](DeadLetter<Callable<>>&& letter) {
                         REQUIRE(letter.payload);
                         dead.push_back(std::move(*letter.payload));
                       }}};
  queue
      .try_enqueue([&seen, next = 0]() mutable {
        seen.push_back(next++);
        return next <= 2 ? Outcome::retry() : Outcome::done();
      })
      .or_throw();
  CHECK(queue.run_until_idle() == 2);
  REQUIRE(dead.size() == 1);
  queue.try_enqueue(std::move(dead[0])).or_throw();
  CHECK(queue.run_until_idle() == 1);
  CHECK(seen == std::vector{0, 1, 2});
  CHECK(queue.stats().done == 1);
}

TEST_CASE("a queue of large callables takes what a small one has no room for", "[callables]") {
  ManualQueue<Callable<256>> queue;
  std::array<int, 60> numbers{};
  numbers[59] = 9;
  int seen = 0;
  queue.try_enqueue([&seen, numbers] { seen = numbers[59]; }).or_throw();
  CHECK(queue.step() == 1);
  CHECK(seen == 9);
}

TEST_CASE("workers run callables with move-only captures, each once", "[callables]") {
  static constexpr int count = 1000;
  std::vector<std::atomic<int>> runs(count);
  JobQueue<> queue{{.capacity = 16, .workers = 2}};
  for (std::size_t n = 0; n < count; ++n) {
    queue.enqueue([&runs, n = std::make_unique<std::size_t>(n)] { ++runs[*n]; }).or_throw();
  }
  REQUIRE(queue.drain_for(10s));
  int others = 0;
  for (const auto& count_of : runs) others += count_of == 1 ? 0 : 1;
  CHECK(others == 0);
}

TEST_CASE("functions are enqueued in bulk: copied from plain iterators, moved through move iterators", "[callables]") {
  ManualQueue<> queue{{.capacity = 3}};
  int runs = 0;
  const auto add = [&runs] { ++runs; };
  const std::array<decltype(add), 2> functions{add, add};
  CHECK(queue.try_enqueue_bulk(functions.begin(), functions.end()).accepted() == 2);
  std::array<Mover, 2> movers{};
  const auto result =
      queue.try_enqueue_bulk(std::make_move_iterator(movers.begin()), std::make_move_iterator(movers.end()));
  CHECK(result.accepted() == 1);
  CHECK(movers[0].owned == nullptr);
  CHECK(movers[1].owned != nullptr);
  CHECK(queue.step() == 3);
  CHECK(runs == 2);
}

#if defined(__unix__)
TEST_CASE("a callable that holds nothing becomes a dead letter, and its worker lives", "[callables][fork]") {
  const Child child([] {  // which dies if the worker does
    windlass::DeadLetterBox<Callable<48>> box;
    int ran = 0;
    JobQueue<> queue{{.dead_letters = &box}};
    queue.enqueue(Callable<48>{}).or_throw();
    queue.enqueue([&] { ++ran; }).or_throw();
    if (!queue.drain_for(5s)) std::fprintf(stderr, "not drained; ");
    if (ran != 1) std::fprintf(stderr, "the next job did not run; ");
    box.take(9, [](DeadLetter<Callable<48>>&& letter) {
      std::fprintf(stderr, "%s", to_string(letter.reason).data());
      return true;
    });
  });
  CHECK(child.ended_by() == "exit 0");
  CHECK(child.printed() == "rejected");
}
#endif
