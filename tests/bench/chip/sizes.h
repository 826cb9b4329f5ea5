// What is measured in several sizes.
#ifndef WARD_TESTS_BENCH_CHIP_SIZES_H_
#define WARD_TESTS_BENCH_CHIP_SIZES_H_

#include <cstdint>
#include <string>

#include "device/crypto/encrypted_blocks.h"

namespace ward::bench {

// Of "decrypt_<bytes>".
inline constexpr uint32_t kCipherSizes[] = {64, 1 << 10, 4 << 10, 64 << 10, 1 << 20, 32 << 20};

// Of "pattern_<bytes>": one block of sixteen bytes is encrypted, nine are clear, as cbcs and cens
// have it for video.
inline constexpr uint32_t kPatternSizes[] = {64 << 10, 1 << 20};
inline constexpr device::EncryptedBlockInfo kPattern = {16, 9 * 16, 16};

// Of "convert_<name>" and "frame_<name>".
struct PictureSize {
  const char* name;
  uint32_t width, height;  // pixels
  uint32_t mode;           // of an output (docs/spec/display.md)

  uint32_t Nv12Bytes() const { return width * height * 3 / 2; }
  uint32_t XrgbBytes() const { return width * height * 4; }
};
inline constexpr PictureSize kPictures[] = {{"1080p", 1920, 1080, 5}, {"4k", 3840, 2160, 6}};
// What "scale" makes of the first of them.
inline constexpr PictureSize kScaled = {"720p", 1280, 720, 4};

inline std::string NameOf(const char* figure, uint32_t bytes) {
  return std::string(figure) + "_" + std::to_string(bytes);
}

}  // namespace ward::bench

#endif  // WARD_TESTS_BENCH_CHIP_SIZES_H_
