// The hardware that the security processor's firmware runs on. It passes handles and offsets, never
// host pointers and never key bytes. In the model it is implemented by device/security_processor;
// on silicon it would be register accesses.
#ifndef WARD_FIRMWARE_PLATFORM_H_
#define WARD_FIRMWARE_PLATFORM_H_

#include <cstdint>

namespace ward::firmware {

inline constexpr uint32_t kNoSlot = 0xffffffff;
inline constexpr uint32_t kMaxPayloadBytes = 8192;    // of the mailbox
inline constexpr uint32_t kMaxResponseBytes = 65536;  // header included
inline constexpr uint32_t kPublicParameterBytes = 24;

// Same bits as the vault's.
enum : uint32_t { kUsageUnwrap = 1, kUsageDecrypt = 2, kUsageEncrypt = 4, kUsageMac = 8 };

// What firmware admits for one session (device/grant_table.h). Writing it replaces the slots and,
// where a slot changed, that key's IV history; refusal counters stay.
struct SessionGrant {
  uint32_t session;  // 0 frees the entry
  uint32_t context;
  uint32_t session_slot;
  uint32_t content_slot;
  uint32_t readback_slot;
  uint32_t torn_down = 0;     // 1: the engines refuse the session with SESSION_LOST
  uint32_t protection = 0;    // PROTECTION_FLAGS that the session's context asked for
  uint32_t open_decrypt = 0;  // 1: DECRYPT_BLT may write memory that is not protected (R27)
};

// PROTECTION_FLAGS (DDI 8.5); all other bits are zero.
enum : uint32_t { kProtectionEnabled = 1, kOverlayOrFullscreenRequired = 2 };

// A display output as firmware sees it.
struct OutputState {
  uint32_t link;   // OUTPUT_LINK.HDCP_STATE
  uint32_t width;  // of the mode, in pixels
  uint32_t height;
};
// HDCP_STATE.
enum : uint32_t { kLinkOff = 0, kLinkNegotiating = 1, kLinkOn = 2, kLinkLost = 3 };

struct SessionRefusals {
  uint32_t count;
  uint32_t last_status;
  uint32_t iv_repeats;  // R21: not refused
};

class Platform {
 public:
  // Mailbox: the payload of the message in flight, and its response. Offsets are checked by the
  // platform: outside of payload or response they fail (false).
  virtual bool ReadPayload(uint32_t offset, void* destination, uint32_t size_bytes) = 0;
  virtual bool WriteResponse(uint32_t offset, const void* source, uint32_t size_bytes) = 0;

  // Virtual time that the message in flight was charged.
  virtual uint64_t ChargeNs() = 0;

  // Key vault. `session` is the owner of the slot: a session's number, a channel's (whose bit 15 is
  // set) or a protected output's (bit 14), which no session's has. Allocate gives kNoSlot when none
  // is left.
  virtual uint32_t AllocateSlot(uint32_t session, uint32_t usage) = 0;
  virtual void WipeSlot(uint32_t slot) = 0;
  virtual void WipeAllSlots() = 0;
  // The slot's session lost its keys because a check word failed (F19).
  virtual bool IsSlotDamaged(uint32_t slot) = 0;
  // RSAES-OAEP of payload[offset, offset + size) under the device's private key into the slot. All
  // failures are the same false, and cost the same.
  virtual bool UnwrapRsaOaep(uint32_t slot, uint32_t session, uint32_t payload_offset,
                             uint32_t size_bytes) = 0;
  // The same for a blob of at least 40 bytes of which [16, 32) is the key (DDI 7.2). What stands
  // around it is public: [0, 16) and [32, 40) in `public_part`, which a failure leaves zero.
  virtual bool UnwrapRsaOaepParameters(uint32_t slot, uint32_t owner, uint32_t payload_offset,
                                       uint32_t size_bytes,
                                       uint8_t public_part[kPublicParameterBytes]) = 0;
  // AES-128-ECB decryption of 16 payload bytes under the key in `wrapping_slot` into `slot`.
  virtual bool UnwrapAesEcb(uint32_t wrapping_slot, uint32_t slot, uint32_t session,
                            uint32_t payload_offset) = 0;
  // A new random key into the slot. False when there is no entropy.
  virtual bool GenerateKey(uint32_t slot, uint32_t session) = 0;
  // AES-128-ECB encryption of the key in `slot` under the one in `wrapping_slot`: 16 bytes into the
  // response.
  virtual bool WrapAesEcb(uint32_t wrapping_slot, uint32_t slot, uint32_t session,
                          uint32_t response_offset) = 0;

  // The key in `source_slot` (usage unwrap) XOR 16 public bytes into `slot`.
  virtual bool XorKey(uint32_t source_slot, uint32_t slot, uint32_t session,
                      const uint8_t mask[16]) = 0;
  // AES-CMAC of firmware's bytes under the key in `slot` (usage MAC). Verify compares in constant
  // time. False for a slot that holds no such key, too.
  virtual bool ComputeMac(uint32_t slot, uint32_t owner, const uint8_t* bytes, uint32_t size_bytes,
                          uint8_t tag[16]) = 0;
  virtual bool VerifyMac(uint32_t slot, uint32_t owner, const uint8_t* bytes, uint32_t size_bytes,
                         const uint8_t tag[16]) = 0;

  // Random bytes that may be public. False when there is no entropy.
  virtual bool DrawRandom(void* destination, uint32_t size_bytes) = 0;

  // Bit n: output n shows protected pages of the session now.
  virtual uint32_t ShownOutputs(uint32_t session) = 0;

  // Outputs count from 0.
  virtual uint32_t OutputCount() = 0;
  virtual OutputState ReadOutput(uint32_t output) = 0;
  // HDCP on the link to the display. Enable begins a negotiation, unless one runs or it is on.
  virtual void EnableLink(uint32_t output) = 0;
  virtual void DisableLink(uint32_t output) = 0;

  // Grants, by index of the session. False when there is no entropy for a read-back IV.
  virtual bool WriteGrant(uint32_t index, const SessionGrant& grant) = 0;
  virtual SessionRefusals ReadRefusals(uint32_t index) = 0;
  // The host's compatibility switch: content may be decrypted into the open, and so nothing is
  // PROTECTION's (R27).
  virtual bool HasOpenDecrypt() = 0;

  // Protected pages of a session: zeroed, and nobody's.
  virtual void ReleaseProtectedPages(uint32_t session) = 0;

  // Certificate chain of the device, PKCS#7 DER.
  virtual uint32_t CertificateBytes() = 0;
  virtual bool CopyCertificate(uint32_t certificate_offset, uint32_t response_offset,
                               uint32_t size_bytes) = 0;

  virtual uint32_t KeyEpoch() = 0;

  // Crypto blocks with public inputs, for known-answer tests only.
  virtual void TestAesEcb(const uint8_t key[16], bool encrypt, const uint8_t in[16],
                          uint8_t out[16]) = 0;
  virtual void TestAesCtr(const uint8_t key[16], const uint8_t counter[16], const uint8_t* in,
                          uint8_t* out, uint32_t size_bytes) = 0;
  virtual void TestAesCmac(const uint8_t key[16], const uint8_t* in, uint32_t size_bytes,
                           uint8_t out[16]) = 0;
  virtual void TestSha512(const uint8_t* in, uint32_t size_bytes, uint8_t out[64]) = 0;
  // A known plaintext under the device's public key comes back from its private key, and a tampered
  // one does not.
  virtual bool TestRsaOaep() = 0;
  // Two draws of the random source exist and differ.
  virtual bool TestRandom() = 0;
  // Host's test switch: number of the known-answer test that has to fail; negative: none.
  virtual int FailingSelfTest() = 0;

 protected:
  ~Platform() = default;
};

}  // namespace ward::firmware

#endif  // WARD_FIRMWARE_PLATFORM_H_
