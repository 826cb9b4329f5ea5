// What the video processor should make of a picture: docs/spec/video.md's definitions in floating
// point, from its pixels' bytes alone.
#ifndef WARD_TESTS_UNIT_DEVICE_VIDEO_REFERENCE_H_
#define WARD_TESTS_UNIT_DEVICE_VIDEO_REFERENCE_H_

#include <algorithm>
#include <cstdint>
#include <vector>

namespace ward::device {

inline constexpr uint32_t kNv12 = 0;
inline constexpr uint32_t kP010 = 1;
inline constexpr uint32_t kXrgb = 2;

// Bounds of docs/spec/video.md, in steps of 1 / 255.
inline constexpr double kConversionBound = 1.0;  // and nearest
inline constexpr double kBilinearBound = 4.0;
inline constexpr double kAreaBound = 2.0;

struct Shape {
  uint32_t source_width, source_height, source_pitch;  // of the rectangle
  uint32_t width, height, pitch;                       // of the destination
  uint32_t color_space = 0, filter = 0, format = kNv12;
  uint32_t left = 0, top = 0;  // of the rectangle in its planes
  uint32_t window_left = 0, window_top = 0, window_width = 0, window_height = 0;
  bool is_limited = false;  // the destination's range

  uint32_t SampleBytes() const { return format == kXrgb ? 4 : format + 1; }
  uint32_t WrittenWidth() const { return window_width != 0 ? window_width : width; }
  uint32_t WrittenHeight() const { return window_width != 0 ? window_height : height; }
  double Bound() const {
    return filter == 0 ? kConversionBound : filter == 1 ? kBilinearBound : kAreaBound;
  }
  // Bytes of planes that hold the rectangle.
  size_t LumaBytes() const { return size_t{source_pitch} * (top + source_height); }
  size_t ChromaBytes() const {
    return format == kXrgb ? 0 : size_t{source_pitch} * ((top + source_height + 1) / 2);
  }
};

struct Rgb {
  double blue = 0, green = 0, red = 0;

  Rgb Times(double factor) const { return {blue * factor, green * factor, red * factor}; }
  Rgb Plus(const Rgb& other) const {
    return {blue + other.blue, green + other.green, red + other.red};
  }
};

// A picture in memory, and what the video processor should make of it.
struct Reference {
  const Shape& shape;
  const std::vector<uint8_t>& luma;
  const std::vector<uint8_t>& chroma;

  // 0 to 1 or outside, to the destination's range.
  double ToOutput(double value) const {
    const double clamped = std::clamp(value, 0.0, 1.0);
    return shape.is_limited ? 16 + 219 * clamped : 255 * clamped;
  }
  static double Sample(const std::vector<uint8_t>& plane, size_t at, uint32_t format) {
    if (format == kNv12) return plane[at];
    return (plane[at] + 256 * plane[at + 1]) / 64;  // the upper ten bits
  }
  // BT.601 and BT.709 from their luma coefficients.
  Rgb FromYuv(double y, double u, double v) const {
    const bool is_bt709 = shape.color_space % 2 == 1;
    const bool is_full = shape.color_space >= 2;
    const double scale = shape.format == kP010 ? 4 : 1;
    const double greatest = shape.format == kP010 ? 1023 : 255;
    const double kr = is_bt709 ? 0.2126 : 0.299;
    const double kb = is_bt709 ? 0.0722 : 0.114;
    const double luminance = is_full ? y / greatest : (y - 16 * scale) / (219 * scale);
    const double chroma_span = is_full ? greatest : 224 * scale;
    const double red = luminance + 2 * (1 - kr) * (v - 128 * scale) / chroma_span;
    const double blue = luminance + 2 * (1 - kb) * (u - 128 * scale) / chroma_span;
    const double green = (luminance - kr * red - kb * blue) / (1 - kr - kb);
    return {ToOutput(blue), ToOutput(green), ToOutput(red)};
  }
  Rgb FromXrgb(const uint8_t* pixel) const {
    const auto convert = [this](uint8_t value) {
      return ToOutput(shape.color_space >= 2 ? value / 255.0 : (value - 16) / 219.0);
    };
    return {convert(pixel[0]), convert(pixel[1]), convert(pixel[2])};
  }
  Rgb SourceAt(uint32_t column, uint32_t row) const {
    const uint32_t x = shape.left + column;
    const uint32_t y = shape.top + row;
    const uint32_t bytes = shape.SampleBytes();
    const size_t at = size_t{y} * shape.source_pitch + size_t{x} * bytes;
    if (shape.format == kXrgb) return FromXrgb(&luma[at]);
    const size_t chroma_at = size_t{y / 2} * shape.source_pitch + size_t{x / 2 * 2} * bytes;
    return FromYuv(Sample(luma, at, shape.format), Sample(chroma, chroma_at, shape.format),
                   Sample(chroma, chroma_at + bytes, shape.format));
  }
  Rgb BilinearAt(double at_x, double at_y) const {
    const double x = std::clamp(at_x - 0.5, 0.0, shape.source_width - 1.0);
    const double y = std::clamp(at_y - 0.5, 0.0, shape.source_height - 1.0);
    const auto x0 = static_cast<uint32_t>(x);
    const auto y0 = static_cast<uint32_t>(y);
    const uint32_t x1 = std::min(x0 + 1, shape.source_width - 1);
    const uint32_t y1 = std::min(y0 + 1, shape.source_height - 1);
    const auto mix = [](const Rgb& a, const Rgb& b, double weight) {
      return a.Times(1 - weight).Plus(b.Times(weight));
    };
    return mix(mix(SourceAt(x0, y0), SourceAt(x1, y0), x - x0),
               mix(SourceAt(x0, y1), SourceAt(x1, y1), x - x0), y - y0);
  }
  // The mean over what a destination pixel covers.
  Rgb AreaAt(uint32_t x, uint32_t y) const {
    const double width = static_cast<double>(shape.source_width) / shape.width;
    const double height = static_cast<double>(shape.source_height) / shape.height;
    Rgb sum;
    const auto share = [](double begin, double size, uint32_t at) {
      return std::max(0.0, std::min(begin + size, at + 1.0) - std::max(begin, double{0} + at));
    };
    const auto last = [](double end, uint32_t size) {
      return std::min(static_cast<uint32_t>(end), size - 1);
    };
    for (auto row = static_cast<uint32_t>(y * height);
         row <= last((y + 1) * height, shape.source_height); ++row) {
      for (auto column = static_cast<uint32_t>(x * width);
           column <= last((x + 1) * width, shape.source_width); ++column) {
        const double part = share(x * width, width, column) * share(y * height, height, row);
        if (part > 0) sum = sum.Plus(SourceAt(column, row).Times(part / (width * height)));
      }
    }
    return sum;
  }
  // Column and row of the scaled picture.
  Rgb At(uint32_t x, uint32_t y) const {
    if (shape.filter == 2) return AreaAt(x, y);
    const double at_x = (x + 0.5) * shape.source_width / shape.width;
    const double at_y = (y + 0.5) * shape.source_height / shape.height;
    if (shape.filter == 1) return BilinearAt(at_x, at_y);
    return SourceAt(static_cast<uint32_t>(at_x), static_cast<uint32_t>(at_y));
  }
};

}  // namespace ward::device

#endif  // WARD_TESTS_UNIT_DEVICE_VIDEO_REFERENCE_H_
