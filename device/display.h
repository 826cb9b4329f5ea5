// Outputs: modes, flip, vblank, cursor, scan-out, the display at each and the link to it.
#ifndef WARD_DEVICE_DISPLAY_H_
#define WARD_DEVICE_DISPLAY_H_

#include <cstdint>

#include "abi/generated/commands.h"
#include "abi/generated/registers.h"
#include "base/result.h"
#include "base/state_fields.h"
#include "device/address_space.h"
#include "device/cursor.h"
#include "device/display_mode.h"
#include "device/flow_rule.h"
#include "device/gpu.h"
#include "device/grant_table.h"
#include "device/hdcp_link.h"
#include "device/memory.h"
#include "device/ports.h"
#include "device/vblank_clock.h"

namespace ward::device {

class Display {
 public:
  static constexpr uint32_t kOutputCount = kGpuOutputCount;
  static_assert(kOutputCount == abi::kOutputBlockCount && kOutputCount == abi::kEdidBlockCount);

  // All outlive the display. Every output has the display of GpuOptions by default.
  Display(Memory* memory, const GrantTable* grants, ClockPort* clock,
          const GpuOptions& options = GpuOptions());

  // FLIP; says whether the surface is shown already, or else from the next vblank on.
  // OUTPUT_INVALID, OPERAND_INVALID, SCANOUT_REFUSED, address faults.
  Result<bool> Flip(const abi::FlipCommand& command, const AddressSpace& kernel);
  // CURSOR. OUTPUT_INVALID and what Cursor::Set answers.
  Result<void> SetCursor(const abi::CursorCommand& command, const AddressSpace& kernel);

  // Registers of the OUTPUT block by `offset` from the block of `output`, and of the EDID block. An
  // output that does not exist reads 0.
  uint32_t ReadRegister(uint32_t output, uint32_t offset) const;
  void WriteRegister(uint32_t output, uint32_t offset, uint32_t value);
  uint32_t ReadEdid(uint32_t output, uint32_t element) const;
  // Which outputs' vblanks are told by causes; bits of INTERRUPT_ENABLE.
  void EnableVblankCauses(uint32_t enabled_causes);

  ScanoutInfo Scanout(uint32_t output) const;
  // Of an output that exists.
  const HdcpLink& link(uint32_t output) const { return state_.outputs[output].link; }
  DisplayMode CurrentMode(uint32_t output) const { return state_.outputs[output].size; }
  void EnableLink(uint32_t output, uint64_t now_ns, uint64_t negotiation_ns) {
    state_.outputs[output].link.Enable(now_ns, negotiation_ns);
  }
  void DisableLink(uint32_t output) { state_.outputs[output].link.Disable(); }
  // Ignores an output that does not exist.
  void SetLinkFault(uint32_t output, LinkFault fault);
  // INVALID_ARGUMENT as Gpu::AttachDisplay.
  Result<void> AttachDisplay(uint32_t output, const AttachedDisplay& display);

  // OUTPUT_INVALID, OPERAND_INVALID.
  Result<VblankWait> CheckWait(const abi::WaitVblankCommand& command) const;
  // When a checked wait will be over; 0: it is.
  uint64_t TimeOf(const VblankWait& wait) const;

  // Does what is due by now: negotiations of links, flips that wait for their vblank, vblanks that
  // are told by causes.
  void Advance();
  // When Advance has something to do; 0: nothing waits for time.
  uint64_t WakeupNs() const;
  // Causes (bits of INTERRUPT_CAUSE) of what happened since it was asked last. Those of flips that
  // took effect at once are not among them.
  uint32_t TakeCauses();

  // Whether the output shows at least one protected page of `owner`.
  bool Shows(uint32_t output, PageOwner owner) const;
  bool ReadScanout(uint32_t output, ScanoutView view, ByteSpan pixels, uint32_t pitch) const;

  // As new; displays and cables are the host's and stay.
  void Reset();
  struct Surface {
    uint64_t local_address = 0;  // checked by Flip, looked up again at each scan-out
    uint32_t pitch = 0;
    bool full_screen = false;  // of the flip

    WARD_STATE_FIELDS(local_address, pitch, full_screen)
  };
  struct Output {
    bool enabled = false;
    uint32_t mode = 0;
    DisplayMode size = kStandardModes[0];  // of the mode, when it was set
    bool active = false;
    Surface surface;
    bool flip_waits = false;
    Surface next_surface;
    uint64_t flip_vblank = 0;  // count at which the next surface is shown
    uint32_t flip_count = 0;
    VblankClock vblank;
    bool tells_vblanks = false;
    uint64_t told_vblank = 0;
    Cursor cursor;
    AttachedDisplay display;
    uint32_t hotplug_count = 0;
    HdcpLink link;
    uint16_t told_changes = 0;  // of the link

    WARD_STATE_FIELDS(enabled, mode, size, active, surface, flip_waits, next_surface, flip_vblank,
                      flip_count, vblank, tells_vblanks, told_vblank, cursor, display,
                      hotplug_count, link, told_changes)
  };
  struct State {
    Output outputs[kOutputCount];
    uint32_t causes = 0;  // not yet taken

    WARD_STATE_FIELDS(outputs, causes)
  };
  const State& Save() const { return state_; }
  void Load(const State& state) { state_ = state; }
  // Whether modes exist and surfaces lie in the memory that may be shown.
  bool CanLoad(const State& state) const;
  void Hash(StateHasher* hasher) const;

 private:
  bool IsBlanked(const Output& output) const;
  // An index that has no mode has size 0 x 0.
  DisplayMode ModeOf(const Output& output, uint32_t index) const;
  void SetEnabled(Output* output, bool enabled);
  void SetMode(Output* output, uint32_t index);

  Memory* memory_;
  const GrantTable* grants_;
  ClockPort* clock_;
  State state_;
};

}  // namespace ward::device

#endif  // WARD_DEVICE_DISPLAY_H_
