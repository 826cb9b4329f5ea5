// Writes first inputs for device_fuzz: each command and message once, well-formed, then run.
// usage: device_seeds DIRECTORY
#include <cstdint>
#include <cstdio>
#include <string>
#include <vector>

#include "abi/generated/commands.h"
#include "abi/generated/messages.h"
#include "abi/generated/pci.h"
#include "tests/fuzz/device/move_writer.h"
#include "tests/fuzz/seed_folder.h"

namespace {

using ward::fuzz::Move;
using ward::fuzz::MoveWriter;
using ward::fuzz::SeedFolder;

MoveWriter Begin(uint8_t mode) {
  MoveWriter seed([](uint32_t) { return 0u; });
  seed.Byte(mode);
  return seed;
}

void End(MoveWriter* seed) {
  seed->AddRun();
  seed->Add(Move::kScreen, {0});
}

void WriteCommand(const SeedFolder& folder, uint8_t index) {
  const ward::abi::CommandInfo& info = ward::abi::kCommands[index];
  const uint8_t queue = info.privileged ? 0 : 1;
  for (uint8_t target = 0; target < 3; ++target) {
    for (uint8_t source = 0; source < 3; ++source) {
      MoveWriter seed = Begin(0);
      seed.AddCommand(index, queue, {target, source});
      End(&seed);
      folder.Write(std::string(info.name) + "_" + std::to_string(target) + std::to_string(source),
                   seed.bytes());
    }
  }
  if (!info.in_indirect) return;
  MoveWriter seed = Begin(ward::fuzz::kModeConfined);
  seed.AddIndirect({index, index}, 1, {2, 0});
  End(&seed);
  folder.Write(std::string(info.name) + "_indirect", seed.bytes());
}

void WriteMessage(const SeedFolder& folder, uint8_t index) {
  const ward::abi::MessageInfo& info = ward::abi::kMessages[index];
  MoveWriter seed = Begin(0);
  seed.AddMessage(index, info.privileged ? 0 : 1);
  End(&seed);
  folder.Write(info.name, seed.bytes());
}

// What is protected, keyed or shown by several moves.
void WriteUncommon(const SeedFolder& folder) {
  MoveWriter output = Begin(0);
  output.AddProtectedOutput();
  End(&output);
  folder.Write("protected_output", output.bytes());
  MoveWriter trusted = Begin(0);
  trusted.AddTrusted(1);
  End(&trusted);
  folder.Write("trusted", trusted.bytes());
  MoveWriter channel = Begin(0);
  channel.AddChannel(1);
  End(&channel);
  folder.Write("channel", channel.bytes());
  for (uint32_t kind = 0; kind < 64; ++kind) {
    MoveWriter seed([kind, turn = 0u](uint32_t end) mutable { return (kind * 29 + turn++) % end; });
    seed.Byte(0);
    seed.AddAny();
    seed.AddAny();
    End(&seed);
    folder.Write("any_" + std::to_string(kind), seed.bytes());
  }
  for (const Move move : {Move::kPart, Move::kVideo, Move::kShow, Move::kRows}) {
    for (uint32_t kind = 0; kind < 16; ++kind) {
      MoveWriter seed([kind](uint32_t end) { return kind * 37 % end; });
      seed.Byte(0);
      seed.AddShort(move);
      End(&seed);
      folder.Write("short_" + std::to_string(static_cast<int>(move)) + "_" + std::to_string(kind),
                   seed.bytes());
    }
  }
}

void WriteCounters(const SeedFolder& folder) {
  for (uint32_t kind = 1; kind <= 4; ++kind) {
    MoveWriter seed([kind](uint32_t end) { return kind * 6 % end; });
    seed.Byte(0);
    seed.AddCounters(1);
    folder.Write("counters_" + std::to_string(kind), seed.bytes());
  }
}

// What is decrypted, read back, shown, and then lost.
void WriteLife(const SeedFolder& folder, const std::string& name, uint8_t choice) {
  MoveWriter seed = Begin(ward::fuzz::kModeConfined | ward::fuzz::kModeWindows);
  seed.AddDecrypt(1);
  seed.AddReadBack(1);
  seed.AddRun();
  seed.Add(Move::kReset, {choice});
  seed.AddDecrypt(1);
  End(&seed);
  folder.Write(name, seed.bytes());
}

// A write of the configuration space, or of the vectors' table.
void AddConfig(MoveWriter* seed, bool is_table, uint16_t offset, uint8_t size, uint32_t value) {
  const uint32_t given = value << 1 | (is_table ? 1u : 0u);
  seed->Add(Move::kConfig, {static_cast<uint8_t>(offset), static_cast<uint8_t>(offset >> 8), size,
                            static_cast<uint8_t>(given), static_cast<uint8_t>(given >> 8),
                            static_cast<uint8_t>(given >> 16), static_cast<uint8_t>(given >> 24)});
}

// A vector that one thing alone holds back, until it does no more: PCI Local Bus 3.0,
// section 6.8.2.
void WriteHeldVectors(const SeedFolder& folder) {
  constexpr uint16_t kCommand = 0x04, kMsixControl = 0x52, kVectorControl = 0x0c;
  struct Hold {
    const char* name;
    bool is_table;
    uint16_t offset;
    uint8_t size;
    uint32_t on, off;
  };
  constexpr Hold kHolds[] = {{"vector_mask", true, kVectorControl, 4, 1, 0},
                             {"function_mask", false, kMsixControl, 2, 0xc000, 0x8000},
                             {"bus_master", false, kCommand, 2, 0x2, 0x6}};
  for (const Hold& hold : kHolds) {
    MoveWriter seed = Begin(ward::fuzz::kModeMsix);
    AddConfig(&seed, true, kVectorControl, 4, 0);
    AddConfig(&seed, hold.is_table, hold.offset, hold.size, hold.on);
    seed.Add(Move::kReset, {ward::fuzz::kTearDownChoice});
    AddConfig(&seed, hold.is_table, hold.offset, hold.size, hold.off);
    folder.Write(hold.name, seed.bytes());
  }
}

// A fill that goes on in a page that may only be read.
void WriteRights(const SeedFolder& folder) {
  constexpr uint8_t kTwoPages = 3;  // 4100 bytes, in a row
  MoveWriter seed = Begin(ward::fuzz::kModeConfined);
  // Page 1 of context 1: valid, and no more.
  seed.Add(Move::kPageEntry, {2, 0, ward::abi::kPteValid, 0x10, 0, 0, 0, 0, 0, 0});
  seed.Add(Move::kRows, {1, 1, 0, kTwoPages, 0, 0});
  End(&seed);
  folder.Write("rights", seed.bytes());
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 2) {
    std::fprintf(stderr, "usage: %s DIRECTORY\n", argv[0]);
    return 2;
  }
  const SeedFolder folder(argv[1]);
  for (uint8_t i = 0; i < std::size(ward::abi::kCommands); ++i) WriteCommand(folder, i);
  for (uint8_t i = 0; i < std::size(ward::abi::kMessages); ++i) WriteMessage(folder, i);
  WriteUncommon(folder);
  WriteCounters(folder);
  WriteHeldVectors(folder);
  WriteRights(folder);
  WriteLife(folder, "tear_down", ward::fuzz::kTearDownChoice);
  WriteLife(folder, "snapshot", 0);
  WriteLife(folder, "entropy", 1);
  WriteLife(folder, "reset", 2);
  WriteLife(folder, "power", 3);
  return 0;
}
