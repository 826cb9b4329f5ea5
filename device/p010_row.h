// Turns a row of P010 into XRGB8888 by the integer formula of docs/spec/video.md.
#ifndef WARD_DEVICE_P010_ROW_H_
#define WARD_DEVICE_P010_ROW_H_

#include "base/bytes.h"
#include "device/color_matrix.h"

namespace ward::device {

// `luma` and `chroma` (U, V, U, V...) have two bytes a pixel, an even number of pixels:
// little-endian words with the sample in the upper 10 bits. `pixels` has 4 (bytes B, G, R, X with X
// = 255).
void ConvertP010Row(const ColorMatrix10& matrix, ConstByteSpan luma, ConstByteSpan chroma,
                    ByteSpan pixels);

}  // namespace ward::device

#endif  // WARD_DEVICE_P010_ROW_H_
