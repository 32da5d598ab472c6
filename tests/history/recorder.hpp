#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <utility>
#include <vector>

#include "note.hpp"
#include "windlass/observer.hpp"
#include "windlass/traits.hpp"

namespace history {

/// Takes notes from any number of threads: one atomic index, no lock, no allocation. To be read when those threads
/// have been joined, or have told the reader that they are done.
class Recorder {
 public:
  /// Room for `capacity` notes of jobs; `now` is the queue's clock.
  Recorder(std::size_t capacity, std::function<Time()> now)
      : notes_(capacity), terms_(capacity), now_(std::move(now)) {}
  Recorder(const Recorder&) = delete;
  Recorder& operator=(const Recorder&) = delete;

  /// `attempt` is the run's, if this is of a run; `number` the failures that a letter tells of.
  void write(What what, JobId id, std::uint32_t attempt = 0, std::uint32_t number = 0) {
    put({what, {}, thread(), id, now_(), attempt, number, {}});
  }
  /// A run of `id` is about to return `outcome`, or a pulled lease to be settled with it.
  void write_returning(JobId id, std::uint32_t attempt, const windlass::Outcome& outcome) {
    put({What::returning, outcome.kind(), thread(), id, now_(), attempt, 0, outcome.delay()});
  }
  /// A run of `id` is about to extend its lease.
  void write_extending(JobId id, std::uint32_t attempt, Duration by) {
    put({What::extending, {}, thread(), id, now_(), attempt, 0, by});
  }

  /// Before the job can be known to anybody by id, or after; the place of this note means nothing.
  void write_terms(JobId id, const Terms& terms) {
    const std::size_t at = terms_taken_.fetch_add(1, std::memory_order_relaxed);
    if (at >= terms_.size()) return;  // then there is no room for the note either
    terms_[at] = terms;
    put({What::terms, {}, thread(), id, now_(), 0, static_cast<std::uint32_t>(at), {}});
  }

  /// Notes that found no room.
  [[nodiscard]] std::size_t missed() const noexcept {
    const std::size_t taken = taken_.load(std::memory_order_relaxed);
    return taken > notes_.size() ? taken - notes_.size() : 0;
  }

  /// All that was written, and the queue's last word.
  [[nodiscard]] History read(const windlass::Stats& stats) const {
    History all;
    const std::size_t taken = taken_.load(std::memory_order_relaxed);
    all.notes.assign(notes_.begin(), notes_.begin() + static_cast<std::ptrdiff_t>(taken - missed()));
    all.terms = terms_;
    all.stats = stats;
    return all;
  }

 private:
  void put(const Note& note) {
    const std::size_t at = taken_.fetch_add(1, std::memory_order_seq_cst);
    if (at < notes_.size()) notes_[at] = note;
  }

  static std::uint32_t thread() noexcept {
    static std::atomic<std::uint32_t> threads{0};
    thread_local const std::uint32_t mine = threads.fetch_add(1, std::memory_order_relaxed) + 1;
    return mine;
  }

  std::vector<Note> notes_;
  std::vector<Terms> terms_;
  const std::function<Time()> now_;
  std::atomic<std::size_t> taken_{0};
  std::atomic<std::size_t> terms_taken_{0};
};

/// The observer that writes every event of a job down, once it was told where to: queue.observer().write_to(recorder).
class Observer {
 public:
  void write_to(Recorder& recorder) noexcept { recorder_.store(&recorder, std::memory_order_release); }

  void operator()(const windlass::Observation& seen) {
    static_assert(static_cast<int>(What::parked) == static_cast<int>(windlass::Event::parked));
    Recorder* const recorder = recorder_.load(std::memory_order_acquire);
    if (recorder == nullptr || seen.event == windlass::Event::parked) return;
    recorder->write(static_cast<What>(seen.event), seen.id);
  }

 private:
  std::atomic<Recorder*> recorder_{nullptr};
};

/// For queues whose history is recorded.
struct ObservedTraits : windlass::DefaultTraits {
  using Observer = history::Observer;
};

}  // namespace history
