#include <array>
#include <cstdint>
#include <stdexcept>
#include <vector>

#include "catch.hpp"
#include "windlass/testing.hpp"

using namespace std::chrono_literals;
using windlass::EnqueueError;
using windlass::Outcome;
using windlass::testing::ManualQueue;

namespace {

// Enqueues until the queue refuses; returns how many it took. The refusal must be `full`.
template <class Queue>
std::uint32_t fill(Queue& queue, const windlass::EnqueueOptions& options = windlass::no_overrides) {
  for (std::uint32_t n = 0;; ++n) {
    const auto result = queue.try_emplace_with(options, static_cast<int>(n));
    if (result) continue;
    CHECK(result.error() == EnqueueError::full);
    return n;
  }
}

// A payload that will not be made from a negative number and, while `refuses`, not from another one either.
struct Picky {
  static inline bool refuses = false;
  int value;

  explicit Picky(int v) : value(v) {
    if (v < 0) throw std::invalid_argument("negative");
  }
  Picky(const Picky& other) : value(other.value) { refuse(); }
  Picky(Picky&& other) : value(other.value) { refuse(); }  // NOLINT: throws on purpose
  Picky& operator=(const Picky&) = delete;
  ~Picky() = default;

 private:
  static void refuse() {
    if (refuses) throw std::invalid_argument("will not be copied");
  }
};

}  // namespace

TEST_CASE("a queue holds exactly as many jobs as it was told to", "[capacity]") {
  for (const std::uint32_t capacity : {1U, 2U, 3U, 7U, 1000U, 4097U}) {
    CAPTURE(capacity);
    ManualQueue<int> queue{[](int) {}, {.capacity = capacity}};
    CHECK(queue.capacity() == capacity);
    CHECK(fill(queue) == capacity);
    CHECK(queue.size_approx() == capacity);
    REQUIRE(queue.run_one());  // room for one, and no more
    CHECK(fill(queue) == 1);
    CHECK(queue.step() == capacity);
    CHECK(fill(queue) == capacity);
    CHECK(queue.stats().accepted == 2 * capacity + 1);
  }
}

TEST_CASE("delayed and retrying jobs take their place in the capacity until they are over", "[capacity]") {
  int runs = 0;
  ManualQueue<int> queue{[&](int) { return ++runs <= 3 ? Outcome::retry_after(1h) : Outcome::done(); },
                         {.capacity = 3}};
  CHECK(fill(queue, {.delay = 1h}) == 3);
  queue.clock().jump(1h);
  CHECK(queue.step() == 3);
  CHECK(fill(queue) == 0);
  CHECK(queue.stats().waiting == 3);
  queue.clock().jump(1h);
  CHECK(queue.step() == 3);
  CHECK(fill(queue) == 3);
}

TEST_CASE("a payload whose constructor throws leaves the queue as it was", "[capacity]") {
  std::vector<int> seen;
  ManualQueue<Picky> queue{[&](const Picky& picky) { seen.push_back(picky.value); }, {.capacity = 3}};
  queue.try_emplace(1).or_throw();
  for (int i = 0; i < 100; ++i) {
    CHECK_THROWS_AS(queue.try_emplace(-1).or_throw(), std::invalid_argument);
    CHECK_THROWS_AS(queue.emplace(-1).or_throw(), std::invalid_argument);
    CHECK_THROWS_AS(queue.try_emplace_with({.delay = 1s}, -1).or_throw(), std::invalid_argument);
  }
  CHECK(queue.stats().accepted == 1);
  CHECK(queue.stats().waiting == 0);
  CHECK(queue.size_approx() == 1);
  queue.try_emplace(2).or_throw();
  queue.try_emplace(3).or_throw();
  CHECK(queue.try_emplace(4).error() == EnqueueError::full);
  CHECK(queue.run_until_idle() == 3);
  CHECK(seen == std::vector{1, 2, 3});
  CHECK(queue.wait_idle_for(0s));
}

TEST_CASE("a payload whose copy or move throws leaves the queue as it was", "[capacity]") {
  int runs = 0;
  ManualQueue<Picky> queue{[&](const Picky&) { ++runs; }, {.capacity = 1}};
  Picky picky{1};
  Picky::refuses = true;
  CHECK_THROWS_AS(queue.try_enqueue(picky).or_throw(), std::invalid_argument);
  CHECK_THROWS_AS(queue.try_enqueue(std::move(picky)).or_throw(), std::invalid_argument);
  CHECK_THROWS_AS(queue.enqueue_for(picky, 1s).or_throw(), std::invalid_argument);
  Picky::refuses = false;
  CHECK(queue.size_approx() == 0);
  queue.try_enqueue(Picky{1}).or_throw();
  CHECK(queue.try_enqueue(Picky{2}).error() == EnqueueError::full);
  CHECK(queue.run_until_idle() == 1);
  CHECK(runs == 1);
}

TEST_CASE("a queue works in the memory it is given, with the same capacity", "[capacity]") {
  windlass::QueueOptions<int> options{.capacity = 7};
  std::vector<std::byte> memory(ManualQueue<int>::required_bytes(options));
  options.memory = memory;
  int runs = 0;
  {
    ManualQueue<int> queue{[&](int) { ++runs; }, std::move(options)};
    CHECK(fill(queue) == 7);
    CHECK(queue.step() == 7);
  }
  CHECK(runs == 7);
  windlass::QueueOptions<int> small{.capacity = 7};
  small.memory = std::span{memory}.first(memory.size() - 1);
  CHECK_THROWS_WITH((ManualQueue<int>{[](int) {}, std::move(small)}), Catch::Contains("memory"));
}
