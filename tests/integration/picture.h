// XRGB8888 pictures (bytes B, G, R, X): what they should be, how far off they are, and as PNG.
#ifndef WARD_TESTS_INTEGRATION_PICTURE_H_
#define WARD_TESTS_INTEGRATION_PICTURE_H_

#include <cstdint>
#include <filesystem>
#include <vector>

#include "base/bytes.h"

namespace ward::test {

struct Picture {
  uint32_t width = 0;
  uint32_t height = 0;
  std::vector<uint8_t> pixels;  // rows without padding
};

// BT.601 limited range in double precision, chroma not interpolated (docs/spec/video.md).
Picture ConvertNv12(ConstByteSpan frame, uint32_t width, uint32_t height, uint32_t pitch);

// Greatest difference of a colour component; pictures of one size.
int GreatestDifference(const Picture& a, const Picture& b);
bool IsBlack(const Picture& picture);

void WritePng(const Picture& picture, const std::filesystem::path& path);

}  // namespace ward::test

#endif  // WARD_TESTS_INTEGRATION_PICTURE_H_
