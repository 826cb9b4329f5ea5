// A booted firmware with one session of HW_PROTECTION, and calls of its trusted application.
#ifndef WARD_TESTS_UNIT_FIRMWARE_HARDWARE_FIRMWARE_H_
#define WARD_TESTS_UNIT_FIRMWARE_HARDWARE_FIRMWARE_H_

#include "catch2/catch_test_macros.hpp"
#include "tests/unit/firmware/booted_firmware.h"

namespace ward::firmware {

// {B1170D8A-628D-4DA3-AD3B-82DDB08B4970}
inline constexpr Block kHwGuid = {0x8a, 0x0d, 0x17, 0xb1, 0x8d, 0x62, 0xa3, 0x4d,
                                  0xad, 0x3b, 0x82, 0xdd, 0xb0, 0x8b, 0x49, 0x70};
inline constexpr Block kName = {1, 2, 3};
inline constexpr Block kOtherName = {4, 5, 6};
inline constexpr uint32_t kVersion = 0;
inline constexpr uint32_t kRandom = 1;
inline constexpr uint32_t kImport = 2;
inline constexpr uint32_t kEcho = 3;
inline constexpr uint32_t kNotImplemented = 0x80004001;
inline constexpr uint32_t kInvalidArgument = 0x80070057;

inline Payload Joined(Payload first, const Payload& second) {
  first.insert(first.end(), second.begin(), second.end());
  return first;
}

struct HardwareFirmware : BootedFirmware {
  HardwareFirmware() : session(CreateHardware()) {}

  uint32_t CreateHardware(uint32_t context = 1) {
    const Reply reply =
        Send(abi::kMessageCreateSession, CreatePayload(kAesGuid, {}, kHwGuid), context);
    return reply.status == abi::kStatusOk ? reply.Word(16) : 0;
  }
  Reply Call(uint32_t function, const Payload& input, uint32_t output_capacity = 1024,
             uint32_t capacity = 4096) {
    const auto input_bytes = static_cast<uint32_t>(input.size());
    return Send(abi::kMessageCallTrusted,
                Joined(Words({session, function, input_bytes, output_capacity}), input), 1,
                capacity);
  }
  static Payload NamePayload(uint32_t session, const Block& name) {
    return Joined(Words({session, 0}), Payload(name.begin(), name.end()));
  }
  Reply NewKeyData(const Block& name) {
    return Send(abi::kMessageGetNewKeyData, NamePayload(session, name));
  }
  uint64_t Token(const Block& name) {
    const Reply reply = NewKeyData(name);
    REQUIRE(reply.status == abi::kStatusOk);
    return LoadLe<uint64_t>(reply.bytes.data() + 16);
  }
  uint32_t Select(const Block& name) {
    return Send(abi::kMessageSelectKey, NamePayload(session, name)).status;
  }
  // The fake's blob: a mark and the plaintext.
  static Payload ImportInput(const Block& name, uint64_t token, const Block& key) {
    Payload input(16 + 256);
    std::memcpy(input.data(), name.data(), name.size());
    input[16] = FakePlatform::kGoodBlobMark;
    StoreLe(input.data() + 17, token);
    std::memcpy(input.data() + 17 + 16, key.data(), key.size());
    return input;
  }
  uint32_t Import(const Payload& input) {
    const Reply reply = Call(kImport, input);
    REQUIRE(reply.status == abi::kStatusOk);
    CHECK(reply.Word(20) == 0);
    return reply.Word(16);
  }
  uint32_t Import(const Block& name, const Block& key) {
    return Import(ImportInput(name, Token(name), key));
  }
  const Block& SelectedKey() { return SlotAt(GrantOf(session).content_slot).key; }

  uint32_t session;
};

}  // namespace ward::firmware

#endif  // WARD_TESTS_UNIT_FIRMWARE_HARDWARE_FIRMWARE_H_
