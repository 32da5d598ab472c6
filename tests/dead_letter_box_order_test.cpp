#include <cstddef>
#include <cstdint>
#include <deque>
#include <random>
#include <type_traits>
#include <utility>

#include "catch.hpp"
#include "letters.hpp"
#include "windlass/dead_letter_box.hpp"

using windlass::DeadLetter;
using namespace letters;

namespace {

// What a dead letter box should do, on a deque. Letters are numbered as they come.
class Model {
 public:
  explicit Model(std::size_t capacity) : capacity_(capacity) {}

  int evicted = 0;

  void put(int n, bool is_held) {
    if (letters_.size() == capacity_) {
      letters_.pop_front();
      ++evicted;
    }
    letters_.push_back({n, is_held});
  }

  void complete(int n) {
    for (Entry& e : letters_) e.is_held = e.is_held && e.n != n;
  }

  // The oldest whole letter after `after`, up to `last`, or -1.
  int take(int after, int last) {
    for (auto e = letters_.begin(); e != letters_.end(); ++e) {
      if (e->is_held || e->n <= after || e->n > last) continue;
      const int n = e->n;
      letters_.erase(e);
      return n;
    }
    return -1;
  }

  std::size_t purge() { return std::exchange(letters_, {}).size(); }

  [[nodiscard]] Values look() const {
    Values seen;
    for (const Entry& e : letters_) seen.push_back(e.is_held ? -1 : e.n);
    return seen;
  }

 private:
  struct Entry {
    int n;
    bool is_held;
  };
  std::size_t capacity_;
  std::deque<Entry> letters_;
};

// Does the same at random to a box and its model, and compares all they say.
template <class Held>
struct Pair {
  windlass::DeadLetterBox<Held> box;
  Model model;
  std::mt19937 random;
  int next = 0;

  Pair(std::size_t capacity, unsigned seed) : box(capacity), model(capacity), random(seed) {}

  int below(int limit) { return static_cast<int>(random() % static_cast<unsigned>(limit)); }

  void add() {
    const bool is_held = below(3) == 0;
    CHECK((is_held ? put_held(box, next) : put(box, next)));
    model.put(next++, is_held);
  }

  void complete_one() {
    const int n = next - 1 - below(12);
    if (n < 0) return;
    CHECK(complete(box, n, n));
    model.complete(n);
  }

  void fail_to_add() {
    if constexpr (std::is_same_v<Held, Payload>) {
      DeadLetter<Payload> letter;
      letter.payload.emplace(next);
      Payload::moves_throw = true;
      CHECK_THROWS(box.accept(std::move(letter)));
      Payload::moves_throw = false;
    }
  }

  void take(int limit, int depth) {
    const int last = next - 1;
    int after = -1;
    box.take(static_cast<std::size_t>(limit), [&](DeadLetter<Held>&& letter) {
      after = model.take(after, last);
      --limit;
      CHECK(letter.payload->value == after);
      if (depth < 2 && below(2) == 0) step(depth + 1);
    });
    CHECK((limit == 0 || model.take(after, last) == -1));
  }

  void look_at(int limit) {
    Values expected = model.look();
    if (expected.size() > static_cast<std::size_t>(limit)) expected.resize(static_cast<std::size_t>(limit));
    CHECK(letters::look(box, static_cast<std::size_t>(limit)) == expected);
  }

  void step(int depth) {
    const int what = below(32);
    if (what < 14) return add();
    if (what < 20) return complete_one();
    if (what < 23) return fail_to_add();
    if (what < 28) return take(below(4), depth);
    if (what < 31) return look_at(below(8));
    CHECK(box.purge() == model.purge());
  }
};

}  // namespace

TEMPLATE_TEST_CASE("letters that come, go, are completed and evicted at random keep their order, as in a deque",
                   "[dead]", Payload, Calm) {
  const unsigned seed = std::random_device{}();
  for (unsigned round = 0; round < 200; ++round) {
    Pair<TestType> pair(1 + round % 9, seed + round);
    for (int i = 0; i < 100; ++i) {
      INFO("seed " << seed << ", round " << round << ", step " << i);
      pair.step(0);
      CHECK(look(pair.box) == pair.model.look());
      CHECK(pair.box.size() == pair.model.look().size());
      CHECK(pair.box.evicted() == static_cast<std::uint64_t>(pair.model.evicted));
    }
  }
  CHECK(Payload::live == 0);
}
