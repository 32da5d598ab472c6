// Single words that threads meet in, each by itself: the gate, stops, and SeqCst.

#include <cstdint>
#include <functional>

#include "catch.hpp"
#include "traits.hpp"
#include "windlass/detail/job/gate.hpp"
#include "windlass/detail/job/job_store.hpp"
#include "windlass/detail/machines/seq_cst.hpp"
#include "windlass/stop.hpp"

namespace {

using interleave::check;
using interleave::checked;
using interleave::Run;
using Word = windlass::detail::SeqCst<int>;

// Each of two threads does something to one word and looks at the other: one of them sees what the other did.
void explore_store_buffering(const std::function<void(Word&)>& act, const std::function<int(Word&)>& look) {
  interleave::explore({.depth_first = 20'000, .random = 0}, [&](Run& run) {
    Word x{0}, y{0};
    int a = -1, b = -1;
    run.thread([&] {
      act(x);
      a = look(y);
    });
    run.thread([&] {
      act(y);
      b = look(x);
    });
    run.join();
    check(a == 1 || b == 1, "neither has seen what the other did");
  });
}

int load(Word& word) { return word.load(); }

}  // namespace

TEST_CASE("words: every operation of SeqCst has a place in the one total order", "[queue]") {
  explore_store_buffering([](Word& word) { word.store(1); }, load);
  explore_store_buffering([](Word& word) { word.exchange(1); }, load);
  explore_store_buffering([](Word& word) { word.fetch_add(1); }, load);
  explore_store_buffering([](Word& word) { word.fetch_sub(-1); }, load);
  explore_store_buffering(
      [](Word& word) {
        int seen = 0;
        check(word.compare_exchange(seen, 1), "it was zero");
      },
      load);
  explore_store_buffering([](Word& word) { word.store(1); },
                          [](Word& word) {  // as it fails
                            int seen = 2;
                            check(!word.compare_exchange(seen, 3), "it never was two");
                            return seen;
                          });
}

TEST_CASE("words: what was done inside the gate comes before what follows when it is shut", "[queue]") {
  interleave::explore({.depth_first = 20'000, .random = 200}, [](Run& run) {
    windlass::detail::Gate gate;
    checked<int> visits{0};
    bool was_inside = false;
    run.thread([&] {
      const windlass::detail::Gate::Visit visit(gate);
      if (!visit) return;
      visits.set(1);
      was_inside = true;
    });
    run.thread([&] {
      gate.shut();
      check(visits.get() == (was_inside ? 1 : 0), "somebody is still inside");
      visits.set(2);
    });
    run.join();
    check(visits.get() == 2, "somebody came in later");
  });
}

TEST_CASE("words: who learns that it shall stop sees what was done before it was asked", "[queue]") {
  interleave::explore({.depth_first = 20'000, .random = 200}, [](Run& run) {
    windlass::StopSource source;
    checked<int> data{0};
    run.thread([&] {
      data.set(1);
      check(source.request_stop(), "somebody else asked");
    });
    run.thread([&, token = source.token()] {
      if (token.stop_requested()) check(data.get() == 1, "outdated");
    });
    run.join();
  });
}

TEST_CASE("words: a round that is over, or was asked already, is not asked to stop", "[queue]") {
  interleave::explore({.depth_first = 20'000, .random = 200}, [](Run& run) {
    using windlass::StopReason;
    windlass::detail::StopState state;
    const std::uint64_t first = state.begin_round();
    bool told_first = false, told_again = false;
    std::uint64_t second = 0;
    run.thread([&] { told_first = state.request(first, StopReason::user); });
    run.thread([&] { told_again = state.request(first, StopReason::shutdown); });
    run.thread([&] { second = state.begin_round(); });
    run.join();
    check(!(told_first && told_again), "asked twice");
    check(state.reason(second) == StopReason::none, "asked for what concerns another round");
  });
}

TEST_CASE("words: who finds the stop state of a slot finds it made", "[queue]") {
  interleave::explore({.depth_first = 20'000, .random = 200}, [](Run& run) {
    windlass::detail::JobStore<int, interleave::QueueTraits> store(1, {});
    run.thread([&] { (void)store.make_stop(0).begin_round(); });
    run.thread([&] {
      if (windlass::detail::StopState* const state = store.stop(0)) check(state->round() <= 1, "another's");
    });
    run.join();
  });
}
