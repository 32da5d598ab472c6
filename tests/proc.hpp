#pragma once

#if defined(__linux__)
#include <sys/types.h>
#include <unistd.h>

#include <cstdint>
#include <filesystem>
#include <fstream>
#include <string>
#include <vector>

/// What Linux says about this process, in /proc/self.
namespace proc {

/// The threads of this process.
inline std::vector<pid_t> threads() {
  std::vector<pid_t> found;
  for (const auto& entry : std::filesystem::directory_iterator("/proc/self/task")) {
    found.push_back(static_cast<pid_t>(std::stol(entry.path().filename().string())));
  }
  return found;
}

/// The rest of the line of `task`'s status that begins with `key`; empty if the thread is gone.
inline std::string status(pid_t task, const std::string& key) {
  std::ifstream file("/proc/self/task/" + std::to_string(task) + "/status");
  for (std::string line; std::getline(file, line);) {
    if (line.rfind(key + ":", 0) != 0) continue;
    const auto begin = line.find_first_not_of(" \t", key.size() + 1);
    return begin == std::string::npos ? "" : line.substr(begin);
  }
  return "";
}

/// Memory of this process that is in RAM.
inline std::uint64_t resident_bytes() {
  std::ifstream file("/proc/self/statm");
  std::uint64_t total = 0;
  std::uint64_t resident = 0;
  file >> total >> resident;
  return resident * static_cast<std::uint64_t>(sysconf(_SC_PAGESIZE));
}

/// Whether `task` waits for something.
inline bool is_asleep(pid_t task) { return status(task, "State").rfind('S', 0) == 0; }

/// How often `task` has gone to sleep so far, and so, but for the last time, how often it has woken.
inline std::uint64_t sleeps(pid_t task) {
  const std::string count = status(task, "voluntary_ctxt_switches");
  return count.empty() ? 0 : std::stoull(count);
}

}  // namespace proc
#endif
