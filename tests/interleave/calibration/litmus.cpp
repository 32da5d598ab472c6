// Is the model what it says it is? Known small programs, each with what C++ says of it. The explorer must find every
// outcome that is expected to be found, and must not produce any that is excluded.

#include "litmus.hpp"

using namespace interleave;

TEST_CASE("message passing needs release and acquire", "[calibration]") {
  const auto pass = [](std::memory_order store, std::memory_order load) {
    return [=](Run& run) {
      checked<int> data;
      Int flag{0};
      run.thread([&] {
        data.set(1);
        flag.store(1, store);
      });
      run.thread([&] {
        if (flag.load(load) == 1) check(data.get() == 1, "stale");
      });
      run.join();
    };
  };
  litmus("message passing, relaxed", Weak::found, pass(relaxed, relaxed));
  litmus("message passing, release and relaxed", Weak::found, pass(release, relaxed));
  litmus("message passing, relaxed and acquire", Weak::found, pass(relaxed, acquire));
  litmus("message passing, release and acquire", Weak::never, pass(release, acquire));
  litmus("message passing, seq_cst", Weak::never, pass(seq_cst, seq_cst));
  const auto through_atomic = [](std::memory_order store, std::memory_order load) {
    return [=](Run& run) {
      Int data{0}, flag{0};
      run.thread([&] {
        data.store(1, relaxed);
        flag.store(1, store);
      });
      run.thread([&] {
        if (flag.load(load) == 1) check(data.load(relaxed) == 1, "stale");
      });
      run.join();
    };
  };
  litmus("message passing of an atomic, relaxed", Weak::found, through_atomic(relaxed, relaxed));
  litmus("message passing of an atomic, release and acquire", Weak::never, through_atomic(release, acquire));
}

TEST_CASE("store buffering is excluded by seq_cst only", "[calibration]") {
  litmus("store buffering, relaxed", Weak::found, store_buffering(relaxed, relaxed, relaxed));
  litmus("store buffering, release and acquire", Weak::found, store_buffering(release, release, acquire));
  litmus("store buffering, seq_cst stores, acquire loads", Weak::found, store_buffering(seq_cst, seq_cst, acquire));
  litmus("store buffering, one store release, the rest seq_cst", Weak::found,
         store_buffering(release, seq_cst, seq_cst));
  litmus("store buffering, seq_cst", Weak::never, store_buffering(seq_cst, seq_cst, seq_cst));
  const auto by_add = [](std::memory_order add, std::memory_order load) {
    return [=](Run& run) {
      Int x{0}, y{0};
      int a = -1, b = -1;
      run.thread([&] {
        x.fetch_add(1, add);
        a = y.load(load);
      });
      run.thread([&] {
        y.fetch_add(1, add);
        b = x.load(load);
      });
      run.join();
      check(a == 1 || b == 1, "both old");
    };
  };
  litmus("store buffering by fetch_add, acq_rel", Weak::found, by_add(acq_rel, acquire));
  litmus("store buffering by fetch_add, seq_cst", Weak::never, by_add(seq_cst, seq_cst));
  // [atomics.order]: an unrelated seq_cst operation in between is no fence.
  litmus("store buffering, relaxed store before a seq_cst one", Weak::found, [](Run& run) {
    Int x{0}, y{0}, between{0};
    int a = -1, b = -1;
    run.thread([&] {
      x.store(1, relaxed);
      between.store(1, seq_cst);
      a = y.load(seq_cst);
    });
    run.thread([&] {
      y.store(1, seq_cst);
      b = x.load(seq_cst);
    });
    run.join();
    check(a == 1 || b == 1, "both old");
  });
}

TEST_CASE("independent readers agree on the order of writes under seq_cst only", "[calibration]") {
  const auto iriw = [](std::memory_order store, std::memory_order load) {
    return [=](Run& run) {
      Int x{0}, y{0};
      int a = 0, b = 0, c = 0, d = 0;
      run.thread([&] { x.store(1, store); });
      run.thread([&] { y.store(1, store); });
      run.thread([&] {
        a = x.load(load);
        b = y.load(load);
      });
      run.thread([&] {
        c = y.load(load);
        d = x.load(load);
      });
      run.join();
      check(!(a == 1 && b == 0 && c == 1 && d == 0), "two orders");
    };
  };
  litmus("IRIW, relaxed", Weak::found, iriw(relaxed, relaxed));
  litmus("IRIW, release and acquire", Weak::found, iriw(release, acquire));
  litmus("IRIW, seq_cst stores, acquire loads", Weak::found, iriw(seq_cst, acquire));
  litmus("IRIW, seq_cst", Weak::never, iriw(seq_cst, seq_cst));
}

TEST_CASE("causality is transitive under release and acquire", "[calibration]") {
  const auto wrc = [](std::memory_order store, std::memory_order load) {
    return [=](Run& run) {
      Int x{0}, y{0};
      run.thread([&] { x.store(1, store); });
      run.thread([&] {
        if (x.load(load) == 1) y.store(1, store);
      });
      run.thread([&] {
        if (y.load(load) == 1) check(x.load(relaxed) == 1, "effect without cause");
      });
      run.join();
    };
  };
  litmus("write-to-read causality, relaxed", Weak::found, wrc(relaxed, relaxed));
  litmus("write-to-read causality, release and acquire", Weak::never, wrc(release, acquire));
}
