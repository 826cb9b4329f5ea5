#include "device/edid.h"

#include <algorithm>
#include <cstring>
#include <span>
#include <string_view>

#include "base/bytes.h"
#include "device/display_mode.h"

namespace ward::device {
namespace {

constexpr uint32_t kBlockBytes = 128;
constexpr uint32_t kDescriptorBytes = 18;
constexpr uint32_t kStandardTimingCount = 8;
using Block = std::span<uint8_t, kBlockBytes>;

constexpr uint8_t Low8(uint32_t value) { return static_cast<uint8_t>(value & 0xff); }

// A detailed timing at 60 Hz, with the blanking of VESA's CVT 1.1 for reduced blanking and a pixel
// clock that is not rounded to CVT's steps, so that the rate is 60 Hz and not a little less.
struct Timing {
  static constexpr uint32_t kHorizontalBlank = 160;
  static constexpr uint32_t kHorizontalFront = 48;
  static constexpr uint32_t kHorizontalSync = 32;
  static constexpr uint32_t kVerticalFront = 3;

  explicit Timing(const DisplayMode& shown) : mode(shown) {
    // At least 460 us of each frame are blank; what is left of 1/60 s is 48620/3 us.
    vertical_blank = std::max(460 * 3 * mode.height / 48620 + 1, kVerticalFront + SyncLines() + 6);
    const uint64_t pixels = uint64_t{mode.width + kHorizontalBlank} * LineCount();
    clock_10khz = static_cast<uint32_t>((pixels * kRefreshHz + 5000) / 10000);
  }
  // CVT tells the aspect ratio by it.
  uint32_t SyncLines() const {
    if (mode.width * 3 == mode.height * 4) return 4;
    if (mode.width * 9 == mode.height * 16) return 5;
    if (mode.width * 10 == mode.height * 16) return 6;
    if (mode.width * 4 == mode.height * 5) return 7;
    return 10;
  }
  uint32_t LineCount() const { return mode.height + vertical_blank; }
  uint32_t LineRateKhz() const { return LineCount() * kRefreshHz / 1000; }  // rounded down

  DisplayMode mode;
  uint32_t vertical_blank;
  uint32_t clock_10khz;
};

// Millimetres of that many pixels at 96 to the inch.
uint32_t ToMillimetres(uint32_t pixels) { return pixels * 254 / 960; }

// `screen` is the size that has its pixels one by one: it decides how large the glass is.
void PutDetailedTiming(uint8_t* at, const DisplayMode& mode, const DisplayMode& screen) {
  const Timing timing(mode);
  const uint32_t sync_lines = timing.SyncLines();
  const uint32_t width_mm = ToMillimetres(screen.width);
  const uint32_t height_mm = ToMillimetres(screen.height);
  StoreLe<uint16_t>(at, static_cast<uint16_t>(timing.clock_10khz));
  at[2] = Low8(mode.width);
  at[3] = Low8(Timing::kHorizontalBlank);
  at[4] = Low8(mode.width >> 8 << 4 | Timing::kHorizontalBlank >> 8);
  at[5] = Low8(mode.height);
  at[6] = Low8(timing.vertical_blank);
  at[7] = Low8(mode.height >> 8 << 4 | timing.vertical_blank >> 8);
  at[8] = Low8(Timing::kHorizontalFront);
  at[9] = Low8(Timing::kHorizontalSync);
  at[10] = Low8(Timing::kVerticalFront << 4 | sync_lines);
  at[12] = Low8(width_mm);
  at[13] = Low8(height_mm);
  at[14] = Low8(width_mm >> 8 << 4 | height_mm >> 8);
  at[17] = 0x1a;  // digital separate sync, vertical negative, horizontal positive
}

void PutText(uint8_t* at, uint8_t tag, std::string_view text) {
  constexpr uint32_t kTextBytes = 13;
  at[3] = tag;
  std::memset(at + 5, ' ', kTextBytes);
  std::memcpy(at + 5, text.data(), text.size());
  if (text.size() < kTextBytes) at[5 + text.size()] = '\n';
}

// Covers the standard modes, by whatever of the VESA timings a driver shows them, and `preferred`.
void PutRangeLimits(uint8_t* at, const DisplayMode& preferred) {
  const Timing largest({3840, 2160});
  at[3] = 0xfd;
  at[5] = kRefreshHz - 1;
  at[6] = kRefreshHz + 1;
  at[7] = Low8(std::min(Timing(kStandardModes[0]).LineRateKhz(), Timing(preferred).LineRateKhz()));
  at[8] = Low8(largest.LineRateKhz() + 1);
  at[9] = Low8(largest.clock_10khz / 1000 + 1);
  at[10] = 1;  // limits and no formula
  at[11] = '\n';
  std::memset(at + 12, ' ', 6);
}

// The bit of the established timings at 60 Hz (byte 35), or 0.
uint8_t EstablishedBit(const DisplayMode& mode) {
  if (mode == DisplayMode{640, 480}) return 0x20;
  if (mode == DisplayMode{800, 600}) return 0x01;
  return 0;
}

bool IsEstablished1024(const DisplayMode& mode) { return mode == DisplayMode{1024, 768}; }

// The two bytes of a standard timing at 60 Hz, or 0 when there are none for this size. They can say
// 640 x 360 too, but VESA has no timing for it, and a driver that makes one by formula gets no
// porch.
uint16_t StandardTiming(const DisplayMode& mode) {
  constexpr DisplayMode kAspects[] = {{16, 10}, {4, 3}, {5, 4}, {16, 9}};
  if (mode.width % 8 != 0 || mode.width < 1280 || mode.width > 2288) return 0;
  for (uint32_t aspect = 0; aspect < std::size(kAspects); ++aspect) {
    if (mode.width * kAspects[aspect].height == mode.height * kAspects[aspect].width) {
      return static_cast<uint16_t>((mode.width / 8 - 31) | aspect << 14);
    }
  }
  return 0;
}

bool IsInBaseBlock(const DisplayMode& mode) {
  return EstablishedBit(mode) != 0 || IsEstablished1024(mode) || StandardTiming(mode) != 0;
}

void PutTimings(Block block) {
  uint32_t next = 0;
  for (uint32_t i = 0; i < kStandardTimingCount; ++i) {
    StoreLe<uint16_t>(&block[38 + 2 * i], 0x0101);  // none
  }
  for (const DisplayMode& mode : kStandardModes) {
    if (EstablishedBit(mode) != 0) {
      block[35] |= EstablishedBit(mode);
    } else if (IsEstablished1024(mode)) {
      block[36] |= 0x08;
    } else if (const uint16_t timing = StandardTiming(mode); timing != 0) {
      StoreLe<uint16_t>(&block[38 + 2 * next++], timing);
    }
  }
  WARD_ASSERT(next <= kStandardTimingCount);
}

void PutChecksum(Block block) {
  uint32_t sum = 0;
  for (uint32_t i = 0; i < kBlockBytes - 1; ++i) sum += block[i];
  block[kBlockBytes - 1] = Low8(0u - sum);
}

void FillBaseBlock(Block block, uint32_t output, const DisplayMode& preferred) {
  constexpr uint8_t kHeader[] = {0, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0};
  // sRGB: red, green, blue and white as ten-bit fractions, low bits first.
  constexpr uint8_t kColours[] = {0xee, 0x91, 0xa3, 0x54, 0x4c, 0x99, 0x26, 0x0f, 0x50, 0x54};
  std::copy(std::begin(kHeader), std::end(kHeader), block.begin());
  block[8] = 0x5e;  // "WRD", five bits a letter: nobody's in the registry of PNP IDs
  block[9] = 0x44;
  StoreLe<uint16_t>(&block[10], 0x5747);
  // The serial number is a text below, and then no number.
  block[16] = 0xff;  // the next byte is the model's year
  block[17] = 2026 - 1990;
  block[18] = 1;  // EDID 1.4
  block[19] = 4;
  block[20] = 0xa5;  // digital, 8 bits a colour, DisplayPort
  block[21] = Low8(ToMillimetres(preferred.width) / 10);
  block[22] = Low8(ToMillimetres(preferred.height) / 10);
  block[23] = 120;   // gamma 2.2
  block[24] = 0x06;  // RGB 4:4:4, sRGB, the preferred timing is the native one
  std::copy(std::begin(kColours), std::end(kColours), &block[25]);
  PutTimings(block);
  PutDetailedTiming(&block[54], preferred, preferred);
  PutText(&block[72], 0xfc, output == 0 ? "WardGPU 0" : "WardGPU 1");
  PutRangeLimits(&block[90], preferred);
  PutText(&block[108], 0xff, output == 0 ? "WARD-0001" : "WARD-0002");
  block[126] = 1;  // one extension
  PutChecksum(block);
}

// CTA-861 revision 3, for the modes that the base block can't say.
void FillExtension(Block block, const DisplayMode& preferred) {
  // One data block: the video capability (extended tag 0) says that the range of RGB is selectable
  // and that nothing is overscanned.
  constexpr uint8_t kVideoCapability[] = {7 << 5 | 2, 0, 0x4a};
  constexpr uint32_t kFirstTiming = 4 + sizeof(kVideoCapability);
  block[0] = 0x02;
  block[1] = 3;
  block[2] = kFirstTiming;
  std::copy(std::begin(kVideoCapability), std::end(kVideoCapability), &block[4]);
  uint32_t at = kFirstTiming;
  for (const DisplayMode& mode : kStandardModes) {
    if (IsInBaseBlock(mode) || mode == preferred) continue;
    WARD_ASSERT(at + kDescriptorBytes < kBlockBytes);
    PutDetailedTiming(&block[at], mode, preferred);
    at += kDescriptorBytes;
  }
  block[3] = 0x81;  // underscans; native timings: the preferred one
  PutChecksum(block);
}

}  // namespace

std::array<uint8_t, kEdidBytes> MakeEdid(uint32_t output, const AttachedDisplay& display) {
  std::array<uint8_t, kEdidBytes> edid = {};
  if (!display.connected) return edid;
  const DisplayMode preferred = {display.width, display.height};
  FillBaseBlock(Block(edid.data(), kBlockBytes), output, preferred);
  FillExtension(Block(edid.data() + kBlockBytes, kBlockBytes), preferred);
  return edid;
}

}  // namespace ward::device
