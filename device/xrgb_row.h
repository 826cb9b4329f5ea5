// Turns a row of XRGB8888 into XRGB8888 of another range, by docs/spec/video.md.
#ifndef WARD_DEVICE_XRGB_ROW_H_
#define WARD_DEVICE_XRGB_ROW_H_

#include "base/bytes.h"
#include "device/color_matrix.h"

namespace ward::device {

// Of one size: 4 bytes a pixel (B, G, R, X). What X held is lost: it becomes 255. Values outside a
// limited range become its nearer end.
void ConvertXrgbRow(RgbRange from, RgbRange to, ConstByteSpan source, ByteSpan pixels);

}  // namespace ward::device

#endif  // WARD_DEVICE_XRGB_ROW_H_
