#include "windlass/detail/machines/replaceable.hpp"

#include <memory>
#include <stdexcept>
#include <string>
#include <utility>

#include "catch.hpp"

using windlass::detail::Replaceable;

namespace {

// Has no move, only a copy, which may throw.
struct Stubborn {
  std::shared_ptr<int> value;
  bool stays = false;

  explicit Stubborn(int v) : value(std::make_shared<int>(v)) {}
  Stubborn(const Stubborn& other) : value(other.value) {
    if (other.stays) throw std::runtime_error("stays");
  }
  Stubborn& operator=(const Stubborn&) = delete;
  ~Stubborn() = default;
};

}  // namespace

TEST_CASE("a value that cannot be moved in leaves the one before where it is", "[replaceable]") {
  Replaceable<Stubborn> place;
  Stubborn refused(0);
  refused.stays = true;
  CHECK_THROWS(place.put(std::move(refused)));
  for (int n = 1; n < 4; ++n) {
    place.put(Stubborn(n));
    CHECK(*place->value == n);
    CHECK_THROWS(place.put(std::move(refused)));
    CHECK(*place->value == n);
  }
}

TEST_CASE("a value that was replaced or reset is destroyed, not kept in the other room", "[replaceable]") {
  Replaceable<Stubborn> place;
  Stubborn first(1), second(2);
  place.put(Stubborn(first));
  CHECK(first.value.use_count() == 2);
  place.put(Stubborn(second));
  CHECK(first.value.use_count() == 1);
  place.reset();
  CHECK(second.value.use_count() == 1);
  place.reset();
}

TEST_CASE("a second room costs nothing where a move cannot throw", "[replaceable]") {
  using Text = std::unique_ptr<std::string>;
  CHECK(sizeof(Replaceable<Text>) <= sizeof(std::optional<Text>) + sizeof(std::size_t));
  CHECK_FALSE(Replaceable<Text>::put_may_throw);
  CHECK(Replaceable<Stubborn>::put_may_throw);
}
