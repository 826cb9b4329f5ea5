// GUIDs that messages name, as the 16 bytes that Windows keeps in memory.
#ifndef WARD_FIRMWARE_GUID_H_
#define WARD_FIRMWARE_GUID_H_

#include <cstdint>

namespace ward::firmware {

using GuidBytes = uint8_t[16];

// D3D11_1DDI_CRYPTO_TYPE_AES128_CTR, 9B6BD711-4F74-41C9-9E7B-0BE2D7D93B4F.
inline constexpr GuidBytes kAes128Ctr = {0x11, 0xd7, 0x6b, 0x9b, 0x74, 0x4f, 0xc9, 0x41,
                                         0x9e, 0x7b, 0x0b, 0xe2, 0xd7, 0xd9, 0x3b, 0x4f};
// D3D11_1DDI_KEY_EXCHANGE_RSAES_OAEP, C1949895-D72A-4A1D-8E5D-ED857D171520.
inline constexpr GuidBytes kRsaesOaep = {0x95, 0x98, 0x94, 0xc1, 0x2a, 0xd7, 0x1d, 0x4a,
                                         0x8e, 0x5d, 0xed, 0x85, 0x7d, 0x17, 0x15, 0x20};
inline constexpr GuidBytes kNullGuid = {};

constexpr bool IsGuid(const GuidBytes& value, const GuidBytes& expected) {
  for (uint32_t i = 0; i < sizeof(GuidBytes); ++i) {
    if (value[i] != expected[i]) return false;
  }
  return true;
}

}  // namespace ward::firmware

#endif  // WARD_FIRMWARE_GUID_H_
