#include "windlass/dead_letter_box.hpp"

#include <stdexcept>
#include <utility>

#include "catch.hpp"
#include "letters.hpp"

using namespace letters;
using Box = windlass::DeadLetterBox<Payload>;
using Letter = windlass::DeadLetter<Payload>;

TEST_CASE("a full dead letter box drops its oldest letters and counts them", "[dead]") {
  Box box(3);
  for (int n = 0; n < 5; ++n) CHECK(put(box, n));
  CHECK(box.size() == 3);
  CHECK(box.evicted() == 2);
  CHECK(look(box) == Values{2, 3, 4});
  CHECK(Payload::live == 3);
  CHECK(take(box, 1) == Values{2});
  CHECK(put(box, 5));
  CHECK(box.evicted() == 2);
  CHECK(look(box, 2) == Values{3, 4});
  CHECK(take(box) == Values{3, 4, 5});
  CHECK(box.size() == 0);
  CHECK(Payload::live == 0);  // nor does a moved-from one linger
}

TEST_CASE("purge destroys all letters and tells how many", "[dead]") {
  Box box(4);
  for (int n = 0; n < 3; ++n) put(box, n);
  CHECK(box.purge() == 3);
  CHECK(box.size() == 0);
  CHECK(Payload::live == 0);
  CHECK(box.evicted() == 0);
  CHECK(box.purge() == 0);
}

TEST_CASE("a dead letter box without room is a configuration error", "[dead]") {
  try {
    Box box(0);
    FAIL("accepted");
  } catch (const windlass::ConfigError& error) {
    CHECK(error.field() == "capacity");
  }
}

TEST_CASE("a held letter stays until its completion brings the payload", "[dead]") {
  Box box(3);
  put(box, 0);
  put_held(box, 1);
  put_held(box, 2);
  CHECK(look(box) == Values{0, -1, -1});
  CHECK(take(box) == Values{0});
  put(box, 3);  // where the 0 was, though older letters are there
  CHECK(box.evicted() == 0);
  CHECK(take(box) == Values{3});
  put(box, 4);
  CHECK(box.evicted() == 0);
  CHECK(take(box) == Values{4});
  CHECK(complete(box, 2, 22));
  CHECK(complete(box, 2, 99));  // it was complete
  CHECK(look(box) == Values{-1, 22});
  CHECK(complete(box, 1, 11));
  CHECK(take(box) == Values{11, 22});
  CHECK(Payload::live == 0);
}

TEST_CASE("the completion of a letter that is gone destroys the payload and adds nothing", "[dead]") {
  Box box(1);
  put_held(box, 0);
  const bool evict = GENERATE(true, false);
  if (evict) {
    put(box, 1);
  } else {
    box.purge();
  }
  CHECK(complete(box, 0, 0));
  CHECK(look(box) == (evict ? Values{1} : Values{}));
  CHECK(Payload::live == (evict ? 1 : 0));
  box.purge();
}

TEST_CASE("a completion that comes while its letter is looked at is refused, not lost", "[dead]") {
  Box box(2);
  put_held(box, 0);
  box.inspect(all, [&](const Letter&) { CHECK_FALSE(complete(box, 0, 0)); });
  CHECK(complete(box, 0, 0));  // as `retry_kept` does
  CHECK(take(box) == Values{0});
}

TEST_CASE("a completion that comes while its letter may yet be evicted is refused, not lost", "[dead]") {
  Box box(1);
  put_held(box, 0);
  Letter fresh;
  fresh.payload.emplace(1);
  Payload::moves_throw = true;
  Payload::on_move = [&] {
    Letter rest;
    rest.id = id_of(0);
    rest.is_completion = true;
    CHECK_FALSE(box.accept(std::move(rest)));
  };
  CHECK_THROWS(box.accept(std::move(fresh)));
  Payload::moves_throw = false;
  Payload::on_move = nullptr;
  CHECK(complete(box, 0, 0));
  CHECK(take(box) == Values{0});
}

TEST_CASE("a completion that comes while its letter is evicted for certain is taken and destroyed", "[dead]") {
  windlass::DeadLetterBox<Calm> box(1);
  put_held(box, 0);
  int calls = 0;
  Calm::on_move = [&] {
    if (++calls == 1) CHECK(complete(box, 0, 0));
  };
  put(box, 1);
  Calm::on_move = nullptr;
  CHECK(calls == 1);
  CHECK(look(box) == Values{1});
}

TEST_CASE("a letter completed late is taken in its turn, but not by a call that has passed it", "[dead]") {
  Box box(5);
  put_held(box, 0);
  put(box, 1);
  put_held(box, 2);
  put(box, 3);
  put_held(box, 4);
  Values taken;
  box.take(all, [&](Letter&& letter) {
    taken.push_back(letter.payload->value);
    if (taken.size() == 1) {
      for (const int n : {4, 0, 2}) complete(box, n, n);
    }
  });
  CHECK(taken == Values{1, 2, 3, 4});
  CHECK(take(box) == Values{0});
}

TEST_CASE("with every place in other hands a dead letter box says so and evicts nothing", "[dead]") {
  Box box(1);
  put(box, 0);
  box.inspect(all, [&](const Letter&) { CHECK_FALSE(put(box, 1)); });
  CHECK(box.evicted() == 0);
  CHECK(take(box) == Values{0});
}

TEST_CASE("a payload whose move throws leaves the dead letter box as it was", "[dead]") {
  Box box(2);
  put(box, 0);
  put_held(box, 1);
  Letter fresh;
  fresh.payload.emplace(2);
  Letter rest;
  rest.id = id_of(1);
  rest.payload.emplace(1);
  rest.is_completion = true;
  Payload::moves_throw = true;
  CHECK_THROWS(box.take(all, [](Letter&&) {}));
  CHECK_THROWS(box.accept(std::move(rest)));
  CHECK(look(box) == Values{0, -1});
  CHECK_THROWS(box.accept(std::move(fresh)));
  Payload::moves_throw = false;
  CHECK(rest.payload->value == 1);
  CHECK(fresh.payload->value == 2);
  CHECK(look(box) == Values{0, -1});
  CHECK(box.size() == 2);
  CHECK(box.evicted() == 0);
  CHECK(box.accept(std::move(fresh)));
  CHECK(box.evicted() == 1);
  CHECK(box.accept(std::move(rest)));
  CHECK(look(box) == Values{1, 2});
  rest.payload.reset();
  fresh.payload.reset();
  CHECK(Payload::live == 2);
  CHECK(take(box) == Values{1, 2});
}

TEST_CASE("a letter that cannot move into a full dead letter box costs no other its place or its turn", "[dead]") {
  Box box(1);
  put_held(box, 0);
  Letter fresh;
  fresh.payload.emplace(1);
  Payload::moves_throw = true;
  CHECK_THROWS(box.accept(std::move(fresh)));
  Payload::moves_throw = false;
  CHECK(look(box) == Values{-1});
  CHECK(complete(box, 0, 0));
  CHECK(take(box) == Values{0});
  Payload::moves_throw = true;
  CHECK_THROWS(box.accept(std::move(fresh)));
  Payload::moves_throw = false;
  CHECK(box.size() == 0);
  CHECK(box.accept(std::move(fresh)));  // the place is free again
  CHECK(box.evicted() == 0);
  CHECK(take(box) == Values{1});
  fresh.payload.reset();
  CHECK(Payload::live == 0);
}

// Returned by value, it could be moved twice, and lost if the second move throws. See it with -fno-elide-constructors.
TEST_CASE("a letter is moved once on its way out of a dead letter box", "[dead]") {
  Box box(1);
  put(box, 0);
  Payload::moves = 0;
  box.take(1, [](Letter&& letter) { CHECK(letter.payload->value == 0); });
  CHECK(Payload::moves == 1);
}

TEST_CASE("a callback that throws loses no letter but the one that it was given", "[dead]") {
  Box box(3);
  for (int n = 0; n < 3; ++n) put(box, n);
  const auto refuse = [](const Letter&) { throw std::runtime_error("no"); };
  CHECK_THROWS(box.inspect(all, refuse));
  CHECK(look(box) == Values{0, 1, 2});
  CHECK_THROWS(box.take(all, refuse));
  CHECK(look(box) == Values{1, 2});
  CHECK(box.size() == 2);
  CHECK(take(box) == Values{1, 2});
}

TEST_CASE("callbacks and payload destructors may call the box, and a call ends though they add letters", "[dead]") {
  Box box(4);
  for (int n = 0; n < 3; ++n) put(box, n);
  int next = 3;
  Values seen;
  box.take(all, [&](Letter&& letter) {
    seen.push_back(letter.payload->value);
    if (next < 100) put(box, next++);
  });
  CHECK(seen == Values{0, 1, 2});
  box.inspect(all, [&](const Letter&) {
    if (next < 100) put(box, next++);
  });
  CHECK(next < 100);
  box.inspect(1, [&](const Letter& letter) {
    const int value = letter.payload->value;
    CHECK(box.size() == 3);
    CHECK(take(box, 1).size() == 1);
    CHECK(box.purge() == 2);
    CHECK(letter.payload->value == value);
  });
  CHECK(box.purge() == 1);

  for (int n = 0; n < 4; ++n) put(box, n);
  int calls = 0;
  Payload::on_destroy = [&] { calls += box.size() <= 4 ? 1 : 0; };
  put(box, 4);                  // evicts
  CHECK(complete(box, 99, 0));  // for a letter that is gone
  CHECK(take(box, 1).size() == 1);
  CHECK(box.purge() == 3);
  CHECK(calls >= 6);

  for (int n = 0; n < 3; ++n) put(box, n);
  bool is_adding = false;
  next = 3;
  Payload::on_destroy = [&] {
    if (is_adding || next == 100) return;
    is_adding = true;
    put(box, next++);
    is_adding = false;
  };
  CHECK(box.purge() == 3);
  Payload::on_destroy = nullptr;
  CHECK(look(box) == Values{3, 4, 5});
  CHECK(box.purge() == 3);
}
