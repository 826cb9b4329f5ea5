// A file whose growth a guest decides, and which ends at a limit, so that it can't fill the host's
// disk.
#ifndef WARD_EMULATOR_BOUNDARY_BOUNDED_FILE_H_
#define WARD_EMULATOR_BOUNDARY_BOUNDED_FILE_H_

#include <cstdint>
#include <cstdio>
#include <string>
#include <string_view>

#include "base/bytes.h"

namespace ward::emulator {

class BoundedFile {
 public:
  static constexpr uint64_t kDefaultBytes = 64ull << 20;

  enum class Access {
    kShared,   // as the process's umask says
    kPrivate,  // for its owner alone (0600), also when it was there before
  };

  explicit BoundedFile(uint64_t maximum_bytes = kDefaultBytes) : maximum_bytes_(maximum_bytes) {}
  ~BoundedFile();
  BoundedFile(const BoundedFile&) = delete;
  BoundedFile& operator=(const BoundedFile&) = delete;

  // "-" is the standard error, which `kPrivate` does not go to. False when the file can't be
  // written or be made private.
  bool Open(const std::string& path, Access access);

  // All or nothing; false, and for good, when that would pass the limit, or the disk is full.
  bool Write(std::string_view text);
  bool Write(ConstByteSpan bytes);
  // One short remark behind what fitted.
  void WriteLast(std::string_view text);
  // What was written stands in the file, also when the process is killed.
  void Flush();
  bool is_full() const { return is_full_; }

 private:
  uint64_t maximum_bytes_;
  std::FILE* file_ = nullptr;
  uint64_t written_ = 0;
  bool is_full_ = false;
};

}  // namespace ward::emulator

#endif  // WARD_EMULATOR_BOUNDARY_BOUNDED_FILE_H_
