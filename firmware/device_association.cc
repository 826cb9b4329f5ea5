#include "firmware/device_association.h"

#include "base/planted_bug.h"
#include "base/rule.h"
#include "firmware/handle_source.h"

namespace ward::firmware {
namespace {

// Its place in the list; process_count when it is not there.
uint32_t FindProcess(const Device& device, const AllowedProcess& process) {
  uint32_t index = 0;
  for (; index < device.process_count; ++index) {
    const AllowedProcess& allowed = device.processes[index];
    if (allowed.type == process.type && allowed.handle == process.handle) break;
  }
  return index;
}

}  // namespace

Device* FindDevice(State* state, uint32_t context) {
  for (Device& device : state->devices) {
    if (device.handle != 0 && device.context == context) return &device;
  }
  return nullptr;
}

uint32_t ProvideDevice(const Call& call, Device** device) {
  *device = FindDevice(call.state, call.message.context);
  if (*device != nullptr) return abi::kStatusOk;
  for (Device& free : call.state->devices) {
    if (free.handle != 0) continue;
    uint64_t handle = 0;
    const uint32_t status = MakeHandle(call, &handle);
    if (status != abi::kStatusOk) return status;
    free = Device{};
    free.handle = WARD_BROKEN("8.5.device_handle_new") ? 5 : handle;
    free.context = call.message.context;
    *device = &free;
    return abi::kStatusOk;
  }
  return abi::kStatusHandlesExhausted;
}

void EndDevice(State* state, uint32_t context) {
  if (Device* device = FindDevice(state, context)) *device = Device{};
}

uint32_t AllowProcess(Device* device, const AllowedProcess& process) {
  const uint32_t index = FindProcess(*device, process);
  if (WARD_RULE("8.5.process_once", index < device->process_count)) return abi::kStatusOk;
  if (device->process_count == kAllowedProcessCount) {
    return WARD_BROKEN("8.5.process_list_full") ? abi::kStatusOk : abi::kStatusHandlesExhausted;
  }
  device->processes[device->process_count] = process;
  ++device->process_count;
  return abi::kStatusOk;
}

void ForbidProcess(Device* device, const AllowedProcess& process) {
  uint32_t index = FindProcess(*device, process);
  if (index == device->process_count) return;
  --device->process_count;
  for (; index < device->process_count; ++index) {
    device->processes[index] = device->processes[index + 1];
  }
  device->processes[index] = AllowedProcess{};
}

Answer HandleGetDeviceHandle(const Call& call) {
  Device* device = nullptr;
  const uint32_t status = ProvideDevice(call, &device);
  if (status != abi::kStatusOk) return Refuse(status);
  abi::GetDeviceHandleResponse response = {};
  if (HasPlantedBug(PlantedBug::kHandleOfFirstDevice)) device = &call.state->devices[0];
  response.handle = device->handle;
  return SucceedWith(call, response);
}

Answer HandleCheckSharedAccess(const Call& call) {
  const auto request = ReadRequest<abi::CheckSharedAccessRequest>(call);
  AllowedProcess process = {};
  process.type = request.process_type;
  process.handle = process.type == kProcessDwm ? 0 : request.process;
  const Device* device = FindDevice(call.state, request.context);
  const bool is_listed = device != nullptr && FindProcess(*device, process) < device->process_count;
  abi::CheckSharedAccessResponse response = {};
  response.is_allowed = WARD_RULE("8.5.process_listed", !is_listed) ? 0 : 1;
  return SucceedWith(call, response);
}

}  // namespace ward::firmware
