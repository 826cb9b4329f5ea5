#include "device/crypto/ctr_engine.h"

#include <algorithm>

#include "base/assert.h"
#include "base/rule.h"
#include "device/crypto/wide_aes.h"

namespace ward::device {
namespace {

void XorInto(uint8_t* destination, const uint8_t* source, const uint8_t* keystream, uint64_t size) {
  for (uint64_t i = 0; i < size; ++i) {
    destination[i] = static_cast<uint8_t>(source[i] ^ keystream[i]);
  }
}

}  // namespace

void CtrKey::Expand() {
  if (!wide_aes::IsAvailable()) return;
  wide_aes::ExpandKey(key.Expose().data(), round_keys.Expose().data());
  expanded = true;
}

CtrEngine::CtrEngine(Block block) : is_wide_(block == Block::kWidest && wide_aes::IsAvailable()) {}

CtrEngine::~CtrEngine() { Finish(); }

bool CtrEngine::Begin(const CtrKey* key, const CounterBlock& counter) {
  key_ = key;
  counter_ = counter;
  if (is_wide_) return key->expanded && wide_aes::IsAvailable();
  libcrypto_position_ = 0;
  return libcrypto_.SetKey(key->key) && libcrypto_.Start(counter);
}

void CtrEngine::Finish() {
  key_ = nullptr;
  if (!is_wide_) libcrypto_.Wipe();
}

bool CtrEngine::Apply(uint64_t position, ConstByteSpan source, ByteSpan destination) {
  WARD_ASSERT(key_ != nullptr && source.size() == destination.size());
  if (!is_wide_) return ApplyLibcrypto(position, source, destination);
  ApplyWide(position, source, destination);
  return true;
}

bool CtrEngine::ApplyLibcrypto(uint64_t position, ConstByteSpan source, ByteSpan destination) {
  if (position != libcrypto_position_ && !libcrypto_.Start(counter_, position)) return false;
  libcrypto_position_ = position + source.size();
  return libcrypto_.Apply(source, destination);
}

bool CtrEngine::ApplyShared(uint64_t position, ConstByteSpan source, ByteSpan destination) const {
  WARD_ASSERT(is_wide_ && key_ != nullptr && source.size() == destination.size());
  if (!wide_aes::IsAvailable()) return false;
  ApplyWide(position, source, destination);
  return true;
}

void CtrEngine::ApplyWide(uint64_t position, ConstByteSpan source, ByteSpan destination) const {
  const uint8_t* from = source.data();
  uint8_t* to = destination.data();
  uint64_t left = source.size();
  const uint64_t skipped = position % kAesBlockBytes;
  if (skipped != 0 && left != 0) {
    // The rest of a block that was begun before.
    SecretBytes<kAesBlockBytes> keystream;
    uint8_t* bytes = keystream.Expose().data();
    ApplyBlocks(position / kAesBlockBytes, bytes, bytes, kAesBlockBytes);
    const uint64_t size = std::min(left, kAesBlockBytes - skipped);
    XorInto(to, from, bytes + skipped, size);
    from += size;
    to += size;
    left -= size;
    position += size;
  }
  if (left != 0) ApplyBlocks(position / kAesBlockBytes, from, to, left);
}

// The wide block counts in 32 bits; Count has 64, without a carry into IV.
void CtrEngine::ApplyBlocks(uint64_t block, const uint8_t* source, uint8_t* destination,
                            uint64_t size) const {
  while (size != 0) {
    CounterBlock counter = {counter_.iv, counter_.count + block};
    if (WARD_BROKEN("7.4.count_wraps") && counter.count < counter_.count) ++counter.iv;
    const uint64_t before_wrap =
        (uint64_t{1} << 32) - static_cast<uint32_t>(counter.count);  // blocks
    const uint64_t piece = std::min(size, before_wrap * kAesBlockBytes);
    uint8_t bytes[kAesBlockBytes];
    counter.ToBytes(bytes);
    wide_aes::Apply(key_->round_keys.Expose().data(), bytes, source, destination, piece);
    source += piece;
    destination += piece;
    size -= piece;
    block += piece / kAesBlockBytes;
  }
}

}  // namespace ward::device
