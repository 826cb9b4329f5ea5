// Writes first inputs for vfio_user_fuzz that a recording does not have: what a client that means
// well never does. usage: vfio_user_seeds DIRECTORY
#include <cstdint>
#include <cstdio>
#include <cstring>
#include <initializer_list>
#include <string>
#include <vector>

#include "abi/generated/commands.h"
#include "abi/generated/pci.h"
#include "abi/generated/registers.h"
#include "abi/generated/status.h"
#include "tests/fuzz/seed_folder.h"
#include "tests/fuzz/vfio_user/wire_script.h"

namespace ward::fuzz {
namespace {

namespace wire = abi::vfio_user;
using wire::Command;

constexpr uint8_t kMemory = static_cast<uint8_t>(DescriptorKind::kMemory);
constexpr uint8_t kNoDescriptor = static_cast<uint8_t>(DescriptorKind::kNone);

class Seed {
 public:
  Seed& Do(Operation operation, std::vector<uint8_t> arguments = {}) {
    AppendRecord({static_cast<uint8_t>(operation), std::move(arguments)}, &input_);
    return *this;
  }
  template <typename T>
  Seed& Message(Command command, const T& body, uint8_t descriptors = kNoDescriptor,
                uint8_t flags = 0, const std::string& text = "") {
    std::vector<uint8_t> arguments = {static_cast<uint8_t>(command), flags, descriptors};
    const auto* bytes = reinterpret_cast<const uint8_t*>(&body);
    arguments.insert(arguments.end(), bytes, bytes + sizeof(body));
    arguments.insert(arguments.end(), text.begin(), text.end());
    return Do(Operation::kMessage, std::move(arguments));
  }
  Seed& Version(const std::string& text = R"({"capabilities":{"max_data_xfer_size":1048576}})") {
    return Message(Command::kVersion, wire::Version{0, 0}, kNoDescriptor, 0, text + '\0');
  }
  // Memory decoding and bus mastering.
  Seed& PowerUp() { return Do(Operation::kConfig, {0, 1, 6, 0, 0, 0}); }
  Seed& Map(uint8_t page, uint8_t pages, uint8_t descriptors, uint8_t rights = 3) {
    return Do(Operation::kMap, {page, 0, pages, 0, rights, descriptors, page, 0});
  }
  Seed& Unmap(uint8_t page, uint8_t pages) { return Do(Operation::kUnmap, {page, 0, pages, 0, 0}); }
  Seed& RegionInfo(uint32_t region) {
    return Message(Command::kGetRegionInfo, wire::RegionInfo{32, 0, region, 0, 0, 0});
  }
  Seed& Register(uint32_t offset, uint32_t value, bool writes) {
    uint8_t index = 0;
    while (abi::kRegisters[index].offset != offset) ++index;
    std::vector<uint8_t> arguments = {index, 0, static_cast<uint8_t>(writes), 0, 0, 0, 0};
    StoreLe(arguments.data() + 3, value);
    return Do(Operation::kRegister, std::move(arguments));
  }
  // A command of the kernel's queue by its name; its numbers and addresses as the grammar has them.
  Seed& Push(const char* name, const std::vector<uint8_t>& fields, uint8_t flags = 0) {
    uint8_t index = 0;
    while (std::strcmp(abi::kCommands[index].name, name) != 0) ++index;
    std::vector<uint8_t> arguments = {index, flags};
    arguments.insert(arguments.end(), fields.begin(), fields.end());
    return Do(Operation::kCommand, std::move(arguments));
  }
  Seed& Begin(uint8_t descriptors, const std::string& text = "{}") {
    return Version(text).PowerUp().Map(0, 128, descriptors).Do(Operation::kQueue, {0, 0, 0});
  }
  Seed& Ring() { return Do(Operation::kDoorbell, {0, 0}); }

  const std::vector<uint8_t>& input() const { return input_; }

 private:
  std::vector<uint8_t> input_;
};

// A fence of this value. Its interrupt is the flag 1.
Seed& Fence(Seed* seed, uint8_t value, bool interrupts = false) {
  return seed->Push("FENCE", {value, 0}, interrupts ? abi::FenceCommand::kFlagInterrupt : 0);
}

// From page 32 of the memory to page 64: as many rows of as many bytes.
Seed& Copy(Seed* seed, uint16_t row_bytes, uint16_t rows, uint8_t to = 64) {
  const auto low = [](uint16_t number) { return static_cast<uint8_t>(number); };
  const auto high = [](uint16_t number) { return static_cast<uint8_t>(number >> 8); };
  return seed->Push("COPY", {0, to, 0, 32, low(row_bytes), high(row_bytes), low(rows), high(rows),
                             low(row_bytes), high(row_bytes), low(row_bytes), high(row_bytes)});
}

class WireSeeds {
 public:
  explicit WireSeeds(const char* path) : folder_(path) {}
  void Write(const std::string& name, const Seed& seed) const { folder_.Write(name, seed.input()); }

 private:
  SeedFolder folder_;
};

void WriteMessages(const WireSeeds& folder) {
  Seed seed;
  seed.Version().PowerUp();
  seed.Message(Command::kGetInfo, wire::DeviceInfo{16, 0, 0, 0});
  for (uint32_t region = 0; region < wire::kRegionCount; ++region) seed.RegionInfo(region);
  for (uint32_t irq = 0; irq < wire::kIrqCount; ++irq) {
    seed.Message(Command::kGetIrqInfo, wire::IrqInfo{16, 0, irq, 0});
  }
  folder.Write("questions", seed);

  // Every command, with descriptors where none belong, and without the wish for a reply.
  for (const uint8_t flags : {uint8_t{0}, static_cast<uint8_t>(wire::kNoReply)}) {
    Seed all;
    all.Version();
    for (uint8_t command = 0; command <= 18; ++command) {
      all.Do(Operation::kMessage, {command, flags, kMemory});
      all.Do(Operation::kMessage, {command, flags, kNoDescriptor, 1, 2, 3});
    }
    folder.Write(flags == 0 ? "all_commands" : "all_commands_quiet", all);
  }

  Seed access;
  access.Version().PowerUp();
  for (uint8_t region = 0; region < 9; ++region) {
    for (const uint8_t writes : {uint8_t{0}, uint8_t{1}}) {
      access.Do(Operation::kAccess, {region, writes, 0, 0, 0, 0, 8, 0, 0, 0});
      access.Do(Operation::kAccess, {region, writes, 0xfc, 0xff, 0x1f, 0, 8, 0, 0, 0});
      access.Do(Operation::kAccess, {region, writes, 0xfc, 0xff, 0xff, 0xff, 0xf, 0, 0, 0x80});
    }
  }
  folder.Write("accesses", access);

  Seed halves;
  halves.Do(Operation::kSplit, {7, 0}).Version().Do(Operation::kSplit, {17, 0}).RegionInfo(2);
  halves.Do(Operation::kBytes, {0, 1, 2, 3}).Do(Operation::kLeave, {0});
  folder.Write("halves", halves);

  Seed sizes;
  sizes.Version().Do(Operation::kHeader, {2, 0, 0, 4, 0, 15, 0, 0, 0});
  folder.Write("small_size", sizes);

  Seed others;
  others.Version().Do(Operation::kProbe, {1}).Do(Operation::kPeer, {1}).Version();
  others.Do(Operation::kPeer, {2}).Do(Operation::kMessage, {1, 0x11, 0, 1, 2, 3});
  others.Do(Operation::kPeer, {0}).Do(Operation::kLeave).Do(Operation::kProbe, {0});
  others.Do(Operation::kPeer, {0}).Version().RegionInfo(2);
  folder.Write("newcomers", others);

  Seed many;
  many.Version().Do(Operation::kPolicy, {0, 1}).PowerUp();
  for (int i = 0; i < 40; ++i) {
    many.RegionInfo(2).Do(Operation::kAccess, {2, 0, 0, 0, 0, 0, 7, 0xff, 0xf, 0});
  }
  folder.Write("does_not_read", many.Do(Operation::kPolicy, {0, 0}));
}

void WriteMemory(const WireSeeds& folder) {
  Seed vram;
  vram.Version().PowerUp().RegionInfo(2).Do(Operation::kVram, {0x34, 0x12, 0, 0, 0x55, 0x55});
  vram.Do(Operation::kAccess, {2, 1, 0, 0, 0, 0, 8, 0, 0, 0});
  vram.Register(abi::kRegScratch, 0x1234, true);
  folder.Write("leaves_things_behind", vram);

  for (uint8_t kind = 0; kind <= static_cast<uint8_t>(DescriptorKind::kLast); ++kind) {
    Seed seed;
    seed.Version().RegionInfo(2).Map(0, 2, kind).Map(16, 2, kind).Unmap(0, 1).Unmap(0, 16);
    seed.Do(Operation::kIrqs, {0x24, wire::kMsixIrq, 0, 1, kind});
    seed.Do(Operation::kIrqs, {0x24, wire::kErrorIrq, 0, 1, kind});
    seed.Do(Operation::kIrqs, {0x24, wire::kMsixIrq, 0, 16, static_cast<uint8_t>(kind | 0xf0)});
    folder.Write("descriptor_" + std::to_string(kind), seed);
  }

  for (const uint8_t descriptors : {kMemory, kNoDescriptor}) {
    Seed seed;
    seed.Begin(descriptors, R"({"capabilities":{"ward_interrupt_messages":true}})");
    seed.Register(abi::kRegInterruptEnable, 0xffff, true);
    Fence(&Copy(&Fence(&seed, 1), 4096, 8), 2, true).Ring();
    seed.Register(abi::kRegLastFenceLo, 0, false).Message(Command::kReset, wire::Version{}, 0);
    folder.Write(descriptors == kMemory ? "queue_by_file" : "queue_by_message", seed);
  }

  Seed cut;
  cut.Begin(kMemory);
  Fence(&Copy(&cut, 4096, 4), 1).Do(Operation::kCut, {16, 0}).Ring().Do(Operation::kProbe, {0});
  folder.Write("cut_off", cut);
}

// A device that waits for its client's memory, and what happens meanwhile.
void WriteWaits(const WireSeeds& folder) {
  for (uint8_t variant = 0; variant <= static_cast<uint8_t>(AnswerVariant::kLast); ++variant) {
    Seed seed;
    seed.Begin(kNoDescriptor).Do(Operation::kAnswer, {variant});
    Fence(&seed, 1).Ring().Register(abi::kRegLastFenceLo, 0, false);
    folder.Write("answer_" + std::to_string(variant), seed);
  }
  Seed silent;
  silent.Begin(kNoDescriptor);
  Fence(&silent, 1).Do(Operation::kPolicy, {2, 0}).Ring();
  folder.Write("silent", silent);

  const auto amid = [] {
    Seed seed;
    seed.Begin(kNoDescriptor);
    Fence(&Copy(&seed, 4096, 4), 1).Do(Operation::kPolicy, {1, 0}).Ring();
    return seed;
  };
  folder.Write("amid_registers", amid()
                                     .Register(abi::kRegScratch, 7, true)
                                     .Register(abi::kRegScratch, 0, false)
                                     .Do(Operation::kAccess, {7, 0, 0, 0, 0, 0, 64, 0, 0, 0})
                                     .Do(Operation::kAccess, {2, 1, 0, 0, 0, 0, 64, 0, 0, 0})
                                     .Do(Operation::kAnswer, {0}));
  folder.Write("amid_reset",
               amid().Do(Operation::kMessage, {13, 0, 0}).Do(Operation::kAnswer, {0}));
  folder.Write("amid_no_master",
               amid().Do(Operation::kConfig, {0, 1, 2, 0, 0, 0}).Do(Operation::kAnswer, {0}));
  // The window's first page goes, and the copy wants what lies behind.
  folder.Write("amid_unmap",
               amid().Unmap(0, 128).Do(Operation::kAnswer, {0}).Do(Operation::kAnswer, {0}));
  folder.Write("amid_leave", amid().Do(Operation::kLeave, {0}));
  folder.Write("amid_others", amid()
                                  .Do(Operation::kProbe, {0})
                                  .Do(Operation::kPeer, {1})
                                  .Version()
                                  .Do(Operation::kPeer, {0})
                                  .Do(Operation::kAnswer, {0}));
  folder.Write("amid_half", amid().Do(Operation::kBytes, {0, 1, 2, 3}).Do(Operation::kLeave, {1}));

  // A page of its own, unmapped, and then the chip is told to read there.
  Seed unmapped;
  unmapped.Begin(kNoDescriptor).Map(200, 1, kNoDescriptor).Unmap(200, 1);
  Fence(&Copy(&unmapped, 64, 1, 200), 1).Ring();
  folder.Write("unmapped", unmapped);

  Seed times;
  times.Do(Operation::kTime, {0x40, 0x4b, 0x4c, 0}).Do(Operation::kProbe, {0}).Version();
  folder.Write("says_nothing", times);
}

}  // namespace
}  // namespace ward::fuzz

int main(int argc, char** argv) {
  if (argc != 2) {
    std::fprintf(stderr, "usage: %s DIRECTORY\n", argv[0]);
    return 2;
  }
  const ward::fuzz::WireSeeds folder(argv[1]);
  ward::fuzz::WriteMessages(folder);
  ward::fuzz::WriteMemory(folder);
  ward::fuzz::WriteWaits(folder);
  return 0;
}
