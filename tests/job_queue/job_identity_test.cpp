#include <mutex>
#include <set>
#include <thread>
#include <unordered_set>
#include <vector>

#include "catch.hpp"
#include "windlass/testing.hpp"

using namespace std::chrono_literals;
using windlass::Delivery;
using windlass::JobId;
using windlass::JobQueue;
using windlass::Outcome;
using windlass::testing::ManualQueue;

TEST_CASE("no two jobs of a process have the same id, though they share a slot", "[job_id]") {
  std::set<JobId> ids;
  for (int round = 0; round < 3; ++round) {
    ManualQueue<int> queue{[](int) {}, {.capacity = 1}};
    for (int n = 0; n < 1000; ++n) {
      CHECK(ids.insert(queue.try_enqueue(n).or_throw()).second);
      CHECK(queue.step() == 1);
    }
  }
  CHECK(ids.size() == 3000);
}

TEST_CASE("ids stay unique when many threads enqueue and slots are reused", "[job_id]") {
  static constexpr int each = 3000;
  JobQueue<int> queue{[](int) {}, {.capacity = 8, .workers = 2}};
  std::mutex mutex;
  std::unordered_set<JobId> ids;
  std::vector<std::thread> threads;
  for (int t = 0; t < 3; ++t) {
    threads.emplace_back([&] {
      for (int n = 0; n < each; ++n) {
        const auto result = queue.enqueue(n);
        const std::lock_guard lock(mutex);
        ids.insert(result.id());
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  REQUIRE(queue.drain_for(10s));
  CHECK(ids.size() == 3 * each);
  CHECK_FALSE(ids.contains(JobId{}));
}

TEST_CASE("a job keeps its id over retries, snoozes, yields and hangs, to its dead letter", "[job_id]") {
  std::vector<JobId> seen;
  std::vector<std::uint32_t> attempts;
  std::vector<JobId> buried;
  const std::vector<Outcome> outcomes{Outcome::retry(), Outcome::snooze(1s), Outcome::yield(), Outcome::retry_after(1s),
                                      Outcome::dead("enough")};
  ManualQueue<int> queue{
      [&](int, Delivery& delivery) {
        seen.push_back(delivery.id());
        attempts.push_back(delivery.attempt());
        return outcomes[seen.size() - 1];
      },
      {.lease = 10s, .dead_letters = [&](const windlass::DeadLetter<int>& letter) { buried.push_back(letter.id); }}};
  const JobId id = queue.try_enqueue(1).or_throw();
  {
    auto lease = queue.try_reserve();
    REQUIRE(lease);
    CHECK(lease->id() == id);
    CHECK(lease->attempt() == 1);
    queue.clock().advance(11s);  // it hangs
  }
  CHECK(queue.run_until_idle() == 5);
  CHECK(seen == std::vector(5, id));
  CHECK(attempts == std::vector<std::uint32_t>{2, 3, 3, 3, 4});
  CHECK(buried == std::vector{id});
}

TEST_CASE("the id that enqueue returned names the job to the handler and to cancel", "[job_id]") {
  std::vector<JobId> seen;
  ManualQueue<int> queue{[&](int, Delivery& delivery) { seen.push_back(delivery.id()); }};
  const JobId first = queue.try_enqueue(1).or_throw();
  const JobId second = queue.try_enqueue(2).or_throw();
  CHECK(queue.cancel(first) == windlass::CancelResult::cancelled);
  CHECK(queue.step() == 1);
  CHECK(seen == std::vector{second});
}
