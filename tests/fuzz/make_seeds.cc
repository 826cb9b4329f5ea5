// Writes first inputs for device_fuzz: each command and message once, well-formed, then run.
// usage: device_seeds DIRECTORY
#include <cstdint>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <string>
#include <vector>

#include "abi/generated/commands.h"
#include "abi/generated/messages.h"

namespace {

// Operations of fuzz_operations.cc.
constexpr uint8_t kCommand = 2, kMessage = 5, kDoorbells = 7, kClock = 10, kScreen = 17;

using Seed = std::vector<uint8_t>;

void AddNumber(Seed* seed, uint16_t value) {
  constexpr uint16_t kLargeNumber = 224;
  if (value < kLargeNumber) return seed->push_back(static_cast<uint8_t>(value));
  seed->push_back(kLargeNumber);
  seed->push_back(static_cast<uint8_t>(value));
  seed->push_back(static_cast<uint8_t>(value >> 8));
}

// In a user's addresses: choice 0 is the system window, 1 free VRAM, 2 protected VRAM.
void AddAddress(Seed* seed, uint8_t choice, uint8_t page) {
  seed->push_back(choice);
  seed->push_back(page);
}

void AddRun(Seed* seed) {
  for (uint8_t byte : {kDoorbells, uint8_t{255}, kClock, uint8_t{0}, uint8_t{0}, uint8_t{16},
                       uint8_t{0}, kDoorbells, uint8_t{255}, kScreen, uint8_t{0}}) {
    seed->push_back(byte);
  }
}

// A value that the field may have, so that the command gets as far as it can.
uint16_t Plausible(const std::string& field) {
  if (field == "row_count" || field == "output" || field == "format") return field[0] == 'r';
  if (field.find("pitch") != std::string::npos) return 2560;
  if (field == "width" || field == "destination_width") return 640;
  if (field == "height" || field == "destination_height") return 360;
  if (field == "color_space" || field == "filter" || field == "skip_bytes") return 0;
  if (field.find("bytes_at") != std::string::npos || field == "encrypt_bytes") return 0;
  if (field == "context") return 3;
  return 64;
}

Seed CommandSeed(uint8_t index, uint8_t queue, uint8_t target, uint8_t source) {
  const ward::abi::CommandInfo& info = ward::abi::kCommands[index];
  Seed seed = {0, kCommand, index, queue, 0};
  bool first = true;
  for (uint32_t i = 3; i < info.field_count; ++i) {
    const ward::abi::FieldInfo& field = info.fields[i];
    if (field.kind == ward::abi::FieldKind::kAddress) {
      AddAddress(&seed, first ? target : source, first ? 8 : 16);
      first = false;
    } else if (std::string(field.name) == "session") {
      seed.push_back(0);
    } else if (field.kind == ward::abi::FieldKind::kBytes) {
      seed.insert(seed.end(), field.size_bytes, 0x11);
    } else if (field.kind == ward::abi::FieldKind::kNumber) {
      AddNumber(&seed, Plausible(field.name));
    }
  }
  AddRun(&seed);
  return seed;
}

Seed MessageSeed(uint8_t index) {
  const ward::abi::MessageInfo& info = ward::abi::kMessages[index];
  Seed seed = {1, kMessage, 1, index};
  seed.insert(seed.end(), info.request_bytes + (info.request_variable ? 256u : 0u), 1);
  AddAddress(&seed, 0, 9);
  AddRun(&seed);
  return seed;
}

Seed TearDownSeed(uint8_t queue) {
  constexpr uint8_t kReset = 16, kTearDown = 0xf0;
  Seed seed = CommandSeed(0, queue, 2, 0);
  seed.push_back(kReset);
  seed.push_back(kTearDown);
  AddRun(&seed);
  return seed;
}

void Write(const std::filesystem::path& directory, const std::string& name, const Seed& seed) {
  std::ofstream file(directory / name, std::ios::binary);
  file.write(reinterpret_cast<const char*>(seed.data()), static_cast<std::streamsize>(seed.size()));
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 2) {
    std::fprintf(stderr, "usage: %s DIRECTORY\n", argv[0]);
    return 2;
  }
  const std::filesystem::path directory = argv[1];
  std::filesystem::create_directories(directory);
  for (uint8_t i = 0; i < std::size(ward::abi::kCommands); ++i) {
    const std::string name = ward::abi::kCommands[i].name;
    const uint8_t queue = ward::abi::kCommands[i].privileged ? 0 : 1;
    for (uint8_t target = 0; target < 3; ++target) {
      for (uint8_t source = 0; source < 3; ++source) {
        Write(directory, name + "_" + std::to_string(target) + std::to_string(source),
              CommandSeed(i, queue, target, source));
      }
    }
  }
  Write(directory, "tear_down", TearDownSeed(1));
  for (uint8_t i = 0; i < std::size(ward::abi::kMessages); ++i) {
    Write(directory, ward::abi::kMessages[i].name, MessageSeed(i));
  }
  return 0;
}
