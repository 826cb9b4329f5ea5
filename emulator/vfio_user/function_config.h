// Configuration space as a vfio-user client sees it: the chip's own, but for MSI-X, which is the
// client's business. Clients keep the vector table themselves and take vectors by eventfd or
// message, so the chip must not mask them: its enable bit stays clear, and what was written to it
// is kept here.
#ifndef WARD_EMULATOR_VFIO_USER_FUNCTION_CONFIG_H_
#define WARD_EMULATOR_VFIO_USER_FUNCTION_CONFIG_H_

#include <cstdint>

#include "base/bytes.h"
#include "emulator/boundary/boundary.h"

namespace ward::emulator {

class FunctionConfig {
 public:
  static constexpr uint32_t kBytes = 4096;

  // `boundary` outlives this.
  explicit FunctionConfig(Boundary* boundary);

  // Any range inside kBytes.
  void Read(uint32_t offset, ByteSpan data);
  // True when it made the function reset itself.
  bool Write(uint32_t offset, ConstByteSpan data);
  // Whether Write would reset the function, or change its power state.
  bool ResetsOrPowers(uint32_t offset, ConstByteSpan data) const;
  // Whether Write would take bus mastering away.
  static bool StopsBusMaster(uint32_t offset, ConstByteSpan data);
  // The function was reset.
  void OnReset() { msix_control_ = 0; }

  bool DecodesMemory() { return (Command() & 0x2) != 0; }
  bool MastersBus() { return (Command() & 0x4) != 0; }

 private:
  uint16_t Command() { return static_cast<uint16_t>(boundary_->gpu().ReadConfig(4, 2)); }
  uint32_t FindCapability(uint8_t id);
  // Of one natural access of at most 4 bytes: how large at `offset`, with `left` bytes to go.
  static uint32_t PieceSize(uint32_t offset, size_t left);
  bool ResetsFunction(uint32_t offset, ConstByteSpan data);

  Boundary* boundary_;
  uint32_t msix_control_offset_;
  uint32_t express_control_offset_;
  uint32_t power_control_offset_;
  uint16_t msix_control_ = 0;  // enable and function mask
};

}  // namespace ward::emulator

#endif  // WARD_EMULATOR_VFIO_USER_FUNCTION_CONFIG_H_
