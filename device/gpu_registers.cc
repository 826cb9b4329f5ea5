// What reads and writes of BAR0 do.
#include "abi/generated/registers.h"
#include "device/gpu_implementation.h"

namespace ward::device {
namespace {

constexpr uint32_t kAccessBytes = 4;

}  // namespace

uint32_t GpuImplementation::ReadRegister(uint64_t offset, uint32_t size_bytes) {
  if (config_.PoweredDown()) return 0xffffffff;
  const RegisterPlace place = RegisterFile::Find(offset);
  if (size_bytes != kAccessBytes || place.info == nullptr) {
    ports_.trace->OnEvent({"unmodelled access", "read", {offset, size_bytes, 0}});
    return 0;
  }
  return ReadPlace(place, static_cast<uint32_t>(offset));
}

uint32_t GpuImplementation::HeldRegister(uint64_t offset) const {
  return RegisterFile::Holds(offset) ? registers_.Get(static_cast<uint32_t>(offset)) : 0;
}

uint32_t GpuImplementation::ReadPlace(const RegisterPlace& place, uint32_t offset) {
  switch (place.info->offset) {
    case abi::kRegTimestampLo:
      return ReadTimestampLow();
    case abi::kRegKeyEpoch:
      return security_->key_epoch();
    case abi::kRegDeviceStatus:
      return security_->firmware_state();
    case abi::kRegQueueStatus:
      return processor_->QueueStatus(place.block);
    case abi::kRegOutputControl:
    case abi::kRegOutputMode:
    case abi::kRegOutputModeCount:
    case abi::kRegOutputStatus:
    case abi::kRegOutputFlipCount:
    case abi::kRegOutputSize:
    case abi::kRegOutputLink:
    case abi::kRegOutputHotplugCount:
    case abi::kRegOutputVblankCount:
    case abi::kRegOutputRefreshRate:
    case abi::kRegOutputCursorPosition:
    case abi::kRegOutputModeSize:
      return display_.ReadRegister(
          place.block, offset - abi::kRegOutputControl - place.block * abi::kOutputBlockStride);
    case abi::kRegOutputEdid:
      return display_.ReadEdid(place.block, place.element);
    case abi::kRegDoorbell:
      return 0;
    default:
      return registers_.Get(offset);
  }
}

uint32_t GpuImplementation::ReadTimestampLow() {
  const uint64_t now = ports_.clock->NowNs();
  registers_.Set64(abi::kRegTimestampLo, now);  // the high half stays until the next read
  return static_cast<uint32_t>(now);
}

void GpuImplementation::WriteRegister(uint64_t offset, uint32_t size_bytes, uint32_t value) {
  if (config_.PoweredDown()) return;
  const RegisterPlace place = RegisterFile::Find(offset);
  if (size_bytes != kAccessBytes || place.info == nullptr) {
    ports_.trace->OnEvent({"unmodelled access", "write", {offset, size_bytes, 0}});
    return;
  }
  WritePlace(place, static_cast<uint32_t>(offset), value);
}

void GpuImplementation::WritePlace(const RegisterPlace& place, uint32_t offset, uint32_t value) {
  const abi::RegisterAccess access = place.info->access;
  if (access == abi::RegisterAccess::kRo || access == abi::RegisterAccess::kRaz) return;
  switch (place.info->offset) {
    case abi::kRegDeviceControl:
      return WriteDeviceControl(value);
    case abi::kRegInterruptCause:
      return interrupts_.ClearCauses(value);
    case abi::kRegInterruptEnable:
      interrupts_.SetEnable(value);
      return display_.EnableVblankCauses(registers_.Get(abi::kRegInterruptEnable));
    case abi::kRegInterruptModeration:
      return interrupts_.SetModeration(value);
    case abi::kRegQueueControl:
      return processor_->WriteControl(place.block, value);
    case abi::kRegRingBaseLo:
    case abi::kRegRingBaseHi:
    case abi::kRegRingSizeLog2:
    case abi::kRegQueueContext:
    case abi::kRegFenceAddressLo:
    case abi::kRegFenceAddressHi:
    case abi::kRegQueuePriority:
    case abi::kRegQueueTimeout:
      return WriteQueueConfiguration(place.block, offset, value);
    case abi::kRegOutputControl:
    case abi::kRegOutputMode:
    case abi::kRegOutputCursorPosition:
      return display_.WriteRegister(
          place.block, offset - abi::kRegOutputControl - place.block * abi::kOutputBlockStride,
          value);
    case abi::kRegDoorbell:
      return processor_->RingDoorbell(place.block, value);
    default:
      return registers_.SetWritable(offset, value);
  }
}

void GpuImplementation::WriteQueueConfiguration(uint32_t queue, uint32_t offset, uint32_t value) {
  if (processor_->ConfigurationIsOpen(queue)) registers_.SetWritable(offset, value);
}

void GpuImplementation::WriteDeviceControl(uint32_t value) {
  if ((value & abi::kDeviceControlResetFunctionMask) != 0) {
    ResetFunction();
  } else if ((value & abi::kDeviceControlResetEnginesMask) != 0) {
    processor_->ResetEngines();
  }
}

void GpuImplementation::WriteConfig(uint32_t offset, uint32_t size_bytes, uint32_t value) {
  if (config_.Write(offset, size_bytes, value) == PciConfig::Action::kResetFunction) {
    Reset(ResetKind::kFunction);
  }
}

}  // namespace ward::device
