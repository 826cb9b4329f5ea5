// The operator's seal key, a file of 32 bytes, and beside it the count that makes each sealed state
// good once: <key file>.generation. One key belongs to one device, wherever it moves; a count that
// several hosts share stands on storage that they share (docs/spec/saved-state.md).
#ifndef WARD_EMULATOR_SEAL_SEAL_FILE_H_
#define WARD_EMULATOR_SEAL_SEAL_FILE_H_

#include <cstdint>
#include <filesystem>
#include <memory>
#include <string>

#include "device/ports.h"

namespace ward::emulator {

class SealFile final : public device::StateSeal {
 public:
  // Nothing when the file is not a key; `*error` then says what is wrong and what mends it.
  static std::unique_ptr<SealFile> Open(const std::filesystem::path& key_file, std::string* error);

  const SecretBytes<32>& Key() const override { return key_; }
  uint64_t IssueGeneration() override;
  Outcome Resume(uint64_t generation) override;

  // Why the last of the two failed, for people; empty when it did not.
  const std::string& last_error() const { return last_error_; }

 private:
  struct Count {
    uint64_t issued = 0;
    uint64_t resumed = 0;
  };

  explicit SealFile(std::filesystem::path key_file);
  std::filesystem::path CountFile() const;
  bool ReadCount(Count* count);
  bool WriteCount(const Count& count);
  bool Fail(const std::string& what);

  std::filesystem::path key_file_;
  SecretBytes<32> key_;
  std::string last_error_;
};

}  // namespace ward::emulator

#endif  // WARD_EMULATOR_SEAL_SEAL_FILE_H_
