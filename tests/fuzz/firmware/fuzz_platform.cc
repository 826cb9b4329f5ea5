#include "tests/fuzz/firmware/fuzz_platform.h"

#include <openssl/evp.h>

#include <algorithm>
#include <cstring>
#include <map>
#include <utility>

#include "tests/fuzz/oracle.h"

namespace ward::fuzz {
namespace {

constexpr uint32_t kHeaderBytes = 16;
constexpr firmware::SessionGrant kNoGrant = {0, 0, firmware::kNoSlot, firmware::kNoSlot,
                                             firmware::kNoSlot};

// SplitMix64: no two of its numbers are the same.
uint64_t Mix(uint64_t number) {
  number = (number + 1) * 0x9e3779b97f4a7c15;
  number = (number ^ number >> 30) * 0xbf58476d1ce4e5b9;
  number = (number ^ number >> 27) * 0x94d049bb133111eb;
  return number ^ number >> 31;
}

// True at the last of `*countdown` calls.
bool Elapses(uint32_t* countdown) { return *countdown != 0 && --*countdown == 0; }

void RunCipher(const EVP_CIPHER* cipher, bool encrypt, const uint8_t* key, const uint8_t* iv,
               const uint8_t* in, uint8_t* out, uint32_t size_bytes) {
  EVP_CIPHER_CTX* context = EVP_CIPHER_CTX_new();
  int written = 0;
  EVP_CipherInit_ex(context, cipher, nullptr, key, iv, encrypt ? 1 : 0);
  EVP_CIPHER_CTX_set_padding(context, 0);
  EVP_CipherUpdate(context, out, &written, in, static_cast<int>(size_bytes));
  EVP_CIPHER_CTX_free(context);
}

}  // namespace

FuzzPlatform::FuzzPlatform() { Start(); }

void FuzzPlatform::Start() {
  payload_.clear();
  response_.clear();
  written_.clear();
  slots_.assign(kSlots, {});
  grants_.assign(firmware::kSessionCount, kNoGrant);
  outputs_ = {{firmware::kLinkOff, 640, 360}, {firmware::kLinkOff, 1920, 1080}};
  key_halves_.clear();
  released_.clear();
  keys_made_ = 0;
  random_drawn_ = 0;
  trouble = {};
  open_decrypt = false;
}

void FuzzPlatform::OpenMailbox(ConstByteSpan payload, uint32_t response_capacity) {
  payload_.assign(payload.begin(), payload.end());
  response_.assign(response_capacity, 0);
  written_.assign(response_capacity, false);
  released_.clear();
}

bool FuzzPlatform::WroteAllBefore(uint32_t end) const {
  const auto begin = written_.begin() + kHeaderBytes;
  return end <= kHeaderBytes ||
         std::find(begin, written_.begin() + end, false) == written_.begin() + end;
}

bool FuzzPlatform::ReadPayload(uint32_t offset, void* destination, uint32_t size_bytes) {
  if (!RangeFits(offset, size_bytes, payload_.size())) return false;
  if (size_bytes != 0) std::memcpy(destination, payload_.data() + offset, size_bytes);
  return true;
}

bool FuzzPlatform::WriteResponse(uint32_t offset, const void* source, uint32_t size_bytes) {
  if (!RangeFits(offset, size_bytes, response_.size())) return false;
  Expect(offset >= kHeaderBytes, "response", "the header is the platform's to write");
  if (size_bytes != 0) std::memcpy(response_.data() + offset, source, size_bytes);
  std::fill_n(written_.begin() + offset, size_bytes, true);
  return true;
}

uint32_t FuzzPlatform::AllocateSlot(uint32_t session, uint32_t usage) {
  Expect(session != 0 && usage != 0, "platform", "a slot is for somebody and something");
  if (trouble.without_slots) return firmware::kNoSlot;
  for (uint32_t i = 0; i < kSlots; ++i) {
    if (slots_[i].owner != 0) continue;
    slots_[i] = {session, usage, false, false, {}};
    return i;
  }
  return firmware::kNoSlot;
}

FuzzPlatform::Slot& FuzzPlatform::Used(uint32_t slot) {
  Expect(slot < kSlots && slots_[slot].owner != 0, "platform", "a slot is used that is nobody's");
  return slots_[slot];
}

// Twice does no harm: a selected key's slot is a session's for two reasons.
void FuzzPlatform::WipeSlot(uint32_t slot) {
  Expect(slot < kSlots, "platform", "there is no such slot");
  slots_[slot] = {};
}

void FuzzPlatform::WipeAllSlots() {
  for (Slot& slot : slots_) slot = {};
}

void FuzzPlatform::Damage(uint32_t slot) {
  const uint32_t owner = slots_[slot].owner;
  for (Slot& other : slots_) {
    if (owner == 0 || other.owner != owner) continue;
    other.filled = false;
    other.damaged = true;
    other.key = {};
  }
}

bool FuzzPlatform::IsSlotDamaged(uint32_t slot) { return Used(slot).damaged; }

bool FuzzPlatform::CanUse(uint32_t slot, uint32_t owner, uint32_t usage) {
  const Slot& used = Used(slot);
  Expect(used.owner == owner, "platform", "a slot is used for another than its owner");
  Expect((used.usage & usage) != 0, "platform", "a slot is used for what it is not for");
  if (Elapses(&trouble.damage_in)) Damage(slot);
  return used.filled && !used.damaged;
}

bool FuzzPlatform::Fill(uint32_t slot, uint32_t owner, const Key& key) {
  Slot& filled = Used(slot);
  Expect(filled.owner == owner, "platform", "a slot is filled for another than its owner");
  if (filled.damaged) return false;
  Expect(!filled.filled, "platform", "a slot is filled twice");
  filled.filled = true;
  filled.key = key;
  key_halves_.insert(LoadLe<uint64_t>(key.data()));
  key_halves_.insert(LoadLe<uint64_t>(key.data() + 8));
  return true;
}

FuzzPlatform::Key FuzzPlatform::NewKey() {
  constexpr uint64_t kKeysFrom = uint64_t{1} << 32;
  Key key;
  StoreLe(key.data(), Mix(kKeysFrom + keys_made_++));
  StoreLe(key.data() + 8, Mix(kKeysFrom + keys_made_++));
  return key;
}

bool FuzzPlatform::BlockFails() { return Elapses(&trouble.block_fails_in); }

bool FuzzPlatform::UnwrapRsaOaep(uint32_t slot, uint32_t session, uint32_t payload_offset,
                                 uint32_t size_bytes) {
  if (size_bytes != kBlobBytes || !RangeFits(payload_offset, size_bytes, payload_.size()) ||
      payload_[payload_offset] != kGoodBlobMark) {
    return false;
  }
  return Fill(slot, session, NewKey());
}

bool FuzzPlatform::UnwrapRsaOaepParameters(uint32_t slot, uint32_t owner, uint32_t payload_offset,
                                           uint32_t size_bytes,
                                           uint8_t public_part[firmware::kPublicParameterBytes]) {
  std::memset(public_part, 0, firmware::kPublicParameterBytes);
  if (!UnwrapRsaOaep(slot, owner, payload_offset, size_bytes)) return false;
  const uint8_t* plain = payload_.data() + payload_offset + 1;
  std::memcpy(public_part, plain, 16);
  std::memcpy(public_part + 16, plain + 32, 8);
  return true;
}

bool FuzzPlatform::UnwrapAesEcb(uint32_t wrapping_slot, uint32_t slot, uint32_t session,
                                uint32_t payload_offset) {
  Expect(RangeFits(payload_offset, 16, payload_.size()), "platform", "no wrapped key there");
  if (!CanUse(wrapping_slot, session, firmware::kUsageUnwrap) || BlockFails()) return false;
  return Fill(slot, session, NewKey());
}

bool FuzzPlatform::GenerateKey(uint32_t slot, uint32_t session) {
  uint8_t drawn[16];
  return DrawRandom(drawn, sizeof(drawn)) && Fill(slot, session, NewKey());
}

bool FuzzPlatform::WrapAesEcb(uint32_t wrapping_slot, uint32_t slot, uint32_t session,
                              uint32_t response_offset) {
  if (!CanUse(wrapping_slot, session, firmware::kUsageUnwrap)) return false;
  if (!CanUse(slot, session, firmware::kUsageEncrypt) || BlockFails()) return false;
  const Key wrapped = Tag(wrapping_slot, slots_[slot].key);
  return WriteResponse(response_offset, wrapped.data(), static_cast<uint32_t>(wrapped.size()));
}

bool FuzzPlatform::XorKey(uint32_t source_slot, uint32_t slot, uint32_t session,
                          const uint8_t mask[16]) {
  if (!CanUse(source_slot, session, firmware::kUsageUnwrap)) return false;
  Key key = slots_[source_slot].key;
  for (size_t i = 0; i < key.size(); ++i) key[i] = static_cast<uint8_t>(key[i] ^ mask[i]);
  return Fill(slot, session, key);
}

// Differs with the key and with every byte, and is nothing that a key could be seen in.
FuzzPlatform::Key FuzzPlatform::Tag(uint32_t slot, ConstByteSpan bytes) const {
  Key tag = {};
  if (slot >= kSlots || !slots_[slot].filled) return tag;
  uint64_t low = LoadLe<uint64_t>(slots_[slot].key.data());
  uint64_t high = LoadLe<uint64_t>(slots_[slot].key.data() + 8);
  for (size_t at = 0; at < bytes.size(); at += 8) {
    uint8_t word[8] = {};
    std::memcpy(word, bytes.data() + at, std::min<size_t>(8, bytes.size() - at));
    low = Mix(low ^ LoadLe<uint64_t>(word));
    high = Mix(high + low);
  }
  StoreLe(tag.data(), Mix(low ^ bytes.size()));
  StoreLe(tag.data() + 8, Mix(high));
  return tag;
}

bool FuzzPlatform::ComputeMac(uint32_t slot, uint32_t owner, const uint8_t* bytes,
                              uint32_t size_bytes, uint8_t tag[16]) {
  if (!CanUse(slot, owner, firmware::kUsageMac) || BlockFails()) return false;
  const Key made = Tag(slot, {bytes, size_bytes});
  std::copy(made.begin(), made.end(), tag);
  return true;
}

bool FuzzPlatform::VerifyMac(uint32_t slot, uint32_t owner, const uint8_t* bytes,
                             uint32_t size_bytes, const uint8_t tag[16]) {
  if (!CanUse(slot, owner, firmware::kUsageMac) || BlockFails()) return false;
  const Key made = Tag(slot, {bytes, size_bytes});
  return std::equal(made.begin(), made.end(), tag);
}

// Every word another one, so that where one comes from can be told.
bool FuzzPlatform::DrawRandom(void* destination, uint32_t size_bytes) {
  if (Elapses(&trouble.entropy_ends_in)) trouble.without_entropy = true;
  if (trouble.without_entropy) return false;
  auto* bytes = static_cast<uint8_t*>(destination);
  for (uint32_t at = 0; at < size_bytes; at += 8) {
    uint8_t word[8];
    StoreLe(word, Mix(random_drawn_++));
    std::memcpy(bytes + at, word, std::min<uint32_t>(8, size_bytes - at));
  }
  return true;
}

firmware::OutputState FuzzPlatform::ReadOutput(uint32_t output) {
  Expect(output < kOutputs, "platform", "no such output");
  return outputs_[output];
}

void FuzzPlatform::EnableLink(uint32_t output) {
  Expect(output < kOutputs, "platform", "no such output");
  uint32_t& link = outputs_[output].link;
  if (link == firmware::kLinkOff || link == firmware::kLinkLost) link = firmware::kLinkNegotiating;
}

void FuzzPlatform::DisableLink(uint32_t output) {
  Expect(output < kOutputs, "platform", "no such output");
  outputs_[output].link = firmware::kLinkOff;
}

bool FuzzPlatform::WriteGrant(uint32_t index, const firmware::SessionGrant& grant) {
  Expect(index < firmware::kSessionCount, "platform", "no such grant");
  if (grant.session == 0) {
    grants_[index] = kNoGrant;
    return true;
  }
  // A read-back IV is drawn.
  uint8_t iv[8];
  if (grant.readback_slot != firmware::kNoSlot &&
      grants_[index].readback_slot != grant.readback_slot && !DrawRandom(iv, sizeof(iv))) {
    return false;
  }
  grants_[index] = grant;
  return true;
}

firmware::SessionRefusals FuzzPlatform::ReadRefusals(uint32_t index) {
  Expect(index < firmware::kSessionCount, "platform", "no such grant");
  return {index, 0, 0};
}

bool FuzzPlatform::CopyCertificate(uint32_t certificate_offset, uint32_t response_offset,
                                   uint32_t size_bytes) {
  const std::vector<uint8_t> certificate(CertificateBytes(), 0x30);
  if (!RangeFits(certificate_offset, size_bytes, certificate.size())) return false;
  return WriteResponse(response_offset, certificate.data() + certificate_offset, size_bytes);
}

void FuzzPlatform::TestAesEcb(const uint8_t key[16], bool encrypt, const uint8_t in[16],
                              uint8_t out[16]) {
  RunCipher(EVP_aes_128_ecb(), encrypt, key, nullptr, in, out, 16);
}

void FuzzPlatform::TestAesCtr(const uint8_t key[16], const uint8_t counter[16], const uint8_t* in,
                              uint8_t* out, uint32_t size_bytes) {
  RunCipher(EVP_aes_128_ctr(), true, key, counter, in, out, size_bytes);
}

void FuzzPlatform::TestAesCmac(const uint8_t key[16], const uint8_t* in, uint32_t size_bytes,
                               uint8_t out[16]) {
  // Finding the algorithm costs more than all the rest of an input: once for each question.
  static std::map<std::vector<uint8_t>, Key> answers;
  std::vector<uint8_t> question(key, key + 16);
  question.insert(question.end(), in, in + size_bytes);
  const auto [answer, is_new] = answers.try_emplace(std::move(question));
  size_t written = 0;
  if (is_new) {
    EVP_Q_mac(nullptr, "CMAC", nullptr, "AES-128-CBC", nullptr, key, 16, in, size_bytes,
              answer->second.data(), 16, &written);
  }
  std::copy(answer->second.begin(), answer->second.end(), out);
}

void FuzzPlatform::TestSha512(const uint8_t* in, uint32_t size_bytes, uint8_t out[64]) {
  EVP_Digest(in, size_bytes, out, nullptr, EVP_sha512(), nullptr);
}

}  // namespace ward::fuzz
