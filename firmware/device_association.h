// What belongs to a device, that is a context, across its channels: its handle and the processes
// that may open its shared resources. Private to the firmware.
#ifndef WARD_FIRMWARE_DEVICE_ASSOCIATION_H_
#define WARD_FIRMWARE_DEVICE_ASSOCIATION_H_

#include <cstdint>

#include "firmware/message.h"

namespace ward::firmware {

// D3D11_1DDI_AUTHENTICATED_PROCESS_IDENTIFIER_TYPE.
inline constexpr uint32_t kProcessDwm = 1;
inline constexpr uint32_t kProcessHandle = 2;

// The context's device; nullptr when it has none yet.
Device* FindDevice(State* state, uint32_t context);
// The context's device, made when it has none. HANDLES_EXHAUSTED, or as MakeHandle.
[[nodiscard]] uint32_t ProvideDevice(const Call& call, Device** device);
void EndDevice(State* state, uint32_t context);

// One that is allowed already stays so. HANDLES_EXHAUSTED when the list is full.
[[nodiscard]] uint32_t AllowProcess(Device* device, const AllowedProcess& process);
void ForbidProcess(Device* device, const AllowedProcess& process);

Answer HandleGetDeviceHandle(const Call& call);
Answer HandleCheckSharedAccess(const Call& call);

}  // namespace ward::firmware

#endif  // WARD_FIRMWARE_DEVICE_ASSOCIATION_H_
