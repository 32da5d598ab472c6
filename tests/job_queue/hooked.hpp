#pragma once

#include <atomic>
#include <functional>
#include <string_view>
#include <utility>

#include "windlass/traits.hpp"

/// While it lives: when the thread that made it comes to the `nth` atomic access at `site`, `act` is called first,
/// once. So what another thread does falls exactly between two steps of this one.
class Interruption {
 public:
  Interruption(std::string_view site, int nth, std::function<void()> act)
      : site_(site), left_(nth), act_(std::move(act)) {
    armed = this;
  }
  Interruption(const Interruption&) = delete;
  Interruption& operator=(const Interruption&) = delete;
  ~Interruption() {
    if (armed == this) armed = nullptr;
  }

  [[nodiscard]] bool has_happened() const noexcept { return has_happened_; }

  static void at(std::string_view site) {
    Interruption* const self = armed;
    if (self == nullptr || site != self->site_ || --self->left_ != 0) return;
    armed = nullptr;
    self->has_happened_ = true;
    self->act_();
  }

 private:
  static inline thread_local Interruption* armed = nullptr;

  const std::string_view site_;
  int left_;
  bool has_happened_ = false;
  const std::function<void()> act_;
};

/// Atomics whose accesses can be interrupted: at the sites the components name, and at every "load".
struct HookedAtomics {
  template <class T>
  struct Atomic : std::atomic<T> {
    using std::atomic<T>::atomic;
    T load(std::memory_order order) const noexcept {
      Interruption::at("load");
      return std::atomic<T>::load(order);
    }
  };

  static void probe(const char* site) { Interruption::at(site); }
};

struct HookedTraits : windlass::DefaultTraits {
  using Atomics = HookedAtomics;
};
