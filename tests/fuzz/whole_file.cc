#include "tests/fuzz/whole_file.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <string_view>
#include <system_error>

namespace ward::fuzz {
namespace {

namespace fs = std::filesystem;

class Descriptor {
 public:
  explicit Descriptor(int number) : number_(number) {}
  ~Descriptor() {
    if (number_ >= 0) ::close(number_);
  }
  Descriptor(const Descriptor&) = delete;
  Descriptor& operator=(const Descriptor&) = delete;
  int get() const { return number_; }

 private:
  int number_;
};

bool WriteAll(int file, std::string_view bytes) {
  while (!bytes.empty()) {
    const ssize_t size = ::write(file, bytes.data(), bytes.size());
    if (size < 0 && errno == EINTR) continue;
    if (size < 0) return false;
    bytes.remove_prefix(static_cast<size_t>(size));
  }
  return true;
}

bool WriteInto(const std::string& path, const std::string& bytes) {
  const Descriptor file(::open(path.c_str(), O_WRONLY | O_CLOEXEC));
  return file.get() >= 0 && WriteAll(file.get(), bytes);
}

// Leaves errno of what failed.
bool WriteBeside(const std::string& path, const std::string& bytes) {
  std::string name = fs::path(path).replace_filename(".ward-XXXXXX").string();
  const Descriptor file(::mkstemp(name.data()));
  if (file.get() < 0) return false;
  const mode_t mask = ::umask(0077);
  ::umask(mask);
  if (WriteAll(file.get(), bytes) && ::fchmod(file.get(), 0666 & ~mask) == 0 &&
      ::rename(name.c_str(), path.c_str()) == 0) {
    return true;
  }
  const int number = errno;
  ::unlink(name.c_str());
  errno = number;
  return false;
}

// `path`, or the nearest above it that is there.
fs::path NearestThere(const std::string& path) {
  std::error_code ignored;
  fs::path there = fs::absolute(path, ignored);
  while (!fs::exists(fs::symlink_status(there, ignored)) && there.has_relative_path()) {
    there = there.parent_path();
  }
  return there;
}

}  // namespace

std::string Shown(const std::string& path) {
  std::string shown = path;
  std::replace_if(
      shown.begin(), shown.end(),
      [](char c) { return static_cast<unsigned char>(c) < 0x20 || c == 0x7f; }, '?');
  return shown;
}

std::string ShellWord(const std::string& path) {
  const bool is_plain = !path.empty() && std::all_of(path.begin(), path.end(), [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
           std::strchr("_./+=:@%,-", c) != nullptr;
  });
  if (is_plain) return path;
  std::string word = "'";
  for (const char c : path) word += c == '\'' ? std::string("'\\''") : std::string(1, c);
  return word + "'";
}

std::string WhyNotWritten(const std::string& path, int number) {
  const fs::path there = NearestThere(path);
  std::error_code ignored;
  const bool is_folder = fs::is_directory(there, ignored);
  const std::string folder = ShellWord(Shown((is_folder ? there : there.parent_path()).string()));
  const std::string said = Shown(path) + " can't be written: " + std::strerror(number);
  switch (number) {
    case ENOSPC:
    case EDQUOT:
      return said + "; make room (df -h " + folder + "), then run it again";
    case EACCES:
    case EPERM:
    case EROFS:
      return said + "; who may write there: ls -ld " + folder;
    case ENOTDIR:
    case EEXIST:
      if (is_folder) return said;
      return Shown(there.string()) +
             " is a file, and a folder is wanted; move it away, or name another one";
    case EISDIR:
      return Shown(path) + " is a folder, and a file is wanted; name another one";
    case ENOENT:
      return said + "; make the folder with: mkdir -p " +
             ShellWord(Shown(fs::path(path).parent_path().string()));
    default:
      return said;
  }
}

bool MakeFolder(const std::string& path, std::string* error) {
  std::error_code failure;
  fs::create_directories(path, failure);
  if (!failure && !fs::is_directory(path, failure)) {
    failure = std::make_error_code(std::errc::not_a_directory);
  }
  if (failure) *error = WhyNotWritten(path, failure.value());
  return !failure;
}

bool WriteWhole(const std::string& path, const std::string& bytes, std::string* error) {
  std::error_code failure;
  // A link stays one.
  std::string target = fs::is_symlink(path, failure) ? fs::canonical(path, failure).string() : path;
  if (target.empty()) target = path;  // it leads nowhere
  const fs::file_status status = fs::status(path, failure);
  const bool is_special = fs::exists(status) && !fs::is_regular_file(status);
  if (is_special ? WriteInto(path, bytes) : WriteBeside(target, bytes)) {
    return true;
  }
  *error = WhyNotWritten(path, errno);
  return false;
}

std::optional<std::string> ReadWhole(const std::string& path, size_t most_bytes,
                                     std::string* error) {
  // Opening a pipe would wait for its writer.
  const Descriptor file(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK));
  struct stat status = {};
  if (file.get() < 0 || ::fstat(file.get(), &status) != 0) {
    *error = Shown(path) + " can't be read: " + std::strerror(errno);
    return std::nullopt;
  }
  if (!S_ISREG(status.st_mode)) {
    *error = Shown(path) + (S_ISDIR(status.st_mode) ? " is a folder; name a file in it"
                                                    : " is no regular file; copy it into one");
    return std::nullopt;
  }
  // One more, for a file that grows, or has no size that it would tell (/proc).
  std::string bytes;
  char part[4096];
  while (bytes.size() <= most_bytes) {
    const ssize_t size = ::read(file.get(), part, sizeof(part));
    if (size < 0 && errno == EINTR) continue;
    if (size < 0) {
      *error = Shown(path) + " can't be read: " + std::strerror(errno);
      return std::nullopt;
    }
    if (size == 0) return bytes;
    bytes.append(part, static_cast<size_t>(size));
  }
  *error =
      Shown(path) + " is longer than " + std::to_string(most_bytes) + " bytes; name another one";
  return std::nullopt;
}

}  // namespace ward::fuzz
