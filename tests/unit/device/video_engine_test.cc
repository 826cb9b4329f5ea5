#include "device/video_engine.h"

#include <algorithm>
#include <cmath>
#include <vector>

#include "abi/generated/status.h"
#include "catch2/catch_test_macros.hpp"
#include "tests/unit/device/chip_memory.h"

namespace ward::device {
namespace {

constexpr PageOwner kA = 0x10001;
constexpr PageOwner kB = 0x20002;

// Bounds of docs/spec/video.md, in steps of 1 / 255.
constexpr double kConversionBound = 1.0;
constexpr double kScalingBound = 4.0;

struct Shape {
  uint32_t source_width, source_height, source_pitch;
  uint32_t width, height, pitch;
  uint32_t color_space, filter;
};

struct Rgb {
  double blue, green, red;
};

// BT.601 and BT.709, limited range, from their luma coefficients.
Rgb Convert(const Shape& shape, int y, int u, int v) {
  const double kr = shape.color_space == 0 ? 0.299 : 0.2126;
  const double kb = shape.color_space == 0 ? 0.114 : 0.0722;
  const double luma = (y - 16) / 219.0;
  const double cb = (u - 128) / 224.0;
  const double cr = (v - 128) / 224.0;
  const double red = luma + 2 * (1 - kr) * cr;
  const double blue = luma + 2 * (1 - kb) * cb;
  const double green = (luma - kr * red - kb * blue) / (1 - kr - kb);
  const auto clamp = [](double value) { return std::clamp(value, 0.0, 1.0) * 255; };
  return {clamp(blue), clamp(green), clamp(red)};
}

// A picture in memory, and what the video processor should make of it, in floating point.
struct Reference {
  const Shape& shape;
  const std::vector<uint8_t>& luma;
  const std::vector<uint8_t>& chroma;

  Rgb SourceAt(uint32_t x, uint32_t y) const {
    const size_t at = size_t{y / 2} * shape.source_pitch + x / 2 * 2;
    return Convert(shape, luma[size_t{y} * shape.source_pitch + x], chroma[at], chroma[at + 1]);
  }
  Rgb At(uint32_t x, uint32_t y) const {
    const double at_x = (x + 0.5) * shape.source_width / shape.width;
    const double at_y = (y + 0.5) * shape.source_height / shape.height;
    if (shape.filter == 0) {
      return SourceAt(static_cast<uint32_t>(at_x), static_cast<uint32_t>(at_y));
    }
    const double clamped_x = std::clamp(at_x - 0.5, 0.0, shape.source_width - 1.0);
    const double clamped_y = std::clamp(at_y - 0.5, 0.0, shape.source_height - 1.0);
    const auto x0 = static_cast<uint32_t>(clamped_x);
    const auto y0 = static_cast<uint32_t>(clamped_y);
    const uint32_t x1 = std::min(x0 + 1, shape.source_width - 1);
    const uint32_t y1 = std::min(y0 + 1, shape.source_height - 1);
    const auto mix = [](const Rgb& a, const Rgb& b, double weight) {
      return Rgb{a.blue + (b.blue - a.blue) * weight, a.green + (b.green - a.green) * weight,
                 a.red + (b.red - a.red) * weight};
    };
    return mix(mix(SourceAt(x0, y0), SourceAt(x1, y0), clamped_x - x0),
               mix(SourceAt(x0, y1), SourceAt(x1, y1), clamped_x - x0), clamped_y - y0);
  }
};

abi::VideoBltCommand Blt(const Shape& shape, uint64_t destination, uint64_t luma, uint64_t chroma) {
  abi::VideoBltCommand command = {};
  command.opcode = abi::VideoBltCommand::kOpcode;
  command.length = abi::VideoBltCommand::kSizeBytes;
  command.destination = destination;
  command.source_luma = luma;
  command.source_chroma = chroma;
  command.destination_pitch = shape.pitch;
  command.source_pitch = shape.source_pitch;
  command.source_width = shape.source_width;
  command.source_height = shape.source_height;
  command.destination_width = shape.width;
  command.destination_height = shape.height;
  command.color_space = shape.color_space;
  command.filter = shape.filter;
  return command;
}

struct Bench : ChipMemory {
  static constexpr uint64_t kChromaOffset = 2 << 20;
  Bench() : engine(&memory) {}

  uint32_t Run(const abi::VideoBltCommand& command, uint64_t budget_bytes = 1 << 20,
               int* steps = nullptr) {
    auto job = engine.Begin(command, Kernel());
    if (!job.ok()) return job.fault().status;
    const auto done = RunJob(&engine, &job.value(), budget_bytes, steps);
    return done.ok() ? abi::kStatusOk : done.fault().status;
  }

  VideoEngine engine;
};

// The largest difference of a channel; every X byte has to be 255 and every gap untouched.
double LargestError(const Shape& shape, const std::vector<uint8_t>& luma,
                    const std::vector<uint8_t>& chroma, uint64_t budget_bytes) {
  Bench bench;
  bench.PutSystem(0, luma);
  bench.PutSystem(Bench::kChromaOffset, chroma);
  const size_t size = size_t{shape.pitch} * shape.height;
  bench.PutVisible(0, std::vector<uint8_t>(size, 0xa5));
  REQUIRE(bench.Run(Blt(shape, ChipMemory::Visible(0), ChipMemory::System(0),
                        ChipMemory::System(Bench::kChromaOffset)),
                    budget_bytes) == abi::kStatusOk);
  const auto pixels = bench.ReadVisible(0, size);
  const Reference reference{shape, luma, chroma};
  double worst = 0;
  bool frame_is_right = true;
  for (uint32_t y = 0; y < shape.height; ++y) {
    const uint8_t* row = pixels.data() + size_t{y} * shape.pitch;
    for (uint32_t x = 0; x < shape.width; ++x) {
      const Rgb expected = reference.At(x, y);
      worst = std::max({worst, std::abs(expected.blue - row[4 * x]),
                        std::abs(expected.green - row[4 * x + 1]),
                        std::abs(expected.red - row[4 * x + 2])});
      frame_is_right = frame_is_right && row[4 * x + 3] == 255;
    }
    frame_is_right = frame_is_right && std::all_of(row + 4 * shape.width, row + shape.pitch,
                                                   [](uint8_t byte) { return byte == 0xa5; });
  }
  CHECK(frame_is_right);
  return worst;
}

TEST_CASE("every kind of luma and chroma converts within the bound, in both color spaces") {
  // 256 luma values in 16 x 16, under chroma that goes through all values in steps of 5.
  constexpr uint32_t kSide = 16 * 52;
  for (const uint32_t color_space : {0u, 1u}) {
    const Shape shape = {kSide, kSide, kSide, kSide, kSide, 4 * kSide, color_space, 0};
    std::vector<uint8_t> luma(size_t{kSide} * kSide);
    std::vector<uint8_t> chroma(luma.size() / 2);
    for (uint32_t y = 0; y < kSide; ++y) {
      for (uint32_t x = 0; x < kSide; ++x) {
        luma[size_t{y} * kSide + x] = static_cast<uint8_t>(y % 16 * 16 + x % 16);
        chroma[size_t{y / 2} * kSide + x / 2 * 2] = static_cast<uint8_t>(x / 16 * 5);
        chroma[size_t{y / 2} * kSide + x / 2 * 2 + 1] = static_cast<uint8_t>(y / 16 * 5);
      }
    }
    const double error = LargestError(shape, luma, chroma, 1 << 20);
    INFO("color space " << color_space << ", error " << error);
    CHECK(error <= kConversionBound);
  }
}

TEST_CASE("white, black and the primaries are what everybody knows") {
  const struct {
    uint8_t y, u, v;
    int blue, green, red;
  } cases[] = {{235, 128, 128, 255, 255, 255},
               {16, 128, 128, 0, 0, 0},
               {81, 90, 240, 0, 0, 255},
               {145, 54, 34, 0, 255, 0},
               {41, 240, 110, 255, 0, 0}};  // BT.601
  const Shape shape = {2, 2, 2, 2, 2, 8, 0, 0};
  for (const auto& c : cases) {
    Bench bench;
    bench.PutSystem(0, std::vector<uint8_t>(4, c.y));
    bench.PutSystem(Bench::kChromaOffset, {c.u, c.v});
    REQUIRE(bench.Run(Blt(shape, ChipMemory::Visible(0), ChipMemory::System(0),
                          ChipMemory::System(Bench::kChromaOffset))) == abi::kStatusOk);
    const auto pixel = bench.ReadVisible(0, 4);
    CHECK(std::abs(pixel[0] - c.blue) <= 2);
    CHECK(std::abs(pixel[1] - c.green) <= 2);
    CHECK(std::abs(pixel[2] - c.red) <= 2);
    CHECK(pixel[3] == 255);
  }
}

TEST_CASE("pictures scale within the bound, whatever their sizes, pitches and the budget") {
  const struct {
    uint32_t source_width, source_height, source_pitch, width, height, pitch;
    uint64_t budget;
  } cases[] = {
      {64, 48, 64, 64, 48, 256, 1 << 20}, {64, 48, 80, 128, 96, 520, 1},
      {64, 48, 64, 32, 24, 128, 1},       {62, 46, 64, 101, 77, 404, 5000},
      {640, 360, 704, 233, 111, 1000, 1}, {2, 2, 2, 100, 100, 400, 1},
      {640, 2, 640, 3, 200, 12, 1},       {2, 64, 5000, 1, 1, 4, 1},
      {640, 360, 640, 1, 1, 4, 1},        {100, 100, 100, 99, 101, 8192, 1 << 20},
  };
  for (const auto& c : cases) {
    const auto luma = Noise(size_t{c.source_pitch} * c.source_height, c.width);
    const auto chroma = Noise(size_t{c.source_pitch} * c.source_height / 2, c.height);
    for (const uint32_t filter : {0u, 1u}) {
      const Shape shape = {
          c.source_width, c.source_height, c.source_pitch, c.width, c.height, c.pitch, 1, filter};
      const double error = LargestError(shape, luma, chroma, c.budget);
      INFO(c.source_width << " x " << c.source_height << " to " << c.width << " x " << c.height
                          << ", filter " << filter << ", error " << error);
      CHECK(error <= (filter == 0 ? kConversionBound : kScalingBound));
    }
  }
}

TEST_CASE("operands outside their documented ranges are OPERAND_INVALID and nothing is read") {
  const Shape good = {64, 64, 64, 64, 64, 256, 0, 0};
  std::vector<Shape> bad(18, good);
  bad[0].source_width = 0;
  bad[1].source_width = 63;
  bad[2].source_width = bad[2].source_pitch = 8194;
  bad[3].source_height = 0;
  bad[4].source_height = 63;
  bad[5].source_height = 8194;
  bad[6].source_pitch = 63;
  bad[7].width = 0;
  bad[8].width = 8193;
  bad[8].pitch = 4 * 8193;
  bad[9].height = 0;
  bad[10].height = 8193;
  bad[11].pitch = 252;
  bad[12].pitch = 258;
  bad[13].color_space = 2;
  bad[14].filter = 2;
  bad[15].pitch = 0xfffffffc;
  bad[16].source_pitch = 0xffffffff;
  bad[17].width = 0x40000001;  // times 4 wraps to 4
  Bench bench;
  for (size_t i = 0; i < bad.size(); ++i) {
    INFO("case " << i);
    CHECK(bench.Run(Blt(bad[i], ChipMemory::Visible(0), ChipMemory::System(0),
                        ChipMemory::System(Bench::kChromaOffset))) == abi::kStatusOperandInvalid);
  }
  CHECK(bench.ports.bus.log().empty());
}

TEST_CASE("a step makes the rows that its budget pays for, one at least") {
  Bench bench;
  const Shape shape = {640, 360, 640, 640, 360, 2560, 0, 1};
  const auto command = Blt(shape, ChipMemory::Visible(0), ChipMemory::System(0),
                           ChipMemory::System(Bench::kChromaOffset));
  int steps = 0;
  REQUIRE(bench.Run(command, 64000, &steps) == abi::kStatusOk);
  CHECK(steps == 36);  // 6 x 640 read and 2560 written a row
  REQUIRE(bench.Run(command, 0, &steps) == abi::kStatusOk);
  CHECK(steps == 360);
}

TEST_CASE("P2 a protected plane makes a protected picture of the same owner, or nothing") {
  const Shape shape = {64, 64, 64, 128, 128, 512, 0, 1};
  Bench bench;
  bench.PutProtected(0, Noise(64 * 64, 1), kA);
  bench.PutProtected(16 * kPage, Noise(64 * 32, 2), kA);
  bench.PutProtected(32 * kPage, Noise(20 * kPage, 3), kB);
  bench.PutSystem(0, Noise(64 * 64, 4));
  const uint64_t luma = ChipMemory::Protected(0);
  const uint64_t chroma = ChipMemory::Protected(16 * kPage);
  const uint64_t open = ChipMemory::System(0);

  for (const auto& planes : {std::pair{luma, chroma}, {luma, open}, {open, chroma}}) {
    CHECK(bench.Run(Blt(shape, ChipMemory::Visible(0), planes.first, planes.second)) ==
          abi::kStatusProtectedReadRefused);
  }
  CHECK(bench.ReadVisible(0, 512) == std::vector<uint8_t>(512, 0));
  CHECK(bench.Run(Blt(shape, ChipMemory::Protected(64 * kPage), luma,
                      ChipMemory::Protected(32 * kPage))) == abi::kStatusProtectedOwnerMismatch);

  // Into another session's pages, from the middle of one: what was there goes.
  REQUIRE(bench.Run(Blt(shape, ChipMemory::Protected(32 * kPage + 2048), luma, chroma), 1) ==
          abi::kStatusOk);
  for (uint64_t page = 32; page <= 48; ++page) CHECK(bench.OwnerAt(page * kPage) == kA);
  CHECK(bench.OwnerAt(49 * kPage) == kB);
  CHECK(bench.ReadProtected(32 * kPage, 2048) == std::vector<uint8_t>(2048, 0));
  // The same picture as one made in the open.
  bench.PutSystem(0, Noise(64 * 64, 1));
  bench.PutSystem(Bench::kChromaOffset, Noise(64 * 32, 2));
  REQUIRE(bench.Run(Blt(shape, ChipMemory::Visible(0), open,
                        ChipMemory::System(Bench::kChromaOffset))) == abi::kStatusOk);
  CHECK(bench.ReadProtected(32 * kPage + 2048, 512 * 128) == bench.ReadVisible(0, 512 * 128));
}

TEST_CASE("P8 between two steps a plane becomes another session's: the blt stops") {
  const Shape shape = {64, 64, 64, 64, 64, 4096, 0, 0};
  Bench bench;
  bench.PutProtected(0, Noise(64 * 64, 1), kA);
  bench.PutProtected(16 * kPage, Noise(64 * 32, 2), kA);
  auto job = bench.engine.Begin(Blt(shape, ChipMemory::Protected(32 * kPage),
                                    ChipMemory::Protected(0), ChipMemory::Protected(16 * kPage)),
                                bench.Kernel());
  REQUIRE(job.ok());
  REQUIRE_FALSE(bench.engine.Step(&job.value(), 1).value());
  bench.PutProtected(16 * kPage, Noise(64 * 32, 3), kB);
  const auto done = RunJob(&bench.engine, &job.value(), 1);
  REQUIRE_FALSE(done.ok());
  CHECK(done.fault().status == abi::kStatusProtectedOwnerMismatch);
}

TEST_CASE("planes and picture on scattered pages make the same picture") {
  const Shape shape = {96, 80, 100, 150, 90, 640, 1, 1};
  Bench bench;
  ContextTables tables(&bench);
  const auto luma = Noise(100 * 80, 5);
  const auto chroma = Noise(100 * 40, 6);
  bench.PutSystem(50, luma);
  bench.PutSystem(Bench::kChromaOffset, chroma);
  REQUIRE(bench.Run(Blt(shape, ChipMemory::Visible(0), ChipMemory::System(50),
                        ChipMemory::System(Bench::kChromaOffset))) == abi::kStatusOk);
  // Virtual page n of the planes is protected page 30 - 3n; of the picture visible page 200 - 2n.
  for (uint64_t page = 0; page < 8; ++page) {
    tables.MapLocal(page, abi::kProtectedVramLocalBase + (30 - 3 * page) * kPage);
  }
  for (uint64_t page = 0; page < 20; ++page) {
    tables.MapLocal(32 + page, abi::kProtectedVramLocalBase + (200 - 2 * page) * kPage);
  }
  const AddressSpace space = tables.Space(1);
  REQUIRE(bench.memory.Write(space.Translate(50, luma.size(), Access::kWrite).value(), luma).ok());
  REQUIRE(bench.memory
              .Write(space.Translate(5 * kPage - 7, chroma.size(), Access::kWrite).value(), chroma)
              .ok());
  auto job = bench.engine.Begin(Blt(shape, 32 * kPage + 4, 50, 5 * kPage - 7), space);
  REQUIRE(job.ok());
  REQUIRE(RunJob(&bench.engine, &job.value(), 9000).ok());
  std::vector<uint8_t> found(640 * 90);
  REQUIRE(
      bench.memory.Read(space.Translate(32 * kPage + 4, found.size(), Access::kRead).value(), found)
          .ok());
  const auto expected = bench.ReadVisible(0, 640 * 90);
  for (size_t row = 0; row < 90; ++row) {
    REQUIRE(std::equal(found.begin() + row * 640, found.begin() + row * 640 + 600,
                       expected.begin() + row * 640));
  }
}

}  // namespace
}  // namespace ward::device
