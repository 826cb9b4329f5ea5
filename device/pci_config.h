// The function's own configuration space and MSI-X structures, for hosts that have none of their
// own: type 0 header, PCI Express endpoint with function-level reset, power management, MSI-X.
#ifndef WARD_DEVICE_PCI_CONFIG_H_
#define WARD_DEVICE_PCI_CONFIG_H_

#include <array>
#include <cstdint>

#include "abi/generated/pci.h"
#include "base/state_fields.h"
#include "device/ports.h"
#include "device/state_hasher.h"

namespace ward::device {

class PciConfig {
 public:
  static constexpr uint32_t kHeaderBytes = 256;   // what is modelled
  static constexpr uint32_t kConfigBytes = 4096;  // the rest reads zero: no extended capability

  // What a write asks of the chip.
  enum class Action { kNone, kResetFunction };

  PciConfig(uint64_t visible_vram_bytes, InterruptPort* port);

  // `size_bytes` 1, 2 or 4, naturally aligned, inside kConfigBytes; other reads give all ones.
  uint32_t Read(uint32_t offset, uint32_t size_bytes) const;
  // FLR (PCI Express device control) and D3hot to D0 ask for a reset of the function, which the
  // caller carries out, ResetKeepingBars() included.
  Action Write(uint32_t offset, uint32_t size_bytes, uint32_t value);

  // BAR4: aligned 32-bit accesses; other ones read zero and write nothing.
  uint32_t ReadMsix(uint64_t offset, uint32_t size_bytes) const;
  void WriteMsix(uint64_t offset, uint32_t size_bytes, uint32_t value);

  // Sends a vector. While MSI-X is enabled here, a masked one is held in the pending bits, also
  // while bus mastering is off. While it is not, the host has a configuration space of its own and
  // gets every vector: a host that uses this one drops them.
  void SendVector(uint32_t vector);

  // D3hot: registers read all ones, queues do not run.
  bool PoweredDown() const;

  void DropPending();       // vectors that wait for their mask; no reset of the configuration
  void ResetKeepingBars();  // FLR, bus reset, D3hot to D0
  void Reset();             // power-on

  struct State {
    std::array<uint8_t, kHeaderBytes> bytes = {};
    struct Vector {
      uint32_t address_low = 0;
      uint32_t address_high = 0;
      uint32_t data = 0;
      uint32_t control = 1;  // masked after reset

      WARD_STATE_FIELDS(address_low, address_high, data, control)
    };
    std::array<Vector, abi::kVectorCount> vectors = {};
    uint32_t pending = 0;

    WARD_STATE_FIELDS(bytes, vectors, pending)
  };
  const State& Save() const { return state_; }
  void Load(const State& state) { state_ = state; }
  // Whether no bit is set that nobody can set.
  bool CanLoad(const State& state) const;
  void Hash(StateHasher* hasher) const;

 private:
  void BuildHeader();
  void BuildCapabilities();
  void Put(uint32_t offset, uint32_t size_bytes, uint32_t value, uint32_t writable = 0);
  uint32_t Load32(uint32_t offset) const;
  bool CanSend(uint32_t vector) const;
  void SendPending();

  uint64_t visible_vram_bytes_;
  InterruptPort* port_;
  std::array<uint8_t, kHeaderBytes> writable_ = {};  // bits that keep what is written
  State state_;
};

}  // namespace ward::device

#endif  // WARD_DEVICE_PCI_CONFIG_H_
