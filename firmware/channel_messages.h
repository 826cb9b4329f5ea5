// The structures of channel messages (D3D11_1DDI_AUTHENTICATED_*), for processes of 64 and of 32
// bits: one list of fields each, from which sizes and offsets of both follow. Private to the
// firmware.
#ifndef WARD_FIRMWARE_CHANNEL_MESSAGES_H_
#define WARD_FIRMWARE_CHANNEL_MESSAGES_H_

#include <cstdint>

#include "firmware/guid.h"

namespace ward::firmware {

enum class Field : uint8_t { kNone, kUint, kHandle, kUint64, kGuid, kOmac };

// Fields in order, each at its natural alignment.
struct Fields {
  static constexpr uint32_t kMaxCount = 5;
  Field kinds[kMaxCount];
};

// Headers, and the places of their fields.
inline constexpr Fields kConfigureInputHeader = {
    {Field::kOmac, Field::kGuid, Field::kHandle, Field::kUint}};
inline constexpr Fields kQueryInputHeader = {{Field::kGuid, Field::kHandle, Field::kUint}};
inline constexpr Fields kOutputHeader = {
    {Field::kOmac, Field::kGuid, Field::kHandle, Field::kUint, Field::kUint}};
inline constexpr uint32_t kReturnCodePlace = 4;  // of kOutputHeader
inline constexpr uint32_t kOmacBytes = 16;

// `handle_bytes`: 8 or 4. Offsets count from the structure's first byte.
constexpr uint32_t SizeOfField(Field field, uint32_t handle_bytes) {
  switch (field) {
    case Field::kNone:
      return 0;
    case Field::kUint:
      return 4;
    case Field::kHandle:
      return handle_bytes;
    case Field::kUint64:
      return 8;
    case Field::kGuid:
    case Field::kOmac:
      return 16;
  }
  return 0;
}
constexpr uint32_t AlignmentOfField(Field field, uint32_t handle_bytes) {
  if (field == Field::kNone || field == Field::kOmac) return 1;
  return field == Field::kGuid ? 4 : SizeOfField(field, handle_bytes);
}
constexpr uint32_t RoundUp(uint32_t value, uint32_t alignment) {
  return (value + alignment - 1) / alignment * alignment;
}
// Of the field at `place`, when the first one may begin at `start`.
constexpr uint32_t OffsetOfField(const Fields& fields, uint32_t start, uint32_t place,
                                 uint32_t handle_bytes) {
  uint32_t offset = start;
  for (uint32_t i = 0; i < place; ++i) {
    offset = RoundUp(offset, AlignmentOfField(fields.kinds[i], handle_bytes));
    offset += SizeOfField(fields.kinds[i], handle_bytes);
  }
  return RoundUp(offset, AlignmentOfField(fields.kinds[place], handle_bytes));
}
constexpr uint32_t AlignmentOf(const Fields& fields, uint32_t handle_bytes) {
  uint32_t greatest = 1;
  for (const Field field : fields.kinds) {
    const uint32_t alignment = AlignmentOfField(field, handle_bytes);
    if (alignment > greatest) greatest = alignment;
  }
  return greatest;
}
constexpr uint32_t EndOf(const Fields& fields, uint32_t start, uint32_t handle_bytes) {
  const uint32_t last = Fields::kMaxCount - 1;
  return OffsetOfField(fields, start, last, handle_bytes) +
         SizeOfField(fields.kinds[last], handle_bytes);
}
constexpr uint32_t HeaderBytes(const Fields& header, uint32_t handle_bytes) {
  return RoundUp(EndOf(header, 0, handle_bytes), AlignmentOf(header, handle_bytes));
}
constexpr uint32_t StructureBytes(const Fields& header, const Fields& payload,
                                  uint32_t handle_bytes) {
  const uint32_t header_alignment = AlignmentOf(header, handle_bytes);
  const uint32_t alignment = AlignmentOf(payload, handle_bytes);
  return RoundUp(EndOf(payload, HeaderBytes(header, handle_bytes), handle_bytes),
                 alignment > header_alignment ? alignment : header_alignment);
}

// Which types of channel take a message.
inline constexpr uint32_t kOnSoftware = 1;
inline constexpr uint32_t kOnHardware = 2;
inline constexpr uint32_t kOnBoth = kOnSoftware | kOnHardware;

// `output` is a query's; a command's output is the header alone.
struct ChannelMessage {
  Guid type;
  uint32_t channels;
  Fields input;
  Fields output;
};

inline constexpr ChannelMessage kConfigureInitialize = {
    ParseGuid("06114BDB-3523-470A-8DCA-FBC2845154F0"), kOnBoth, {{Field::kUint, Field::kUint}}, {}};
inline constexpr ChannelMessage kConfigureProtection = {
    ParseGuid("50455658-3F47-4362-BF99-BFDFCDE9ED29"), kOnBoth, {{Field::kUint}}, {}};
inline constexpr ChannelMessage kConfigureCryptoSession = {
    ParseGuid("6346CC54-2CFC-4AD4-8224-D15837DE7700"),
    kOnBoth,  // R16
    {{Field::kHandle, Field::kHandle, Field::kHandle}},
    {}};
inline constexpr ChannelMessage kConfigureSharedResource = {
    ParseGuid("0772D047-1B40-48E8-9CA6-B5F510DE9F01"),
    kOnSoftware,
    {{Field::kUint, Field::kHandle, Field::kUint}},
    {}};
inline constexpr ChannelMessage kConfigureEncryptionWhenAccessible = {
    ParseGuid("41FFF286-6AE0-4D43-9D55-A46E9EFD158A"), kOnBoth, {{Field::kGuid}}, {}};

inline constexpr ChannelMessage kQueryProtection = {
    ParseGuid("A84EB584-C495-48AA-B94D-8BD2D6FBCE05"), kOnBoth, {}, {{Field::kUint}}};
inline constexpr ChannelMessage kQueryChannelType = {
    ParseGuid("BC1B18A5-B1FB-42AB-BD94-B5828B4BF7BE"), kOnBoth, {}, {{Field::kUint}}};
inline constexpr ChannelMessage kQueryDeviceHandle = {
    ParseGuid("EC1C539D-8CFF-4E2A-BCC4-F5692F99F480"), kOnBoth, {}, {{Field::kHandle}}};
inline constexpr ChannelMessage kQueryCryptoSession = {
    ParseGuid("2634499E-D018-4D74-AC17-7F724059528D"),
    kOnBoth,
    {{Field::kHandle}},
    {{Field::kHandle, Field::kHandle, Field::kHandle}}};
inline constexpr ChannelMessage kQueryProcessCount = {
    ParseGuid("0DB207B3-9450-46A6-82DE-1B96D44F9CF2"), kOnSoftware, {}, {{Field::kUint}}};
inline constexpr ChannelMessage kQueryProcess = {ParseGuid("649BBADB-F0F4-4639-A15B-24393FC3ABAC"),
                                                 kOnSoftware,
                                                 {{Field::kUint}},
                                                 {{Field::kUint, Field::kUint, Field::kHandle}}};
inline constexpr ChannelMessage kQueryUnrestrictedCount = {
    ParseGuid("012F0BD6-E662-4474-BEFD-AA53E5143C6D"), kOnSoftware, {}, {{Field::kUint}}};
inline constexpr ChannelMessage kQueryOutputIdCount = {
    ParseGuid("2C042B5E-8C07-46D5-AABE-8F75CBAD4C31"),
    kOnBoth,
    {{Field::kHandle, Field::kHandle}},
    {{Field::kHandle, Field::kHandle, Field::kUint}}};
inline constexpr ChannelMessage kQueryOutputId = {
    ParseGuid("839DDCA3-9B4E-41E4-B053-892BD2A11EE7"),
    kOnBoth,
    {{Field::kHandle, Field::kHandle, Field::kUint}},
    {{Field::kHandle, Field::kHandle, Field::kUint, Field::kUint64}}};
inline constexpr ChannelMessage kQueryAccessibility = {
    ParseGuid("6214D9D2-432C-4ABB-9FCE-216EEA269E3B"),
    kOnBoth,
    {},
    {{Field::kUint, Field::kUint, Field::kUint}}};
inline constexpr ChannelMessage kQueryEncryptionGuidCount = {
    ParseGuid("B30F7066-203C-4B07-93FC-CEAAFD61241E"), kOnBoth, {}, {{Field::kUint}}};
inline constexpr ChannelMessage kQueryEncryptionGuid = {
    ParseGuid("F83A5958-E986-4BDA-BEB0-411F6A7A01B7"),
    kOnBoth,
    {{Field::kUint}},
    {{Field::kUint, Field::kGuid}}};
inline constexpr ChannelMessage kQueryCurrentEncryption = {
    ParseGuid("EC1791C7-DAD3-4F15-9EC3-FAA93D60D4F0"), kOnBoth, {}, {{Field::kGuid}}};

// One structure: its bytes, zero at first, and what stands where.
class ChannelStructure {
 public:
  static constexpr uint32_t kMaxBytes = 80;

  ChannelStructure(const Fields& header, const Fields& payload, uint32_t handle_bytes)
      : header_(header), payload_(payload), handle_bytes_(handle_bytes) {}

  uint32_t header_bytes() const { return HeaderBytes(header_, handle_bytes_); }
  uint32_t size_bytes() const { return StructureBytes(header_, payload_, handle_bytes_); }
  uint32_t handle_bytes() const { return handle_bytes_; }
  uint8_t* bytes() { return bytes_; }
  const uint8_t* bytes() const { return bytes_; }

  // By place of the field; numbers are widened with zeros, and cut when they are written.
  uint64_t ReadHeader(uint32_t place) const;
  void WriteHeader(uint32_t place, uint64_t value);
  uint64_t Read(uint32_t place) const;
  void Write(uint32_t place, uint64_t value);
  const uint8_t* GuidAt(uint32_t place) const;
  void ClearPayload();

 private:
  uint32_t PayloadOffset(uint32_t place) const {
    return OffsetOfField(payload_, header_bytes(), place, handle_bytes_);
  }
  uint64_t LoadAt(uint32_t offset, Field field) const;
  void StoreAt(uint32_t offset, Field field, uint64_t value);

  const Fields& header_;
  const Fields& payload_;
  uint32_t handle_bytes_;
  uint8_t bytes_[kMaxBytes] = {};
};

}  // namespace ward::firmware

#endif  // WARD_FIRMWARE_CHANNEL_MESSAGES_H_
