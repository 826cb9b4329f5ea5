// DECRYPT_BLT, DECRYPT_SAMPLE and ENCRYPT_BLT, from grants, without entering firmware.
#ifndef WARD_DEVICE_CRYPTO_ENGINE_H_
#define WARD_DEVICE_CRYPTO_ENGINE_H_

#include <memory>

#include "abi/generated/commands.h"
#include "base/result.h"
#include "device/address_space.h"
#include "device/bounce_buffer.h"
#include "device/crypto/aes_ctr.h"
#include "device/crypto/ctr_engine.h"
#include "device/crypto/encrypted_blocks.h"
#include "device/engine_job.h"
#include "device/grant_table.h"
#include "device/key_vault.h"
#include "device/memory.h"

namespace ward::device {

class CryptoEngine {
 public:
  // `executor` may be null.
  CryptoEngine(Memory* memory, KeyVault* vault, GrantTable* grants, bool strict_iv,
               ExecutorPort* executor = nullptr, CtrEngine::Block block = CtrEngine::Block::kWidest)
      : memory_(memory),
        vault_(vault),
        grants_(grants),
        strict_iv_(strict_iv),
        executor_(executor),
        cipher_(block) {}

  // As CopyEngine::Begin. Order of checks: operands, session, key, pattern or sub-samples,
  // addresses, flow rule, IV. ENCRYPT_BLT takes its counter block here and writes it to iv_address
  // in the last step.
  // The job is begun where it will be stepped; what is in it after a fault means nothing.
  Result<void> Begin(const abi::DecryptBltCommand& command, const AddressSpace& space,
                     EngineJob* job);
  // `sub_samples` is the list behind the command, as long as sub_sample_count says.
  Result<void> Begin(const abi::DecryptSampleCommand& command, ConstByteSpan sub_samples,
                     const AddressSpace& space, EngineJob* job);
  Result<void> Begin(const abi::EncryptBltCommand& command, const AddressSpace& space,
                     EngineJob* job);
  // As CopyEngine::Step; session, key and flow rule are looked at again, so a session that ended
  // meanwhile stops the job with SESSION_INVALID, a key that was replaced with SESSION_NO_KEY, and
  // a cipher that does not run with DEVICE_IN_ERROR_STATE.
  Result<bool> Step(EngineJob* job, uint64_t budget_bytes);
  // Begin has looked for session and key, and a first Step that follows at once uses what it found.
  // To be called before anything else can happen to them.
  void ForgetKeyUse() { fresh_job_ = nullptr; }
  // As CopyEngine.
  bool CanResume(const EngineJob& job) const;
  // An ENCRYPT_BLT that was saved amid its work begins anew with a counter block of its own: what
  // its pages hold may differ from what they held where it was saved, and no two plaintexts meet
  // one counter (R22).
  void RestartEncryption(EngineJob* job);

 private:
  // What a step works with; looked up anew each time.
  struct KeyUse {
    Grant* grant = nullptr;
    const CtrKey* key = nullptr;
    uint64_t key_serial = 0;
    EncryptedBlockInfo pattern;  // not of DECRYPT_SAMPLE
    uint64_t length_bytes = 0;
  };
  Result<void> FindKey(const EngineJob& job, KeyUse* use);
  Result<void> BeginUse(EngineJob* job);
  // The second half of Begin for the two commands that decrypt. `keystream_bytes` is what the whole
  // of it takes.
  template <typename Command>
  Result<void> AdmitDecrypt(const Command& command, const AddressSpace& space, const KeyUse& use,
                            uint64_t keystream_bytes, EngineJob* job);
  Result<void> MoveSlices(EngineJob* job, const KeyUse& use, PageOwner session,
                          uint64_t budget_bytes);
  // One slice, checked: both ranges have its size.
  Result<void> MoveSlice(EngineJob* job, const KeyUse& use, PageOwner session,
                         const GuestRange& source, const GuestRange& destination);
  // One piece of both, from byte `offset` of the job on.
  Result<void> MovePiece(EngineJob* job, const KeyUse& use, PageOwner session, uint64_t offset,
                         const PhysicalSpan& source, const PhysicalSpan& destination);
  void TakeCounterBlock(Grant* grant, EngineJob* job);
  // Puts the bytes from `offset` of the job on in `destination`, the encrypted ones XOR keystream.
  Result<void> ApplyKeystream(EngineJob* job, const EncryptedBlockInfo& pattern, uint64_t offset,
                              ConstByteSpan source, ByteSpan destination);
  // One run, from byte `position` of the keystream on; by several processors if it is long.
  bool ApplyCipher(uint64_t position, ConstByteSpan source, ByteSpan destination);
  Result<void> ApplyToShortRuns(EngineJob* job, const EncryptedBlockInfo& pattern, uint64_t offset,
                                ConstByteSpan source, ByteSpan destination);
  // Room for `size_bytes`, at most kMaximumSliceBytes; what was in it is wiped when it is given
  // back.
  BounceBuffer* Room(std::unique_ptr<BounceBuffer>* room);

  const EngineJob* fresh_job_ = nullptr;  // whose `use_` was just found
  KeyUse use_;
  Memory* memory_;
  KeyVault* vault_;
  GrantTable* grants_;
  bool strict_iv_;
  ExecutorPort* executor_;
  CtrEngine cipher_;  // keyed only within a step
  // Made when they are first needed, empty but within a step.
  std::unique_ptr<BounceBuffer> bounce_;
  std::unique_ptr<BounceBuffer> keystream_;
};

}  // namespace ward::device

#endif  // WARD_DEVICE_CRYPTO_ENGINE_H_
