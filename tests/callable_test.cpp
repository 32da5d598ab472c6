#include "windlass/callable.hpp"

#include <array>
#include <cstddef>
#include <memory>
#include <type_traits>
#include <utility>

#include "catch.hpp"

namespace {

using windlass::Callable;
using windlass::Delivery;
using windlass::Outcome;

// A reference to hand through; nothing here looks behind it.
Delivery& some_delivery() {
  alignas(std::max_align_t) static std::array<std::byte, 64> nothing{};
  return *static_cast<Delivery*>(static_cast<void*>(nothing.data()));
}

// Counts its live instances in a counter of the test's.
class Counted {
 public:
  explicit Counted(int& alive) : alive_(&alive) { ++*alive_; }
  Counted(Counted&& other) noexcept : alive_(other.alive_) { ++*alive_; }
  Counted(const Counted& other) noexcept : alive_(other.alive_) { ++*alive_; }
  Counted& operator=(const Counted&) = delete;
  ~Counted() { --*alive_; }

  void operator()() const {}

 private:
  int* alive_;
};

template <std::size_t Size>
struct Sized {
  std::array<unsigned char, Size> bytes{};
  void operator()() const {}
};

}  // namespace

static_assert(!std::is_copy_constructible_v<Callable<>> && !std::is_copy_assignable_v<Callable<>>);
static_assert(std::is_nothrow_move_constructible_v<Callable<>> && std::is_nothrow_move_assignable_v<Callable<>>);
static_assert(sizeof(Callable<48>) == 64);

TEST_CASE("a callable that was given nothing is empty", "[callable]") {
  Callable<> empty;
  CHECK_FALSE(empty);
  CHECK_FALSE(empty.is_concurrent());
}

TEST_CASE("a callable runs its function once per call and keeps the function's state", "[callable]") {
  int seen = 0;
  Callable<> callable = [&seen, next = 10]() mutable { seen = next++; };
  REQUIRE(callable);
  static_cast<void>(callable(some_delivery()));
  CHECK(seen == 10);
  static_cast<void>(callable(some_delivery()));
  CHECK(seen == 11);
}

TEST_CASE("a function that takes the delivery gets the very one the callable was called with", "[callable]") {
  Delivery* seen = nullptr;
  Callable<> callable = [&seen](Delivery& delivery) { seen = &delivery; };
  static_cast<void>(callable(some_delivery()));
  CHECK(seen == &some_delivery());
}

TEST_CASE("a function that takes a delivery or nothing is called with the delivery", "[callable]") {
  struct Both {
    int* with;
    int* without;
    void operator()(Delivery&) const { ++*with; }
    void operator()() const { ++*without; }
  };
  int with = 0;
  int without = 0;
  Callable<> callable = Both{&with, &without};
  static_cast<void>(callable(some_delivery()));
  CHECK(with == 1);
  CHECK(without == 0);
}

TEST_CASE("a function that returns an outcome, with or without a delivery, is accepted and run", "[callable]") {
  int runs = 0;
  Callable<> plain = [&runs] {
    ++runs;
    return Outcome::done();
  };
  Callable<> delivered = [&runs](Delivery&) {
    ++runs;
    return Outcome::done();
  };
  static_cast<void>(plain(some_delivery()));
  static_cast<void>(delivered(some_delivery()));
  CHECK(runs == 2);
}

TEST_CASE("a callable holds a move-only function and a plain function pointer", "[callable]") {
  int seen = 0;
  Callable<> move_only = [&seen, owned = std::make_unique<int>(7)] { seen = *owned; };
  Callable<> moved = std::move(move_only);
  static_cast<void>(moved(some_delivery()));
  CHECK(seen == 7);

  static int calls = 0;
  calls = 0;
  Callable<> pointer = +[] { ++calls; };
  static_cast<void>(pointer(some_delivery()));
  CHECK(calls == 1);
}

TEST_CASE("a moved-from callable is empty and the function lives exactly once", "[callable]") {
  int alive = 0;
  {
    Callable<> from = Counted{alive};
    CHECK(alive == 1);
    Callable<> to = std::move(from);
    CHECK_FALSE(from);  // NOLINT(bugprone-use-after-move): that is the promise under test
    CHECK(to);
    CHECK(alive == 1);
  }
  CHECK(alive == 0);
}

TEST_CASE("assigning to a callable destroys what it held", "[callable]") {
  int old_alive = 0;
  int new_alive = 0;
  Callable<> callable = Counted{old_alive};
  callable = Counted{new_alive};
  CHECK(old_alive == 0);
  CHECK(new_alive == 1);
  callable = Callable<>{};
  CHECK(new_alive == 0);
  CHECK_FALSE(callable);
}

TEST_CASE("assigning a callable to itself changes nothing", "[callable]") {
  int alive = 0;
  Callable<> callable = Counted{alive};
  Callable<>& same = callable;
  callable = std::move(same);
  CHECK(callable);
  CHECK(alive == 1);
}

TEST_CASE("resetting a callable destroys the function, and doing so twice does no harm", "[callable]") {
  int alive = 0;
  Callable<> callable = Counted{alive};
  callable.reset();
  CHECK(alive == 0);
  CHECK_FALSE(callable);
  callable.reset();
  CHECK(alive == 0);
}

TEST_CASE("a function as large as the buffer fits, and keeps its bytes when moved", "[callable]") {
  Callable<16> exact = Sized<16>{};
  CHECK(exact);

  std::array<long, 5> numbers{1, 2, 3, 4, 5};
  std::array<long, 5> seen{};
  Callable<48> from = [numbers, &seen] { seen = numbers; };
  Callable<48> to = std::move(from);
  static_cast<void>(to(some_delivery()));
  CHECK(seen == numbers);
}

TEST_CASE("only a function marked as concurrent makes its callable concurrent, also after a move", "[callable]") {
  int runs = 0;
  Callable<> unmarked = [&runs] { ++runs; };
  CHECK_FALSE(unmarked.is_concurrent());

  Callable<> marked = windlass::concurrent([&runs] { ++runs; });
  CHECK(marked.is_concurrent());
  static_cast<void>(marked(some_delivery()));
  CHECK(runs == 1);

  Callable<> moved = std::move(marked);
  CHECK(moved.is_concurrent());
  CHECK_FALSE(marked.is_concurrent());  // NOLINT(bugprone-use-after-move): a moved-from callable is empty
}

TEST_CASE("a concurrent function may take the delivery", "[callable]") {
  Delivery* seen = nullptr;
  Callable<> callable = windlass::concurrent([&seen](Delivery& delivery) { seen = &delivery; });
  static_cast<void>(callable(some_delivery()));
  CHECK(seen == &some_delivery());
}
