// Outputs: modes, flip, scan-out.
#ifndef WARD_DEVICE_DISPLAY_H_
#define WARD_DEVICE_DISPLAY_H_

#include <cstdint>

#include "abi/generated/commands.h"
#include "abi/generated/registers.h"
#include "base/result.h"
#include "device/address_space.h"
#include "device/gpu.h"
#include "device/memory.h"

namespace ward::device {

class Display {
 public:
  static constexpr uint32_t kOutputCount = 1;
  struct Mode {
    uint32_t width;
    uint32_t height;
  };
  // 640x360, 640x480, 800x600, 1024x768, 1280x720, 1920x1080, 3840x2160.
  static constexpr uint32_t kModeCount = 7;

  explicit Display(Memory* memory) : memory_(memory) {}

  // FLIP takes effect at once. OUTPUT_INVALID, OPERAND_INVALID, SCANOUT_REFUSED, address faults.
  Result<void> Flip(const abi::FlipCommand& command, const AddressSpace& kernel);

  // Registers of the OUTPUT block by `offset` from the block of `output` (0 when it does not
  // exist).
  uint32_t ReadRegister(uint32_t output, uint32_t offset) const;
  void WriteRegister(uint32_t output, uint32_t offset, uint32_t value);

  ScanoutInfo Scanout(uint32_t output) const;
  // Whether the output shows at least one protected page of `owner`.
  bool Shows(uint32_t output, PageOwner owner) const;
  bool ReadScanout(uint32_t output, ScanoutView view, ByteSpan pixels, uint32_t pitch) const;

  void Reset();
  struct Output {
    bool enabled = false;
    uint32_t mode = 0;
    bool active = false;
    uint64_t surface_local_address = 0;  // checked by Flip, looked up again at each scan-out
    uint32_t surface_pitch = 0;
    uint32_t flip_count = 0;
  };
  struct State {
    Output outputs[kOutputCount];
  };
  const State& Save() const { return state_; }
  void Load(const State& state) { state_ = state; }
  void Hash(StateHasher* hasher) const;

 private:
  Memory* memory_;
  State state_;
};

}  // namespace ward::device

#endif  // WARD_DEVICE_DISPLAY_H_
