#include <chrono>
#include <memory>
#include <utility>

#include "catch.hpp"
#include "puppet.hpp"
#include "windlass/dead_letter_box.hpp"
#include "windlass/testing.hpp"

using namespace std::chrono_literals;
using windlass::DeadReason;
using windlass::Delivery;
using windlass::FixedDelay;
using windlass::HungInfo;
using windlass::OnHung;
using windlass::Outcome;
using windlass::QueueOptions;
using windlass::StopReason;
using windlass::testing::ManualQueue;

namespace {

using Callables = ManualQueue<>;

QueueOptions<int> choose(OnHung choice) {
  QueueOptions<int> options{.lease = 100ms, .retry = FixedDelay{}};
  options.on_hung = [choice](const HungInfo&) { return choice; };
  return options;
}

// A callable for a puppet, unless `otherwise` has to take its place.
auto obeying(int& others) {
  return [&others](Delivery& delivery) {
    if (Puppet::is_here()) return Puppet::act(delivery);
    ++others;
    return Outcome::done();
  };
}

}  // namespace

TEST_CASE("redeliver: another run may start while the hung one is inside", "[hung]") {
  ManualQueue<int> queue{Puppet::handle, choose(OnHung::redeliver)};
  queue.try_enqueue(1).or_throw();
  Puppet hung(queue);
  queue.clock().advance(200ms);
  CHECK(queue.step() == 1);
  CHECK(queue.stats().done == 1);
  hung.end();
  CHECK(queue.stats().done == 1);
}

TEST_CASE("wait: the next run starts when the hung one has returned, and not before", "[hung]") {
  ManualQueue<int> queue{Puppet::handle, choose(OnHung::wait)};
  queue.try_enqueue(1).or_throw();
  Puppet hung(queue);
  queue.clock().advance(200ms);
  CHECK(hung.stop_reason() == StopReason::lease_lost);
  CHECK(queue.step() == 0);
  queue.clock().advance(10s);
  CHECK(queue.step() == 0);
  CHECK(queue.stats().expiries == 1);
  CHECK_FALSE(queue.wait_idle_for(1s));  // a stalled job counts as running
  hung.end(Outcome::retry("too late"));
  CHECK(queue.stats().stale_settles == 1);
  Puppet next(queue);
  CHECK(next.tell([](Delivery& d) { return d.attempt(); }) == 2);
  next.end();
  const auto stats = queue.stats();
  CHECK(stats.done == 1);
  CHECK(stats.failures == 0);
  CHECK(stats.redeliveries == 1);
}

TEST_CASE("wait: the hang is counted once, and its backoff begins when the hung run has returned", "[hung]") {
  auto options = choose(OnHung::wait);
  options.max_hangs = 3;
  options.retry = FixedDelay{10s};
  ManualQueue<int> queue{Puppet::handle, std::move(options)};
  queue.try_enqueue(1).or_throw();
  for (std::uint32_t attempt = 1; attempt <= 2; ++attempt) {
    Puppet hung(queue);
    CHECK(hung.tell([](Delivery& d) { return d.attempt(); }) == attempt);
    queue.clock().advance(200ms);
    CHECK(queue.step() == 0);
    queue.clock().advance(20s);
    hung.end(Outcome::retry());
    CHECK(queue.step() == 0);
    queue.clock().advance(10s - 1ms);
    CHECK(queue.step() == 0);
    queue.clock().advance(1ms);
  }
  Puppet third(queue);
  queue.clock().advance(200ms);
  CHECK(queue.step() == 0);
  CHECK(queue.stats().dead == 0);  // it is decided when the run returns
  third.end(Outcome::retry());
  CHECK(queue.stats().dead == 1);
  CHECK(queue.stats().retries == 2);
}

TEST_CASE("wait: a hung run that has returned already is not waited for", "[hung]") {
  auto options = choose(OnHung::wait);
  ManualQueue<int> queue{Puppet::handle, std::move(options)};
  queue.try_enqueue(1).or_throw();
  Puppet hung(queue);
  queue.clock().advance(200ms);
  REQUIRE(queue.stats().expiries == 1);
  hung.end(Outcome::retry());  // before anybody came for the errand
  CHECK(queue.step() + queue.step() == 1);
  CHECK(queue.stats().done == 1);
}

TEST_CASE("give_up: the job is dead while the hung run is inside, and nothing runs again", "[hung]") {
  windlass::DeadLetterBox<int> box;
  auto options = choose(OnHung::give_up);
  options.dead_letters = &box;
  ManualQueue<int> queue{Puppet::handle, std::move(options)};
  const auto id = queue.try_enqueue(7).or_throw();
  Puppet hung(queue);
  queue.clock().advance(200ms);
  CHECK(queue.step() == 0);
  CHECK(queue.stats().dead == 1);
  CHECK(box.take(9, [&](windlass::DeadLetter<int>&& letter) {
    CHECK(letter.id == id);
    CHECK(letter.reason == DeadReason::hung);
    CHECK(letter.hangs == 1);
    CHECK(letter.deliveries == 1);
    CHECK(letter.payload == 7);
  }) == 1);
  hung.end(GENERATE(Outcome::done(), Outcome::retry()));
  CHECK(queue.run_until_idle() == 0);
  CHECK(queue.stats().done == 0);
  CHECK(box.size() == 0);
}

TEST_CASE("an on_hung that throws is contained, and the default stands", "[hung]") {
  auto options = choose(OnHung::redeliver);
  options.on_hung = [](const HungInfo&) -> OnHung { throw 42; };
  ManualQueue<int> queue{Puppet::handle, std::move(options)};
  queue.try_enqueue(1).or_throw();
  Puppet hung(queue);
  queue.clock().advance(200ms);
  CHECK(queue.step() == 1);
  CHECK(queue.stats().user_errors == 1);
}

TEST_CASE("a hung callable is run again only after its hung run has returned", "[hung]") {
  Callables queue{{.lease = 100ms, .retry = FixedDelay{}}};
  int others = 0;
  queue.try_enqueue(obeying(others)).or_throw();
  Puppet hung(queue);
  queue.clock().advance(1s);
  CHECK(queue.step() == 0);
  CHECK(others == 0);
  hung.end(Outcome::retry());
  CHECK(queue.step() == 1);
  CHECK(others == 1);
  CHECK(queue.stats().done == 1);
}

TEST_CASE("a hung callable that is concurrent is redelivered at once", "[hung]") {
  Callables queue{{.lease = 100ms, .retry = FixedDelay{}}};
  int others = 0;
  queue.try_enqueue(windlass::concurrent(obeying(others))).or_throw();
  Puppet hung(queue);
  queue.clock().advance(1s);
  CHECK(queue.step() == 1);
  CHECK(others == 1);
  CHECK(queue.stats().done == 1);
}

TEST_CASE("what a hung callable captured lives until the hung run has returned", "[hung]") {
  QueueOptions<windlass::Callable<>> options{.capacity = 1, .lease = 100ms};
  options.on_hung = [](const HungInfo&) { return OnHung::give_up; };
  Callables queue{std::move(options)};
  const auto captured = std::make_shared<int>(7);
  queue.try_enqueue([captured](Delivery& d) { return Puppet::act(d); }).or_throw();
  Puppet hung(queue);
  queue.clock().advance(1s);
  CHECK(queue.step() == 0);
  CHECK(queue.stats().dead == 1);
  CHECK(captured.use_count() == 2);
  hung.end();
  CHECK(captured.use_count() == 1);
}
