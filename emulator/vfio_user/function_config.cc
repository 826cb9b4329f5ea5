#include "emulator/vfio_user/function_config.h"

#include "base/assert.h"

namespace ward::emulator {
namespace {

// PCI Local Bus 3.0 section 6.7 and appendix H; PCI Express Base 4.0 section 7.5.3.
constexpr uint32_t kCommand = 0x04;
constexpr uint8_t kBusMaster = 0x04;
constexpr uint32_t kFirstCapability = 0x34;
constexpr uint8_t kPowerManagement = 0x01;
constexpr uint8_t kExpress = 0x10;
constexpr uint8_t kMsix = 0x11;
constexpr uint16_t kMsixWritable = 0xc000;  // enable, function mask
constexpr uint8_t kInitiateReset = 0x80;    // in the upper byte of the Express device control
constexpr uint8_t kPowerState = 0x03;

// The byte of `data`, written at `offset`, that lands at `at`; -1 when none does.
int ByteAt(uint32_t offset, ConstByteSpan data, uint32_t at) {
  return at >= offset && at - offset < data.size() ? data[at - offset] : -1;
}

}  // namespace

FunctionConfig::FunctionConfig(Boundary* boundary)
    : boundary_(boundary),
      msix_control_offset_(FindCapability(kMsix) + 2),
      express_control_offset_(FindCapability(kExpress) + 8),
      power_control_offset_(FindCapability(kPowerManagement) + 4) {}

uint32_t FunctionConfig::FindCapability(uint8_t id) {
  uint32_t at = boundary_->gpu().ReadConfig(kFirstCapability, 1);
  while (at != 0 && boundary_->gpu().ReadConfig(at, 1) != id) {
    at = boundary_->gpu().ReadConfig(at + 1, 1);
  }
  WARD_ASSERT(at != 0);
  return at;
}

uint32_t FunctionConfig::PieceSize(uint32_t offset, size_t left) {
  if (offset % 4 == 0 && left >= 4) return 4;
  return offset % 2 == 0 && left >= 2 ? 2 : 1;
}

void FunctionConfig::Read(uint32_t offset, ByteSpan data) {
  for (size_t at = 0; at < data.size();) {
    const uint32_t size = PieceSize(offset + static_cast<uint32_t>(at), data.size() - at);
    const uint32_t value = boundary_->ReadConfig(offset + static_cast<uint32_t>(at), size);
    for (uint32_t i = 0; i < size; ++i) data[at + i] = static_cast<uint8_t>(value >> (8 * i));
    at += size;
  }
  const uint32_t upper = msix_control_offset_ + 1;
  if (ByteAt(offset, data, upper) >= 0) {
    data[upper - offset] = static_cast<uint8_t>(data[upper - offset] | msix_control_ >> 8);
  }
}

bool FunctionConfig::ResetsFunction(uint32_t offset, ConstByteSpan data) {
  const int express = ByteAt(offset, data, express_control_offset_ + 1);
  if (express >= 0 && (express & kInitiateReset) != 0) return true;
  const int power = ByteAt(offset, data, power_control_offset_);
  const uint32_t before = boundary_->gpu().ReadConfig(power_control_offset_, 1) & kPowerState;
  return power >= 0 && (power & kPowerState) == 0 && before != 0;
}

bool FunctionConfig::ResetsOrPowers(uint32_t offset, ConstByteSpan data) const {
  const int express = ByteAt(offset, data, express_control_offset_ + 1);
  return (express >= 0 && (express & kInitiateReset) != 0) ||
         ByteAt(offset, data, power_control_offset_) >= 0;
}

bool FunctionConfig::StopsBusMaster(uint32_t offset, ConstByteSpan data) {
  const int command = ByteAt(offset, data, kCommand);
  return command >= 0 && (command & kBusMaster) == 0;
}

bool FunctionConfig::Write(uint32_t offset, ConstByteSpan data) {
  const bool resets = ResetsFunction(offset, data);
  for (size_t at = 0; at < data.size();) {
    const uint32_t place = offset + static_cast<uint32_t>(at);
    const uint32_t size = PieceSize(place, data.size() - at);
    uint32_t value = 0;
    for (uint32_t i = 0; i < size; ++i) {
      uint8_t byte = data[at + i];
      if (place + i == msix_control_offset_ + 1) {
        msix_control_ = static_cast<uint16_t>(byte << 8 & kMsixWritable);
        byte = static_cast<uint8_t>(byte & ~(kMsixWritable >> 8));
      }
      value |= uint32_t{byte} << (8 * i);
    }
    boundary_->WriteConfig(place, size, value);
    at += size;
  }
  if (resets) OnReset();
  return resets;
}

}  // namespace ward::emulator
