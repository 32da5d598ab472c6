#include <atomic>
#include <memory>
#include <optional>
#include <stdexcept>
#include <string>
#include <vector>

#include "catch.hpp"
#include "tracked.hpp"
#include "windlass/dead_letter_box.hpp"
#include "windlass/testing.hpp"

using namespace std::chrono_literals;
using windlass::DeadLetter;
using windlass::DeadLetterBox;
using windlass::DeadReason;
using windlass::FixedDelay;
using windlass::JobId;
using windlass::JobQueue;
using windlass::Leftover;
using windlass::Outcome;
using windlass::Priority;
using windlass::testing::ManualClock;
using windlass::testing::ManualQueue;

namespace {

// A sink that collects letters. It must outlive its queue.
template <class Payload>
struct Letters {
  std::vector<DeadLetter<Payload>> all;

  [[nodiscard]] auto sink() {
    return [this](DeadLetter<Payload>&& letter) { all.push_back(std::move(letter)); };
  }
};

}  // namespace

TEST_CASE("a dead letter tells the job's whole story", "[dead_letter]") {
  Letters<std::string> letters;
  ManualClock clock;
  int runs = 0;
  ManualQueue<std::string> queue{[&](const std::string&) {
                                   ++runs;
                                   throw std::runtime_error("attempt " + std::to_string(runs));
                                 },
                                 {.max_failures = 3, .retry = FixedDelay{10s}, .dead_letters = letters.sink()},
                                 clock};
  const auto enqueued = clock.now();
  const JobId id = queue.try_enqueue("ada", {.delay = 5s, .priority = Priority::low}).or_throw();
  CHECK(queue.run_until_idle() == 3);
  REQUIRE(letters.all.size() == 1);
  const DeadLetter<std::string>& letter = letters.all[0];
  CHECK(letter.id == id);
  CHECK(letter.payload == "ada");
  CHECK(letter.reason == DeadReason::failures_exhausted);
  CHECK(letter.first_error.view() == "attempt 1");
  CHECK(letter.last_error.view() == "attempt 3");
  CHECK(letter.failures == 3);
  CHECK(letter.hangs == 0);
  CHECK(letter.deliveries == 3);
  CHECK(letter.priority == static_cast<std::uint8_t>(Priority::low));
  CHECK(letter.enqueued_at == enqueued);
  CHECK(letter.first_failure == enqueued + 5s);
  CHECK(letter.died_at == enqueued + 25s);
  CHECK_FALSE(letter.is_held);
  CHECK_FALSE(letter.is_completion);
}

TEST_CASE("what was not stamped is not told: no enqueue time without delay, at or retry_for", "[dead_letter]") {
  Letters<int> letters;
  ManualQueue<int> queue{[](int) { return Outcome::dead(); }, {.dead_letters = letters.sink()}};
  queue.try_enqueue(1, {.priority = Priority::high}).or_throw();
  queue.try_enqueue(2, {.retry_for = 1h}).or_throw();
  queue.try_enqueue(3, {.at = queue.clock().wall_now() - 1h}).or_throw();
  CHECK(queue.step() == 3);
  REQUIRE(letters.all.size() == 3);
  CHECK_FALSE(letters.all[0].enqueued_at);
  CHECK(letters.all[1].enqueued_at == queue.clock().now());
  CHECK(letters.all[2].enqueued_at == queue.clock().now());
}

TEST_CASE("a job that never failed has no first failure, but a death", "[dead_letter]") {
  Letters<int> letters;
  ManualQueue<int> queue{[](int) {}, {.paused = true, .dead_letters = letters.sink()}};
  queue.try_enqueue(1).or_throw();
  queue.clock().jump(5s);
  (void)queue.shutdown({.grace = 0s, .leftover = Leftover::dead_letter});
  REQUIRE(letters.all.size() == 1);
  CHECK(letters.all[0].reason == DeadReason::abandoned);
  CHECK_FALSE(letters.all[0].first_failure);
  CHECK(letters.all[0].died_at == queue.clock().now());
  CHECK(letters.all[0].last_error.empty());
}

TEST_CASE("a job that fails after it committed is a dead letter that says so, and not run again", "[dead_letter]") {
  Letters<int> letters;
  ManualQueue<int> queue{[](int, windlass::Delivery& delivery) {
                           CHECK(delivery.try_commit());
                           throw std::runtime_error("half done");
                         },
                         {.dead_letters = letters.sink()}};
  queue.try_enqueue(1).or_throw();
  CHECK(queue.run_until_idle() == 1);
  REQUIRE(letters.all.size() == 1);
  CHECK(letters.all[0].reason == DeadReason::failed_after_commit);
  CHECK(letters.all[0].last_error.view() == "half done");
}

TEST_CASE("the payload is moved out of its slot into the letter, never copied", "[dead_letter]") {
  Tracked::reset();
  {
    Letters<Tracked> letters;
    DeadLetterBox<Tracked> box;
    ManualQueue<Tracked> to_sink{[](const Tracked&) { return Outcome::dead(); }, {.dead_letters = letters.sink()}};
    ManualQueue<Tracked> to_box{[](const Tracked&) { return Outcome::dead(); }, {.dead_letters = &box}};
    to_sink.try_emplace(1).or_throw();
    to_box.try_emplace(2).or_throw();
    CHECK(to_sink.step() + to_box.step() == 2);
    REQUIRE(letters.all.size() == 1);
    CHECK(letters.all[0].payload->value == 1);
    CHECK(box.take(9, [](DeadLetter<Tracked>&& letter) { CHECK(letter.payload->value == 2); }) == 1);
    CHECK(Tracked::copies == 0);
    CHECK(Tracked::live == 1);  // the one in the sink's hands: the slots are empty
  }
  CHECK(Tracked::live == 0);
}

TEST_CASE("without a sink dead jobs are counted and their payloads destroyed", "[dead_letter]") {
  Tracked::reset();
  ManualQueue<Tracked> queue{[](const Tracked&) { return Outcome::dead(); }, {.capacity = 2}};
  for (int n = 0; n < 10; ++n) {
    queue.try_emplace(n).or_throw();
    CHECK(queue.step() == 1);
    CHECK(Tracked::live == 0);
  }
  CHECK(queue.stats().dead == 10);
  CHECK(queue.stats().kept == 0);
  CHECK(queue.stats().present == 0);
}

TEST_CASE("a null box is no sink", "[dead_letter]") {
  DeadLetterBox<int>* const none = nullptr;
  ManualQueue<int> queue{[](int) { return Outcome::dead(); }, {.dead_letters = none}};
  queue.try_enqueue(1).or_throw();
  CHECK(queue.step() == 1);
  CHECK(queue.stats().dead == 1);
  CHECK(queue.stats().sink_failures == 0);
}

TEST_CASE("letters taken from a box can be enqueued anew from within", "[dead_letter]") {
  DeadLetterBox<std::unique_ptr<int>> box{4};
  bool is_mended = false;
  std::vector<int> seen;
  ManualQueue<std::unique_ptr<int>> queue{[&](const std::unique_ptr<int>& payload) {
                                            if (!is_mended) return Outcome::dead("broken");
                                            seen.push_back(*payload);
                                            return Outcome::done();
                                          },
                                          {.capacity = 4, .dead_letters = &box}};
  for (int n = 0; n < 4; ++n) queue.try_emplace(new int{n}).or_throw();
  CHECK(queue.step() == 4);
  REQUIRE(box.size() == 4);
  is_mended = true;
  CHECK(box.take(100, [&](DeadLetter<std::unique_ptr<int>>&& letter) {
    queue.try_enqueue(std::move(*letter.payload)).or_throw();
  }) == 4);
  CHECK(box.size() == 0);
  CHECK(queue.step() == 4);
  CHECK(seen == std::vector{0, 1, 2, 3});
}

TEST_CASE("letters that fail again while they are taken wait for the next take", "[dead_letter]") {
  DeadLetterBox<int> box;
  ManualQueue<int> queue{[](int) { return Outcome::dead(); }, {.dead_letters = &box}};
  for (int n = 0; n < 3; ++n) queue.try_enqueue(n).or_throw();
  CHECK(queue.step() == 3);
  CHECK(box.take(100, [&](DeadLetter<int>&& letter) {
    queue.try_enqueue(*letter.payload).or_throw();
    CHECK(queue.step() == 1);
  }) == 3);
  CHECK(box.size() == 3);
  CHECK(queue.stats().dead == 6);
}

TEST_CASE("a sink may enqueue the payload into another queue, or its own", "[dead_letter]") {
  std::vector<int> rescued;
  ManualQueue<int> other{[&](int n) { rescued.push_back(n); }};
  ManualQueue<int>* self = nullptr;
  int runs = 0;
  ManualQueue<int> queue{[&](int n) {
                           ++runs;
                           return n < 10 ? Outcome::dead() : Outcome::done();
                         },
                         {.dead_letters = [&](DeadLetter<int>&& letter) {
                           other.try_enqueue(*letter.payload).or_throw();
                           self->try_enqueue(*letter.payload + 10).or_throw();
                         }}};
  self = &queue;
  queue.try_enqueue(1).or_throw();
  CHECK(queue.run_until_idle() == 2);
  CHECK(other.step() == 1);
  CHECK(rescued == std::vector{1});
  CHECK(queue.stats().done == 1);
}

TEST_CASE("a payload that a lost lease still holds is copied if it can be", "[dead_letter]") {
  Letters<std::string> letters;
  ManualQueue<std::string> queue{{.lease = 1s, .max_hangs = 1, .dead_letters = letters.sink()}};
  queue.try_enqueue("ada").or_throw();
  auto lease = queue.try_reserve();
  REQUIRE(lease);
  queue.clock().advance(1s + 1ms);
  CHECK_FALSE(queue.try_reserve());  // runs the errand: there is no handler
  REQUIRE(letters.all.size() == 1);
  CHECK(letters.all[0].payload == "ada");
  CHECK_FALSE(letters.all[0].is_held);
  CHECK(**lease == "ada");
  CHECK_FALSE(lease->done());
  CHECK(letters.all.size() == 1);
  CHECK(queue.size_approx() == 0);
}

TEST_CASE("workers deliver every dead letter once, with its payload", "[dead_letter]") {
  static constexpr std::size_t count = 1000;
  std::vector<std::atomic<int>> seen(count);
  std::atomic<int> wrong{0};
  JobQueue<std::size_t> queue{[](std::size_t) { return Outcome::retry(); },
                              {.workers = 2,
                               .max_failures = 2,
                               .retry = FixedDelay{},
                               .dead_letters = [&](const DeadLetter<std::size_t>& letter) {
                                 if (letter.payload && letter.failures == 2) {
                                   ++seen[*letter.payload];
                                 } else {
                                   ++wrong;
                                 }
                               }}};
  for (std::size_t n = 0; n < count; ++n) queue.enqueue(n).or_throw();
  REQUIRE(queue.drain_for(10s));
  CHECK(wrong == 0);
  int others = 0;
  for (const auto& letters : seen) others += letters == 1 ? 0 : 1;
  CHECK(others == 0);
  CHECK(queue.stats().dead == count);
}
