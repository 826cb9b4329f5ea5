#include <array>
#include <cstring>
#include <iterator>
#include <string_view>

#include "catch2/catch_test_macros.hpp"
#include "umd/ddi/guids.h"

namespace ward::umd {
namespace {

struct Row {
  const char* printed;
  const GUID* guid;
};

const Row kRows[] = {
    {"9B6BD711-4F74-41C9-9E7B-0BE2D7D93B4F", &D3D11_1DDI_CRYPTO_TYPE_AES128_CTR},
    {"AB4E9AFD-1D1C-46E6-A72F-0869917B0DE8", &D3D11_1DDI_CRYPTO_TYPE_PROPRIETARY},
    {"C1949895-D72A-4A1D-8E5D-ED857D171520", &D3D11_1DDI_KEY_EXCHANGE_RSAES_OAEP},
    {"B1170D8A-628D-4DA3-AD3B-82DDB08B4970", &D3DWDDM2_0DDI_KEY_EXCHANGE_HW_PROTECTION},
    {"1B81BE68-A0C7-11D3-B984-00C04F2E73C5", &D3D11_1DDI_DECODER_PROFILE_H264_VLD_NOFGT},
    {"89D6AC4F-09F2-4229-B2CD-37740A6DFD81", &D3DWDDM2_0DDI_DECODER_ENCRYPTION_HW_CENC},
    {"06114BDB-3523-470A-8DCA-FBC2845154F0", &D3D11_1DDI_AUTHENTICATED_CONFIGURE_INITIALIZE_GUID},
    {"50455658-3F47-4362-BF99-BFDFCDE9ED29", &D3D11_1DDI_AUTHENTICATED_CONFIGURE_PROTECTION_GUID},
    {"6346CC54-2CFC-4AD4-8224-D15837DE7700",
     &D3D11_1DDI_AUTHENTICATED_CONFIGURE_CRYPTO_SESSION_GUID},
    {"0772D047-1B40-48E8-9CA6-B5F510DE9F01",
     &D3D11_1DDI_AUTHENTICATED_CONFIGURE_SHARED_RESOURCE_GUID},
    {"41FFF286-6AE0-4D43-9D55-A46E9EFD158A",
     &D3D11_1DDI_AUTHENTICATED_CONFIGURE_ENCRYPTION_WHEN_ACCESSIBLE_GUID},
    {"A84EB584-C495-48AA-B94D-8BD2D6FBCE05", &D3D11_1DDI_AUTHENTICATED_QUERY_PROTECTION},
    {"BC1B18A5-B1FB-42AB-BD94-B5828B4BF7BE", &D3D11_1DDI_AUTHENTICATED_QUERY_CHANNEL_TYPE},
    {"EC1C539D-8CFF-4E2A-BCC4-F5692F99F480", &D3D11_1DDI_AUTHENTICATED_QUERY_DEVICE_HANDLE},
    {"2634499E-D018-4D74-AC17-7F724059528D", &D3D11_1DDI_AUTHENTICATED_QUERY_CRYPTO_SESSION},
    {"0DB207B3-9450-46A6-82DE-1B96D44F9CF2",
     &D3D11_1DDI_AUTHENTICATED_QUERY_RESTRICTED_SHARED_RESOURCE_PROCESS_COUNT},
    {"649BBADB-F0F4-4639-A15B-24393FC3ABAC",
     &D3D11_1DDI_AUTHENTICATED_QUERY_RESTRICTED_SHARED_RESOURCE_PROCESS},
    {"012F0BD6-E662-4474-BEFD-AA53E5143C6D",
     &D3D11_1DDI_AUTHENTICATED_QUERY_UNRESTRICTED_PROTECTED_SHARED_RESOURCE_COUNT},
    {"2C042B5E-8C07-46D5-AABE-8F75CBAD4C31", &D3D11_1DDI_AUTHENTICATED_QUERY_OUTPUT_ID_COUNT},
    {"839DDCA3-9B4E-41E4-B053-892BD2A11EE7", &D3D11_1DDI_AUTHENTICATED_QUERY_OUTPUT_ID},
    {"6214D9D2-432C-4ABB-9FCE-216EEA269E3B",
     &D3D11_1DDI_AUTHENTICATED_QUERY_ACCESSIBILITY_ATTRIBUTES},
    {"B30F7066-203C-4B07-93FC-CEAAFD61241E",
     &D3D11_1DDI_AUTHENTICATED_QUERY_ENCRYPTION_WHEN_ACCESSIBLE_GUID_COUNT},
    {"F83A5958-E986-4BDA-BEB0-411F6A7A01B7",
     &D3D11_1DDI_AUTHENTICATED_QUERY_ENCRYPTION_WHEN_ACCESSIBLE_GUID},
    {"EC1791C7-DAD3-4F15-9EC3-FAA93D60D4F0",
     &D3D11_1DDI_AUTHENTICATED_QUERY_CURRENT_ENCRYPTION_WHEN_ACCESSIBLE},
};

using Bytes = std::array<BYTE, 16>;

Bytes InMemory(const GUID& guid) {
  Bytes bytes;
  std::memcpy(bytes.data(), &guid, bytes.size());
  return bytes;
}

int HexDigit(char digit) { return digit <= '9' ? digit - '0' : digit - 'A' + 10; }

// A printed GUID's bytes as Windows keeps them: the first three groups reversed, the rest in order.
Bytes FromPrinted(std::string_view printed) {
  constexpr int kPlace[16] = {3, 2, 1, 0, 5, 4, 7, 6, 8, 9, 10, 11, 12, 13, 14, 15};
  Bytes bytes = {};
  size_t at = 0;
  for (int place : kPlace) {
    if (printed[at] == '-') ++at;
    bytes[static_cast<size_t>(place)] =
        static_cast<BYTE>(HexDigit(printed[at]) * 16 + HexDigit(printed[at + 1]));
    at += 2;
  }
  return bytes;
}

TEST_CASE("AES128_CTR lies in memory as the documented bytes") {
  const Bytes expected = {0x11, 0xD7, 0x6B, 0x9B, 0x74, 0x4F, 0xC9, 0x41,
                          0x9E, 0x7B, 0x0B, 0xE2, 0xD7, 0xD9, 0x3B, 0x4F};
  CHECK(InMemory(D3D11_1DDI_CRYPTO_TYPE_AES128_CTR) == expected);
  CHECK(FromPrinted("9B6BD711-4F74-41C9-9E7B-0BE2D7D93B4F") == expected);
}

TEST_CASE("every GUID lies in memory as it is printed by the API's documentation") {
  for (const Row& row : kRows) {
    INFO(row.printed);
    CHECK(InMemory(*row.guid) == FromPrinted(row.printed));
  }
}

TEST_CASE("no two GUIDs are equal, and none is the null GUID") {
  for (size_t i = 0; i < std::size(kRows); ++i) {
    INFO(kRows[i].printed);
    CHECK(*kRows[i].guid == *kRows[i].guid);
    CHECK_FALSE(*kRows[i].guid == kNullGuid);
    for (size_t j = i + 1; j < std::size(kRows); ++j) {
      CHECK_FALSE(*kRows[i].guid == *kRows[j].guid);
    }
  }
}

}  // namespace
}  // namespace ward::umd
