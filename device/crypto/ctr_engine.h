// The block that DECRYPT_BLT, DECRYPT_SAMPLE and ENCRYPT_BLT run on: AES-128-CTR as aes_ctr.h
// defines it, from keys that are expanded once for each slot. Two ways to the same bytes: intel-
// ipsec-mb, which takes the widest instructions that the processor has, and libcrypto, which is
// always there and is what the other is tested against.
#ifndef WARD_DEVICE_CRYPTO_CTR_ENGINE_H_
#define WARD_DEVICE_CRYPTO_CTR_ENGINE_H_

#include <memory>

#include "base/bytes.h"
#include "base/secret_bytes.h"
#include "device/crypto/aes_ctr.h"
#include "device/crypto/aes_key.h"

namespace ward::device {

// A key as the engine takes it. Whoever holds one keeps it where keys are kept; it wipes itself.
struct CtrKey {
  AesKey key;
  // Round keys of `key` for the wide block; `expanded` says that they are there.
  alignas(16) SecretBytes<11 * kAesBlockBytes> round_keys;
  bool expanded = false;

  // Makes the round keys, where there is a block that takes them.
  void Expand();
  void Wipe() {
    key.Wipe();
    round_keys.Wipe();
    expanded = false;
  }
};

class CtrEngine {
 public:
  enum class Block { kWidest, kLibcrypto };

  // kWidest: libcrypto all the same where there is nothing wider.
  explicit CtrEngine(Block block = Block::kWidest);
  ~CtrEngine();
  CtrEngine(const CtrEngine&) = delete;
  CtrEngine& operator=(const CtrEngine&) = delete;

  bool is_wide() const { return is_wide_; }

  // Begins a run under `key`, which is expanded, and stays where it is until Finish. False:
  // libcrypto failed, or this thread has no memory for the wide block.
  [[nodiscard]] bool Begin(const CtrKey* key, const CounterBlock& counter);
  // Puts `source` XOR the keystream from byte `position` of the run on in `destination`: same
  // size, same place or disjoint. False: libcrypto failed.
  [[nodiscard]] bool Apply(uint64_t position, ConstByteSpan source, ByteSpan destination);
  // Whether several threads may call ApplyShared between Begin and Finish.
  bool CanShare() const { return is_wide_; }
  // As Apply, for each its own bytes. False: this thread has no memory for it, and nothing was
  // done.
  [[nodiscard]] bool ApplyShared(uint64_t position, ConstByteSpan source,
                                 ByteSpan destination) const;
  // Forgets the key. Nothing of it is left in this object.
  void Finish();

 private:
  void ApplyWide(uint64_t position, ConstByteSpan source, ByteSpan destination) const;
  void ApplyBlocks(uint64_t block, const uint8_t* source, uint8_t* destination,
                   uint64_t size) const;
  bool ApplyLibcrypto(uint64_t position, ConstByteSpan source, ByteSpan destination);

  bool is_wide_;
  const CtrKey* key_ = nullptr;
  CounterBlock counter_;
  AesCtr libcrypto_;
  uint64_t libcrypto_position_ = 0;  // where it stands in the keystream
};

}  // namespace ward::device

#endif  // WARD_DEVICE_CRYPTO_CTR_ENGINE_H_
