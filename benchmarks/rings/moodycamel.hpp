#pragma once

#include <concurrentqueue/concurrentqueue.h>

#include <cstddef>
#include <cstdint>
#include <span>

namespace rings {

/// moodycamel::ConcurrentQueue without tokens. Not one FIFO: each producer has its own.
class Moodycamel {
 public:
  static constexpr const char* name = "moodycamel";
  static constexpr bool has_bulk = true;
  explicit Moodycamel(std::size_t items) : queue_(items) {}
  void push(std::uint64_t item) { queue_.enqueue(item); }
  bool pop(std::uint64_t& item) { return queue_.try_dequeue(item); }
  void push_bulk(std::span<const std::uint64_t> items) { queue_.enqueue_bulk(items.data(), items.size()); }
  std::size_t pop_bulk(std::span<std::uint64_t> items) { return queue_.try_dequeue_bulk(items.data(), items.size()); }

 private:
  moodycamel::ConcurrentQueue<std::uint64_t> queue_;
};

/// The same with tokens, as its author recommends: each thread makes a Side and uses only that.
class MoodycamelTokens {
  using Queue = moodycamel::ConcurrentQueue<std::uint64_t>;

 public:
  static constexpr const char* name = "moodycamel_tokens";
  static constexpr bool has_bulk = true;
  explicit MoodycamelTokens(std::size_t items) : queue_(items) {}

  class Side {
   public:
    static constexpr bool has_bulk = true;
    explicit Side(MoodycamelTokens& ring) : queue_(ring.queue_), producer_(queue_), consumer_(queue_) {}
    void push(std::uint64_t item) { queue_.enqueue(producer_, item); }
    bool pop(std::uint64_t& item) { return queue_.try_dequeue(consumer_, item); }
#if defined(__GNUC__) && !defined(__clang__)
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wstringop-overflow"  // g++ 12 takes the token's producer for null, which it never is
#endif
    void push_bulk(std::span<const std::uint64_t> items) { queue_.enqueue_bulk(producer_, items.data(), items.size()); }
#if defined(__GNUC__) && !defined(__clang__)
#pragma GCC diagnostic pop
#endif
    std::size_t pop_bulk(std::span<std::uint64_t> items) {
      return queue_.try_dequeue_bulk(consumer_, items.data(), items.size());
    }

   private:
    Queue& queue_;
    moodycamel::ProducerToken producer_;
    moodycamel::ConsumerToken consumer_;
  };

 private:
  Queue queue_;
};

}  // namespace rings
