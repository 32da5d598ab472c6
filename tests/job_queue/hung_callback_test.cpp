#include <atomic>
#include <chrono>
#include <memory>
#include <optional>
#include <utility>

#include "await.hpp"
#include "catch.hpp"
#include "signal.hpp"
#include "windlass/windlass.hpp"

using namespace std::chrono_literals;
using windlass::CancelResult;
using windlass::Delivery;
using windlass::FixedDelay;
using windlass::HungInfo;
using windlass::JobQueue;
using windlass::OnHung;
using windlass::Outcome;
using windlass::QueueOptions;

// A worker that hangs where nothing can be taken from it, in a callback or after a commit: somebody stands in for it.

namespace {

using Queue = JobQueue<int>;

constexpr auto lease = 150ms;

QueueOptions<int> one_worker() { return {.workers = 1, .lease = lease, .max_substitutes = 2, .retry = FixedDelay{}}; }

bool is_at_rest(const Queue& queue) {
  const auto stats = queue.stats();
  return stats.hung == 0 && stats.substitutes == 0;
}

// Hangs in its destructor; what it was moved from does not.
struct Slow {
  std::shared_ptr<void> content;
};
Slow slow(Signal& inside, Signal& release) {
  const auto hang = [&](const int* number) {
    delete number;
    inside.set();
    release.wait();
  };
  return {std::shared_ptr<int>(new int{}, hang)};
}

}  // namespace

TEST_CASE("a worker that hangs in a sink only gets a substitute, and the job stays its own", "[substitute]") {
  Signal inside;
  Signal release;
  std::atomic<int> runs{0};
  auto options = one_worker();
  options.dead_letters = [&](windlass::DeadLetter<int>&&) {
    inside.set();
    release.wait();
  };
  const auto handle = [&](const int& payload, Delivery&) {
    ++runs;
    return payload == 1 ? Outcome::dead() : Outcome::done();
  };
  Queue queue{handle, std::move(options)};
  queue.enqueue(1).or_throw();
  REQUIRE(inside.wait());
  queue.enqueue(2).or_throw();
  CHECK(await([&] { return queue.stats().done == 1; }));
  CHECK(queue.stats().hung == 1);
  CHECK(queue.stats().expiries == 0);
  CHECK(queue.stats().dead == 0);
  release.set();
  CHECK(await([&] { return is_at_rest(queue); }));
  CHECK(queue.stats().dead == 1);
  CHECK(runs == 2);
  CHECK(queue.stats().stale_settles == 0);
}

TEST_CASE("a worker that hangs in on_hung only gets a substitute, and its answer counts all the same", "[substitute]") {
  Signal job_inside;
  Signal hook_inside;
  Signal release;
  auto options = one_worker();
  options.on_hung = [&](const HungInfo&) {
    hook_inside.set();
    release.wait();
    return OnHung::give_up;
  };
  const auto handle = [&](const int& payload, Delivery&) {
    if (payload != 1) return Outcome::done();
    job_inside.set();
    release.wait();
    return Outcome::retry();
  };
  Queue queue{handle, std::move(options)};
  queue.enqueue(1).or_throw();
  REQUIRE(job_inside.wait());
  REQUIRE(hook_inside.wait());
  queue.enqueue(2).or_throw();
  CHECK(await([&] { return queue.stats().done == 1; }));
  CHECK(queue.stats().hung == 2);
  CHECK(queue.stats().expiries == 1);
  release.set();
  CHECK(await([&] { return queue.stats().dead == 1; }));
  CHECK(await([&] { return is_at_rest(queue); }));
}

TEST_CASE("a worker that hangs in the retry policy only gets a substitute", "[substitute]") {
  Signal inside;
  Signal release;
  auto options = one_worker();
  options.retry = [&](const windlass::Failure&) {
    inside.set();
    release.wait();
    return std::optional<windlass::Duration>{0s};
  };
  const auto handle = [&](const int& payload, Delivery& delivery) {
    return payload == 1 && delivery.attempt() == 1 ? Outcome::retry() : Outcome::done();
  };
  Queue queue{handle, std::move(options)};
  queue.enqueue(1).or_throw();
  REQUIRE(inside.wait());
  queue.enqueue(2).or_throw();
  CHECK(await([&] { return queue.stats().done == 1; }));
  CHECK(queue.stats().hung == 1);
  release.set();
  CHECK(await([&] { return queue.stats().done == 2 && is_at_rest(queue); }));
  CHECK(queue.stats().expiries == 0);
  CHECK(queue.stats().failures == 1);
}

TEST_CASE("a run that committed and hangs only gets a substitute", "[substitute]") {
  Signal inside;
  Signal release;
  std::atomic<int> runs{0};
  const auto handle = [&](const int& payload, Delivery& delivery) {
    ++runs;
    if (payload != 1 || !delivery.try_commit()) return;
    inside.set();
    release.wait();
  };
  Queue queue{handle, one_worker()};
  queue.enqueue(1).or_throw();
  REQUIRE(inside.wait());
  queue.enqueue(2).or_throw();
  CHECK(await([&] { return queue.stats().done == 1; }));
  CHECK(queue.stats().hung == 1);
  CHECK(queue.stats().expiries == 0);
  release.set();
  CHECK(await([&] { return queue.stats().done == 2 && is_at_rest(queue); }));
  CHECK(runs == 2);
}

TEST_CASE("a worker that hangs in the destructor of a cancelled job's payload only gets a substitute", "[substitute]") {
  Signal job_inside, job_release, inside, release;
  std::atomic<int> good{0};
  auto options = QueueOptions<Slow>{.workers = 1, .lease = lease, .max_substitutes = 1, .retry = FixedDelay{}};
  JobQueue<Slow> queue{[&](const Slow& payload, Delivery&) {
                         if (payload.content == nullptr) return void(++good);
                         job_inside.set();
                         job_release.wait();
                       },
                       std::move(options)};
  const auto id = queue.enqueue(slow(inside, release)).or_throw();
  REQUIRE(job_inside.wait());
  queue.pause();
  REQUIRE(await([&] { return queue.pump({.max_jobs = 0}).left == 1; }));  // it was taken away, and lies in its lane
  CHECK(queue.cancel(id) == CancelResult::requested);
  job_release.set();  // its run goes, and the place in its lane has the last hold
  REQUIRE(await([&] { return queue.stats().hung == 0 && queue.stats().substitutes == 0; }));
  queue.resume();
  REQUIRE(inside.wait());
  queue.enqueue(Slow{}).or_throw();
  CHECK(await([&] { return good == 1; }));
  CHECK(queue.stats().hung == 1);
  release.set();
}

TEST_CASE("a worker that hangs in the destructor of what a handler threw only gets a substitute", "[substitute]") {
  Signal inside, release;
  Queue queue{[&](const int& payload) {
                if (payload == 1) throw slow(inside, release);
              },
              {.workers = 1, .lease = lease, .max_failures = 1, .max_substitutes = 1}};
  queue.enqueue(1).or_throw();
  REQUIRE(inside.wait());
  queue.enqueue(2).or_throw();
  CHECK(await([&] { return queue.stats().done == 1; }));
  CHECK(queue.stats().hung == 1);
  release.set();
}
