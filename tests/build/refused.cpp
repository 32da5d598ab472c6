// What cannot work is refused when it is compiled. CMakeLists.txt defines one REFUSED_... at a time and looks for its
// sentence in what the compiler says; without any of them this compiles.
#include <windlass/windlass.hpp>

namespace {

struct Traits : windlass::DefaultTraits {
#if defined(REFUSED_OBSERVER)
  struct Observer {
    void operator()(int) {}
  };
#elif defined(REFUSED_TICK)
  static constexpr windlass::Duration tick{};
#elif defined(REFUSED_WEIGHT)
  static constexpr windlass::Lanes lanes{.count = 2, .order = windlass::LaneOrder::weighted, .weights = { 1, 0, 1 }};
#else
  static constexpr windlass::Lanes lanes{.count = 2, .order = windlass::LaneOrder::weighted, .weights = {1, 1, 0}};
#endif
};

}  // namespace

int main() {
  windlass::DeadLetterBox<int> box;
  const auto ignore = [](const int&) {};
#if defined(REFUSED_PAYLOAD)
  windlass::JobQueue queue{ignore, {.workers = 2}};
#elif defined(REFUSED_RETRY)
  windlass::JobQueue<int, Traits> queue{ignore, {.retry = [](int) { return 1; }}};
#elif defined(REFUSED_SINK)
  windlass::JobQueue<int, Traits> queue{ignore, {.dead_letters = box}};
#else
  windlass::JobQueue<int, Traits> queue{ignore, {.retry = windlass::NoRetry{}, .dead_letters = &box}};
  windlass::JobQueue callables;
  windlass::JobQueue pulled{windlass::QueueOptions<int>{.workers = 0}};
#endif
  return 0;
}
