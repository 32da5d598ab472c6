#pragma once

#include <dirent.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <memory>
#include <string>
#include <string_view>
#include <system_error>
#include <utility>
#include <vector>

namespace hash_tree {

/// A path that could not be looked into, and why.
struct Unreadable {
  std::string path;
  std::string error;  ///< The bare error text, such as "Permission denied".
};

struct Walked {
  std::vector<std::string> files;      ///< What there is to read, in the order of the paths' bytes.
  std::vector<Unreadable> unreadable;  ///< Folders that were not (fully) listed, in the order of the paths' bytes.
};

namespace detail {

enum class Kind { file, folder, other, unknown };

/// What `entry` is to the walk; `unknown` leaves the reason in errno.
inline Kind kind_of(int folder, const dirent& entry) noexcept {
  struct stat status {};
  auto mode = static_cast<mode_t>(DTTOIF(entry.d_type));
  if (entry.d_type == DT_UNKNOWN) {  // some file systems leave the type to stat
    if (::fstatat(folder, entry.d_name, &status, AT_SYMLINK_NOFOLLOW) != 0) return Kind::unknown;
    mode = status.st_mode;
  }
  if (S_ISDIR(mode)) return Kind::folder;
  if (S_ISREG(mode)) return Kind::file;
  if (!S_ISLNK(mode)) return Kind::other;
  // A link that leads nowhere, or round in circles, is listed: whoever reads it gets the error that says so.
  return ::fstatat(folder, entry.d_name, &status, 0) != 0 || S_ISREG(status.st_mode) ? Kind::file : Kind::other;
}

struct CloseFolder {
  void operator()(DIR* folder) const noexcept { ::closedir(folder); }
};
using OpenFolder = std::unique_ptr<DIR, CloseFolder>;

/// Null with the reason in errno if `path` cannot be listed.
inline OpenFolder open_folder(const std::string& path, int flags) noexcept {
  const int number = ::open(path.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC | flags);
  if (number < 0) return nullptr;
  OpenFolder folder(::fdopendir(number));
  if (folder == nullptr) {
    const int error = errno;
    ::close(number);
    errno = error;
  }
  return folder;
}

}  // namespace detail

/// Lists every regular file below `folder`, and every symbolic link that leads to one or that cannot be followed.
///
/// Paths are spelled as `find FOLDER` spells them and may hold any byte but zero. `folder` itself may be a link to a
/// directory and is followed, as with `find -H`; links to directories further down are not. Sockets, devices and FIFOs
/// are left out, and so are links to them.
/// What cannot be listed goes to `unreadable`, a missing `folder` included, and the walk goes on. Throws only for
/// want of memory. One directory is open at a time, however deep the tree; paths beyond PATH_MAX are unreadable.
[[nodiscard]] inline Walked walk(const std::string& folder) {
  Walked walked;
  const auto give_up_on = [&](const std::string& path, int error) {
    walked.unreadable.push_back({path, std::generic_category().message(error)});
  };
  std::vector<std::string> pending{folder};
  int flags = 0;
  while (!pending.empty()) {
    const std::string path = std::move(pending.back());
    pending.pop_back();
    const detail::OpenFolder listing = detail::open_folder(path, flags);
    flags = O_NOFOLLOW;  // not the first: nobody may swap a directory for a link behind the walk's back
    if (listing == nullptr) {
      give_up_on(path, errno);
      continue;
    }
    const std::string prefix = path.ends_with('/') ? path : path + '/';
    while (true) {
      errno = 0;  // readdir returns null at the end, too, and only errno tells
      const dirent* entry = ::readdir(listing.get());
      if (entry == nullptr) break;
      const std::string_view name = entry->d_name;
      if (name == "." || name == "..") continue;
      const detail::Kind kind = detail::kind_of(::dirfd(listing.get()), *entry);
      if (kind == detail::Kind::unknown) give_up_on(prefix + entry->d_name, errno);
      if (kind == detail::Kind::folder) pending.push_back(prefix + entry->d_name);
      if (kind == detail::Kind::file) walked.files.push_back(prefix + entry->d_name);
    }
    if (errno != 0) give_up_on(path, errno);
  }
  std::sort(walked.files.begin(), walked.files.end());
  std::sort(walked.unreadable.begin(), walked.unreadable.end(),
            [](const Unreadable& a, const Unreadable& b) { return a.path < b.path; });
  return walked;
}

}  // namespace hash_tree
