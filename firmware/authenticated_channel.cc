#include "firmware/authenticated_channel.h"

namespace ward::firmware {

// No channel, decoder or handle can be made yet, so there is none to be found either.
Answer HandleCreateChannel(const Call&) { return Refuse(abi::kStatusHandlesExhausted); }
Answer HandleGetDeviceHandle(const Call&) { return Refuse(abi::kStatusHandlesExhausted); }
Answer HandleCreateDecoder(const Call&) { return Refuse(abi::kStatusHandlesExhausted); }
Answer HandleDestroyChannel(const Call&) { return Refuse(abi::kStatusChannelInvalid); }
Answer HandleDestroyDecoder(const Call&) { return Refuse(abi::kStatusChannelInvalid); }
Answer HandleNegotiateChannelKey(const Call&) { return Refuse(abi::kStatusChannelInvalid); }
Answer HandleQueryChannel(const Call&) { return Refuse(abi::kStatusChannelInvalid); }
Answer HandleConfigureChannel(const Call&) { return Refuse(abi::kStatusChannelInvalid); }
Answer HandleStartKeyRefresh(const Call&) { return Refuse(abi::kStatusMessageUnimplemented); }
Answer HandleFinishKeyRefresh(const Call&) { return Refuse(abi::kStatusMessageUnimplemented); }

}  // namespace ward::firmware
