// Drives a chip with every observer on, and leaves in a folder what they wrote: trace.log,
// trace.txt, ward.pcapng, report.json, and in secrets.json what none of them may hold.
// usage: write_observations FOLDER
#include <cstdio>
#include <fstream>
#include <string>

#include "abi/generated/messages.h"
#include "firmware/guid.h"
#include "nlohmann/json.hpp"
#include "tests/unit/boundary/observed_chip.h"

namespace ward::test {
namespace {

template <typename T>
ConstByteSpan Bytes(const T& value) {
  return ConstByteSpan(reinterpret_cast<const uint8_t*>(&value), sizeof(value));
}

std::string Hex(ConstByteSpan bytes) {
  std::string text;
  char digits[3];
  for (const uint8_t byte : bytes) {
    std::snprintf(digits, sizeof(digits), "%02x", byte);
    text += digits;
  }
  return text;
}

class Scenario {
 public:
  explicit Scenario(const emulator::ObserverOptions& options) : chip_(options) {}

  void Run() {
    chip_.chip->WriteConfig(4, 2, 6);
    chip_.chip->WriteMsix(8, 4, 5);
    chip_.StartQueue();
    chip_.PushFence(1);
    chip_.Run();
    SendMessages();
    SendCommands();
    chip_.Read(0x60);
    WARD_ASSERT(chip_.chip->AttachDisplay(1, {.width = 800, .height = 600}).ok());
    chip_.chip->TearDown();
    chip_.chip->Reset(device::ResetKind::kFunction);
  }
  const nlohmann::json& secrets() const { return secrets_; }

 private:
  // The response's bytes [offset, + size) must be nowhere.
  void Hide(const char* name, size_t offset, size_t size) {
    secrets_[name] =
        Hex(ConstByteSpan(chip_.ports.bus.At(ObservedChip::kData + offset, size), size));
  }
  void Send(uint32_t message, ConstByteSpan payload) {
    chip_.PushMessage(message, payload);
    chip_.Run();
  }

  void SendMessages() {
    abi::CreateSessionRequest create = {};
    std::memcpy(create.crypto_type, firmware::kAes128Ctr, sizeof(create.crypto_type));
    std::memcpy(create.key_exchange_type, firmware::kRsaesOaep, sizeof(create.key_exchange_type));
    Send(abi::kMessageCreateSession, Bytes(create));
    session_ = chip_.ports.bus.Load<uint32_t>(ObservedChip::kData + 16);
    Hide("session handle", 24, 8);

    std::vector<uint8_t> negotiate(8 + 256);
    StoreLe(negotiate.data(), session_);
    StoreLe(negotiate.data() + 4, uint32_t{256});
    for (size_t i = 0; i < 256; ++i) negotiate[8 + i] = static_cast<uint8_t>(7 * i + 3);
    Send(abi::kMessageNegotiateSessionKey, negotiate);

    Send(abi::kMessageGetDeviceHandle, std::vector<uint8_t>(8));
    Hide("device handle", 16, 8);
    const uint64_t handle = chip_.ports.bus.Load<uint64_t>(ObservedChip::kData + 16);
    Send(abi::kMessageDestroyDecoder, Bytes(handle));  // carries a handle, and is refused

    Send(abi::kMessageCreateProtectedOutput, Bytes(abi::CreateProtectedOutputRequest{0, 1}));
    const uint32_t output = chip_.ports.bus.Load<uint32_t>(ObservedChip::kData + 16);
    Send(abi::kMessageGetOutputRandom, Bytes(uint64_t{output}));
    Hide("output random", 16, 16);
    Send(200, std::vector<uint8_t>(16, 0x5a));
    chip_.tail = 0;
    chip_.StartQueue();
  }

  void SendCommands() {
    auto fill = fakes::MakeCommand<abi::FillCommand>();
    fill.destination = ObservedChip::kData + 0x1000;
    fill.value = 0x11223344;
    fill.row_bytes = 64;
    fill.row_count = 1;
    chip_.Push(fill);
    auto decrypt =
        fakes::MakeCommand<abi::DecryptBltCommand>(abi::DecryptBltCommand::kFlagContentKey);
    decrypt.session = session_;
    decrypt.length_bytes = 32;
    decrypt.destination = ObservedChip::kData;
    decrypt.source = ObservedChip::kData + 0x2000;
    for (uint8_t i = 0; i < 16; ++i) decrypt.iv[i] = static_cast<uint8_t>(0xf0 + i);
    chip_.Push(decrypt);
    chip_.PushFence(7);
    chip_.Run();
    auto unknown = fakes::MakeCommand<abi::FenceCommand>();
    unknown.opcode = 0x77;
    chip_.Push(unknown);
    chip_.Run();
  }

  ObservedChip chip_;
  uint32_t session_ = 0;
  nlohmann::json secrets_;
};

void Write(const std::string& folder) {
  emulator::ObserverOptions options;
  options.trace_path = folder + "/trace.txt";
  options.pcap_path = folder + "/ward.pcapng";
  options.report_path = folder + "/report.json";
  Scenario scenario(options);
  scenario.Run();
  std::ofstream(folder + "/secrets.json") << scenario.secrets();
  options = {};
  options.trace_path = folder + "/trace.log";
  options.trace_form = emulator::TraceForm::kLog;
  Scenario(options).Run();
}

}  // namespace
}  // namespace ward::test

int main(int argc, char** argv) {
  if (argc != 2) return 2;
  ward::test::Write(argv[1]);
  return 0;
}
