// The single total order S of all seq_cst operations: any that C++20 allows, not only the order of execution.

#include <array>

#include "litmus.hpp"

using namespace interleave;

TEST_CASE("S need not be the order in which things are done", "[calibration]") {
  const auto pass = [](std::memory_order load) {
    return [=](Run& run) {
      Int x{0}, flag{0};
      run.thread([&] {
        x.store(1, seq_cst);
        flag.store(1, release);
      });
      run.thread([&] {
        if (flag.load(load) == 1) check(x.load(seq_cst) == 1, "old");
      });
      run.join();
    };
  };
  litmus("a seq_cst load after a relaxed one", Weak::found, pass(relaxed), Seq::any);
  litmus("the same in the order of execution", Weak::never, pass(relaxed));
  litmus("a seq_cst load after an acquire", Weak::never, pass(acquire), Seq::any);
}

TEST_CASE("what strongly happens before something comes before it in S", "[calibration]") {
  // T2 learns of x by `flag`, then meets T3 in a store buffering.
  const auto meet = [](std::memory_order store, std::memory_order load) {
    return [=](Run& run) {
      Int x{0}, y{0}, z{0}, flag{0};
      int a = -1, b = -1;
      run.thread([&] {
        x.store(1, seq_cst);
        flag.store(1, store);
      });
      run.thread([&] {
        if (flag.load(load) == 0) return;
        y.store(1, seq_cst);
        b = z.load(seq_cst);
      });
      run.thread([&] {
        z.store(1, seq_cst);
        a = x.load(seq_cst);
      });
      run.join();
      check(b != 0 || a != 0, "a cycle");
    };
  };
  litmus("S after release and acquire", Weak::never, meet(release, acquire), Seq::any);
  litmus("S after seq_cst", Weak::never, meet(seq_cst, seq_cst), Seq::any);
  litmus("S after relaxed and acquire", Weak::found, meet(relaxed, acquire), Seq::any);
  litmus("S after release and relaxed", Weak::found, meet(release, relaxed), Seq::any);

  // RWC: x itself is what T2 reads. It happens before, but not strongly unless both are seq_cst (P0668).
  const auto read_to_write = [](std::memory_order load) {
    return [=](Run& run) {
      Int x{0}, z{0};
      int a = -1, b = -1;
      run.thread([&] { x.store(1, seq_cst); });
      run.thread([&] {
        if (x.load(load) == 1) b = z.load(seq_cst);
      });
      run.thread([&] {
        z.store(1, seq_cst);
        a = x.load(seq_cst);
      });
      run.join();
      check(b != 0 || a != 0, "a cycle");
    };
  };
  litmus("read to write causality, acquire", Weak::found, read_to_write(acquire), Seq::any);
  litmus("read to write causality, seq_cst", Weak::never, read_to_write(seq_cst), Seq::any);
}

TEST_CASE("store buffering and IRIW are excluded in every S", "[calibration]") {
  litmus("store buffering", Weak::never, store_buffering(seq_cst, seq_cst, seq_cst), Seq::any);
  const auto iriw = [](std::memory_order load) {
    return [=](Run& run) {
      Int x{0}, y{0};
      std::array<int, 4> seen{};
      run.thread([&] { x.store(1, seq_cst); });
      run.thread([&] { y.store(1, seq_cst); });
      run.thread([&] {
        seen[0] = x.load(load);
        seen[1] = y.load(seq_cst);
      });
      run.thread([&] {
        seen[2] = y.load(load);
        seen[3] = x.load(seq_cst);
      });
      run.join();
      check(!(seen[0] == 1 && seen[1] == 0 && seen[2] == 1 && seen[3] == 0), "x before y, and y before x");
    };
  };
  litmus("IRIW, the first loads acquire", Weak::found, iriw(acquire), Seq::any);
  litmus("IRIW", Weak::never, iriw(seq_cst), Seq::any);
}
