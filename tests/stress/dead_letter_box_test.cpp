#include "windlass/dead_letter_box.hpp"

#include <algorithm>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <stdexcept>
#include <thread>
#include <utility>
#include <vector>

#include "catch.hpp"

using Box = windlass::DeadLetterBox<std::unique_ptr<int>>;
using Letter = windlass::DeadLetter<std::unique_ptr<int>>;

namespace {

bool put(Box& box, int n) {
  Letter letter;
  letter.payload.emplace(std::make_unique<int>(n));
  return box.accept(std::move(letter));
}

int value_of(const Letter& letter) { return **letter.payload; }

}  // namespace

TEST_CASE("a letter is not refused for a place that one thread gives back while another is free", "[dead][stress]") {
  Box box(2);
  std::atomic<bool> is_over{false};
  std::thread purger([&] {
    while (!is_over) box.purge();
  });
  int refused = 0;
  for (int n = 0; n < 300'000; ++n) refused += put(box, n) ? 0 : 1;
  is_over = true;
  purger.join();
  CHECK(refused == 0);
}

TEST_CASE("threads that fill, take from, look into and purge one box account for every letter", "[dead][stress]") {
  constexpr int producers = 2;
  constexpr int each = 50'000;
  Box box(4);
  std::vector<std::atomic<int>> times_taken(producers * each);
  std::atomic<int> accepted{0}, taken{0}, purged{0}, running{producers};
  std::atomic<bool> out_of_order{false};
  std::vector<std::thread> threads;
  for (int p = 0; p < producers; ++p) {
    threads.emplace_back([&, p] {
      for (int i = 0; i < each; ++i) accepted += put(box, p * each + i) ? 1 : 0;
      --running;
    });
  }
  for (const bool is_purger : {false, true}) {
    threads.emplace_back([&, is_purger] {
      while (running > 0) {
        if (is_purger && box.size() > 2) purged += static_cast<int>(box.purge());
        if (!is_purger)
          box.inspect(3, [&](const Letter& letter) { out_of_order = out_of_order || value_of(letter) < 0; });
        std::vector<int> last(producers, -1);
        taken += static_cast<int>(box.take(3, [&](const Letter& letter) {
          const int value = value_of(letter);
          ++times_taken.at(static_cast<std::size_t>(value));
          int& before = last.at(static_cast<std::size_t>(value / each));
          if (before >= value) out_of_order = true;
          before = value;
        }));
      }
    });
  }
  for (auto& thread : threads) thread.join();
  const auto left = static_cast<int>(box.size());
  CHECK(accepted == producers * each);  // three others never have four places in their hands
  CHECK(accepted == taken + purged + left + static_cast<int>(box.evicted()));
  CHECK(static_cast<int>(box.purge()) == left);
  CHECK(std::none_of(times_taken.begin(), times_taken.end(), [](const auto& times) { return times > 1; }));
  CHECK_FALSE(out_of_order);
}

namespace {

// Refuses to move now and then, and is counted.
struct Fickle {
  static inline std::atomic<int> live{0};
  static inline std::atomic<unsigned> moves{0};

  int value;

  explicit Fickle(int v) : value(v) { ++live; }
  Fickle(Fickle&& other) : value(other.value) {  // NOLINT: throws on purpose
    if (++moves % 7 == 0) {
      std::this_thread::yield();  // others may meet what is in this thread's hands
      throw std::runtime_error("will not move");
    }
    ++live;
  }
  Fickle& operator=(Fickle&&) = delete;
  ~Fickle() { --live; }
};

// Calls `act` until it does not throw, and returns what it returns.
template <class Act>
auto insist(Act act) {
  for (;;) {
    try {
      return act();
    } catch (const std::runtime_error&) {
    }
  }
}

}  // namespace

TEST_CASE("held letters are completed once while threads evict, take, look and purge", "[dead][stress]") {
  constexpr int producers = 2;
  constexpr int each = 20'001;  // a multiple of three
  {
    windlass::DeadLetterBox<Fickle> box(3);
    std::atomic<int> running{producers}, accepted{0}, gone{0};
    std::vector<std::atomic<int>> times_taken(producers * each);
    std::atomic<bool> was_held{false};
    std::vector<std::thread> threads;
    for (int p = 0; p < producers; ++p) {
      threads.emplace_back([&, p] {
        bool owes_payload = false;
        for (int n = p * each; n < (p + 1) * each; ++n) {
          windlass::DeadLetter<Fickle> letter;
          letter.id = {static_cast<std::uint64_t>(n) + 1, 0, 1};
          letter.is_held = n % 3 == 0;
          if (!letter.is_held) letter.payload.emplace(n);
          const bool is_in = insist([&] { return box.accept(std::move(letter)); });
          accepted += is_in ? 1 : 0;
          if (n % 3 == 0) owes_payload = is_in;
          if (n % 3 != 2 || !owes_payload) continue;
          windlass::DeadLetter<Fickle> rest;  // two letters later, when its own is the oldest
          rest.id = {static_cast<std::uint64_t>(n) - 1, 0, 1};
          rest.payload.emplace(n - 2);
          rest.is_completion = true;
          while (!insist([&] { return box.accept(std::move(rest)); })) std::this_thread::yield();
        }
        --running;
      });
    }
    threads.emplace_back([&] {
      for (int i = 0; running > 0; ++i) {
        box.inspect(2, [](const auto&) { std::this_thread::yield(); });
        if (i % 8 == 0) gone += static_cast<int>(box.purge());
        try {
          box.take(2, [&](const windlass::DeadLetter<Fickle>& letter) {
            ++gone;
            if (letter.is_held || !letter.payload) was_held = true;
            if (letter.payload) ++times_taken.at(static_cast<std::size_t>(letter.payload->value));
          });
        } catch (const std::runtime_error&) {
        }
      }
    });
    for (auto& thread : threads) thread.join();
    box.inspect(9, [&](const auto& letter) { was_held = was_held || letter.is_held; });  // all were completed
    CHECK(accepted == gone + static_cast<int>(box.size()) + static_cast<int>(box.evicted()));
    CHECK(std::none_of(times_taken.begin(), times_taken.end(), [](const auto& times) { return times > 1; }));
    CHECK_FALSE(was_held);
  }
  CHECK(Fickle::live == 0);
}
