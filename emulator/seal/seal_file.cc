#include "emulator/seal/seal_file.h"

#include <fcntl.h>
#include <sys/file.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cinttypes>
#include <cstdio>
#include <cstring>
#include <optional>
#include <utility>

#include "emulator/identity/identity_file.h"
#include "emulator/seal/key_file.h"

namespace ward::emulator {
namespace {

// Two QEMUs of one machine may have the same key: the one that is left and the one that goes on.
class FileLock {
 public:
  explicit FileLock(const std::filesystem::path& path)
      : file_(::open(path.c_str(), O_RDONLY | O_CLOEXEC)) {
    while (file_ >= 0 && ::flock(file_, LOCK_EX) != 0) {
      if (errno == EINTR) continue;
      ::close(std::exchange(file_, -1));
    }
  }
  ~FileLock() {
    if (file_ >= 0) ::close(file_);
  }
  FileLock(const FileLock&) = delete;
  FileLock& operator=(const FileLock&) = delete;
  bool held() const { return file_ >= 0; }

 private:
  int file_;
};

std::optional<std::pair<uint64_t, uint64_t>> ParseCount(ConstByteSpan bytes) {
  const std::string text(bytes.begin(), bytes.end());
  uint64_t issued = 0;
  uint64_t resumed = 0;
  int end = 0;
  if (std::sscanf(text.c_str(), "issued %" SCNu64 "\nresumed %" SCNu64 "\n%n", &issued, &resumed,
                  &end) != 2 ||
      static_cast<size_t>(end) != text.size() || issued < resumed) {
    return std::nullopt;
  }
  return std::pair{issued, resumed};
}

}  // namespace

SealFile::SealFile(std::filesystem::path key_file) : key_file_(std::move(key_file)) {}

std::unique_ptr<SealFile> SealFile::Open(const std::filesystem::path& key_file,
                                         std::string* error) {
  // One key has one count, by whatever path it is named.
  std::error_code unresolved;
  std::filesystem::path resolved = std::filesystem::canonical(key_file, unresolved);
  if (unresolved) resolved = key_file;
  std::unique_ptr<SealFile> seal(new SealFile(resolved));
  if (!ReadKeyFile(resolved, "seal key", &seal->key_, error)) return nullptr;
  return seal;
}

std::filesystem::path SealFile::CountFile() const {
  std::filesystem::path path = key_file_;
  path += ".generation";
  return path;
}

bool SealFile::Fail(const std::string& what) {
  last_error_ = CountFile().string() + " " + what;
  return false;
}

bool SealFile::ReadCount(Count* count) {
  std::error_code error;
  // Only a file that is known not to be there stands for a key that was never used.
  const auto status = std::filesystem::symlink_status(CountFile(), error);
  if (status.type() == std::filesystem::file_type::not_found) {
    *count = {};
    return true;
  }
  std::string what;
  const std::optional<FileBytes> content = ReadIdentityFile(CountFile(), &what);
  if (!content) return Fail(what);
  const auto parsed = ParseCount(content->bytes());
  if (!parsed) return Fail("does not hold what was written to it");
  *count = {parsed->first, parsed->second};
  return true;
}

bool SealFile::WriteCount(const Count& count) {
  char text[64];
  const int size = std::snprintf(text, sizeof(text), "issued %" PRIu64 "\nresumed %" PRIu64 "\n",
                                 count.issued, count.resumed);
  PendingFile file(CountFile());
  std::string what;
  const ConstByteSpan bytes(reinterpret_cast<const uint8_t*>(text), static_cast<size_t>(size));
  if (!file.Write(bytes, 0600, &what) || !file.Commit(&what)) return Fail(what);
  return true;
}

uint64_t SealFile::IssueGeneration() {
  last_error_.clear();
  const FileLock lock(key_file_);
  Count count;
  if (!lock.held()) Fail("can't be locked by its key");
  if (!lock.held() || !ReadCount(&count)) return 0;
  if (count.issued == UINT64_MAX) {
    Fail("can't count any further; make a new key");
    return 0;
  }
  ++count.issued;
  return WriteCount(count) ? count.issued : 0;
}

device::StateSeal::Outcome SealFile::Resume(uint64_t generation) {
  last_error_.clear();
  const FileLock lock(key_file_);
  Count count;
  if (!lock.held()) Fail("can't be locked by its key");
  if (!lock.held() || !ReadCount(&count)) return Outcome::kFailed;
  if (generation <= count.resumed) return Outcome::kSpent;
  // P16: those issued before hold the same keys, which the machine that goes on may clear.
  count.issued = std::max(count.issued, generation);
  count.resumed = count.issued;
  return WriteCount(count) ? Outcome::kDone : Outcome::kFailed;
}

}  // namespace ward::emulator
