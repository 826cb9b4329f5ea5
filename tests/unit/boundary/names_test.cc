#include "emulator/boundary/names.h"

#include <set>

#include "abi/generated/pci.h"
#include "catch2/catch_test_macros.hpp"
#include "tests/unit/boundary/observed_chip.h"

namespace ward::emulator {
namespace {

TEST_CASE("Each described register has a name of its own, and only those") {
  std::set<std::string> names;
  size_t count = 0;
  for (const abi::RegisterInfo& info : abi::kRegisters) {
    count += info.block_count * info.element_count;
  }
  for (uint64_t offset = 0; offset < abi::kRegisterBarSize; offset += 4) {
    if (FindRegister(offset).info != nullptr) names.insert(RegisterName(offset));
  }
  CHECK(names.size() == count);
}

TEST_CASE("Names say block and element, and what lies below an offset without a register") {
  CHECK(RegisterName(abi::kRegScratch) == "SCRATCH");
  CHECK(RegisterName(abi::kRegRingHead + 3 * abi::kQueueBlockStride) == "RING_HEAD[3]");
  CHECK(RegisterName(abi::kRegOutputEdid + abi::kOutputBlockStride + 20) == "OUTPUT_EDID[1][5]");
  CHECK(RegisterName(abi::kRegInterruptVector + 4) == "INTERRUPT_VECTOR[1]");
  CHECK(RegisterName(0x60) == "DECODER_COUNT+0x4");
  CHECK(RegisterName(abi::kRegScratch + 1) == "SCRATCH+0x1");
  CHECK(RegisterName(abi::kRegFaultOuterOffset + 2 * abi::kQueueBlockStride + 8) ==
        "FAULT_OUTER_OFFSET[2]+0x8");
}

TEST_CASE("Fields of a register are told with their values, 64-bit ones by halves") {
  CHECK(DecodeFields(*FindRegister(abi::kRegQueueStatus).info, 0xa) == " STATE=0x2 HUNG=0x1");
  CHECK(DecodeFields(*FindRegister(abi::kRegScratch).info, 5).empty());
  CHECK(DecodeFields(*FindRegister(abi::kRegRingBaseLo).info, 0x12345fff) == " ADDRESS=0x12345");
  CHECK(DecodeFields(*FindRegister(abi::kRegRingBaseHi).info, 0xfff00042) == " ADDRESS=0x42");
}

TEST_CASE("Interrupt sources are named after their bit of the cause register") {
  CHECK(SourceName(5) == "QUEUE5");
  CHECK(SourceName(16) == "FAULT");
  CHECK(SourceName(31) == "31");
}

// What the function's own configuration space holds is named, and nothing else.
TEST_CASE("Names of the configuration space are where the function has its registers") {
  test::ObservedChip bench({});
  for (uint32_t offset = 0; offset < 0x100; ++offset) {
    INFO("offset " << offset);
    const bool is_there = bench.chip->ReadConfig(offset, 1) != 0;
    if (is_there) CHECK(IsNamedConfig(offset));
  }
  CHECK(ConfigName(0x04) == "COMMAND");
  CHECK(ConfigName(0x05) == "COMMAND+0x1");
  CHECK(ConfigName(0x9c) == "0x9c");
  const auto identifier = [&](const char* name) {
    for (const abi::ConfigRegisterInfo& info : abi::kConfigRegisters) {
      if (name == std::string(info.name)) {
        return bench.chip->ReadConfig(info.offset, info.size_bytes == 2 ? 2 : 1);
      }
    }
    return 0u;
  };
  CHECK(identifier("VENDOR_ID") == abi::kVendorId);
  CHECK(identifier("DEVICE_ID") == abi::kDeviceId);
  CHECK(identifier("REVISION_ID") == abi::kRevisionId);
  CHECK((identifier("POWER_CAPABILITY") & 0xff) == 0x01);
  CHECK((identifier("MSIX_CAPABILITY") & 0xff) == 0x11);
  CHECK((identifier("EXPRESS_CAPABILITY") & 0xff) == 0x10);
}

TEST_CASE("Words of the MSI-X table are named") {
  CHECK(MsixName(5 * 16 + 8) == "VECTOR5.DATA");
  CHECK(MsixName(abi::kMsixPbaOffset) == "PENDING+0x0");
}

}  // namespace
}  // namespace ward::emulator
