#include <array>
#include <atomic>
#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "catch.hpp"
#include "puppet.hpp"
#include "windlass/dead_letter_box.hpp"
#include "windlass/testing.hpp"

using namespace std::chrono_literals;
using windlass::DeadReason;
using windlass::Delivery;
using windlass::EnqueueError;
using windlass::FixedDelay;
using windlass::HungInfo;
using windlass::OnHung;
using windlass::Outcome;
using windlass::StopReason;
using windlass::testing::ManualQueue;

namespace {

// A payload that knows whether it is alive, in memory of its own besides.
class Living {
 public:
  explicit Living(std::string text) : text_(std::move(text)) {}
  Living(Living&& other) noexcept = default;
  Living& operator=(Living&&) = delete;
  ~Living() {
    mark_ = 0xdead;
    text_.assign(text_.size(), '#');
  }
  [[nodiscard]] std::string read() const { return mark_ == 0x11fe ? text_ : "dead memory"; }

 private:
  volatile std::uint32_t mark_ = 0x11fe;  // or the destructor's word is optimised away
  std::string text_;
};

const std::string long_text(100, 'a');

// Until the first run of the only job of `queue` has lost its lease, and what follows from that is done.
template <class Queue>
void hang(Queue& queue) {
  const auto before = queue.stats().expiries;
  queue.clock().advance(200ms);
  REQUIRE(queue.stats().expiries == before + 1);
}

}  // namespace

TEST_CASE("a hung handler reads its payload when its job is over, and the slot is free only after it returned",
          "[hung]") {
  const Living* seen = nullptr;
  const auto handle = [&](const Living& payload, Delivery& delivery) {
    if (Puppet::is_here()) seen = &payload;
    return Puppet::handle(payload, delivery);
  };
  ManualQueue<Living> queue{handle, {.capacity = 2, .lease = 100ms, .retry = FixedDelay{}}};
  queue.try_emplace(long_text).or_throw();
  Puppet hung(queue);
  const auto read = [&](Delivery&) { return seen->read(); };
  hang(queue);
  CHECK(queue.step() == 1);  // redelivered, and done
  CHECK(queue.stats().done == 1);
  CHECK(queue.size_approx() == 0);
  CHECK(hung.tell(read) == long_text);

  for (int i = 0; i < 100; ++i) {  // others come and go in the other slot
    queue.try_emplace("another").or_throw();
    CHECK(queue.try_emplace("one too many").error() == EnqueueError::full);
    CHECK(queue.step() == 1);
  }
  CHECK(hung.tell(read) == long_text);
  hung.end();
  CHECK(queue.try_emplace("another"));
  CHECK(queue.try_emplace("yet another"));
  CHECK(queue.step() == 2);
  CHECK(queue.stats().done == 103);
}

TEST_CASE("a payload that many runs hang in lives until the last of them returns", "[hung]") {
  std::array<const Living*, 3> seen{};
  std::size_t runs = 0;
  const auto handle = [&](const Living& payload, Delivery& delivery) {
    if (Puppet::is_here()) seen.at(runs++) = &payload;
    return Puppet::handle(payload, delivery);
  };
  ManualQueue<Living> queue{handle, {.capacity = 1, .lease = 100ms, .max_hangs = 9, .retry = FixedDelay{}}};
  queue.try_emplace(long_text).or_throw();
  std::array<std::optional<Puppet>, 3> hung;
  for (auto& run : hung) {
    run.emplace(queue);
    hang(queue);
  }
  CHECK(queue.step() == 1);
  CHECK(queue.stats().done == 1);
  for (const std::size_t i : {std::size_t{1}, std::size_t{0}, std::size_t{2}}) {
    CHECK(queue.try_emplace("full").error() == EnqueueError::full);
    CHECK(hung.at(i)->tell([&](Delivery&) { return seen.at(i)->read(); }) == long_text);
    hung.at(i)->end();
  }
  CHECK(queue.stats().stale_settles == 3);
  CHECK(queue.try_emplace("room"));
}

TEST_CASE("after run B has started nothing that run A does changes anything, also after 65,536 yields", "[hung]") {
  // Run B yields until its lease is 2^16 leases younger than A's; then it is inside, while A tries everything.
  const int yields = GENERATE(0, 65'535, 65'536);
  int left = yields;
  const auto handle = [&](const int&, Delivery& delivery) {
    if (Puppet::is_here()) return Puppet::act(delivery);
    --left;
    return Outcome::yield();
  };
  ManualQueue<int> queue{handle, {.capacity = 1, .lease = 1s, .retry = FixedDelay{}}};
  queue.try_enqueue(1).or_throw();
  Puppet a(queue);
  queue.clock().advance(2s);
  while (left > 0 && queue.step() == 1) {
  }
  REQUIRE(left == 0);
  Puppet b(queue);
  REQUIRE(b.tell([](Delivery& d) { return d.attempt(); }) == 2);
  const auto before = queue.stats();
  CHECK_FALSE(a.tell([](Delivery& d) { return d.extend(1h); }));
  CHECK_FALSE(a.tell([](Delivery& d) { return d.try_commit(); }));
  a.tell([](Delivery& d) { d.heartbeat(); });
  a.end(GENERATE(Outcome::done(), Outcome::retry("a"), Outcome::dead("a"), Outcome::discard(), Outcome::snooze(1h),
                 Outcome::yield()));
  const auto after = queue.stats();
  CHECK(after.stale_settles == before.stale_settles + 3);
  CHECK(after.present == 1);
  CHECK(after.done + after.dead + after.discarded + after.failures == 0);
  CHECK(after.snoozes == before.snoozes);
  CHECK(b.stop_reason() == StopReason::none);
  CHECK(b.tell([](Delivery& d) { return d.extend(1s) && d.try_commit(); }));
  b.end();
  CHECK(queue.stats().done == 1);
  CHECK(queue.stats().late_successes == 0);
}

TEST_CASE("an older run's failure never revives a done job", "[hung]") {
  ManualQueue<int> queue{Puppet::handle, {.capacity = 1, .lease = 100ms, .retry = FixedDelay{}}};
  queue.try_enqueue(1).or_throw();
  Puppet a(queue);
  hang(queue);
  CHECK(queue.step() == 1);
  a.end(GENERATE(Outcome::retry("a"), Outcome::retry_after(0s, "a"), Outcome::dead("a"), Outcome::yield()));
  CHECK(queue.run_until_idle() == 0);
  const auto stats = queue.stats();
  CHECK(stats.done == 1);
  CHECK(stats.dead == 0);
  CHECK(stats.failures == 0);
  CHECK(stats.stale_settles == 1);
  CHECK(queue.try_enqueue(2));  // and its slot is free again
}

TEST_CASE("an older run's failure never revives a dead job, and its letter tells only of the newer run", "[hung]") {
  windlass::DeadLetterBox<int> box;
  const auto handle = [](const int&, Delivery& d) { return Puppet::is_here() ? Puppet::act(d) : Outcome::dead("b"); };
  ManualQueue<int> queue{handle, {.capacity = 1, .lease = 100ms, .retry = FixedDelay{}, .dead_letters = &box}};
  queue.try_enqueue(7).or_throw();
  Puppet a(queue);
  hang(queue);
  CHECK(queue.step() == 1);
  a.end(Outcome::dead("a"));
  CHECK(queue.run_until_idle() == 0);
  CHECK(queue.stats().dead == 1);
  CHECK(box.take(9, [](windlass::DeadLetter<int>&& letter) {
    CHECK(letter.payload == 7);
    CHECK(letter.reason == DeadReason::rejected);
    CHECK(letter.first_error.view() == "b");
    CHECK(letter.last_error.view() == "b");
    CHECK(letter.failures == 1);
    CHECK(letter.hangs == 1);
    CHECK(letter.deliveries == 2);
  }) == 1);
}

TEST_CASE("an older run's failure is not written into the record of the newer run", "[hung]") {
  windlass::DeadLetterBox<int> box;
  ManualQueue<int> queue{Puppet::handle,
                         {.lease = 100ms, .max_failures = 2, .retry = FixedDelay{}, .dead_letters = &box}};
  queue.try_enqueue(7).or_throw();
  Puppet a(queue);
  hang(queue);
  Puppet b(queue);
  a.end(Outcome::retry("a"));
  CHECK(queue.stats().failures == 0);
  b.end(Outcome::retry("b1"));
  Puppet c(queue);
  CHECK(c.tell([](Delivery& d) { return d.attempt(); }) == 3);  // one hang, one failure
  c.end(Outcome::retry("b2"));
  CHECK(box.take(9, [](windlass::DeadLetter<int>&& letter) {
    CHECK(letter.failures == 2);
    CHECK(letter.first_error.view() == "b1");
    CHECK(letter.last_error.view() == "b2");
  }) == 1);
}

TEST_CASE("a hang counts as a delivery and towards the backoff, and names itself to on_hung", "[hung]") {
  std::vector<HungInfo> told;
  std::vector<windlass::Failure> asked;
  windlass::QueueOptions<int> options{.lease = 100ms, .max_hangs = 3};
  options.on_hung = [&](const HungInfo& info) {
    told.push_back(info);
    return OnHung::redeliver;
  };
  options.retry = [&](const windlass::Failure& failure) {
    asked.push_back(failure);
    return std::optional<windlass::Duration>{10s};
  };
  ManualQueue<int> queue{Puppet::handle, std::move(options)};
  const auto id = queue.try_enqueue(1).or_throw();
  for (std::uint32_t hangs = 1; hangs <= 2; ++hangs) {
    Puppet run(queue);
    CHECK(run.tell([](Delivery& d) { return d.attempt(); }) == hangs);
    hang(queue);
    CHECK(run.stop_reason() == StopReason::lease_lost);
    CHECK(queue.step() == 0);
    REQUIRE(told.size() == hangs);
    CHECK(told.back().id == id);
    CHECK(told.back().hangs == hangs);
    CHECK(told.back().deliveries == hangs);
    CHECK_FALSE(told.back().shutting_down);
    REQUIRE(asked.size() == hangs);
    CHECK(asked.back().failures == 0);
    CHECK(asked.back().hangs == hangs);
    CHECK(queue.stats().waiting == 1);
    run.end(Outcome::retry());
    queue.clock().advance(10s);
  }
  CHECK(queue.stats().retries == 2);
  CHECK(queue.step() == 1);
  CHECK(queue.stats().redeliveries == 2);
}

TEST_CASE("a job that hangs max_hangs times, or hangs on its last delivery, is dead", "[hung]") {
  const bool by_deliveries = GENERATE(false, true);
  windlass::DeadLetterBox<int> box;
  const std::uint32_t max_deliveries = by_deliveries ? 1 : 10;
  ManualQueue<int> queue{
      Puppet::handle,
      {.lease = 100ms, .max_deliveries = max_deliveries, .max_hangs = 2, .retry = FixedDelay{}, .dead_letters = &box}};
  queue.try_enqueue(7).or_throw();
  Puppet first(queue);
  hang(queue);
  std::optional<Puppet> second;
  if (!by_deliveries) {
    second.emplace(queue);
    hang(queue);
  }
  CHECK(queue.run_until_idle() == 0);
  CHECK(queue.stats().dead == 1);
  CHECK(box.take(9, [&](windlass::DeadLetter<int>&& letter) {
    CHECK(letter.reason == (by_deliveries ? DeadReason::deliveries_exhausted : DeadReason::hung));
    CHECK(letter.payload == 7);  // a copy: the hung runs still read it
    CHECK(letter.failures == 0);
  }) == 1);
  first.end();  // too late
  CHECK(queue.stats().done == 0);
}
