// How each command is brought to each status that is not wrong in every command alike.
#ifndef WARD_TESTS_CONFORMANCE_COMMAND_SCENARIOS_H_
#define WARD_TESTS_CONFORMANCE_COMMAND_SCENARIOS_H_

#include <cstddef>
#include <cstring>
#include <functional>
#include <string>
#include <tuple>
#include <vector>

#include "abi/generated/status.h"
#include "tests/conformance/command_bench.h"

namespace ward::fakes::commands {

using Scenario = test::Scenario<Bench>;
using test::Need;

// A valid command with one thing changed, on its queue.
template <typename T>
Scenario Changed(const char* name, std::function<void(Bench&, T*)> change) {
  return [=](Bench& bench) {
    Bytes bytes = ValidCommands().at(name)(bench);
    T command;
    std::memcpy(&command, bytes.data(), sizeof(command));
    change(bench, &command);
    std::memcpy(bytes.data(), &command, sizeof(command));
    return bench.StatusOf(QueueOf(*abi::FindCommand(T::kOpcode)), bytes);
  };
}

// 128 KiB each of system memory twice, and of protected memory.
inline void MapHuge(Bench* bench) {
  for (uint64_t page = 0; page < kHuge; page += 0x1000) {
    bench->rig.MapSystem(1, 0x100000 + page, bench->rig.data() + 0x100000 + page);
    bench->rig.MapSystem(1, 0x140000 + page, bench->rig.data() + 0x200000 + page);
    bench->rig.MapPage(1, 0x180000 + page,
                       (abi::kProtectedVramLocalBase + 0x10000 + page) | abi::kPteValid |
                           abi::kPteWritable | abi::kPteLocal);
  }
}

// The command is in flight when the engines are reset: it is a large one, or waits.
inline uint32_t StatusOfReset(Bench* bench, const Bytes& bytes) {
  MapHuge(bench);
  bench->rig.PushBytes(kUser, bytes);
  bench->rig.Doorbell(kUser);
  test::Inside(bench->rig).gpu->Process(4096);
  return bench->rig.ResetEngines(kUser);
}

template <typename T>
Scenario EngineReset(const char* name, std::function<void(Bench&, T*)> change) {
  const auto run = [=](Bench& bench) {
    const Bytes bytes = ValidCommands().at(name)(bench);
    T command;
    std::memcpy(&command, bytes.data(), sizeof(command));
    change(bench, &command);
    return StatusOfReset(&bench, BytesOf(command));
  };
  return {run, Need::kInside};
}

// The same of a command that waits for what never comes.
template <typename T>
Scenario ResetInWait(const char* name, std::function<void(Bench&, T*)> change) {
  return [=](Bench& bench) {
    const Bytes bytes = ValidCommands().at(name)(bench);
    T command;
    std::memcpy(&command, bytes.data(), sizeof(command));
    change(bench, &command);
    bench.rig.PushBytes(kUser, BytesOf(command));
    bench.rig.Doorbell(kUser);
    bench.rig.RunIntoWait(kUser);
    return bench.rig.ResetEngines(kUser);
  };
}

inline Scenario WhenFailed(const char* name) {
  const auto run = [=](Bench&) {
    Bench bench({.fails_self_test = true});
    // No session can be made then, and none is looked for.
    static Bench well;
    const Bytes bytes = ValidCommands().at(name)(well);
    return bench.StatusOf(QueueOf(*abi::FindCommand(LoadLe<uint16_t>(bytes.data()))), bytes);
  };
  return {run, Need::kInside};
}

using Scenarios = std::vector<std::tuple<std::string, uint32_t, Scenario>>;

inline Scenarios QueueScenarios() {
  using namespace abi;  // NOLINT: names of one contract
  return {
      {"NOOP", kStatusCommandStraddlesEnd,
       Changed<NoopCommand>("NOOP", [](Bench&, auto* c) { c->length = 4096; })},
      {"FENCE", kStatusFenceNotMonotonic,
       Changed<FenceCommand>("FENCE", [](Bench&, auto* c) { c->value = 0; })},
      {"FENCE", kStatusBusError,
       [](Bench& b) {
         b.rig.WriteQueue(kUser, kRegQueueControl, 0);
         b.rig.WriteQueue(kUser, kRegFenceAddressLo, static_cast<uint32_t>(kNowhereOnTheBus));
         b.rig.WriteQueue(kUser, kRegFenceAddressHi, kNowhereOnTheBus >> 32);
         b.rig.WriteQueue(kUser, kRegQueueControl, kQueueControlEnableMask);
         auto c = MakeCommand<FenceCommand>();
         c.value = 1;
         std::memcpy(b.rig.Memory(b.rig.ring_address(kUser), sizeof(c)), &c, sizeof(c));
         b.rig.Doorbell(kUser, sizeof(c));
         b.rig.Run();
         return b.rig.FaultStatus(kUser);
       }},
      {"FENCE", kStatusCommandNotPermitted,
       [](Bench& b) {
         auto c = MakeCommand<FenceCommand>();
         c.value = 1;
         std::memcpy(b.rig.Memory(b.rig.data() + 0x2000, 16), &c, 16);
         return b.StatusOf(kUser, ValidCommands().at("INDIRECT_BUFFER")(b));
       }},
      {"WAIT", kStatusEngineReset,
       ResetInWait<WaitCommand>("WAIT", [](Bench&, auto* c) { c->value = ~uint64_t{0}; })},
      {"INDIRECT_BUFFER", kStatusOperandInvalid,
       Changed<IndirectBufferCommand>("INDIRECT_BUFFER",
                                      [](Bench&, auto* c) { c->length_bytes = 0; })},
      {"INDIRECT_BUFFER", kStatusCommandNotPermitted,
       [](Bench& b) {
         const Bytes self = ValidCommands().at("INDIRECT_BUFFER")(b);
         std::memcpy(b.rig.Memory(b.rig.data() + 0x2000, 32), self.data(), 32);
         return b.StatusOf(kUser, self);
       }},
      {"SECURITY_MESSAGE", kStatusOperandInvalid,
       Changed<SecurityMessageCommand>("SECURITY_MESSAGE",
                                       [](Bench&, auto* c) { c->response_capacity = 8; })},
      {"SECURITY_MESSAGE", kStatusEngineReset,
       EngineReset<SecurityMessageCommand>("SECURITY_MESSAGE", [](Bench&, auto*) {})},
  };
}

inline Scenarios DisplayScenarios() {
  using namespace abi;  // NOLINT: names of one contract
  return {
      {"FLIP", kStatusOutputInvalid,
       Changed<FlipCommand>("FLIP", [](Bench&, auto* c) { c->output = 1; })},  // off
      {"CURSOR", kStatusOutputInvalid,
       Changed<CursorCommand>("CURSOR", [](Bench&, auto* c) { c->output = 2; })},
      {"CURSOR", kStatusOperandInvalid,
       Changed<CursorCommand>("CURSOR", [](Bench&, auto* c) { c->hot_spot_x = 64; })},
      {"CURSOR", kStatusAddressMisaligned,
       Changed<CursorCommand>("CURSOR", [](Bench&, auto* c) { c->address |= 16; })},
      {"CURSOR", kStatusAddressOutOfRange,
       Changed<CursorCommand>("CURSOR", [](Bench&, auto* c) { c->address |= uint64_t{1} << 40; })},
      {"CURSOR", kStatusScanoutRefused,
       Changed<CursorCommand>("CURSOR", [](Bench& b, auto* c) { c->address = b.rig.data(); })},
      {"CURSOR", kStatusDeviceInErrorState, WhenFailed("CURSOR")},
      {"WAIT_VBLANK", kStatusEngineReset,
       EngineReset<WaitVblankCommand>("WAIT_VBLANK", [](Bench&, auto* c) { c->count = 1000; })},
      {"WAIT_VBLANK", kStatusOutputInvalid,
       Changed<WaitVblankCommand>("WAIT_VBLANK", [](Bench&, auto* c) { c->output = 2; })},
      {"WAIT_VBLANK", kStatusOperandInvalid,
       Changed<WaitVblankCommand>("WAIT_VBLANK",
                                  [](Bench&, auto* c) {
                                    c->flags = WaitVblankCommand::kFlagFlip;
                                    c->count = 1;
                                  })},
      {"FLIP", kStatusOperandInvalid,
       Changed<FlipCommand>("FLIP", [](Bench&, auto* c) { c->width = 1; })},
      {"FLIP", kStatusAddressMisaligned,
       Changed<FlipCommand>("FLIP", [](Bench&, auto* c) { c->address |= 16; })},
      {"FLIP", kStatusAddressOutOfRange,
       Changed<FlipCommand>("FLIP", [](Bench&, auto* c) { c->address |= uint64_t{1} << 40; })},
      {"FLIP", kStatusScanoutRefused,
       Changed<FlipCommand>("FLIP", [](Bench& b, auto* c) { c->address = b.rig.data(); })},
      {"FLIP", kStatusDeviceInErrorState, WhenFailed("FLIP")},
  };
}

inline Scenarios KernelScenarios() {
  using namespace abi;  // NOLINT: names of one contract
  return {
      {"CONTEXT_CREATE", kStatusContextExists,
       Changed<ContextCreateCommand>("CONTEXT_CREATE", [](Bench&, auto* c) { c->context = 1; })},
      {"CONTEXT_CREATE", kStatusOperandInvalid,
       Changed<ContextCreateCommand>("CONTEXT_CREATE", [](Bench&, auto* c) { c->context = 0; })},
      {"CONTEXT_CREATE", kStatusAddressMisaligned,
       Changed<ContextCreateCommand>("CONTEXT_CREATE",
                                     [](Bench&, auto* c) { c->page_table_root = 8; })},
      {"CONTEXT_CREATE", kStatusAddressOutOfRange,
       Changed<ContextCreateCommand>(
           "CONTEXT_CREATE", [](Bench&, auto* c) { c->page_table_root = uint64_t{1} << 40; })},
      {"CONTEXT_CREATE", kStatusControlInProtectedMemory,
       Changed<ContextCreateCommand>(
           "CONTEXT_CREATE",
           [](Bench&, auto* c) { c->page_table_root = kProtectedVramLocalBase; })},
      {"CONTEXT_DESTROY", kStatusContextInvalid,
       Changed<ContextDestroyCommand>("CONTEXT_DESTROY", [](Bench&, auto* c) { c->context = 77; })},
      {"CONTEXT_DESTROY", kStatusContextBusy,
       Changed<ContextDestroyCommand>("CONTEXT_DESTROY", [](Bench&, auto* c) { c->context = 1; })},
      {"INVALIDATE", kStatusContextInvalid,
       Changed<InvalidateCommand>("INVALIDATE", [](Bench&, auto* c) { c->context = 77; })},
      {"INVALIDATE", kStatusAddressMisaligned,
       Changed<InvalidateCommand>("INVALIDATE", [](Bench&, auto* c) { c->address = 8; })},
      {"INVALIDATE", kStatusOperandInvalid,
       Changed<InvalidateCommand>("INVALIDATE", [](Bench&, auto* c) { c->length_bytes = 8; })},
      {"INVALIDATE", kStatusAddressOutOfRange,
       Changed<InvalidateCommand>("INVALIDATE",
                                  [](Bench&, auto* c) {
                                    c->address = kWide;
                                    c->length_bytes = 4096;
                                  })},
      {"INVALIDATE", kStatusEngineReset,
       Scenario(
           [](Bench& b) {
             // It waits for a message of the context.
             b.rig.PushBytes(kUser, ValidCommands().at("SECURITY_MESSAGE")(b));
             b.rig.Doorbell(kUser);
             test::Inside(b.rig).gpu->Process(4096);
             b.rig.PushBytes(0, ValidCommands().at("INVALIDATE")(b));
             b.rig.Doorbell(0);
             test::Inside(b.rig).gpu->Process(4096);
             return b.rig.ResetEngines(0);
           },
           Need::kInside)},
  };
}

inline Scenarios TransferScenarios() {
  using namespace abi;  // NOLINT: names of one contract
  return {
      {"COPY", kStatusOperandInvalid,
       Changed<CopyCommand>("COPY", [](Bench&, auto* c) { c->row_bytes = 0; })},
      {"COPY", kStatusProtectedReadRefused,
       Changed<CopyCommand>("COPY", [](Bench&, auto* c) { c->source = kProtected; })},
      {"COPY", kStatusProtectedOwnerMismatch,
       Changed<CopyCommand>("COPY",
                            [](Bench& b, auto* c) {
                              b.MakeTwoOwners();
                              c->source = kTwoOwners + 0x1000 - 32;
                              c->destination = kProtected;
                            })},
      {"COPY", kStatusDeviceInErrorState, WhenFailed("COPY")},
      {"COPY", kStatusEngineReset,
       EngineReset<CopyCommand>("COPY",
                                [](Bench&, auto* c) {
                                  c->source = 0x100000;
                                  c->destination = 0x140000;
                                  c->row_bytes = kHuge;
                                })},
      {"FILL", kStatusOperandInvalid,
       Changed<FillCommand>("FILL", [](Bench&, auto* c) { c->row_count = 0; })},
      {"FILL", kStatusDeviceInErrorState, WhenFailed("FILL")},
      {"FILL", kStatusEngineReset,
       EngineReset<FillCommand>("FILL",
                                [](Bench&, auto* c) {
                                  c->destination = 0x140000;
                                  c->row_bytes = kHuge;
                                })},
      {"VIDEO_BLT", kStatusOperandInvalid,
       Changed<VideoBltCommand>("VIDEO_BLT", [](Bench&, auto* c) { c->filter = 99; })},
      {"VIDEO_BLT", kStatusProtectedReadRefused,
       Changed<VideoBltCommand>("VIDEO_BLT", [](Bench&, auto* c) { c->source_luma = kProtected; })},
      {"VIDEO_BLT", kStatusProtectedOwnerMismatch,
       Changed<VideoBltCommand>("VIDEO_BLT",
                                [](Bench& b, auto* c) {
                                  b.MakeTwoOwners();
                                  c->source_luma = kTwoOwners;
                                  c->source_chroma = kTwoOwners + 0x1000;
                                  c->destination = kProtected;
                                })},
      {"VIDEO_BLT", kStatusDeviceInErrorState, WhenFailed("VIDEO_BLT")},
      {"VIDEO_BLT", kStatusEngineReset,
       EngineReset<VideoBltCommand>("VIDEO_BLT",
                                    [](Bench&, auto* c) {
                                      c->destination = 0x140000;
                                      c->source_luma = 0x100000;
                                      c->source_chroma = 0x100000;
                                      c->destination_width = c->destination_height = 128;
                                      c->destination_pitch = 512;
                                    })},
  };
}

// Of all commands that use a session.
template <typename T>
void AddSessionScenarios(const char* name, Scenarios* scenarios) {
  using namespace abi;  // NOLINT: names of one contract
  scenarios->push_back(
      {name, kStatusSessionInvalid, Changed<T>(name, [](Bench&, T* c) { c->session = 0x7777; })});
  scenarios->push_back(
      {name, kStatusSessionLost,
       Scenario(Changed<T>(name, [](Bench& b, T*) { test::Inside(b.rig).gpu->TearDown(); }).run,
                Need::kInside)});
  scenarios->push_back(
      {name, kStatusOperandInvalid, Changed<T>(name, [](Bench&, T* c) { c->length_bytes = 0; })});
  scenarios->push_back({name, kStatusDeviceInErrorState, WhenFailed(name)});
}

template <typename T>
void AddDecryptScenarios(const char* name, Scenarios* scenarios) {
  using namespace abi;  // NOLINT: names of one contract
  AddSessionScenarios<T>(name, scenarios);
  scenarios->push_back({name, kStatusSessionNoKey,
                        Changed<T>(name, [](Bench& b, T* c) { c->session = b.NewSession(); })});
  scenarios->push_back({name, kStatusSessionNoContentKey,
                        Changed<T>(name, [](Bench&, T* c) { c->flags |= T::kFlagContentKey; })});
  scenarios->push_back({name, kStatusDestinationNotProtected,
                        Changed<T>(name, [](Bench&, T* c) { c->destination = kDestination; })});
  scenarios->push_back({name, kStatusProtectedReadRefused,
                        Changed<T>(name, [](Bench&, T* c) { c->source = kTwoOwners; })});
  const Scenario reuse = Changed<T>(name, [=](Bench& b, T* c) {
    Bytes first = ValidCommands().at(name)(b);
    REQUIRE(b.StatusOf(kUser, first) == 0);
    std::memset(c->iv, 0, sizeof(c->iv));
  });
  scenarios->push_back({name, kStatusIvReused, Scenario(reuse.run, Need::kStrictIv)});
}

// Status of an ENCRYPT_BLT whose key is replaced while it runs.
inline uint32_t ReplaceReadbackKeyAmidBlt(Bench& b) {
  using namespace abi;  // NOLINT: names of one contract
  MapHuge(&b);
  Bytes bytes = ValidCommands().at("ENCRYPT_BLT")(b);
  StoreLe<uint32_t>(bytes.data() + offsetof(EncryptBltCommand, length_bytes), kHuge);
  StoreLe<uint64_t>(bytes.data() + offsetof(EncryptBltCommand, source), 0x100000);
  StoreLe<uint64_t>(bytes.data() + offsetof(EncryptBltCommand, destination), 0x140000);
  b.rig.PushBytes(kUser, bytes);
  b.rig.Doorbell(kUser);
  test::Inside(b.rig).gpu->Process(4096);
  b.rig.StartQueue(2, 1);
  Bytes request(8);
  StoreLe<uint32_t>(request.data(), b.session());
  b.rig.PushMessage(2, kMessageGetReadbackKey, request, kSource, 64);
  b.rig.Doorbell(2);
  test::Inside(b.rig).gpu->Process(4096);
  test::Inside(b.rig).ports.clock.now_ns += 1000000000;
  b.rig.Run(4096);
  return b.rig.ReadQueue(kUser, kRegRefusalStatus);
}

inline Scenarios SessionScenarios() {
  using namespace abi;  // NOLINT: names of one contract
  Scenarios scenarios = {
      {"DECRYPT_BLT", kStatusPatternMisaligned,
       Changed<DecryptBltCommand>("DECRYPT_BLT",
                                  [](Bench&, auto* c) {
                                    c->flags |= DecryptBltCommand::kFlagPattern;
                                    c->encrypt_bytes = 7;
                                  })},
      {"DECRYPT_BLT", kStatusEngineReset,
       EngineReset<DecryptBltCommand>("DECRYPT_BLT",
                                      [](Bench&, auto* c) {
                                        c->source = 0x100000;
                                        c->destination = 0x180000;
                                        c->length_bytes = kHuge;
                                      })},
      {"DECRYPT_SAMPLE", kStatusSubSamplesInvalid,
       Changed<DecryptSampleCommand>("DECRYPT_SAMPLE",
                                     [](Bench&, auto* c) { c->length_bytes = kLength + 1; })},
      {"DECRYPT_SAMPLE", kStatusEngineReset,
       Scenario(
           [](Bench& b) {
             Bytes bytes = ValidCommands().at("DECRYPT_SAMPLE")(b);
             StoreLe<uint32_t>(bytes.data() + offsetof(DecryptSampleCommand, length_bytes), kHuge);
             StoreLe<uint64_t>(bytes.data() + offsetof(DecryptSampleCommand, source), 0x100000);
             StoreLe<uint64_t>(bytes.data() + offsetof(DecryptSampleCommand, destination),
                               0x180000);
             StoreLe<uint32_t>(bytes.data() + sizeof(DecryptSampleCommand) + 4, kHuge);
             return StatusOfReset(&b, bytes);
           },
           Need::kInside)},
      {"DECRYPT_SAMPLE", kStatusCommandLengthInvalid,
       Changed<DecryptSampleCommand>("DECRYPT_SAMPLE",
                                     [](Bench&, auto* c) { c->sub_sample_count = 3; })},
      {"ENCRYPT_BLT", kStatusSessionNoKey, Scenario(ReplaceReadbackKeyAmidBlt, Need::kInside)},
      {"ENCRYPT_BLT", kStatusSessionNoReadbackKey,
       Changed<EncryptBltCommand>("ENCRYPT_BLT",
                                  [](Bench& b, auto* c) { c->session = b.KeyedSession(false); })},
      {"ENCRYPT_BLT", kStatusDestinationProtected,
       Changed<EncryptBltCommand>("ENCRYPT_BLT",
                                  [](Bench&, auto* c) { c->destination = kProtected; })},
      {"ENCRYPT_BLT", kStatusProtectedOwnerMismatch,
       Changed<EncryptBltCommand>("ENCRYPT_BLT",
                                  [](Bench& b, auto* c) {
                                    b.MakeTwoOwners();
                                    c->source = kTwoOwners;
                                  })},
      {"ENCRYPT_BLT", kStatusEngineReset,
       EngineReset<EncryptBltCommand>("ENCRYPT_BLT",
                                      [](Bench&, auto* c) {
                                        c->source = 0x100000;
                                        c->destination = 0x140000;
                                        c->length_bytes = kHuge;
                                      })},
  };
  AddDecryptScenarios<DecryptBltCommand>("DECRYPT_BLT", &scenarios);
  AddDecryptScenarios<DecryptSampleCommand>("DECRYPT_SAMPLE", &scenarios);
  AddSessionScenarios<EncryptBltCommand>("ENCRYPT_BLT", &scenarios);
  return scenarios;
}

}  // namespace ward::fakes::commands

#endif  // WARD_TESTS_CONFORMANCE_COMMAND_SCENARIOS_H_
