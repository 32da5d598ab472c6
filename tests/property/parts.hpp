#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <utility>

#include "../history/recorder.hpp"
#include "../job_queue/puppet.hpp"
#include "model_job.hpp"
#include "rows.hpp"
#include "windlass/observer.hpp"
#include "windlass/stop.hpp"
#include "windlass/testing.hpp"
#include "windlass/traits.hpp"

namespace property {

/// A payload: its job's number. Counts those that are alive.
template <bool can_copy>
class Token {
 public:
  static inline std::atomic<int> live{0};

  explicit Token(std::uint32_t number) : number_(number) { ++live; }
  Token(Token&& other) noexcept : number_(other.number_) { ++live; }
  Token(const Token& other) requires can_copy : number_(other.number_) { ++live; }
  Token& operator=(const Token&) = delete;
  ~Token() { --live; }

  [[nodiscard]] std::uint32_t number() const noexcept { return number_; }

 private:
  std::uint32_t number_;
};

/// Records every event, and passes it on.
class Watcher {
 public:
  void tell(history::Recorder& recorder, std::function<void(windlass::Event, windlass::JobId)> hear) {
    record_.write_to(recorder);
    hear_ = std::move(hear);
  }
  void operator()(const windlass::Observation& seen) {
    record_(seen);
    if (hear_) hear_(seen.event, seen.id);
  }

 private:
  history::Observer record_;
  std::function<void(windlass::Event, windlass::JobId)> hear_;
};

/// What of a queue is fixed when it is compiled.
template <bool can_copy_, bool at_most_once_, windlass::LaneOrder order = windlass::LaneOrder::strict>
struct Shape {
  static constexpr bool can_copy = can_copy_;
  static constexpr bool at_most_once = at_most_once_;
  static constexpr windlass::Lanes lanes{3, order, {2, 3, 1}};
};
using Usual = Shape<true, false>;
using MoveOnly = Shape<false, false>;
using AtMostOnce = Shape<false, true>;
using Weighted = Shape<true, false, windlass::LaneOrder::weighted>;

template <class Of>
struct PropertyTraits : windlass::DefaultTraits {
  using Observer = Watcher;
  using Atomics = CountedAtomics;
  static constexpr bool at_most_once = Of::at_most_once;
  static constexpr windlass::Lanes lanes = Of::lanes;
};

template <class Of>
using Tested = windlass::testing::ManualQueue<Token<Of::can_copy>, windlass::testing::ManualTraits<PropertyTraits<Of>>>;

/// A run that is inside, or a pulled lease: what it is known by, and when it may and must lose its job. All times are
/// as if the clock never had jumped.
struct Grip {
  Run run{};
  windlass::JobId id{};
  Time not_before{};  // lost
  Time not_after{};   // still there, once somebody has looked
  Time began{};
  Duration lease{};
  Duration max_runtime{};
  bool is_told = false;  // to stop, for another reason: its token does not say when it is lost
};

}  // namespace property
