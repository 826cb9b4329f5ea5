// The firmware's hardware, made of the chip's blocks. Private to the security processor. It hands
// the firmware handles and public bytes; key bytes go from block to vault and stay on this side.
#ifndef WARD_DEVICE_FIRMWARE_PLATFORM_H_
#define WARD_DEVICE_FIRMWARE_PLATFORM_H_

#include <cstdint>
#include <vector>

#include "base/bytes.h"
#include "device/crypto/rsa_private_key.h"
#include "device/display.h"
#include "device/grant_table.h"
#include "device/key_vault.h"
#include "device/memory.h"
#include "device/ports.h"
#include "firmware/platform.h"

namespace ward::device {

// What the platform is wired to; all outlive it.
struct FirmwareWiring {
  KeyVault* vault;
  GrantTable* grants;
  Memory* memory;
  Display* display;
  EntropyPort* entropy;
  ClockPort* clock;
  uint64_t negotiation_ns;  // of HDCP, virtual
  int failing_self_test;    // negative: none
  bool open_decrypt;        // the host's compatibility switch (R27)
};

class FirmwarePlatform final : public firmware::Platform {
 public:
  FirmwarePlatform(const FirmwareWiring& wiring, RsaPrivateKey identity_key,
                   std::vector<uint8_t> certificates)
      : wiring_(wiring),
        identity_key_(std::move(identity_key)),
        certificates_(std::move(certificates)) {}

  // The message's two buffers and its charge of time, for as long as the firmware handles it.
  void OpenMailbox(ConstByteSpan payload, ByteSpan response, uint64_t charge_ns = 0);
  void CloseMailbox();
  uint32_t key_epoch() const { return key_epoch_; }
  void set_key_epoch(uint32_t key_epoch) { key_epoch_ = key_epoch; }

  bool ReadPayload(uint32_t offset, void* destination, uint32_t size_bytes) override;
  bool WriteResponse(uint32_t offset, const void* source, uint32_t size_bytes) override;
  uint64_t ChargeNs() override { return charge_ns_; }
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
  uint32_t ShownOutputs(uint32_t session) override;
  uint32_t OutputCount() override;
  firmware::OutputState ReadOutput(uint32_t output) override;
  void EnableLink(uint32_t output) override;
  void DisableLink(uint32_t output) override;
  bool WriteGrant(uint32_t index, const firmware::SessionGrant& grant) override;
  bool HasOpenDecrypt() override { return wiring_.open_decrypt; }
  firmware::SessionRefusals ReadRefusals(uint32_t index) override;
  void ReleaseProtectedPages(uint32_t session) override;
  uint32_t CertificateBytes() override;
  bool CopyCertificate(uint32_t certificate_offset, uint32_t response_offset,
                       uint32_t size_bytes) override;
  uint32_t KeyEpoch() override;
  void TestAesEcb(const uint8_t key[16], bool encrypt, const uint8_t in[16],
                  uint8_t out[16]) override;
  void TestAesCtr(const uint8_t key[16], const uint8_t counter[16], const uint8_t* in, uint8_t* out,
                  uint32_t size_bytes) override;
  void TestAesCmac(const uint8_t key[16], const uint8_t* in, uint32_t size_bytes,
                   uint8_t out[16]) override;
  void TestSha512(const uint8_t* in, uint32_t size_bytes, uint8_t out[64]) override;
  bool TestRsaOaep() override;
  bool TestRandom() override;
  int FailingSelfTest() override;

 private:
  ConstByteSpan FindBlob(uint32_t payload_offset, uint32_t size_bytes) const;
  bool StoreAndLock(uint32_t slot, uint32_t session, KeyVault::Key&& key);

  FirmwareWiring wiring_;
  RsaPrivateKey identity_key_;
  std::vector<uint8_t> certificates_;
  ConstByteSpan payload_;
  ByteSpan response_;
  uint64_t charge_ns_ = 0;
  uint32_t key_epoch_ = 1;
};

}  // namespace ward::device

#endif  // WARD_DEVICE_FIRMWARE_PLATFORM_H_
