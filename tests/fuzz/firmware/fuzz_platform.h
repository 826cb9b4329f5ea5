// The platform of a firmware that is fuzzed: slots and grants as plain records, ciphers that only
// look like some, failures that the input asks for. It checks what the firmware asks of it, and
// keeps every key that there ever was, so that none can come out unseen.
#ifndef WARD_TESTS_FUZZ_FIRMWARE_FUZZ_PLATFORM_H_
#define WARD_TESTS_FUZZ_FIRMWARE_FUZZ_PLATFORM_H_

#include <array>
#include <cstdint>
#include <unordered_set>
#include <vector>

#include "base/bytes.h"
#include "firmware/firmware.h"
#include "firmware/platform.h"

namespace ward::fuzz {

class FuzzPlatform final : public firmware::Platform {
 public:
  static constexpr uint8_t kGoodBlobMark = 0x5a;
  static constexpr uint32_t kBlobBytes = 256;
  static constexpr uint32_t kSlots = 96;  // few enough to be used up
  static constexpr uint32_t kOutputs = 2;
  using Key = std::array<uint8_t, 16>;

  struct Slot {
    uint32_t owner = 0;  // 0: free
    uint32_t usage = 0;
    bool filled = false;
    bool damaged = false;
    Key key = {};
  };
  // What goes wrong, when `countdown` calls of the kind that can have been made. 0: nothing.
  struct Trouble {
    uint32_t damage_in = 0;       // a check word of the slot that is used does not fit
    uint32_t block_fails_in = 0;  // a cipher gives nothing
    uint32_t entropy_ends_in = 0;
    bool without_entropy = false;
    bool without_slots = false;
    bool rsa_fails = false;  // its self-test
    int failing_self_test = -1;
  };

  FuzzPlatform();
  // As after power-on.
  void Start();
  // The mailbox for the next message.
  void OpenMailbox(ConstByteSpan payload, uint32_t response_capacity);

  const std::vector<Slot>& slots() const { return slots_; }
  const firmware::SessionGrant& grant(uint32_t index) const { return grants_[index]; }
  uint32_t link(uint32_t output) const { return outputs_[output].link; }
  ConstByteSpan payload() const { return payload_; }
  ConstByteSpan response() const { return response_; }
  // Whether all of the response's [16, end) was written for this message.
  bool WroteAllBefore(uint32_t end) const;
  // Whether `word` is half of a key that there is, or was.
  bool IsOfKey(uint64_t word) const { return key_halves_.contains(word); }
  bool WasReleased(uint32_t session) const { return released_.contains(session); }
  // What ComputeMac gives; zeros for a slot without a key.
  Key Tag(uint32_t slot, ConstByteSpan bytes) const;
  void Damage(uint32_t slot);
  void SetLink(uint32_t output, uint32_t state) { outputs_[output % kOutputs].link = state; }

  Trouble trouble;
  bool open_decrypt = false;

  bool ReadPayload(uint32_t offset, void* destination, uint32_t size_bytes) override;
  bool WriteResponse(uint32_t offset, const void* source, uint32_t size_bytes) override;
  uint64_t ChargeNs() override { return 20000; }
  uint32_t AllocateSlot(uint32_t session, uint32_t usage) override;
  void WipeSlot(uint32_t slot) override;
  void WipeAllSlots() override;
  bool IsSlotDamaged(uint32_t slot) override;
  bool UnwrapRsaOaep(uint32_t slot, uint32_t session, uint32_t payload_offset,
                     uint32_t size_bytes) override;
  bool UnwrapRsaOaepParameters(uint32_t slot, uint32_t owner, uint32_t payload_offset,
                               uint32_t size_bytes,
                               uint8_t public_part[firmware::kPublicParameterBytes]) override;
  bool UnwrapAesEcb(uint32_t wrapping_slot, uint32_t slot, uint32_t session,
                    uint32_t payload_offset) override;
  bool GenerateKey(uint32_t slot, uint32_t session) override;
  bool WrapAesEcb(uint32_t wrapping_slot, uint32_t slot, uint32_t session,
                  uint32_t response_offset) override;
  bool XorKey(uint32_t source_slot, uint32_t slot, uint32_t session,
              const uint8_t mask[16]) override;
  bool ComputeMac(uint32_t slot, uint32_t owner, const uint8_t* bytes, uint32_t size_bytes,
                  uint8_t tag[16]) override;
  bool VerifyMac(uint32_t slot, uint32_t owner, const uint8_t* bytes, uint32_t size_bytes,
                 const uint8_t tag[16]) override;
  bool DrawRandom(void* destination, uint32_t size_bytes) override;
  uint32_t ShownOutputs(uint32_t session) override { return session & 3; }
  uint32_t OutputCount() override { return kOutputs; }
  firmware::OutputState ReadOutput(uint32_t output) override;
  void EnableLink(uint32_t output) override;
  void DisableLink(uint32_t output) override;
  bool WriteGrant(uint32_t index, const firmware::SessionGrant& grant) override;
  firmware::SessionRefusals ReadRefusals(uint32_t index) override;
  bool HasOpenDecrypt() override { return open_decrypt; }
  void ReleaseProtectedPages(uint32_t session) override { released_.insert(session); }
  uint32_t CertificateBytes() override { return 1000; }
  bool CopyCertificate(uint32_t certificate_offset, uint32_t response_offset,
                       uint32_t size_bytes) override;
  uint32_t KeyEpoch() override { return 1; }

  // Right answers to the known-answer tests, and wrong ones on demand.
  void TestAesEcb(const uint8_t key[16], bool encrypt, const uint8_t in[16],
                  uint8_t out[16]) override;
  void TestAesCtr(const uint8_t key[16], const uint8_t counter[16], const uint8_t* in, uint8_t* out,
                  uint32_t size_bytes) override;
  void TestAesCmac(const uint8_t key[16], const uint8_t* in, uint32_t size_bytes,
                   uint8_t out[16]) override;
  void TestSha512(const uint8_t* in, uint32_t size_bytes, uint8_t out[64]) override;
  bool TestRsaOaep() override { return !trouble.rsa_fails; }
  bool TestRandom() override { return !trouble.without_entropy; }
  int FailingSelfTest() override { return trouble.failing_self_test; }

 private:
  Slot& Used(uint32_t slot);
  bool CanUse(uint32_t slot, uint32_t owner, uint32_t usage);
  bool Fill(uint32_t slot, uint32_t owner, const Key& key);
  Key NewKey();
  bool BlockFails();

  std::vector<uint8_t> payload_;
  std::vector<uint8_t> response_;
  std::vector<bool> written_;
  std::vector<Slot> slots_;
  std::vector<firmware::SessionGrant> grants_;
  std::vector<firmware::OutputState> outputs_;
  std::unordered_set<uint64_t> key_halves_;
  std::unordered_set<uint32_t> released_;  // since the mailbox was opened
  uint64_t keys_made_ = 0;
  uint64_t random_drawn_ = 0;
};

}  // namespace ward::fuzz

#endif  // WARD_TESTS_FUZZ_FIRMWARE_FUZZ_PLATFORM_H_
