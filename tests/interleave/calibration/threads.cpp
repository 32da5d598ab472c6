// Calibration of what is not memory order: data races, locks, sleeping, schedules without end, and the search itself.

#include <cstdio>
#include <mutex>
#include <string>

#include "../interleave.hpp"
#include "catch.hpp"

namespace {

using interleave::check;
using interleave::checked;
using interleave::Condition;
using interleave::Mutex;
using interleave::Run;
using Int = interleave::Atomic<int>;

// What the explorer says of `body`, which must begin with `expected`; empty: nothing is wrong.
void expect(const std::string& name, const std::string& expected, const interleave::Body& body,
            const interleave::Options& options = {.deviations = 1000, .depth_first = 1'000'000}) {
  const interleave::Report report = interleave::search(options, body);
  std::printf("  %-58s %s after %llu schedules%s\n", name.c_str(),
              report.failed() ? ("found: " + report.failure).c_str() : "nothing found",
              static_cast<unsigned long long>(report.schedules()), report.is_exhausted ? ", exhausted" : "");
  INFO(name);
  CHECK(report.failure.substr(0, expected.size()) == expected);
  CHECK(report.failed() == !expected.empty());
}

// Sleeps until `raise()`. The wrong one looks before it takes the mutex.
struct Parker {
  const bool is_right;
  Mutex mutex;
  Condition wake;
  Int flag{0};

  void park() {
    if (!is_right && flag.load() == 1) return;
    std::unique_lock lock(mutex);
    if (is_right) return wake.wait(lock, [&] { return flag.load() == 1; });
    wake.wait(lock);
  }
  void raise() {
    flag.store(1);
    if (is_right) const std::lock_guard lock(mutex);
    wake.notify_one();
  }
};

interleave::Body parking(bool is_right) {
  return [=](Run& run) {
    Parker parker{is_right, {}, {}};
    run.thread([&] { parker.park(); });
    run.thread([&] { parker.raise(); });
    run.join();
  };
}

}  // namespace

TEST_CASE("a data race is found, and order makes none", "[calibration]") {
  expect("two writes", "data race", [](Run& run) {
    checked<int> data;
    run.thread([&] { data.set(1); });
    run.thread([&] { data.set(2); });
    run.join();
  });
  expect("a read and a write", "data race", [](Run& run) {
    checked<int> data;
    run.thread([&] { data.set(1); });
    run.thread([&] { (void)data.get(); });
    run.join();
  });
  expect("two reads, then a write by who joined them", "", [](Run& run) {
    checked<int> data;
    run.thread([&] { (void)data.get(); });
    run.thread([&] { (void)data.get(); });
    run.join();
    data.set(1);
  });
  expect("a write after the release does not count", "data race", [](Run& run) {
    checked<int> data;
    Int flag{0};
    run.thread([&] {
      flag.store(1, std::memory_order_release);
      data.set(1);
    });
    run.thread([&] {
      if (flag.load(std::memory_order_acquire) == 1) (void)data.get();
    });
    run.join();
  });
  expect("a mutex", "", [](Run& run) {
    checked<int> data;
    Mutex mutex;
    for (int i = 0; i < 3; ++i) {
      run.thread([&] {
        const std::lock_guard lock(mutex);
        data.set(data.get() + 1);
      });
    }
    run.join();
    check(data.get() == 3, "lost one");
  });
}

TEST_CASE("a lost wake-up is a deadlock, found at once", "[calibration]") {
  expect("a parker that looks before it locks", "deadlock", parking(false));
  expect("a parker that looks under its lock", "", parking(true));
  expect("two mutexes in two orders", "deadlock", [](Run& run) {
    Mutex a, b;
    run.thread([&] {
      const std::scoped_lock lock(a);
      const std::lock_guard other(b);
    });
    run.thread([&] {
      const std::scoped_lock lock(b);
      const std::lock_guard other(a);
    });
    run.join();
  });
  expect("one notify, two sleepers", "deadlock", [](Run& run) {
    Mutex mutex;
    Condition wake;
    bool is_set = false;
    for (int i = 0; i < 2; ++i) {
      run.thread([&] {
        std::unique_lock lock(mutex);
        wake.wait(lock, [&] { return is_set; });
      });
    }
    run.thread([&] {
      const std::lock_guard lock(mutex);
      is_set = true;
      wake.notify_one();
    });
    run.join();
  });
}

TEST_CASE("a timed wait may end by either", "[calibration]") {
  for (const std::cv_status status : {std::cv_status::timeout, std::cv_status::no_timeout}) {
    expect(status == std::cv_status::timeout ? "it times out" : "it is notified", "as wanted", [=](Run& run) {
      Mutex mutex;
      Condition wake;
      run.thread([&] {
        std::unique_lock lock(mutex);
        check(wake.wait_until(lock, std::chrono::steady_clock::time_point{}) != status, "as wanted");
      });
      run.thread([&] { wake.notify_all(); });
      run.join();
    });
  }
}

TEST_CASE("a schedule without end is found, and spinning on another thread is none", "[calibration]") {
  expect("waiting for what never comes", "livelock", [](Run& run) {
    Int flag{0};
    run.thread([&] {
      while (flag.load(std::memory_order_relaxed) == 0) {
      }
    });
    run.join();
  });
  expect("waiting for another thread", "",
         [](Run& run) {
           Int flag{0};
           run.thread([&] {
             while (flag.load(std::memory_order_relaxed) == 0) {
             }
           });
           run.thread([&] { flag.store(1, std::memory_order_relaxed); });
           run.join();
         },
         {.deviations = 2, .depth_first = 1'000, .random = 1'000});
}

TEST_CASE("a bug that takes four preemptions is found with four and not with three", "[calibration]") {
  const auto body = [](Run& run) {
    Int x{0};
    run.thread([&] {
      x.store(1);
      x.store(3);
      x.store(5);
    });
    run.thread([&] {
      const int a = x.load();
      const int b = x.load();
      const int c = x.load();
      check(!(a == 1 && b == 3 && c == 5), "all three");
    });
    run.join();
  };
  expect("with four", "all three", body, {.deviations = 4, .depth_first = 1'000'000, .random = 0});
  expect("with three", "", body, {.deviations = 3, .depth_first = 1'000'000, .random = 0});
}

TEST_CASE("a failure replays from its choices, a random one also from its seed", "[calibration]") {
  const auto body = parking(false);
  const interleave::Report deep = interleave::search({}, body);
  REQUIRE(deep.failed());
  CHECK(interleave::replay(interleave::to_choices(interleave::to_text(deep.choices)), body).failure == deep.failure);
  const interleave::Report first = interleave::search({.depth_first = 0, .random = 1'000}, body);
  REQUIRE(first.failed());
  const interleave::Report again = interleave::search({.depth_first = 0, .random = 1, .seed = first.seed}, body);
  CHECK(again.failure == first.failure);
  CHECK(again.choices == first.choices);
}
