#include "windlass/function.hpp"

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <stdexcept>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

#include "catch.hpp"

using windlass::Function;

namespace {

// Counts the objects that are alive and where each was moved; `Size` decides whether it is kept in place.
template <std::size_t Size, bool IsNoexcept = true>
struct Counted {
  static inline int live = 0;
  static inline int moves = 0;

  std::array<unsigned char, Size> bytes{};

  explicit Counted(unsigned char mark) {
    bytes.fill(mark);
    ++live;
  }
  Counted(Counted&& other) noexcept(IsNoexcept) : bytes(other.bytes) {
    other.bytes.fill(0);
    ++live;
    ++moves;
  }
  ~Counted() { --live; }

  int operator()(int add) { return bytes.front() + bytes.back() + add; }
};

using Small = Counted<48>;
using Large = Counted<49>;
using Refusing = Counted<8, false>;  // a move may throw, so relocating must not move it

bool lies_within(const void* inner, const void* outer, std::size_t size) {
  const auto at = reinterpret_cast<std::uintptr_t>(inner);
  const auto from = reinterpret_cast<std::uintptr_t>(outer);
  return at >= from && at < from + size;
}

}  // namespace

TEMPLATE_TEST_CASE("a function object is alive once, from the making of its Function to the end", "[function]", Small,
                   Large, Refusing) {
  TestType::live = TestType::moves = 0;
  {
    Function<int(int)> first = TestType{10};
    CHECK(TestType::live == 1);
    CHECK(first(1) == 21);
    Function<int(int)> second = std::move(first);
    CHECK_FALSE(first);  // NOLINT: empty by contract
    CHECK(second(2) == 22);
    CHECK(TestType::live == 1);

    Function<int(int)> third = TestType{20};
    CHECK(TestType::live == 2);
    third = std::move(second);
    CHECK(TestType::live == 1);
    CHECK_FALSE(second);  // NOLINT: empty by contract
    CHECK(third(3) == 23);

    Function<int(int)>& same = third;
    third = std::move(same);
    CHECK(third(4) == 24);
    third = nullptr;
    CHECK_FALSE(third);
    CHECK(TestType::live == 0);
    third = TestType{1};
    CHECK(TestType::live == 1);
  }
  CHECK(TestType::live == 0);
}

TEST_CASE("up to 48 bytes are kept in place and moved along, while more, or a throwing move, stay on the heap",
          "[function]") {
  Small::moves = Large::moves = Refusing::moves = 0;
  Function<int(int)> small = Small{1};
  Function<int(int)> large = Large{1};
  Function<int(int)> refusing = Refusing{1};
  const int made[] = {Small::moves, Large::moves, Refusing::moves};
  auto moved = std::array{std::move(small), std::move(large), std::move(refusing)};
  CHECK(Small::moves == made[0] + 1);
  CHECK(Large::moves == made[1]);
  CHECK(Refusing::moves == made[2]);
  for (auto& function : moved) CHECK(function(0) == 2);

  struct alignas(32) Wide {
    std::uintptr_t operator()() const {
      const void* volatile address = this;  // volatile, or the compiler would know the answer
      return reinterpret_cast<std::uintptr_t>(address) % 32;
    }
  };
  struct Shifted {
    alignas(16) std::array<std::byte, 16> shift{};  // every second one is off by 16
    Function<std::uintptr_t()> function = Wide{};
  };
  const std::array<Shifted, 4> places{};
  for (const Shifted& place : places) CHECK(place.function() == 0);
  struct Here {
    const void* operator()() const { return this; }
  };
  const Function<const void*()> here = Here{};
  CHECK(lies_within(here(), &here, sizeof here));
}

TEST_CASE("captures and arguments may be move-only, references stay references", "[function]") {
  auto adder = [own = std::make_unique<int>(40)](std::unique_ptr<int> given, int& out) {
    out = *own + *given;
    return given;
  };
  Function<std::unique_ptr<int>(std::unique_ptr<int>, int&)> add = std::move(adder);
  int out = 0;
  auto back = add(std::make_unique<int>(2), out);
  CHECK(out == 42);
  CHECK(*back == 2);
  int value = 1;
  Function<int&(int&)> same = [](int& x) -> int& { return x; };
  CHECK(&same(value) == &value);
  Function<std::string(std::string &&)> take = [](std::string&& text) { return std::move(text); };
  std::string text = "a text that is too long to be kept in place";
  const char* const where = text.data();
  CHECK(take(std::move(text)).data() == where);
}

TEST_CASE("a const Function calls its object as non-const, and a void one drops the answer", "[function]") {
  const Function<int()> count = [n = 0]() mutable { return ++n; };
  CHECK(count() == 1);
  CHECK(count() == 2);
  int calls = 0;
  const Function<void()> dropped = [&] { return ++calls; };
  dropped();
  CHECK(calls == 1);
}

TEST_CASE("what a function object throws, called or copied in, comes out and leaves no object behind", "[function]") {
  const Function<void()> throwing = [] { throw std::runtime_error("called"); };
  CHECK_THROWS_AS(throwing(), std::runtime_error);
  struct Uncopyable {
    std::shared_ptr<int> guard = std::make_shared<int>(0);
    std::array<char, 100> large{};

    Uncopyable() = default;
    Uncopyable(const Uncopyable& other) : guard(other.guard) { throw std::runtime_error("copied"); }
    void operator()() const {}
  };
  const Uncopyable original;
  CHECK_THROWS_AS(Function<void()>(original), std::runtime_error);
  CHECK(original.guard.use_count() == 1);
}

TEST_CASE("a Function may be replaced by one that its own object owns", "[function]") {
  struct Chain {
    Function<int()> next;
    int operator()() const { return 1; }
  };
  struct Holder {
    std::unique_ptr<Chain> chain;
    int operator()() const { return (*chain)(); }
  };
  auto chain = std::make_unique<Chain>();
  chain->next = [own = std::vector<int>(3, 14)] { return own.back() * 3; };
  Chain* const inner = chain.get();
  Function<int()> function = Holder{std::move(chain)};
  CHECK(function() == 1);
  function = std::move(inner->next);
  REQUIRE(function);
  CHECK(function() == 42);
}

TEST_CASE("the destructor of a replaced object finds its Function empty, and runs once", "[function]") {
  struct Looker {
    Function<int()>* function;
    int* found_empty;

    Looker(Function<int()>* f, int* count) : function(f), found_empty(count) {}
    Looker(Looker&& other) noexcept
        : function(std::exchange(other.function, nullptr)), found_empty(other.found_empty) {}
    ~Looker() {
      if (function != nullptr) *found_empty += *function ? 100 : 1;
    }
    int operator()() const { return 1; }
  };
  Function<int()> function;
  int found_empty = 0;
  function = Looker{&function, &found_empty};
  function = [] { return 2; };
  CHECK(found_empty == 1);
  CHECK(function() == 2);
  function = Looker{&function, &found_empty};
  function = nullptr;
  CHECK(found_empty == 2);
}

TEST_CASE("a Function is move-only and takes only what it can call", "[function]") {
  CHECK_FALSE(std::is_copy_constructible_v<Function<void()>>);
  CHECK_FALSE(std::is_constructible_v<Function<void()>, Function<void()>&>);
  CHECK_FALSE(std::is_copy_assignable_v<Function<void()>>);
  CHECK(std::is_nothrow_move_constructible_v<Function<void()>>);
  CHECK(std::is_nothrow_move_assignable_v<Function<void()>>);
  CHECK_FALSE(std::is_constructible_v<Function<void()>, int>);
  CHECK_FALSE(std::is_constructible_v<Function<std::string()>, int (*)()>);
  CHECK(std::is_constructible_v<Function<long(short)>, int (*)(int)>);
  CHECK_FALSE(Function<void()>{});
  CHECK_FALSE(Function<void()>{nullptr});
}
