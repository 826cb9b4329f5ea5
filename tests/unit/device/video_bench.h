// The video processor on a chip's memory, held against the reference.
#ifndef WARD_TESTS_UNIT_DEVICE_VIDEO_BENCH_H_
#define WARD_TESTS_UNIT_DEVICE_VIDEO_BENCH_H_

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <vector>

#include "abi/generated/status.h"
#include "device/video_engine.h"
#include "tests/unit/device/chip_memory.h"
#include "tests/unit/device/video_reference.h"

namespace ward::device {

inline abi::VideoBltCommand Blt(const Shape& shape, uint64_t destination, uint64_t luma,
                                uint64_t chroma) {
  abi::VideoBltCommand command = {};
  command.opcode = abi::VideoBltCommand::kOpcode;
  command.flags = shape.is_limited ? abi::VideoBltCommand::kFlagLimitedRange : uint16_t{0};
  command.length = abi::VideoBltCommand::kSizeBytes;
  command.destination = destination;
  command.source_luma = luma;
  command.source_chroma = shape.format == kXrgb ? 0 : chroma;
  command.destination_pitch = shape.pitch;
  command.source_pitch = shape.source_pitch;
  command.source_width = shape.source_width;
  command.source_height = shape.source_height;
  command.destination_width = shape.width;
  command.destination_height = shape.height;
  command.color_space = shape.color_space;
  command.filter = shape.filter;
  command.source_format = shape.format;
  command.source_left = static_cast<uint16_t>(shape.left);
  command.source_top = static_cast<uint16_t>(shape.top);
  command.window_left = static_cast<uint16_t>(shape.window_left);
  command.window_top = static_cast<uint16_t>(shape.window_top);
  command.window_width = static_cast<uint16_t>(shape.window_width);
  command.window_height = static_cast<uint16_t>(shape.window_height);
  return command;
}

struct VideoBench : ChipMemory {
  static constexpr uint64_t kChromaOffset = 2 << 20;
  // `shows_windows`: the host lends its memory to the chip.
  explicit VideoBench(bool shows_windows = false, ExecutorPort* executor = nullptr)
      : engine(&memory, executor) {
    ports.bus.shows_windows = ports.vram.shows_windows = shows_windows;
  }

  uint32_t Run(const abi::VideoBltCommand& command, uint64_t budget_bytes = 1 << 20,
               int* steps = nullptr) {
    auto job = engine.Begin(command, Kernel());
    if (!job.ok()) return job.fault().status;
    const auto done = RunJob(&engine, &job.value(), budget_bytes, steps);
    return done.ok() ? abi::kStatusOk : done.fault().status;
  }
  // Of planes in system memory to visible VRAM.
  uint32_t RunOpen(const Shape& shape, uint64_t budget_bytes = 1 << 20, int* steps = nullptr) {
    return Run(Blt(shape, Visible(0), System(0), System(kChromaOffset)), budget_bytes, steps);
  }

  VideoEngine engine;
};

struct Comparison {
  uint32_t status;
  double error;         // the largest difference of a channel
  bool frame_is_right;  // every X byte is 255, and gaps are untouched
  // A host that lends its memory, with other processors or none, gets the same bytes and charges.
  bool is_same_in_windows;
};

// Other processors' pieces in another order, last to first.
struct BackwardPieces final : ExecutorPort {
  void RunAll(uint32_t count, Work* work) override {
    while (count != 0) work->Run(--count);
  }
};

inline bool IsSameInWindows(const Shape& shape, const std::vector<uint8_t>& luma,
                            const std::vector<uint8_t>& chroma, uint64_t budget_bytes,
                            const std::vector<uint8_t>& pixels, uint64_t work) {
  BackwardPieces pieces;
  for (ExecutorPort* executor :
       {static_cast<ExecutorPort*>(nullptr), static_cast<ExecutorPort*>(&pieces)}) {
    VideoBench bench(true, executor);
    bench.PutSystem(0, luma);
    bench.PutSystem(VideoBench::kChromaOffset, chroma);
    bench.PutVisible(0, std::vector<uint8_t>(pixels.size(), 0xa5));
    if (bench.RunOpen(shape, budget_bytes) != abi::kStatusOk ||
        bench.ReadVisible(0, pixels.size()) != pixels || bench.memory.work() != work) {
      return false;
    }
  }
  return true;
}

inline Comparison Compare(const Shape& shape, const std::vector<uint8_t>& luma,
                          const std::vector<uint8_t>& chroma, uint64_t budget_bytes) {
  VideoBench bench;
  bench.PutSystem(0, luma);
  bench.PutSystem(VideoBench::kChromaOffset, chroma);
  const uint32_t rows = shape.WrittenHeight();
  const uint32_t columns = shape.WrittenWidth();
  const size_t size = size_t{shape.pitch} * rows;
  bench.PutVisible(0, std::vector<uint8_t>(size, 0xa5));
  Comparison result = {bench.RunOpen(shape, budget_bytes), 0, true, false};
  const auto pixels = bench.ReadVisible(0, size);
  result.is_same_in_windows =
      IsSameInWindows(shape, luma, chroma, budget_bytes, pixels, bench.memory.work());
  const Reference reference{shape, luma, chroma};
  for (uint32_t y = 0; y < rows; ++y) {
    const uint8_t* row = pixels.data() + size_t{y} * shape.pitch;
    for (uint32_t x = 0; x < columns; ++x) {
      const Rgb expected = reference.At(shape.window_left + x, shape.window_top + y);
      result.error = std::max({result.error, std::abs(expected.blue - row[4 * x]),
                               std::abs(expected.green - row[4 * x + 1]),
                               std::abs(expected.red - row[4 * x + 2])});
      result.frame_is_right = result.frame_is_right && row[4 * x + 3] == 255;
    }
    result.frame_is_right =
        result.frame_is_right && std::all_of(row + 4 * columns, row + shape.pitch,
                                             [](uint8_t byte) { return byte == 0xa5; });
  }
  return result;
}

}  // namespace ward::device

#endif  // WARD_TESTS_UNIT_DEVICE_VIDEO_BENCH_H_
