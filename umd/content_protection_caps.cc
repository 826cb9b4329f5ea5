#include "umd/content_protection_caps.h"

#include "abi/generated/pci.h"
#include "abi/generated/registers.h"
#include "base/rule.h"
#include "umd/ddi/guids.h"
#include "umd/ddi/status_codes.h"
#include "umd/video_decoder_profile.h"

namespace ward::umd {

namespace {
bool IsNone(const GUID* guid) {
  return guid == nullptr || (!WARD_BROKEN("R23.null_guid") && *guid == kNullGuid);
}

bool HasHardwareDrm(const Adapter& adapter, VideoTable table) {
  return !WARD_RULE("hw.table", table == VideoTable::kD3d11_1) &&
         adapter.Has(abi::kFeaturesHardwareDrmMask);
}

// How well a RESTRICTED_CONTENT resource is protected: by the hardware and from the beginning. Not
// so where the host lets the same content be decrypted into the open (R27).
UINT ProtectionCaps(const Adapter& adapter) {
  if (WARD_RULE("R27.caps", adapter.Has(abi::kFeaturesOpenDecryptMask))) {
    return D3D11_1DDI_CONTENT_PROTECTION_CAPS_SOFTWARE;
  }
  return D3D11_1DDI_CONTENT_PROTECTION_CAPS_HARDWARE |
         D3D11_1DDI_CONTENT_PROTECTION_CAPS_PROTECTION_ALWAYS_ON;
}

UINT HardwareCaps(const Adapter& adapter, VideoTable table) {
  if (WARD_RULE("hw.caps", table == VideoTable::kD3d11_1)) return 0;
  UINT caps = 0;
  if (!adapter.Has(abi::kFeaturesOpenDecryptMask)) {
    caps |= D3DWDDM2_0DDI_CONTENT_PROTECTION_CAPS_HARDWARE_PROTECT_UNCOMPRESSED;
  }
  if (adapter.Has(abi::kFeaturesKeyTeardownMask)) {
    caps |= D3DWDDM2_0DDI_CONTENT_PROTECTION_CAPS_HARDWARE_TEARDOWN;
  }
  if (adapter.Has(abi::kFeaturesHardwareDrmMask)) {
    caps |= D3DWDDM2_0DDI_CONTENT_PROTECTION_CAPS_HARDWARE_DRM_COMMUNICATION;
  }
  return caps;
}
}  // namespace

HRESULT CheckCryptoType(const Adapter& adapter, const GUID* crypto_type, const GUID* profile) {
  const bool is_known = WARD_BROKEN("4.1.crypto_type") || IsNone(crypto_type) ||
                        *crypto_type == D3D11_1DDI_CRYPTO_TYPE_AES128_CTR;
  const bool is_supported = is_known && adapter.Has(abi::kFeaturesDecryptBltMask);
  const bool has_profile = WARD_BROKEN("4.1.profile") || IsNone(profile) ||
                           (HasDecoders(adapter) && IsDecoderProfile(*profile));
  if (is_supported && has_profile) return S_OK;
  return WARD_BROKEN("R3.code") ? E_FAIL : D3DDDIERR_UNSUPPORTEDCRYPTO;
}

const GUID* FindKeyExchange(const Adapter& adapter, VideoTable table, UINT index) {
  if (index == 0) return &D3D11_1DDI_KEY_EXCHANGE_RSAES_OAEP;
  const bool is_hardware = index == 1 && HasHardwareDrm(adapter, table);
  return is_hardware ? &D3DWDDM2_0DDI_KEY_EXCHANGE_HW_PROTECTION : nullptr;
}

D3D11_1DDI_VIDEO_CONTENT_PROTECTION_CAPS MakeContentProtectionCaps(const Adapter& adapter,
                                                                   VideoTable table,
                                                                   const GUID* profile) {
  D3D11_1DDI_VIDEO_CONTENT_PROTECTION_CAPS caps = {};
  caps.Caps = ProtectionCaps(adapter) | D3D11_1DDI_CONTENT_PROTECTION_CAPS_PARTIAL_DECRYPTION |
              D3D11_1DDI_CONTENT_PROTECTION_CAPS_DECRYPTION_BLT;
  if (adapter.Has(abi::kFeaturesContentKeyMask)) {
    caps.Caps |= D3D11_1DDI_CONTENT_PROTECTION_CAPS_CONTENT_KEY;
  }
  if (WARD_RULE("4.1.caps", adapter.Has(abi::kFeaturesKeyRefreshMask))) {
    caps.Caps |= D3D11_1DDI_CONTENT_PROTECTION_CAPS_FRESHEN_SESSION_KEY;
  }
  if (adapter.Has(abi::kFeaturesEncryptBltMask)) {
    // Read-back never shares a key with counters that an application chose (R22).
    caps.Caps |= D3D11_1DDI_CONTENT_PROTECTION_CAPS_ENCRYPTED_READ_BACK |
                 D3D11_1DDI_CONTENT_PROTECTION_CAPS_ENCRYPTED_READ_BACK_KEY;
  }
  caps.Caps |= HardwareCaps(adapter, table);
  // A decoder's control buffers are the driver's to read. Not SEQUENTIAL_CTR_IV: each buffer may
  // have an IV of its own, and a Count that runs on is accepted too (DDI 7.4).
  if (!IsNone(profile)) caps.Caps |= D3D11_1DDI_CONTENT_PROTECTION_CAPS_ENCRYPT_SLICEDATA_ONLY;
  caps.KeyExchangeTypeCount = HasHardwareDrm(adapter, table) ? 2 : 1;
  caps.BlockAlignmentSize = WARD_BROKEN("R25.block_alignment") ? 1 : abi::kBlockAlignment;
  caps.ProtectedMemorySize =
      WARD_BROKEN("R25.protected_memory") ? 0 : adapter.data().protected_vram_bytes;
  return caps;
}

}  // namespace ward::umd
