// F10: what a saved state may say of each block. Its open part is read, altered in one thing,
// written again under a digest that fits, and refused; without the block's check it would be taken.
#include <functional>
#include <string>
#include <utility>
#include <vector>

#include "device/crypto/sha256.h"
#include "device/gpu_implementation.h"
#include "device/state_archive.h"
#include "tests/fakes/fault_tries.h"
#include "tests/unit/device/state_rig.h"

namespace ward::fakes {
namespace {

// docs/spec/saved-state.md: where section 1 begins, and its head of number, zero and length.
constexpr size_t kHeaderBytes = 8 + 4 + 4 + 8 + (8 + 8 + 4 + 1 + 1 + 32) + 1 + 8 + 32 + 16;
constexpr size_t kSectionHeadBytes = 16;

// The blocks' fields in the order of the section.
struct Blocks {
  std::vector<uint32_t> registers;
  device::PciConfig::State config;
  std::vector<uint64_t> contexts;
  std::vector<device::Grant> grants;
  device::SecurityProcessor::State security;
  uint64_t last_key_serial = 0;
  device::Display::State display;
  device::CommandProcessor::State processor;
  device::Interrupts::State interrupts;

  WARD_STATE_FIELDS(registers, config, contexts, grants, security, last_key_serial, display,
                    processor, interrupts)
};

Bytes WithDigest(Bytes state) {
  uint8_t digest[device::kSha256Bytes];
  REQUIRE(device::ComputeSha256(state, digest));
  state.insert(state.end(), std::begin(digest), std::end(digest));
  return state;
}

// A state without visible VRAM and without a seal has this section alone.
void Read(const Bytes& state, Blocks* blocks) {
  const size_t begin = kHeaderBytes + kSectionHeadBytes;
  device::StateReader reader(
      ConstByteSpan(state).subspan(begin, state.size() - begin - device::kSha256Bytes));
  WalkState(reader, *blocks);
  REQUIRE(reader.AtEnd());
}

Bytes Write(const Bytes& state, const Blocks& blocks) {
  Bytes written(state.begin(), state.begin() + kHeaderBytes + kSectionHeadBytes);
  device::StateWriter writer;
  WalkState(writer, blocks);
  StoreLe<uint64_t>(written.data() + kHeaderBytes + 8, writer.bytes().size());
  written.insert(written.end(), writer.bytes().begin(), writer.bytes().end());
  return WithDigest(std::move(written));
}

size_t IndexOf(uint32_t offset) {  // among the registers that are stored, in the order of offsets
  size_t index = 0;
  const device::RegisterFile fresh(GpuRig::Options());
  const std::vector<uint32_t> values = fresh.Save();
  device::RegisterFile changed(GpuRig::Options());
  changed.Set(offset, ~fresh.Get(offset));
  while (index < values.size() && changed.Save()[index] == values[index]) ++index;
  REQUIRE(index < values.size());
  return index;
}

using Alteration = std::pair<std::string, std::function<void(Blocks*)>>;

std::vector<Alteration> OfRegisters() {
  return {
      {"a register too few", [](Blocks* b) { b->registers.pop_back(); }},
      {"a register too many", [](Blocks* b) { b->registers.push_back(0); }},
      {"no registers", [](Blocks* b) { b->registers.clear(); }},
      {"another magic number", [](Blocks* b) { ++b->registers[IndexOf(abi::kRegDeviceMagic)]; }},
      {"another version", [](Blocks* b) { ++b->registers[IndexOf(abi::kRegAbiVersion)]; }},
      {"features that it has not",
       [](Blocks* b) { b->registers[IndexOf(abi::kRegFeaturesLo)] |= 1u << 31; }},
      {"more contexts", [](Blocks* b) { b->registers[IndexOf(abi::kRegContextCount)] *= 2; }},
  };
}

std::vector<Alteration> OfConfig() {
  return {
      {"another vendor", [](Blocks* b) { b->config.bytes[0] ^= 1; }},
      {"a bit of a BAR below its size", [](Blocks* b) { b->config.bytes[0x11] ^= 1; }},
      {"another capability", [](Blocks* b) { b->config.bytes[0x34] ^= 4; }},
      {"a power state that there is not",
       [](Blocks* b) {  // power management is the capability of number 1
         size_t at = b->config.bytes[0x34];
         while (b->config.bytes[at] != 1) at = b->config.bytes[at + 1];
         b->config.bytes[at + 4] = static_cast<uint8_t>((b->config.bytes[at + 4] & ~3) | 1);
       }},
      {"a message to a crooked address", [](Blocks* b) { b->config.vectors[7].address_low = 2; }},
      {"a vector's reserved bits", [](Blocks* b) { b->config.vectors[7].control = 2; }},
  };
}

std::vector<Alteration> OfContexts() {
  return {
      {"a context too few", [](Blocks* b) { b->contexts.pop_back(); }},
      {"a context too many", [](Blocks* b) { b->contexts.push_back(~uint64_t{0}); }},
      {"tables of the kernel's context", [](Blocks* b) { b->contexts[0] = 0x1000; }},
      {"a crooked table", [](Blocks* b) { b->contexts[2] = 0x1008; }},
      {"a table out of memory", [](Blocks* b) { b->contexts[2] = uint64_t{1} << 40; }},
      {"a table in protected memory",
       [](Blocks* b) { b->contexts[2] = abi::kProtectedVramLocalBase; }},
  };
}

std::vector<Alteration> OfSecurity() {
  return {
      {"no key epoch", [](Blocks* b) { b->security.key_epoch = 0; }},
      {"a session at another index",
       [](Blocks* b) {
         b->security.firmware.sessions[1] = b->security.firmware.sessions[0];
         b->grants[1] = b->grants[0];
       }},
      {"a session that the engines do not know", [](Blocks* b) { b->grants[0].session = 0; }},
      {"another read-back key than the engines'", [](Blocks* b) { ++b->grants[0].readback_slot; }},
      {"a channel at another index",
       [](Blocks* b) { b->security.firmware.channels[1] = b->security.firmware.channels[0]; }},
      {"a channel whose HANDLEs have 6 bytes",
       [](Blocks* b) { b->security.firmware.channels[0].handle_bytes = 6; }},
      {"a channel of no device",
       [](Blocks* b) {
         for (auto& device : b->security.firmware.devices) device.handle = 0;
       }},
      {"more allowed processes than there is room for",
       [](Blocks* b) {
         b->security.firmware.devices[5].process_count = firmware::kAllowedProcessCount + 1;
       }},
      {"a protected output of no output",
       [](Blocks* b) { b->security.firmware.protected_outputs[0].output = 2; }},
      {"a protected output at another index",
       [](Blocks* b) {
         b->security.firmware.protected_outputs[1] = b->security.firmware.protected_outputs[0];
       }},
      {"a payload of an idle mailbox", [](Blocks* b) { b->security.busy = false; }},
      {"a payload of another length", [](Blocks* b) { b->security.payload.pop_back(); }},
      {"room for less than an answer's head",
       [](Blocks* b) { b->security.message.response_capacity = 15; }},
      {"room for more than any answer",
       [](Blocks* b) { b->security.message.response_capacity = 1 << 30; }},
      {"a key slot that there is not", [](Blocks* b) { b->grants[0].session_slot = 1 << 20; }},
  };
}

std::vector<Alteration> OfOthers() {
  return {
      {"a display's cause that there is not", [](Blocks* b) { b->display.causes = 1; }},
      {"a mode that there is not", [](Blocks* b) { b->display.outputs[1].mode = 99; }},
  };
}

TEST_CASE("F10_every block of a saved state is one that this chip could be in") {
  StateRig origin;
  origin.SetUp();
  origin.MakeBusy();
  const Bytes state = origin.Save(nullptr, false);
  Blocks good;
  Read(state, &good);
  REQUIRE(Write(state, good) == state);
  REQUIRE(good.security.busy);
  REQUIRE(good.security.firmware.sessions[0].number != 0);
  REQUIRE(good.security.firmware.channels[0].number != 0);
  REQUIRE(good.security.firmware.protected_outputs[0].number != 0);
  StateRig target;
  const uint64_t hash = target.gpu->StateHash();
  for (const auto& alterations :
       {OfRegisters(), OfConfig(), OfContexts(), OfSecurity(), OfOthers()}) {
    for (const auto& [name, alter] : alterations) {
      BeginFaultTry();
      INFO(name);
      Blocks blocks;
      Read(state, &blocks);
      alter(&blocks);
      CHECK(target.Load(Write(state, blocks)) == abi::kStatusStateInvalid);
    }
  }
  CHECK(target.gpu->StateHash() == hash);
  CHECK(target.Load(state) == 0);
}

TEST_CASE("F10_a saved state has no section behind the last, and none twice") {
  StateRig origin;
  origin.SetUp();
  const Bytes state = origin.Save(nullptr, false);
  const Bytes open(state.begin(), state.end() - device::kSha256Bytes);
  const auto with_section = [&](uint8_t number, ConstByteSpan content) {
    Bytes more = open;
    uint8_t head[kSectionHeadBytes] = {number};
    StoreLe<uint64_t>(head + 8, content.size());
    more.insert(more.end(), std::begin(head), std::end(head));
    more.insert(more.end(), content.begin(), content.end());
    return WithDigest(std::move(more));
  };
  StateRig target;
  const Bytes blocks(open.begin() + kHeaderBytes + kSectionHeadBytes, open.end());
  for (const auto& [number, content] :
       std::vector<std::pair<uint8_t, Bytes>>{{1, blocks}, {3, {}}, {3, Bytes(64)}, {4, {}}}) {
    INFO(int{number} << ", " << content.size() << " bytes");
    CHECK(target.Load(with_section(number, content)) == abi::kStatusStateInvalid);
  }
  CHECK(target.Load(with_section(2, {})) == 0);  // visible VRAM of zeros
}

}  // namespace
}  // namespace ward::fakes
