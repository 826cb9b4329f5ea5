#include "umd/content_protection_caps.h"

#include "abi/generated/pci.h"
#include "abi/generated/registers.h"
#include "umd/ddi/guids.h"
#include "umd/ddi/status_codes.h"
#include "umd/video_decoder_profile.h"

namespace ward::umd {

namespace {
bool IsNone(const GUID* guid) { return guid == nullptr || *guid == kNullGuid; }
}  // namespace

HRESULT CheckCryptoType(const Adapter& adapter, const GUID* crypto_type, const GUID* profile) {
  const bool is_known = IsNone(crypto_type) || *crypto_type == D3D11_1DDI_CRYPTO_TYPE_AES128_CTR;
  const bool is_supported = is_known && adapter.Has(abi::kFeaturesDecryptBltMask);
  const bool has_profile = IsNone(profile) || (HasDecoders(adapter) && IsDecoderProfile(*profile));
  return is_supported && has_profile ? S_OK : D3DDDIERR_UNSUPPORTEDCRYPTO;
}

D3D11_1DDI_VIDEO_CONTENT_PROTECTION_CAPS MakeContentProtectionCaps(const Adapter& adapter,
                                                                   const GUID* profile) {
  D3D11_1DDI_VIDEO_CONTENT_PROTECTION_CAPS caps = {};
  // A RESTRICTED_CONTENT resource is in protected memory from the beginning: always on.
  caps.Caps = D3D11_1DDI_CONTENT_PROTECTION_CAPS_HARDWARE |
              D3D11_1DDI_CONTENT_PROTECTION_CAPS_PROTECTION_ALWAYS_ON |
              D3D11_1DDI_CONTENT_PROTECTION_CAPS_PARTIAL_DECRYPTION |
              D3D11_1DDI_CONTENT_PROTECTION_CAPS_DECRYPTION_BLT;
  if (adapter.Has(abi::kFeaturesContentKeyMask)) {
    caps.Caps |= D3D11_1DDI_CONTENT_PROTECTION_CAPS_CONTENT_KEY;
  }
  if (adapter.Has(abi::kFeaturesKeyRefreshMask)) {
    caps.Caps |= D3D11_1DDI_CONTENT_PROTECTION_CAPS_FRESHEN_SESSION_KEY;
  }
  if (adapter.Has(abi::kFeaturesEncryptBltMask)) {
    // Read-back never shares a key with counters that an application chose (R22).
    caps.Caps |= D3D11_1DDI_CONTENT_PROTECTION_CAPS_ENCRYPTED_READ_BACK |
                 D3D11_1DDI_CONTENT_PROTECTION_CAPS_ENCRYPTED_READ_BACK_KEY;
  }
  // A decoder's control buffers are the driver's to read. Not SEQUENTIAL_CTR_IV: each buffer may
  // have an IV of its own, and a Count that runs on is accepted too (DDI 7.4).
  if (!IsNone(profile)) caps.Caps |= D3D11_1DDI_CONTENT_PROTECTION_CAPS_ENCRYPT_SLICEDATA_ONLY;
  caps.KeyExchangeTypeCount = kKeyExchangeTypeCount;
  caps.BlockAlignmentSize = abi::kBlockAlignment;
  caps.ProtectedMemorySize = adapter.data().protected_vram_bytes;
  return caps;
}

}  // namespace ward::umd
