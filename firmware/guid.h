// GUIDs that messages name, as the 16 bytes that Windows keeps in memory.
#ifndef WARD_FIRMWARE_GUID_H_
#define WARD_FIRMWARE_GUID_H_

#include <cstdint>

namespace ward::firmware {

using GuidBytes = uint8_t[16];

struct Guid {
  GuidBytes bytes;
};

// "9B6BD711-4F74-41C9-9E7B-0BE2D7D93B4F". The first three groups are little-endian in memory.
consteval Guid ParseGuid(const char (&text)[37]) {
  constexpr uint32_t kPlaces[16] = {6, 4, 2, 0, 11, 9, 16, 14, 19, 21, 24, 26, 28, 30, 32, 34};
  const auto digit = [](char c) {
    return static_cast<uint8_t>(c >= '0' && c <= '9' ? c - '0' : c - 'A' + 10);
  };
  Guid guid = {};
  for (uint32_t i = 0; i < sizeof(GuidBytes); ++i) {
    guid.bytes[i] =
        static_cast<uint8_t>(digit(text[kPlaces[i]]) << 4 | digit(text[kPlaces[i] + 1]));
  }
  return guid;
}

// D3D11_1DDI_CRYPTO_TYPE_AES128_CTR, 9B6BD711-4F74-41C9-9E7B-0BE2D7D93B4F.
inline constexpr GuidBytes kAes128Ctr = {0x11, 0xd7, 0x6b, 0x9b, 0x74, 0x4f, 0xc9, 0x41,
                                         0x9e, 0x7b, 0x0b, 0xe2, 0xd7, 0xd9, 0x3b, 0x4f};
// D3D11_1DDI_KEY_EXCHANGE_RSAES_OAEP, C1949895-D72A-4A1D-8E5D-ED857D171520.
inline constexpr GuidBytes kRsaesOaep = {0x95, 0x98, 0x94, 0xc1, 0x2a, 0xd7, 0x1d, 0x4a,
                                         0x8e, 0x5d, 0xed, 0x85, 0x7d, 0x17, 0x15, 0x20};
// D3DWDDM2_0DDI_KEY_EXCHANGE_HW_PROTECTION.
inline constexpr Guid kHwProtection = ParseGuid("B1170D8A-628D-4DA3-AD3B-82DDB08B4970");
// The decoder profile H.264 VLD without film grain, 1B81BE68-A0C7-11D3-B984-00C04F2E73C5.
inline constexpr GuidBytes kH264VldNoFgt = {0x68, 0xbe, 0x81, 0x1b, 0xc7, 0xa0, 0xd3, 0x11,
                                            0xb9, 0x84, 0x00, 0xc0, 0x4f, 0x2e, 0x73, 0xc5};
inline constexpr GuidBytes kNullGuid = {};

constexpr bool IsGuid(const uint8_t* value, const GuidBytes& expected) {
  for (uint32_t i = 0; i < sizeof(GuidBytes); ++i) {
    if (value[i] != expected[i]) return false;
  }
  return true;
}

static_assert(IsGuid(ParseGuid("1B81BE68-A0C7-11D3-B984-00C04F2E73C5").bytes, kH264VldNoFgt));
static_assert(IsGuid(ParseGuid("9B6BD711-4F74-41C9-9E7B-0BE2D7D93B4F").bytes, kAes128Ctr));

}  // namespace ward::firmware

#endif  // WARD_FIRMWARE_GUID_H_
