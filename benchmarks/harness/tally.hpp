#pragma once

#include <atomic>
#include <chrono>
#include <cstdint>
#include <deque>
#include <mutex>
#include <thread>
#include <vector>

namespace harness {

/// What the jobs of a program have done: how many ran, and the sum of their numbers.
struct Tally {
  std::uint64_t count = 0;
  std::uint64_t sum = 0;

  friend bool operator==(const Tally&, const Tally&) = default;
  friend Tally operator-(const Tally& a, const Tally& b) { return {a.count - b.count, a.sum - b.sum}; }

  /// What jobs that are numbered 0 to `jobs` - 1 leave behind when each has run once.
  static Tally of(std::uint64_t jobs) { return {jobs, jobs == 0 ? 0 : jobs * (jobs - 1) / 2}; }
};

/// Where jobs count themselves. Each thread has a line of its own, so that counting costs next to nothing.
class TallyBoard {
 public:
  /// Counts a job with this number. Wait-free, but for a thread's first call.
  static void add(std::uint64_t number) {
    Line& line = *mine().line;
    // Only this thread writes the line. [tally] release: who sees the count sees the sum, and what the job wrote.
    line.sum.store(line.sum.load(std::memory_order_relaxed) + number, std::memory_order_relaxed);
    line.count.store(line.count.load(std::memory_order_relaxed) + 1, std::memory_order_release);
  }

  /// What takes memory in a thread's first add(), so that no later one does.
  static void enter() { (void)mine(); }

  /// All that was counted so far, by threads that are gone, too.
  static Tally total() {
    Board& board = TallyBoard::board();
    const std::lock_guard lock(board.mutex);
    Tally total;
    for (const Line& line : board.lines) {
      total.count += line.count.load(std::memory_order_acquire);  // [tally] acquire, pairs with add()
      total.sum += line.sum.load(std::memory_order_relaxed);
    }
    return total;
  }

  /// Waits until `jobs` more than in `before` were counted, for at most `limit`; returns what was.
  static Tally wait_for(const Tally& before, std::uint64_t jobs,
                        std::chrono::seconds limit = std::chrono::seconds{20}) {
    const auto end = std::chrono::steady_clock::now() + limit;
    Tally ran = total() - before;
    while (ran.count < jobs && std::chrono::steady_clock::now() < end) {
      std::this_thread::sleep_for(std::chrono::microseconds{20});
      ran = total() - before;
    }
    return ran;
  }

 private:
  struct alignas(64) Line {
    std::atomic<std::uint64_t> count{0};
    std::atomic<std::uint64_t> sum{0};
  };
  // Invariant: a line belongs to one living thread or is in `unused`. The mutex hands it on.
  struct Board {
    std::mutex mutex;
    std::deque<Line> lines;
    std::vector<Line*> unused;
  };
  struct Owned {
    Owned() {
      Board& board = TallyBoard::board();
      const std::lock_guard lock(board.mutex);
      if (board.unused.empty()) {
        line = &board.lines.emplace_back();
      } else {
        line = board.unused.back();
        board.unused.pop_back();
      }
    }
    Owned(const Owned&) = delete;
    Owned& operator=(const Owned&) = delete;
    ~Owned() {
      const std::lock_guard lock(TallyBoard::board().mutex);
      TallyBoard::board().unused.push_back(line);
    }
    Line* line = nullptr;
  };

  static Board& board() {
    static Board* const board = new Board;  // never deleted: threads of the peers may outlive main()
    return *board;
  }
  static Owned& mine() {
    thread_local Owned owned;
    return owned;
  }
};

}  // namespace harness
