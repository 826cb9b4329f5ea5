// AES-128-CTR as D3D11 content protection defines it (AES_CTR_IV): the counter block is IV followed
// by Count, both big-endian, and Count wraps modulo 2^64 without a carry into IV.
#ifndef WARD_DEVICE_CRYPTO_AES_CTR_H_
#define WARD_DEVICE_CRYPTO_AES_CTR_H_

#include <memory>

#include "base/assert.h"
#include "base/bytes.h"
#include "device/crypto/aes_key.h"

namespace ward::device {

struct CounterBlock {
  uint64_t iv = 0;
  uint64_t count = 0;  // number of the first 16-byte keystream block

  // `bytes` is the 16-byte AES_CTR_IV as it travels in a command.
  static CounterBlock FromBytes(ConstByteSpan bytes) {
    WARD_ASSERT(bytes.size() == kAesBlockBytes);
    return {LoadBe64(bytes.data()), LoadBe64(bytes.data() + 8)};
  }
  void ToBytes(ByteSpan bytes) const {
    WARD_ASSERT(bytes.size() == kAesBlockBytes);
    StoreBe64(bytes.data(), iv);
    StoreBe64(bytes.data() + 8, count);
  }
};

// One keyed engine: SetKey, then any number of runs of Start and Apply. Encrypting and decrypting
// are the same. Not for two threads at once; give each thread an engine of its own. The functions
// that answer bool say false only when libcrypto fails, and have then forgotten the key.
class AesCtr {
 public:
  AesCtr();
  ~AesCtr();
  AesCtr(AesCtr&&) noexcept;
  AesCtr& operator=(AesCtr&&) noexcept;

  [[nodiscard]] bool SetKey(const AesKey& key);
  // Wipes the key and its schedule.
  void Wipe();
  bool has_key() const;

  // Begins a run at byte `position` of the keystream whose block 0 is `counter`.
  [[nodiscard]] bool Start(const CounterBlock& counter, uint64_t position = 0);
  // Puts `source` XOR the next keystream bytes in `destination`: same size, same place or disjoint.
  [[nodiscard]] bool Apply(ConstByteSpan source, ByteSpan destination);
  // Blocks of the keystream, from block 0 of the run on, that were used at least in part: what the
  // Count of a following range has to be greater by. 0 for a run at position 0 without bytes.
  uint64_t blocks_consumed() const;

 private:
  struct Engine;

  bool AlignEngine();
  uint64_t BytesBeforeWrap() const;

  std::unique_ptr<Engine> engine_;
  CounterBlock counter_;
  uint64_t position_ = 0;
  bool aligned_ = false;  // the engine's own counter stands at position_
};

}  // namespace ward::device

#endif  // WARD_DEVICE_CRYPTO_AES_CTR_H_
