#include "windlass/result.hpp"

#include <cstddef>
#include <cstdint>
#include <functional>
#include <stdexcept>
#include <string>
#include <string_view>
#include <unordered_set>
#include <vector>

#include "catch.hpp"
#include "windlass/job_id.hpp"
#include "windlass/version.hpp"

using windlass::BulkResult;
using windlass::CancelResult;
using windlass::EnqueueError;
using windlass::EnqueueResult;
using windlass::JobId;
using windlass::WaitError;
using windlass::WaitResult;

TEST_CASE("a job id that was given nothing names no job", "[job_id]") {
  CHECK_FALSE(JobId{});
  CHECK(JobId{1, 0, 0});
  CHECK(JobId{0, 1, 0});
  CHECK(JobId{0, 0, 1});
}

TEST_CASE("a job id gives back its three parts", "[job_id]") {
  const JobId id{1, 2, 3};
  CHECK(id.stamp() == 1);
  CHECK(id.slot() == 2);
  CHECK(id.queue() == 3);
}

TEST_CASE("job ids are ordered by stamp, then slot, then queue", "[job_id]") {
  CHECK((JobId{1, 9, 9} < JobId{2, 0, 0}));
  CHECK((JobId{1, 1, 9} < JobId{1, 2, 0}));
  CHECK((JobId{1, 1, 1} < JobId{1, 1, 2}));
  CHECK((JobId{1, 1, 1} == JobId{1, 1, 1}));
}

TEST_CASE("the hash of a job id tells apart ids that differ in any one part", "[job_id]") {
  const std::hash<JobId> hash;
  CHECK(hash(JobId{1, 2, 3}) == hash(JobId{1, 2, 3}));
  std::unordered_set<std::size_t> hashes;
  for (std::uint32_t i = 0; i < 100; ++i) {
    hashes.insert(hash(JobId{100U + i, 1, 1}));
    hashes.insert(hash(JobId{1, 100 + i, 1}));
    hashes.insert(hash(JobId{1, 1, 100 + i}));
  }
  CHECK(hashes.size() == 300);
}

TEST_CASE("an accepted enqueue is true and names its job", "[result]") {
  const EnqueueResult result = EnqueueResult::accepted(JobId{1, 2, 3});
  CHECK(result);
  CHECK((result.id() == JobId{1, 2, 3}));
  CHECK(result.error() == EnqueueError::none);
  CHECK(result.field().empty());
  CHECK((result.or_throw() == JobId{1, 2, 3}));
}

TEST_CASE("a refused enqueue is false, names no job and says why", "[result]") {
  const EnqueueResult result = EnqueueResult::refused(EnqueueError::invalid_options, "delay");
  CHECK_FALSE(result);
  CHECK_FALSE(result.id());
  CHECK(result.error() == EnqueueError::invalid_options);
  CHECK(result.field() == "delay");
  CHECK(EnqueueResult::refused(EnqueueError::full).field().empty());
}

#if defined(__cpp_exceptions)
TEST_CASE("or_throw on a refused enqueue throws what names the error and the option", "[result]") {
  try {
    EnqueueResult::refused(EnqueueError::invalid_options, "delay").or_throw();
    FAIL("or_throw returned");
  } catch (const windlass::EnqueueFailure& failure) {
    CHECK(std::string{failure.what()} == "windlass: enqueue refused: invalid_options: delay");
    CHECK(failure.error() == EnqueueError::invalid_options);
    CHECK(failure.field() == "delay");
  }
  CHECK_THROWS_WITH(EnqueueResult::refused(EnqueueError::full).or_throw(), "windlass: enqueue refused: full");
}

TEST_CASE("a configuration error names the bad field and why it is bad", "[result]") {
  try {
    windlass::detail::throw_config("capacity", "must be at least 1");
  } catch (const windlass::ConfigError& error) {
    CHECK(std::string{error.what()} == "windlass: capacity: must be at least 1");
    CHECK(error.field() == "capacity");
  }
  CHECK_THROWS_AS(windlass::detail::throw_config("capacity", "why"), std::invalid_argument);
  CHECK_THROWS_WITH(windlass::detail::throw_config("capacity", "why", {"queue", "mail"}),
                    "windlass: queue 'mail': capacity: why");
}
#endif

TEST_CASE("a bulk result points at the first payload that was refused", "[result]") {
  const std::vector<int> payloads{1, 2, 3};
  const BulkResult result{2, payloads.begin() + 2, EnqueueError::full};
  CHECK(result.accepted() == 2);
  CHECK(*result.first_refused() == 3);
  CHECK(result.error() == EnqueueError::full);
  CHECK(result.field().empty());
}

TEST_CASE("only a wait that is done is true", "[result]") {
  CHECK(WaitResult::done());
  CHECK(WaitResult::done().error() == WaitError::none);
  CHECK(to_string(WaitResult::done()) == "done");
  for (auto error : {WaitError::timed_out, WaitError::stopped, WaitError::closed, WaitError::would_deadlock}) {
    CHECK_FALSE(WaitResult::failed(error));
    CHECK(WaitResult::failed(error).error() == error);
    CHECK(to_string(WaitResult::failed(error)) == to_string(error));
  }
}

TEST_CASE("every result's name is its enumerator's", "[result]") {
  CHECK(to_string(EnqueueError::none) == "none");
  CHECK(to_string(EnqueueError::full) == "full");
  CHECK(to_string(EnqueueError::closed) == "closed");
  CHECK(to_string(EnqueueError::timed_out) == "timed_out");
  CHECK(to_string(EnqueueError::stopped) == "stopped");
  CHECK(to_string(EnqueueError::would_deadlock) == "would_deadlock");
  CHECK(to_string(EnqueueError::invalid_options) == "invalid_options");
  CHECK(to_string(WaitError::none) == "none");
  CHECK(to_string(WaitError::timed_out) == "timed_out");
  CHECK(to_string(WaitError::stopped) == "stopped");
  CHECK(to_string(WaitError::closed) == "closed");
  CHECK(to_string(WaitError::would_deadlock) == "would_deadlock");
  CHECK(to_string(CancelResult::cancelled) == "cancelled");
  CHECK(to_string(CancelResult::requested) == "requested");
  CHECK(to_string(CancelResult::finished) == "finished");
  CHECK(to_string(CancelResult::not_found) == "not_found");
}

TEST_CASE("the version as text is the version as numbers", "[version]") {
  const std::string numbers = std::to_string(windlass::version_major) + "." + std::to_string(windlass::version_minor) +
                              "." + std::to_string(windlass::version_patch);
  CHECK(windlass::version == numbers);
}
