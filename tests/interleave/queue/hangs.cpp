// Runs that hang, and what follows from that for others: whoever waits, whoever sleeps, whoever ends the queue.

#include <cstdint>
#include <memory>
#include <utility>

#include "catch.hpp"
#include "traits.hpp"

namespace {

using namespace std::chrono_literals;
using interleave::check;
using interleave::Happening;
using interleave::Queue;
using interleave::Run;
using interleave::Thread;
using windlass::Delivery;
using windlass::Duration;

struct Refusal {
  bool accept(windlass::DeadLetter<int>&& /*letter*/) { return false; }
};

// A payload whose destructor waits, once it is in its slot.
struct Slow {
  Happening* until = nullptr;

  explicit Slow(Happening* its_end) : until(its_end) {}
  Slow(Slow&& other) noexcept : until(std::exchange(other.until, nullptr)) {}
  Slow& operator=(Slow&&) = delete;
  ~Slow() {
    if (until != nullptr) until->wait();
  }
};
using SlowQueue = windlass::JobQueue<Slow, interleave::QueueTraits>;

constexpr interleave::Options budget{.depth_first = 300, .random = 700};

}  // namespace

TEST_CASE("queue: two hung jobs whose hooks wait for each other get two workers that slept", "[queue]") {
  interleave::explore(budget, [](Run& run) {
    run.thread([] {
      Happening go_on, asked[2];
      std::uint32_t count = 0;
      Queue queue{
          [&](const int&) { go_on.wait(); },
          {.capacity = 2, .workers = 4, .lease = 10ms, .max_substitutes = 0, .on_hung = [&](windlass::HungInfo) {
             const std::uint32_t mine = count++;
             asked[mine].happen();
             asked[1 - mine].wait();
             return windlass::OnHung::wait;
           }}};
      queue.enqueue(0).or_throw();
      queue.enqueue(1).or_throw();
      for (Happening& happening : asked) happening.wait();
      go_on.happen();
    });
    run.join();
  });
}

TEST_CASE("queue: a hung job is taken over by a worker that sleeps, or by a thread that is lent", "[queue]") {
  interleave::explore(budget, [](Run& run) {
    run.thread([] {
      Happening again;
      windlass::StopSource stop;
      Queue queue{[&](const int&, Delivery& delivery) { delivery.attempt() == 1 ? again.wait() : again.happen(); },
                  {.capacity = 1, .workers = 1, .lease = 10ms, .max_substitutes = 0}};
      Thread lent([&] { queue.run(stop.token()); });
      queue.enqueue(0).or_throw();
      again.wait();
      stop.request_stop();
      lent.join();
    });
    run.join();
  });
}

TEST_CASE("queue: who waits for idleness is told by who ended the last job and stands by", "[queue]") {
  interleave::explore(budget, [](Run& run) {
    run.thread([] {
      Happening go_on;
      Queue queue{[&](const int& payload) { payload == 0 ? go_on.wait() : go_on.happen(); },
                  {.capacity = 2, .workers = 1, .lease = 10ms, .max_substitutes = 1, .on_hung = [](windlass::HungInfo) {
                     return windlass::OnHung::wait;
                   }}};
      queue.enqueue(0).or_throw();
      queue.enqueue(1).or_throw();  // run by who stands in for the hung worker, while that comes back
      check(static_cast<bool>(queue.wait_idle_for(Duration::max())), "not told");
    });
    run.join();
  });
}

TEST_CASE("queue: who waits for idleness is told before a worker sees to the errand of a job that is over", "[queue]") {
  interleave::explore(budget, [](Run& run) {
    run.thread([] {
      Happening has_begun, go_on, is_idle;
      SlowQueue queue{[&](const Slow& job, Delivery& delivery) {
                        if (job.until == nullptr) {
                          has_begun.happen();
                          return go_on.wait();
                        }
                        while (!delivery.stop_token().stop_requested()) interleave::pass_time(5ms);
                      },
                      {.capacity = 2, .workers = 1, .lease = 10ms, .max_substitutes = 0}};
      queue.enqueue(Slow{nullptr}, {.lease = 0s}).or_throw();
      has_begun.wait();
      queue.enqueue(Slow{&is_idle}).or_throw();
      (void)queue.run_one();  // loses its lease, and succeeds late: its number is in the errand ring
      go_on.happen();
      check(static_cast<bool>(queue.wait_idle_for(Duration::max())), "not told");
      is_idle.happen();
    });
    run.join();
  });
}

TEST_CASE("queue: who waits for idleness is told of all jobs before what the last one threw is destroyed", "[queue]") {
  interleave::explore({.depth_first = 1'000, .random = 3'000}, [](Run& run) {
    run.thread([] {
      Happening is_idle;
      {
        Queue queue{[&](const int& n) {
                      if (n == 0) return;
                      throw std::shared_ptr<Happening>(&is_idle, [](Happening* idle) { idle->wait(); });
                    },
                    {.capacity = 2, .workers = 1, .lease = 0s, .max_failures = 1}};
        for (int n = 0; n < 2; ++n) queue.enqueue(n).or_throw();
        check(static_cast<bool>(queue.wait_idle_for(windlass::Duration::max())), "not told");
        is_idle.happen();
      }
    });
    run.join();
  });
}

TEST_CASE("queue: a cancelled job that hangs is over for who waits, before its run is", "[queue]") {
  interleave::explore(budget, [](Run& run) {
    run.thread([] {
      Happening started, go_on;
      Queue queue{[&](const int&) {
                    started.happen();
                    go_on.wait();
                  },
                  {.capacity = 1, .workers = 1, .lease = 10ms, .max_substitutes = 0}};
      const windlass::JobId id = queue.enqueue(0).or_throw();
      started.wait();
      (void)queue.cancel(id);
      check(static_cast<bool>(queue.drain_for(Duration::max())), "not told");
      go_on.happen();
    });
    run.join();
  });
}

TEST_CASE("queue: a job that waits for its hung run is over for who waits when it is cancelled", "[queue]") {
  interleave::explore(budget, [](Run& run) {
    run.thread([] {
      Happening is_lost, go_on;
      Queue queue{
          [&](const int&) { go_on.wait(); },
          {.capacity = 1, .workers = 2, .lease = 10ms, .max_substitutes = 0, .on_hung = [&](windlass::HungInfo) {
             is_lost.happen();
             return windlass::OnHung::wait;
           }}};
      const windlass::JobId id = queue.enqueue(0).or_throw();
      is_lost.wait();
      Thread other([&] { (void)queue.cancel(id); });
      check(static_cast<bool>(queue.drain_for(Duration::max())), "not told");
      other.join();
      go_on.happen();
    });
    run.join();
  });
}

TEST_CASE("queue: a job whose dead letter is refused is over for who waits", "[queue]") {
  interleave::explore(budget, [](Run& run) {
    run.thread([] {
      Refusal refusal;
      Queue queue{[](const int&) { return windlass::Outcome::dead(); },
                  {.capacity = 1, .workers = 1, .lease = 0s, .dead_letters = &refusal}};
      queue.enqueue(0).or_throw();
      check(static_cast<bool>(queue.drain_for(Duration::max())), "not told");
    });
    run.join();
  });
}

TEST_CASE("queue: a job that failed is tried again when its time has come", "[queue]") {
  interleave::explore(budget, [](Run& run) {
    run.thread([] {
      Happening again;
      Queue queue{[&](const int&, Delivery& delivery) {
                    if (delivery.attempt() == 1) return windlass::Outcome::retry_after(5ms);
                    again.happen();
                    return windlass::Outcome::done();
                  },
                  {.capacity = 1, .workers = 1, .lease = 0s}};
      queue.enqueue(0).or_throw();
      again.wait();
    });
    run.join();
  });
}

TEST_CASE("queue: a run that hangs as its queue ends, watched by who waits, is accounted for", "[queue]") {
  interleave::explore({.depth_first = 300, .random = 2'000}, [](Run& run) {
    run.thread([] {
      std::uint32_t ended = 0;
      {
        Queue queue{[&](const int&, Delivery& delivery) {
                      while (!delivery.stop_token().stop_requested()) (void)delivery.sleep_for(1ms);
                    },
                    {.capacity = 1, .workers = 0, .lease = 10ms, .dead_letters = [&](const windlass::DeadLetter<int>&) {
                       ++ended;
                     }}};
        queue.enqueue(0).or_throw();
        Thread pump([&] { (void)queue.run_one(); });
        Thread waiter([&] { (void)queue.drain_for(Duration::max()); });
        (void)queue.shutdown(
            {.leftover = windlass::Leftover::hand_back, .hand_back = [&](windlass::JobId, int&&) { ++ended; }});
        pump.join();
        waiter.join();
        const windlass::Stats stats = queue.stats();
        check(stats.present == 0, "not accounted for");
        ended += static_cast<std::uint32_t>(stats.done);
      }
      check(ended == 1, "the job was lost, or ended twice");
    });
    run.join();
  });
}
