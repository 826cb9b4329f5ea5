#include "tests/fuzz/device/boundary_record.h"

namespace ward::fuzz {

void BoundaryRecord::AddBytes(ConstByteSpan bytes) { digest_ = Digest(digest_, bytes); }

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
