#include "tests/fuzz/device/boundary_record.h"

namespace ward::fuzz {

void BoundaryRecord::AddBytes(ConstByteSpan bytes) {
  uint64_t digest = digest_ ^ bytes.size();
  const uint8_t* at = bytes.data();
  size_t left = bytes.size();
  while (left != 0) {
    uint64_t word = 0;
    const size_t size = left < sizeof(word) ? left : sizeof(word);
    __builtin_memcpy(&word, at, size);
    digest = (digest ^ word) * 0x9fb21c651e98df25;
    digest ^= digest >> 32;
    at += size;
    left -= size;
  }
  digest_ = digest;
}

void BoundaryRecord::Show(uint64_t address, ConstByteSpan bytes) {
  Add(address);
  AddBytes(bytes);
  LookForSecrets(bytes);
}

void BoundaryRecord::LookForSecrets(ConstByteSpan bytes) const {
  if (scanner_ == nullptr) return;
  if (const char* secret = scanner_->Find(bytes)) OracleFell(secret, "a secret left the chip");
}

}  // namespace ward::fuzz
