#include "windlass/dead_letter_box.hpp"

#include <algorithm>
#include <atomic>
#include <cstddef>
#include <memory>
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
