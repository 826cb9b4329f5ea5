// A platform for the firmware alone: slots and grants as plain records, a key exchange that takes
// marked blobs, ciphers straight from libcrypto (not from the device's blocks).
#ifndef WARD_TESTS_UNIT_FIRMWARE_FAKE_PLATFORM_H_
#define WARD_TESTS_UNIT_FIRMWARE_FAKE_PLATFORM_H_

#include <openssl/core_names.h>
#include <openssl/evp.h>

#include <array>
#include <cstring>
#include <map>
#include <string>
#include <vector>

#include "abi/generated/messages.h"
#include "abi/generated/status.h"
#include "firmware/firmware.h"
#include "firmware/platform.h"

namespace ward::firmware {

using Block = std::array<uint8_t, 16>;
using Payload = std::vector<uint8_t>;

class FakePlatform final : public Platform {
 public:
  static constexpr uint8_t kGoodBlobMark = 0x5a;

  struct Slot {
    uint32_t session = 0;
    uint32_t usage = 0;
    bool filled = false;
    bool damaged = false;
    Block key = {};
  };

  bool ReadPayload(uint32_t offset, void* destination, uint32_t size_bytes) override {
    if (uint64_t{offset} + size_bytes > payload.size()) return false;
    std::memcpy(destination, payload.data() + offset, size_bytes);
    return true;
  }
  bool WriteResponse(uint32_t offset, const void* source, uint32_t size_bytes) override {
    if (uint64_t{offset} + size_bytes > response.size()) return false;
    std::memcpy(response.data() + offset, source, size_bytes);
    return true;
  }

  uint64_t ChargeNs() override { return charge_ns; }

  uint32_t AllocateSlot(uint32_t session, uint32_t usage) override {
    for (uint32_t i = 0; i < slots.size(); ++i) {
      if (slots[i].session != 0) continue;
      slots[i] = {session, usage, false, false, {}};
      return i;
    }
    return kNoSlot;
  }
  void WipeSlot(uint32_t slot) override { slots.at(slot) = {}; }
  void WipeAllSlots() override {
    for (Slot& slot : slots) slot = {};
    ++wipe_all_count;
  }
  bool IsSlotDamaged(uint32_t slot) override { return slots.at(slot).damaged; }
  bool UnwrapRsaOaep(uint32_t slot, uint32_t session, uint32_t payload_offset,
                     uint32_t size_bytes) override {
    ++unwrap_count;
    if (size_bytes != 256 || payload.at(payload_offset) != kGoodBlobMark) return false;
    Block key;
    std::memcpy(key.data(), payload.data() + payload_offset + 1, key.size());
    return Fill(slot, session, key);
  }
  // The mark, and the plaintext behind it.
  bool UnwrapRsaOaepParameters(uint32_t slot, uint32_t owner, uint32_t payload_offset,
                               uint32_t size_bytes,
                               uint8_t public_part[kPublicParameterBytes]) override {
    ++unwrap_count;
    std::memset(public_part, 0, kPublicParameterBytes);
    if (size_bytes != 256 || payload.at(payload_offset) != kGoodBlobMark) return false;
    const uint8_t* plain = payload.data() + payload_offset + 1;
    Block key;
    std::memcpy(key.data(), plain + 16, key.size());
    if (!Fill(slot, owner, key)) return false;
    std::memcpy(public_part, plain, 16);
    std::memcpy(public_part + 16, plain + 32, 8);
    return true;
  }
  bool UnwrapAesEcb(uint32_t wrapping_slot, uint32_t slot, uint32_t session,
                    uint32_t payload_offset) override {
    if (!CanUse(wrapping_slot, session, kUsageUnwrap)) return false;
    Block key;
    Cipher("AES-128-ECB", false, slots[wrapping_slot].key.data(), nullptr,
           payload.data() + payload_offset, key.data(), 16);
    return Fill(slot, session, key);
  }
  bool GenerateKey(uint32_t slot, uint32_t session) override {
    if (!entropy) return false;
    Block key;
    key.fill(++generated);
    return Fill(slot, session, key);
  }
  bool WrapAesEcb(uint32_t wrapping_slot, uint32_t slot, uint32_t session,
                  uint32_t response_offset) override {
    if (!CanUse(wrapping_slot, session, kUsageUnwrap)) return false;
    if (!CanUse(slot, session, kUsageEncrypt)) return false;
    Cipher("AES-128-ECB", true, slots[wrapping_slot].key.data(), nullptr, slots[slot].key.data(),
           response.data() + response_offset, 16);
    return true;
  }

  bool XorKey(uint32_t source_slot, uint32_t slot, uint32_t session,
              const uint8_t mask[16]) override {
    if (!CanUse(source_slot, session, kUsageUnwrap)) return false;
    Block key = slots[source_slot].key;
    for (size_t i = 0; i < key.size(); ++i) key[i] = static_cast<uint8_t>(key[i] ^ mask[i]);
    return Fill(slot, session, key);
  }
  bool ComputeMac(uint32_t slot, uint32_t owner, const uint8_t* bytes, uint32_t size_bytes,
                  uint8_t tag[16]) override {
    if (!CanUse(slot, owner, kUsageMac)) return false;
    Cmac(slots[slot].key.data(), bytes, size_bytes, tag);
    ++signed_count;
    return true;
  }
  bool VerifyMac(uint32_t slot, uint32_t owner, const uint8_t* bytes, uint32_t size_bytes,
                 const uint8_t tag[16]) override {
    if (!CanUse(slot, owner, kUsageMac)) return false;
    Block expected;
    Cmac(slots[slot].key.data(), bytes, size_bytes, expected.data());
    return std::memcmp(expected.data(), tag, expected.size()) == 0;
  }
  // Not random, and never the same twice.
  bool DrawRandom(void* destination, uint32_t size_bytes) override {
    if (!random_available) return false;
    for (uint32_t i = 0; i < size_bytes; ++i) {
      static_cast<uint8_t*>(destination)[i] = static_cast<uint8_t>(++random_drawn * 151 >> 3);
    }
    return true;
  }
  uint32_t ShownOutputs(uint32_t session) override { return shown_outputs[session]; }

  uint32_t OutputCount() override { return static_cast<uint32_t>(outputs.size()); }
  OutputState ReadOutput(uint32_t output) override { return outputs.at(output); }
  void EnableLink(uint32_t output) override {
    OutputState& state = outputs.at(output);
    if (state.link == kLinkOff || state.link == kLinkLost) state.link = kLinkNegotiating;
  }
  void DisableLink(uint32_t output) override { outputs.at(output).link = kLinkOff; }

  bool WriteGrant(uint32_t index, const SessionGrant& grant) override {
    if (grant.readback_slot != kNoSlot && grants[index].readback_slot != grant.readback_slot &&
        !grant_entropy) {
      return false;
    }
    grants[index] = grant;
    return true;
  }
  bool HasOpenDecrypt() override { return open_decrypt; }
  SessionRefusals ReadRefusals(uint32_t index) override { return refusals[index]; }
  void ReleaseProtectedPages(uint32_t session) override { released.push_back(session); }
  uint32_t CertificateBytes() override { return static_cast<uint32_t>(certificate.size()); }
  bool CopyCertificate(uint32_t certificate_offset, uint32_t response_offset,
                       uint32_t size_bytes) override {
    if (uint64_t{certificate_offset} + size_bytes > certificate.size()) return false;
    return WriteResponse(response_offset, certificate.data() + certificate_offset, size_bytes);
  }
  uint32_t KeyEpoch() override { return key_epoch; }

  void TestAesEcb(const uint8_t key[16], bool encrypt, const uint8_t in[16],
                  uint8_t out[16]) override {
    Cipher("AES-128-ECB", encrypt, key, nullptr, in, out, 16);
    if (broken_block == (encrypt ? 0 : 1)) out[0] ^= 0x80;
  }
  void TestAesCtr(const uint8_t key[16], const uint8_t counter[16], const uint8_t* in, uint8_t* out,
                  uint32_t size_bytes) override {
    Cipher("AES-128-CTR", true, key, counter, in, out, size_bytes);
    if (broken_block == 2) out[size_bytes - 1] ^= 0x80;
  }
  void TestAesCmac(const uint8_t key[16], const uint8_t* in, uint32_t size_bytes,
                   uint8_t out[16]) override {
    Cmac(key, in, size_bytes, out);
    if (broken_block == 3) out[5] ^= 1;
  }
  void TestSha512(const uint8_t* in, uint32_t size_bytes, uint8_t out[64]) override {
    EVP_Digest(in, size_bytes, out, nullptr, EVP_sha512(), nullptr);
    if (broken_block == 4) out[63] ^= 1;
  }
  bool TestRsaOaep() override { return broken_block != 5; }
  bool TestRandom() override { return broken_block != 6; }
  int FailingSelfTest() override { return failing_self_test; }

  uint32_t UsedSlots() const {
    uint32_t used = 0;
    for (const Slot& slot : slots) used += slot.session != 0;
    return used;
  }

  Payload payload;
  std::vector<uint8_t> response;
  std::vector<Slot> slots = std::vector<Slot>(256);
  std::map<uint32_t, SessionGrant> grants;
  std::map<uint32_t, SessionRefusals> refusals;
  std::map<uint32_t, uint32_t> shown_outputs;
  std::vector<OutputState> outputs = {{kLinkOff, 640, 360}, {kLinkOff, 1920, 1080}};
  std::vector<uint32_t> released;
  std::vector<uint8_t> certificate;
  uint32_t key_epoch = 1;
  uint64_t charge_ns = 20000;
  uint32_t unwrap_count = 0;
  uint32_t wipe_all_count = 0;
  uint32_t signed_count = 0;
  uint32_t random_drawn = 0;
  bool random_available = true;
  uint8_t generated = 0;
  bool entropy = true;
  bool grant_entropy = true;
  bool open_decrypt = false;
  int broken_block = -1;  // self test whose block gives a wrong result
  int failing_self_test = -1;

  static void Cmac(const uint8_t* key, const uint8_t* in, uint32_t size_bytes, uint8_t* out) {
    size_t written = 0;
    EVP_Q_mac(nullptr, "CMAC", nullptr, "AES-128-CBC", nullptr, key, 16, in, size_bytes, out, 16,
              &written);
  }

 private:
  static void Cipher(const char* name, bool encrypt, const uint8_t* key, const uint8_t* iv,
                     const uint8_t* in, uint8_t* out, uint32_t size_bytes) {
    EVP_CIPHER_CTX* context = EVP_CIPHER_CTX_new();
    EVP_CIPHER* cipher = EVP_CIPHER_fetch(nullptr, name, nullptr);
    int written = 0;
    EVP_CipherInit_ex2(context, cipher, key, iv, encrypt ? 1 : 0, nullptr);
    EVP_CIPHER_CTX_set_padding(context, 0);
    EVP_CipherUpdate(context, out, &written, in, static_cast<int>(size_bytes));
    EVP_CIPHER_free(cipher);
    EVP_CIPHER_CTX_free(context);
  }
  bool CanUse(uint32_t slot, uint32_t session, uint32_t usage) const {
    const Slot& used = slots.at(slot);
    return used.session == session && used.filled && !used.damaged && (used.usage & usage) != 0;
  }
  bool Fill(uint32_t slot, uint32_t session, const Block& key) {
    Slot& filled = slots.at(slot);
    if (filled.session != session || filled.filled) return false;
    filled.filled = true;
    filled.key = key;
    return true;
  }
};

}  // namespace ward::firmware

#endif  // WARD_TESTS_UNIT_FIRMWARE_FAKE_PLATFORM_H_
