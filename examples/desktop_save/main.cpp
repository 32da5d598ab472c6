// An editor that saves in the background. Each edit enqueues a save; closing the window right after the last edit
// loses nothing, for the queue's destructor runs what is due and what is due again within the grace.

#include <atomic>
#include <chrono>
#include <cstdint>
#include <filesystem>
#include <fstream>
#include <iostream>
#include <iterator>
#include <mutex>
#include <random>
#include <stdexcept>
#include <string>
#include <utility>
#include <windlass/windlass.hpp>

using namespace std::chrono_literals;
using windlass::Delivery, windlass::Outcome;
namespace fs = std::filesystem;

namespace {

struct Save {
  std::uint64_t version = 0;
  std::string text;
};

/// A new folder that goes, with all in it, when this does.
class TemporaryFolder {
 public:
  TemporaryFolder() {
    std::random_device random;
    do {
      path_ = fs::temp_directory_path() / ("windlass-desktop_save-" + std::to_string(random()));
    } while (!fs::create_directory(path_));
  }
  TemporaryFolder(const TemporaryFolder&) = delete;
  TemporaryFolder& operator=(const TemporaryFolder&) = delete;
  ~TemporaryFolder() {
    std::error_code ignored;
    fs::remove_all(path_, ignored);
  }

  const fs::path& path() const { return path_; }

 private:
  fs::path path_;
};

/// The document on disk: always one whole version, and never an older one than before.
class DocumentFile {
 public:
  explicit DocumentFile(fs::path path) : path_(std::move(path)) {}

  /// Writes a file beside the document, then puts it in its place in one step. (To outlive a power cut as well, it
  /// would have to be synced in between.) False if this version or a newer one is there already.
  bool replace(const Save& save) {
    const std::lock_guard lock(mutex_);
    if (save.version <= version_) return false;
    const fs::path beside = fs::path{path_} += ".new";
    std::ofstream file{beside, std::ios::binary};
    file << save.text;
    file.close();
    if (!file) throw std::runtime_error("cannot write " + beside.string());
    fs::rename(beside, path_);
    version_ = save.version;
    return true;
  }

 private:
  fs::path path_;
  std::mutex mutex_;
  std::uint64_t version_ = 0;
};

int wrong = 0;
void check(bool holds, const char* claim) {
  if (holds) return;
  std::cout << "WRONG: " << claim << '\n';
  ++wrong;
}

}  // namespace

int main() {
  const TemporaryFolder folder;
  const fs::path path = folder.path() / "letter.txt";
  DocumentFile document{path};
  windlass::DeadLetterBox<Save> lost{10};
  Save current;
  std::atomic<int> saved = 0, outdated = 0, failed = 0;

  {
    const auto save = [&](const Save& job, Delivery& delivery) {
      if (delivery.attempt() <= job.version % 4) {  // the disk is full now and then: version 7 fails thrice, 9 once
        ++failed;
        throw std::runtime_error("no space left on device");
      }
      if (!document.replace(job)) {  // tried again so late that a newer version is there already
        ++outdated;
        return Outcome::discard();
      }
      ++saved;
      return Outcome::done();
    };
    windlass::JobQueue<Save> saves{save,
                                   {.name = "save",
                                    .capacity = 64,
                                    .workers = 1,
                                    .retry = windlass::FixedDelay{20ms},
                                    .shutdown_grace = 10s,
                                    .leftover = windlass::Leftover::run,
                                    .dead_letters = &lost}};

    for (const char* words : {"Dear ", "Ada,\n", "the engine ", "runs ", "day ", "and ", "night.\n", "Yours, ", "C."}) {
      current.text += words;
      ++current.version;
      saves.enqueue(current).or_throw();
    }
  }  // the window is closed while some saves wait for a worker and others for their next attempt

  std::ifstream file{path, std::ios::binary};
  const std::string on_disk{std::istreambuf_iterator<char>{file}, {}};
  check(on_disk == current.text, "the file holds the last version");
  check(std::distance(fs::directory_iterator{folder.path()}, {}) == 1, "nothing else is left in its folder");
  check(lost.size() == 0, "no save was given up");
  check(saved + outdated == static_cast<int>(current.version), "every save ended once");
  check(failed == 13, "every version failed as often as it was to, the last one included");
  std::cout << "version " << current.version << " is on disk; saves: " << saved << ", outdated: " << outdated
            << ", failed attempts: " << failed << '\n';
  return wrong == 0 ? 0 : 1;
}
