// The video processor against ffmpeg: zimg (its filter zscale) converts, nearest and bilinear are
// zimg's, area is swscale's. Nothing here knows a formula of docs/spec/video.md.
#include <algorithm>
#include <array>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <vector>

#include "abi/generated/status.h"
#include "base/bytes.h"
#include "catch2/catch_test_macros.hpp"
#include "tests/unit/crypto/workspace.h"
#include "tests/unit/device/video_bench.h"

namespace ward::test {
namespace {

using device::Shape;

// ffmpeg works with 16 bits here and rounds to 8 once, in the end: half a step. The chip's bounds
// (docs/spec/video.md) are whole steps from the same in real numbers, so that a difference of whole
// numbers is no greater than the chip's own bound.
constexpr int kConversionBound = 1;
constexpr int kBilinearBound = 4;
constexpr int kAreaBound = 2;

constexpr uint32_t kPlanes = 3;
// The planes of ffmpeg's gbrp by the chip's bytes B, G, R.
constexpr std::array<uint32_t, kPlanes> kPlaneOfByte = {1, 0, 2};

struct Picture {
  std::vector<uint8_t> luma;
  std::vector<uint8_t> chroma;
};

// One after the other, without gaps between rows: pitch is the row.
Picture MakePicture(const Shape& shape) {
  Picture picture = {device::Noise(shape.LumaBytes(), 3), device::Noise(shape.ChromaBytes(), 5)};
  // Smooth areas beside the noise, so that errors which noise would hide show as well.
  for (size_t at = 0; at < picture.luma.size() / 2; ++at) {
    picture.luma[at] = static_cast<uint8_t>(at * 255 / picture.luma.size());
  }
  return picture;
}

class Oracle {
 public:
  explicit Oracle(const Shape& shape) : shape_(shape) {}

  // What the chip should make of the picture: B, G, R for each pixel, without X.
  std::vector<uint8_t> Make(const Picture& picture) {
    const Bytes rgb = shape_.format == device::kXrgb ? ExpandXrgb(picture) : Convert(picture);
    WriteFrames("rgb16", rgb, 2);
    Run(FramesOf("yuv444p16le", "rgb16") + " -vf '" + Scaling() + "," + ToRange() +
        "' -f rawvideo rgb8");
    const size_t pixels = size_t{shape_.width} * shape_.height;
    const Bytes planes = ReadFrames("rgb8", pixels);
    std::vector<uint8_t> result(kPlanes * pixels);
    for (size_t at = 0; at < result.size(); ++at) {
      result[at] = planes[kPlaneOfByte[at % kPlanes] * pixels + at / kPlanes];
    }
    return result;
  }

 private:
  void Run(const std::string& arguments) {
    std::string output;
    const int code = workspace_.Run("ffmpeg -nostdin -v error -y " + arguments, &output);
    INFO(arguments << "\n" << output);
    REQUIRE(code == 0);
  }
  // The input is of the source's size.
  std::string FramesOf(const std::string& format, const std::string& file) const {
    return "-f rawvideo -pix_fmt " + format + " -video_size " +
           std::to_string(shape_.source_width) + "x" + std::to_string(shape_.source_height) +
           " -i " + file;
  }
  // Each of the planes G, B, R as a grey picture of its own, of which ffmpeg changes size and range
  // and no colour: luma, and chroma that is none. (Not all versions take gray16le here.)
  void WriteFrames(const std::string& file, const Bytes& planes, size_t sample_bytes) {
    const size_t plane_bytes = planes.size() / kPlanes;
    Bytes frames;
    for (size_t plane = 0; plane < kPlanes; ++plane) {
      const auto begin = planes.begin() + static_cast<ptrdiff_t>(plane * plane_bytes);
      frames.insert(frames.end(), begin, begin + static_cast<ptrdiff_t>(plane_bytes));
      for (size_t at = 0; at < 2 * plane_bytes; ++at) {
        frames.push_back(at % sample_bytes == sample_bytes - 1 ? 0x80 : 0);
      }
    }
    workspace_.Write(file, frames);
  }
  Bytes ReadFrames(const std::string& file, size_t plane_bytes) const {
    const Bytes frames = workspace_.Read(file);
    REQUIRE(frames.size() == kPlanes * 3 * plane_bytes);
    Bytes planes;
    for (size_t plane = 0; plane < kPlanes; ++plane) {
      const auto begin = frames.begin() + static_cast<ptrdiff_t>(plane * 3 * plane_bytes);
      planes.insert(planes.end(), begin, begin + static_cast<ptrdiff_t>(plane_bytes));
    }
    return planes;
  }
  std::string SourceRange() const { return shape_.color_space >= 2 ? "full" : "limited"; }

  // NV12 and P010 to planes G, B, R of 16 bits and full range, at the source's size. Each chroma
  // sample is for its whole block, so that the nearest one is right.
  Bytes Convert(const Picture& picture) {
    Bytes planes = picture.luma;
    planes.insert(planes.end(), picture.chroma.begin(), picture.chroma.end());
    const bool is_p010 = shape_.format == device::kP010;
    // Of P010 the lower six bits are no part of the sample.
    for (size_t at = 0; is_p010 && at < planes.size(); at += 2) planes[at] &= 0xc0;
    workspace_.Write("yuv", planes);
    Run(FramesOf(is_p010 ? "p010le" : "nv12", "yuv") +
        " -vf 'format=" + (is_p010 ? "yuv420p10le" : "yuv420p") +
        ",zscale=filter=point:chromalin=center:dither=none:transferin=709:transfer=709:"
        "primariesin=709:primaries=709:matrix=gbr:range=full:matrixin=" +
        (shape_.color_space % 2 == 0 ? "170m" : "709") + ":rangein=" + SourceRange() +
        ",format=gbrp16le' -f rawvideo gbr16");
    return workspace_.Read("gbr16");
  }
  // The same of XRGB8888, where range alone is converted.
  Bytes ExpandXrgb(const Picture& picture) {
    const size_t pixels = picture.luma.size() / 4;
    Bytes planes(kPlanes * pixels);
    for (size_t at = 0; at < planes.size(); ++at) {
      planes[kPlaneOfByte[at % kPlanes] * pixels + at / kPlanes] =
          picture.luma[at / kPlanes * 4 + at % kPlanes];
    }
    WriteFrames("gray8", planes, 1);
    Run(FramesOf("yuv444p", "gray8") + " -vf 'zscale=dither=none:rangein=" + SourceRange() +
        ":range=full,format=yuv444p16le' -f rawvideo gray16");
    return ReadFrames("gray16", 2 * pixels);
  }
  std::string Scaling() const {
    const std::string size =
        "w=" + std::to_string(shape_.width) + ":h=" + std::to_string(shape_.height);
    if (shape_.filter == 2) return "scale=" + size + ":flags=area+accurate_rnd";
    return "zscale=" + size + ":dither=none:rangein=full:range=full:filter=" +
           (shape_.filter == 1 ? "bilinear" : "point");
  }
  std::string ToRange() const {
    return std::string("zscale=dither=none:rangein=full:range=") +
           (shape_.is_limited ? "limited" : "full") + ",format=yuv444p";
  }

  const Shape& shape_;
  Workspace workspace_;
};

// The greatest difference of a channel.
int DifferenceOf(const Shape& shape) {
  const Picture picture = MakePicture(shape);
  device::VideoBench bench;
  bench.PutSystem(0, picture.luma);
  bench.PutSystem(device::VideoBench::kChromaOffset, picture.chroma);
  REQUIRE(bench.RunOpen(shape) == abi::kStatusOk);
  const std::vector<uint8_t> made = bench.ReadVisible(0, size_t{shape.pitch} * shape.height);
  const std::vector<uint8_t> expected = Oracle(shape).Make(picture);
  int difference = 0;
  for (size_t at = 0; at < expected.size(); ++at) {
    const int channel = made[at / kPlanes * 4 + at % kPlanes];
    difference = std::max(difference, std::abs(channel - expected[at]));
  }
  return difference;
}

Shape ShapeOf(uint32_t format, uint32_t source_width, uint32_t source_height, uint32_t width,
              uint32_t height) {
  Shape shape = {source_width, source_height, 0, width, height, 4 * width};
  shape.format = format;
  shape.source_pitch = source_width * shape.SampleBytes();
  return shape;
}

TEST_CASE("every format, matrix and range converts as ffmpeg's zimg does it") {
  for (const uint32_t format : {device::kNv12, device::kP010, device::kXrgb}) {
    for (uint32_t kind = 0; kind < 8; ++kind) {
      Shape shape = ShapeOf(format, 160, 90, 160, 90);
      shape.color_space = kind % 4;
      shape.is_limited = kind >= 4;
      const int difference = DifferenceOf(shape);
      INFO("format " << format << ", kind " << kind << ", difference " << difference);
      CHECK(difference <= kConversionBound);
    }
  }
}

TEST_CASE("the area filter scales as swscale's, with conversion before it") {
  for (const uint32_t format : {device::kNv12, device::kP010, device::kXrgb}) {
    for (uint32_t kind = 0; kind < 8; ++kind) {
      // Whole and broken ratios in both directions.
      Shape shape =
          kind % 2 == 0 ? ShapeOf(format, 160, 90, 40, 30) : ShapeOf(format, 162, 98, 61, 17);
      shape.filter = 2;
      shape.color_space = kind % 4;
      shape.is_limited = kind >= 4;
      const int difference = DifferenceOf(shape);
      INFO("format " << format << ", kind " << kind << ", difference " << difference);
      CHECK(difference <= kAreaBound);
    }
  }
}

// Upwards only: scaled down, ffmpeg's bilinear looks at more than two pixels, and the chip's does
// not.
TEST_CASE("the bilinear filter scales up as zimg's, with conversion before it") {
  for (const uint32_t format : {device::kNv12, device::kP010, device::kXrgb}) {
    for (uint32_t kind = 0; kind < 8; ++kind) {
      Shape shape =
          kind % 2 == 0 ? ShapeOf(format, 80, 46, 160, 92) : ShapeOf(format, 62, 46, 101, 77);
      shape.filter = 1;
      shape.color_space = kind % 4;
      shape.is_limited = kind >= 4;
      const int difference = DifferenceOf(shape);
      INFO("format " << format << ", kind " << kind << ", difference " << difference);
      CHECK(difference <= kBilinearBound);
    }
  }
}

// Of ratios without a destination pixel whose center is a border between two of the source: which
// of those is nearest is anybody's choice.
TEST_CASE("the nearest pixel is zimg's") {
  for (const uint32_t format : {device::kNv12, device::kP010, device::kXrgb}) {
    for (const auto& [width, height] : {std::pair{100u, 76u}, std::pair{44u, 28u}}) {
      Shape shape = ShapeOf(format, 62, 46, width, height);
      const int difference = DifferenceOf(shape);
      INFO("format " << format << " to " << width << ", difference " << difference);
      CHECK(difference <= kConversionBound);
    }
  }
}

}  // namespace
}  // namespace ward::test
