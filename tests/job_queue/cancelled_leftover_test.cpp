#include <chrono>

#include "catch.hpp"
#include "puppet.hpp"
#include "windlass/testing.hpp"

using namespace std::chrono_literals;
using windlass::CancelResult;
using windlass::JobId;
using windlass::Leftover;
using windlass::Outcome;
using windlass::testing::ManualQueue;

TEST_CASE("a job that was cancelled after its lease was lost is no leftover of a shutdown", "[cancel][shutdown]") {
  const Leftover leftover = GENERATE(Leftover::run, Leftover::dead_letter, Leftover::hand_back, Leftover::discard);
  ManualQueue<int> queue{Puppet::handle, {.lease = 1s}};
  const JobId id = queue.enqueue(0).or_throw();
  Puppet hung(queue);
  queue.clock().advance(2s);  // and nobody pumps, to work out what follows
  CHECK(queue.cancel(id) == CancelResult::requested);
  hung.end(Outcome::retry());
  const auto report = queue.shutdown({.grace = 0s, .leftover = leftover, .hand_back = [](JobId, int&& /*payload*/) {}});
  CHECK(report.cancelled == 1);
  CHECK(report.dead + report.discarded + report.returned == 0);
}
