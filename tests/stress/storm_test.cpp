#include "storm.hpp"

#include <cinttypes>
#include <cstdint>
#include <cstdio>
#include <string>

#include "../catch.hpp"
#include "../lane.hpp"
#include "../proc.hpp"

using stress::Storm;

namespace {

// Storms until so many jobs were accepted, one after the other; what was wrong in the first in which something was.
template <bool is_recorded, class Each>
std::string storm(std::uint64_t seed, std::uint64_t jobs, std::uint64_t of_one, Each each) {
  windlass::Stats sums;
  std::uint64_t storms = 0;
  std::string wrong;
  for (; sums.accepted < jobs && wrong.empty(); ++storms) {
    Storm<is_recorded> one(seed + storms, of_one);
    wrong = one.run();
    if (!wrong.empty()) wrong = "WINDLASS_SEED=" + std::to_string(seed + storms) + ": " + wrong;
    const windlass::Stats& stats = one.stats();
    sums.accepted += stats.accepted;
    sums.done += stats.done;
    sums.dead += stats.dead;
    sums.cancelled += stats.cancelled;
    sums.expiries += stats.expiries;
    sums.stale_settles += stats.stale_settles;
    each(storms);
  }
  std::printf("storm: %" PRIu64 " jobs in %" PRIu64 " queues from seed %" PRIu64 " on: done %" PRIu64 ", dead %" PRIu64
              ", cancelled %" PRIu64 ", expiries %" PRIu64 ", stale settles %" PRIu64 "\n",
              sums.accepted, storms, seed, sums.done, sums.dead, sums.cancelled, sums.expiries, sums.stale_settles);
  CHECK(sums.expiries > 0);
  CHECK(sums.cancelled > 0);
  CHECK(sums.dead > 0);
  return wrong;
}

}  // namespace

TEST_CASE("in a storm of all operations every law holds of every job", "[stress][storm]") {
  const std::string wrong =
      storm<true>(lane::seed(1), lane::amount(1'000'000, 100'000, 10'000), 1'000, [](std::uint64_t) {});
  INFO(wrong);
  CHECK(wrong.empty());
}

TEST_CASE("in a storm of all operations no job is lost and memory does not grow", "[stress][storm]") {
  std::uint64_t warm = 0;
  std::uint64_t last = 0;
  const std::string wrong = storm<false>(lane::seed(1), lane::amount(10'000'000, 100'000, 10'000),
                                         lane::amount(100'000, 10'000, 2'000), [&](std::uint64_t storms) {
                                           last = proc::resident_bytes();
                                           if (storms == 3) warm = last;
                                         });
  INFO(wrong);
  CHECK(wrong.empty());
  std::printf("resident: %" PRIu64 " KiB after the fourth storm, %" PRIu64 " KiB at the end\n", warm >> 10U,
              last >> 10U);
  const bool has_own_allocator = is_thread_sanitized || is_address_sanitized;  // which keeps what is freed
  if (!has_own_allocator) CHECK(last < warm + (std::uint64_t{8} << 20U));
}
