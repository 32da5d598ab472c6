#include <atomic>
#include <chrono>
#include <cstdio>
#include <memory>
#include <windlass/testing.hpp>
#include <windlass/windlass.hpp>

using namespace std::chrono_literals;

namespace {

// Done, failed, dead, and pulled jobs, on a worker; each job ends in the account.
bool works() {
  windlass::DeadLetterBox<int> box;
  std::atomic<int> good{0};
  windlass::JobQueue<int> queue{[&](const int& number) -> windlass::Outcome {
                                  if (number % 10 == 0) return windlass::Outcome::retry("a multiple of ten");
                                  ++good;
                                  return windlass::Outcome::done();
                                },
                                {.max_failures = 2, .retry = windlass::FixedDelay{1ms}, .dead_letters = &box}};
  for (int i = 1; i <= 100; ++i) queue.enqueue(i).or_throw();
  const bool drained = static_cast<bool>(queue.drain_for(10s));
  return drained && good == 90 && box.size() == 10 && queue.stats().failures == 20;
}

// A handler that hangs on the only worker; a substitute, which stood by from the beginning, runs the job again.
bool stands_in() {
  std::atomic<int> runs{0};
  std::atomic<bool> is_free{false};
  windlass::JobQueue<int> queue{[&](const int&) {
                                  if (++runs == 1) is_free.wait(false);
                                },
                                {.lease = 20ms, .retry = windlass::FixedDelay{}}};
  queue.enqueue(1).or_throw();
  const bool drained = static_cast<bool>(queue.drain_for(10s));
  is_free = true;
  is_free.notify_one();
  return drained && runs == 2;
}

bool checks() {
  windlass::QueueOptions<int> options;
  options.capacity = 0;
  return windlass::check(options).field == std::string_view{"capacity"};
}

}  // namespace

int main() {
  const bool all = works() && stands_in() && checks();
  std::puts(all ? "ok" : "failed");
  return all ? 0 : 1;
}
