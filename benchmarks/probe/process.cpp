#include "process.hpp"

#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <string>

std::uint64_t probe::resident_bytes() {
  std::ifstream file("/proc/self/smaps_rollup");  // exact, as statm is not
  for (std::string word; file >> word;) {
    std::uint64_t kilobytes = 0;
    if (word == "Rss:" && file >> kilobytes) return kilobytes * 1024;
  }
  return 0;
}

std::uint64_t probe::page_faults() {
  rusage usage{};
  getrusage(RUSAGE_THREAD, &usage);
  return static_cast<std::uint64_t>(usage.ru_minflt + usage.ru_majflt);
}

probe::Activity probe::others_activity() {
  Activity activity;
  std::error_code error;
  const std::string self = std::to_string(syscall(SYS_gettid));
  for (const auto& thread : std::filesystem::directory_iterator("/proc/self/task", error)) {
    if (thread.path().filename() == self) continue;
    ++activity.threads;
    std::ifstream status(thread.path() / "status");
    for (std::string word; status >> word;) {
      std::uint64_t count = 0;
      if ((word == "voluntary_ctxt_switches:" || word == "nonvoluntary_ctxt_switches:") && status >> count) {
        activity.switches += count;
      }
    }
    std::ifstream schedstat(thread.path() / "schedstat");
    std::chrono::nanoseconds::rep nanoseconds = 0;
    if (schedstat >> nanoseconds) activity.cpu += std::chrono::nanoseconds{nanoseconds};
  }
  return activity;
}
