#include <atomic>
#include <thread>
#include <windlass/detail/job/slot_word.hpp>

#include "catch.hpp"

using windlass::detail::low_half;
using windlass::detail::State;
using Word = windlass::detail::SlotWord<>;

TEST_CASE("a job that succeeds goes ready, leased, done, free, and its stamp only grows", "[word]") {
  Word word;
  word.enqueue(State::ready);
  CHECK(word.read().holders() == 1);
  const auto stamp = word.lease();
  CHECK(stamp == 1);
  CHECK(word.lease() == 0);
  CHECK(word.finish(stamp));
  CHECK_FALSE(word.finish(stamp));
  CHECK(word.drop() == Word::AfterDrop::free);
  word.free();
  CHECK(word.read().state() == State::free);
  CHECK(word.read().holders() == 0);
  CHECK(word.read().stamp() == 2);
}

TEST_CASE("after a newer lease nothing that an older run does changes anything", "[word]") {
  Word word;
  word.enqueue(State::ready);
  const auto old = word.lease();
  REQUIRE(word.expire(low_half(old)) == State::expired);
  REQUIRE(word.claim_expired());
  REQUIRE(word.settle(State::ready));
  const auto fresh = word.lease();
  const auto before = word.read().bits;
  CHECK_FALSE(word.finish(old));
  CHECK_FALSE(word.begin_settle(old));
  CHECK_FALSE(word.commit(old));
  CHECK_FALSE(word.finish_late(old));
  CHECK(word.expire(low_half(old)) == State::free);
  CHECK(word.read().bits == before);
  CHECK(word.finish(fresh));
  CHECK(word.drop() == Word::AfterDrop::nothing);  // the hung run is still inside
  CHECK(word.drop() == Word::AfterDrop::free);     // the last one out frees
}

TEST_CASE("a late success ends an expired job before it is redelivered", "[word]") {
  Word word;
  word.enqueue(State::ready);
  const auto stamp = word.lease();
  REQUIRE(word.expire(low_half(stamp)) == State::expired);
  CHECK(word.finish_late(stamp));
  CHECK(word.drop() == Word::AfterDrop::nothing);
  CHECK_FALSE(word.claim_expired());
  CHECK(word.drop() == Word::AfterDrop::free);
}

TEST_CASE("a stalled job resumes when the last hung run returns", "[word]") {
  Word word;
  word.enqueue(State::ready);
  const auto stamp = word.lease();
  REQUIRE(word.expire(low_half(stamp)) == State::expired);
  REQUIRE(word.claim_expired());
  REQUIRE(word.stall());
  CHECK(word.drop() == Word::AfterDrop::settle);
  CHECK(word.read().state() == State::settling);
  CHECK(word.read().holders() == 1);
}

TEST_CASE("a job does not stall when no hung run is inside any more", "[word]") {
  Word word;
  word.enqueue(State::ready);
  const auto stamp = word.lease();
  REQUIRE(word.expire(low_half(stamp)) == State::expired);
  REQUIRE(word.claim_expired());
  CHECK(word.drop() == Word::AfterDrop::nothing);
  CHECK_FALSE(word.stall());
}

TEST_CASE("a committed job can neither expire nor be cancelled", "[word]") {
  Word word;
  word.enqueue(State::ready);
  const auto stamp = word.lease();
  CHECK(word.commit(stamp));
  CHECK_FALSE(word.commit(stamp));
  CHECK(word.expire(low_half(stamp)) == State::free);
  CHECK(word.finish_committed(stamp, State::done));
}

TEST_CASE("a cancelled job is neither committed nor retried", "[word]") {
  Word word;
  word.enqueue(State::ready);
  const auto stamp = word.lease();
  auto seen = word.read();
  while (!word.mark_cancelled(seen)) {
  }
  CHECK_FALSE(word.commit(stamp));
  CHECK(word.begin_settle(stamp));
  CHECK_FALSE(word.settle(State::ready));
  CHECK(word.settle(State::done));
}

TEST_CASE("exactly one of settle and expire wins", "[word]") {
  constexpr int rounds = 20'000;
  Word word;
  std::atomic<std::uint64_t> leased{0};
  std::atomic<int> answers{0};
  std::atomic<bool> settled{false};
  std::atomic<bool> expired{false};
  int wrong = 0;
  std::thread settler([&] {
    for (std::uint64_t last = 0, i = 0; i < rounds; ++i) {
      while (leased.load() == last) std::this_thread::yield();
      last = leased.load();
      settled = word.finish(last);
      ++answers;
    }
  });
  std::thread watch([&] {
    for (std::uint64_t last = 0, i = 0; i < rounds; ++i) {
      while (leased.load() == last) std::this_thread::yield();
      last = leased.load();
      expired = word.expire(low_half(last)) == State::expired;
      ++answers;
    }
  });
  for (int i = 0; i < rounds; ++i) {
    word.enqueue(State::ready);
    leased = word.lease();
    while (answers.load() != 2) std::this_thread::yield();
    answers = 0;
    if (settled == expired) ++wrong;
    if (expired) {
      if (!word.claim_expired() || !word.settle(State::done)) ++wrong;
      if (word.drop() != Word::AfterDrop::nothing) ++wrong;
    }
    if (word.drop() != Word::AfterDrop::free) ++wrong;
    word.free();
  }
  settler.join();
  watch.join();
  CHECK(wrong == 0);
}
