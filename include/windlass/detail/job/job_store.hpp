#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <memory>
#include <new>
#include <optional>
#include <span>
#include <type_traits>
#include <utility>

#include "../machines/free_list.hpp"
#include "../machines/index_ring.hpp"
#include "../machines/timing_wheel.hpp"
#include "slot.hpp"
#include "windlass/stop.hpp"

namespace windlass::detail {

/// The memory of a queue: slots, wheel nodes, stop states and ring cells in one block that is never given up or
/// grown. Zeroed pages are valid for all of it, so what is never used costs no memory.
template <class Payload, class Traits>
class JobStore {
 public:
  using Policy = typename Traits::Atomics;
  using Hot = HotSlot<Payload, Policy>;
  using Ring = IndexRing<Policy>;
  using Free = FreeList<Policy>;

  static constexpr std::uint32_t lanes = Traits::lanes.count;
  static_assert(lanes >= 1 && lanes <= 8, "windlass: Traits::lanes.count must be 1 to 8");

  /// Bytes that `capacity` jobs need, alignment included.
  [[nodiscard]] static constexpr std::size_t required_bytes(std::uint32_t capacity) noexcept {
    return layout(capacity).end + alignment;
  }

  /// `memory` is empty, or at least required_bytes(capacity).
  JobStore(std::uint32_t capacity, std::span<std::byte> memory)
      : owned_(memory.empty() ? allocate(required_bytes(capacity)) : nullptr),
        base_(align(memory.empty() ? owned_.get() : clear(memory))),
        free(&at<Hot>(layout(capacity).hot)->link, capacity, sizeof(Hot)),
        errands(cells(capacity, lanes), Ring::cells_for(capacity)) {
    const Layout where = layout(capacity);
    hot_ = at<Hot>(where.hot);
    cold_ = base_ + where.cold;
    errors_ = base_ + where.errors;
    stops_ = base_ + where.stops;
    nodes = at<WheelNode>(where.nodes);
    for (std::uint32_t i = 0; i < lanes; ++i) ready[i].emplace(cells(capacity, i), Ring::cells_for(capacity));
  }
  JobStore(const JobStore&) = delete;
  JobStore& operator=(const JobStore&) = delete;
  ~JobStore() {
    for (std::uint32_t slot = 0; slot < free.used(); ++slot) {
      if (StopState* const state = stop(slot)) std::destroy_at(state);
    }
  }

  [[nodiscard]] Hot& hot(std::uint32_t slot) noexcept { return hot_[slot]; }

  /// The lane of the job in `slot`.
  [[nodiscard]] Ring& lane(std::uint32_t slot) noexcept { return *ready[hot_[slot].lane]; }

  /// A hint that what every job touches of `slot` will be wanted soon; nothing for `no_slot`.
  void prefetch(std::uint32_t slot) const noexcept {
    if (slot == no_slot) return;
    const auto* const first = reinterpret_cast<const std::byte*>(&hot_[slot]);
    will_write(first);
    will_write(first + (std::min)(sizeof(Hot), std::size_t{64}) - 1);
  }

  /// The same for what only jobs with options touch.
  void prefetch_cold(std::uint32_t slot) const noexcept {
    will_write(cold_ + std::size_t{slot} * sizeof(ColdSlot));
    will_write(&nodes[2 * slot]);
  }

  /// The cold slot, made new if the job had none so far.
  [[nodiscard]] ColdSlot& cold(std::uint32_t slot) noexcept {
    std::byte* const place = cold_ + std::size_t{slot} * sizeof(ColdSlot);
    if (!hot_[slot].has_cold) {
      hot_[slot].has_cold = true;
      return *::new (static_cast<void*>(place)) ColdSlot{};
    }
    return *std::launder(reinterpret_cast<ColdSlot*>(place));
  }

  /// What the failures of the job in `slot` said, made new if nothing so far. Its cold slot is valid.
  [[nodiscard]] ErrorTexts& errors(std::uint32_t slot) noexcept {
    std::byte* const place = errors_ + std::size_t{slot} * sizeof(ErrorTexts);
    if (std::exchange(cold(slot).has_errors, true)) return *std::launder(reinterpret_cast<ErrorTexts*>(place));
    return *::new (static_cast<void*>(place)) ErrorTexts{};
  }

  /// The stop state of the pulled leases of `slot`, one after the other; null if none ever was.
  [[nodiscard]] StopState* stop(std::uint32_t slot) noexcept {
    if (!hot_[slot].has_stop.load(std::memory_order_acquire)) return nullptr;  // [pull.made] acquire
    return std::launder(reinterpret_cast<StopState*>(stops_ + std::size_t{slot} * sizeof(StopState)));
  }

  /// The same, made if none ever was; by whoever popped the number. It stays until the queue is gone, for tokens do.
  [[nodiscard]] StopState& make_stop(std::uint32_t slot) {
    if (StopState* const state = stop(slot)) return *state;
    auto* const made = ::new (static_cast<void*>(stops_ + std::size_t{slot} * sizeof(StopState))) StopState{};
    hot_[slot].has_stop.store(true, std::memory_order_release);  // [pull.made] release, pairs with stop()
    return *made;
  }

 private:
  static constexpr std::size_t alignment = alignof(Hot) > cache_line ? alignof(Hot) : cache_line;
  static_assert(std::is_trivially_destructible_v<ColdSlot> && std::is_trivially_destructible_v<ErrorTexts>);
  static_assert(alignof(StopState) <= alignment);

  struct Layout {
    std::size_t hot, cold, errors, nodes, stops, cells, end;
  };
  [[nodiscard]] static constexpr std::size_t up(std::size_t n) noexcept {
    return (n + alignment - 1) & ~(alignment - 1);
  }
  [[nodiscard]] static constexpr Layout layout(std::size_t capacity) noexcept {
    Layout at{};
    at.cold = up(capacity * sizeof(Hot));
    at.errors = up(at.cold + capacity * sizeof(ColdSlot));
    at.nodes = up(at.errors + capacity * sizeof(ErrorTexts));
    at.stops = up(at.nodes + 2 * capacity * sizeof(WheelNode));
    at.cells = up(at.stops + capacity * sizeof(StopState));
    const auto ring = static_cast<std::size_t>(Ring::cells_for(static_cast<std::uint32_t>(capacity)));
    at.end = at.cells + (lanes + 1) * ring * sizeof(typename Ring::Cell);
    return at;
  }

  struct Release {
    void operator()(std::byte* block) const noexcept { std::free(block); }
  };
  static std::byte* allocate(std::size_t bytes) {
    void* const block = std::calloc(bytes, 1);  // fresh zero pages: not touched before they are used
    if (block == nullptr) {
#if defined(__cpp_exceptions)
      throw std::bad_alloc{};
#else
      std::abort();
#endif
    }
    return static_cast<std::byte*>(block);
  }
  static std::byte* clear(std::span<std::byte> memory) noexcept {
    std::memset(memory.data(), 0, memory.size());
    return memory.data();
  }
  static std::byte* align(std::byte* block) noexcept {
    const auto address = reinterpret_cast<std::uintptr_t>(block);
    return block + (up(address) - address);
  }
  template <class T>
  [[nodiscard]] T* at(std::size_t offset) const noexcept {
    return std::launder(reinterpret_cast<T*>(base_ + offset));
  }
  [[nodiscard]] typename Ring::Cell* cells(std::uint32_t capacity, std::uint32_t ring) const noexcept {
    return at<typename Ring::Cell>(layout(capacity).cells) + std::size_t{ring} * Ring::cells_for(capacity);
  }

  const std::unique_ptr<std::byte, Release> owned_;
  std::byte* const base_;
  Hot* hot_ = nullptr;
  std::byte* cold_ = nullptr;
  std::byte* errors_ = nullptr;
  std::byte* stops_ = nullptr;

 public:
  WheelNode* nodes = nullptr;
  Free free;
  Ring errands;
  std::array<std::optional<Ring>, lanes> ready;
};

}  // namespace windlass::detail
