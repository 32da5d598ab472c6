#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <stdexcept>
#include <string>
#include <thread>
#include <windlass/windlass.hpp>

#include "chaos.hpp"
#include "hash_file.hpp"
#include "line.hpp"
#include "screen.hpp"
#include "tally.hpp"

namespace hash_tree {

/// One file to hash.
struct FileJob {
  std::string path;
  Troubles troubles{};  ///< What chaos has in store for it.
};

/// The handler: hashes one file and prints its line, once, whatever happens to its runs.
///
/// A job may run twice at the same time: a run that seems to hang loses its lease, and the next one starts before it
/// has returned. So a run touches nothing that others see until `try_commit` says that this one has the last word.
class Hasher {
 public:
  Hasher(Tally& tally, Screen& screen) noexcept : tally_(tally), screen_(screen) {}

  windlass::Outcome operator()(const FileJob& job, windlass::Delivery& delivery) const {
    const std::uint32_t attempt = delivery.attempt();
    const Trouble trouble = attempt <= job.troubles.size() ? job.troubles[attempt - 1] : Trouble::none;
    if (trouble == Trouble::exception) {
      ++tally_.throws;
      throw std::runtime_error("chaos: an exception");
    }
    if (trouble == Trouble::failure) {
      ++tally_.failures;
      return windlass::Outcome::retry("chaos: a failure");
    }
    if (trouble == Trouble::hang_then_commit) outlast_lease(delivery);
    if (trouble == Trouble::hang_then_fail) {
      outlast_lease(delivery);
      return windlass::Outcome::retry("chaos: a hang");
    }

    const bool is_deaf = trouble == Trouble::hang_then_commit;
    std::uint64_t before = 0;
    const std::optional<FileSum> sum = hash_file(job.path, [&](std::uint64_t bytes) {
      tally_.bytes_read += bytes - before;
      before = bytes;
      delivery.heartbeat();
      return is_deaf || !delivery.stop_token().stop_requested();
    });
    if (!sum) return windlass::Outcome::retry("stopped");
    const std::string line = sum_line(sum->hex, job.path);
    if (!delivery.try_commit()) {
      ++tally_.lost_commits;
      return windlass::Outcome::retry("the lease was lost");  // not done: nothing was printed
    }
    // From here on the job is this run's alone, and nothing throws.
    if (trouble == Trouble::hang_after_commit) hang();
    screen_.print(line);
    ++tally_.files;
    tally_.bytes += sum->bytes;
    return windlass::Outcome::done();
  }

 private:
  void hang() const {
    ++tally_.hangs;
    std::this_thread::sleep_for(chaos_hang);  // not Delivery::sleep_for, which ends when the lease is lost
  }

  // A hang in which the lease is lost for certain. The time for which a machine freezes a whole process is not counted
  // against its leases, so no length of sleep would do.
  void outlast_lease(const windlass::Delivery& delivery) const {
    hang();
    while (!delivery.stop_token().stop_requested()) std::this_thread::sleep_for(chaos_lease);
  }

  Tally& tally_;
  Screen& screen_;
};

}  // namespace hash_tree
