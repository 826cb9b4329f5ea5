// A chip that faults are tried on, and what has to hold after each of them: a fresh session does a
// correct decrypt, compared with libcrypto. Random choices come from seeds: the same in every run.
#ifndef WARD_TESTS_UNIT_DEVICE_FAULT_RIG_H_
#define WARD_TESTS_UNIT_DEVICE_FAULT_RIG_H_

#include <algorithm>
#include <cstdint>
#include <random>
#include <string>

#include "abi/generated/status.h"
#include "catch2/catch_test_macros.hpp"
#include "tests/fakes/fault_tries.h"
#include "tests/fakes/gpu_rig.h"
#include "tests/unit/device/chip_memory.h"
#include "tests/unit/device/security_bench.h"

namespace ward::fakes {

class Dice {
 public:
  explicit Dice(uint64_t seed) : engine_(seed) {}
  uint64_t Word() { return engine_(); }
  uint32_t Below(uint32_t end) { return static_cast<uint32_t>(engine_() % end); }
  uint32_t Between(uint32_t first, uint32_t last) { return first + Below(last - first + 1); }
  template <typename T>
  T OneOf(std::initializer_list<T> choices) {
    return choices.begin()[Below(static_cast<uint32_t>(choices.size()))];
  }

 private:
  std::mt19937_64 engine_;
};

class FaultRig : public GpuRig {
 public:
  // Of every context that Open makes: an answer, a source, an output, and a protected page.
  static constexpr uint64_t kResponse = 0x3000;
  static constexpr uint64_t kSource = 0x4000;
  static constexpr uint64_t kOutput = 0x5000;
  static constexpr uint64_t kProtected = 0x8000;
  // What FreshSessionDecrypts uses, and tests leave alone.
  static constexpr uint32_t kFresh = 15;
  static constexpr uint32_t kCommandRegister = 0x04, kPowerControl = 0x44, kDeviceControl = 0x68;
  static constexpr uint32_t kMemoryAndMaster = 0x6, kD0 = 0, kD3Hot = 3;

  explicit FaultRig(const device::GpuOptions& options = Options()) : GpuRig(options) { PowerUp(); }

  static uint64_t Bus(uint32_t context, uint64_t address) {
    return kData + context * 0x10000 + address;
  }

  // What a driver does before anything else: power, memory and mastering on, the kernel's queue.
  void PowerUp() {
    gpu->WriteConfig(kPowerControl, 2, kD0);
    gpu->WriteConfig(kCommandRegister, 2, kMemoryAndMaster);
    StartQueue(0);
  }
  // Context and queue of one number.
  void Open(uint32_t context) {
    CreateContext(context);
    for (const uint64_t address : {kResponse, kSource, kOutput}) {
      MapSystem(context, address, Bus(context, address));
    }
    MapPage(context, kProtected,
            (abi::kProtectedVramLocalBase + context * abi::kPageSize) | abi::kPteValid |
                abi::kPteWritable | abi::kPteLocal);
    StartQueue(context, context);
    REQUIRE(FaultStatus(0) == 0);
    REQUIRE(FaultStatus(context) == 0);
  }
  void Close(uint32_t context) {
    WriteQueue(context, abi::kRegQueueControl, abi::kQueueControlResetMask);
    auto destroy = MakeCommand<abi::ContextDestroyCommand>();
    destroy.context = context;
    Push(0, destroy);
    RingAndRun(0);
    REQUIRE(FaultStatus(0) == 0);
  }

  device::Reply Send(uint32_t context, uint32_t message, const test::Bytes& payload) {
    PushMessage(context, message, payload, kResponse, 64);
    RingAndRun(context);
    REQUIRE(FaultStatus(context) == 0);
    const uint8_t* bytes = ports.bus.At(Bus(context, kResponse), 64);
    return {LoadLe<uint32_t>(bytes), test::Bytes(bytes, bytes + 64)};
  }
  uint32_t OpenSession(uint32_t context) {
    static const test::Bytes blob = device::PublishedIdentity().Wrap(device::kSessionKey);
    return OpenSession(context, blob);
  }
  uint32_t OpenSession(uint32_t context, const test::Bytes& blob) {
    using device::SecurityBench;
    const device::Reply created =
        Send(context, abi::kMessageCreateSession, SecurityBench::CreatePayload());
    REQUIRE(created.status == abi::kStatusOk);
    const uint32_t session = created.Word(16);
    REQUIRE(Send(context, abi::kMessageNegotiateSessionKey,
                 SecurityBench::NegotiatePayload(session, blob))
                .status == abi::kStatusOk);
    return session;
  }
  static abi::DecryptBltCommand Decrypt(uint32_t session) {
    auto blt = MakeCommand<abi::DecryptBltCommand>();
    blt.session = session;
    blt.length_bytes = abi::kPageSize;
    blt.destination = kProtected;
    blt.source = kSource;
    blt.iv[3] = 0x77;
    return blt;
  }

  // A new context, a new session, a key, a decrypt blt of noise, and its read-back: whether what
  // lies in protected memory is what libcrypto makes of it. The kernel's queue is started anew.
  bool FreshSessionDecrypts() {
    StartQueue(0);
    Open(kFresh);
    const uint32_t session = OpenSession(kFresh);
    const device::Reply readback =
        Send(kFresh, abi::kMessageGetReadbackKey, device::SecurityBench::Words({session, 0}));
    REQUIRE(readback.status == abi::kStatusOk);
    const device::Block readback_key =
        device::Ecb(device::kSessionKey, readback.BlockAt(16), /*encrypt=*/false);
    uint8_t* source = ports.bus.At(Bus(kFresh, kSource), abi::kPageSize);
    for (uint32_t i = 0; i < abi::kPageSize; ++i) source[i] = static_cast<uint8_t>(i * 31 + 7);
    const abi::DecryptBltCommand decrypt = Decrypt(session);
    Push(kFresh, decrypt);
    auto encrypt = MakeCommand<abi::EncryptBltCommand>();
    encrypt.session = session;
    encrypt.length_bytes = abi::kPageSize / 2;
    encrypt.destination = kOutput;
    encrypt.source = kProtected;
    encrypt.iv_address = kOutput + abi::kPageSize / 2;
    Push(kFresh, encrypt);
    RingAndRun(kFresh);
    bool right = FaultStatus(kFresh) == 0 && ReadQueue(kFresh, abi::kRegRefusalCount) == 0;
    const uint8_t* output = ports.bus.At(Bus(kFresh, kOutput), abi::kPageSize);
    device::Block counter, out_counter;
    std::copy_n(decrypt.iv, 16, counter.begin());
    std::copy_n(output + abi::kPageSize / 2, 16, out_counter.begin());
    for (uint32_t at = 0; at < abi::kPageSize / 2; at += 16) {
      const device::Block in_stream = device::Ecb(device::kSessionKey, counter, true);
      const device::Block out_stream = device::Ecb(readback_key, out_counter, true);
      for (uint32_t i = 0; i < 16; ++i) {
        right = right && output[at + i] == (source[at + i] ^ in_stream[i] ^ out_stream[i]);
      }
      Increment(&counter);
      Increment(&out_counter);
    }
    Close(kFresh);
    return right;
  }

  // After a reset of any kind nothing runs, no line is up, and nothing waits for time (P17).
  bool IsQuiet() {
    ports.bus.ClearLog();
    const size_t vectors = ports.interrupts.vectors.size();
    const uint32_t causes = Read(abi::kRegInterruptCause);
    const device::ProcessResult result = gpu->Process(1 << 20);
    ports.clock.now_ns += 1000000000;
    const device::ProcessResult later = gpu->Process(1 << 20);
    return !result.more && !later.more && result.wakeup_ns == 0 && later.wakeup_ns == 0 &&
           ports.bus.log().empty() && ports.interrupts.vectors.size() == vectors &&
           (causes & ~abi::kInterruptCauseKeysLostMask) == 0 &&
           gpu->ReadMsix(abi::kMsixPbaOffset, 4) == 0;
  }

 private:
  static void Increment(device::Block* counter) {
    for (size_t i = counter->size(); i-- > 8 && ++(*counter)[i] == 0;) {
    }
  }
};

}  // namespace ward::fakes

#endif  // WARD_TESTS_UNIT_DEVICE_FAULT_RIG_H_
