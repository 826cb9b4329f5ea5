#include "kmd/edid.h"

#include <algorithm>
#include <iterator>

#include "abi/generated/status.h"
#include "base/bytes.h"

namespace ward::kmd {
namespace {

constexpr uint32_t kBlockBytes = 128;
constexpr uint8_t kHeader[] = {0, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0};
constexpr uint32_t kVersion = 18;
constexpr uint32_t kExtensionCount = 126;
// Four descriptors of 18 bytes; the first is the preferred timing.
constexpr uint32_t kFirstDescriptor = 54;
constexpr uint32_t kDescriptorBytes = 18;
constexpr uint32_t kDescriptorCount = 4;
constexpr uint8_t kNameTag = 0xfc;
constexpr uint32_t kTextOffset = 5;

Fault Invalid(const char* reason) { return {abi::kStatusInvalidArgument, reason}; }

bool HasChecksum(ConstByteSpan block) {
  uint32_t sum = 0;
  for (const uint8_t byte : block) sum += byte;
  return (sum & 0xff) == 0;
}

bool IsTiming(ConstByteSpan descriptor) { return descriptor[0] != 0 || descriptor[1] != 0; }

std::string TextOf(ConstByteSpan descriptor) {
  std::string text;
  for (const uint8_t byte : descriptor.subspan(kTextOffset)) {
    if (byte < 0x20 || byte > 0x7e) break;  // a line feed ends it
    text.push_back(static_cast<char>(byte));
  }
  return text;
}

}  // namespace

Result<Edid> Edid::Parse(const std::array<uint8_t, kBytes>& bytes) {
  const ConstByteSpan all(bytes);
  if (!std::equal(std::begin(kHeader), std::end(kHeader), bytes.begin())) {
    return Invalid("the display's description has no EDID header");
  }
  if (bytes[kVersion] != 1 || bytes[kVersion + 1] < 3) {
    return Invalid("the display's description has another version");
  }
  const bool has_extension = bytes[kExtensionCount] != 0;
  if (!HasChecksum(all.first(kBlockBytes)) ||
      (has_extension && !HasChecksum(all.subspan(kBlockBytes)))) {
    return Invalid("the display's description has a wrong checksum");
  }
  const ConstByteSpan timing = all.subspan(kFirstDescriptor, kDescriptorBytes);
  Edid edid;
  edid.bytes = bytes;
  edid.preferred_width = timing[2] | (timing[4] & 0xf0u) << 4;
  edid.preferred_height = timing[5] | (timing[7] & 0xf0u) << 4;
  if (!IsTiming(timing) || edid.preferred_width == 0 || edid.preferred_height == 0) {
    return Invalid("the display has no preferred timing");
  }
  for (uint32_t i = 1; i < kDescriptorCount; ++i) {
    const ConstByteSpan descriptor =
        all.subspan(kFirstDescriptor + i * kDescriptorBytes, kDescriptorBytes);
    if (!IsTiming(descriptor) && descriptor[3] == kNameTag) edid.name = TextOf(descriptor);
  }
  return edid;
}

}  // namespace ward::kmd
