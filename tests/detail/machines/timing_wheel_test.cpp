#include "windlass/detail/machines/timing_wheel.hpp"

#include <map>
#include <random>
#include <vector>

#include "catch.hpp"

using windlass::detail::TimingWheel;
using windlass::detail::WheelNode;

TEST_CASE("an empty wheel has nothing due, now or ever", "[wheel]") {
  std::vector<WheelNode> nodes(1);
  TimingWheel wheel(nodes.data());
  std::uint32_t node = 0;
  CHECK_FALSE(wheel.take_due(1'000'000, node));
  CHECK(wheel.next_due() == TimingWheel::never);
}

TEST_CASE("nodes of one tick come due in the order they were put in", "[wheel]") {
  std::vector<WheelNode> nodes(3);
  TimingWheel wheel(nodes.data());
  for (std::uint32_t i : {2U, 0U, 1U}) wheel.insert(i, 5'000);
  std::vector<std::uint32_t> order;
  std::uint32_t node = 0;
  CHECK_FALSE(wheel.take_due(4'999, node));
  while (wheel.take_due(5'000, node)) order.push_back(node);
  CHECK(order == std::vector<std::uint32_t>{2, 0, 1});
}

TEST_CASE("a deadline decades away comes due on its tick", "[wheel]") {
  std::vector<WheelNode> nodes(1);
  TimingWheel wheel(nodes.data());
  const std::uint64_t due = (std::uint64_t{1} << 38U) + 12'345;
  wheel.insert(0, due);
  std::uint32_t node = 0;
  CHECK_FALSE(wheel.take_due(due - 1, node));
  CHECK(wheel.take_due(due, node));
}

TEST_CASE("deadlines and moments beyond the wheel's reach count as its end, in memory of its own", "[wheel]") {
  constexpr std::uint64_t reach = (std::uint64_t{1} << 60U) - 1;
  std::vector<WheelNode> nodes(4);
  TimingWheel wheel(nodes.data());
  wheel.insert(0, TimingWheel::never);
  wheel.insert(1, reach);
  wheel.insert(2, 7);
  std::uint32_t node = 9;
  CHECK(wheel.take_due(7, node));
  CHECK(node == 2);
  CHECK_FALSE(wheel.take_due(reach - 1, node));
  CHECK(wheel.take_due(TimingWheel::never, node));
  CHECK(node == 0);
  CHECK(wheel.take_due(TimingWheel::never, node));
  CHECK(node == 1);
  CHECK_FALSE(wheel.take_due(TimingWheel::never - 1, node));
  CHECK(wheel.next_due() == TimingWheel::never);
  for (const std::uint64_t due : {std::uint64_t{3}, reach, reach + 1, TimingWheel::never}) {
    wheel.insert(3, due);
    CHECK(nodes[3].bucket <= 64);
    CHECK(wheel.take_due(TimingWheel::never, node));
    CHECK(node == 3);
  }
}

TEST_CASE("the wheel agrees with a sorted map over random inserts, removals and steps", "[wheel]") {
  const unsigned seed = 20'260'131;
  INFO("seed " << seed);
  std::mt19937_64 random(seed);
  constexpr std::uint32_t count = 300;
  std::vector<WheelNode> nodes(count);
  TimingWheel wheel(nodes.data());
  std::multimap<std::uint64_t, std::uint32_t> model;
  std::uint64_t now = 0;
  bool agree = true;
  for (int step = 0; step < 200'000 && agree; ++step) {
    const auto pick = static_cast<std::uint32_t>(random() % count);
    if (!nodes[pick].linked()) {
      const std::uint64_t spread = std::uint64_t{1} << (random() % 38U);
      const std::uint64_t due = now + random() % spread;
      wheel.insert(pick, due);
      model.emplace(due, pick);
    } else if (random() % 4 == 0) {
      wheel.remove(pick);
      for (auto it = model.begin(); it != model.end(); ++it) {
        if (it->second == pick) {
          model.erase(it);
          break;
        }
      }
    }
    if (random() % 3 == 0) {
      now += random() % (std::uint64_t{1} << (random() % 34U));
      std::uint32_t node = 0;
      while (wheel.take_due(now, node)) {
        agree = agree && !model.empty() && model.begin()->first == nodes[node].due && nodes[node].due <= now;
        auto range = model.equal_range(nodes[node].due);
        while (range.first != range.second && range.first->second != node) ++range.first;
        agree = agree && range.first != range.second;
        if (range.first != range.second) model.erase(range.first);
      }
      agree = agree && (model.empty() || model.begin()->first > now);
    }
    agree = agree && wheel.size() == model.size() &&
            (model.empty() ? wheel.next_due() == TimingWheel::never : wheel.next_due() <= model.begin()->first);
  }
  CHECK(agree);
}
