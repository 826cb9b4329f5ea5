// A whole chip whose kernel's queue flips, waits for vblanks and sets cursors.
#ifndef WARD_TESTS_UNIT_DEVICE_OUTPUT_RIG_H_
#define WARD_TESTS_UNIT_DEVICE_OUTPUT_RIG_H_

#include <cstdint>
#include <vector>

#include "abi/generated/pci.h"
#include "tests/fakes/gpu_rig.h"

namespace ward::fakes {

struct OutputRig : GpuRig {
  static constexpr uint32_t kWidth = 640;
  static constexpr uint32_t kHeight = 360;
  static constexpr uint64_t kFrameBytes = uint64_t{4} * kWidth * kHeight;

  OutputRig() { StartQueue(0); }

  uint32_t ReadOutput(uint32_t output, uint32_t offset) {
    return Read(offset + output * abi::kOutputBlockStride);
  }
  void WriteOutput(uint32_t output, uint32_t offset, uint32_t value) {
    Write(offset + output * abi::kOutputBlockStride, value);
  }
  void Enable(uint32_t output) { WriteOutput(output, abi::kRegOutputControl, 1); }

  // Commands in the ring; no doorbell.
  void PushFlip(uint32_t output, uint64_t local_address, uint16_t flags = 0) {
    auto flip = MakeCommand<abi::FlipCommand>(flags);
    flip.output = output;
    flip.address = abi::kPhysicalLocal | local_address;
    flip.pitch = 4 * kWidth;
    flip.width = kWidth;
    flip.height = kHeight;
    Push(0, flip);
  }
  void PushWait(uint32_t queue, uint32_t output, uint32_t count, uint16_t flags = 0) {
    auto wait = MakeCommand<abi::WaitVblankCommand>(flags);
    wait.output = output;
    wait.count = count;
    Push(queue, wait);
  }
  void PushCursor(uint32_t output, uint64_t address) {
    auto cursor = MakeCommand<abi::CursorCommand>(abi::CursorCommand::kFlagVisible);
    cursor.output = output;
    cursor.address = address;
    Push(0, cursor);
  }
  // What can be done without time passing.
  device::ProcessResult Ring(uint32_t queue) {
    Doorbell(queue);
    return Work();
  }
  device::ProcessResult Work() {
    device::ProcessResult result;
    do {
      result = gpu->Process(1 << 20);
    } while (result.more);
    return result;
  }
  // Moves the clock and works.
  device::ProcessResult PassTime(uint64_t nanoseconds) {
    ports.clock.now_ns += nanoseconds;
    return Work();
  }

  // A visible frame of one colour.
  void PaintVisible(uint64_t offset, uint32_t colour) {
    for (uint64_t at = 0; at < kFrameBytes; at += 4) {
      ports.vram.Store<uint32_t>(offset + at, colour);
    }
  }
  // The first pixel that an output shows; 0 when it shows nothing.
  uint32_t PixelOf(uint32_t output, device::ScanoutView view = device::ScanoutView::kCapture,
                   size_t index = 0) {
    std::vector<uint8_t> pixels(kFrameBytes);
    if (!gpu->ReadScanout(output, view, pixels, 4 * kWidth)) return 0;
    return LoadLe<uint32_t>(&pixels[4 * index]);
  }
};

}  // namespace ward::fakes

#endif  // WARD_TESTS_UNIT_DEVICE_OUTPUT_RIG_H_
