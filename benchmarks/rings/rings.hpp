#pragma once

#include <type_traits>

#include "mutex_ring.hpp"
#include "role.hpp"
#include "vyukov.hpp"
#include "windlass.hpp"
// CMake defines those whose package it has found.
#ifdef WINDLASS_BENCH_MOODYCAMEL
#include "moodycamel.hpp"
#endif
#ifdef WINDLASS_BENCH_BOOST
#include "boost.hpp"
#endif
#ifdef WINDLASS_BENCH_TBB
#include "tbb.hpp"
#endif

/// The raw queues that are compared. Each is made for so many items at most; `push` always succeeds then, `pop` is
/// false if nothing was found. Those with `has_bulk` also move many items by one call. One with a `Side` is used only
/// through that, each thread through its own.
namespace rings {

/// What the calling thread uses `ring` through.
template <class Ring>
decltype(auto) side(Ring& ring, [[maybe_unused]] Role role) {
  if constexpr (requires { typename Ring::Side; }) {
    return typename Ring::Side(ring, role);
  } else {
    return (ring);
  }
}

/// Calls `visit(std::type_identity<Ring>{})` for windlass's, then for each peer.
template <class Visit>
void for_each(Visit visit) {
  visit(std::type_identity<Windlass>{});
#ifdef WINDLASS_BENCH_MOODYCAMEL
  visit(std::type_identity<Moodycamel>{});
  visit(std::type_identity<MoodycamelTokens>{});
#endif
#ifdef WINDLASS_BENCH_CDS
  visit(std::type_identity<CdsVyukov>{});
#endif
#ifdef WINDLASS_BENCH_XENIUM
  visit(std::type_identity<XeniumVyukov>{});
#endif
#ifdef WINDLASS_BENCH_BOOST
  visit(std::type_identity<Boost>{});
#endif
#ifdef WINDLASS_BENCH_TBB
  visit(std::type_identity<TbbQueue>{});
  visit(std::type_identity<TbbBoundedQueue>{});
#endif
  visit(std::type_identity<MutexRing>{});
}

}  // namespace rings
