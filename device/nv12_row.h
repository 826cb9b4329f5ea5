// Turns a row of NV12 into XRGB8888 by the integer formula of docs/spec/video.md: the same bytes on
// every host, within one step of the real-valued definition.
#ifndef WARD_DEVICE_NV12_ROW_H_
#define WARD_DEVICE_NV12_ROW_H_

#include <cstdint>

#include "base/bytes.h"
#include "device/color_matrix.h"

namespace ward::device {

// `luma` and `chroma` (U, V, U, V...) have one byte a pixel, an even number; `pixels` has 4 (bytes
// B, G, R, X with X = 255).
void ConvertNv12Row(const ColorMatrix8& matrix, ConstByteSpan luma, ConstByteSpan chroma,
                    ByteSpan pixels);

}  // namespace ward::device

#endif  // WARD_DEVICE_NV12_ROW_H_
