#include <atomic>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <random>
#include <thread>
#include <vector>

#include "catch.hpp"
#include "signal.hpp"
#include "windlass/job_queue.hpp"

using namespace std::chrono_literals;
using windlass::DeadLetter;
using windlass::DeadReason;
using windlass::Delivery;
using windlass::EnqueueError;
using windlass::EnqueueResult;
using windlass::JobId;
using windlass::JobQueue;
using windlass::Leftover;
using windlass::Outcome;
using windlass::Report;

namespace {

bool adds_up(const Report& r) {
  return r.accepted == r.done + r.dead + r.cancelled + r.discarded + r.returned + r.present;
}

// A payload whose construction, in its slot, takes as long as the test wants.
struct Slow {
  Slow(Signal& begun, Signal& go_on) {
    begun.set();
    go_on.wait();
  }
};

}  // namespace

TEST_CASE("a job whose enqueue was under way while its queue was shut down is left over like any other", "[shutdown]") {
  const auto leftover = GENERATE(Leftover::run, Leftover::dead_letter, Leftover::hand_back, Leftover::discard);
  const auto delay = GENERATE(0s, 3600s);
  CAPTURE(static_cast<int>(leftover), delay.count());
  Signal begun, go_on;
  int ran = 0, abandoned = 0, handed_back = 0;
  {
    JobQueue<Slow> queue{[&](const Slow&) { ++ran; }, {.dead_letters = [&](const DeadLetter<Slow>& letter) {
                           abandoned += letter.reason == DeadReason::abandoned ? 1 : 0;
                         }}};
    std::optional<EnqueueResult> result;
    std::thread producer([&] { result = queue.try_emplace_with({.delay = delay}, begun, go_on); });
    REQUIRE(begun.wait());
    const Report early =
        queue.shutdown({.grace = 0s, .leftover = leftover, .hand_back = [&](JobId, Slow&&) { ++handed_back; }});
    CHECK(early.present == 1);
    CHECK(adds_up(early));
    go_on.set();
    producer.join();
    CHECK(result->error() == EnqueueError::none);
    const Report report = queue.stats();
    CHECK(report.present == 0);
    CHECK(adds_up(report));
    CHECK(report.discarded == (leftover == Leftover::discard ? 1 : 0));
    CHECK(report.returned == (leftover == Leftover::hand_back ? 1 : 0));
    CHECK(report.abandoned == (leftover == Leftover::run || leftover == Leftover::dead_letter ? 1 : 0));
  }
  CHECK(ran == 0);
  CHECK(abandoned == (leftover == Leftover::run || leftover == Leftover::dead_letter ? 1 : 0));
  CHECK(handed_back == (leftover == Leftover::hand_back ? 1 : 0));
}

TEST_CASE("a second shutdown returns only when the first has dealt with everything", "[shutdown]") {
  Report second;
  Signal returned;
  std::optional<std::thread> other;
  JobQueue<int>* self = nullptr;
  JobQueue<int> queue{[](const int&) {}, {.paused = true, .dead_letters = [&](const DeadLetter<int>&) {
                                            if (other) return;
                                            other.emplace([&] {
                                              second = self->shutdown();
                                              returned.set();
                                            });
                                            returned.wait(100ms);  // in vain, if all is well
                                          }}};
  self = &queue;
  for (int n = 0; n < 3; ++n) queue.enqueue(n).or_throw();
  CHECK(queue.shutdown({.leftover = Leftover::dead_letter}).dead == 3);
  REQUIRE(other);
  other->join();
  CHECK(second.dead == 3);
  CHECK(second.present == 0);
}

TEST_CASE("a queue may be destroyed while another thread shuts it down", "[shutdown][destructor][stress]") {
  // What goes wrong here is seen by AddressSanitizer and ThreadSanitizer: the call comes back to a queue that is gone.
  int wrong = 0;
  for (int round = 0; round < 200; ++round) {
    Signal inside, go_on;
    auto queue = std::make_unique<JobQueue<int>>([&](const int&) {
      inside.set();
      go_on.wait();
    });
    queue->try_enqueue(1).or_throw();
    queue->try_enqueue(2, {.delay = 1h}).or_throw();
    REQUIRE(inside.wait());
    std::optional<Report> report;
    std::thread ender([&, self = queue.get()] { report = self->shutdown({.grace = 20s}); });
    while (!queue->is_closed()) std::this_thread::yield();  // it is inside, and waits for the run
    std::thread helper([&] { go_on.set(); });
    queue.reset();
    helper.join();
    ender.join();
    wrong += report->done == 1 && report->abandoned == 1 && report->present == 0 ? 0 : 1;
  }
  CHECK(wrong == 0);
}

TEST_CASE("shutdown at random moments accounts for every job, racing enqueues included", "[shutdown][stress]") {
  constexpr std::size_t producers = 3, most = 4'000;
  const unsigned seed = std::random_device{}();
  INFO("seed " << seed);
  std::mt19937 random(seed);
  int unbalanced = 0, miscounted = 0, wrong_ends = 0, wrong_refusals = 0;
  for (int round = 0; round < 120; ++round) {
    std::vector<std::atomic<int>> ended(producers * most);  // how often user code saw the end of each job
    std::vector<char> is_accepted(producers * most, 0);
    std::atomic<int> refused{0};
    const auto note = [&](const std::size_t& job) { ++ended.at(job); };
    JobQueue<std::size_t> queue{[&](const std::size_t& job, Delivery& delivery) {
                                  if (job % 11 == 0 && delivery.attempt() == 1) throw 42;
                                  if (job % 13 == 0 && !delivery.sleep_for(1ms)) return Outcome::retry("stopped");
                                  if (job % 17 == 0) return Outcome::snooze(1ms);
                                  note(job);
                                  return job % 19 == 0 ? Outcome::dead() : Outcome::done();
                                },
                                {.capacity = 256,
                                 .workers = 1U + static_cast<unsigned>(round) % 3,
                                 .lease = 0s,
                                 .retry = windlass::FixedDelay{1ms},
                                 .dead_letters = [&](const DeadLetter<std::size_t>& letter) {
                                   if (letter.reason == DeadReason::abandoned) note(*letter.payload);
                                 }}};
    std::vector<std::thread> threads;
    for (std::size_t p = 0; p < producers; ++p) {
      threads.emplace_back([&, p] {
        for (std::size_t job = p * most; job < (p + 1) * most; ++job) {
          const windlass::EnqueueOptions options{.delay = job % 7 == 0 ? 500us : 0us};
          const auto error = p == 0 ? queue.try_enqueue(job, options).error() : queue.enqueue(job, options).error();
          if (error == EnqueueError::closed) return;
          is_accepted[job] = error == EnqueueError::none;
          if (error != EnqueueError::none && (p != 0 || error != EnqueueError::full)) ++refused;
        }
      });
    }
    std::this_thread::sleep_for(std::chrono::microseconds{random() % 4'000});
    (void)queue.shutdown({.grace = round % 3 == 0 ? 0ms : std::chrono::milliseconds{random() % 20},
                          .leftover = static_cast<Leftover>(round % 4),
                          .hand_back = [&](JobId, std::size_t&& job) { note(job); }});
    for (auto& thread : threads) thread.join();
    const Report report = queue.stats();
    std::uint64_t accepted = 0, unseen = 0;
    for (std::size_t job = 0; job < ended.size(); ++job) {
      accepted += is_accepted[job] != 0 ? 1U : 0U;
      unseen += is_accepted[job] != 0 && ended[job] == 0 ? 1U : 0U;
      wrong_ends += ended[job] > (is_accepted[job] != 0 ? 1 : 0) ? 1 : 0;
    }
    unbalanced += adds_up(report) && report.present == 0 ? 0 : 1;
    miscounted += report.accepted == accepted && report.discarded == unseen ? 0 : 1;  // only discarded ones end unseen
    wrong_refusals += refused;
  }
  CHECK(unbalanced == 0);
  CHECK(miscounted == 0);
  CHECK(wrong_ends == 0);
  CHECK(wrong_refusals == 0);
}
