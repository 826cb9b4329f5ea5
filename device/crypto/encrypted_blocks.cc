#include "device/crypto/encrypted_blocks.h"

#include <algorithm>
#include <cstring>

#include "base/bytes.h"
#include "base/rule.h"

namespace ward::device {

namespace {

constexpr uint64_t kBlockBytes = 16;

inline void XorBlock(const uint8_t* source, uint8_t* destination, const uint8_t* keystream) {
  uint64_t a[2];
  uint64_t b[2];
  std::memcpy(a, source, sizeof(a));
  std::memcpy(b, keystream, sizeof(b));
  a[0] ^= b[0];
  a[1] ^= b[1];
  std::memcpy(destination, a, sizeof(a));
}

void XorBytes(const uint8_t* source, uint8_t* destination, const uint8_t* keystream,
              uint64_t size) {
  while (size >= kBlockBytes) {
    XorBlock(source, destination, keystream);
    source += kBlockBytes;
    keystream += kBlockBytes;
    destination += kBlockBytes;
    size -= kBlockBytes;
  }
  for (uint64_t i = 0; i < size; ++i) {
    destination[i] = static_cast<uint8_t>(source[i] ^ keystream[i]);
  }
}

}  // namespace

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

uint64_t XorEncryptedBytes(const EncryptedBlockInfo& info, uint64_t from, ConstByteSpan source,
                           ByteSpan destination, const uint8_t* keystream) {
  const uint8_t* in = source.data();
  uint8_t* out = destination.data();
  const bool in_place = in == out;
  uint64_t left = source.size();
  uint64_t runs = 0;
  while (const auto run = FindEncryptedRun(info, from, from + left)) {
    uint64_t skip = run->offset - from;
    uint64_t size = run->size;
    from = run->offset + run->size;
    // After the first run all but the last are alike.
    do {
      if (!in_place) std::memcpy(out, in, skip);
      XorBytes(in + skip, out + skip, keystream, size);
      keystream += size;
      in += skip + size;
      out += skip + size;
      left -= skip + size;
      ++runs;
      const bool repeats = from > info.encrypted_bytes_at_beginning;
      skip = info.bytes_in_skip_pattern;
      size = info.bytes_in_encrypt_pattern;
      // The patterns of video encrypt a block at a time; in place there is nothing else to do.
      for (; repeats && in_place && size == kBlockBytes && skip + size <= left; ++runs) {
        XorBlock(in + skip, out + skip, keystream);
        keystream += size;
        in += skip + size;
        out += skip + size;
        left -= skip + size;
        from += skip + size;
      }
      if (!repeats || size == 0 || skip + size > left) break;
      from += skip + size;
    } while (true);
  }
  if (!in_place) std::memcpy(out, in, left);
  return runs;
}

}  // namespace ward::device
