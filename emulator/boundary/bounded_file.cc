#include "emulator/boundary/bounded_file.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

namespace ward::emulator {

BoundedFile::~BoundedFile() {
  if (file_ != nullptr && file_ != stderr) std::fclose(file_);
}

bool BoundedFile::Open(const std::string& path, Access access) {
  if (path == "-" && access == Access::kShared) {
    file_ = stderr;
    return true;
  }
  const mode_t mode = access == Access::kPrivate ? 0600 : 0666;
  const int descriptor = open(path.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, mode);
  if (descriptor < 0) return false;
  if (access == Access::kPrivate && fchmod(descriptor, mode) != 0) {
    close(descriptor);
    return false;
  }
  file_ = fdopen(descriptor, "w");
  if (file_ == nullptr) close(descriptor);
  return file_ != nullptr;
}

bool BoundedFile::Write(std::string_view text) {
  return Write(ConstByteSpan(reinterpret_cast<const uint8_t*>(text.data()), text.size()));
}

bool BoundedFile::Write(ConstByteSpan bytes) {
  if (file_ == nullptr || is_full_) return false;
  if (bytes.size() > maximum_bytes_ - written_ ||
      std::fwrite(bytes.data(), 1, bytes.size(), file_) != bytes.size()) {
    is_full_ = true;
    return false;
  }
  written_ += bytes.size();
  return true;
}

void BoundedFile::WriteLast(std::string_view text) {
  if (file_ != nullptr) std::fwrite(text.data(), 1, text.size(), file_);
}

void BoundedFile::Flush() {
  if (file_ != nullptr) std::fflush(file_);
}

}  // namespace ward::emulator
