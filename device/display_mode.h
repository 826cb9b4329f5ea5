// Sizes that outputs can show, and how often.
#ifndef WARD_DEVICE_DISPLAY_MODE_H_
#define WARD_DEVICE_DISPLAY_MODE_H_

#include <cstdint>
#include <iterator>

#include "base/state_fields.h"

namespace ward::device {

// Pixels.
struct DisplayMode {
  uint32_t width = 0;
  uint32_t height = 0;
  friend bool operator==(const DisplayMode&, const DisplayMode&) = default;

  WARD_STATE_FIELDS(width, height)
};

// By their index in OUTPUT_MODE_SIZE. Behind them is the connected display's preferred size.
inline constexpr DisplayMode kStandardModes[] = {
    {640, 360},   {640, 480},  {800, 600},   {1024, 768}, {1280, 720},  {1920, 1080},
    {3840, 2160}, {1280, 800}, {1280, 1024}, {1600, 900}, {1920, 1200}, {2560, 1440}};
inline constexpr uint32_t kStandardModeCount = std::size(kStandardModes);
inline constexpr uint32_t kModeCount = kStandardModeCount + 1;

// Of every mode; what the EDID says and how often vblanks come.
inline constexpr uint32_t kRefreshHz = 60;

}  // namespace ward::device

#endif  // WARD_DEVICE_DISPLAY_MODE_H_
