// Calibration of what holds for one location, whatever the order: coherence, read-modify-writes, release sequences.

#include <optional>

#include "litmus.hpp"

using namespace interleave;

TEST_CASE("one location is coherent, however relaxed", "[calibration]") {
  litmus("CoRR: two reads never go back", Weak::never, [](Run& run) {
    Int x{0};
    run.thread([&] {
      x.store(1, relaxed);
      x.store(2, relaxed);
    });
    run.thread([&] {
      const int first = x.load(relaxed);
      check(x.load(relaxed) >= first, "went back");
    });
    run.join();
  });
  litmus("CoRR: two readers see one order", Weak::never, [](Run& run) {
    Int x{0};
    int a = 0, b = 0, c = 0, d = 0;
    run.thread([&] { x.store(1, relaxed); });
    run.thread([&] { x.store(2, relaxed); });
    run.thread([&] {
      a = x.load(relaxed);
      b = x.load(relaxed);
    });
    run.thread([&] {
      c = x.load(relaxed);
      d = x.load(relaxed);
    });
    run.join();
    check(!(a == 1 && b == 2 && c == 2 && d == 1) && !(a == 2 && b == 1 && c == 1 && d == 2), "two orders");
  });
  litmus("CoWW: of two writes of one thread the second stays", Weak::never, [](Run& run) {
    Int x{0};
    run.thread([&] {
      x.store(1, relaxed);
      x.store(2, relaxed);
    });
    run.join();
    check(x.load(relaxed) == 2, "the first stayed");
  });
  litmus("CoWR: a thread reads its own write or a later one", Weak::never, [](Run& run) {
    Int x{0};
    run.thread([&] {
      x.store(1, relaxed);
      check(x.load(relaxed) != 0, "read an older one");
    });
    run.thread([&] { x.store(2, relaxed); });
    run.join();
  });
  litmus("CoRW: what was read comes before what is written then", Weak::never, [](Run& run) {
    Int x{0};
    int seen = 0;
    run.thread([&] {
      seen = x.load(relaxed);
      x.store(2, relaxed);
    });
    run.thread([&] { x.store(1, relaxed); });
    run.join();
    check(!(seen == 1 && x.load(relaxed) == 1), "written before what was read");
  });
  litmus("a relaxed read-modify-write loses nothing", Weak::never, [](Run& run) {
    Int x{0};
    for (int i = 0; i < 3; ++i) {
      run.thread([&] {
        x.fetch_add(1, relaxed);
        x.fetch_add(1, relaxed);
      });
    }
    run.join();
    check(x.load(relaxed) == 6, "lost one");
  });
  litmus("a stale read is found", Weak::found, [](Run& run) {
    Int x{0}, y{0};
    run.thread([&] {
      x.store(1, relaxed);
      y.store(1, relaxed);
    });
    run.thread([&] {
      if (y.load(relaxed) == 1) check(x.load(relaxed) == 1, "stale");
    });
    run.join();
  });
}

TEST_CASE("a read-modify-write continues the release sequence, a store does not", "[calibration]") {
  const auto chain = [](std::memory_order head, std::memory_order middle) {
    return [=](Run& run) {
      checked<int> data;
      Int x{0};
      run.thread([&] {
        data.set(1);
        x.store(1, head);
      });
      run.thread([&] { x.fetch_add(1, middle); });
      run.thread([&] {
        if (x.load(acquire) == 2) check(data.get() == 1, "stale");
      });
      run.join();
    };
  };
  litmus("release sequence through a relaxed fetch_add", Weak::never, chain(release, relaxed));
  litmus("release fetch_add behind a relaxed store", Weak::found, chain(relaxed, release));
  litmus("a relaxed store of the same thread ends the sequence", Weak::found, [](Run& run) {
    checked<int> data;
    Int x{0};
    run.thread([&] {
      data.set(1);
      x.store(1, release);
      x.store(2, relaxed);
    });
    run.thread([&] {
      if (x.load(acquire) == 2) check(data.get() == 1, "stale");
    });
    run.join();
  });
  litmus("a release CAS keeps what the replaced store told", Weak::never, [](Run& run) {
    checked<int> data;
    Int x{0};
    run.thread([&] {
      data.set(1);
      x.store(1, release);
    });
    run.thread([&] {
      int seen = 1;
      (void)x.compare_exchange_strong(seen, 2, release, relaxed);
    });
    run.thread([&] {
      if (x.load(acquire) == 2) check(data.get() == 1, "stale");
    });
    run.join();
  });
}

TEST_CASE("a failed compare-exchange is a load: it may be outdated, and it synchronizes by its own order",
          "[calibration]") {
  const auto cas = [](std::memory_order failure) {
    return [=](Run& run) {
      checked<int> data;
      Int x{0};
      run.thread([&] {
        data.set(1);
        x.store(1, release);
      });
      run.thread([&] {
        int seen = 7;
        (void)x.compare_exchange_strong(seen, 8, acq_rel, failure);
        if (seen == 1) check(data.get() == 1, "stale");
      });
      run.join();
    };
  };
  litmus("failure relaxed", Weak::found, cas(relaxed));
  litmus("failure acquire", Weak::never, cas(acquire));
  litmus("failure reads an outdated store", Weak::found, [](Run& run) {
    Int x{0}, y{0};
    run.thread([&] {
      x.store(1, relaxed);
      y.store(1, relaxed);
    });
    run.thread([&] {
      int seen = 7;
      if (y.load(relaxed) == 1 && !x.compare_exchange_strong(seen, 8, relaxed)) check(seen == 1, "outdated");
    });
    run.join();
  });
}

TEST_CASE("an atomic is made by a plain write", "[calibration]") {
  const auto hand_over = [](std::memory_order store, std::memory_order load) {
    return [=](Run& run) {
      std::optional<Int> late;
      Int flag{0};
      run.thread([&] {
        late.emplace(1);
        flag.store(1, store);
      });
      run.thread([&] {
        if (flag.load(load) == 1) (void)late->load(relaxed);
      });
      run.join();
    };
  };
  litmus("an atomic handed over, relaxed", Weak::found, hand_over(relaxed, relaxed));
  litmus("an atomic handed over, release and acquire", Weak::never, hand_over(release, acquire));
}

TEST_CASE("limits: what C++ allows and this model never produces", "[calibration]") {
  litmus("load buffering, relaxed (C++ allows it)", Weak::never, [](Run& run) {
    Int x{0}, y{0};
    int a = 0, b = 0;
    run.thread([&] {
      a = x.load(relaxed);
      y.store(1, relaxed);
    });
    run.thread([&] {
      b = y.load(relaxed);
      x.store(1, relaxed);
    });
    run.join();
    check(!(a == 1 && b == 1), "out of the future");
  });
  litmus("2+2W, relaxed (C++ allows it)", Weak::never, [](Run& run) {
    Int x{0}, y{0};
    run.thread([&] {
      x.store(1, relaxed);
      y.store(2, relaxed);
    });
    run.thread([&] {
      y.store(1, relaxed);
      x.store(2, relaxed);
    });
    run.join();
    check(!(x.load(relaxed) == 1 && y.load(relaxed) == 1), "both second writes came first");
  });
}
