#pragma once

#include <algorithm>
#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "sha256.hpp"

namespace hash_tree {

/// What goes wrong, on purpose, in one attempt at a file.
enum class Trouble : std::uint8_t {
  none,
  exception,          ///< The handler throws.
  failure,            ///< The handler returns `retry`.
  hang_then_commit,   ///< It sleeps past its lease, deaf to the stop token, then hashes and finds its commit refused.
  hang_then_fail,     ///< It sleeps past its lease, then returns `retry`, which nobody heeds any more.
  hang_after_commit,  ///< It sleeps for as long between commit and output; nobody may take the job from it.
};

/// The troubles of one file: the first of its first attempt, and so on. Later attempts have none.
using Troubles = std::array<Trouble, 2>;

/// The lease under chaos, and how long a hang lasts at least.
inline constexpr std::chrono::milliseconds chaos_lease{30};
inline constexpr std::chrono::milliseconds chaos_hang{120};

namespace detail {

/// The trouble in store for the file that `seed` drew as number `rank` of `count`: a few hang, each way equally
/// often; then one in ten throws, one in ten fails.
[[nodiscard]] inline Trouble draw_trouble(std::size_t rank, std::size_t count) noexcept {
  const std::size_t hangs = std::clamp<std::size_t>(count / 32, 1, 3);  // of each kind, so that a run stays short
  const std::size_t tenth = count / 10 + 1;
  if (rank < hangs) return Trouble::hang_then_commit;
  if (rank < 2 * hangs) return Trouble::hang_then_fail;
  if (rank < 3 * hangs) return Trouble::hang_after_commit;
  if (rank < 3 * hangs + tenth) return Trouble::exception;
  if (rank < 3 * hangs + 2 * tenth) return Trouble::failure;
  return Trouble::none;
}

}  // namespace detail

/// Draws each file's troubles, in the order of `files`; the same seed and paths give the same troubles.
///
/// Twenty files are enough for each kind of trouble to occur. Every other troubled file has a second attempt that
/// throws or fails as well.
[[nodiscard]] inline std::vector<Troubles> draw_troubles(std::uint64_t seed, const std::vector<std::string>& files) {
  std::vector<std::pair<Sha256::Digest, std::size_t>> order;  // SHA-256, because it is at hand and the same everywhere
  order.reserve(files.size());
  for (std::size_t i = 0; i < files.size(); ++i) {
    const std::string drawn = std::to_string(seed) + ' ' + files[i];
    Sha256 sum;
    sum.update(drawn.data(), drawn.size());
    order.emplace_back(sum.finish(), i);
  }
  std::sort(order.begin(), order.end());

  std::vector<Troubles> troubles(files.size());
  for (std::size_t rank = 0; rank < order.size(); ++rank) {
    Troubles& drawn = troubles[order[rank].second];
    drawn[0] = detail::draw_trouble(rank, files.size());
    if (drawn[0] == Trouble::none) break;
    if (rank % 2 == 0) drawn[1] = rank % 4 == 0 ? Trouble::exception : Trouble::failure;
  }
  return troubles;
}

}  // namespace hash_tree
