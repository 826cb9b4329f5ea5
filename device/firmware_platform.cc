#include "device/firmware_platform.h"

#include <algorithm>
#include <cstring>
#include <utility>

#include "base/assert.h"
#include "base/planted_bug.h"
#include "base/rule.h"
#include "device/crypto/aes_block.h"
#include "device/crypto/aes_cmac.h"
#include "device/crypto/aes_ctr.h"
#include "device/crypto/ctr_engine.h"
#include "device/crypto/sha512.h"

namespace ward::device {
namespace {

static_assert(firmware::kNoSlot == kNoSlot);
static_assert(uint32_t{firmware::kUsageUnwrap} == uint32_t{kKeyUsageUnwrap});
static_assert(uint32_t{firmware::kUsageDecrypt} == uint32_t{kKeyUsageDecrypt});
static_assert(uint32_t{firmware::kUsageEncrypt} == uint32_t{kKeyUsageEncrypt});
static_assert(uint32_t{firmware::kUsageMac} == uint32_t{kKeyUsageMac});
static_assert(uint32_t{firmware::kLinkOff} == static_cast<uint32_t>(HdcpState::kOff));
static_assert(uint32_t{firmware::kLinkNegotiating} ==
              static_cast<uint32_t>(HdcpState::kNegotiating));
static_assert(uint32_t{firmware::kLinkOn} == static_cast<uint32_t>(HdcpState::kOn));
static_assert(uint32_t{firmware::kLinkLost} == static_cast<uint32_t>(HdcpState::kLost));

constexpr size_t kBlockBytes = kAesBlockBytes;

AesKey MakePublicKey(const uint8_t bytes[16]) {
  AesKey key;
  std::copy_n(bytes, AesKey::kSizeBytes, key.Expose().begin());
  return key;
}

}  // namespace

void FirmwarePlatform::OpenMailbox(ConstByteSpan payload, ByteSpan response, uint64_t charge_ns) {
  payload_ = payload;
  response_ = response;
  charge_ns_ = charge_ns;
}

void FirmwarePlatform::CloseMailbox() { OpenMailbox({}, {}); }

bool FirmwarePlatform::ReadPayload(uint32_t offset, void* destination, uint32_t size_bytes) {
  if (!RangeFits(offset, size_bytes, payload_.size())) return false;
  if (size_bytes != 0) std::memcpy(destination, payload_.data() + offset, size_bytes);
  return true;
}

bool FirmwarePlatform::WriteResponse(uint32_t offset, const void* source, uint32_t size_bytes) {
  if (!RangeFits(offset, size_bytes, response_.size())) return false;
  if (size_bytes != 0) std::memcpy(response_.data() + offset, source, size_bytes);
  return true;
}

uint32_t FirmwarePlatform::AllocateSlot(uint32_t session, uint32_t usage) {
  auto slot = wiring_.vault->Allocate(session, usage);
  return slot.ok() ? slot.value() : firmware::kNoSlot;
}

void FirmwarePlatform::WipeSlot(uint32_t slot) { wiring_.vault->Wipe(slot); }

void FirmwarePlatform::WipeAllSlots() { wiring_.vault->WipeAll(); }

bool FirmwarePlatform::IsSlotDamaged(uint32_t slot) { return wiring_.vault->IsDamaged(slot); }

bool FirmwarePlatform::UnwrapRsaOaep(uint32_t slot, uint32_t session, uint32_t payload_offset,
                                     uint32_t size_bytes) {
  const ConstByteSpan sent = FindBlob(payload_offset, size_bytes);
  const bool is_cut = WARD_BROKEN("7.1.blob_size") && sent.size() > RsaPrivateKey::kModulusBytes;
  AesKey key;
  const bool unwrapped =
      identity_key_.UnwrapKey(is_cut ? sent.first(RsaPrivateKey::kModulusBytes) : sent, &key);
  return (WARD_BROKEN("7.1.integrity") || unwrapped) && StoreAndLock(slot, session, std::move(key));
}

bool FirmwarePlatform::UnwrapRsaOaepParameters(
    uint32_t slot, uint32_t owner, uint32_t payload_offset, uint32_t size_bytes,
    uint8_t public_part[firmware::kPublicParameterBytes]) {
  static_assert(OaepParameters::kHeadBytes + OaepParameters::kTailBytes ==
                firmware::kPublicParameterBytes);
  OaepParameters parameters;
  const bool stored =
      identity_key_.UnwrapParameters(FindBlob(payload_offset, size_bytes), &parameters) &&
      StoreAndLock(slot, owner, std::move(parameters.key));
  std::memset(public_part, 0, firmware::kPublicParameterBytes);
  if (!stored) return false;
  std::memcpy(public_part, parameters.head, OaepParameters::kHeadBytes);
  std::memcpy(public_part + OaepParameters::kHeadBytes, parameters.tail,
              OaepParameters::kTailBytes);
  return true;
}

bool FirmwarePlatform::UnwrapAesEcb(uint32_t wrapping_slot, uint32_t slot, uint32_t session,
                                    uint32_t payload_offset) {
  if (!RangeFits(payload_offset, kBlockBytes, payload_.size())) return false;
  auto wrapping = wiring_.vault->Release(wrapping_slot, session, kKeyUsageUnwrap);
  AesKey key;
  const auto run_block = WARD_BROKEN("7.5.unwrap") ? AesEncryptBlock : AesDecryptBlock;
  return wrapping.ok() &&
         run_block(*wrapping.value(), payload_.subspan(payload_offset, kBlockBytes),
                   key.Expose()) &&
         !(HasPlantedBug(PlantedBug::kWeakKeyRefused) && (key.Expose()[15] & 7) == 0) &&
         StoreAndLock(slot, session, std::move(key));
}

bool FirmwarePlatform::GenerateKey(uint32_t slot, uint32_t session) {
  AesKey key;
  return wiring_.entropy->Fill(key.Expose()) && StoreAndLock(slot, session, std::move(key));
}

// Only a key that encrypts (a read-back key) leaves wrapped. A released key is good until the
// vault's next call, so the wrapped one is copied for the length of this one.
bool FirmwarePlatform::WrapAesEcb(uint32_t wrapping_slot, uint32_t slot, uint32_t session,
                                  uint32_t response_offset) {
  if (!RangeFits(response_offset, kBlockBytes, response_.size())) return false;
  AesKey wrapped;
  {
    auto released = wiring_.vault->Release(slot, session, kKeyUsageEncrypt);
    if (!released.ok()) return false;
    wrapped.CopyFrom(*released.value());
  }
  auto wrapping = wiring_.vault->Release(wrapping_slot, session, kKeyUsageUnwrap);
  if (HasPlantedBug(PlantedBug::kSessionKeyInAnswer) && wrapping.ok()) {
    return WriteResponse(response_offset, wrapping.value()->Expose().data(), kBlockBytes);
  }
  return wrapping.ok() && AesEncryptBlock(*wrapping.value(), wrapped.Expose(),
                                          response_.subspan(response_offset, kBlockBytes));
}

bool FirmwarePlatform::XorKey(uint32_t source_slot, uint32_t slot, uint32_t session,
                              const uint8_t mask[16]) {
  AesKey key;
  {
    auto source = wiring_.vault->Release(source_slot, session, kKeyUsageUnwrap);
    if (!source.ok()) return false;
    key.CopyFrom(*source.value());
  }
  const ByteSpan bytes = key.Expose();
  for (size_t i = 0; i < bytes.size(); ++i) {
    bytes[i] = static_cast<uint8_t>(WARD_BROKEN("7.7.xor") ? mask[i] : bytes[i] ^ mask[i]);
  }
  return StoreAndLock(slot, session, std::move(key));
}

bool FirmwarePlatform::ComputeMac(uint32_t slot, uint32_t owner, const uint8_t* bytes,
                                  uint32_t size_bytes, uint8_t tag[16]) {
  auto key = wiring_.vault->Release(slot, owner, kKeyUsageMac);
  return key.ok() && ComputeAesCmac(*key.value(), {bytes, size_bytes}, {tag, kCmacTagBytes});
}

bool FirmwarePlatform::VerifyMac(uint32_t slot, uint32_t owner, const uint8_t* bytes,
                                 uint32_t size_bytes, const uint8_t tag[16]) {
  auto key = wiring_.vault->Release(slot, owner, kKeyUsageMac);
  return key.ok() && VerifyAesCmac(*key.value(), {bytes, size_bytes}, {tag, kCmacTagBytes});
}

bool FirmwarePlatform::DrawRandom(void* destination, uint32_t size_bytes) {
  return wiring_.entropy->Fill({static_cast<uint8_t*>(destination), size_bytes});
}

uint32_t FirmwarePlatform::ShownOutputs(uint32_t session) {
  uint32_t shown = 0;
  for (uint32_t output = 0; output < Display::kOutputCount; ++output) {
    if (wiring_.display->Shows(output, session)) shown |= 1u << output;
  }
  return shown;
}

uint32_t FirmwarePlatform::OutputCount() { return Display::kOutputCount; }

firmware::OutputState FirmwarePlatform::ReadOutput(uint32_t output) {
  WARD_ASSERT(output < Display::kOutputCount);
  const DisplayMode mode = wiring_.display->CurrentMode(output);
  return {static_cast<uint32_t>(wiring_.display->link(output).state()), mode.width, mode.height};
}

void FirmwarePlatform::EnableLink(uint32_t output) {
  WARD_ASSERT(output < Display::kOutputCount);
  wiring_.display->EnableLink(output, wiring_.clock->NowNs(), wiring_.negotiation_ns);
}

void FirmwarePlatform::DisableLink(uint32_t output) {
  WARD_ASSERT(output < Display::kOutputCount);
  wiring_.display->DisableLink(output);
}

bool FirmwarePlatform::WriteGrant(uint32_t index, const firmware::SessionGrant& grant) {
  Grant& entry = wiring_.grants->At(index);
  Grant next = entry.session == grant.session ? entry : Grant();
  next.session = grant.session;
  if (grant.session == 0) {
    entry = Grant();
    return true;
  }
  next.context = grant.context;
  next.torn_down = grant.torn_down != 0;
  next.open_decrypt = grant.open_decrypt != 0;
  next.needs_full_screen = (grant.protection & firmware::kOverlayOrFullscreenRequired) != 0;
  if (WARD_RULE("7.7.iv_history", next.session_slot != grant.session_slot)) next.floors[0] = {};
  if (next.content_slot != grant.content_slot) next.floors[1] = {};
  if (next.readback_slot != grant.readback_slot && grant.readback_slot != kNoSlot) {
    uint8_t iv[8];
    if (!wiring_.entropy->Fill(iv)) return false;
    next.readback_iv = WARD_BROKEN("R22.first_iv")
                           ? ~uint64_t{1}
                           : LoadLe<uint64_t>(iv) >> 1;  // R22: random, 63 bits
  }
  next.session_slot = grant.session_slot;
  next.content_slot = grant.content_slot;
  next.readback_slot = grant.readback_slot;
  entry = next;
  return true;
}

firmware::SessionRefusals FirmwarePlatform::ReadRefusals(uint32_t index) {
  const Grant& entry = wiring_.grants->At(index);
  return {entry.refusal_count, entry.last_refusal, entry.iv_repeats};
}

void FirmwarePlatform::ReleaseProtectedPages(uint32_t session) {
  wiring_.memory->ReleaseOwner(session);
}

uint32_t FirmwarePlatform::CertificateBytes() {
  return static_cast<uint32_t>(certificates_.size());
}

bool FirmwarePlatform::CopyCertificate(uint32_t certificate_offset, uint32_t response_offset,
                                       uint32_t size_bytes) {
  return RangeFits(certificate_offset, size_bytes, certificates_.size()) &&
         WriteResponse(response_offset, certificates_.data() + certificate_offset, size_bytes);
}

uint32_t FirmwarePlatform::KeyEpoch() { return key_epoch_; }

// A block that fails leaves zeros, which no known answer is.
void FirmwarePlatform::TestAesEcb(const uint8_t key[16], bool encrypt, const uint8_t in[16],
                                  uint8_t out[16]) {
  const AesKey public_key = MakePublicKey(key);
  const ConstByteSpan source(in, kBlockBytes);
  const ByteSpan destination(out, kBlockBytes);
  const bool done = encrypt ? AesEncryptBlock(public_key, source, destination)
                            : AesDecryptBlock(public_key, source, destination);
  if (!done) std::memset(out, 0, kBlockBytes);
}

void FirmwarePlatform::TestAesCtr(const uint8_t key[16], const uint8_t counter[16],
                                  const uint8_t* in, uint8_t* out, uint32_t size_bytes) {
  CtrKey public_key;
  public_key.key = MakePublicKey(key);
  public_key.Expand();
  CtrEngine engine;
  const bool done = engine.Begin(&public_key, CounterBlock::FromBytes({counter, kBlockBytes})) &&
                    engine.Apply(0, {in, size_bytes}, {out, size_bytes});
  if (!done) std::memset(out, 0, size_bytes);
}

void FirmwarePlatform::TestAesCmac(const uint8_t key[16], const uint8_t* in, uint32_t size_bytes,
                                   uint8_t out[16]) {
  if (!ComputeAesCmac(MakePublicKey(key), {in, size_bytes}, {out, kCmacTagBytes})) {
    std::memset(out, 0, kCmacTagBytes);
  }
}

void FirmwarePlatform::TestSha512(const uint8_t* in, uint32_t size_bytes, uint8_t out[64]) {
  if (!ComputeSha512({in, size_bytes}, {out, kSha512Bytes})) std::memset(out, 0, kSha512Bytes);
}

bool FirmwarePlatform::TestRsaOaep() {
  constexpr uint8_t kPattern[16] = {0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15};
  const AesKey sent = MakePublicKey(kPattern);
  uint8_t blob[RsaPrivateKey::kModulusBytes];
  AesKey received;
  if (!identity_key_.WrapKey(sent, blob) || !identity_key_.UnwrapKey(blob, &received)) return false;
  blob[RsaPrivateKey::kModulusBytes - 1] ^= 1;
  AesKey none;
  return received == sent && !identity_key_.UnwrapKey(blob, &none);
}

bool FirmwarePlatform::TestRandom() {
  AesKey first;
  AesKey second;
  return wiring_.entropy->Fill(first.Expose()) && wiring_.entropy->Fill(second.Expose()) &&
         !(first == second);
}

int FirmwarePlatform::FailingSelfTest() { return wiring_.failing_self_test; }

// A blob outside the payload is an empty blob, so that it takes the same way as any other.
ConstByteSpan FirmwarePlatform::FindBlob(uint32_t payload_offset, uint32_t size_bytes) const {
  if (!RangeFits(payload_offset, size_bytes, payload_.size())) return {};
  return payload_.subspan(payload_offset, size_bytes);
}

bool FirmwarePlatform::StoreAndLock(uint32_t slot, uint32_t session, KeyVault::Key&& key) {
  if (!wiring_.vault->Store(slot, session, std::move(key))) return false;
  wiring_.vault->Lock(slot);
  return true;
}

}  // namespace ward::device
