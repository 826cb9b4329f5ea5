#include "tests/integration/picture.h"

#include <png.h>

#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <stdexcept>

namespace ward::test {
namespace {

uint8_t Clamp(double value) { return std::clamp(std::lround(value), 0l, 255l); }

}  // namespace

Picture ConvertNv12(ConstByteSpan frame, uint32_t width, uint32_t height, uint32_t pitch) {
  Picture picture = {width, height, std::vector<uint8_t>(size_t{width} * height * 4)};
  const ConstByteSpan chroma = frame.subspan(size_t{pitch} * height);
  for (uint32_t y = 0; y < height; ++y) {
    for (uint32_t x = 0; x < width; ++x) {
      const double luma = 255.0 / 219.0 * (frame[y * pitch + x] - 16.0);
      const size_t at = size_t{y / 2} * pitch + x / 2 * 2;
      const double u = (chroma[at] - 128.0) / 224.0 * 255.0;
      const double v = (chroma[at + 1] - 128.0) / 224.0 * 255.0;
      // Kr = 0.299, Kb = 0.114.
      uint8_t* pixel = picture.pixels.data() + (size_t{y} * width + x) * 4;
      pixel[0] = Clamp(luma + 2 * (1 - 0.114) * u);
      pixel[1] =
          Clamp(luma - 2 * 0.114 * (1 - 0.114) / 0.587 * u - 2 * 0.299 * (1 - 0.299) / 0.587 * v);
      pixel[2] = Clamp(luma + 2 * (1 - 0.299) * v);
    }
  }
  return picture;
}

int GreatestDifference(const Picture& a, const Picture& b) {
  if (a.width != b.width || a.height != b.height) return 256;
  int greatest = 0;
  for (size_t i = 0; i < a.pixels.size(); ++i) {
    if (i % 4 == 3) continue;
    greatest = std::max(greatest, std::abs(a.pixels[i] - b.pixels[i]));
  }
  return greatest;
}

bool IsBlack(const Picture& picture) {
  for (size_t i = 0; i < picture.pixels.size(); ++i) {
    if (i % 4 != 3 && picture.pixels[i] != 0) return false;
  }
  return true;
}

void WritePng(const Picture& picture, const std::filesystem::path& path) {
  std::vector<uint8_t> rgb;
  for (size_t i = 0; i < picture.pixels.size(); i += 4) {
    rgb.insert(rgb.end(), {picture.pixels[i + 2], picture.pixels[i + 1], picture.pixels[i]});
  }
  png_image image{};
  image.version = PNG_IMAGE_VERSION;
  image.width = picture.width;
  image.height = picture.height;
  image.format = PNG_FORMAT_RGB;
  if (png_image_write_to_file(&image, path.c_str(), 0, rgb.data(), 0, nullptr) == 0) {
    throw std::runtime_error("cannot write " + path.string());
  }
}

}  // namespace ward::test
