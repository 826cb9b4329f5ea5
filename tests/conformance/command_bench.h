// A chip on which commands of every kind end well, for what is then written wrongly in them.
#ifndef WARD_TESTS_CONFORMANCE_COMMAND_BENCH_H_
#define WARD_TESTS_CONFORMANCE_COMMAND_BENCH_H_

#include <cstring>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "catch2/catch_test_macros.hpp"
#include "firmware/guid.h"
#include "tests/conformance/chip.h"

namespace ward::fakes::commands {

using abi::CommandInfo;
using abi::FieldInfo;
using abi::FieldKind;
using Bytes = std::vector<uint8_t>;

inline constexpr uint32_t kUser = 1;
// Addresses of context 1.
inline constexpr uint64_t kSource = 0x10000, kDestination = 0x20000, kIndirect = 0x30000;
inline constexpr uint64_t kReadOnly = 0x40000, kUnmapped = 0x50000, kNoMemory = 0x60000;
inline constexpr uint64_t kBadEntry = 0x70000, kProtected = 0x80000, kTwoOwners = 0x90000;
inline constexpr uint64_t kWide = uint64_t{1} << 48;
inline constexpr uint64_t kNowhereOnTheBus = 0x7000000000;
inline constexpr uint32_t kLength = 64;
inline constexpr uint32_t kHuge = 32 * 0x1000;  // more than one slice moves

// A chip with a user's queue, a keyed session of its context, and a view of each kind of memory.
class Bench {
 public:
  explicit Bench(const test::ChipOptions& options = {.strict_iv = true})
      : chip(test::MakeChip(options)), rig(*chip) {
    rig.CreateContext(1);
    rig.MapSystem(1, kSource, rig.data());
    rig.MapSystem(1, kDestination, rig.data() + 0x1000);
    rig.MapSystem(1, kIndirect, rig.data() + 0x2000);
    rig.MapSystem(1, kReadOnly, rig.data() + 0x3000, false);
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
      std::memcpy(rig.Memory(rig.data() + 0x2000 + at, 16), &noop, 16);
    }
    rig.Write(abi::kRegOutputControl, 1);
  }

  // The bytes are next on the queue, with no doorbell yet.
  void Put(uint32_t queue, ConstByteSpan bytes) {
    if (rig.FaultStatus(queue) != 0) rig.StartQueue(queue, queue == 0 ? 0 : 1);
    // A ring's end is no place for a command that would straddle it.
    if (rig.ReadQueue(queue, abi::kRegRingTail) + bytes.size() + 16 > QueueRig::kRingBytes) {
      rig.StartQueue(queue, queue == 0 ? 0 : 1);
    }
    rig.PushBytes(queue, bytes);
  }
  // The fault, or else the refusal, that the bytes end with; 0 when neither.
  uint32_t StatusOf(uint32_t queue, ConstByteSpan bytes) {
    Put(queue, bytes);
    const uint32_t before = rig.ReadQueue(queue, abi::kRegRefusalCount);
    rig.RingAndRun(queue);
    if (rig.FaultStatus(queue) != 0) return rig.FaultStatus(queue);
    const bool refused = rig.ReadQueue(queue, abi::kRegRefusalCount) != before;
    return refused ? rig.ReadQueue(queue, abi::kRegRefusalStatus) : 0;
  }
  // The fault that the bytes end with when the engines are reset amid them; 0 when they are done by
  // then.
  uint32_t StatusOfReset(uint32_t queue, ConstByteSpan bytes) {
    Put(queue, bytes);
    rig.Doorbell(queue);
    test::Inside(rig).gpu->Process(64);
    rig.Write(abi::kRegDeviceControl, abi::kDeviceControlResetEnginesMask);
    return rig.FaultStatus(queue);
  }
  template <typename T>
  uint32_t Status(uint32_t queue, const T& command) {
    return StatusOf(queue, {reinterpret_cast<const uint8_t*>(&command), sizeof(command)});
  }

  uint32_t Send(uint32_t message, const Bytes& payload) {
    rig.PushMessage(kUser, message, payload, kSource, 64);
    rig.RingAndRun(kUser);
    return rig.Load<uint32_t>(rig.data());
  }
  uint32_t NewSession() {
    Bytes request(sizeof(abi::CreateSessionRequest));
    std::memcpy(request.data(), firmware::kAes128Ctr, 16);
    std::memcpy(request.data() + 32, firmware::kRsaesOaep, 16);
    REQUIRE(Send(abi::kMessageCreateSession, request) == 0);
    return rig.Load<uint32_t>(rig.data() + 16);
  }
  uint32_t KeyedSession(bool readback = true) {
    const uint32_t session = NewSession();
    const Bytes& blob = test::WrappedZeroKey();
    Bytes request(8);
    StoreLe<uint32_t>(request.data(), session);
    StoreLe(request.data() + 4, static_cast<uint32_t>(blob.size()));
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

  const std::unique_ptr<QueueRig> chip;
  QueueRig& rig;

 private:
  uint32_t session_ = 0;
  uint8_t iv_ = 0;
};

template <typename T>
Bytes BytesOf(const T& command) {
  const auto* first = reinterpret_cast<const uint8_t*>(&command);
  return {first, first + sizeof(command)};
}

using ValidMap = std::map<std::string, std::function<Bytes(Bench&)>>;

inline ValidMap ValidQueueCommands() {
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
      {"FLIP",
       [](Bench&) {
         auto c = MakeCommand<abi::FlipCommand>();
         c.address = abi::kPhysicalLocal;
         c.pitch = 2560;
         c.width = 640;
         c.height = 360;
         return BytesOf(c);
       }},
      {"CURSOR",
       [](Bench&) {
         auto c = MakeCommand<abi::CursorCommand>();
         c.flags = abi::CursorCommand::kFlagVisible;
         c.address = abi::kPhysicalLocal;
         return BytesOf(c);
       }},
      {"WAIT_VBLANK", [](Bench&) { return BytesOf(MakeCommand<abi::WaitVblankCommand>()); }},
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

inline ValidMap ValidTransfers() {
  return {
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
  };
}

// Commands that end well, by name. Each makes a new one.
inline ValidMap ValidCommands() {
  ValidMap all = ValidQueueCommands();
  all.merge(ValidTransfers());
  return all;
}

inline uint32_t QueueOf(const CommandInfo& info) { return info.privileged ? 0 : kUser; }

}  // namespace ward::fakes::commands

#endif  // WARD_TESTS_CONFORMANCE_COMMAND_BENCH_H_
