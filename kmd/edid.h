// What a display says about itself, checked: nothing in it is trusted for being there.
#ifndef WARD_KMD_EDID_H_
#define WARD_KMD_EDID_H_

#include <array>
#include <cstdint>
#include <string>

#include "base/result.h"

namespace ward::kmd {

struct Edid {
  static constexpr uint32_t kBytes = 256;  // base block and one extension

  std::array<uint8_t, kBytes> bytes = {};
  // Of the first detailed timing, in pixels.
  uint32_t preferred_width = 0;
  uint32_t preferred_height = 0;
  std::string name;  // printable characters; empty when the display has none

  // INVALID_ARGUMENT when header or version are not EDID 1.3 or 1.4, a checksum is wrong, or no
  // preferred timing comes first.
  static Result<Edid> Parse(const std::array<uint8_t, kBytes>& bytes);
};

}  // namespace ward::kmd

#endif  // WARD_KMD_EDID_H_
