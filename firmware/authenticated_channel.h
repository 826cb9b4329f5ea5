// Authenticated channels: birth, key, death. Private to the firmware.
#ifndef WARD_FIRMWARE_AUTHENTICATED_CHANNEL_H_
#define WARD_FIRMWARE_AUTHENTICATED_CHANNEL_H_

#include <cstdint>

#include "firmware/message.h"

namespace ward::firmware {

// D3D11_1DDI_AUTHENTICATED_CHANNEL_TYPE. Type 1 is the runtime's own and never gets here.
inline constexpr uint32_t kChannelSoftware = 2;
inline constexpr uint32_t kChannelHardware = 3;
constexpr bool IsChannelType(uint32_t type) {
  return type == kChannelSoftware || type == kChannelHardware;
}

// The channel's name at the key vault.
constexpr uint32_t KeyOwner(const Channel& channel) { return channel.number | 0x8000; }

// The channel of that number if `context` owns it; nullptr, for whatever reason, otherwise.
Channel* FindChannel(State* state, uint32_t number, uint32_t context);
// True when the channel's key failed its check word: it answers KEY_DAMAGED until it is destroyed.
bool IsLost(Platform* platform, const Channel& channel);
// Why the channel is good for nothing but its end: KEY_DAMAGED, SESSION_LOST (tear-down), or OK.
uint32_t FindLoss(Platform* platform, const Channel& channel);
// PROTECTION_FLAGS that the context's channels ask for, together.
uint32_t ProtectionOf(const State& state, uint32_t context);
// Lets the scan-out know them, for every session of the context: after each change.
void ShareProtection(Platform* platform, State* state, uint32_t context);
// Wipes its key; the protection that it asked for ends with it.
void EndChannel(Platform* platform, Channel* channel);
// Tear-down: its key is wiped and it stays, lost, until it is destroyed. What it asked of the
// device's protection stays too.
void LoseChannel(Platform* platform, Channel* channel);

Answer HandleCreateChannel(const Call& call);
Answer HandleDestroyChannel(const Call& call);
Answer HandleNegotiateChannelKey(const Call& call);

}  // namespace ward::firmware

#endif  // WARD_FIRMWARE_AUTHENTICATED_CHANNEL_H_
