#include <atomic>
#include <chrono>
#include <cstdint>
#include <map>
#include <mutex>
#include <optional>
#include <set>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "await.hpp"
#include "catch.hpp"
#include "signal.hpp"
#include "windlass/job_queue.hpp"

#if defined(__linux__)
#include <pthread.h>
#endif

using namespace std::chrono_literals;
using windlass::HungInfo;
using windlass::JobQueue;
using windlass::OnHung;
using windlass::WorkerInfo;
using windlass::WorkerPool;

namespace {

std::string name_of_this_thread() {
#if defined(__linux__)
  char text[16] = {};
  pthread_getname_np(pthread_self(), text, sizeof text);
  return text;
#else
  return {};
#endif
}

// Notes what the worker hooks are told, and on which threads.
class Roll {
 public:
  struct Entry {
    std::string name;
    std::uint32_t index;
    bool is_substitute;
    std::string native;
    std::vector<std::thread::id> starts, stops;
  };

  auto on_start() {
    return [this](const WorkerInfo& info) { note(info, &Entry::starts); };
  }
  auto on_stop() {
    return [this](const WorkerInfo& info) { note(info, &Entry::stops); };
  }

  std::map<std::string, Entry> entries() {
    const std::lock_guard lock(mutex_);
    return entries_;
  }

 private:
  void note(const WorkerInfo& info, std::vector<std::thread::id> Entry::*list) {
    const std::lock_guard lock(mutex_);
    Entry& entry = entries_[std::string(info.name)];
    entry.name = info.name;
    entry.index = info.index;
    entry.is_substitute = info.is_substitute;
    entry.native = name_of_this_thread();
    (entry.*list).push_back(std::this_thread::get_id());
  }

  std::mutex mutex_;
  std::map<std::string, Entry> entries_;
};

}  // namespace

TEST_CASE("each worker calls its start hook before its first job and its stop hook after its last, once", "[hooks]") {
  Roll roll;
  std::optional<WorkerPool> pool;
  const bool is_shared = GENERATE(false, true);
  if (is_shared) {
    pool.emplace(windlass::WorkerPoolOptions{
        .name = "mail", .workers = 3, .on_worker_start = roll.on_start(), .on_worker_stop = roll.on_stop()});
  }
  std::atomic<int> unannounced{0};
  std::mutex mutex;
  std::set<std::thread::id> threads;
  {
    windlass::QueueOptions<int> options{.pool = is_shared ? &*pool : nullptr};
    if (!is_shared) {
      options.name = "mail";
      options.workers = 3;
      options.on_worker_start = roll.on_start();
      options.on_worker_stop = roll.on_stop();
    }
    JobQueue<int> queue{[&](const int&) {
                          const std::lock_guard lock(mutex);
                          threads.insert(std::this_thread::get_id());
                          int known = 0;
                          for (const auto& [name, entry] : roll.entries()) {
                            known += !entry.starts.empty() && entry.starts[0] == std::this_thread::get_id() ? 1 : 0;
                            unannounced += entry.stops.empty() ? 0 : 1;
                          }
                          unannounced += known == 1 ? 0 : 1;
                        },
                        std::move(options)};
    for (int n = 0; n < 50; ++n) queue.enqueue(n).or_throw();
    CHECK(queue.drain_for(10s));
    CHECK(await([&] { return roll.entries().size() == 3; }));  // one may not have come up yet
  }
  pool.reset();
  CHECK(unannounced == 0);
  const auto entries = roll.entries();
  REQUIRE(entries.size() == 3);
  for (std::uint32_t index = 0; index < 3; ++index) {
    const auto& entry = entries.at("mail-" + std::to_string(index));
    CHECK(entry.index == index);
    CHECK_FALSE(entry.is_substitute);
    CHECK(entry.starts.size() == 1);
    CHECK(entry.stops == entry.starts);  // the same thread
    threads.erase(entry.starts[0]);
#if defined(__linux__)
    CHECK(entry.native == entry.name);
#endif
  }
  CHECK(threads.empty());
}

TEST_CASE("a substitute has hooks and a name of its own", "[hooks]") {
  Roll roll;
  Signal go_on;
  std::string substitute;
  {
    JobQueue<int> queue{[&](const int& n) {
                          if (n == 0) {
                            go_on.wait();
                          } else {
                            substitute = name_of_this_thread();
                          }
                        },
                        {.name = "mail",
                         .lease = 5ms,
                         .on_hung = [](const HungInfo&) { return OnHung::wait; },
                         .on_worker_start = roll.on_start(),
                         .on_worker_stop = roll.on_stop()}};
    queue.enqueue(0).or_throw();
    queue.enqueue(1).or_throw();
    CHECK(await([&] { return queue.stats().done == 1; }));
    go_on.set();
  }
  const auto entries = roll.entries();
  REQUIRE(entries.size() == 2);
  const auto& entry = entries.at("mail-s0");
  CHECK(entry.index == 0);
  CHECK(entry.is_substitute);
  CHECK(entry.starts.size() == 1);
  CHECK(entry.stops == entry.starts);
#if defined(__linux__)
  CHECK(entry.native == "mail-s0");
  CHECK(substitute == "mail-s0");
#endif
}

#if defined(__linux__)
TEST_CASE("a long name is cut for the system, and whole in the hooks", "[hooks]") {
  Roll roll;
  const std::string name(95, 'n');
  { const JobQueue<> queue{{.name = name, .on_worker_start = roll.on_start()}}; }
  const auto entries = roll.entries();
  REQUIRE(entries.size() == 1);
  CHECK(entries.begin()->first == name);  // 95 bytes, its number did not fit
  CHECK(entries.begin()->second.native == std::string(15, 'n'));
}
#endif

TEST_CASE("hooks that throw stop no worker and no queue", "[hooks]") {
  std::atomic<int> called{0}, ran{0};
  const auto grumble = [&](const WorkerInfo&) {
    ++called;
    throw 42;
  };
  {
    JobQueue<> queue{{.workers = 2, .on_worker_start = grumble, .on_worker_stop = grumble}};
    for (int n = 0; n < 10; ++n) queue.enqueue([&] { ++ran; }).or_throw();
    CHECK(queue.drain_for(10s));
    CHECK(await([&] { return called == 2; }));
    CHECK(await([&] { return queue.stats().user_errors == 2; }));  // counted when the hook has thrown
  }
  CHECK(ran == 10);
  CHECK(called == 4);
}
