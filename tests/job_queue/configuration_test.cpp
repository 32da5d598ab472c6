#include <chrono>
#include <cstddef>
#include <functional>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "catch.hpp"
#include "windlass/testing.hpp"
#include "windlass/worker_pool.hpp"

using namespace std::chrono_literals;
using windlass::ConfigError;
using windlass::JobQueue;
using windlass::Leftover;
using windlass::QueueOptions;
using windlass::WorkerPool;
using windlass::WorkerPoolOptions;
using windlass::testing::ManualClock;
using windlass::testing::ManualTraits;

namespace {

using Options = QueueOptions<int>;

void ignore(const int&) {}

// What a ConfigError from `make` says, "" if it throws none.
template <class Make>
std::string complaint(Make make) {
  try {
    make();
    return "";
  } catch (const ConfigError& error) {
    return error.what();
  }
}

// The field that a ConfigError from `make` names, "" if it throws none; its message says which it is, too.
template <class Make>
std::string refused(Make make) {
  try {
    make();
    return "";
  } catch (const ConfigError& error) {
    const std::string field(error.field());
    const std::string what = error.what();
    const std::size_t at = what.find(": " + field + ": ");
    const bool is_good =
        what.rfind("windlass: ", 0) == 0 && at != std::string::npos && what.size() > at + field.size() + 4;
    return is_good ? field : "a bad message: " + what;
  }
}

template <class Change>
std::string refused_queue(Change change) {
  return refused([&] {
    Options options;
    change(options);
    const JobQueue<int> queue{ignore, std::move(options)};
  });
}

const std::string long_name(96, 'n');

struct CoarseTraits : windlass::DefaultTraits {
  static constexpr windlass::Duration tick = 10ms;
};

}  // namespace

TEST_CASE("a queue with a bad option is not made, and the error names the option", "[configuration]") {
  WorkerPool pool;
  CHECK(refused_queue([](Options& o) { o.name = long_name; }) == "name");
  CHECK(refused_queue([](Options& o) { o.capacity = 0; }) == "capacity");
  CHECK(refused_queue([](Options& o) { o.workers = 1025; }) == "workers");
  CHECK(refused_queue([&](Options& o) { o.pool = &pool, o.workers = 1; }) == "workers");
  CHECK(refused_queue([](Options& o) { o.weight = 0; }) == "weight");
  CHECK(refused_queue([](Options& o) { o.lease = -1s; }) == "lease");
  CHECK(refused_queue([](Options& o) { o.lease = 999us; }) == "lease");
  CHECK(refused_queue([](Options& o) { o.max_runtime = -1s; }) == "max_runtime");
  CHECK(refused_queue([](Options& o) { o.max_failures = 0; }) == "max_failures");
  CHECK(refused_queue([](Options& o) { o.max_deliveries = 0; }) == "max_deliveries");
  CHECK(refused_queue([](Options& o) { o.max_hangs = 0; }) == "max_hangs");
  CHECK(refused_queue([](Options& o) { o.max_substitutes = 901; }) == "max_substitutes");
  CHECK(refused_queue([&](Options& o) { o.pool = &pool, o.max_substitutes = 1; }) == "max_substitutes");
  CHECK(refused_queue([](Options& o) { o.retry = nullptr; }) == "retry");
  CHECK(refused_queue([](Options& o) { o.retry = windlass::ExponentialBackoff{.factor = 0.5}; }) == "retry");
  CHECK(refused_queue([](Options& o) { o.retry_for = -1s; }) == "retry_for");
  CHECK(refused_queue([](Options& o) { o.shutdown_grace = -1s; }) == "shutdown_grace");
  CHECK(refused_queue([](Options& o) { o.leftover = Leftover::hand_back; }) == "leftover");
  CHECK(refused_queue([](Options& o) { o.on_ready = [] {}; }) == "on_ready");
  CHECK(refused_queue([&](Options& o) { o.pool = &pool, o.on_worker_start = [](const auto&) {}; }) ==
        "on_worker_start");
  CHECK(refused_queue([&](Options& o) { o.pool = &pool, o.on_worker_stop = [](const auto&) {}; }) == "on_worker_stop");
  CHECK(refused_queue([](Options&) {}) == "");
  CHECK(refused_queue([&](Options& o) { o.pool = &pool; }) == "");
}

TEST_CASE("a pool with a bad option is not made, and the error names the option", "[configuration][pool]") {
  const auto refused_pool = [](WorkerPoolOptions options) {
    return refused([&] { const WorkerPool pool{std::move(options)}; });
  };
  CHECK(refused_pool({.name = long_name}) == "name");
  CHECK(refused_pool({.workers = 0}) == "workers");
  CHECK(refused_pool({.workers = 1025}) == "workers");
  CHECK(refused_pool({.workers = 3, .max_workers = 2}) == "max_workers");
  CHECK(refused_pool({.max_substitutes = 901}) == "max_substitutes");
  CHECK(refused_pool({.workers = 2, .max_workers = 2, .max_substitutes = 0}) == "");
}

TEST_CASE("a pool is resized within its bounds only", "[configuration][pool]") {
  WorkerPool pool{{.workers = 1, .max_workers = 2}};
  CHECK(refused([&] { pool.resize(0); }) == "workers");
  CHECK(refused([&] { pool.resize(3); }) == "workers");
  CHECK(refused([&] { pool.resize(2); }) == "");
}

TEST_CASE("a pool serves 64 queues and refuses the next one until one has gone", "[configuration][pool]") {
  WorkerPool pool;
  std::vector<std::unique_ptr<JobQueue<int>>> queues;
  const auto add = [&] {
    queues.push_back(std::make_unique<JobQueue<int>>(ignore, Options{.capacity = 1, .pool = &pool}));
  };
  for (int n = 0; n < 64; ++n) add();
  CHECK(refused(add) == "pool");
  queues.erase(queues.begin() + 17);
  CHECK(refused(add) == "");
  CHECK(refused(add) == "pool");
  for (const auto& queue : queues) CHECK(queue->try_enqueue(1));
  for (const auto& queue : queues) CHECK(queue->drain_for(10s));
}

TEST_CASE("a pool keeps the machine's time and refuses a queue that keeps another", "[configuration][pool]") {
  WorkerPool pool;
  CHECK(refused([&] { const JobQueue<int, ManualTraits<>> queue{ignore, {.pool = &pool}, ManualClock{}}; }) == "pool");
}

TEST_CASE("a queue without a handler has no workers", "[configuration]") {
  CHECK(refused([] { const JobQueue<int> queue{{.workers = 1}}; }) == "workers");
  CHECK(refused([] { const JobQueue<int> queue; }) == "workers");
  CHECK(refused([] { const JobQueue<int> queue{{.workers = 0}}; }) == "");
  WorkerPool pool;
  CHECK(refused([&] { const JobQueue<int> queue{{.pool = &pool}}; }) == "workers");
}

TEST_CASE("payloads that are callables, but not Callables, are told that they need a handler", "[configuration]") {
  CHECK(complaint([] { const JobQueue<std::function<void()>> queue{}; }).find("or use JobQueue<>") !=
        std::string::npos);
  CHECK(complaint([] { const JobQueue<int> queue{}; }) ==
        "windlass: queue 'queue': workers: must be 0 for a queue without a handler: its jobs are pulled");
}

TEST_CASE("a lease is compared with the queue's own tick", "[configuration]") {
  CHECK(refused([] { const JobQueue<int, CoarseTraits> queue{ignore, {.lease = 9ms}}; }) == "lease");
  CHECK(refused([] { const JobQueue<int, CoarseTraits> queue{ignore, {.lease = 10ms}}; }) == "");
}

TEST_CASE("a bad shutdown option is refused by its name, and the queue lives on", "[configuration]") {
  JobQueue<int> queue{ignore};
  CHECK(refused([&] { (void)queue.shutdown({.grace = -1ns}); }) == "grace");
  CHECK(refused([&] { (void)queue.shutdown({.leftover = Leftover::hand_back}); }) == "hand_back");
  CHECK(queue.try_enqueue(1));
  CHECK(queue.drain_for(10s));
}

TEST_CASE("a configuration error says which queue or pool it is about", "[configuration]") {
  CHECK(complaint([] {
          const JobQueue<int> queue{ignore, {.name = "mail", .lease = 1us}};
        }) == "windlass: queue 'mail': lease: is shorter than a tick");
  CHECK(complaint([] {
          const JobQueue<int> queue{ignore, {.capacity = 0}};
        }) == "windlass: queue 'queue': capacity: must be 1 to 2^31 - 1");
  CHECK(complaint([] {
          const JobQueue<int> queue{ignore, {.name = "", .capacity = 0}};
        }) == "windlass: capacity: must be 1 to 2^31 - 1");
  CHECK(complaint([] {
          const JobQueue<int> queue{ignore, {.name = long_name}};
        }) == "windlass: queue '" + long_name.substr(1) + "': name: must be at most 95 bytes");
  JobQueue<int> queue{ignore, {.name = "mail"}};
  CHECK(complaint([&] { (void)queue.shutdown({.grace = -1ns}); }) ==
        "windlass: queue 'mail': grace: must not be negative");
  CHECK(complaint([] { const WorkerPool pool{{.name = "crew", .workers = 0}}; }) ==
        "windlass: pool 'crew': workers: must be 1 to 1024");
  WorkerPool pool{{.name = "crew"}};
  CHECK(complaint([&] { pool.resize(9); }) == "windlass: pool 'crew': workers: must be 1 to max_workers");
}

TEST_CASE("a name is copied", "[configuration]") {
  std::string name = "mail";
  const JobQueue<int> queue{ignore, {.name = name}};
  name = "????";
  CHECK(queue.name() == "mail");
}
