// Hashes every file below a folder on a windlass::JobQueue, one job per file, and prints what sha256sum would print:
// each file exactly once, even if handlers throw, fail and hang (--chaos). See hasher.hpp for the handler.

#include <chrono>
#include <cstdint>
#include <cstdio>
#include <exception>
#include <span>
#include <string>
#include <utility>
#include <vector>
#include <windlass/windlass.hpp>

#include "arguments.hpp"
#include "chaos.hpp"
#include "hasher.hpp"
#include "losses.hpp"
#include "progress.hpp"
#include "screen.hpp"
#include "tally.hpp"
#include "walk.hpp"

namespace {

using namespace std::chrono_literals;
using hash_tree::FileJob;
using Queue = windlass::JobQueue<FileJob>;

windlass::QueueOptions<FileJob> queue_options(const hash_tree::Arguments& arguments, hash_tree::Losses& losses) {
  windlass::QueueOptions<FileJob> options{
      .name = "hash",
      .workers = arguments.workers,
      .max_failures = 3,
      .retry = windlass::ExponentialBackoff{.first = 20ms, .cap = 1s},
      .dead_letters = [&losses](windlass::DeadLetter<FileJob>&& letter) { losses.add(std::move(letter)); },
  };
  if (arguments.chaos) {
    // A troubled file must still have its three attempts, and a busy machine may miss so short a lease by itself.
    options.lease = hash_tree::chaos_lease;
    options.max_failures += static_cast<std::uint32_t>(hash_tree::Troubles{}.size());
    options.max_hangs = 50;
    options.max_deliveries = 100;
  }
  return options;
}

// Enqueues a job for each file, waiting for room where needed, and waits until none is left.
void hash_all(Queue& queue, const std::vector<std::string>& files, const std::vector<hash_tree::Troubles>& troubles,
              hash_tree::Progress& progress) {
  constexpr auto glance = 100ms;
  for (std::size_t i = 0; i < files.size(); ++i) {
    const FileJob job{files[i], troubles[i]};
    windlass::EnqueueResult added = queue.enqueue_for(job, glance);
    for (; added.error() == windlass::EnqueueError::timed_out; added = queue.enqueue_for(job, glance)) {
      progress.show(queue.stats());
    }
    added.or_throw();
  }
  while (!queue.drain_for(glance)) progress.show(queue.stats());
}

void print_summary(const hash_tree::Tally& tally, const windlass::Stats& stats) {
  const auto show = [](const char* key, std::uint64_t value) {
    std::fprintf(stderr, " %s=%llu", key, static_cast<unsigned long long>(value));
  };
  std::fputs("summary:", stderr);
  show("files", tally.files);
  show("bytes", tally.bytes);
  show("throws", tally.throws);
  show("failures", tally.failures);
  show("hangs", tally.hangs);
  show("expiries", stats.expiries);
  show("redeliveries", stats.redeliveries);
  show("stale_settles", stats.stale_settles);
  show("lost_commits", tally.lost_commits);
  show("late_successes", stats.late_successes);
  show("retries", stats.retries);
  show("dead_letters", stats.dead);
  std::fputc('\n', stderr);
}

// True if every file below the folder was hashed and printed.
bool hash_folder(const hash_tree::Arguments& arguments) {
  const hash_tree::Walked walked = hash_tree::walk(arguments.folder);
  const auto troubles = arguments.chaos ? hash_tree::draw_troubles(*arguments.chaos, walked.files)
                                        : std::vector<hash_tree::Troubles>(walked.files.size());
  hash_tree::Tally tally;
  hash_tree::Screen screen;
  hash_tree::Losses losses;
  hash_tree::Progress progress(screen, tally, walked.files.size());
  Queue queue(hash_tree::Hasher(tally, screen), queue_options(arguments, losses));

  hash_all(queue, walked.files, troubles, progress);
  queue.shutdown({});  // all jobs are over, but hung runs may still be inside

  const bool is_written = screen.finish();
  if (!is_written) std::fputs("hash_tree: could not write to stdout\n", stderr);
  losses.list();
  hash_tree::list(walked.unreadable);
  print_summary(tally, queue.stats());
  return is_written && walked.unreadable.empty() && tally.files == walked.files.size();
}

}  // namespace

int main(int count, char** values) {
  try {
    const std::span<char* const> given(values, static_cast<std::size_t>(count));
    return hash_folder(hash_tree::parse(given.subspan(1))) ? 0 : 1;
  } catch (const hash_tree::BadUsage& error) {
    std::fprintf(stderr, "hash_tree: %s\n%s", error.what(), hash_tree::usage.data());
    return 2;
  } catch (const std::exception& error) {
    std::fprintf(stderr, "hash_tree: %s\n", error.what());
    return 1;
  }
}
