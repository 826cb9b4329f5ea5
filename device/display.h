// Outputs: modes, flip, scan-out, the link to the display.
#ifndef WARD_DEVICE_DISPLAY_H_
#define WARD_DEVICE_DISPLAY_H_

#include <cstdint>

#include "abi/generated/commands.h"
#include "abi/generated/registers.h"
#include "base/result.h"
#include "base/state_fields.h"
#include "device/address_space.h"
#include "device/flow_rule.h"
#include "device/gpu.h"
#include "device/grant_table.h"
#include "device/hdcp_link.h"
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

  // Both outlive the display.
  Display(Memory* memory, const GrantTable* grants) : memory_(memory), grants_(grants) {}

  // FLIP takes effect at once. OUTPUT_INVALID, OPERAND_INVALID, SCANOUT_REFUSED, address faults.
  Result<void> Flip(const abi::FlipCommand& command, const AddressSpace& kernel);

  // Registers of the OUTPUT block by `offset` from the block of `output` (0 when it does not
  // exist).
  uint32_t ReadRegister(uint32_t output, uint32_t offset) const;
  void WriteRegister(uint32_t output, uint32_t offset, uint32_t value);

  ScanoutInfo Scanout(uint32_t output) const;
  // Of an output that exists.
  const HdcpLink& link(uint32_t output) const { return state_.outputs[output].link; }
  Mode CurrentMode(uint32_t output) const;
  void EnableLink(uint32_t output, uint64_t now_ns, uint64_t negotiation_ns) {
    state_.outputs[output].link.Enable(now_ns, negotiation_ns);
  }
  void DisableLink(uint32_t output) { state_.outputs[output].link.Disable(); }
  // Ignores an output that does not exist.
  void SetLinkFault(uint32_t output, LinkFault fault);
  void AdvanceLinks(uint64_t now_ns);
  // When AdvanceLinks has something to do; 0: no link waits for time.
  uint64_t LinkWakeupNs() const;
  // Whether the state of a link changed since it was asked last.
  bool TakeLinkChange();

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
    bool full_screen = false;  // of the flip
    uint32_t flip_count = 0;
    HdcpLink link;
    uint16_t told_changes = 0;  // of the link, when TakeLinkChange was last asked

    WARD_STATE_FIELDS(enabled, mode, active, surface_local_address, surface_pitch, full_screen,
                      flip_count, link, told_changes)
  };
  struct State {
    Output outputs[kOutputCount];

    WARD_STATE_FIELDS(outputs)
  };
  const State& Save() const { return state_; }
  void Load(const State& state) { state_ = state; }
  // Whether modes exist and surfaces lie in the memory that may be shown.
  bool CanLoad(const State& state) const;
  void Hash(StateHasher* hasher) const;

 private:
  bool IsBlanked(const Output& output) const;

  Memory* memory_;
  const GrantTable* grants_;
  State state_;
};

}  // namespace ward::device

#endif  // WARD_DEVICE_DISPLAY_H_
