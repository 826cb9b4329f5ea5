#include "device/crypto/encrypted_blocks.h"

#include <algorithm>

#include "base/bytes.h"
#include "base/rule.h"

namespace ward::device {

bool IsAlignedPattern(const EncryptedBlockInfo& info, uint32_t alignment) {
  if (WARD_RULE("R10.beginning_only", info.bytes_in_encrypt_pattern == 0)) return true;
  return IsAligned(info.encrypted_bytes_at_beginning, alignment) &&
         IsAligned(info.bytes_in_skip_pattern, alignment) &&
         IsAligned(info.bytes_in_encrypt_pattern, alignment);
}

uint64_t CountEncryptedBytes(const EncryptedBlockInfo& info, uint64_t size) {
  const uint64_t beginning = std::min<uint64_t>(info.encrypted_bytes_at_beginning, size);
  if (info.bytes_in_encrypt_pattern == 0) return beginning;
  const uint64_t skip = info.bytes_in_skip_pattern;
  const uint64_t encrypt = info.bytes_in_encrypt_pattern;
  const uint64_t rest = size - beginning;
  const uint64_t last = rest % (skip + encrypt);
  return beginning + rest / (skip + encrypt) * encrypt + (last > skip ? last - skip : 0);
}

std::optional<EncryptedRun> FindEncryptedRun(const EncryptedBlockInfo& info, uint64_t from,
                                             uint64_t end) {
  const uint64_t beginning = info.encrypted_bytes_at_beginning;
  const uint64_t skip = info.bytes_in_skip_pattern;
  const uint64_t encrypt = info.bytes_in_encrypt_pattern;
  if (from >= end) return std::nullopt;
  if (encrypt != 0 && skip == 0) {
    if (WARD_BROKEN("7.8.no_skip")) return std::nullopt;
    return EncryptedRun{from, end - from, from};
  }
  if (from < beginning) {
    return EncryptedRun{from, std::min(beginning, end) - from, from};
  }
  if (encrypt == 0) {
    if (WARD_BROKEN("7.8.beginning_only")) return EncryptedRun{from, end - from, from};
    return std::nullopt;
  }

  const uint64_t phase = (from - beginning) % (skip + encrypt);
  const uint64_t until_encrypted = phase < skip ? skip - phase : 0;
  if (until_encrypted >= end - from) return std::nullopt;
  const uint64_t offset = from + until_encrypted;
  const uint64_t size = std::min(skip + encrypt - std::max(phase, skip), end - offset);
  return EncryptedRun{offset, size, CountEncryptedBytes(info, offset)};
}

}  // namespace ward::device
