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
  CHECK(word.finish_late(old) == State::free);
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
  CHECK(word.finish_late(stamp) != State::free);
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

TEST_CASE("a late success of a job that is ready again leaves its number in the lane, with its hold", "[word]") {
  Word word;
  word.enqueue(State::ready);
  const auto stamp = word.lease();
  REQUIRE(word.expire(low_half(stamp)) == State::expired);
  REQUIRE(word.claim_expired());
  REQUIRE(word.settle(State::ready));
  CHECK(word.finish_late(stamp) == State::ready);
  CHECK(word.drop() == Word::AfterDrop::nothing);  // the run
  CHECK(word.lease() == 0);
  CHECK(word.drop() == Word::AfterDrop::free);  // the popper
}

TEST_CASE("a lease that was renewed is not the one that the watch has timed", "[word]") {
  Word word;
  word.enqueue(State::ready);
  const auto stamp = word.lease();
  const auto renewed = word.renew(stamp);
  CHECK(renewed == stamp + 1);
  CHECK(word.expire(low_half(stamp)) == State::free);
  CHECK(word.renew(stamp) == 0);
  CHECK_FALSE(word.finish(stamp));
  CHECK(word.expire(low_half(renewed)) == State::expired);
  CHECK(word.renew(renewed) == 0);
}

TEST_CASE("of a settle and an expiry that race exactly one wins, over a million times", "[word][stress]") {
  constexpr std::uint64_t rounds = 1'000'000;
  Word word;
  std::atomic<std::uint64_t> looked{0};  // the stamp that the watch is about to expire: now the run may settle
  std::atomic<bool> is_over{false};
  const auto await_that = [&](auto&& holds) {
    for (int looks = 1; !holds(); ++looks) {
      if (looks % 128 == 0) std::this_thread::yield();  // there may be but one core
    }
  };
  const auto dawdle = [&](std::uint64_t looks) {
    for (; looks > 0; --looks) (void)word.read();
  };
  const auto let_other_first = [](std::uint64_t round, std::uint64_t turn) {
    if (round % 64 == turn) std::this_thread::yield();
  };
  const auto leave = [&] {  // whoever is last out
    if (word.drop() == Word::AfterDrop::free) word.free();
  };
  std::uint64_t expired = 0;
  int wrong_watch = 0;
  std::thread watch([&] {
    for (std::uint64_t round = 0, last = 0; true; ++round) {
      auto seen = word.read();
      await_that([&] { return is_over || ((seen = word.read()).state() == State::leased && seen.stamp() != last); });
      if (is_over) return;
      last = seen.stamp();
      looked = last;
      let_other_first(round, 0);
      dawdle(round % 13 * 4);
      if (word.expire(low_half(last)) != State::expired) continue;
      ++expired;
      if (!word.claim_expired() || !word.settle(State::done)) ++wrong_watch;
      leave();
    }
  });
  std::uint64_t settled = 0;
  int wrong = 0;
  for (std::uint64_t round = 0; round < rounds; ++round) {
    word.enqueue(State::ready);
    const auto stamp = word.lease();
    await_that([&] { return looked == stamp; });
    let_other_first(round, 32);
    dawdle(round % 16 * 4);
    if (word.finish(stamp)) {
      ++settled;
      if (word.read().state() != State::done) ++wrong;
    }
    leave();
    await_that([&] { return word.read().state() == State::free; });
  }
  is_over = true;
  watch.join();
  CHECK(settled + expired == rounds);
  CHECK(wrong + wrong_watch == 0);
  CHECK(settled > 0);
  CHECK(expired > 0);
}
