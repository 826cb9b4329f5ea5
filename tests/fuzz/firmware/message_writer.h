// Messages as the input asks for them: well-formed by the ABI's table where it says no more than
// one byte, any bytes where it says so.
#ifndef WARD_TESTS_FUZZ_FIRMWARE_MESSAGE_WRITER_H_
#define WARD_TESTS_FUZZ_FIRMWARE_MESSAGE_WRITER_H_

#include <cstdint>
#include <vector>

#include "abi/generated/messages.h"
#include "firmware/firmware.h"
#include "tests/fuzz/firmware/fuzz_platform.h"
#include "tests/fuzz/input_reader.h"

namespace ward::fuzz {

struct FirmwareMessage {
  uint32_t number = 0;
  uint32_t context = 0;
  uint32_t payload_bytes = 0;  // as the sender said
  uint32_t response_capacity = 0;
  std::vector<uint8_t> payload;
};

class MessageWriter {
 public:
  // Both outlive this: live sessions, channels and handles are looked up there.
  MessageWriter(const firmware::State* state, const FuzzPlatform* platform)
      : state_(state), platform_(platform) {}

  FirmwareMessage Write(InputReader* input);

 private:
  void WriteField(const abi::FieldInfo& field, InputReader* input);
  void WriteNumber(const abi::FieldInfo& field, uint8_t choice);
  void WriteVariablePart(InputReader* input);
  void WriteBlob(InputReader* input);
  void WriteTrustedInput(InputReader* input);
  void WriteChannelStructure(InputReader* input);
  void WriteOutputStructure(InputReader* input);
  void WriteRawPart(InputReader* input);
  uint32_t Load32(uint32_t offset) const {
    return LoadLe<uint32_t>(message_.payload.data() + offset);
  }
  uint8_t* Extend(uint32_t size_bytes);

  const firmware::State* state_;
  const FuzzPlatform* platform_;
  const abi::MessageInfo* info_ = nullptr;
  FirmwareMessage message_;
  bool spoils_reserved_ = false;
};

}  // namespace ward::fuzz

#endif  // WARD_TESTS_FUZZ_FIRMWARE_MESSAGE_WRITER_H_
