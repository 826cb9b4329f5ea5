#include "tests/bench/chip/picture_subject.h"

#ifdef WARD_BENCH_LIBYUV
#include <libyuv/convert_argb.h>
#include <libyuv/scale.h>
#include <libyuv/scale_argb.h>
#include <libyuv/scale_uv.h>

#include <memory>
#include <stdexcept>
#include <string>
#include <vector>

#include "tests/bench/chip/evp.h"
#include "tests/bench/chip/figure_table.h"
#include "tests/bench/chip/sizes.h"
#endif

namespace ward::bench {
#ifdef WARD_BENCH_LIBYUV
namespace {

constexpr uint8_t kKey[16] = {1, 2, 3};

void Require(int result) {
  if (result != 0) throw std::runtime_error("libyuv failed");
}

struct Nv12 {
  explicit Nv12(const PictureSize& of)
      : size(of), bytes(of.Nv12Bytes(), 0x70), xrgb(of.XrgbBytes()) {}
  uint8_t* luma() { return bytes.data(); }
  uint8_t* chroma() { return bytes.data() + size.width * size.height; }
  int width() const { return static_cast<int>(size.width); }
  int height() const { return static_cast<int>(size.height); }

  const PictureSize& size;
  std::vector<uint8_t> bytes;
  std::vector<uint8_t> xrgb;
};

// By BT.709's factors, as the chip.
void Convert(Nv12* picture) {
  Require(libyuv::NV12ToARGBMatrix(
      picture->luma(), picture->width(), picture->chroma(), picture->width(), picture->xrgb.data(),
      4 * picture->width(), &libyuv::kYuvH709Constants, picture->width(), picture->height()));
}

double MeasureScaling(uint32_t count) {
  Nv12 from(kPictures[0]), to(kScaled);
  return MedianNanoseconds(count, [&] {
    Convert(&from);
    Require(libyuv::ARGBScale(from.xrgb.data(), 4 * from.width(), from.width(), from.height(),
                              to.xrgb.data(), 4 * to.width(), to.width(), to.height(),
                              libyuv::kFilterBilinear));
  });
}

double MeasureScalingFirst(uint32_t count) {
  Nv12 from(kPictures[0]), to(kScaled);
  return MedianNanoseconds(count, [&] {
    libyuv::ScalePlane(from.luma(), from.width(), from.width(), from.height(), to.luma(),
                       to.width(), to.width(), to.height(), libyuv::kFilterBilinear);
    Require(libyuv::UVScale(from.chroma(), from.width(), from.width() / 2, from.height() / 2,
                            to.chroma(), to.width(), to.width() / 2, to.height() / 2,
                            libyuv::kFilterBilinear));
    Convert(&to);
  });
}

double MeasureFrames(const PictureSize& size, uint32_t count) {
  Nv12 picture(size);
  const std::vector<uint8_t> encrypted(size.Nv12Bytes(), 0x33);
  Evp evp(kKey);
  const double time = MedianNanoseconds(count, [&] {
    evp.StartWithKey();
    evp.Update(encrypted.data(), picture.bytes.data(), encrypted.size());
    Convert(&picture);
  });
  return PerSecond(1, time);
}

}  // namespace

std::vector<std::unique_ptr<Subject>> MakePictureSubjects() {
  auto table = std::make_unique<FigureTable>("libyuv");
  for (const PictureSize& size : kPictures) {
    table->Add(std::string("convert_") + size.name, [&size](uint32_t count) {
      Nv12 picture(size);
      return MedianNanoseconds(count, [&] { Convert(&picture); });
    });
    table->Add(std::string("frame_") + size.name,
               [&size](uint32_t count) { return MeasureFrames(size, count); });
  }
  table->Add("scale", MeasureScaling);
  table->Add("scale_first", MeasureScalingFirst);
  std::vector<std::unique_ptr<Subject>> subjects;
  subjects.push_back(std::move(table));
  return subjects;
}
#else
std::vector<std::unique_ptr<Subject>> MakePictureSubjects() { return {}; }
#endif

}  // namespace ward::bench
