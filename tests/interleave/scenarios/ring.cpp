// IndexRing: FIFO for each producer, nothing lost or twice, payloads visible, "empty" is empty; across a wrap, with
// producers that help each other. Rings of 2 and 4 cells, so that laps end soon.

#include <array>
#include <cstdint>
#include <vector>

#include "../interleave.hpp"
#include "catch.hpp"
#include "windlass/detail/machines/index_ring.hpp"

namespace {

using interleave::check;
using interleave::checked;
using interleave::Run;
using windlass::detail::no_slot;
using Ring = windlass::detail::IndexRing<interleave::Atomics, 2>;

template <std::size_t Cells>
struct SmallRing {
  std::array<Ring::Cell, Cells> cells;
  Ring ring{cells.data(), Cells};

  // Its first lap is used up but for `left` cells.
  explicit SmallRing(std::size_t left = Cells) {
    for (std::size_t i = left; i < Cells; ++i) {
      ring.push(0);
      check(ring.pop() == 0, "a ring of one number");
    }
  }
};

// Numbers are 2 * producer + sequence.
void check_order(const std::vector<std::uint32_t>& taken) {
  for (std::size_t i = 0; i < taken.size(); ++i) {
    for (std::size_t j = i + 1; j < taken.size(); ++j) {
      check(taken[i] != taken[j], "a number came twice");
      check(taken[i] / 2 != taken[j] / 2 || taken[i] < taken[j], "not first in, first out");
    }
  }
}

}  // namespace

TEST_CASE("ring: two producers and two consumers across a wrap, FIFO for each producer", "[ring]") {
  interleave::explore([](Run& run) {
    SmallRing<4> small(1);
    std::array<checked<std::uint32_t>, 4> payloads;
    std::array<std::vector<std::uint32_t>, 3> taken;
    const auto produce = [&](std::uint32_t producer) {
      for (std::uint32_t i = 2 * producer; i < 2 * producer + 2; ++i) {
        payloads[i].set(i + 100);
        small.ring.push(i);
      }
    };
    const auto take = [&](std::vector<std::uint32_t>& into) {
      const std::uint32_t found = small.ring.pop();
      if (found == no_slot) return false;
      check(found < 4 && payloads[found].get() == found + 100, "a payload that was not written");
      into.push_back(found);
      return true;
    };
    for (const std::uint32_t producer : {0U, 1U}) run.thread([&, producer] { produce(producer); });
    for (const std::size_t consumer : {0U, 1U}) {
      run.thread([&, consumer] {
        for (int tries = 0; tries < 3; ++tries) (void)take(taken[consumer]);
      });
    }
    run.join();
    while (take(taken[2])) {
    }
    check(taken[0].size() + taken[1].size() + taken[2].size() == 4, "a number was lost, or came twice");
    for (std::vector<std::uint32_t>& one : {std::ref(taken[0]), std::ref(taken[1])}) {
      one.insert(one.end(), taken[2].begin(), taken[2].end());
      check_order(one);
    }
    check(small.ring.empty(), "not empty");
  });
}

TEST_CASE("ring: two numbers go round in two cells, with helping", "[ring]") {
  interleave::explore([](Run& run) {
    SmallRing<2> small(1);
    std::array<checked<int>, 2> passes;
    small.ring.push(0);
    small.ring.push(1);
    int total = 0;
    for (int i = 0; i < 3; ++i) {
      run.thread([&] {
        for (int tries = 0; tries < 2; ++tries) {
          const std::uint32_t found = small.ring.pop();
          if (found == no_slot) continue;
          passes[found].set(passes[found].get() + 1);
          ++total;
          small.ring.push(found);
        }
      });
    }
    run.join();
    check(small.ring.size_approx() == 2, "exact when nobody is inside");
    const std::uint32_t first = small.ring.pop();
    const std::uint32_t second = small.ring.pop();
    check(first + second == 1 && first <= 1, "a number was lost, or came twice");
    check(small.ring.pop() == no_slot, "a third number");
    check(passes[0].get() + passes[1].get() == total, "a pass was lost");
  });
}

TEST_CASE("ring: who has pushed finds something, as long as nobody pops more than he pushed", "[ring]") {
  interleave::explore({.random = 10'000, .seq = interleave::Seq::any}, [](Run& run) {
    SmallRing<2> small(1);
    for (const std::uint32_t i : {0U, 1U}) {
      run.thread([&, i] {
        std::uint32_t number = i;
        for (int times = 0; times < 3; ++times) {
          small.ring.push(number);
          number = small.ring.pop();
          check(number != no_slot, "said to be empty, and was not");
        }
      });
    }
    run.join();
    check(small.ring.empty(), "not empty");
  });
}

TEST_CASE("ring: a pop stops at its end", "[ring]") {
  interleave::explore([](Run& run) {
    SmallRing<4> small(1);
    small.ring.push(0);
    run.thread([&] {
      const std::uint64_t end = small.ring.end();
      const bool was_only = end == 4;  // position 3 holds number 0
      const std::uint32_t first = small.ring.pop(end);
      const std::uint32_t second = small.ring.pop(end);
      if (was_only) check(first == no_slot || second == no_slot, "took what came behind its end");
    });
    run.thread([&] {
      small.ring.push(1);
      small.ring.push(2);
    });
    run.thread([&] { (void)small.ring.pop(); });
    run.join();
  });
}
