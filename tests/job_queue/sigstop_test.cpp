#if defined(__unix__)
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <atomic>
#include <chrono>
#include <thread>

#include "await.hpp"
#include "catch.hpp"
#include "windlass/windlass.hpp"

using namespace std::chrono_literals;
using windlass::Delivery;
using windlass::JobQueue;

// A real process, stopped by a real signal, with leases of a second: a run, an extended run and a pulled job.

namespace {

struct Pipe {
  std::array<int, 2> ends{-1, -1};
  Pipe() { ok = pipe(ends.data()) == 0; }
  Pipe(const Pipe&) = delete;
  ~Pipe() {
    close(ends[0]);
    close(ends[1]);
  }
  bool ok;
  // Waits for a byte; false at the end of the other process.
  bool hear() const {
    char byte = 0;
    return read(ends[0], &byte, 1) == 1;
  }
  bool tell() const { return write(ends[1], "!", 1) == 1; }
};

// What the child exits with: how much went wrong.
int work_through_a_stop(const Pipe& ready, const Pipe& go_on) {
  std::atomic<int> inside{0};
  const auto handle = [&](const int& payload, Delivery& d) {
    if (payload == 2 && !d.extend(1100ms)) _exit(90);
    ++inside;
    ready.tell();
    go_on.hear();
    return d.stop_token().stop_requested() ? windlass::Outcome::dead() : windlass::Outcome::done();
  };
  JobQueue<int> queue{handle, {.workers = 2, .lease = 1s}};
  queue.enqueue(1).or_throw();
  queue.enqueue(2).or_throw();
  if (!await([&] { return inside == 2; })) return 92;  // both workers: the third job is ours
  queue.enqueue(3).or_throw();
  auto pulled = queue.reserve_for(10s);
  if (!pulled) return 91;
  ready.tell();
  go_on.hear();
  int wrong = pulled->done() ? 0 : 1;
  if (!queue.drain_for(10s)) wrong += 2;
  const auto stats = queue.stats();
  if (stats.expiries != 0) wrong += 4;
  if (stats.done != 3) wrong += 8;
  return wrong;
}

}  // namespace

TEST_CASE("a process that was stopped for three seconds has lost no lease of one second", "[standstill][fork]") {
  const Pipe ready;
  const Pipe go_on;
  REQUIRE(ready.ok);
  REQUIRE(go_on.ok);
  const pid_t child = fork();
  if (child == 0) _exit(work_through_a_stop(ready, go_on));
  REQUIRE(child > 0);
  for (int i = 0; i < 3; ++i) CHECK(ready.hear());
  kill(child, SIGSTOP);
  std::this_thread::sleep_for(3s);  // so long it stands still
  kill(child, SIGCONT);
  std::this_thread::sleep_for(200ms);  // so long its watch may go wrong
  for (int i = 0; i < 3; ++i) CHECK(go_on.tell());
  int status = 0;
  REQUIRE(waitpid(child, &status, 0) == child);
  REQUIRE(WIFEXITED(status));
  CHECK(WEXITSTATUS(status) == 0);
}
#endif
