// All that came out of the chip during one input: as a digest, and looked at for secrets as it
// goes.
#ifndef WARD_TESTS_FUZZ_DEVICE_BOUNDARY_RECORD_H_
#define WARD_TESTS_FUZZ_DEVICE_BOUNDARY_RECORD_H_

#include <cstdint>
#include <string_view>

#include "base/bytes.h"
#include "tests/fuzz/device/digest.h"
#include "tests/fuzz/device/secret_scanner.h"
#include "tests/fuzz/oracle.h"

namespace ward::fuzz {

class BoundaryRecord {
 public:
  void Begin(const SecretScanner* scanner) {
    scanner_ = scanner;
    digest_ = 0x243f6a8885a308d3;
    accesses = 0;
    last_store = {};
    last_write = {};
  }
  // Null: the input itself holds what is looked for.
  const SecretScanner* scanner() const { return scanner_; }

  // Something that a guest or a host sees: a register, a vector, an event.
  WARD_UNINSTRUMENTED void Add(uint64_t value) { digest_ = Mix(digest_, value); }
  // A literal of the chip's.
  void AddName(std::string_view name) {
    AddBytes({reinterpret_cast<const uint8_t*>(name.data()), name.size()});
  }
  // Bytes that a guest or a host sees.
  void Show(uint64_t address, ConstByteSpan bytes);
  // That they see nothing of what they may not.
  void LookForSecrets(ConstByteSpan bytes) const;
  uint64_t digest() const { return digest_; }

  uint64_t accesses = 0;  // of the ports, since the last Process began
  // The atomic store of 8 bytes that was made last, and how many there were.
  struct Store {
    uint64_t address = 0;
    uint64_t value = 0;
    uint64_t count = 0;
  };
  Store last_store;
  // The last write of bytes to memory: a bus address, or an offset with abi::kPhysicalLocal.
  struct Write {
    uint64_t address = 0;
    uint64_t size_bytes = 0;
  };
  Write last_write;

 private:
  void AddBytes(ConstByteSpan bytes);

  const SecretScanner* scanner_ = nullptr;
  uint64_t digest_ = 0;
};

}  // namespace ward::fuzz

#endif  // WARD_TESTS_FUZZ_DEVICE_BOUNDARY_RECORD_H_
