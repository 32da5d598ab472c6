#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "catch.hpp"
#include "tracked.hpp"
#include "windlass/testing.hpp"

using namespace std::chrono_literals;
using windlass::EnqueueError;
using windlass::EnqueueFailure;
using windlass::EnqueueOptions;
using windlass::EnqueueResult;
using windlass::Priority;
using windlass::testing::ManualQueue;

namespace {

using Payload = std::unique_ptr<int>;
using Queue = ManualQueue<Payload>;

void ignore(const Payload&) {}

// Every way to hand a queue an rvalue.
struct Way {
  const char* name;
  EnqueueResult (*enqueue)(Queue&, Payload&, const EnqueueOptions&);
};
const std::vector<Way> ways{
    {"try_enqueue", [](Queue& q, Payload& p, const EnqueueOptions& o) { return q.try_enqueue(std::move(p), o); }},
    {"enqueue", [](Queue& q, Payload& p, const EnqueueOptions& o) { return q.enqueue(std::move(p), o); }},
    {"enqueue_for", [](Queue& q, Payload& p, const EnqueueOptions& o) { return q.enqueue_for(std::move(p), 1s, o); }},
    {"try_emplace_with",
     [](Queue& q, Payload& p, const EnqueueOptions& o) { return q.try_emplace_with(o, std::move(p)); }},
    {"emplace_with", [](Queue& q, Payload& p, const EnqueueOptions& o) { return q.emplace_with(o, std::move(p)); }},
};

struct BadOption {
  EnqueueOptions options;
  const char* field;
};
const std::vector<BadOption> bad_options{
    {{.delay = -1ns}, "delay"},
    {{.delay = 1ns, .at = std::chrono::system_clock::time_point{}}, "at"},
    {{.priority = static_cast<Priority>(3)}, "priority"},
    {{.lease = -1s}, "lease"},
    {{.lease = 999us}, "lease"},
    {{.max_runtime = -1ns}, "max_runtime"},
    {{.max_runtime = 1ns}, "max_runtime"},
    {{.max_failures = 0}, "max_failures"},
    {{.retry_for = -1ns}, "retry_for"},
};

}  // namespace

TEST_CASE("an accepted job has an id and no error, and runs once with its payload", "[enqueue]") {
  std::vector<int> seen;
  Queue queue{[&](const Payload& payload) { seen.push_back(*payload); }};
  int next = 0;
  for (const Way& way : ways) {
    CAPTURE(way.name);
    Payload payload = std::make_unique<int>(next++);
    const EnqueueResult result = way.enqueue(queue, payload, windlass::no_overrides);
    CHECK(result);
    CHECK(result.error() == EnqueueError::none);
    CHECK(result.field().empty());
    CHECK(result.id());
    CHECK(result.or_throw() == result.id());
    CHECK(payload == nullptr);
  }
  CHECK(queue.try_emplace(new int{next++}));
  CHECK(queue.emplace(new int{next++}));
  CHECK(queue.step() == 7);
  CHECK(seen == std::vector{0, 1, 2, 3, 4, 5, 6});
  CHECK(queue.stats().done == 7);
}

TEST_CASE("a full queue refuses a job and leaves its payload unmoved", "[enqueue]") {
  Queue queue{ignore, {.capacity = 1}};
  REQUIRE_FALSE(queue.run_one());
  queue.emplace(new int{1}).or_throw();
  for (const Way& way : ways) {
    CAPTURE(way.name);
    const bool tries = std::string{way.name}.starts_with("try");
    Payload payload = std::make_unique<int>(2);
    const EnqueueResult result = way.enqueue(queue, payload, windlass::no_overrides);
    CHECK_FALSE(result);
    CHECK_FALSE(result.id());
    // The calls that wait are on the thread that pumps.
    CHECK(result.error() == (tries ? EnqueueError::full : EnqueueError::would_deadlock));
    REQUIRE(payload != nullptr);
    CHECK(*payload == 2);
  }
  CHECK(queue.stats().accepted == 1);
  CHECK(queue.size_approx() == 1);
}

TEST_CASE("enqueue after close returns closed and leaves the payload unmoved", "[enqueue]") {
  int runs = 0;
  Queue queue{[&](const Payload&) { ++runs; }};
  queue.emplace(new int{1}).or_throw();
  queue.close();
  for (const Way& way : ways) {
    CAPTURE(way.name);
    Payload payload = std::make_unique<int>(2);
    CHECK(way.enqueue(queue, payload, windlass::no_overrides).error() == EnqueueError::closed);
    CHECK(way.enqueue(queue, payload, {.delay = 1s}).error() == EnqueueError::closed);
    REQUIRE(payload != nullptr);
    CHECK(*payload == 2);
  }
  CHECK(queue.stats().accepted == 1);
  CHECK(queue.run_until_idle() == 1);
  CHECK(runs == 1);
}

TEST_CASE("an impossible option is refused by name and leaves the payload unmoved", "[enqueue]") {
  Queue queue{ignore};
  for (const BadOption& bad : bad_options) {
    for (const Way& way : ways) {
      CAPTURE(way.name, bad.field);
      Payload payload = std::make_unique<int>(2);
      const EnqueueResult result = way.enqueue(queue, payload, bad.options);
      CHECK(result.error() == EnqueueError::invalid_options);
      CHECK(result.field() == bad.field);
      CHECK_FALSE(result.id());
      REQUIRE(payload != nullptr);
      CHECK(*payload == 2);
    }
  }
  CHECK(queue.stats().accepted == 0);
  CHECK(queue.run_until_idle() == 0);
}

TEST_CASE("options at the edge of what is possible are accepted", "[enqueue]") {
  int runs = 0;
  Queue queue{[&](const Payload&) { ++runs; }};
  const auto past = std::chrono::system_clock::time_point{};
  const std::vector<EnqueueOptions> edges{{.delay = 1ns},       {.at = past},        {.priority = Priority::low},
                                          {.lease = 0ns},       {.lease = 1ms},      {.max_runtime = 0ns},
                                          {.max_runtime = 1ms}, {.max_failures = 1}, {.retry_for = 0ns}};
  for (const EnqueueOptions& options : edges) CHECK(queue.try_emplace_with(options, new int{1}));
  CHECK(queue.run_until_idle() == edges.size());
  CHECK(runs == static_cast<int>(edges.size()));
}

TEST_CASE("or_throw says why a queue refused, and which option is to blame", "[enqueue]") {
  Queue queue{ignore};
  try {
    queue.try_emplace_with({.max_failures = 0}, nullptr).or_throw();
    FAIL("accepted no failures at all");
  } catch (const EnqueueFailure& failure) {
    CHECK(failure.error() == EnqueueError::invalid_options);
    CHECK(failure.field() == "max_failures");
    CHECK(std::string{failure.what()} == "windlass: enqueue refused: invalid_options: max_failures");
  }
  queue.close();
  CHECK_THROWS_WITH(queue.try_emplace(nullptr).or_throw(), "windlass: enqueue refused: closed");
  CHECK(queue.stats().accepted == 0);
}

TEST_CASE("an lvalue payload is copied once and stays with the caller", "[enqueue]") {
  Tracked::reset();
  {
    std::vector<int> seen;
    ManualQueue<Tracked> queue{[&](const Tracked& payload) { seen.push_back(payload.value); }};
    const Tracked payload{7};
    queue.try_enqueue(payload).or_throw();
    queue.enqueue(payload).or_throw();
    queue.enqueue_for(payload, 1s).or_throw();
    CHECK(Tracked::copies == 3);
    CHECK(payload.value == 7);
    CHECK(queue.step() == 3);
    CHECK(seen == std::vector{7, 7, 7});
    CHECK(Tracked::live == 1);
  }
  CHECK(Tracked::live == 0);
}

TEST_CASE("a payload that is moved in is never copied on its way", "[enqueue]") {
  Tracked::reset();
  {
    int attempts = 0;
    ManualQueue<Tracked> queue{[&](const Tracked& payload) {
      CHECK(payload.value == 7);
      return ++attempts == 3 ? windlass::Outcome::done() : windlass::Outcome::retry();
    }};
    queue.enqueue(Tracked{7}).or_throw();
    CHECK(queue.run_until_idle() == 3);
  }
  CHECK(Tracked::copies == 0);
  CHECK(Tracked::live == 0);
}

TEST_CASE("a payload that can be neither moved nor copied is constructed in its slot and stays there", "[enqueue]") {
  struct Rooted {
    const Rooted* self;
    int value;
    Rooted(int a, int b) : self(this), value(a + b) {}
    Rooted(const Rooted&) = delete;
    Rooted& operator=(const Rooted&) = delete;
  };
  std::vector<int> seen;
  int letters = 0;
  ManualQueue<Rooted> queue{[&](const Rooted& rooted) {
                              CHECK(rooted.self == &rooted);
                              seen.push_back(rooted.value);
                              return rooted.value == 3 ? windlass::Outcome::done() : windlass::Outcome::retry();
                            },
                            {.max_failures = 2, .dead_letters = [&](const windlass::DeadLetter<Rooted>& letter) {
                               CHECK_FALSE(letter.payload);
                               CHECK_FALSE(letter.is_held);
                               CHECK(letter.failures == 2);
                               ++letters;
                             }}};
  queue.try_emplace(1, 2).or_throw();
  queue.emplace_with({.delay = 1s}, 4, 5).or_throw();
  CHECK(queue.run_until_idle() == 3);
  CHECK(seen == std::vector{3, 9, 9});
  CHECK(letters == 1);
}
