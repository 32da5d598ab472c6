#include <atomic>
#include <memory>
#include <optional>
#include <set>
#include <stdexcept>
#include <vector>

#include "catch.hpp"
#include "tracked.hpp"
#include "windlass/dead_letter_box.hpp"
#include "windlass/testing.hpp"

using namespace std::chrono_literals;
using windlass::DeadLetter;
using windlass::DeadLetterBox;
using windlass::EnqueueError;
using windlass::JobQueue;
using windlass::Outcome;
using windlass::testing::ManualQueue;

// A sink that cannot take a letter loses no job: it is kept until retry_kept(), or the queue's end.

TEST_CASE("a letter that the sink throws back is kept whole and offered again", "[dead_letter][kept]") {
  bool is_broken = true;
  int calls = 0;
  std::vector<DeadLetter<std::unique_ptr<int>>> letters;
  ManualQueue<std::unique_ptr<int>> queue{[](const std::unique_ptr<int>&) { return Outcome::dead("why"); },
                                          {.dead_letters = [&](DeadLetter<std::unique_ptr<int>>&& letter) {
                                            ++calls;
                                            if (is_broken) throw std::runtime_error("no connection");
                                            letters.push_back(std::move(letter));
                                          }}};
  const auto id = queue.try_emplace(new int{7}).or_throw();
  CHECK(queue.step() == 1);
  CHECK(queue.stats().kept == 1);
  CHECK(queue.stats().dead == 1);
  CHECK(queue.stats().sink_failures == 1);

  const auto died = queue.clock().now();
  queue.clock().jump(1h);
  CHECK(queue.retry_kept() == 0);
  CHECK(queue.stats().kept == 1);
  CHECK(queue.stats().sink_failures == 2);

  queue.clock().jump(1h);
  is_broken = false;
  CHECK(queue.retry_kept() == 1);
  CHECK(queue.stats().kept == 0);
  CHECK(queue.retry_kept() == 0);
  CHECK(calls == 3);
  CHECK(queue.stats().dead == 1);  // counted once
  REQUIRE(letters.size() == 1);
  CHECK(letters[0].id == id);
  CHECK(letters[0].last_error.view() == "why");
  CHECK(letters[0].died_at == died);
  REQUIRE(letters[0].payload);
  CHECK(**letters[0].payload == 7);
}

TEST_CASE("a kept letter holds its slot, and gives it back when it is taken", "[dead_letter][kept]") {
  bool is_broken = true;
  ManualQueue<int> queue{[](int n) { return n < 0 ? Outcome::dead() : Outcome::done(); },
                         {.capacity = 2, .dead_letters = [&](const DeadLetter<int>&) {
                            if (is_broken) throw 42;
                          }}};
  queue.try_enqueue(-1).or_throw();
  CHECK(queue.step() == 1);
  queue.try_enqueue(1).or_throw();
  CHECK(queue.try_enqueue(2).error() == EnqueueError::full);
  CHECK(queue.step() == 1);
  is_broken = false;
  CHECK(queue.retry_kept() == 1);
  queue.try_enqueue(1).or_throw();
  queue.try_enqueue(2).or_throw();
  CHECK(queue.step() == 2);
}

TEST_CASE("a queue with kept letters is idle and can be drained", "[dead_letter][kept]") {
  ManualQueue<int> queue{[](int) { return Outcome::dead(); },
                         {.dead_letters = [](const DeadLetter<int>&) { throw 42; }}};
  queue.try_enqueue(1).or_throw();
  CHECK(queue.wait_idle_for(1s));
  CHECK(queue.drain_for(1s));
  CHECK(queue.stats().kept == 1);
}

TEST_CASE("a box all of whose places are in other hands keeps the letter for later", "[dead_letter][kept]") {
  DeadLetterBox<int> box{1};
  ManualQueue<int> queue{[](int) { return Outcome::dead(); }, {.dead_letters = &box}};
  queue.try_enqueue(1).or_throw();
  CHECK(queue.step() == 1);
  REQUIRE(box.size() == 1);
  queue.try_enqueue(2).or_throw();
  CHECK(box.inspect(1, [&](const DeadLetter<int>&) { CHECK(queue.step() == 1); }) == 1);
  CHECK(queue.stats().kept == 1);
  CHECK(queue.stats().sink_failures == 1);
  CHECK(queue.stats().user_errors == 0);
  CHECK(box.evicted() == 0);
  std::vector<int> taken;
  const auto take = [&](DeadLetter<int>&& letter) { taken.push_back(letter.payload.value()); };
  CHECK(box.take(9, take) == 1);
  CHECK(queue.retry_kept() == 1);
  CHECK(box.take(9, take) == 1);
  CHECK(taken == std::vector{1, 2});
}

TEST_CASE("a sink that took the payload and then threw is offered the letter without it again", "[dead_letter][kept]") {
  std::vector<std::unique_ptr<int>> taken;
  std::vector<bool> had_payload;
  ManualQueue<std::unique_ptr<int>> queue{[](const std::unique_ptr<int>&) { return Outcome::dead(); },
                                          {.dead_letters = [&](DeadLetter<std::unique_ptr<int>>&& letter) {
                                            had_payload.push_back(letter.payload && *letter.payload != nullptr);
                                            taken.push_back(std::move(*letter.payload));
                                            if (taken.size() == 1) throw 42;
                                          }}};
  queue.try_emplace(new int{7}).or_throw();
  CHECK(queue.step() == 1);
  CHECK(queue.retry_kept() == 1);
  CHECK(had_payload == std::vector{true, false});
}

TEST_CASE("at its end a queue offers kept letters once more, then destroys their payloads", "[dead_letter][kept]") {
  Tracked::reset();
  int calls = 0;
  {
    ManualQueue<Tracked> queue{[](const Tracked&) { return Outcome::dead(); },
                               {.dead_letters = [&](DeadLetter<Tracked>&& letter) {
                                 ++calls;
                                 CHECK(letter.payload->value == 1);
                                 throw 42;
                               }}};
    queue.try_emplace(1).or_throw();
    CHECK(queue.step() == 1);
    CHECK(calls == 1);
    CHECK(Tracked::live == 1);
  }
  CHECK(calls == 2);
  CHECK(Tracked::live == 0);
}

TEST_CASE("a completing letter that the sink throws back is kept too", "[dead_letter][kept]") {
  bool is_broken = false;
  std::vector<DeadLetter<std::unique_ptr<int>>> letters;
  ManualQueue<std::unique_ptr<int>> queue{
      {.lease = 1s, .max_hangs = 1, .dead_letters = [&](DeadLetter<std::unique_ptr<int>>&& letter) {
         if (is_broken) throw 42;
         letters.push_back(std::move(letter));
       }}};
  queue.try_emplace(new int{7}).or_throw();
  auto lease = queue.try_reserve();
  REQUIRE(lease);
  queue.clock().advance(1s + 1ms);
  CHECK_FALSE(queue.try_reserve());
  REQUIRE(letters.size() == 1);
  is_broken = true;
  queue.clock().jump(1h);
  CHECK_FALSE(lease->done());
  CHECK(queue.stats().kept == 1);
  is_broken = false;
  CHECK(queue.retry_kept() == 1);
  REQUIRE(letters.size() == 2);
  CHECK(letters[1].is_completion);
  CHECK(letters[1].died_at == letters[0].died_at);
  REQUIRE(letters[1].payload);
  CHECK(**letters[1].payload == 7);
  CHECK(queue.stats().dead == 1);
  CHECK(queue.stats().kept == 0);
}

TEST_CASE("with a sink that fails half the time, workers lose no job", "[dead_letter][kept]") {
  static constexpr int count = 500;
  std::atomic<int> calls{0};
  std::mutex mutex;
  std::multiset<int> taken;
  JobQueue<int> queue{[](int) { return Outcome::dead(); },
                      {.workers = 2, .dead_letters = [&](const DeadLetter<int>& letter) {
                         if (++calls % 2 == 0) throw 42;
                         const std::lock_guard lock(mutex);
                         taken.insert(letter.payload.value());
                       }}};
  for (int n = 0; n < count; ++n) queue.enqueue(n).or_throw();
  REQUIRE(queue.drain_for(10s));
  CHECK(queue.stats().dead == count);
  CHECK(queue.stats().kept == count / 2);
  CHECK(taken.size() == count / 2);
  for (int round = 0; round < 100 && queue.stats().kept > 0; ++round) (void)queue.retry_kept();
  CHECK(queue.stats().kept == 0);
  std::multiset<int> all;
  for (int n = 0; n < count; ++n) all.insert(n);
  CHECK(taken == all);
}
