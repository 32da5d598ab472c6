#include <array>
#include <iterator>
#include <list>
#include <memory>
#include <sstream>
#include <stdexcept>
#include <vector>

#include "catch.hpp"
#include "tracked.hpp"
#include "windlass/testing.hpp"

using namespace std::chrono_literals;
using windlass::EnqueueError;
using windlass::JobQueue;
using windlass::Priority;
using windlass::testing::ManualQueue;

TEST_CASE("a bulk enqueue takes the payloads in order and copies from plain iterators", "[bulk]") {
  Tracked::reset();
  std::vector<int> seen;
  ManualQueue<Tracked> queue{[&](const Tracked& payload) { seen.push_back(payload.value); }};
  std::list<Tracked> payloads;
  for (int n = 0; n < 5; ++n) payloads.emplace_back(n);
  const auto result = queue.enqueue_bulk(payloads.begin(), payloads.end());
  CHECK(result.accepted() == 5);
  CHECK(result.error() == EnqueueError::none);
  CHECK(result.first_refused() == payloads.end());
  CHECK(Tracked::copies == 5);
  CHECK(payloads.back().value == 4);
  CHECK(queue.step() == 5);
  CHECK(seen == std::vector{0, 1, 2, 3, 4});
}

TEST_CASE("a bulk enqueue moves through move iterators, and only what was accepted", "[bulk]") {
  std::vector<int> seen;
  ManualQueue<std::unique_ptr<int>> queue{[&](const std::unique_ptr<int>& payload) { seen.push_back(*payload); },
                                          {.capacity = 3}};
  std::vector<std::unique_ptr<int>> payloads;
  for (int n = 0; n < 5; ++n) payloads.push_back(std::make_unique<int>(n));
  const auto result =
      queue.try_enqueue_bulk(std::make_move_iterator(payloads.begin()), std::make_move_iterator(payloads.end()));
  CHECK(result.accepted() == 3);
  CHECK(result.error() == EnqueueError::full);
  CHECK(result.first_refused().base() == payloads.begin() + 3);
  for (std::size_t n = 0; n < 5; ++n) CHECK((payloads[n] == nullptr) == (n < 3));

  CHECK(queue.step() == 3);
  const auto rest = queue.try_enqueue_bulk(result.first_refused(), std::make_move_iterator(payloads.end()));
  CHECK(rest.accepted() == 2);
  CHECK(rest.error() == EnqueueError::none);
  CHECK(queue.step() == 2);
  CHECK(seen == std::vector{0, 1, 2, 3, 4});
}

TEST_CASE("a bulk enqueue that is refused as a whole moves nothing", "[bulk]") {
  ManualQueue<std::unique_ptr<int>> queue{[](const std::unique_ptr<int>&) {}};
  std::array<std::unique_ptr<int>, 2> payloads{std::make_unique<int>(1), std::make_unique<int>(2)};
  const auto first = std::make_move_iterator(payloads.begin());
  const auto last = std::make_move_iterator(payloads.end());
  const auto invalid = queue.enqueue_bulk(first, last, {.delay = -1s});
  CHECK(invalid.accepted() == 0);
  CHECK(invalid.error() == EnqueueError::invalid_options);
  CHECK(invalid.field() == "delay");
  CHECK(invalid.first_refused() == first);
  queue.close();
  for (const auto& closed : {queue.enqueue_bulk(first, last), queue.try_enqueue_bulk(first, last)}) {
    CHECK(closed.accepted() == 0);
    CHECK(closed.error() == EnqueueError::closed);
    CHECK(closed.field().empty());
    CHECK(closed.first_refused() == first);
  }
  CHECK(payloads[0] != nullptr);
  CHECK(payloads[1] != nullptr);
  CHECK(queue.stats().accepted == 0);
}

TEST_CASE("a bulk enqueue of nothing takes nothing and is no error", "[bulk]") {
  ManualQueue<int> queue{[](int) {}};
  const std::vector<int> none;
  const auto result = queue.try_enqueue_bulk(none.begin(), none.end());
  CHECK(result.accepted() == 0);
  CHECK(result.error() == EnqueueError::none);
  CHECK(result.first_refused() == none.end());
}

TEST_CASE("a bulk enqueue reads an input iterator once and stops at the refused payload", "[bulk]") {
  std::vector<int> seen;
  ManualQueue<int> queue{[&](int n) { seen.push_back(n); }, {.capacity = 2}};
  std::istringstream numbers{"10 20 30 40"};
  const auto result = queue.try_enqueue_bulk(std::istream_iterator<int>{numbers}, std::istream_iterator<int>{});
  CHECK(result.accepted() == 2);
  CHECK(*result.first_refused() == 30);
  CHECK(queue.step() == 2);
  CHECK(seen == std::vector{10, 20});
}

TEST_CASE("a bulk enqueue gives every payload the same options", "[bulk]") {
  std::vector<int> seen;
  ManualQueue<int> queue{[&](int n) { seen.push_back(n); }};
  const std::vector<int> late{1, 2};
  const std::vector<int> urgent{3, 4};
  CHECK(queue.enqueue_bulk(late.begin(), late.end(), {.delay = 1s}).accepted() == 2);
  queue.try_enqueue(5).or_throw();
  CHECK(queue.enqueue_bulk(urgent.begin(), urgent.end(), {.priority = Priority::high}).accepted() == 2);
  CHECK(queue.step() == 3);
  queue.clock().jump(1s);
  CHECK(queue.step() == 2);
  CHECK(seen == std::vector{3, 4, 5, 1, 2});
}

TEST_CASE("when a payload's constructor throws, what came before it in the range stays enqueued", "[bulk]") {
  struct Picky {
    int value;
    Picky(int v) : value(v) {
      if (v < 0) throw std::invalid_argument("negative");
    }
  };
  std::vector<int> seen;
  ManualQueue<Picky> queue{[&](const Picky& picky) { seen.push_back(picky.value); }, {.capacity = 3}};
  const std::vector<int> values{1, 2, -1, 4};
  CHECK_THROWS_AS(queue.try_enqueue_bulk(values.begin(), values.end()).accepted(), std::invalid_argument);
  CHECK(queue.stats().accepted == 2);
  CHECK(queue.try_emplace(3));
  CHECK(queue.try_emplace(4).error() == EnqueueError::full);
  CHECK(queue.step() == 3);
  CHECK(seen == std::vector{1, 2, 3});
}

TEST_CASE("enqueue_bulk waits for room for each payload", "[bulk][waiting]") {
  static constexpr int count = 5000;
  std::vector<int> seen;
  JobQueue<int> queue{[&](int n) { seen.push_back(n); }, {.capacity = 4}};
  std::vector<int> payloads(count);
  for (int n = 0; n < count; ++n) payloads[static_cast<std::size_t>(n)] = n;
  const auto result = queue.enqueue_bulk(payloads.begin(), payloads.end());
  CHECK(result.accepted() == count);
  CHECK(result.error() == EnqueueError::none);
  REQUIRE(queue.drain_for(10s));
  CHECK(seen == payloads);  // one worker, one lane: in order
}

TEST_CASE("enqueue_bulk by the thread that pumps stops where it would have to wait", "[bulk][deadlock]") {
  ManualQueue<std::unique_ptr<int>> queue{[](const std::unique_ptr<int>&) {}, {.capacity = 1}};
  REQUIRE(queue.step() == 0);
  std::array<std::unique_ptr<int>, 2> payloads{std::make_unique<int>(1), std::make_unique<int>(2)};
  const auto result =
      queue.enqueue_bulk(std::make_move_iterator(payloads.begin()), std::make_move_iterator(payloads.end()));
  CHECK(result.accepted() == 1);
  CHECK(result.error() == EnqueueError::would_deadlock);
  CHECK(payloads[0] == nullptr);
  CHECK(payloads[1] != nullptr);
}

TEST_CASE("a bulk of payloads wakes as many workers as it needs", "[bulk]") {
  static constexpr int workers = 4;
  std::atomic<int> inside{0};
  const auto meet = [&](int) {  // returns once all are inside
    ++inside;
    while (inside < workers) std::this_thread::yield();
  };
  JobQueue<int> queue{meet, {.workers = workers}};
  REQUIRE(queue.wait_idle_for(10s));
  const std::array<int, workers> payloads{};
  CHECK(queue.enqueue_bulk(payloads.begin(), payloads.end()).accepted() == workers);
  const bool all_met = static_cast<bool>(queue.wait_idle_for(10s));
  inside = workers;  // lest the test hang where it should fail
  CHECK(all_met);
}
