#pragma once

#include <concurrentqueue/concurrentqueue.h>

#include <cstddef>
#include <optional>
#include <span>

#include "item.hpp"
#include "role.hpp"

namespace rings {

/// moodycamel::ConcurrentQueue without tokens. Not one FIFO: each producer has its own.
class Moodycamel {
 public:
  static constexpr const char* name = "moodycamel";
  static constexpr bool has_bulk = true;
  explicit Moodycamel(std::size_t items) : queue_(items) {}
  void push(Item item) { queue_.enqueue(item); }
  bool pop(Item& item) { return queue_.try_dequeue(item); }
  void push_bulk(std::span<const Item> items) { queue_.enqueue_bulk(items.data(), items.size()); }
  std::size_t pop_bulk(std::span<Item> items) { return queue_.try_dequeue_bulk(items.data(), items.size()); }

 private:
  moodycamel::ConcurrentQueue<Item> queue_;
};

/// The same with tokens, as its author recommends: each thread makes a Side and uses only that.
class MoodycamelTokens {
  using Queue = moodycamel::ConcurrentQueue<Item>;

 public:
  static constexpr const char* name = "moodycamel_tokens";
  static constexpr bool has_bulk = true;
  explicit MoodycamelTokens(std::size_t items) : queue_(items) {}

  class Side {
   public:
    static constexpr bool has_bulk = true;
    Side(MoodycamelTokens& ring, Role role) : queue_(ring.queue_) {
      if (role != Role::consumer) producer_.emplace(queue_);  // each one that is there is one more to look at
      if (role != Role::producer) consumer_.emplace(queue_);
    }
    void push(Item item) { queue_.enqueue(*producer_, item); }
    bool pop(Item& item) { return queue_.try_dequeue(*consumer_, item); }
#if defined(__GNUC__) && !defined(__clang__)
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wstringop-overflow"  // g++ 12 takes the token's producer for null, which it never is
#endif
    void push_bulk(std::span<const Item> items) { queue_.enqueue_bulk(*producer_, items.data(), items.size()); }
#if defined(__GNUC__) && !defined(__clang__)
#pragma GCC diagnostic pop
#endif
    std::size_t pop_bulk(std::span<Item> items) {
      return queue_.try_dequeue_bulk(*consumer_, items.data(), items.size());
    }

   private:
    Queue& queue_;
    std::optional<moodycamel::ProducerToken> producer_;
    std::optional<moodycamel::ConsumerToken> consumer_;
  };

 private:
  Queue queue_;
};

}  // namespace rings
