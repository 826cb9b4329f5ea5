// The samples of the first track of a small MP4 file, with their encryption (ISO/IEC 14496-12 and
// 23001-7): as much of the boxes as a file that ffmpeg wrote needs.
#ifndef WARD_TESTS_INTEGRATION_MP4_TRACK_H_
#define WARD_TESTS_INTEGRATION_MP4_TRACK_H_

#include <array>
#include <cstdint>
#include <vector>

#include "base/bytes.h"

namespace ward::test {

struct Mp4SubSample {
  uint32_t clear_bytes;
  uint32_t encrypted_bytes;
};

struct Mp4Sample {
  std::vector<uint8_t> bytes;
  std::array<uint8_t, 16> iv;  // 8-byte IVs with zeros behind them
  std::vector<Mp4SubSample> sub_samples;
};

// Throws for a file without a track, a sample table, or a sample encryption box.
std::vector<Mp4Sample> ReadMp4Track(ConstByteSpan file);

}  // namespace ward::test

#endif  // WARD_TESTS_INTEGRATION_MP4_TRACK_H_
