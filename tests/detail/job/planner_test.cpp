#include "windlass/detail/job/planner.hpp"

#include <algorithm>
#include <cstdint>
#include <random>
#include <vector>

#include "catch.hpp"

using namespace std::chrono_literals;
using windlass::Duration;
using windlass::Time;
using windlass::detail::Planner;
using windlass::detail::WheelNode;

namespace {

// What is due at `now`.
std::vector<std::uint32_t> take_all(Planner& planner, Time now) {
  const auto hold = planner.hold();
  std::vector<std::uint32_t> taken;
  for (std::uint32_t node = 0; planner.take_due(now, node);) taken.push_back(node);
  return taken;
}

bool insert(Planner& planner, std::uint32_t node, Time due) {
  const auto hold = planner.hold();
  return planner.insert(node, due);
}

void remove(Planner& planner, std::uint32_t node) {
  const auto hold = planner.hold();
  planner.remove(node);
}

using Nodes = std::vector<std::uint32_t>;

}  // namespace

TEST_CASE("a planner with nothing to wait for never wants to be woken", "[planner]") {
  std::vector<WheelNode> nodes(1);
  Planner planner(nodes.data(), Time{5s}, 1ms);
  CHECK(planner.next_due() == Time::max());
  CHECK(take_all(planner, Time{10h}).empty());
  CHECK(take_all(planner, Time{5s}).empty());  // a clock read earlier by another thread
  CHECK(take_all(planner, Time{0s}).empty());
  CHECK(take_all(planner, Time::min()).empty());
  insert(planner, 0, Time{11h});
  CHECK(take_all(planner, Time{0s}).empty());
  CHECK(take_all(planner, Time{11h - 1ns}).empty());
  CHECK(take_all(planner, Time{11h}) == Nodes{0});
}

TEST_CASE("a deadline is rounded up to a tick, never down", "[planner]") {
  std::vector<WheelNode> nodes(3);
  const Time origin{7s + 300ns};
  Planner planner(nodes.data(), origin, 1ms);
  insert(planner, 0, origin + 2ms);
  insert(planner, 1, origin + 2ms + 1ns);
  insert(planner, 2, origin + 3ms);
  CHECK(planner.next_due() == origin + 2ms);
  CHECK(take_all(planner, origin + 2ms - 1ns).empty());
  CHECK(take_all(planner, origin + 2ms) == Nodes{0});
  CHECK(planner.next_due() == origin + 3ms);
  CHECK(take_all(planner, origin + 3ms - 1ns).empty());
  CHECK(take_all(planner, origin + 3ms) == Nodes{1, 2});
  CHECK(planner.next_due() == Time::max());
}

TEST_CASE("what is past, even older than the planner, is due at once", "[planner]") {
  std::vector<WheelNode> nodes(4);
  const Time origin{1h};
  Planner planner(nodes.data(), origin, 1ms);
  insert(planner, 0, origin);
  insert(planner, 1, Time{});
  insert(planner, 2, Time::min());
  CHECK(planner.next_due() <= origin);
  CHECK(take_all(planner, origin) == Nodes{0, 1, 2});
  CHECK(take_all(planner, origin + 1s).empty());
  insert(planner, 3, origin + 1ms);
  CHECK(planner.next_due() <= origin + 1s);
  CHECK(take_all(planner, origin + 1s) == Nodes{3});
}

TEST_CASE("insert tells whoever keeps time when there is an earlier deadline, and only then", "[planner]") {
  std::vector<WheelNode> nodes(5);
  Planner planner(nodes.data(), Time{}, 1ms);
  CHECK(insert(planner, 0, Time{50ms}));
  CHECK_FALSE(insert(planner, 1, Time{60ms}));
  CHECK_FALSE(insert(planner, 2, Time{50ms}));
  CHECK(insert(planner, 3, Time{40ms}));
  remove(planner, 3);
  CHECK(planner.next_due() == Time{50ms});
  CHECK(insert(planner, 3, Time{49ms}));
  remove(planner, 3);
  remove(planner, 3);  // is not there: nothing happens
  remove(planner, 4);
  CHECK(planner.next_due() == Time{50ms});
  remove(planner, 0);
  remove(planner, 2);
  CHECK(take_all(planner, Time{1h}) == Nodes{1});
}

TEST_CASE("nobody sees a plan while a node is out of it to be put elsewhere", "[planner]") {
  std::vector<WheelNode> nodes(2);
  Planner planner(nodes.data(), Time{}, 1ms);
  insert(planner, 0, Time{50ms});
  {
    const auto hold = planner.hold();
    planner.remove(0);
    CHECK(planner.next_due() == Time{50ms});
    CHECK_FALSE(planner.insert(0, Time{60ms}));
    CHECK(planner.next_due() == Time{50ms});
  }
  CHECK(planner.next_due() == Time{60ms});
  {
    const auto hold = planner.hold();
    std::uint32_t node = 1;
    CHECK(planner.take_due(Time{70ms}, node));
    CHECK(planner.next_due() == Time{60ms});
    CHECK_FALSE(planner.insert(node, Time{80ms}));
  }
  CHECK(planner.next_due() == Time{80ms});
}

TEST_CASE("whoever sleeps until next_due() wakes for a node each time, none early and none a tick late", "[planner]") {
  const Duration tick = GENERATE(Duration{1ms}, 1us, 333ns, 1s);
  const unsigned seed = 20'260'201;
  INFO("seed " << seed << ", tick " << tick.count());
  std::mt19937_64 random(seed);
  constexpr std::uint32_t count = 200;
  std::vector<WheelNode> nodes(count);
  const Time origin{123'456'789ns};
  Planner planner(nodes.data(), origin, tick);
  std::vector<Time> due(count);
  Time now = origin;
  const auto plan = [&](std::uint32_t node) {
    due[node] = now + Duration{static_cast<Duration::rep>(random() >> (14 + random() % 40))};
    insert(planner, node, due[node]);
  };
  for (std::uint32_t node = 0; node < count; ++node) plan(node);
  int early = 0, late = 0, in_vain = 0;
  for (std::uint32_t taken = 0; taken < 5'000;) {
    now = std::max(now, planner.next_due());
    if (now == Time::max()) break;
    const Nodes nodes_due = take_all(planner, now);
    in_vain += nodes_due.empty() ? 1 : 0;  // woken for nothing
    for (const std::uint32_t node : nodes_due) {
      early += now < due[node] ? 1 : 0;
      late += now >= due[node] + tick ? 1 : 0;
      ++taken;
      plan(node);
    }
  }
  CHECK(early == 0);
  CHECK(late == 0);
  CHECK(now < Time::max());
  CHECK(in_vain == 0);
}

TEST_CASE("deadlines at the end of time never come, and hold up no others", "[planner]") {
  const Duration tick = GENERATE(Duration{1ms}, 1us, 16ns, 1ns);
  const Time origin = GENERATE(Time{}, Time{50h});
  INFO("tick " << tick.count());
  std::vector<WheelNode> nodes(4);
  Planner planner(nodes.data(), origin, tick);
  insert(planner, 0, Time::max());
  CHECK(planner.next_due() > origin + 24h * 365);
  CHECK(insert(planner, 1, origin + 1h));
  insert(planner, 2, origin + 24h * 365 * 30);
  const Time soon = planner.next_due();
  CHECK(soon > origin);
  CHECK(soon <= origin + 1h);
  CHECK(take_all(planner, origin + 1h) == Nodes{1});
  CHECK(take_all(planner, origin + 24h * 365 * 30 + tick) == Nodes{2});
  CHECK(take_all(planner, origin + 24h * 365 * 33).empty());
  CHECK(planner.next_due() > origin + 24h * 365 * 33);
  insert(planner, 3, origin);  // the past is still due at once
  CHECK(take_all(planner, origin + 24h * 365 * 33) == Nodes{3});
  remove(planner, 0);
  CHECK(planner.next_due() == Time::max());
}
