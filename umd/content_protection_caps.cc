#include "umd/content_protection_caps.h"

#include "abi/generated/pci.h"
#include "abi/generated/registers.h"
#include "base/rule.h"
#include "umd/ddi/guids.h"
#include "umd/ddi/status_codes.h"

namespace ward::umd {

namespace {
bool IsNone(const GUID* guid) {
  return guid == nullptr || (!WARD_BROKEN("R23.null_guid") && *guid == kNullGuid);
}
}  // namespace

HRESULT CheckCryptoType(const Adapter& adapter, const GUID* crypto_type, const GUID* profile) {
  const bool is_known = WARD_BROKEN("4.1.crypto_type") || IsNone(crypto_type) ||
                        *crypto_type == D3D11_1DDI_CRYPTO_TYPE_AES128_CTR;
  const bool is_supported = is_known && adapter.Has(abi::kFeaturesDecryptBltMask);
  if (is_supported && (WARD_BROKEN("4.1.profile") || IsNone(profile))) return S_OK;
  return WARD_BROKEN("R3.code") ? E_FAIL : D3DDDIERR_UNSUPPORTEDCRYPTO;
}

D3D11_1DDI_VIDEO_CONTENT_PROTECTION_CAPS MakeContentProtectionCaps(const Adapter& adapter) {
  D3D11_1DDI_VIDEO_CONTENT_PROTECTION_CAPS caps = {};
  // A RESTRICTED_CONTENT resource is in protected memory from the beginning: always on.
  caps.Caps = D3D11_1DDI_CONTENT_PROTECTION_CAPS_HARDWARE |
              D3D11_1DDI_CONTENT_PROTECTION_CAPS_PROTECTION_ALWAYS_ON |
              D3D11_1DDI_CONTENT_PROTECTION_CAPS_PARTIAL_DECRYPTION |
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
  caps.KeyExchangeTypeCount = kKeyExchangeTypeCount;
  caps.BlockAlignmentSize = WARD_BROKEN("R25.block_alignment") ? 1 : abi::kBlockAlignment;
  caps.ProtectedMemorySize =
      WARD_BROKEN("R25.protected_memory") ? 0 : adapter.data().protected_vram_bytes;
  return caps;
}

}  // namespace ward::umd
