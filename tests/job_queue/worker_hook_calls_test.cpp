#include <chrono>
#include <cstdio>
#include <optional>
#include <utility>

#include "catch.hpp"
#include "signal.hpp"
#include "windlass/job_queue.hpp"

#if defined(__unix__)
#include "child.hpp"
#endif

using namespace std::chrono_literals;
using windlass::EnqueueError;
using windlass::JobQueue;
using windlass::WaitError;
using windlass::WorkerInfo;

// What hooks call: they are callbacks of their queue like any other.

TEST_CASE("a worker hook that would wait for its own worker is told so", "[hooks][deadlock]") {
  Signal is_made, has_asked;
  JobQueue<int>* self = nullptr;
  std::optional<EnqueueError> enqueued, enqueued_for;
  std::optional<WaitError> waited, waited_at_stop;
  {
    JobQueue<int> queue{
        [](const int&) {},
        {.capacity = 1,
         .on_worker_start =
             [&](const WorkerInfo&) {
               is_made.wait();
               self->try_enqueue(0).or_throw();  // and nobody else takes it out
               enqueued_for = self->enqueue_for(1, 1s).error();
               if (enqueued_for == EnqueueError::would_deadlock) enqueued = self->enqueue(1).error();
               waited = self->wait_idle_for(1s).error();
               has_asked.set();
             },
         .on_worker_stop = [&](const WorkerInfo&) { waited_at_stop = self->wait_idle_for(1s).error(); }}};
    self = &queue;
    is_made.set();
    REQUIRE(has_asked.wait());
    CHECK(queue.drain_for(10s));
  }
  CHECK(enqueued_for == EnqueueError::would_deadlock);
  CHECK(enqueued == EnqueueError::would_deadlock);
  CHECK(waited == WaitError::would_deadlock);
  CHECK(waited_at_stop == WaitError::would_deadlock);
}

TEST_CASE("shutdown from on_ready only closes", "[on_ready][shutdown]") {
  int ran = 0;
  JobQueue<int>* self = nullptr;
  JobQueue<int> queue{[&](const int&) { ++ran; },
                      {.workers = 0, .on_ready = [&] { CHECK(self->shutdown({.grace = 0s}).present == 1); }}};
  self = &queue;
  CHECK(queue.try_enqueue(1));
  CHECK(queue.is_closed());
  CHECK(queue.stats().present == 1);
  CHECK(queue.run_one());
  CHECK(ran == 1);
  CHECK(queue.shutdown().done == 1);
}

#if defined(__unix__)
TEST_CASE("shutdown from a worker hook only closes, and does not wait for its own worker", "[hooks][shutdown][fork]") {
  const bool at_start = GENERATE(true, false);
  CAPTURE(at_start);
  const Child child([&] {  // which is killed if it hangs
    int ran = 0;
    Signal is_made, has_called;
    JobQueue<int>* self = nullptr;
    const auto end = [&](const WorkerInfo&) {
      is_made.wait();
      (void)self->shutdown({.grace = 0s});
      has_called.set();
    };
    {
      windlass::QueueOptions<int> options;
      (at_start ? options.on_worker_start : options.on_worker_stop) = end;
      JobQueue<int> queue{[&](const int&) { ++ran; }, std::move(options)};
      self = &queue;
      queue.try_enqueue(1).or_throw();
      is_made.set();
      if (at_start) has_called.wait(5s);
      if (at_start && queue.try_enqueue(2).error() != EnqueueError::closed) std::fprintf(stderr, "not closed; ");
      if (!queue.drain_for(5s)) std::fprintf(stderr, "not drained; ");
    }
    if (ran != 1) std::fprintf(stderr, "ran %d jobs; ", ran);
  });
  CHECK(child.ended_by() == "exit 0");
  CHECK(child.printed() == "");
}
#endif
