#include <chrono>
#include <memory>
#include <stdexcept>
#include <thread>
#include <utility>
#include <vector>

#include "catch.hpp"
#include "puppet.hpp"
#include "windlass/dead_letter_box.hpp"
#include "windlass/testing.hpp"

using namespace std::chrono_literals;
using windlass::CancelResult;
using windlass::DeadLetter;
using windlass::DeadLetterBox;
using windlass::DeadReason;
using windlass::EnqueueError;
using windlass::HungInfo;
using windlass::OnHung;
using windlass::Outcome;
using windlass::QueueOptions;
using windlass::testing::ManualQueue;

// A dead letter whose payload a hung run still reads, and that can only be moved: it follows when that run returns.

namespace {

using Payload = std::unique_ptr<int>;  // move-only
using Queue = ManualQueue<Payload>;
using Letter = DeadLetter<Payload>;

QueueOptions<Payload> give_up(windlass::DeadLetterSink<Payload> sink) {
  QueueOptions<Payload> options{.capacity = 1, .lease = 100ms};
  options.on_hung = [](const HungInfo&) { return OnHung::give_up; };
  options.dead_letters = std::move(sink);
  return options;
}

// The job of `run` is given up while it is inside.
void hang(Queue& queue) {
  queue.clock().advance(200ms);
  CHECK(queue.step() == 0);
}

}  // namespace

TEST_CASE("a callable sink is called at once without the payload, and again with it when the run returns", "[dead]") {
  std::vector<Letter> letters;
  std::thread::id last_caller;
  Queue queue{Puppet::handle, give_up([&](Letter&& letter) {
                letters.push_back(std::move(letter));
                last_caller = std::this_thread::get_id();
              })};
  const auto id = queue.try_emplace(std::make_unique<int>(7)).or_throw();
  Puppet run(queue);
  hang(queue);
  REQUIRE(letters.size() == 1);
  CHECK(letters[0].id == id);
  CHECK(letters[0].is_held);
  CHECK_FALSE(letters[0].is_completion);
  CHECK_FALSE(letters[0].payload);
  CHECK(queue.stats().dead == 1);
  CHECK(queue.try_emplace(nullptr).error() == EnqueueError::full);

  const auto runner = run.tell([](windlass::Delivery&) { return std::this_thread::get_id(); });
  run.end(GENERATE(Outcome::done(), Outcome::retry("too late")));
  REQUIRE(letters.size() == 2);
  CHECK(last_caller == runner);
  CHECK(letters[1].id == id);
  CHECK_FALSE(letters[1].is_held);
  CHECK(letters[1].is_completion);
  CHECK(letters[1].reason == DeadReason::hung);
  REQUIRE(letters[1].payload);
  CHECK(**letters[1].payload == 7);
  CHECK(queue.stats().dead == 1);  // counted once
  CHECK(queue.try_emplace(nullptr));
}

TEST_CASE("a box does not give a held letter out until its payload has come", "[dead]") {
  DeadLetterBox<Payload> box;
  Queue queue{Puppet::handle, give_up(&box)};
  queue.try_emplace(std::make_unique<int>(7)).or_throw();
  Puppet run(queue);
  hang(queue);
  CHECK(box.size() == 1);
  CHECK(box.take(9, [](Letter&&) {}) == 0);
  CHECK(box.inspect(9, [](const Letter& letter) { CHECK(letter.is_held); }) == 1);
  run.end();
  CHECK(box.size() == 1);
  int value = 0;
  CHECK(box.take(9, [&](Letter&& letter) {
    value = **letter.payload;
    CHECK_FALSE(letter.is_held);
  }) == 1);
  CHECK(value == 7);
}

TEST_CASE("the payload of a held letter that was evicted is destroyed when the run returns", "[dead]") {
  DeadLetterBox<Payload> box(1);
  auto options = give_up(&box);
  options.capacity = 2;
  Queue queue{[](const Payload&, windlass::Delivery& d) {
                return Puppet::is_here() ? Puppet::act(d) : Outcome::dead("evictor");
              },
              std::move(options)};
  queue.try_emplace(std::make_unique<int>(7)).or_throw();
  Puppet run(queue);
  hang(queue);
  queue.try_emplace(std::make_unique<int>(8)).or_throw();
  CHECK(queue.step() == 1);
  CHECK(box.evicted() == 1);
  run.end();
  CHECK(box.size() == 1);
  CHECK(box.take(9, [](Letter&& letter) { CHECK(**letter.payload == 8); }) == 1);
  CHECK(queue.stats().dead == 2);
  CHECK(queue.stats().sink_failures == 0);
  CHECK(queue.try_emplace(nullptr));
  CHECK(queue.try_emplace(nullptr));
}

TEST_CASE("a sink that refuses the second letter gets it again from retry_kept, payload included", "[dead]") {
  std::vector<Letter> letters;
  bool refuses = false;
  Queue queue{Puppet::handle, give_up([&](Letter&& letter) {
                if (refuses) throw std::runtime_error("not now");
                letters.push_back(std::move(letter));
              })};
  queue.try_emplace(std::make_unique<int>(7)).or_throw();
  Puppet run(queue);
  hang(queue);
  refuses = true;
  run.end();
  CHECK(queue.stats().kept == 1);
  CHECK(queue.stats().sink_failures == 1);
  CHECK(queue.try_emplace(nullptr).error() == EnqueueError::full);
  CHECK(queue.retry_kept() == 0);
  refuses = false;
  CHECK(queue.retry_kept() == 1);
  REQUIRE(letters.size() == 2);
  CHECK(letters[1].is_completion);
  REQUIRE(letters[1].payload);
  CHECK(**letters[1].payload == 7);
  CHECK(queue.stats().kept == 0);
  CHECK(queue.stats().dead == 1);
  CHECK(queue.try_emplace(nullptr));
}

TEST_CASE("a sink that refuses the first letter gets a whole one when the run has returned", "[dead]") {
  std::vector<Letter> letters;
  bool refuses = true;
  Queue queue{Puppet::handle, give_up([&](Letter&& letter) {
                if (refuses) throw std::runtime_error("not now");
                letters.push_back(std::move(letter));
              })};
  const auto id = queue.try_emplace(std::make_unique<int>(7)).or_throw();
  Puppet run(queue);
  hang(queue);
  CHECK(queue.stats().kept == 1);
  CHECK(queue.cancel(id) == CancelResult::finished);
  run.end();
  CHECK(letters.empty());
  refuses = false;
  CHECK(queue.retry_kept() == 1);
  REQUIRE(letters.size() == 1);
  CHECK_FALSE(letters[0].is_held);
  CHECK_FALSE(letters[0].is_completion);
  REQUIRE(letters[0].payload);
  CHECK(**letters[0].payload == 7);
  CHECK(queue.try_emplace(nullptr));
}

TEST_CASE("without a sink a payload that a hung run reads is destroyed when it returns", "[dead]") {
  Queue queue{Puppet::handle, give_up({})};
  queue.try_emplace(std::make_unique<int>(7)).or_throw();
  Puppet run(queue);
  hang(queue);
  CHECK(queue.stats().dead == 1);
  CHECK(queue.try_emplace(nullptr).error() == EnqueueError::full);
  run.end();
  CHECK(queue.try_emplace(nullptr));
}
