#include "device/pci_config.h"

#include "base/bytes.h"
#include "base/planted_bug.h"

namespace ward::device {
namespace {

// Offsets and bits: PCI Local Bus 3.0 section 6.1, PCI Express Base 4.0 chapter 7.
constexpr uint32_t kCommand = 0x04;
constexpr uint32_t kCommandBusMaster = 1u << 2;
constexpr uint32_t kStatus = 0x06;
constexpr uint32_t kBars = 0x10;
constexpr uint32_t kBarsEnd = 0x28;
constexpr uint32_t kCapabilityPointer = 0x34;
constexpr uint32_t kInterruptLine = 0x3c;

constexpr uint32_t kPowerCapability = 0x40;
constexpr uint32_t kPowerControl = kPowerCapability + 4;
constexpr uint32_t kPowerStateMask = 3;
constexpr uint32_t kPowerD0 = 0;
constexpr uint32_t kPowerD3Hot = 3;

constexpr uint32_t kMsixCapability = 0x50;
constexpr uint32_t kMsixControl = kMsixCapability + 2;
constexpr uint32_t kMsixEnable = 1u << 15;
constexpr uint32_t kMsixFunctionMask = 1u << 14;

constexpr uint32_t kExpressCapability = 0x60;
constexpr uint32_t kExpressDeviceControl = kExpressCapability + 8;
constexpr uint32_t kExpressInitiateReset = 1u << 15;

constexpr uint32_t kVectorMasked = 1;
constexpr uint32_t kMsixEntryBytes = 16;

}  // namespace

PciConfig::PciConfig(uint64_t visible_vram_bytes, InterruptPort* port)
    : visible_vram_bytes_(visible_vram_bytes), port_(port) {
  Reset();
}

void PciConfig::Put(uint32_t offset, uint32_t size_bytes, uint32_t value, uint32_t writable) {
  for (uint32_t i = 0; i < size_bytes; ++i) {
    state_.bytes[offset + i] = static_cast<uint8_t>(value >> (8 * i));
    writable_[offset + i] = static_cast<uint8_t>(writable >> (8 * i));
  }
}

uint32_t PciConfig::Load32(uint32_t offset) const {
  return LoadLe<uint32_t>(state_.bytes.data() + offset);
}

void PciConfig::BuildHeader() {
  Put(0x00, 2, abi::kVendorId);
  Put(0x02, 2, abi::kDeviceId);
  Put(kCommand, 2, 0, 0x0546);  // memory space, bus master, parity, SERR, INTx disable
  Put(kStatus, 2, 0x0010);      // has capabilities
  Put(0x08, 4, abi::kClassCode << 8 | abi::kRevisionId);
  Put(0x0c, 1, 0, 0xff);  // cache line size: the driver's
  Put(kBars + 4 * abi::kRegisterBar, 4, 0, ~(abi::kRegisterBarSize - 1));
  const uint64_t vram_mask = ~(visible_vram_bytes_ - 1);
  Put(kBars + 4 * abi::kVramBar, 4, 0x0c, static_cast<uint32_t>(vram_mask));  // 64-bit prefetchable
  Put(kBars + 4 * abi::kVramBar + 4, 4, 0, static_cast<uint32_t>(vram_mask >> 32));
  Put(kBars + 4 * abi::kMsixBar, 4, 0, ~(abi::kMsixBarSize - 1));
  Put(0x2c, 2, abi::kVendorId);
  Put(0x2e, 2, abi::kDeviceId);
  Put(kCapabilityPointer, 1, kPowerCapability);
  Put(kInterruptLine, 1, 0, 0xff);
}

void PciConfig::BuildCapabilities() {
  Put(kPowerCapability, 2, 0x01 | kMsixCapability << 8);
  Put(kPowerCapability + 2, 2, 0x0003);  // version 1.2, no PME
  // No_Soft_Reset is clear: coming back from D3hot resets the function.
  Put(kPowerControl, 2, kPowerD0, kPowerStateMask);

  Put(kMsixCapability, 2, 0x11 | kExpressCapability << 8);
  Put(kMsixControl, 2, abi::kVectorCount - 1, kMsixEnable | kMsixFunctionMask);
  Put(kMsixCapability + 4, 4, abi::kMsixTableOffset | abi::kMsixBar);
  Put(kMsixCapability + 8, 4, abi::kMsixPbaOffset | abi::kMsixBar);

  Put(kExpressCapability, 2, 0x10);            // last of the list
  Put(kExpressCapability + 2, 2, 0x0002);      // version 2, endpoint
  Put(kExpressCapability + 4, 4, 0x10008000);  // FLR, role-based errors, payload of 128 bytes
  Put(kExpressDeviceControl, 2, 0x2810, 0x7fff);
  Put(kExpressCapability + 0x0c, 4, 0x11);  // link: 2.5 GT/s, one lane
  Put(kExpressCapability + 0x10, 2, 0, 0x0043);
  Put(kExpressCapability + 0x12, 2, 0x0011);
}

void PciConfig::Reset() {
  state_ = State{};
  BuildHeader();
  BuildCapabilities();
}

void PciConfig::ResetKeepingBars() {
  const auto before = state_.bytes;
  Reset();
  for (uint32_t i = kBars; i < kBarsEnd; ++i) state_.bytes[i] = before[i];
}

void PciConfig::DropPending() { state_.pending = 0; }

uint32_t PciConfig::Read(uint32_t offset, uint32_t size_bytes) const {
  const bool known_size = size_bytes == 1 || size_bytes == 2 || size_bytes == 4;
  if (!known_size || offset % size_bytes != 0 || !RangeFits(offset, size_bytes, kConfigBytes)) {
    return 0xffffffff;
  }
  uint32_t value = 0;
  for (uint32_t i = 0; i < size_bytes && offset + i < kHeaderBytes; ++i) {
    value |= uint32_t{state_.bytes[offset + i]} << (8 * i);
  }
  return value;
}

PciConfig::Action PciConfig::Write(uint32_t offset, uint32_t size_bytes, uint32_t value) {
  const bool known_size = size_bytes == 1 || size_bytes == 2 || size_bytes == 4;
  if (!known_size || offset % size_bytes != 0 || !RangeFits(offset, size_bytes, kHeaderBytes)) {
    return Action::kNone;
  }
  const uint32_t power_before = state_.bytes[kPowerControl] & kPowerStateMask;
  Action action = Action::kNone;
  for (uint32_t i = 0; i < size_bytes; ++i) {
    const uint32_t at = offset + i;
    const auto byte = static_cast<uint8_t>(value >> (8 * i));
    if (at == kExpressDeviceControl + 1 && (byte & kExpressInitiateReset >> 8) != 0) {
      action = Action::kResetFunction;
    }
    state_.bytes[at] =
        static_cast<uint8_t>((state_.bytes[at] & ~writable_[at]) | (byte & writable_[at]));
  }
  const uint32_t power = state_.bytes[kPowerControl] & kPowerStateMask;
  if (power != kPowerD0 && power != kPowerD3Hot) {
    // D1 and D2 are not offered: such a write changes nothing.
    state_.bytes[kPowerControl] =
        static_cast<uint8_t>((state_.bytes[kPowerControl] & ~kPowerStateMask) | power_before);
  } else if (power_before == kPowerD3Hot && power == kPowerD0) {
    action = Action::kResetFunction;
  }
  if (action == Action::kNone) SendPending();
  return action;
}

uint32_t PciConfig::ReadMsix(uint64_t offset, uint32_t size_bytes) const {
  if (size_bytes != 4 || offset % 4 != 0) return 0;
  if (offset == abi::kMsixPbaOffset) return state_.pending;
  const uint64_t vector = (offset - abi::kMsixTableOffset) / kMsixEntryBytes;
  if (vector >= abi::kVectorCount) return 0;
  const State::Vector& entry = state_.vectors[vector];
  switch (offset % kMsixEntryBytes) {
    case 0:
      return entry.address_low;
    case 4:
      return entry.address_high;
    case 8:
      return entry.data;
    default:
      return entry.control;
  }
}

void PciConfig::WriteMsix(uint64_t offset, uint32_t size_bytes, uint32_t value) {
  if (size_bytes != 4 || offset % 4 != 0) return;
  const uint64_t vector = (offset - abi::kMsixTableOffset) / kMsixEntryBytes;
  if (vector >= abi::kVectorCount) return;
  State::Vector& entry = state_.vectors[vector];
  switch (offset % kMsixEntryBytes) {
    case 0:
      entry.address_low = value & ~3u;
      break;
    case 4:
      entry.address_high = value;
      break;
    case 8:
      entry.data = value;
      break;
    default:
      entry.control = value & kVectorMasked;
      if (!HasPlantedBug(PlantedBug::kUnmaskedVectorWaits)) SendPending();
      break;
  }
}

bool PciConfig::PoweredDown() const {
  return (state_.bytes[kPowerControl] & kPowerStateMask) == kPowerD3Hot;
}

bool PciConfig::CanSend(uint32_t vector) const {
  const bool is_masked = (state_.vectors[vector].control & kVectorMasked) != 0;
  return ((Load32(kMsixCapability) >> 16 & kMsixFunctionMask) == 0 ||
          HasPlantedBug(PlantedBug::kFunctionMaskIgnored)) &&
         ((Load32(kCommand) & kCommandBusMaster) != 0 ||
          HasPlantedBug(PlantedBug::kBusMasterIgnored)) &&
         !PoweredDown() && (!is_masked || HasPlantedBug(PlantedBug::kVectorMaskIgnored));
}

void PciConfig::SendVector(uint32_t vector) {
  const bool enabled = (Load32(kMsixCapability) >> 16 & kMsixEnable) != 0;
  if (enabled && !CanSend(vector)) {
    if (!HasPlantedBug(PlantedBug::kMaskedVectorLost)) state_.pending |= 1u << vector;
    return;
  }
  port_->SendVector(vector);
}

void PciConfig::SendPending() {
  if ((Load32(kMsixCapability) >> 16 & kMsixEnable) == 0) return;
  for (uint32_t vector = 0; vector < abi::kVectorCount; ++vector) {
    const uint32_t bit = 1u << vector;
    if ((state_.pending & bit) == 0 || !CanSend(vector)) continue;
    state_.pending &= ~bit;
    port_->SendVector(vector);
  }
}

bool PciConfig::CanLoad(const State& state) const {
  const PciConfig fresh(visible_vram_bytes_, port_);
  for (uint32_t i = 0; i < kHeaderBytes; ++i) {
    if (((state.bytes[i] ^ fresh.state_.bytes[i]) & ~writable_[i]) != 0) return false;
  }
  for (const State::Vector& vector : state.vectors) {
    if ((vector.address_low & 3) != 0 || (vector.control & ~kVectorMasked) != 0) return false;
  }
  const uint32_t power = state.bytes[kPowerControl] & kPowerStateMask;
  return (power == kPowerD0 || power == kPowerD3Hot) &&
         (abi::kVectorCount == 32 || state.pending >> abi::kVectorCount % 32 == 0);
}

void PciConfig::Hash(StateHasher* hasher) const { WalkState(*hasher, state_); }

}  // namespace ward::device
