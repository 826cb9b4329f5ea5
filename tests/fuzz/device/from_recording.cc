// Makes first inputs of what a real driver did: of each five commands and messages of a recording
// one input, in the grammar's moves. usage: device_from_recording RECORDING FOLDER
//
// What the driver called things by is its own: sessions become those of the base, an address a page
// of the window of its kind, as far as commands tell which kind that is.
#include <fmt/format.h>

#include <algorithm>
#include <cstdint>
#include <cstdio>
#include <cstring>
#include <filesystem>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "abi/generated/commands.h"
#include "abi/generated/messages.h"
#include "abi/generated/pci.h"
#include "emulator/boundary/replayer.h"
#include "emulator/recording/recording_reader.h"
#include "tests/fuzz/device/grammar.h"
#include "tests/fuzz/device/layout.h"
#include "tests/fuzz/whole_file.h"

namespace ward::fuzz {
namespace {

constexpr size_t kMostPackets = 5;  // of an input; with the runs between, all its moves are played
constexpr size_t kPacketsOfRun = 4;
// Windows of operands, as the grammar numbers them (grammar_commands.cc).
constexpr uint8_t kSystem = 0;
constexpr uint8_t kFreeVram = 1;
constexpr uint8_t kProtectedVram = 2;
// About a session that there is, with a blob that opens.
constexpr uint8_t kUsualMessage = 0x27;

class InputWriter final : public TraceSink {
 public:
  const std::vector<std::vector<uint8_t>>& Finish() {
    EndInput();
    return inputs_;
  }

  void OnEvent(const TraceEvent&) override {}

  void OnPacket(const TracePacket& packet) override {
    if (packet.kind == TracePacket::Kind::kAnswer) return;
    if (packets_ == kMostPackets) EndInput();
    if (bytes_.empty()) bytes_.push_back(0);
    const bool is_message = packet.kind == TracePacket::Kind::kMessage;
    // A message is told twice: as the command that brings it, and by itself.
    if (!is_message && packet.number == abi::SecurityMessageCommand::kOpcode) return;
    if (is_message ? !AddMessage(packet) : !AddCommand(packet)) return;
    ++packets_;
    if (is_message || packets_ % kPacketsOfRun == 0) Run();
  }

 private:
  void Byte(uint64_t byte) { bytes_.push_back(static_cast<uint8_t>(byte)); }
  void Begin(Move move, uint32_t queue) {
    Byte(static_cast<uint8_t>(move));
    // The kernel's queue stays that; of the user's the base has two of one context.
    Byte(queue == 0 ? 0 : 1 + queue % 2);
  }
  void Run() {
    Byte(static_cast<uint8_t>(Move::kRunOn));
    Byte(1);
  }
  void EndInput() {
    if (packets_ != 0) {
      Run();
      inputs_.push_back(bytes_);
    }
    bytes_.clear();
    packets_ = 0;
  }

  void Number(uint64_t value) {
    if (value < kLargeNumber) return Byte(value);
    const uint64_t held = std::min<uint64_t>(value, UINT16_MAX);
    Byte(kLargeNumber);
    Byte(held);
    Byte(held >> 8);
  }

  uint8_t KindOf(const abi::CommandInfo& info, const abi::FieldInfo& field, uint32_t queue,
                 uint64_t address) {
    if (queue == 0) {
      if ((address & abi::kPhysicalLocal) == 0) return kSystem;
      const uint64_t local = address & abi::kPhysicalAddressMask;
      return local >= abi::kProtectedVramLocalBase ? kProtectedVram : kFreeVram;
    }
    const uint64_t page = address / abi::kPageSize;
    const std::string_view name = field.name;
    const bool is_decrypt = info.opcode == abi::DecryptBltCommand::kOpcode ||
                            info.opcode == abi::DecryptSampleCommand::kOpcode;
    if (is_decrypt && name == "destination") kinds_[page] = kProtectedVram;
    if (is_decrypt && name == "source") kinds_[page] = kSystem;
    if (info.opcode == abi::EncryptBltCommand::kOpcode && name == "source") {
      kinds_[page] = kProtectedVram;
    }
    return kinds_.emplace(page, kFreeVram).first->second;
  }

  void Address(uint8_t kind, uint64_t address) {
    const uint64_t offset = address % abi::kPageSize;
    Byte(offset == 0 ? kind : 0x80 | kind);
    Byte(address / abi::kPageSize % layout::kSystemPages);
    if (offset == 0) return;
    Byte(offset);
    Byte(offset >> 8);
  }

  bool AddCommand(const TracePacket& packet) {
    const abi::CommandInfo* const info = abi::FindCommand(static_cast<uint16_t>(packet.number));
    if (info == nullptr || packet.bytes.size() < info->size_bytes) return false;
    Begin(Move::kCommand, packet.queue);
    Byte(static_cast<uint64_t>(info - abi::kCommands));
    Byte(packet.bytes[2]);
    for (uint32_t i = 3; i < info->field_count; ++i) {
      const abi::FieldInfo& field = info->fields[i];
      uint64_t value = 0;
      std::memcpy(&value, packet.bytes.data() + field.offset,
                  std::min<size_t>(field.size_bytes, sizeof(value)));
      if (field.kind == abi::FieldKind::kAddress) {
        Address(KindOf(*info, field, packet.queue, value), value);
      } else if (std::strcmp(field.name, "session") == 0) {
        Byte(0);
      } else if (field.kind == abi::FieldKind::kBytes) {
        const ConstByteSpan bytes = packet.bytes.subspan(field.offset, field.size_bytes);
        bytes_.insert(bytes_.end(), bytes.begin(), bytes.end());
      } else if (field.kind == abi::FieldKind::kNumber) {
        Number(value);
      }
    }
    if (info->opcode == abi::DecryptSampleCommand::kOpcode) AddSubSamples(packet.bytes);
    return true;
  }

  void AddSubSamples(ConstByteSpan command) {
    using Command = abi::DecryptSampleCommand;
    const auto told = LoadLe<uint32_t>(command.data() + offsetof(Command, sub_sample_count));
    const ConstByteSpan list = command.subspan(Command::kSizeBytes);
    const size_t count = std::clamp<size_t>(std::min<size_t>(told, list.size() / 8), 1, 8);
    Byte(count - 1);
    Byte(1);
    for (size_t i = 0; i < count; ++i) {
      const bool is_there = 8 * i + 8 <= list.size();
      Byte(is_there ? LoadLe<uint32_t>(list.data() + 8 * i) : 0);
      const uint32_t encrypted = is_there ? LoadLe<uint32_t>(list.data() + 8 * i + 4) : 16;
      Byte(encrypted);
      Byte(encrypted >> 8 & 0xf);
    }
  }

  bool AddMessage(const TracePacket& packet) {
    const abi::MessageInfo* const info = abi::FindMessage(packet.number);
    if (info == nullptr) return false;
    Begin(Move::kMessage, packet.queue);
    Byte(static_cast<uint64_t>(info - abi::kMessages));
    Byte(kUsualMessage);
    const bool has_blob = info->number == abi::kMessageNegotiateSessionKey;
    // As many as the grammar takes for it (Grammar::PushMessage).
    const bool is_trusted = info->number == abi::kMessageCallTrusted;
    const size_t variable = !info->request_variable ? 0 : is_trusted ? 16 + 256 : 256;
    const size_t wanted = has_blob ? 4 : info->request_bytes + variable;
    for (size_t i = 0; i < wanted; ++i) Byte(i < packet.bytes.size() ? packet.bytes[i] : 0);
    Address(kSystem, 9 * abi::kPageSize);
    return true;
  }

  std::vector<std::vector<uint8_t>> inputs_;
  std::vector<uint8_t> bytes_;
  size_t packets_ = 0;
  std::map<uint64_t, uint8_t> kinds_;  // by page of a context's addresses
};

int Complain(const std::string& error, int exit_code = 1) {
  fmt::print(stderr, "device_from_recording: {}\n", error);
  return exit_code;
}

int Make(const char* recording, const std::filesystem::path& folder) {
  std::string error;
  const auto reader =
      emulator::RecordingReader::Open({.path = recording, .accept_unfinished = true}, &error);
  if (reader == nullptr) return Complain(error);
  InputWriter writer;
  auto created = emulator::Replayer::Create(reader->device().options(), reader.get(), &writer);
  if (!created.ok()) return Complain(std::string(recording) + ": its chip can't be made");
  emulator::Replayer& replayer = *created.value();
  replayer.SetWholeEvents(reader->whole_events());
  while (replayer.Step()) {
  }
  if (!replayer.matches()) return Complain(std::string(recording) + ": " + replayer.difference());
  if (!MakeFolder(folder, &error)) return Complain(error, 2);
  const auto& inputs = writer.Finish();
  const std::string stem = std::filesystem::path(recording).stem().string();
  for (size_t i = 0; i < inputs.size(); ++i) {
    const std::filesystem::path path = folder / fmt::format("{}_{:03}", stem, i);
    if (!WriteWhole(path, {inputs[i].begin(), inputs[i].end()}, &error)) return Complain(error, 2);
  }
  fmt::print("{} inputs in {}\n", inputs.size(), folder.string());
  return inputs.empty() ? Complain(std::string(recording) + " holds no command and no message") : 0;
}

}  // namespace
}  // namespace ward::fuzz

int main(int argc, char** argv) {
  if (argc == 3) return ward::fuzz::Make(argv[1], argv[2]);
  std::fprintf(stderr, "usage: %s RECORDING FOLDER\n", argv[0]);
  return 2;
}
