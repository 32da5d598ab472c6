// Catch2's options and a few more: --seed, --schedules, --long, --replay.
#if __has_include(<catch2/catch_all.hpp>)
#include <catch2/catch_all.hpp>
namespace clara = Catch::Clara;
#else
#define CATCH_CONFIG_RUNNER
#define CATCH_CONFIG_NO_POSIX_SIGNALS
#include <catch2/catch.hpp>
namespace clara = Catch::clara;
#endif

#include <cinttypes>
#include <cstdio>
#include <filesystem>

#include "session.hpp"

int main(int argc, char** argv) {
  using interleave::settings;
  settings.program = std::filesystem::path(argv[0]).filename().string();
  Catch::Session session;
  session.cli(session.cli() | clara::Opt(settings.seed, "number")["--seed"]("seed of the first random schedule") |
              clara::Opt(settings.schedules, "number")["--schedules"]("random schedules of each exploration") |
              clara::Opt(settings.is_long)["--long"]("the long lane: at least a million schedules in all") |
              clara::Opt(settings.replay, "number:choices")["--replay"]("one schedule, as a failure prints it"));
  const int wrong = session.applyCommandLine(argc, argv);
  if (wrong != 0) return wrong;
  const int result = session.run();
  if (interleave::schedules_run() != 0) std::printf("%" PRIu64 " different schedules\n", interleave::schedules_run());
  return result;
}
