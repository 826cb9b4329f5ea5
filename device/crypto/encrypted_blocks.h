// Which bytes of a partially encrypted buffer are encrypted, and where each stands in the keystream
// (D3D11_ENCRYPTED_BLOCK_INFO). Clear bytes do not advance the keystream.
#ifndef WARD_DEVICE_CRYPTO_ENCRYPTED_BLOCKS_H_
#define WARD_DEVICE_CRYPTO_ENCRYPTED_BLOCKS_H_

#include <cstdint>
#include <optional>

#include "base/bytes.h"

namespace ward::device {

// The beginning is encrypted; then a clear skip and an encrypted pattern alternate to the end
// of the buffer. Without an encrypt pattern everything after the beginning is clear.
struct EncryptedBlockInfo {
  uint32_t encrypted_bytes_at_beginning = 0;
  uint32_t bytes_in_skip_pattern = 0;
  uint32_t bytes_in_encrypt_pattern = 0;
};

// Bytes [offset, offset + size) of the buffer take the keystream from byte `position` on.
struct EncryptedRun {
  uint64_t offset;
  uint64_t size;
  uint64_t position;
};

// True when the pattern keeps to blocks of `alignment` bytes. Without an encrypt pattern any
// beginning is accepted; the end of the buffer may cut the last run short.
bool IsAlignedPattern(const EncryptedBlockInfo& info, uint32_t alignment);

// Encrypted bytes among the first `size` of a buffer; for the buffer's size this is the number of
// keystream bytes that the buffer takes.
uint64_t CountEncryptedBytes(const EncryptedBlockInfo& info, uint64_t size);

// The first run, or rest of one, that begins in [from, end); none when all of it is clear. Call it
// again with offset + size: any part of a buffer can be walked, in slices or in parallel.
std::optional<EncryptedRun> FindEncryptedRun(const EncryptedBlockInfo& info, uint64_t from,
                                             uint64_t end);

// XORs `keystream` into the encrypted bytes of [from, from + source.size()) of a buffer, and puts
// those and the clear ones in `destination`: same size, same place or disjoint. `keystream` begins
// with what the first encrypted byte there takes. For patterns of short runs, where asking for each
// costs more than it takes. Returns how many runs there were.
uint64_t XorEncryptedBytes(const EncryptedBlockInfo& info, uint64_t from, ConstByteSpan source,
                           ByteSpan destination, const uint8_t* keystream);

}  // namespace ward::device

#endif  // WARD_DEVICE_CRYPTO_ENCRYPTED_BLOCKS_H_
