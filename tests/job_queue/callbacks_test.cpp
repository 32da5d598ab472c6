#include <atomic>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <mutex>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "await.hpp"
#include "catch.hpp"
#include "windlass/job_queue.hpp"

using namespace std::chrono_literals;
using windlass::DeadLetter;
using windlass::EnqueueError;
using windlass::Event;
using windlass::JobId;
using windlass::JobQueue;
using windlass::Observation;
using windlass::Outcome;
using windlass::WaitError;

namespace {

std::function<void(const Observation&)> on_event;       // what the observers below do; set while no queue lives
std::atomic<std::function<void()>*> on_death{nullptr};  // what the next payload does that dies

struct Forward {
  void operator()(const Observation& seen) const {
    if (on_event) on_event(seen);
  }
};
struct ForwardTraits : windlass::DefaultTraits {
  using Observer = Forward;
};

struct Payload {
  int value;
  bool is_live = true;

  explicit Payload(int v) : value(v) {}
  Payload(Payload&& other) noexcept : value(other.value), is_live(std::exchange(other.is_live, false)) {}
  ~Payload() {
    if (!is_live) return;
    if (auto* const act = on_death.exchange(nullptr)) (*act)();
  }
};

using Queue = JobQueue<Payload, ForwardTraits>;

// Calls everything there is on a queue of capacity 2 that holds a job, from inside one of its callbacks.
struct Everything {
  std::vector<std::string> wrong;

  void expect(bool is_right, const char* what) {
    if (!is_right) wrong.emplace_back(what);
  }

  void call_on(Queue& queue, JobId own) {
    const std::uint64_t before = queue.stats().present;
    expect(before >= 1 && before <= 2, "stats().present");
    expect(queue.capacity() == 2 && queue.name() == "calls" && queue.size_approx() <= 2, "the small ones");
    (void)queue.next_due();
    while (queue.try_emplace_with({.delay = 1h}, 1)) {
    }
    expect(queue.try_emplace(1).error() == EnqueueError::full, "try_emplace on a full queue");
    expect(queue.enqueue_for(Payload(1), 1s).error() == EnqueueError::would_deadlock, "enqueue_for on a full queue");
    expect(queue.wait_idle_for(1s).error() == WaitError::would_deadlock, "wait_idle_for");
    expect(queue.reserve_for(1s).error() == WaitError::would_deadlock, "reserve_for");
    expect(!queue.try_reserve(), "try_reserve");
    expect(!queue.run_one() && queue.poll() == 0 && queue.pump().ran == 0, "pumping");
    expect(queue.retry_kept() == 0, "retry_kept");
    if (wrong.empty()) {  // else these wait for ever
      expect(queue.emplace(1).error() == EnqueueError::would_deadlock, "emplace on a full queue");
      expect(queue.reserve().error() == WaitError::would_deadlock, "reserve");
    }
    (void)queue.cancel(own);
    queue.pause();
    queue.resume();
    queue.close();
    expect(queue.drain_for(1s).error() == WaitError::would_deadlock, "drain_for");
    expect(queue.emplace(1).error() == EnqueueError::closed, "emplace on a closed queue");
    const std::uint64_t present = queue.stats().present;
    expect(queue.shutdown({.grace = 1s, .leftover = windlass::Leftover::discard}).present == present,
           "shutdown only closes");
  }
};

}  // namespace

TEST_CASE("any call may be made from any callback, and those that would wait for themselves say so", "[callbacks]") {
  enum class From { handler, sink, policy, on_hung, payload, enqueued, started, finished, failed, dead, parked };
  const From from = GENERATE(From::handler, From::sink, From::policy, From::on_hung, From::payload, From::enqueued,
                             From::started, From::finished, From::failed, From::dead, From::parked);
  CAPTURE(static_cast<int>(from));
  Everything everything;
  std::optional<Queue> queue;
  std::atomic<bool> is_made{false}, is_begun{false}, is_over{false};
  std::mutex mutex;
  JobId own;  // of the last job that was seen
  const auto act = [&](From where) {
    if (where != from || is_begun.exchange(true)) return;
    const JobId id = [&] {
      const std::lock_guard lock(mutex);
      return own;
    }();
    everything.call_on(*queue, id);
    is_over = true;
  };
  std::function<void()> die = [&] { act(From::payload); };
  on_event = [&](const Observation& seen) {
    if (!is_made || queue->stats().present == 0) return;  // idle as yet
    if (seen.id) {
      const std::lock_guard lock(mutex);
      own = seen.id;
    }
    if (seen.event == Event::enqueued) act(From::enqueued);
    if (seen.event == Event::started) act(From::started);
    if (seen.event == Event::finished) act(From::finished);
    if (seen.event == Event::failed) act(From::failed);
    if (seen.event == Event::dead) act(From::dead);
    if (seen.event == Event::parked && queue->stats().done == 1) act(From::parked);  // nothing is ready any more
  };
  queue.emplace(
      [&](const Payload&) {
        act(From::handler);
        if (from == From::on_hung) (void)await([&] { return is_over.load(); });
        const bool fails = from == From::sink || from == From::policy || from == From::failed || from == From::dead;
        return fails ? Outcome::retry() : Outcome::done();
      },
      Queue::Options{.name = "calls",
                     .capacity = 2,
                     .lease = from == From::on_hung ? 20ms : 30s,
                     .max_failures = from == From::policy ? 2U : 1U,
                     .retry = [&](const windlass::Failure&) -> std::optional<windlass::Duration> {
                       act(From::policy);
                       return std::nullopt;
                     },
                     .on_hung =
                         [&](const windlass::HungInfo&) {
                           act(From::on_hung);
                           return windlass::OnHung::give_up;
                         },
                     .dead_letters = [&](const DeadLetter<Payload>&) { act(From::sink); }});
  is_made = true;
  if (from == From::payload) on_death = &die;
  const auto options = from == From::parked ? windlass::EnqueueOptions{.delay = 1h} : windlass::EnqueueOptions{};
  CHECK(queue->try_emplace_with(options, 0));
  if (from == From::parked) {  // wake the worker, which finds nothing and says so
    auto lost = queue->try_emplace(7);
    CHECK(lost);
  }
  CHECK(await([&] { return is_over.load(); }));
  (void)queue->shutdown({.grace = 0s, .leftover = windlass::Leftover::discard});
  is_made = false;
  queue.reset();
  on_event = nullptr;
  CHECK(everything.wrong == std::vector<std::string>{});
}
