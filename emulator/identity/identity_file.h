// Small files of an identity directory, read whole and written so that a reader sees the old file
// or the new one and nothing between.
#ifndef WARD_EMULATOR_IDENTITY_IDENTITY_FILE_H_
#define WARD_EMULATOR_IDENTITY_IDENTITY_FILE_H_

#include <sys/types.h>

#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "base/bytes.h"

namespace ward::emulator {

// Bytes that may hold a private key: wiped at the end, moved, never copied.
class FileBytes {
 public:
  explicit FileBytes(size_t size) : bytes_(size) {}
  ~FileBytes();
  FileBytes(FileBytes&&) noexcept = default;
  FileBytes& operator=(FileBytes&&) = delete;

  ByteSpan bytes() { return bytes_; }
  ConstByteSpan bytes() const { return bytes_; }

 private:
  std::vector<uint8_t> bytes_;
};

// A regular file of at most 64 KiB. Otherwise nothing, and `*error` continues "<file> ...".
std::optional<FileBytes> ReadIdentityFile(const std::filesystem::path& path, std::string* error);

// A file on its way: written and flushed beside its target, moved there by Commit, removed when it
// ends without one.
class PendingFile {
 public:
  explicit PendingFile(std::filesystem::path target) : target_(std::move(target)) {}
  ~PendingFile();
  PendingFile(PendingFile&& other) noexcept;
  PendingFile& operator=(PendingFile&&) = delete;

  // False with `*error`, which continues "<file> ...".
  bool Write(ConstByteSpan bytes, mode_t mode, std::string* error);
  bool Commit(std::string* error);

 private:
  std::filesystem::path target_;
  std::string temporary_;  // empty: there is none
};

}  // namespace ward::emulator

#endif  // WARD_EMULATOR_IDENTITY_IDENTITY_FILE_H_
