// Scales pictures of 4-byte pixels row by row. The formula is in docs/spec/video.md; it has no
// rounding that depends on the host.
#ifndef WARD_DEVICE_ROW_SCALER_H_
#define WARD_DEVICE_ROW_SCALER_H_

#include <cstdint>
#include <vector>

#include "base/bytes.h"

namespace ward::device {

enum class ScaleFilter : uint32_t { kNearest = 0, kBilinear = 1 };

// Where one destination coordinate looks in the source: (first * (256 - weight) + second * weight).
struct ScaleTap {
  uint32_t first;
  uint32_t second;
  uint32_t weight;  // of 256
};

// `position` less than `destination_size`; sizes 1 to 8192.
ScaleTap FindTap(ScaleFilter filter, uint32_t position, uint32_t source_size,
                 uint32_t destination_size);

class RowScaler {
 public:
  RowScaler(ScaleFilter filter, uint32_t source_width, uint32_t destination_width);

  // `destination` = `first` and `second` mixed by `weight` of 256; all of one size.
  static void MixRows(ConstByteSpan first, ConstByteSpan second, uint32_t weight,
                      ByteSpan destination);
  // `source` has source_width pixels, `destination` destination_width.
  void ScaleRow(ConstByteSpan source, ByteSpan destination) const;

 private:
  bool is_identity_;
  std::vector<ScaleTap> taps_;
};

}  // namespace ward::device

#endif  // WARD_DEVICE_ROW_SCALER_H_
