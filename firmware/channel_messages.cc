#include "firmware/channel_messages.h"

namespace ward::firmware {
namespace {

constexpr bool InputIs(const Fields& header, const ChannelMessage& message, uint32_t bytes_64,
                       uint32_t bytes_32) {
  return StructureBytes(header, message.input, 8) == bytes_64 &&
         StructureBytes(header, message.input, 4) == bytes_32;
}
constexpr bool CommandIs(const ChannelMessage& message, uint32_t bytes_64, uint32_t bytes_32) {
  return InputIs(kConfigureInputHeader, message, bytes_64, bytes_32);
}
constexpr bool QueryIs(const ChannelMessage& message, uint32_t input_64, uint32_t input_32,
                       uint32_t output_64, uint32_t output_32) {
  return InputIs(kQueryInputHeader, message, input_64, input_32) &&
         StructureBytes(kOutputHeader, message.output, 8) == output_64 &&
         StructureBytes(kOutputHeader, message.output, 4) == output_32;
}

static_assert(HeaderBytes(kConfigureInputHeader, 8) == 48);
static_assert(HeaderBytes(kConfigureInputHeader, 4) == 40);
static_assert(HeaderBytes(kOutputHeader, 8) == 48);
static_assert(HeaderBytes(kOutputHeader, 4) == 44);
static_assert(HeaderBytes(kQueryInputHeader, 8) == 32);
static_assert(HeaderBytes(kQueryInputHeader, 4) == 24);
static_assert(CommandIs(kConfigureInitialize, 56, 48));
static_assert(CommandIs(kConfigureProtection, 56, 44));
static_assert(CommandIs(kConfigureCryptoSession, 72, 52));
static_assert(CommandIs(kConfigureSharedResource, 72, 52));
static_assert(CommandIs(kConfigureEncryptionWhenAccessible, 64, 56));
static_assert(QueryIs(kQueryProtection, 32, 24, 56, 48));
static_assert(QueryIs(kQueryChannelType, 32, 24, 56, 48));
static_assert(QueryIs(kQueryDeviceHandle, 32, 24, 56, 48));
static_assert(QueryIs(kQueryCryptoSession, 40, 28, 72, 56));
static_assert(QueryIs(kQueryProcessCount, 32, 24, 56, 48));
static_assert(QueryIs(kQueryProcess, 40, 28, 64, 56));
static_assert(QueryIs(kQueryUnrestrictedCount, 32, 24, 56, 48));
static_assert(QueryIs(kQueryOutputIdCount, 48, 32, 72, 56));
static_assert(QueryIs(kQueryOutputId, 56, 36, 80, 64));
static_assert(QueryIs(kQueryAccessibility, 32, 24, 64, 56));
static_assert(QueryIs(kQueryEncryptionGuidCount, 32, 24, 56, 48));
static_assert(QueryIs(kQueryEncryptionGuid, 40, 28, 72, 64));
static_assert(QueryIs(kQueryCurrentEncryption, 32, 24, 64, 60));
static_assert(OffsetOfField(kQueryOutputId.output, 48, 3, 8) == 72);
static_assert(OffsetOfField(kQueryOutputId.output, 44, 3, 4) == 56);
static_assert(OffsetOfField(kQueryEncryptionGuid.output, 48, 1, 8) == 52);
static_assert(StructureBytes(kOutputHeader, kQueryOutputId.output, 8) ==
              ChannelStructure::kMaxBytes);

}  // namespace

uint64_t ChannelStructure::ReadHeader(uint32_t place) const {
  return LoadAt(OffsetOfField(header_, 0, place, handle_bytes_), header_.kinds[place]);
}

void ChannelStructure::WriteHeader(uint32_t place, uint64_t value) {
  StoreAt(OffsetOfField(header_, 0, place, handle_bytes_), header_.kinds[place], value);
}

uint64_t ChannelStructure::Read(uint32_t place) const {
  return LoadAt(PayloadOffset(place), payload_.kinds[place]);
}

void ChannelStructure::Write(uint32_t place, uint64_t value) {
  StoreAt(PayloadOffset(place), payload_.kinds[place], value);
}

const uint8_t* ChannelStructure::GuidAt(uint32_t place) const {
  return bytes_ + PayloadOffset(place);
}

void ChannelStructure::ClearPayload() {
  for (uint32_t i = header_bytes(); i < kMaxBytes; ++i) bytes_[i] = 0;
}

uint64_t ChannelStructure::LoadAt(uint32_t offset, Field field) const {
  uint64_t value = 0;
  for (uint32_t i = SizeOfField(field, handle_bytes_); i > 0; --i) {
    value = value << 8 | bytes_[offset + i - 1];
  }
  return value;
}

void ChannelStructure::StoreAt(uint32_t offset, Field field, uint64_t value) {
  for (uint32_t i = 0; i < SizeOfField(field, handle_bytes_); ++i) {
    bytes_[offset + i] = static_cast<uint8_t>(value >> (8 * i));
  }
}

}  // namespace ward::firmware
