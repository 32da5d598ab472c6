// What the headers of platforms and engines define, windlass comes to terms with when it is included after them. The
// standard library does not, and comes before them. Where a macro takes the place of a call it becomes no C++ at all: a
// call of anything would pass in a template that nobody uses.

#include <algorithm>
#include <array>
#include <atomic>
#include <bit>
#include <chrono>
#include <cmath>
#include <compare>
#include <condition_variable>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <deque>
#include <exception>
#include <memory>
#include <mutex>
#include <new>
#include <optional>
#include <span>
#include <stdexcept>
#include <string>
#include <string_view>
#include <thread>
#include <type_traits>
#include <utility>
#include <vector>
#if defined(__unix__) || defined(__APPLE__)
#include <pthread.h>
#endif

// <windows.h>
#define max(a, b) (((a) > (b)) ? (a) : (b))
#define min(a, b) (((a) < (b)) ? (a) : (b))
#define small char
#define near
#define far
#define pascal
#define interface struct
#define IN
#define OUT
#define OPTIONAL
#define CALLBACK
#define VOID void
#define CONST const
#define TRUE 1
#define FALSE 0
#define DELETE 0x00010000L
#define ERROR 0
#define NO_ERROR 0L
#define IGNORE 0
#define INFINITE 0xFFFFFFFF
#define STRICT 1
#define ABSOLUTE 1
#define RELATIVE 2
#define Yield()
#define GetMessage GetMessageW
#define CreateEvent CreateEventW
#define CreateMutex CreateMutexW
#define SendMessage SendMessageW
// Unreal Engine, macOS's AssertMacros.h
#define check(expression) this must not expand
#define verify(expression) this must not expand
#define ensure(expression) this must not expand
#define require(expression, label) this must not expand
#define TEXT(text) L##text
#define PI 3.14f
// Xlib.h
#define None 0L
#define Always 2
#define Never 0
#define Success 0
#define Bool int
#define Status int
#define True 1
#define False 0
#define Complex 0
#define CurrentTime 0L
// Qt
#define signals public
#define slots
#define emit
#define foreach for
#define forever for (;;)
// <sys/sysmacros.h> of old, <sys/param.h>, <complex.h>
#define major(number) this must not expand
#define minor(number) this must not expand
#define MIN(a, b) (((a) < (b)) ? (a) : (b))
#define MAX(a, b) (((a) > (b)) ? (a) : (b))
#define I 1

#include <windlass/testing.hpp>
#include <windlass/windlass.hpp>

int main() {
  using namespace std::chrono_literals;
  windlass::DeadLetterBox<int> letters;
  windlass::testing::ManualClock clock;
  windlass::testing::ManualQueue<int> queue{[](const int& number, windlass::Delivery& delivery) {
                                              delivery.extend(1s);
                                              return number == 1 ? windlass::Outcome::done()
                                                                 : windlass::Outcome::retry();
                                            },
                                            {.max_failures = 1, .dead_letters = &letters},
                                            clock};
  queue.enqueue(1).or_throw();
  queue.enqueue(2, {.delay = 1s, .priority = windlass::Priority::high}).or_throw();
  clock.advance(1s);
  queue.run_until_idle();
  windlass::WorkerPool pool{{.workers = 1}};
  windlass::JobQueue<> jobs{{.pool = &pool}};
  jobs.enqueue([] {}).or_throw();
  const bool is_drained{jobs.drain_for(10s)};
  if ((windlass::check)(windlass::QueueOptions<int>{.capacity = 0}).field == nullptr) return 1;
  return is_drained && queue.stats().done == 1 && letters.size() == 1 ? 0 : 1;
}
