// A crew by itself, with queues of which it sees one run: whom it tells to stop, from whom it takes a lease, and that
// it calls nobody who has left.

#include "windlass/detail/threads/crew.hpp"

#include <cstddef>
#include <cstdint>
#include <functional>
#include <string_view>
#include <utility>
#include <vector>

#include "catch.hpp"
#include "traits.hpp"

namespace {

using namespace std::chrono_literals;
using interleave::check;
using interleave::Happening;
using interleave::Run;
using interleave::Thread;
using windlass::Duration;
using windlass::StopReason;
using windlass::Time;
using windlass::detail::Crew;
using windlass::detail::QueueBase;
using windlass::detail::Ran;
using windlass::detail::RunLine;

constexpr std::uint32_t slot = 0;
constexpr std::uint32_t stamp = 1;

Time now() { return Time{interleave::Execution::now().time}; }

// All jobs of such queues have the same slot and stamp, as the first of each queue has; but for those of `slots`.
class FakeQueue final : public QueueBase {
 public:
  using Handler = std::function<void(RunLine& line, std::uint64_t round)>;

  explicit FakeQueue(Handler handler = {}) : handler_(std::move(handler)) {}

  Ran run_next(RunLine& line) override {
    look();
    if (!handler_) return Ran::nothing;
    if (has_errand) {
      line.begin_errand(this, {});
      interleave::yield();
      line.end();
      return Ran::errand;
    }
    const std::uint64_t round = line.stop.begin_round();
    line.begin(this, stamp, runs_ < slots.size() ? slots[runs_] : slot, lease, {});
    ++runs_;
    handler_(line, round);
    line.end();
    return Ran::job;
  }
  void tell_done(RunLine& /*line*/) noexcept override { look(); }
  [[nodiscard]] bool has_work() const noexcept override {
    look();
    return false;
  }
  Time tick(Time /*now*/) override {
    look();
    return Time::max();
  }
  bool expire(std::uint32_t /*slot*/, std::uint32_t /*low_stamp*/) override {
    look();
    check(lease > Duration{}, "a job lost its lease that has one without end");
    return true;
  }
  bool extend(windlass::detail::Run& /*run*/, Duration /*by*/) override { return false; }
  bool try_commit(windlass::detail::Run& /*run*/) override { return false; }
  void pump_begins() override {}
  void pump_ends() override {}
  void worker_parked() override { look(); }
  bool sleep(windlass::detail::Run& /*run*/, Duration /*by*/) override { return true; }
  [[nodiscard]] std::string_view name() const noexcept override { return "fake"; }

  // Whoever calls takes one step more: it may be called as the queue goes.
  void look() const noexcept {
    interleave::yield();
    check(!is_gone, "called when it was gone");
  }

  Duration lease{};
  bool has_errand = false;
  bool is_gone = false;
  std::vector<std::uint32_t> slots;  // of the first runs

 private:
  const Handler handler_;
  std::size_t runs_ = 0;
};

windlass::detail::CrewOptions options(std::uint32_t workers) {
  windlass::detail::CrewOptions options;
  options.workers = options.max_workers = workers;
  options.max_substitutes = 0;
  options.now = now;
  options.is_shared = true;
  return options;
}

void run_one(Crew& crew, QueueBase& queue) {
  (void)crew.pump(queue, nullptr, [](Ran) { return false; });
}

// One thread runs a job of each of two queues; another one asks the first queue's to stop, by `ask`.
void explore_stops(const std::function<void(Crew&, const QueueBase&)>& ask) {
  interleave::explore({.deviations = 3, .depth_first = 5'000, .random = 500}, [&](Run& run) {
    Crew crew{options(0)};
    FakeQueue asked{[](RunLine&, std::uint64_t) {}};
    FakeQueue other{[](RunLine& line, std::uint64_t round) {
      interleave::yield();
      check(line.stop.reason(round) == StopReason::none, "told of what concerns another queue");
    }};
    run.thread([&] {
      run_one(crew, asked);
      run_one(crew, other);
    });
    run.thread([&] { ask(crew, asked); });
    run.join();
  });
}

}  // namespace

TEST_CASE("crew: who asks the run of one queue to stop never asks that of another (stop_run)", "[queue]") {
  explore_stops([](Crew& crew, const QueueBase& queue) { (void)crew.stop_run(queue, slot, stamp, StopReason::user); });
}

TEST_CASE("crew: who asks all runs of one queue to stop never asks that of another (stop_runs)", "[queue]") {
  explore_stops(
      [](Crew& crew, const QueueBase& queue) { crew.stop_runs(queue, StopReason::shutdown, [](std::uint32_t) {}); });
}

// Another queue's run of the same name is in the way, on a line that shows a run of the queue next.
TEST_CASE("crew: who says that a run was asked to stop has asked it (stop_run)", "[queue]") {
  interleave::explore({.deviations = 3, .depth_first = 5'000, .random = 500}, [](Run& run) {
    Crew crew{options(0)};
    Happening is_inside, is_asked;
    FakeQueue other{[&](RunLine&, std::uint64_t) { is_inside.wait(); }};
    FakeQueue queue{[&, n = 0](RunLine& line, std::uint64_t round) mutable {
      if (n++ > 0) return;
      is_inside.happen();
      is_asked.wait();
      check(line.stop.reason(round) == StopReason::user, "was not asked");
    }};
    queue.slots = {slot, slot + 1};
    run.thread([&] {
      run_one(crew, other);
      run_one(crew, queue);
    });
    run.thread([&] { run_one(crew, queue); });
    run.thread([&] {
      is_inside.wait();
      check(crew.stop_run(queue, slot, stamp, StopReason::user), "not found");
      is_asked.happen();
    });
    run.join();
  });
}

TEST_CASE("crew: who visits the runs of one queue is shown none of another (stop_runs)", "[queue]") {
  interleave::explore({.deviations = 3, .depth_first = 5'000, .random = 500}, [](Run& run) {
    Crew crew{options(0)};
    FakeQueue other{[](RunLine&, std::uint64_t) {}};
    FakeQueue queue{[](RunLine&, std::uint64_t) {}};
    queue.slots = {slot + 1};
    run.thread([&] {
      run_one(crew, other);
      run_one(crew, queue);
    });
    run.thread([&] {
      crew.stop_runs(queue, StopReason::shutdown, [](std::uint32_t seen) { check(seen == slot + 1, "of another"); });
    });
    run.join();
  });
}

// An errand of the queue comes after another queue's run on the same line: it is nobody who could be asked.
TEST_CASE("crew: an errand is neither asked to stop nor shown as a run (stop_run, stop_runs)", "[queue]") {
  interleave::explore({.deviations = 3, .depth_first = 5'000, .random = 500}, [](Run& run) {
    Crew crew{options(0)};
    FakeQueue other{[](RunLine&, std::uint64_t) {}};
    FakeQueue queue{[](RunLine&, std::uint64_t) {}};
    queue.has_errand = true;
    run.thread([&] {
      run_one(crew, other);
      run_one(crew, queue);
    });
    run.thread([&] {
      check(!crew.stop_run(queue, slot, stamp, StopReason::user), "an errand was taken for a run");
      crew.stop_runs(queue, StopReason::shutdown, [](std::uint32_t) { check(false, "an errand was shown"); });
    });
    run.join();
  });
}

// The queue that comes is the one that went, at the same place: its jobs have the same slots and stamps.
TEST_CASE("crew: a run that is found overdue and returns costs no job of the next queue in its place", "[queue]") {
  for (const bool is_on_same_line : {false, true}) {
    interleave::explore({.deviations = 3, .depth_first = 6'000, .random = 500}, [=](Run& run) {
      Crew crew{options(0)};
      (void)crew.lease_in_use(1ms);
      Happening is_seen, is_over;
      FakeQueue queue{[&, n = 0](RunLine&, std::uint64_t) mutable { (n++ == 0 ? is_seen : is_over).wait(); }};
      queue.lease = 1ms;
      check(crew.attach(queue, 1), "no place");
      run.thread([&] {
        run_one(crew, queue);
        crew.detach(queue, [] {});
        queue.lease = {};  // that of the next one, whose job is leased at once
        check(crew.attach(queue, 1), "no place");
        if (is_on_same_line) run_one(crew, queue);
      });
      run.thread([&] {
        (void)crew.keep_time(now(), crew.pace());
        is_seen.happen();
        (void)crew.keep_time(now() + 1ms, crew.pace());
        is_over.happen();
      });
      run.join();
      crew.detach(queue, [] {});
    });
  }
}

TEST_CASE("crew: a queue that has left is called by nobody", "[queue]") {
  interleave::explore({.depth_first = 1'000, .random = 1'500}, [](Run& run) {
    run.thread([] {
      FakeQueue queue;
      Crew crew{options(1)};
      check(crew.attach(queue, 1), "no place");
      crew.start();
      interleave::yield();
      crew.detach(queue, [] {});
      queue.is_gone = true;
    });
    run.join();
  });
}
