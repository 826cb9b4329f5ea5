// A chip whose blt cipher does not run (docs/spec/security-processor.md, Self tests). Built from
// its blocks, because a whole one refuses to be made without its cipher.
#include <openssl/evp.h>

#include "abi/generated/registers.h"
#include "abi/generated/status.h"
#include "catch2/catch_test_macros.hpp"
#include "device/command_processor.h"
#include "tests/fakes/gpu_rig.h"
#include "tests/unit/device/chip_memory.h"

namespace ward::device {
namespace {

constexpr uint32_t kQueue = 1;
constexpr uint32_t kContext = 1;
constexpr uint32_t kSession = 0x00010000;
constexpr uint64_t kFence = 0x2000;  // in system memory of the bench

std::unique_ptr<CryptoEngine> MakeWithoutCipher(Memory* memory, KeyVault* vault,
                                                GrantTable* grants) {
  EVP_set_default_properties(nullptr, "provider=none");
  auto engine = std::make_unique<CryptoEngine>(memory, vault, grants, false, nullptr,
                                               CtrEngine::Block::kLibcrypto);
  EVP_set_default_properties(nullptr, "");
  return engine;
}

struct Bench : ChipMemory {
  Bench()
      : options(fakes::GpuRig::Options()),
        vault(256),
        grants(64),
        registers(options),
        config(kVisibleBytes, &ports.interrupts),
        interrupts(&registers, &config, &ports.clock, ports.ports().trace),
        contexts(&memory),
        display(&memory, &grants, &ports.clock),
        copy(&memory),
        crypto(MakeWithoutCipher(&memory, &vault, &grants)),
        video(&memory),
        tables(this),
        security(std::move(
            SecurityProcessor::Create(options, ports.ports(), &vault, &grants, &memory, &display)
                .value())),
        processor(CommandBlocks{&registers, &memory, &contexts, &grants, security.get(),
                                &interrupts, &display, &copy, crypto.get(), &video, &ports.clock,
                                ports.ports().trace}) {
    security->Boot();
    REQUIRE(contexts.Create(kContext, kVisibleBytes - 4 * kPage).ok());
    tables.MapSystem(0, System(0x3000));
    tables.MapLocal(1, abi::kProtectedVramLocalBase);
    Grant& grant = grants.At(0);
    grant.session = kSession;
    grant.context = kContext;
    grant.session_slot = vault.Allocate(kSession, kKeyUsageDecrypt).value();
    REQUIRE(vault.Store(grant.session_slot, kSession, KeyVault::Key()));
    const uint32_t block = kQueue * abi::kQueueBlockStride;
    registers.Set64(abi::kRegRingBaseLo + block, System(0));
    registers.Set64(abi::kRegFenceAddressLo + block, System(kFence));
    registers.Set(abi::kRegRingSizeLog2 + block, 12);
    registers.Set(abi::kRegQueueContext + block, kContext);
    processor.WriteControl(kQueue, abi::kQueueControlEnableMask);
  }

  GpuOptions options;
  KeyVault vault;
  GrantTable grants;
  RegisterFile registers;
  PciConfig config;
  Interrupts interrupts;
  ContextTable contexts;
  Display display;
  CopyEngine copy;
  std::unique_ptr<CryptoEngine> crypto;
  VideoEngine video;
  ContextTables tables;
  std::unique_ptr<SecurityProcessor> security;
  CommandProcessor processor;
};

TEST_CASE("P12_ a blt whose cipher does not run puts the device in its error state") {
  const auto bench = std::make_unique<Bench>();
  REQUIRE(bench->security->firmware_state() == 1);
  auto decrypt = fakes::MakeCommand<abi::DecryptBltCommand>();
  decrypt.session = kSession;
  decrypt.length_bytes = 64;
  decrypt.destination = kPage;
  std::memcpy(bench->ports.bus.At(ChipMemory::System(0), sizeof(decrypt)), &decrypt,
              sizeof(decrypt));
  bench->processor.RingDoorbell(kQueue, sizeof(decrypt));
  (void)bench->processor.Process(1 << 20);
  const uint32_t block = kQueue * abi::kQueueBlockStride;
  CHECK(bench->registers.Get(abi::kRegRefusalStatus + block) == abi::kStatusDeviceInErrorState);
  CHECK(bench->security->firmware_state() == 2);
  CHECK(bench->vault.allocated_count() == 0);
}

}  // namespace
}  // namespace ward::device
