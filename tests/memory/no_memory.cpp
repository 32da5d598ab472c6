// An executable of its own, for it replaces the global allocation functions: what a queue asks them for once it is
// built is counted, or refused.

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <new>
#include <optional>
#include <stdexcept>
#include <string>

#include "await.hpp"
#include "catch.hpp"
#include "windlass/dead_letter_box.hpp"
#include "windlass/testing.hpp"

namespace {

std::atomic<bool> refuses_memory{false};
std::atomic<std::uint64_t> requests{0};

// A request for memory, of whatever thread; whether it may be granted.
bool may_grant() noexcept {
  requests.fetch_add(1, std::memory_order_relaxed);
  return !refuses_memory.load(std::memory_order_relaxed);
}

// While one lives, no memory is to be had.
struct NoMemory {
  NoMemory() noexcept { refuses_memory = true; }
  ~NoMemory() { refuses_memory = false; }
};

}  // namespace

// With glibc, and no sanitizer that does the same, malloc itself is replaced; elsewhere only operator new.
#if defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
#define WINDLASS_TEST_SANITIZED
#endif
#endif
#if defined(__GLIBC__) && !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__) && \
    !defined(WINDLASS_TEST_SANITIZED)
extern "C" {
void* __libc_malloc(std::size_t);
void* __libc_calloc(std::size_t, std::size_t);
void* __libc_realloc(void*, std::size_t);
void* malloc(std::size_t size) { return may_grant() ? __libc_malloc(size) : nullptr; }
void* calloc(std::size_t count, std::size_t size) { return may_grant() ? __libc_calloc(count, size) : nullptr; }
void* realloc(void* block, std::size_t size) { return may_grant() ? __libc_realloc(block, size) : nullptr; }
}
#else
void* operator new(std::size_t size) {
  if (may_grant()) {
    if (void* const block = std::malloc(size == 0 ? 1 : size)) return block;
  }
  throw std::bad_alloc{};
}
void* operator new(std::size_t size, const std::nothrow_t&) noexcept {
  return may_grant() ? std::malloc(size == 0 ? 1 : size) : nullptr;
}
void* operator new[](std::size_t size) { return operator new(size); }
void* operator new[](std::size_t size, const std::nothrow_t& tag) noexcept { return operator new(size, tag); }
void operator delete(void* block) noexcept { std::free(block); }
void operator delete(void* block, std::size_t) noexcept { std::free(block); }
void operator delete(void* block, const std::nothrow_t&) noexcept { std::free(block); }
void operator delete[](void* block) noexcept { std::free(block); }
void operator delete[](void* block, std::size_t) noexcept { std::free(block); }
void operator delete[](void* block, const std::nothrow_t&) noexcept { std::free(block); }
#endif

using namespace std::chrono_literals;
using windlass::DeadLetter;
using windlass::DeadLetterBox;
using windlass::Delivery;
using windlass::FixedDelay;
using windlass::JobId;
using windlass::JobQueue;
using windlass::Outcome;
using windlass::Priority;
using windlass::Stats;
using windlass::testing::ManualQueue;

namespace {

constexpr int count = 1000;

// Does everything once that a job can do without an exception; by its number.
Outcome act(int n, Delivery& delivery) {
  const bool is_first = delivery.attempt() == 1;
  switch (n % 8) {
    case 0:
      return is_first ? Outcome::retry("once more") : Outcome::done();
    case 1:
      return is_first ? Outcome::retry_after(1ms, "in a while") : Outcome::done();
    case 2:
      return Outcome::dead("a reason of a length that no short string has room for");
    case 3:
      return Outcome::retry("always");
    case 4:
      return Outcome::discard();
    case 5:
      return delivery.extend(1s) && delivery.try_commit() ? Outcome::done() : Outcome::dead();
    default:
      return Outcome::done();
  }
}

// Enqueues `count` jobs in every way, and cancels some.
template <class Queue>
void fill(Queue& queue) {
  for (int n = 0; n < count; ++n) {
    windlass::EnqueueOptions options;
    if (n % 3 == 0) options.delay = 1ms;
    if (n % 5 == 0) options.priority = Priority::high;
    if (n % 7 == 0) options.retry_for = 1h;
    const auto result = queue.try_enqueue(n, options);
    if (n % 8 == 7) (void)queue.cancel(result.id());
  }
}

}  // namespace

TEST_CASE("the counting allocator counts and refuses", "[memory]") {
  const char* volatile seen = nullptr;  // what nobody can see need not be allocated
  const std::uint64_t before = requests;
  const std::string text(1000, 'x');
  seen = text.data();
  CHECK(requests > before);
  CHECK(seen != nullptr);
  bool refused = false;
  {
    const NoMemory none;
    try {
      const std::string more(1000, 'x');
      seen = more.data();
    } catch (const std::bad_alloc&) {
      refused = true;
    }
  }
  CHECK(refused);
}

TEST_CASE("a queue allocates nothing once it is built", "[memory]") {
  DeadLetterBox<int> box;
  JobQueue<int> queue{act, {.workers = 2, .max_failures = 3, .retry = FixedDelay{1ms}, .dead_letters = &box}};
  const std::uint64_t before = requests;
  fill(queue);
  const bool drained = static_cast<bool>(queue.drain_for(10s));
  const Stats stats = queue.stats();
  const std::size_t taken = box.take(count, [](DeadLetter<int>&&) {});
  const std::uint64_t after = requests;
  REQUIRE(drained);
  CHECK(after - before == 0);
  CHECK(taken == 250);
  CHECK(stats.dead == 250);
  CHECK(stats.discarded == 125);
  CHECK(stats.done + stats.cancelled == 625);
  CHECK(stats.retries == 500);
}

TEST_CASE("a queue of callables allocates nothing once it is built", "[memory]") {
  JobQueue<> queue{{.max_failures = 2, .retry = FixedDelay{1ms}}};
  std::atomic<int> runs{0};
  const std::uint64_t before = requests;
  for (int n = 0; n < count; ++n) {
    (void)queue.enqueue([&runs, n] {
      ++runs;
      return n % 2 == 0 ? Outcome::done() : Outcome::retry("no");
    });
  }
  const bool drained = static_cast<bool>(queue.drain_for(10s));
  const std::uint64_t after = requests;
  REQUIRE(drained);
  CHECK(after - before == 0);
  CHECK(runs == count + count / 2);
}

TEST_CASE("hangs, pulled leases, pumping and pausing allocate nothing", "[memory]") {
  DeadLetterBox<int> box;
  ManualQueue<int> queue{[](int) { return Outcome::snooze(1s); },
                         {.lease = 1s, .retry = FixedDelay{}, .dead_letters = &box}};
  std::array<std::optional<windlass::Lease<int, windlass::testing::ManualTraits<>>>, 100> leases;
  const std::uint64_t before = requests;
  for (int n = 0; n < 100; ++n) (void)queue.try_enqueue(n);
  for (int hang = 0; hang < 2; ++hang) {
    for (auto& lease : leases) {
      auto reserved = queue.try_reserve();
      if (reserved) lease.emplace(std::move(*reserved));
    }
    queue.clock().advance(1s + 1ms);
    queue.pause();
    (void)queue.pump();
    queue.resume();
    for (auto& lease : leases) lease.reset();
  }
  const std::uint64_t after = requests;
  CHECK(after - before == 0);
  CHECK(queue.stats().expiries == 200);
  CHECK(queue.stats().dead == 100);
  CHECK(box.size() == 100);
}

TEST_CASE("with no memory left 1,000 jobs fail, retry and become dead letters, and none is lost", "[memory]") {
  std::array<std::atomic<int>, count> letters{};
  std::array<std::atomic<int>, count> runs{};
  enum class Way { returns, throws_number, throws_text };
  for (const Way way : {Way::returns, Way::throws_number, Way::throws_text}) {
    CAPTURE(static_cast<int>(way));
    for (auto& n : letters) n = 0;
    for (auto& n : runs) n = 0;
    const auto handler = [&](int n) {
      ++runs[static_cast<std::size_t>(n)];
      if (way == Way::throws_number) throw 42;
      if (way == Way::throws_text) throw std::runtime_error(std::string(100, 'x'));  // of which bad_alloc comes
      return Outcome::retry("no");
    };
    const auto sink = [&](const DeadLetter<int>& letter) {
      if (letter.failures == 3 && letter.payload) ++letters[static_cast<std::size_t>(*letter.payload)];
    };
    JobQueue<int> queue{handler, {.workers = 2, .max_failures = 3, .retry = FixedDelay{1ms}, .dead_letters = sink}};
    bool drained = false;
    {
      const NoMemory none;
      for (int n = 0; n < count; ++n) (void)queue.try_enqueue(n);
      drained = static_cast<bool>(queue.drain_for(10s));
    }
    REQUIRE(drained);
    int others = 0;
    for (const auto& n : letters) others += n == 1 ? 0 : 1;
    for (const auto& n : runs) others += n == 3 ? 0 : 1;
    CHECK(others == 0);
    const Stats stats = queue.stats();
    CHECK(stats.accepted == count);
    CHECK(stats.dead == count);
    CHECK(stats.kept == 0);
  }
}

TEST_CASE("with no memory left a sink that throws loses no letter", "[memory]") {
  std::atomic<bool> is_broken{true};
  std::array<std::atomic<int>, count> letters{};
  JobQueue<int> queue{[](int) { return Outcome::dead("no"); }, {.dead_letters = [&](const DeadLetter<int>& letter) {
                        if (is_broken) throw 42;
                        ++letters[static_cast<std::size_t>(letter.payload.value())];
                      }}};
  std::uint64_t kept = 0;
  std::uint32_t taken = 0;
  {
    const NoMemory none;
    for (int n = 0; n < count; ++n) (void)queue.try_enqueue(n);
    (void)queue.drain_for(10s);
    kept = queue.stats().kept;
    is_broken = false;
    taken = queue.retry_kept();
  }
  CHECK(kept == count);
  CHECK(taken == count);
  int others = 0;
  for (const auto& n : letters) others += n == 1 ? 0 : 1;
  CHECK(others == 0);
}

TEST_CASE("with no memory left for a substitute a hung job loses its lease and is run again later", "[memory]") {
  std::atomic<bool> is_inside{false};
  std::atomic<bool> may_return{false};
  JobQueue<int> queue{[&](int, Delivery& delivery) {
                        if (delivery.attempt() > 1) return Outcome::done();
                        is_inside = true;
                        (void)await([&] { return may_return.load(); });
                        return Outcome::retry("too late");
                      },
                      {.workers = 1, .lease = 100ms, .retry = FixedDelay{}}};
  bool was_degraded = false;
  {
    const NoMemory none;
    (void)queue.try_enqueue(1);
    was_degraded = await([&] { return queue.stats().is_degraded; });
  }
  CHECK(was_degraded);
  CHECK(is_inside);
  CHECK(await([&] { return queue.stats().done == 1; }));  // by a substitute, now that one can be had
  CHECK(queue.stats().expiries == 1);
  CHECK(queue.stats().hung == 1);
  may_return = true;
}
