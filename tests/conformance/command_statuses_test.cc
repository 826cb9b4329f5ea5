// Every command with every status that it can end with. What can be written wrongly in any address
// field is tried in all of them, from the contract's table; the rest has a scenario each. Random
// commands then look for a status that a command has and nobody provoked.
#include <algorithm>
#include <functional>
#include <map>
#include <random>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "abi/generated/status.h"
#include "catch2/catch_test_macros.hpp"
#include "device/crypto/rsa_private_key.h"
#include "firmware/guid.h"
#include "tests/fakes/gpu_rig.h"

namespace ward::fakes {
namespace {

using abi::CommandInfo;
using abi::FieldInfo;
using abi::FieldKind;
using Bytes = std::vector<uint8_t>;

constexpr uint32_t kUser = 1;
// Addresses of context 1.
constexpr uint64_t kSource = 0x10000, kDestination = 0x20000, kIndirect = 0x30000;
constexpr uint64_t kReadOnly = 0x40000, kUnmapped = 0x50000, kNoMemory = 0x60000;
constexpr uint64_t kBadEntry = 0x70000, kProtected = 0x80000, kTwoOwners = 0x90000;
constexpr uint64_t kWide = uint64_t{1} << 48;
constexpr uint64_t kNowhereOnTheBus = 0x7000000000;
constexpr uint32_t kLength = 64;
constexpr uint32_t kHuge = 32 * 0x1000;  // more than one slice moves

// A chip with a user's queue, a keyed session of its context, and a view of each kind of memory.
class Bench {
 public:
  explicit Bench(const device::GpuOptions& options = Options()) : rig(options) {
    rig.CreateContext(1);
    rig.MapSystem(1, kSource, GpuRig::kData);
    rig.MapSystem(1, kDestination, GpuRig::kData + 0x1000);
    rig.MapSystem(1, kIndirect, GpuRig::kData + 0x2000);
    rig.MapSystem(1, kReadOnly, GpuRig::kData + 0x3000, false);
    rig.MapSystem(1, kNoMemory, kNowhereOnTheBus);
    rig.MapPage(1, kBadEntry, abi::kPteValid | 0x10);
    const uint64_t hidden =
        abi::kProtectedVramLocalBase | abi::kPteValid | abi::kPteWritable | abi::kPteLocal;
    rig.MapPage(1, kProtected, hidden);
    rig.MapPage(1, kTwoOwners, hidden + 0x1000);
    rig.MapPage(1, kTwoOwners + 0x1000, hidden + 0x2000);
    rig.StartQueue(kUser, 1);
    const auto noop = MakeCommand<abi::NoopCommand>();
    for (uint64_t at = 0; at < 0x1000; at += 16) {
      std::memcpy(rig.ports.bus.At(GpuRig::kData + 0x2000 + at, 16), &noop, 16);
    }
    rig.Write(abi::kRegOutputControl, 1);
  }
  static device::GpuOptions Options() {
    device::GpuOptions options = GpuRig::Options();
    options.strict_iv = true;
    return options;
  }

  // The fault, or else the refusal, that the bytes end with; 0 when neither.
  uint32_t StatusOf(uint32_t queue, ConstByteSpan bytes) {
    if (rig.FaultStatus(queue) != 0) rig.StartQueue(queue, queue == 0 ? 0 : 1);
    // A ring's end is no place for a command that would straddle it.
    if (rig.ReadQueue(queue, abi::kRegRingTail) + bytes.size() + 16 > GpuRig::kRingBytes) {
      rig.StartQueue(queue, queue == 0 ? 0 : 1);
    }
    const uint32_t before = rig.ReadQueue(queue, abi::kRegRefusalCount);
    rig.PushBytes(queue, bytes);
    rig.RingAndRun(queue);
    if (rig.FaultStatus(queue) != 0) return rig.FaultStatus(queue);
    const bool refused = rig.ReadQueue(queue, abi::kRegRefusalCount) != before;
    return refused ? rig.ReadQueue(queue, abi::kRegRefusalStatus) : 0;
  }
  template <typename T>
  uint32_t Status(uint32_t queue, const T& command) {
    return StatusOf(queue, {reinterpret_cast<const uint8_t*>(&command), sizeof(command)});
  }

  uint32_t Send(uint32_t message, const Bytes& payload) {
    rig.PushMessage(kUser, message, payload, kSource, 64);
    rig.RingAndRun(kUser);
    return rig.ports.bus.Load<uint32_t>(GpuRig::kData);
  }
  uint32_t NewSession() {
    Bytes request(sizeof(abi::CreateSessionRequest));
    std::memcpy(request.data(), firmware::kAes128Ctr, 16);
    std::memcpy(request.data() + 32, firmware::kRsaesOaep, 16);
    REQUIRE(Send(abi::kMessageCreateSession, request) == 0);
    return rig.ports.bus.Load<uint32_t>(GpuRig::kData + 16);
  }
  uint32_t KeyedSession(bool readback = true) {
    const uint32_t session = NewSession();
    static const Bytes blob = [] {
      const char* reason = nullptr;
      auto key = device::RsaPrivateKey::LoadDer(GpuRig::Options().identity_private_key, &reason);
      REQUIRE(key.has_value());
      Bytes wrapped(device::RsaPrivateKey::kModulusBytes);
      REQUIRE(key->WrapKey(device::AesKey{}, wrapped));
      return wrapped;
    }();
    Bytes request(8);
    StoreLe<uint32_t>(request.data(), session);
    StoreLe<uint32_t>(request.data() + 4, device::RsaPrivateKey::kModulusBytes);
    request.insert(request.end(), blob.begin(), blob.end());
    REQUIRE(Send(abi::kMessageNegotiateSessionKey, request) == 0);
    Bytes readback_request(8);
    StoreLe<uint32_t>(readback_request.data(), session);
    if (readback) REQUIRE(Send(abi::kMessageGetReadbackKey, readback_request) == 0);
    return session;
  }
  // The session of the commands that Valid makes.
  uint32_t session() {
    if (session_ == 0) session_ = KeyedSession();
    return session_;
  }
  // One page each of two sessions at kTwoOwners.
  void MakeTwoOwners() {
    for (const uint64_t page : {kTwoOwners, kTwoOwners + 0x1000}) {
      auto decrypt = MakeCommand<abi::DecryptBltCommand>();
      decrypt.session = KeyedSession(false);
      decrypt.length_bytes = kLength;
      decrypt.destination = page;
      decrypt.source = kSource;
      REQUIRE(Status(kUser, decrypt) == 0);
    }
  }
  uint8_t NextIv() { return ++iv_; }
  uint64_t NextFence(uint32_t queue) { return rig.ReadQueue(queue, abi::kRegLastFenceLo) + 1; }

  GpuRig rig;

 private:
  uint32_t session_ = 0;
  uint8_t iv_ = 0;
};

template <typename T>
Bytes BytesOf(const T& command) {
  const auto* first = reinterpret_cast<const uint8_t*>(&command);
  return {first, first + sizeof(command)};
}

// Commands that end well, by name. Each makes a new one.
std::map<std::string, std::function<Bytes(Bench&)>> ValidCommands() {
  return {
      {"NOOP", [](Bench&) { return BytesOf(MakeCommand<abi::NoopCommand>()); }},
      {"FENCE",
       [](Bench& b) {
         auto c = MakeCommand<abi::FenceCommand>();
         c.value = b.NextFence(kUser);
         return BytesOf(c);
       }},
      {"WAIT",
       [](Bench&) {
         auto c = MakeCommand<abi::WaitCommand>();
         c.address = kSource;
         return BytesOf(c);
       }},
      {"INDIRECT_BUFFER",
       [](Bench&) {
         auto c = MakeCommand<abi::IndirectBufferCommand>();
         c.address = kIndirect;
         c.length_bytes = 32;
         return BytesOf(c);
       }},
      {"COPY",
       [](Bench&) {
         auto c = MakeCommand<abi::CopyCommand>();
         c.destination = kDestination;
         c.source = kSource;
         c.row_bytes = kLength;
         c.row_count = 1;
         return BytesOf(c);
       }},
      {"FILL",
       [](Bench&) {
         auto c = MakeCommand<abi::FillCommand>();
         c.destination = kDestination;
         c.row_bytes = kLength;
         c.row_count = 1;
         return BytesOf(c);
       }},
      {"DECRYPT_BLT",
       [](Bench& b) {
         auto c = MakeCommand<abi::DecryptBltCommand>();
         c.session = b.session();
         c.length_bytes = kLength;
         c.destination = kProtected;
         c.source = kSource;
         c.iv[7] = b.NextIv();
         return BytesOf(c);
       }},
      {"DECRYPT_SAMPLE",
       [](Bench& b) {
         auto c = MakeCommand<abi::DecryptSampleCommand>();
         c.length += 16;
         c.session = b.session();
         c.length_bytes = kLength;
         c.destination = kProtected;
         c.source = kSource;
         c.iv[7] = b.NextIv();
         c.sub_sample_count = 1;
         Bytes bytes = BytesOf(c);
         bytes.resize(c.length);
         StoreLe<uint32_t>(bytes.data() + sizeof(c) + 4, kLength);
         return bytes;
       }},
      {"ENCRYPT_BLT",
       [](Bench& b) {
         auto c = MakeCommand<abi::EncryptBltCommand>();
         c.session = b.session();
         c.length_bytes = kLength;
         c.destination = kDestination;
         c.source = kSource;
         c.iv_address = kDestination + 0x800;
         return BytesOf(c);
       }},
      {"VIDEO_BLT",
       [](Bench&) {
         auto c = MakeCommand<abi::VideoBltCommand>();
         c.destination = kDestination;
         c.source_luma = kSource;
         c.source_chroma = kSource + 0x100;
         c.destination_pitch = 8;
         c.source_pitch = 2;
         c.source_width = c.source_height = 2;
         c.destination_width = c.destination_height = 2;
         return BytesOf(c);
       }},
      {"FLIP",
       [](Bench&) {
         auto c = MakeCommand<abi::FlipCommand>();
         c.address = abi::kPhysicalLocal;
         c.pitch = 2560;
         c.width = 640;
         c.height = 360;
         return BytesOf(c);
       }},
      {"SECURITY_MESSAGE",
       [](Bench&) {
         auto c = MakeCommand<abi::SecurityMessageCommand>();
         c.message = abi::kMessageGetCertificate;
         c.response_address = kSource;
         c.response_capacity = 64;
         return BytesOf(c);
       }},
      {"CONTEXT_CREATE",
       [](Bench&) {
         auto c = MakeCommand<abi::ContextCreateCommand>();
         c.context = 9;
         return BytesOf(c);
       }},
      {"CONTEXT_DESTROY",
       [](Bench& b) {
         auto made = MakeCommand<abi::ContextCreateCommand>();
         made.context = 10;
         REQUIRE(b.Status(0, made) == 0);
         auto c = MakeCommand<abi::ContextDestroyCommand>();
         c.context = 10;
         return BytesOf(c);
       }},
      {"INVALIDATE",
       [](Bench&) {
         auto c = MakeCommand<abi::InvalidateCommand>();
         c.context = 1;
         return BytesOf(c);
       }},
  };
}

uint32_t QueueOf(const CommandInfo& info) { return info.privileged ? 0 : kUser; }

bool IsWritten(const FieldInfo& field) {
  return std::set<std::string>{"destination", "iv_address", "response_address"}.count(field.name) !=
         0;
}

// Rings, buffers and answers: aligned, and never in protected memory.
bool IsControl(const CommandInfo& info) {
  return info.opcode == abi::WaitCommand::kOpcode ||
         info.opcode == abi::IndirectBufferCommand::kOpcode ||
         info.opcode == abi::SecurityMessageCommand::kOpcode;
}

using Pair = std::pair<std::string, uint32_t>;  // command and status
using Pairs = std::set<Pair>;

// Tries what can be wrong with a header and a body, in every command.
void ProvokeHeaders(const CommandInfo& info, const Bytes& valid, Pairs* provoked) {
  const auto attempt = [&](uint32_t status, uint32_t queue, const Bytes& bytes) {
    Bench bench;
    INFO(info.name << " " << abi::StatusName(status));
    CHECK(bench.StatusOf(queue, bytes) == status);
    provoked->insert({info.name, status});
  };
  const uint32_t queue = QueueOf(info);
  Bytes bytes = valid;
  StoreLe<uint32_t>(bytes.data() + 4, 8);
  attempt(abi::kStatusCommandLengthInvalid, queue, bytes);
  bytes = valid;
  StoreLe<uint16_t>(bytes.data() + 2, 0x8000);
  attempt(abi::kStatusCommandFlagsInvalid, queue, bytes);
  if (info.size_bytes > 16) {
    attempt(abi::kStatusCommandStraddlesEnd, queue, Bytes(valid.begin(), valid.begin() + 16));
  }
  if (info.privileged) attempt(abi::kStatusCommandNotPermitted, kUser, valid);
  for (uint32_t i = 0; i < info.field_count; ++i) {
    if (info.fields[i].kind != FieldKind::kReserved) continue;
    bytes = valid;
    bytes[info.fields[i].offset] = 1;
    attempt(abi::kStatusReservedNotZero, queue, bytes);
    break;
  }
}

// Tries what can be wrong with an address, in every address field of a user's commands.
void ProvokeAddresses(const CommandInfo& info, const std::function<Bytes(Bench&)>& valid,
                      Pairs* provoked) {
  if (info.privileged) return;
  for (uint32_t i = 0; i < info.field_count; ++i) {
    const FieldInfo& field = info.fields[i];
    if (field.kind != FieldKind::kAddress) continue;
    std::vector<std::pair<uint32_t, uint64_t>> wrongs = {
        {abi::kStatusAddressOutOfRange, kWide},
        {abi::kStatusPageNotMapped, kUnmapped},
        {abi::kStatusPageTableInvalid, kBadEntry},
    };
    // What is written to protected memory by a decrypt blt is no bus access.
    const bool is_protected = std::string(info.name).find("DECRYPT") == 0 && IsWritten(field);
    if (!is_protected) wrongs.push_back({abi::kStatusBusError, kNoMemory});
    if (IsWritten(field)) wrongs.push_back({abi::kStatusPageNotWritable, kReadOnly});
    if (IsControl(info)) {
      wrongs.push_back({abi::kStatusAddressMisaligned, kSource + 4});
      wrongs.push_back({abi::kStatusControlInProtectedMemory, kProtected});
    }
    for (const auto& [status, address] : wrongs) {
      Bench bench;
      Bytes bytes = valid(bench);
      StoreLe<uint64_t>(bytes.data() + field.offset, address);
      INFO(info.name << "." << field.name << " " << abi::StatusName(status));
      CHECK(bench.StatusOf(kUser, bytes) == status);
      if (status != abi::kStatusBusError) {
        const uint64_t recorded = bench.rig.ReadQueue(kUser, abi::kRegFaultAddressLo) |
                                  uint64_t{bench.rig.ReadQueue(kUser, abi::kRegFaultAddressHi)}
                                      << 32;
        CHECK(recorded == address);
      }
      provoked->insert({info.name, status});
    }
  }
}

using Scenario = std::function<uint32_t(Bench&)>;

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
void MapHuge(Bench* bench) {
  for (uint64_t page = 0; page < kHuge; page += 0x1000) {
    bench->rig.MapSystem(1, 0x100000 + page, GpuRig::kData + 0x100000 + page);
    bench->rig.MapSystem(1, 0x140000 + page, GpuRig::kData + 0x200000 + page);
    bench->rig.MapPage(1, 0x180000 + page,
                       (abi::kProtectedVramLocalBase + 0x10000 + page) | abi::kPteValid |
                           abi::kPteWritable | abi::kPteLocal);
  }
}

// The command is in flight when the engines are reset: it is a large one, or waits.
uint32_t StatusOfReset(Bench* bench, const Bytes& bytes) {
  MapHuge(bench);
  bench->rig.PushBytes(kUser, bytes);
  bench->rig.Doorbell(kUser);
  bench->rig.gpu->Process(4096);
  bench->rig.Write(abi::kRegDeviceControl, abi::kDeviceControlResetEnginesMask);
  return bench->rig.FaultStatus(kUser);
}

template <typename T>
Scenario EngineReset(const char* name, std::function<void(Bench&, T*)> change) {
  return [=](Bench& bench) {
    const Bytes bytes = ValidCommands().at(name)(bench);
    T command;
    std::memcpy(&command, bytes.data(), sizeof(command));
    change(bench, &command);
    return StatusOfReset(&bench, BytesOf(command));
  };
}

Scenario WhenFailed(const char* name) {
  return [=](Bench&) {
    device::GpuOptions options = GpuRig::Options();
    options.failing_self_test = 1;
    Bench bench(options);
    // No session can be made then, and none is looked for.
    static Bench well;
    const Bytes bytes = ValidCommands().at(name)(well);
    return bench.StatusOf(QueueOf(*abi::FindCommand(LoadLe<uint16_t>(bytes.data()))), bytes);
  };
}

using Scenarios = std::vector<std::tuple<std::string, uint32_t, Scenario>>;

Scenarios QueueScenarios() {
  using namespace abi;  // NOLINT: names of one contract
  return {
      {"NOOP", kStatusCommandStraddlesEnd,
       Changed<NoopCommand>("NOOP", [](Bench&, auto* c) { c->length = 4096; })},
      {"FENCE", kStatusFenceNotMonotonic,
       Changed<FenceCommand>("FENCE", [](Bench&, auto* c) { c->value = 0; })},
      {"FENCE", kStatusBusError,
       [](Bench& b) {
         b.rig.WriteQueue(kUser, kRegQueueControl, 0);
         b.rig.WriteQueue(kUser, kRegFenceAddressLo, 0x70000000);
         b.rig.WriteQueue(kUser, kRegQueueControl, kQueueControlEnableMask);
         auto c = MakeCommand<FenceCommand>();
         c.value = 1;
         std::memcpy(b.rig.ports.bus.At(GpuRig::RingAddress(kUser), sizeof(c)), &c, sizeof(c));
         b.rig.Doorbell(kUser, sizeof(c));
         b.rig.Run();
         return b.rig.FaultStatus(kUser);
       }},
      {"FENCE", kStatusCommandNotPermitted,
       [](Bench& b) {
         auto c = MakeCommand<FenceCommand>();
         c.value = 1;
         std::memcpy(b.rig.ports.bus.At(GpuRig::kData + 0x2000, 16), &c, 16);
         return b.StatusOf(kUser, ValidCommands().at("INDIRECT_BUFFER")(b));
       }},
      {"WAIT", kStatusEngineReset,
       EngineReset<WaitCommand>("WAIT", [](Bench&, auto* c) { c->value = ~uint64_t{0}; })},
      {"INDIRECT_BUFFER", kStatusOperandInvalid,
       Changed<IndirectBufferCommand>("INDIRECT_BUFFER",
                                      [](Bench&, auto* c) { c->length_bytes = 0; })},
      {"INDIRECT_BUFFER", kStatusCommandNotPermitted,
       [](Bench& b) {
         const Bytes self = ValidCommands().at("INDIRECT_BUFFER")(b);
         std::memcpy(b.rig.ports.bus.At(GpuRig::kData + 0x2000, 32), self.data(), 32);
         return b.StatusOf(kUser, self);
       }},
      {"SECURITY_MESSAGE", kStatusOperandInvalid,
       Changed<SecurityMessageCommand>("SECURITY_MESSAGE",
                                       [](Bench&, auto* c) { c->response_capacity = 8; })},
      {"SECURITY_MESSAGE", kStatusEngineReset,
       EngineReset<SecurityMessageCommand>("SECURITY_MESSAGE", [](Bench&, auto*) {})},
      {"FLIP", kStatusOutputInvalid,
       Changed<FlipCommand>("FLIP", [](Bench&, auto* c) { c->output = 1; })},
      {"FLIP", kStatusOperandInvalid,
       Changed<FlipCommand>("FLIP", [](Bench&, auto* c) { c->width = 1; })},
      {"FLIP", kStatusAddressMisaligned,
       Changed<FlipCommand>("FLIP", [](Bench&, auto* c) { c->address |= 16; })},
      {"FLIP", kStatusAddressOutOfRange,
       Changed<FlipCommand>("FLIP", [](Bench&, auto* c) { c->address |= uint64_t{1} << 40; })},
      {"FLIP", kStatusScanoutRefused,
       Changed<FlipCommand>("FLIP", [](Bench&, auto* c) { c->address = GpuRig::kData; })},
      {"FLIP", kStatusDeviceInErrorState, WhenFailed("FLIP")},
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
       [](Bench& b) {
         // It waits for a message of the context.
         b.rig.PushBytes(kUser, ValidCommands().at("SECURITY_MESSAGE")(b));
         b.rig.Doorbell(kUser);
         b.rig.gpu->Process(4096);
         b.rig.PushBytes(0, ValidCommands().at("INVALIDATE")(b));
         b.rig.Doorbell(0);
         b.rig.gpu->Process(4096);
         b.rig.Write(kRegDeviceControl, kDeviceControlResetEnginesMask);
         return b.rig.FaultStatus(0);
       }},
  };
}

Scenarios TransferScenarios() {
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
      {name, kStatusSessionLost, Changed<T>(name, [](Bench& b, T*) { b.rig.gpu->TearDown(); })});
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
  scenarios->push_back({name, kStatusIvReused, Changed<T>(name, [=](Bench& b, T* c) {
                          Bytes first = ValidCommands().at(name)(b);
                          REQUIRE(b.StatusOf(kUser, first) == 0);
                          std::memset(c->iv, 0, sizeof(c->iv));
                        })});
}

Scenarios SessionScenarios() {
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
       [](Bench& b) {
         Bytes bytes = ValidCommands().at("DECRYPT_SAMPLE")(b);
         StoreLe<uint32_t>(bytes.data() + offsetof(DecryptSampleCommand, length_bytes), kHuge);
         StoreLe<uint64_t>(bytes.data() + offsetof(DecryptSampleCommand, source), 0x100000);
         StoreLe<uint64_t>(bytes.data() + offsetof(DecryptSampleCommand, destination), 0x180000);
         StoreLe<uint32_t>(bytes.data() + sizeof(DecryptSampleCommand) + 4, kHuge);
         return StatusOfReset(&b, bytes);
       }},
      {"DECRYPT_SAMPLE", kStatusCommandLengthInvalid,
       Changed<DecryptSampleCommand>("DECRYPT_SAMPLE",
                                     [](Bench&, auto* c) { c->sub_sample_count = 3; })},
      {"ENCRYPT_BLT", kStatusSessionNoKey,
       [](Bench& b) {
         // The read-back key is replaced while the blt runs.
         MapHuge(&b);
         Bytes bytes = ValidCommands().at("ENCRYPT_BLT")(b);
         StoreLe<uint32_t>(bytes.data() + offsetof(EncryptBltCommand, length_bytes), kHuge);
         StoreLe<uint64_t>(bytes.data() + offsetof(EncryptBltCommand, source), 0x100000);
         StoreLe<uint64_t>(bytes.data() + offsetof(EncryptBltCommand, destination), 0x140000);
         b.rig.PushBytes(kUser, bytes);
         b.rig.Doorbell(kUser);
         b.rig.gpu->Process(4096);
         b.rig.StartQueue(2, 1);
         Bytes request(8);
         StoreLe<uint32_t>(request.data(), b.session());
         b.rig.PushMessage(2, kMessageGetReadbackKey, request, kSource, 64);
         b.rig.Doorbell(2);
         b.rig.gpu->Process(4096);
         b.rig.ports.clock.now_ns += 1000000000;
         b.rig.Run(4096);
         return b.rig.ReadQueue(kUser, kRegRefusalStatus);
       }},
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

// Pairs that can exist and that nothing here provokes, with the reason for each command or for one.
std::map<Pair, std::string> NotYetProvoked() { return {}; }

// What no command can be made to end with from the outside.
bool IsBeyondReach(uint32_t status) {
  return status == abi::kStatusOpcodeUnknown ||             // it is no command then
         status == abi::kStatusCommandUnimplemented ||      // every described one is there
         status == abi::kStatusRingTailInvalid ||           // of a doorbell
         status == abi::kStatusRingConfigurationInvalid ||  // of a queue that is enabled
         status == abi::kStatusKeyDamaged;  // by nothing but a damaged vault: crypto_engine_test
}

const Pairs& Provoked() {
  static const Pairs all = [] {
    Pairs provoked;
    const auto valid = ValidCommands();
    for (const CommandInfo& info : abi::kCommands) {
      Bench bench;
      ProvokeHeaders(info, valid.at(info.name)(bench), &provoked);
      ProvokeAddresses(info, valid.at(info.name), &provoked);
    }
    for (const Scenarios& scenarios : {QueueScenarios(), TransferScenarios(), SessionScenarios()}) {
      for (const auto& [name, status, scenario] : scenarios) {
        Bench bench;
        INFO(name << " " << abi::StatusName(status));
        CHECK(scenario(bench) == status);
        provoked.insert({name, status});
      }
    }
    return provoked;
  }();
  return all;
}

TEST_CASE("every command has a form that ends well") {
  const auto valid = ValidCommands();
  for (const CommandInfo& info : abi::kCommands) {
    Bench bench;
    INFO(info.name);
    REQUIRE(valid.count(info.name) == 1);
    CHECK(bench.StatusOf(QueueOf(info), valid.at(info.name)(bench)) == 0);
  }
}

TEST_CASE(
    "every command ends with every status that it can have, and the list of the rest is empty") {
  const Pairs& provoked = Provoked();
  CHECK(NotYetProvoked().empty());
  for (const auto& [pair, reason] : NotYetProvoked()) CHECK(provoked.count(pair) == 0);
  // Each status of queues is some command's.
  for (const abi::StatusInfo& info : abi::kStatuses) {
    const bool of_a_queue = info.status_class == abi::StatusClass::kFault ||
                            info.status_class == abi::StatusClass::kRefusal;
    if (!of_a_queue) continue;
    INFO(info.name);
    const bool is_provoked = std::any_of(provoked.begin(), provoked.end(), [&](const Pair& pair) {
      return pair.second == info.code;
    });
    CHECK(is_provoked != IsBeyondReach(info.code));
  }
}

// A valid command with fields that are replaced by something else that means something.
Bytes Mutate(Bytes bytes, const CommandInfo& info, std::mt19937* dice) {
  const auto pick = [&](std::initializer_list<uint64_t> choices) {
    return choices.begin()[(*dice)() % choices.size()];
  };
  const uint32_t changes = 1 + (*dice)() % 3;
  for (uint32_t i = 0; i < changes; ++i) {
    const FieldInfo& field = info.fields[(*dice)() % info.field_count];
    if (field.offset + field.size_bytes > bytes.size()) continue;
    uint8_t* at = bytes.data() + field.offset;
    if (field.kind == FieldKind::kAddress) {
      StoreLe<uint64_t>(at, pick({kSource, kDestination, kIndirect, kReadOnly, kUnmapped, kNoMemory,
                                  kBadEntry, kProtected, kTwoOwners, kWide, 0 - uint64_t{16}}) +
                                pick({0, 0, 8, 16, 0xff0, 0xfff}));
    } else if (field.size_bytes == 4) {
      StoreLe<uint32_t>(
          at, static_cast<uint32_t>(pick({0, 1, 2, 3, 7, 8, 15, 16, 64, 4096, 8192, 1u << 20,
                                          1u << 28, 0x7fffffff, 0xffffffff, (*dice)()})));
    } else if (field.size_bytes == 8) {
      StoreLe<uint64_t>(at, pick({0, 1, 8, 4096, uint64_t{1} << 47, kWide, ~uint64_t{0}}));
    } else if (field.size_bytes == 2) {
      StoreLe<uint16_t>(at, static_cast<uint16_t>(pick({LoadLe<uint16_t>(at), 1, 2, 3, 4, 8})));
    } else {
      at[(*dice)() % field.size_bytes] = static_cast<uint8_t>((*dice)());
    }
  }
  StoreLe<uint16_t>(bytes.data(), info.opcode);
  return bytes;
}

TEST_CASE("random commands end with no status that was not provoked for them") {
  const Pairs& provoked = Provoked();
  const auto valid = ValidCommands();
  Pairs unknown;
  for (const CommandInfo& info : abi::kCommands) {
    std::mt19937 dice(info.opcode);
    Bench bench;
    bench.MakeTwoOwners();
    const bool is_context = info.opcode == abi::ContextDestroyCommand::kOpcode ||
                            info.opcode == abi::ContextCreateCommand::kOpcode;
    for (int i = 0; i < (is_context ? 50 : 400); ++i) {
      // A context that was made or ended has to be as it was.
      if (is_context) bench.rig.gpu->Reset(device::ResetKind::kPowerOn);
      if (is_context) bench.rig.CreateContext(1);
      if (is_context) bench.rig.StartQueue(kUser, 1);
      const Bytes bytes = Mutate(valid.at(info.name)(bench), info, &dice);
      const uint32_t queue = dice() % 8 == 0 ? kUser : QueueOf(info);
      // A wait that never ends is none of the outcomes looked for here.
      const uint32_t status = bench.StatusOf(queue, bytes);
      if (bench.rig.State(queue) == 3) bench.rig.StartQueue(queue, queue == 0 ? 0 : 1);
      // What stood in an indirect buffer is another command.
      const uint32_t record = bench.rig.ReadQueue(queue, abi::kRegFaultCommand);
      if ((record & abi::kFaultCommandInIndirectMask) != 0) continue;
      if (status != 0 && provoked.count({info.name, status}) == 0) {
        unknown.insert({info.name, status});
      }
      bench.rig.ports.trace.events.clear();
      bench.rig.ports.bus.ClearLog();
      bench.rig.ports.vram.ClearLog();
    }
  }
  for (const auto& [name, status] : unknown) {
    INFO(name << " ended with " << abi::StatusName(status));
    CHECK(false);
  }
}

}  // namespace
}  // namespace ward::fakes
