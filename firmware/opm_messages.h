// The structures of output protection messages (opmapi.h, d3dkmdt.h DXGKMDT_OPM_*; packed, and the
// same for processes of 64 and of 32 bits). Private to the firmware.
#ifndef WARD_FIRMWARE_OPM_MESSAGES_H_
#define WARD_FIRMWARE_OPM_MESSAGES_H_

#include <cstdint>

#include "firmware/guid.h"

namespace ward::firmware {

inline constexpr uint32_t kOpmOmacBytes = 16;
inline constexpr uint32_t kOpmRandomBytes = 16;
inline constexpr uint32_t kOpmParametersBytes = 4056;  // abParameters

// OPM_GET_INFO_PARAMETERS.
struct OpmInformationRequest {
  uint8_t omac[kOpmOmacBytes];  // over all that follows, as in the other two
  uint8_t random[kOpmRandomBytes];
  GuidBytes type;
  uint32_t sequence;
  uint32_t parameters_bytes;
  uint8_t parameters[kOpmParametersBytes];
};
static_assert(sizeof(OpmInformationRequest) == 4112);

// OPM_CONFIGURE_PARAMETERS.
struct OpmSetting {
  uint8_t omac[kOpmOmacBytes];
  GuidBytes type;
  uint32_t sequence;
  uint32_t parameters_bytes;
  uint8_t parameters[kOpmParametersBytes];
};
static_assert(sizeof(OpmSetting) == 4096);

// OPM_REQUESTED_INFORMATION. Every information begins with the request's random number and status
// flags. As many bytes are under its OMAC as under a setting's, by the same key: no reply is a
// setting, since information_bytes would have to be the first four bytes of a setting's GUID.
struct OpmInformation {
  uint8_t omac[kOpmOmacBytes];
  uint32_t information_bytes;
  uint8_t random[kOpmRandomBytes];
  uint32_t status_flags;
  uint32_t values[14];  // of the kind of information
  uint8_t rest[4000];
};
static_assert(sizeof(OpmInformation) == 4096);
inline constexpr uint32_t kOpmInformationHeadBytes = kOpmRandomBytes + 4;

inline constexpr Guid kOpmGetSrmVersion = ParseGuid("99C5CEFF-5F1D-4879-81C1-C52443C9482B");
inline constexpr Guid kOpmGetConnectedDevice = ParseGuid("0DB59D74-A992-492E-A0BD-C23FDA564E00");
inline constexpr Guid kOpmGetConnectorType = ParseGuid("81D0BFD5-6AFE-48C2-99C0-95A08F97C5DA");
inline constexpr Guid kOpmGetProtectionTypes = ParseGuid("38F2A801-9A6C-48BB-9107-B6696E6F1797");
inline constexpr Guid kOpmGetVirtualLevel = ParseGuid("B2075857-3EDA-4D5D-88DB-748F8C1A0549");
inline constexpr Guid kOpmGetActualLevel = ParseGuid("1957210A-7766-452A-B99A-D27AED54F03A");
inline constexpr Guid kOpmGetOutputFormat = ParseGuid("D7BF1BA3-AD13-4F8E-AF98-0DCB3CA204CC");
inline constexpr Guid kOpmGetBusType = ParseGuid("C6F4D673-6174-4184-8E35-F6DB5200BCBA");
inline constexpr Guid kOpmGetOutputId = ParseGuid("72CB6DF3-244F-40CE-B09E-20506AF6302F");
inline constexpr Guid kOpmSetProtectionLevel = ParseGuid("9BB9327C-4EB5-4727-9F00-B42B0919C0DA");

// OPM_STATUS flags.
inline constexpr uint32_t kOpmStatusNormal = 0;
inline constexpr uint32_t kOpmStatusLinkLost = 1;
inline constexpr uint32_t kOpmStatusRenegotiationRequired = 2;
// OPM_PROTECTION_TYPE.
inline constexpr uint32_t kOpmProtectionHdcp = 8;
// OPM_HDCP_PROTECTION_LEVEL.
inline constexpr uint32_t kOpmHdcpOff = 0;
inline constexpr uint32_t kOpmHdcpOn = 1;

// OPM_SET_PROTECTION_LEVEL_PARAMETERS.
struct OpmProtectionLevel {
  uint32_t type;
  uint32_t level;
  uint32_t reserved[2];
};

}  // namespace ward::firmware

#endif  // WARD_FIRMWARE_OPM_MESSAGES_H_
