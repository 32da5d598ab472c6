#pragma once

#include <atomic>

#include "atomics.hpp"

namespace windlass::detail {

/// An atomic of which every operation is sequentially consistent.
///
/// For words that the fast road never writes: of threads that meet in such words alone one may think, and they may be
/// explored, as if they took turns. Whether a weaker order would do here and there is not asked: a load costs the same
/// on x86, and everything else is rare. Lock-free.
template <class T, class Policy = StdAtomics>
class SeqCst {
 public:
  SeqCst(T initial = T{}) noexcept : word_(initial) {}
  SeqCst(const SeqCst&) = delete;
  SeqCst& operator=(const SeqCst&) = delete;

  [[nodiscard]] T load() const noexcept { return word_.load(std::memory_order_seq_cst); }
  void store(T next) noexcept { word_.store(next, std::memory_order_seq_cst); }
  /// These return what was there before.
  T exchange(T next) noexcept { return word_.exchange(next, std::memory_order_seq_cst); }
  T fetch_add(T by) noexcept { return word_.fetch_add(by, std::memory_order_seq_cst); }
  T fetch_sub(T by) noexcept { return word_.fetch_sub(by, std::memory_order_seq_cst); }
  /// True if `seen` was there, and `next` is now; else `seen` is what is there.
  [[nodiscard]] bool compare_exchange(T& seen, T next) noexcept {
    return word_.compare_exchange_strong(seen, next, std::memory_order_seq_cst, std::memory_order_seq_cst);
  }

 private:
  typename Policy::template Atomic<T> word_;
};

}  // namespace windlass::detail
