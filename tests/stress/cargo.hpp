#pragma once

#include <atomic>
#include <cstdint>
#include <utility>

namespace stress {

/// Books payloads in and out, in memory that does not grow with them.
class Ledger {
 public:
  void in(std::uint64_t number) noexcept { count(1, number); }
  void out(std::uint64_t number) noexcept { count(~std::uint64_t{0}, ~number + 1); }

  /// Each payload that came has gone, once.
  [[nodiscard]] bool is_even() const noexcept { return live_ == 0 && sum_ == 0; }

 private:
  void count(std::uint64_t many, std::uint64_t number) noexcept {
    live_.fetch_add(many, std::memory_order_relaxed);
    sum_.fetch_add(number, std::memory_order_relaxed);
  }

  std::atomic<std::uint64_t> live_{0};
  std::atomic<std::uint64_t> sum_{0};  // of their numbers, modulo 2^64: tells one from another
};

/// A payload that can be moved but not copied, and is in its ledger for as long as it lives.
class Cargo {
 public:
  Cargo(Ledger& ledger, std::uint64_t number) noexcept : ledger_(&ledger), number_(number) { ledger.in(number); }
  Cargo(Cargo&& other) noexcept : ledger_(std::exchange(other.ledger_, nullptr)), number_(other.number_) {}
  Cargo& operator=(Cargo&&) = delete;
  ~Cargo() {
    if (ledger_ != nullptr) ledger_->out(number_);
  }

  [[nodiscard]] std::uint64_t number() const noexcept { return number_; }

 private:
  Ledger* ledger_;
  std::uint64_t number_;
};

}  // namespace stress
