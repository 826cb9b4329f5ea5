// What a display at an output says about itself: E-EDID 1.4 (VESA E-EDID Standard, Release A2) with
// one CTA-861 extension block.
#ifndef WARD_DEVICE_EDID_H_
#define WARD_DEVICE_EDID_H_

#include <array>
#include <cstdint>

#include "device/gpu.h"

namespace ward::device {

inline constexpr uint32_t kEdidBytes = 256;

// Every standard mode and the preferred size, which comes first, at 60 Hz. Zeros when the display
// is not connected. Displays of different outputs have different serial numbers.
std::array<uint8_t, kEdidBytes> MakeEdid(uint32_t output, const AttachedDisplay& display);

}  // namespace ward::device

#endif  // WARD_DEVICE_EDID_H_
