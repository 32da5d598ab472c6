#pragma once

#if defined(__unix__)
#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <chrono>
#include <cstdio>
#include <string>
#include <thread>

/// Does something in a forked child, and knows how the child ended. It has ten seconds; then it is killed.
class Child {
 public:
  /// Calls `act()` in the child, which then exits with 0, or with what `act` returns; destructors and exit handlers of
  /// the test program do not run there. Returns when it has ended.
  template <class Act>
  explicit Child(Act act) {
    int ends[2];
    if (pipe(ends) != 0) return;
    std::fflush(nullptr);  // or the child would print it once more
    const pid_t pid = fork();
    if (pid == 0) {
      dup2(ends[1], STDERR_FILENO);
      dup2(ends[1], STDOUT_FILENO);
      signal(SIGABRT, SIG_DFL);
      const rlimit no_core{0, 0};
      setrlimit(RLIMIT_CORE, &no_core);
      _exit(run(act));
    }
    close(ends[1]);
    if (pid > 0) watch(pid, ends[0]);
    close(ends[0]);
  }

  /// "exit 0", "SIGABRT", "timeout", ...
  [[nodiscard]] const std::string& ended_by() const noexcept { return ended_by_; }

  /// What it wrote to stdout and stderr.
  [[nodiscard]] const std::string& printed() const noexcept { return printed_; }

 private:
  template <class Act>
  static int run(Act& act) {
    if constexpr (std::is_void_v<decltype(act())>) {
      act();
      return 0;
    } else {
      return act();
    }
  }

  void watch(pid_t pid, int from) {
    fcntl(from, F_SETFL, O_NONBLOCK);
    const auto end = std::chrono::steady_clock::now() + std::chrono::seconds{10};
    int status = 0;
    while (waitpid(pid, &status, WNOHANG) == 0) {
      read_all(from);
      if (std::chrono::steady_clock::now() > end) {
        kill(pid, SIGKILL);
        waitpid(pid, &status, 0);
        ended_by_ = "timeout";
        break;
      }
      std::this_thread::sleep_for(std::chrono::milliseconds{1});
    }
    read_all(from);
    if (!ended_by_.empty()) return;
    if (WIFEXITED(status)) ended_by_ = "exit " + std::to_string(WEXITSTATUS(status));
    if (WIFSIGNALED(status)) ended_by_ = WTERMSIG(status) == SIGABRT ? "SIGABRT" : strsignal(WTERMSIG(status));
  }

  void read_all(int from) {
    char text[512];
    for (ssize_t n = 0; (n = read(from, text, sizeof text)) > 0;) printed_.append(text, static_cast<std::size_t>(n));
  }

  std::string ended_by_;
  std::string printed_;
};
#endif
