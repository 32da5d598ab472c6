#pragma once

#include <compare>
#include <cstddef>
#include <cstdint>
#include <string_view>  // for std::hash
#include <type_traits>

namespace windlass {

/// Names one job of one queue; what `enqueue` hands back and `cancel` takes.
///
/// A plain value of 16 bytes: copy it, compare it, keep it longer than the job or the queue. It owns nothing and
/// keeps nothing alive. A slot is reused for later jobs; the stamp tells them apart.
/// The order is total and means nothing beyond sorting: it is not the order in which jobs were enqueued.
class JobId {
 public:
  /// Names no job.
  constexpr JobId() noexcept = default;

  /// Names the job that holds `slot` of `queue` under `stamp`. All three zero is the same as naming no job.
  constexpr JobId(std::uint64_t stamp, std::uint32_t slot, std::uint32_t queue) noexcept
      : stamp_(stamp), slot_(slot), queue_(queue) {}

  /// Tells apart the jobs that held this slot one after the other. The same for every delivery of a job, so no fence.
  [[nodiscard]] constexpr std::uint64_t stamp() const noexcept { return stamp_; }

  /// Where in its queue's slab the job lives or lived.
  [[nodiscard]] constexpr std::uint32_t slot() const noexcept { return slot_; }

  /// Which queue of this process the job belongs to.
  [[nodiscard]] constexpr std::uint32_t queue() const noexcept { return queue_; }

  /// True if this names a job, alive or long gone.
  [[nodiscard]] constexpr explicit operator bool() const noexcept { return *this != JobId{}; }

  /// Same job.
  friend constexpr bool operator==(const JobId&, const JobId&) noexcept = default;

  /// By stamp, then slot, then queue.
  friend constexpr std::strong_ordering operator<=>(const JobId&, const JobId&) noexcept = default;

 private:
  std::uint64_t stamp_ = 0;
  std::uint32_t slot_ = 0;
  std::uint32_t queue_ = 0;
};

static_assert(sizeof(JobId) == 16 && std::is_trivially_copyable_v<JobId>);

}  // namespace windlass

/// Lets a JobId key the unordered containers.
template <>
struct std::hash<windlass::JobId> {
  /// Mixes all three fields, so that neighbouring slots and successive stamps spread over the buckets.
  [[nodiscard]] std::size_t operator()(const windlass::JobId& id) const noexcept {
    // The finaliser of splitmix64 over the stamp and, offset by its golden-ratio step, the other two.
    const std::uint64_t place = (std::uint64_t{id.queue()} << 32) | id.slot();
    return static_cast<std::size_t>(mix(id.stamp() + mix(place + 0x9e3779b97f4a7c15U)));
  }

 private:
  static constexpr std::uint64_t mix(std::uint64_t x) noexcept {
    x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9U;
    x = (x ^ (x >> 27)) * 0x94d049bb133111ebU;
    return x ^ (x >> 31);
  }
};
