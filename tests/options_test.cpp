#include "windlass/options.hpp"

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "catch.hpp"

using namespace std::chrono_literals;
using windlass::check;
using windlass::ConfigIssue;
using windlass::Duration;
using windlass::EnqueueOptions;
using windlass::Leftover;
using windlass::Priority;
using windlass::WorkerPoolOptions;

namespace {

using Options = windlass::QueueOptions<int>;

// Somewhere; check() does not look into it.
windlass::WorkerPool* a_pool() {
  static std::max_align_t place;
  return reinterpret_cast<windlass::WorkerPool*>(&place);
}

template <class Change>
ConfigIssue issue(Change change, Duration tick = 1ms) {
  Options options;
  change(options);
  return check(options, tick);
}

std::string_view field(const EnqueueOptions& options, std::uint32_t lanes = 3, Duration tick = 1ms) {
  const char* const name = check(options, lanes, tick);
  return name == nullptr ? std::string_view{} : name;
}

const std::string long_name(96, 'n');

}  // namespace

TEST_CASE("each bad field of the queue options is refused by its name, with a reason", "[options]") {
  struct Case {
    const char* field;
    void (*spoil)(Options&);
  };
  const Case cases[] = {
      {"name", [](Options& o) { o.name = long_name; }},
      {"capacity", [](Options& o) { o.capacity = 0; }},
      {"capacity", [](Options& o) { o.capacity = 1U << 31U; }},
      {"workers", [](Options& o) { o.workers = 1025; }},
      {"workers", [](Options& o) { o.pool = a_pool(), o.workers = 1; }},
      {"workers", [](Options& o) { o.pool = a_pool(), o.workers = 0; }},
      {"weight", [](Options& o) { o.weight = 0; }},
      {"weight", [](Options& o) { o.weight = 1001; }},
      {"lease", [](Options& o) { o.lease = -1s; }},
      {"lease", [](Options& o) { o.lease = 1ms - 1ns; }},
      {"max_runtime", [](Options& o) { o.max_runtime = -1ns; }},
      {"max_runtime", [](Options& o) { o.max_runtime = 1ms - 1ns; }},
      {"max_failures", [](Options& o) { o.max_failures = 0; }},
      {"max_deliveries", [](Options& o) { o.max_deliveries = 0; }},
      {"max_hangs", [](Options& o) { o.max_hangs = 0; }},
      {"max_substitutes", [](Options& o) { o.max_substitutes = 901; }},
      {"max_substitutes", [](Options& o) { o.pool = a_pool(), o.max_substitutes = 1; }},
      {"retry", [](Options& o) { o.retry = nullptr; }},
      {"retry", [](Options& o) { o.retry = windlass::ExponentialBackoff{.first = -5s}; }},
      {"retry_for", [](Options& o) { o.retry_for = -1ns; }},
      {"shutdown_grace", [](Options& o) { o.shutdown_grace = -1ns; }},
      {"leftover", [](Options& o) { o.leftover = Leftover::hand_back; }},
      {"on_ready", [](Options& o) { o.on_ready = [] {}; }},
      {"on_ready", [](Options& o) { o.pool = a_pool(), o.on_ready = [] {}; }},
      {"on_worker_start", [](Options& o) { o.pool = a_pool(), o.on_worker_start = [](const auto&) {}; }},
      {"on_worker_stop", [](Options& o) { o.pool = a_pool(), o.on_worker_stop = [](const auto&) {}; }},
  };
  for (const auto& [name, spoil] : cases) {
    const ConfigIssue found = issue(spoil);
    INFO(name);
    REQUIRE(found);
    CHECK(found.field == std::string_view(name));
    CHECK(std::string_view(found.why).size() > 5);
  }
}

TEST_CASE("the defaults and the extremes of the queue options are accepted", "[options]") {
  void (*const cases[])(Options&) = {
      [](Options&) {},
      [](Options& o) { o.name = std::string_view(long_name).substr(1); },
      [](Options& o) { o.name = ""; },
      [](Options& o) { o.capacity = 1; },
      [](Options& o) { o.capacity = (1U << 31U) - 1; },
      [](Options& o) { o.workers = 0; },
      [](Options& o) { o.workers = 1024, o.max_substitutes = 900; },
      [](Options& o) { o.weight = 1000; },
      [](Options& o) { o.lease = 0s; },
      [](Options& o) { o.lease = 1ms; },
      [](Options& o) { o.lease = o.max_runtime = o.retry_for = o.shutdown_grace = Duration::max(); },
      [](Options& o) {
        o.max_failures = o.max_hangs = 1;
        o.max_deliveries = 1;
      },
      [](Options& o) { o.max_substitutes = 0, o.shutdown_grace = 0s; },
      [](Options& o) { o.retry = windlass::NoRetry{}; },
      [](Options& o) { o.leftover = Leftover::discard; },
      [](Options& o) { o.pool = a_pool(), o.weight = 7; },
      [](Options& o) { o.workers = 0, o.on_ready = [] {}; },
  };
  int n = 0;
  for (const auto& change : cases) {
    INFO("case " << n++);
    const ConfigIssue found = issue(change);
    CHECK(std::string_view(found ? found.field : "") == "");
  }
}

TEST_CASE("each bad field of the enqueue options is refused by its name", "[options]") {
  const auto noon = std::chrono::system_clock::time_point{} + 12h;
  CHECK(field({.delay = -1ns}) == "delay");
  CHECK(field({.delay = 1ns, .at = noon}) == "at");
  CHECK(field({.priority = static_cast<Priority>(3)}) == "priority");
  CHECK(field({.priority = Priority::normal}, 1) == "priority");
  CHECK(field({.lease = -1s}) == "lease");
  CHECK(field({.lease = 1ms - 1ns}) == "lease");
  CHECK(field({.max_runtime = -1ns}) == "max_runtime");
  CHECK(field({.max_runtime = 1ms - 1ns}) == "max_runtime");
  CHECK(field({.max_failures = 0}) == "max_failures");
  CHECK(field({.retry_for = -1ns}) == "retry_for");
}

TEST_CASE("the defaults and the extremes of the enqueue options are accepted", "[options]") {
  CHECK(field({}) == "");
  CHECK(field({.delay = Duration::max()}) == "");
  CHECK(field({.at = std::chrono::system_clock::time_point::min()}) == "");  // past = now
  CHECK(field({.priority = Priority::low}) == "");
  CHECK(field({.priority = static_cast<Priority>(7)}, 8) == "");
  CHECK(field({.lease = 0s, .max_runtime = 0s, .retry_for = 0s}) == "");
  CHECK(field({.lease = 1ms, .max_failures = 1}) == "");
  CHECK(field({.lease = Duration::max(), .max_runtime = Duration::max(), .retry_for = Duration::max()}) == "");
}

TEST_CASE("each bad field of a pool's options is refused by its name", "[options]") {
  const auto bad = [](const WorkerPoolOptions& options) {
    const ConfigIssue found = check(options);
    return std::string(found ? found.field : "");
  };
  CHECK(bad({.name = long_name}) == "name");
  CHECK(bad({.workers = 0}) == "workers");
  CHECK(bad({.workers = 1025}) == "workers");
  CHECK(bad({.workers = 3, .max_workers = 2}) == "max_workers");
  CHECK(bad({.max_workers = 1025}) == "max_workers");
  CHECK(bad({.max_substitutes = 901}) == "max_substitutes");
  CHECK(bad({}) == "");
  CHECK(bad({.workers = 1024, .max_workers = 1024, .max_substitutes = 900}) == "");
  CHECK(bad({.max_substitutes = 0}) == "");
}

TEST_CASE("a max_runtime shorter than a tick is refused, whatever the tick", "[options]") {
  CHECK(issue([](Options& o) { o.max_runtime = 9ms; }, 10ms).field == std::string_view("max_runtime"));
  CHECK_FALSE(issue([](Options& o) { o.max_runtime = 10ms; }, 10ms));
  CHECK(field({.max_runtime = 9ms}, 3, 10ms) == "max_runtime");
  CHECK(field({.max_runtime = 10ms}, 3, 10ms) == "");
}

TEST_CASE("a lease shorter than a tick is refused, whatever the tick", "[options]") {
  CHECK(issue([](Options& o) { o.lease = 9ms; }, 10ms).field == std::string_view("lease"));
  CHECK_FALSE(issue([](Options& o) { o.lease = 10ms; }, 10ms));
  CHECK_FALSE(issue([](Options& o) { o.lease = 2us; }, 1us));
  CHECK(field({.lease = 9ms}, 3, 10ms) == "lease");
  CHECK(field({.lease = 10ms}, 3, 10ms) == "");
}

TEST_CASE("only options that stamp or override a job leave the fast road", "[options]") {
  const auto noon = std::chrono::system_clock::time_point{} + 12h;
  CHECK(EnqueueOptions{}.is_default());
  CHECK(EnqueueOptions{.priority = Priority::high}.is_default());
  CHECK_FALSE(EnqueueOptions{.delay = 1ns}.is_default());
  CHECK_FALSE(EnqueueOptions{.at = noon}.is_default());
  CHECK_FALSE(EnqueueOptions{.lease = 0s}.is_default());
  CHECK_FALSE(EnqueueOptions{.max_runtime = 0s}.is_default());
  CHECK_FALSE(EnqueueOptions{.max_failures = 5}.is_default());
  CHECK_FALSE(EnqueueOptions{.retry_for = 0s}.is_default());
}
