#include "device/video_engine.h"

#include <utility>
#include <vector>

#include "abi/generated/status.h"
#include "catch2/catch_test_macros.hpp"
#include "tests/unit/device/video_bench.h"

namespace ward::device {
namespace {

constexpr PageOwner kA = 0x10001;
constexpr PageOwner kB = 0x20002;

void CheckWithinBound(const Shape& shape, uint64_t budget_bytes = 1 << 20) {
  const auto luma = Noise(shape.LumaBytes(), shape.width);
  const auto chroma = Noise(shape.ChromaBytes(), shape.height);
  const Comparison result = Compare(shape, luma, chroma, budget_bytes);
  INFO(shape.source_width << " x " << shape.source_height << " to " << shape.width << " x "
                          << shape.height << ", format " << shape.format << ", filter "
                          << shape.filter << ", color space " << shape.color_space << ", from "
                          << shape.left << ", " << shape.top << ", error " << result.error);
  CHECK(result.status == abi::kStatusOk);
  CHECK(result.error <= shape.Bound());
  CHECK(result.frame_is_right);
  CHECK(result.is_same_in_windows);
}

TEST_CASE("every kind of luma and chroma converts within the bound, in every color space") {
  // 256 luma values in 16 x 16, under chroma that goes through all values in steps of 5.
  constexpr uint32_t kSide = 16 * 52;
  for (const uint32_t kind : {0u, 1u, 2u, 3u, 4u, 5u, 6u, 7u}) {
    Shape shape = {kSide, kSide, kSide, kSide, kSide, 4 * kSide};
    shape.color_space = kind % 4;
    shape.is_limited = kind >= 4;
    std::vector<uint8_t> luma(size_t{kSide} * kSide);
    std::vector<uint8_t> chroma(luma.size() / 2);
    for (uint32_t y = 0; y < kSide; ++y) {
      for (uint32_t x = 0; x < kSide; ++x) {
        luma[size_t{y} * kSide + x] = static_cast<uint8_t>(y % 16 * 16 + x % 16);
        chroma[size_t{y / 2} * kSide + x / 2 * 2] = static_cast<uint8_t>(x / 16 * 5);
        chroma[size_t{y / 2} * kSide + x / 2 * 2 + 1] = static_cast<uint8_t>(y / 16 * 5);
      }
    }
    const Comparison result = Compare(shape, luma, chroma, 1 << 20);
    INFO("kind " << kind << ", error " << result.error);
    CHECK(result.status == abi::kStatusOk);
    CHECK(result.error <= kConversionBound);
    CHECK(result.frame_is_right);
    CHECK(result.is_same_in_windows);
    CHECK(result.is_same_in_windows);
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
  const Shape shape = {2, 2, 2, 2, 2, 8};
  for (const auto& c : cases) {
    VideoBench bench;
    bench.PutSystem(0, std::vector<uint8_t>(4, c.y));
    bench.PutSystem(VideoBench::kChromaOffset, {c.u, c.v});
    REQUIRE(bench.RunOpen(shape) == abi::kStatusOk);
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
    for (const uint32_t filter : {0u, 1u, 2u}) {
      Shape shape = {c.source_width, c.source_height, c.source_pitch, c.width, c.height, c.pitch};
      shape.color_space = 1;
      shape.filter = filter;
      // The area filter has a limit of its own.
      if (filter == 2 && c.source_width > 128 * c.width) shape.width = (c.source_width + 127) / 128;
      if (filter == 2 && c.source_height > 128 * c.height)
        shape.height = (c.source_height + 127) / 128;
      shape.pitch = std::max(shape.pitch, 4 * shape.width);
      CheckWithinBound(shape, c.budget);
    }
  }
}

TEST_CASE("P010 and XRGB8888 convert and scale within the bound, in every range") {
  for (const uint32_t format : {kP010, kXrgb}) {
    for (uint32_t kind = 0; kind < 8; ++kind) {
      for (const uint32_t filter : {0u, 1u, 2u}) {
        Shape shape = {62, 46, 256, 101, 23, 408};
        shape.format = format;
        shape.filter = filter;
        shape.color_space = kind % 4;
        shape.is_limited = kind >= 4;
        CheckWithinBound(shape, 3000);
      }
    }
  }
}

TEST_CASE(
    "every value of P010's samples converts within the bound, and its lower bits do nothing") {
  // All 1024 values of luma in a row, under chroma that goes through all values in steps of 16.
  for (uint32_t kind = 0; kind < 8; ++kind) {
    Shape shape = {1024, 128, 2048, 1024, 128, 4096};
    shape.format = kP010;
    shape.color_space = kind % 4;
    shape.is_limited = kind >= 4;
    std::vector<uint8_t> luma(shape.LumaBytes());
    std::vector<uint8_t> chroma(shape.ChromaBytes());
    for (uint32_t y = 0; y < shape.source_height; ++y) {
      for (uint32_t x = 0; x < shape.source_width; ++x) {
        StoreLe<uint16_t>(&luma[y * 2048 + 2 * x], static_cast<uint16_t>(x * 64 + y % 64));
        const uint32_t value = x % 2 == 0 ? x / 16 * 16 : y / 2 * 16 + 15;
        StoreLe<uint16_t>(&chroma[y / 2 * 2048 + 2 * x], static_cast<uint16_t>(value * 64 + 63));
      }
    }
    const Comparison result = Compare(shape, luma, chroma, 1 << 20);
    INFO("kind " << kind << ", error " << result.error);
    CHECK(result.status == abi::kStatusOk);
    CHECK(result.error <= kConversionBound);
  }
}

TEST_CASE("XRGB8888 of one range stays as it is, but for X") {
  VideoBench bench;
  const auto pixels = Noise(64 * 16, 3);
  bench.PutSystem(0, pixels);
  Shape shape = {16, 16, 64, 16, 16, 64};
  shape.format = kXrgb;
  shape.color_space = 2;
  shape.filter = 1;
  REQUIRE(bench.RunOpen(shape) == abi::kStatusOk);
  auto expected = pixels;
  for (size_t i = 3; i < expected.size(); i += 4) expected[i] = 255;
  CHECK(bench.ReadVisible(0, expected.size()) == expected);
}

TEST_CASE("a rectangle of the source, odd or even, is scaled as if it were all there is") {
  const struct {
    uint32_t left, top, source_width, source_height, width, height;
  } cases[] = {{0, 0, 31, 17, 31, 17}, {1, 1, 30, 20, 60, 37},  {3, 0, 1, 1, 5, 5},
               {2, 5, 33, 21, 16, 10}, {7, 2, 25, 30, 100, 33}, {39, 29, 1, 1, 1, 1}};
  for (const auto& c : cases) {
    for (const uint32_t format : {kNv12, kP010, kXrgb}) {
      for (const uint32_t filter : {0u, 1u, 2u}) {
        Shape shape = {c.source_width, c.source_height, 192, c.width, c.height, 4 * c.width + 4};
        shape.format = format;
        shape.filter = filter;
        shape.color_space = 3;
        shape.left = c.left;
        shape.top = c.top;
        CheckWithinBound(shape, 1);
      }
    }
  }
}

TEST_CASE("what is outside of the source rectangle has no influence, and need not be mapped") {
  VideoBench bench;
  ContextTables tables(&bench);
  tables.MapLocal(20, 40 * kPage);
  Shape shape = {16, 8, 64, 40, 20, 160};
  shape.filter = 1;
  shape.left = 5;
  shape.top = 64;
  // Luma's rectangle begins 4096 + 5 bytes behind an unmapped page, chroma's half of that.
  tables.MapSystem(1, ChipMemory::System(kPage));
  bench.PutSystem(kPage, Noise(kPage, 1));
  const auto run = [&] {
    auto job = bench.engine.Begin(Blt(shape, 20 * kPage, 0, kPage), tables.Space(1));
    REQUIRE(job.ok());
    REQUIRE(RunJob(&bench.engine, &job.value(), 1 << 20).ok());
    return bench.ReadVisible(40 * kPage, 20 * 160);
  };
  const auto before = run();
  auto noise = Noise(kPage, 2);
  const auto keep = [&](size_t first, size_t bytes, size_t rows) {
    const auto kept = bench.ReadSystem(kPage, kPage);
    for (size_t row = 0; row < rows; ++row) {
      std::copy_n(kept.begin() + first + row * 64, bytes, noise.begin() + first + row * 64);
    }
  };
  keep(5, 16, 8);            // luma: row 64 is the first of the page
  keep(32 * 64 + 4, 18, 4);  // chroma: pairs 2 to 10
  bench.PutSystem(kPage, noise);
  CHECK(run() == before);
}

TEST_CASE("a window is the part of the scaled picture that it names, and nothing else is written") {
  for (const uint32_t format : {kNv12, kXrgb}) {
    for (const uint32_t filter : {0u, 1u, 2u}) {
      const struct {
        uint32_t left, top, width, height;
        uint32_t scaled_width = 120, scaled_height = 30;
      } windows[] = {{0, 0, 120, 30},        {0, 0, 1, 1},           {119, 29, 1, 1},
                     {17, 3, 60, 20},        {3, 5, 9, 11, 62, 30},  // columns or rows as they are
                     {0, 0, 61, 20, 62, 46}, {4, 1, 20, 44, 62, 46}, {60, 45, 2, 1, 62, 46}};
      for (const auto& window : windows) {
        Shape shape = {62, 46, 256, window.scaled_width, window.scaled_height, 0};
        shape.format = format;
        shape.filter = filter;
        shape.window_left = window.left;
        shape.window_top = window.top;
        shape.window_width = window.width;
        shape.window_height = window.height;
        shape.pitch = 4 * window.width + 12;
        CheckWithinBound(shape, 1000);
      }
    }
  }
}

TEST_CASE("a picture that the area filter cuts into stripes has no seams") {
  Shape shape = {2000, 500, 2000, 24, 5, 100};
  shape.filter = 2;
  CheckWithinBound(shape, 1);
  shape = {8192, 130, 8192, 65, 2, 260};
  shape.filter = 2;
  CheckWithinBound(shape, 1 << 20);
}

TEST_CASE("operands outside their documented ranges are OPERAND_INVALID and nothing is read") {
  const Shape good = {64, 64, 64, 64, 64, 256};
  std::vector<Shape> bad(30, good);
  bad[0].source_width = 0;
  bad[1].source_width = 65;  // a pair of chroma past the pitch
  bad[2].source_width = bad[2].source_pitch = 8193;
  bad[3].source_height = 0;
  bad[4].format = kXrgb + 1;
  bad[5].source_height = 8193;
  bad[6].source_pitch = 63;
  bad[7].width = 0;
  bad[8].width = 8193;
  bad[8].pitch = 4 * 8193;
  bad[9].height = 0;
  bad[10].height = 8193;
  bad[11].pitch = 252;
  bad[12].pitch = 258;
  bad[13].color_space = 4;
  bad[14].filter = 3;
  bad[15].pitch = 0xfffffffc;
  bad[16].source_pitch = 0xffffffff;
  bad[17].width = 0x40000001;  // times 4 wraps to 4
  bad[18].format = kXrgb;      // rows that overlap
  bad[19].format = kP010;
  bad[20].format = kP010;
  bad[20].source_pitch = 129;
  bad[21].format = kXrgb;
  bad[21].source_pitch = 258;
  bad[22].top = 65535;  // too far from the plane's first byte
  bad[22].source_pitch = 8192;
  bad[23].window_left = 1;  // without a size
  bad[24].window_width = 1;
  bad[25].window_height = 1;
  bad[26].window_left = 1;
  bad[26].window_width = bad[26].window_height = 64;
  bad[27].window_top = 1;
  bad[27].window_width = bad[27].window_height = 64;
  bad[28].filter = 2;
  bad[28].source_width = bad[28].source_pitch = 129;
  bad[28].width = 1;
  bad[29].filter = 2;
  bad[29].source_height = 129;
  bad[29].height = 1;
  VideoBench bench;
  for (size_t i = 0; i < bad.size(); ++i) {
    INFO("case " << i);
    CHECK(bench.RunOpen(bad[i]) == abi::kStatusOperandInvalid);
  }
  Shape xrgb = good;
  xrgb.format = kXrgb;
  xrgb.source_pitch = 256;
  auto command = Blt(xrgb, ChipMemory::Visible(0), ChipMemory::System(0), 0);
  command.source_chroma = ChipMemory::System(0);
  CHECK(bench.Run(command) == abi::kStatusOperandInvalid);
  CHECK(bench.ports.bus.log().empty());
  CHECK(bench.RunOpen(xrgb) == abi::kStatusOk);
}

TEST_CASE("planes that are not aligned to their samples, or past the last address, are refused") {
  VideoBench bench;
  const auto status = [&](uint32_t format, uint64_t luma, uint64_t chroma, uint32_t top = 0) {
    Shape shape = {4, 4, 64, 4, 4, 16};
    shape.format = format;
    shape.top = top;
    auto command = Blt(shape, ChipMemory::Visible(0), luma, chroma);
    return bench.Run(command);
  };
  const uint64_t at = ChipMemory::System(0);
  CHECK(status(kNv12, at + 1, at + 3) == abi::kStatusOk);
  CHECK(status(kP010, at + 2, at + 6) == abi::kStatusOk);
  CHECK(status(kP010, at + 1, at) == abi::kStatusAddressMisaligned);
  CHECK(status(kP010, at, at + 1) == abi::kStatusAddressMisaligned);
  CHECK(status(kXrgb, at + 2, 0) == abi::kStatusAddressMisaligned);
  CHECK(status(kXrgb, ~uint64_t{3}, 0, 1) == abi::kStatusAddressOutOfRange);
  CHECK(status(kNv12, ~uint64_t{3}, at, 1) == abi::kStatusAddressOutOfRange);
  CHECK(status(kNv12, at, ~uint64_t{3}, 2) == abi::kStatusAddressOutOfRange);
}

TEST_CASE("a step makes the rows that its budget pays for, one at least") {
  VideoBench bench;
  const Shape shape = {640, 360, 640, 640, 360, 2560, 0, 1};
  const auto command = Blt(shape, ChipMemory::Visible(0), ChipMemory::System(0),
                           ChipMemory::System(VideoBench::kChromaOffset));
  int steps = 0;
  REQUIRE(bench.Run(command, 64000, &steps) == abi::kStatusOk);
  CHECK(steps == 36);  // 6 x 640 read and 2560 written a row
  REQUIRE(bench.Run(command, 0, &steps) == abi::kStatusOk);
  CHECK(steps == 360);
}

TEST_CASE("P2_ a protected plane makes a protected picture of the same owner, or nothing") {
  const Shape shape = {64, 64, 64, 128, 128, 512, 0, 1};
  VideoBench bench;
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
  bench.PutSystem(VideoBench::kChromaOffset, Noise(64 * 32, 2));
  REQUIRE(bench.Run(Blt(shape, ChipMemory::Visible(0), open,
                        ChipMemory::System(VideoBench::kChromaOffset))) == abi::kStatusOk);
  CHECK(bench.ReadProtected(32 * kPage + 2048, 512 * 128) == bench.ReadVisible(0, 512 * 128));
}

TEST_CASE("P2_ protected pixels of every format and filter make a protected picture, or nothing") {
  VideoBench bench;
  bench.PutProtected(0, Noise(8 * kPage, 1), kA);
  bench.PutProtected(16 * kPage, Noise(8 * kPage, 2), kA);
  for (const uint32_t format : {kNv12, kP010, kXrgb}) {
    for (const uint32_t filter : {0u, 1u, 2u}) {
      Shape shape = {64, 64, 256, 40, 40, 160};
      shape.format = format;
      shape.filter = filter;
      const auto blt = [&](uint64_t destination) {
        return bench.Run(
            Blt(shape, destination, ChipMemory::Protected(0), ChipMemory::Protected(16 * kPage)));
      };
      INFO("format " << format << ", filter " << filter);
      CHECK(blt(ChipMemory::Visible(0)) == abi::kStatusProtectedReadRefused);
      CHECK(blt(ChipMemory::System(0)) == abi::kStatusProtectedReadRefused);
      bench.PutProtected(32 * kPage, Noise(4 * kPage, 3), kB);
      CHECK(blt(ChipMemory::Protected(32 * kPage)) == abi::kStatusOk);
      CHECK(bench.OwnerAt(32 * kPage) == kA);
      CHECK(bench.OwnerAt(34 * kPage) == kB);
    }
  }
  CHECK(bench.ReadVisible(0, 160 * 40) == std::vector<uint8_t>(160 * 40, 0));
}

TEST_CASE("P8_ between two steps a plane becomes another session's: the blt stops") {
  const Shape shape = {64, 64, 64, 64, 64, 4096};
  VideoBench bench;
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

TEST_CASE("a picture over its own source is the same whoever makes it and wherever its bytes are") {
  // Each row is read or written before others of the same step, so it shows when that goes wrong.
  for (const uint64_t to : {uint64_t{0}, uint64_t{4000}, uint64_t{64 * 1024 - 4}}) {
    for (const uint32_t filter : {0u, 1u, 2u}) {
      Shape shape = {256, 240, 256, 256, 200, 1024};
      shape.filter = filter;
      BackwardPieces pieces;
      const auto run = [&](bool shows_windows, ExecutorPort* executor) {
        VideoBench bench(shows_windows, executor);
        bench.PutVisible(0, Noise(1 << 20, 8));
        REQUIRE(bench.Run(Blt(shape, ChipMemory::Visible(to), ChipMemory::Visible(0),
                              ChipMemory::Visible(256 * 240)),
                          100000) == abi::kStatusOk);
        auto bytes = bench.ReadVisible(0, 1 << 20);
        const uint64_t work = bench.memory.work();
        return std::make_pair(bytes, work);
      };
      const auto expected = run(false, nullptr);
      CHECK((run(true, nullptr) == expected));
      CHECK((run(true, &pieces) == expected));
    }
  }
}

TEST_CASE("a step of narrow rows is bounded by its budget too, accesses and all") {
  constexpr uint64_t kBudget = 16384;
  for (const uint32_t format : {kNv12, kXrgb}) {
    for (const uint32_t filter : {0u, 1u, 2u}) {
      CAPTURE(format, filter);
      Shape shape = {2, 800, 4112, 2, 600, 4112};
      shape.filter = filter;
      shape.format = format;
      VideoBench bench;
      const auto job = bench.engine.Begin(
          Blt(shape, bench.Protected(0), bench.System(0), bench.System(0)), bench.Kernel());
      REQUIRE(job.ok());
      EngineJob begun = job.value();
      bench.ports.bus.ClearLog();
      const uint64_t before = bench.memory.work();
      const auto done = bench.engine.Step(&begun, kBudget);
      REQUIRE(done.ok());
      CHECK_FALSE(done.value());
      // What one row may take beside, and what admitting rows takes that share a page.
      CHECK(bench.memory.work() - before <= kBudget + kBudget / 4);
      CHECK(bench.ports.bus.log().size() <= kBudget / Memory::kPieceWork);
    }
  }
}

TEST_CASE("no window is asked for that is hardly more than the gaps between rows") {
  constexpr uint32_t kWide = 32 * 1024;
  const auto windows_of = [](uint32_t source_pitch, uint32_t pitch, uint32_t filter) {
    Shape shape = {2, 32, source_pitch, 2, 24, pitch};
    shape.filter = filter;
    const auto luma = Noise(size_t{source_pitch} * 32, 3);
    const auto chroma = Noise(size_t{source_pitch} * 16, 4);
    CHECK(Compare(shape, luma, chroma, 1 << 20).is_same_in_windows);
    VideoBench bench(true);
    bench.PutSystem(0, luma);
    bench.PutSystem(VideoBench::kChromaOffset, chroma);
    REQUIRE(bench.RunOpen(shape) == abi::kStatusOk);
    return bench.ports.bus.largest_window();
  };
  for (const uint32_t filter : {0u, 1u, 2u}) {
    CHECK(windows_of(1024, 1024, filter) > 1024 * 16);
    CHECK(windows_of(kWide, 1024, filter) == 0);
    CHECK(windows_of(1024, kWide, filter) == 0);
  }
}

TEST_CASE("the room of protected rows is of no effect on the next picture") {
  // A wide picture, then one of odd columns that leaves parts of its room unused.
  VideoBench bench(true);
  bench.PutProtected(0, Noise(64 * 64, 1), kA);
  bench.PutProtected(16 * kPage, Noise(64 * 32, 2), kA);
  const Shape wide = {64, 64, 64, 48, 32, 192, 0, 1};
  REQUIRE(bench.Run(Blt(wide, ChipMemory::Protected(64 * kPage), ChipMemory::Protected(0),
                        ChipMemory::Protected(16 * kPage))) == abi::kStatusOk);
  Shape odd = {5, 7, 64, 9, 3, 36, 0, 1};
  odd.left = 1;
  VideoBench fresh(true);
  for (VideoBench* each : {&bench, &fresh}) {
    each->PutSystem(0, Noise(64 * 8, 5));
    each->PutSystem(VideoBench::kChromaOffset, Noise(64 * 8, 6));
    REQUIRE(each->RunOpen(odd) == abi::kStatusOk);
  }
  CHECK(bench.ReadVisible(0, 36 * 3) == fresh.ReadVisible(0, 36 * 3));
}

TEST_CASE("planes and picture on scattered pages make the same picture") {
  const Shape shape = {96, 80, 100, 150, 90, 640, 1, 1};
  VideoBench bench;
  ContextTables tables(&bench);
  const auto luma = Noise(100 * 80, 5);
  const auto chroma = Noise(100 * 40, 6);
  bench.PutSystem(50, luma);
  bench.PutSystem(VideoBench::kChromaOffset, chroma);
  REQUIRE(bench.Run(Blt(shape, ChipMemory::Visible(0), ChipMemory::System(50),
                        ChipMemory::System(VideoBench::kChromaOffset))) == abi::kStatusOk);
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
