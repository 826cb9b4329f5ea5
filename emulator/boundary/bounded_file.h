// A file whose growth a guest decides, and which ends at a limit, so that it can't fill the host's
// disk.
#ifndef WARD_EMULATOR_BOUNDARY_BOUNDED_FILE_H_
#define WARD_EMULATOR_BOUNDARY_BOUNDED_FILE_H_

#include <cstdint>
#include <string>
#include <string_view>

#include "base/bytes.h"
#include "base/file_descriptor.h"

namespace ward::emulator {

class BoundedFile {
 public:
  static constexpr uint64_t kDefaultBytes = 64ull << 20;

  enum class Access {
    kShared,   // as the process's umask says
    kPrivate,  // for its owner alone (0600), also when it was there before
  };

  explicit BoundedFile(uint64_t maximum_bytes = kDefaultBytes) : maximum_bytes_(maximum_bytes) {}
  ~BoundedFile() = default;
  BoundedFile(const BoundedFile&) = delete;
  BoundedFile& operator=(const BoundedFile&) = delete;

  // "-" is the standard error, which `kPrivate` does not go to. False when the file can't be
  // written or be made private, or is a pipe that nobody reads.
  bool Open(const std::string& path, Access access);

  // All or nothing, at once and without a buffer: it stands in the file also when the process is
  // killed. False, and for good, when that would pass the limit, the disk is full, or a pipe's
  // reader does not read. What the standard error does not take is lost, and counted there.
  bool Write(std::string_view text);
  bool Write(ConstByteSpan bytes);
  // One short remark behind what fitted.
  void WriteLast(std::string_view text);
  bool is_full() const { return is_full_; }
  // Why it has ended, for people; empty while it has not.
  const std::string& trouble() const { return trouble_; }

 private:
  void Tell(std::string_view text);
  bool WriteWhole(ConstByteSpan bytes);
  bool Fail(std::string why);

  uint64_t maximum_bytes_;
  FileDescriptor file_;
  bool is_standard_error_ = false;
  uint64_t written_ = 0;
  uint64_t lost_ = 0;  // writes that the standard error did not take
  bool is_full_ = false;
  std::string trouble_;
};

}  // namespace ward::emulator

#endif  // WARD_EMULATOR_BOUNDARY_BOUNDED_FILE_H_
