// Turns of the queues (docs/spec/queues.md), shown by counting what each queue got done.
#include <array>
#include <vector>

#include "abi/generated/status.h"
#include "catch2/catch_test_macros.hpp"
#include "tests/fakes/gpu_rig.h"

namespace ward::fakes {
namespace {

constexpr uint32_t kLow = 0, kNormal = 1, kHigh = 2;
constexpr uint64_t kCommandCost = 256;
// What a queue of each priority may use in a round, as the page says.
constexpr std::array<uint64_t, 3> kRoundBytes = {16 << 10, 64 << 10, 256 << 10};

// User queues with rings full of small fills, each of which counts itself by where it writes: the
// bytes of a queue's row in system memory that are no longer zero.
class TurnRig : public GpuRig {
 public:
  // Context 1 sees the page that the fills write, and the queue is started with the priority.
  void Open(uint32_t queue, uint32_t priority) {
    if (!has_context_) {
      CreateContext(1);
      for (uint64_t page = 0; page < 256; ++page) {
        MapSystem(1, page * abi::kPageSize, kData + page * abi::kPageSize);
      }
      has_context_ = true;
    }
    WriteQueue(queue, abi::kRegQueueControl, abi::kQueueControlResetMask);
    WriteQueue(queue, abi::kRegQueuePriority, priority);
    StartQueue(queue, 1);
    REQUIRE(FaultStatus(queue) == 0);
  }
  // Keeps the ring full of no-ops, whose cost is the least one: 256 bytes of work.
  void KeepBusy(uint32_t queue) {
    const auto noop = MakeCommand<abi::NoopCommand>();
    for (uint32_t at = 0; at < kRingBytes; at += 16) {
      std::memcpy(ports.bus.At(RingAddress(queue) + at, 16), &noop, 16);
    }
    done_[queue] += (ReadQueue(queue, abi::kRegRingHead) - head_[queue]) % kRingBytes / 16;
    head_[queue] = ReadQueue(queue, abi::kRegRingHead);
    Doorbell(queue, (head_[queue] + kRingBytes - 16) % kRingBytes);
  }
  // Commands that the queue executed up to its last KeepBusy.
  uint64_t done(uint32_t queue) const { return done_[queue]; }

 private:
  bool has_context_ = false;
  std::array<uint64_t, abi::kQueueBlockCount> done_ = {};
  std::array<uint32_t, abi::kQueueBlockCount> head_ = {};
};

// Runs busy queues for `bytes` of work in small slices.
void RunBusy(TurnRig* rig, const std::vector<uint32_t>& queues, uint64_t bytes) {
  constexpr uint64_t kSlice = 8 << 10;
  for (uint64_t at = 0; at < bytes; at += kSlice) {
    for (const uint32_t queue : queues) rig->KeepBusy(queue);
    rig->gpu->Process(kSlice);
  }
  for (const uint32_t queue : queues) rig->KeepBusy(queue);
}

TEST_CASE("busy queues of three priorities share the work as the page says") {
  TurnRig rig;
  rig.Open(1, kLow);
  rig.Open(2, kNormal);
  rig.Open(3, kHigh);
  constexpr uint64_t kRounds = 16;
  const uint64_t round = kRoundBytes[kLow] + kRoundBytes[kNormal] + kRoundBytes[kHigh];
  RunBusy(&rig, {1, 2, 3}, kRounds * round);
  for (uint32_t queue = 1; queue <= 3; ++queue) {
    INFO("queue " << queue);
    const uint64_t expected = kRounds * kRoundBytes[queue - 1] / kCommandCost;
    const uint64_t of_a_round = kRoundBytes[queue - 1] / kCommandCost;
    CHECK(rig.done(queue) + of_a_round >= expected);
    CHECK(rig.done(queue) <= expected + of_a_round);
  }
}

TEST_CASE("however many high queues are busy, a low one gets its share of every round") {
  TurnRig rig;
  rig.Open(1, kLow);
  std::vector<uint32_t> queues = {1};
  for (uint32_t queue = 2; queue < abi::kQueueBlockCount; ++queue) {
    rig.Open(queue, kHigh);
    queues.push_back(queue);
  }
  const uint64_t round = kRoundBytes[kLow] + 14 * kRoundBytes[kHigh];
  for (uint64_t rounds = 1; rounds <= 4; ++rounds) {
    RunBusy(&rig, queues, round);
    INFO("round " << rounds);
    CHECK(rig.done(1) >= (rounds - 1) * kRoundBytes[kLow] / kCommandCost);
  }
  // And the high ones share the rest evenly.
  for (uint32_t queue = 3; queue < abi::kQueueBlockCount; ++queue) {
    const uint64_t more = std::max(rig.done(queue), rig.done(2));
    const uint64_t less = std::min(rig.done(queue), rig.done(2));
    CHECK(more - less <= kRoundBytes[kHigh] / kCommandCost);
  }
}

TEST_CASE("a doorbell of a high queue is served at the next command border of a low one") {
  TurnRig rig;
  rig.Open(1, kLow);
  rig.Open(3, kHigh);
  rig.KeepBusy(1);
  rig.gpu->Process(10 * kCommandCost);
  rig.KeepBusy(1);
  REQUIRE(rig.done(1) == 10);
  rig.PushFence(3, 1);
  rig.Doorbell(3);
  rig.gpu->Process(kCommandCost);
  CHECK(rig.Fence(3) == 1);
  rig.KeepBusy(1);
  CHECK(rig.done(1) == 10);
}

TEST_CASE("a high queue goes first inside a low queue's transfer, which then goes on") {
  TurnRig rig;
  rig.Open(1, kLow);
  rig.Open(3, kHigh);
  auto fill = MakeCommand<abi::FillCommand>();
  fill.value = 0x61616161;
  fill.row_bytes = 256 * abi::kPageSize;
  fill.row_count = 1;
  rig.Push(1, fill);
  rig.PushFence(1, 1);
  rig.Doorbell(1);
  rig.gpu->Process(32 << 10);
  rig.PushFence(3, 1);
  rig.Doorbell(3);
  rig.gpu->Process(kCommandCost);
  CHECK(rig.Fence(3) == 1);
  CHECK(rig.Fence(1) == 0);
  rig.Run();
  CHECK(rig.Fence(1) == 1);
  CHECK(rig.ports.bus.Load<uint32_t>(GpuRig::kData + 256 * abi::kPageSize - 4) == 0x61616161);
}

TEST_CASE("a transfer moves no more than a turn before a queue of its priority has its own") {
  TurnRig rig;
  rig.Open(1, kNormal);
  rig.Open(2, kNormal);
  auto fill = MakeCommand<abi::FillCommand>();
  fill.row_bytes = 256 * abi::kPageSize;
  fill.row_count = 1;
  rig.Push(1, fill);
  rig.Push(1, fill);
  rig.Push(2, fill);
  rig.PushFence(2, 1);
  rig.Doorbell(1);
  rig.Doorbell(2);
  // Its own transfer, as much of the other's, and the translation of three.
  rig.gpu->Process(2 * 256 * abi::kPageSize + 3 * 256 * 64 + (128 << 10));
  CHECK(rig.Fence(2) == 1);
}

TEST_CASE("a slice says whether it ended amid the data of a command") {
  constexpr uint64_t kSlice = 16 << 10;
  TurnRig rig;
  rig.Open(1, kNormal);
  auto fill = MakeCommand<abi::FillCommand>();
  fill.row_bytes = 16 * abi::kPageSize;
  fill.row_count = 1;
  rig.Push(1, fill);
  for (uint64_t value = 1; value <= 100; ++value) rig.PushFence(1, value);
  rig.Doorbell(1);
  device::ProcessResult left = rig.gpu->Process(kSlice);
  CHECK(left.more);
  CHECK(left.in_job);
  CHECK(rig.Fence(1) == 0);
  int slices_of_data = 1;
  while (left.in_job) {
    CHECK(rig.Fence(1) == 0);
    left = rig.gpu->Process(kSlice);
    REQUIRE(++slices_of_data < 10);
  }
  CHECK(slices_of_data > 2);
  // Commands are left, and their ends are not the data's.
  CHECK(left.more);
  while (left.more) {
    left = rig.gpu->Process(kSlice);
    CHECK_FALSE(left.in_job);
  }
  CHECK(rig.Fence(1) == 100);
}

TEST_CASE("work beyond a round's budget is paid back in later rounds") {
  TurnRig rig;
  rig.Open(1, kLow);
  rig.Open(2, kNormal);
  // Refused, after it was translated: 255 pages of 64 bytes each for both operands, twice what a
  // low queue may use in a round.
  constexpr uint64_t kPages = 255;
  constexpr uint64_t kProtected = 256 * abi::kPageSize;
  for (uint64_t page = 0; page < kPages; ++page) {
    rig.MapPage(
        1, kProtected + page * abi::kPageSize,
        (abi::kProtectedVramLocalBase + page * abi::kPageSize) | abi::kPteValid | abi::kPteLocal);
  }
  auto copy = MakeCommand<abi::CopyCommand>();
  copy.source = kProtected;
  copy.row_bytes = kPages * abi::kPageSize;
  copy.row_count = 1;
  for (int i = 0; i < 64; ++i) rig.Push(1, copy);
  rig.Doorbell(1);
  constexpr uint64_t kWork = 1 << 20;
  RunBusy(&rig, {2}, kWork);
  CHECK(rig.ReadQueue(1, abi::kRegRefusalStatus) == abi::kStatusProtectedReadRefused);
  // The low queue's part of each round is a fifth; without its debts it would have a third.
  CHECK(rig.done(2) * kCommandCost >= kWork * 3 / 4);
}

TEST_CASE("what a queue did while it was alone does not hold it back when others come") {
  constexpr uint64_t kFences = 60;  // less than a low queue's part of a round
  TurnRig rig;
  rig.Open(1, kLow);
  rig.Open(2, kHigh);
  auto fill = MakeCommand<abi::FillCommand>();
  fill.row_bytes = 256 * abi::kPageSize;
  fill.row_count = 1;
  rig.Push(1, fill);
  for (uint64_t value = 1; value <= kFences; ++value) rig.PushFence(1, value);
  rig.Doorbell(1);
  rig.gpu->Process(1 << 20);
  REQUIRE(rig.Fence(1) == 0);
  // Three rounds.
  RunBusy(&rig, {2}, 3 * (kRoundBytes[kLow] + kRoundBytes[kHigh]));
  CHECK(rig.Fence(1) == kFences);
}

TEST_CASE("a priority that there is not can't be enabled") {
  GpuRig rig;
  rig.WriteQueue(0, abi::kRegQueuePriority, 3);
  rig.StartQueue(0);
  CHECK(rig.FaultStatus(0) == abi::kStatusRingConfigurationInvalid);
}

TEST_CASE("priority and time-out are configuration: kept by a queue reset, locked while enabled") {
  GpuRig rig;
  for (const auto& [offset, value] :
       {std::pair{abi::kRegQueuePriority, 2u}, std::pair{abi::kRegQueueTimeout, 777u}}) {
    rig.WriteQueue(0, abi::kRegQueueControl, abi::kQueueControlResetMask);
    rig.WriteQueue(0, offset, value);
    rig.StartQueue(0);
    rig.WriteQueue(0, offset, 1);
    CHECK(rig.ReadQueue(0, offset) == value);
  }
}

TEST_CASE("messages of all queues are answered in the order in which they came") {
  TurnRig rig;
  rig.Open(1, kLow);
  rig.Open(3, kHigh);
  const std::vector<uint8_t> payload(8);
  const uint32_t message = abi::kMessageQuerySession;
  for (int i = 0; i < 3; ++i) rig.PushMessage(3, message, payload, 0x1000, 64);
  rig.PushFence(3, 1);
  rig.PushMessage(1, message, payload, 0x2000, 64);
  rig.PushFence(1, 1);
  rig.Doorbell(3);
  rig.gpu->Process(1 << 20);
  rig.Doorbell(1);
  // The high queue's second message comes after the low queue's first.
  for (int answers = 0; answers < 2; ++answers) {
    rig.ports.clock.now_ns = rig.gpu->Process(1 << 20).wakeup_ns;
    rig.gpu->Process(1 << 20);
  }
  CHECK(rig.Fence(1) == 1);
  CHECK(rig.Fence(3) == 0);
  rig.Run();
  CHECK(rig.Fence(3) == 1);
}

TEST_CASE("the turns are part of the state") {
  TurnRig rig;
  rig.Open(1, kLow);
  rig.Open(2, kNormal);
  rig.Open(3, kHigh);
  for (const uint32_t queue : {1u, 2u, 3u}) rig.KeepBusy(queue);
  rig.gpu->Process(20 << 10);
  const auto snapshot = rig.gpu->TakeSnapshot();
  const uint64_t before = rig.gpu->StateHash();
  rig.gpu->Process(40 << 10);
  const uint64_t after = rig.gpu->StateHash();
  rig.gpu->Restore(snapshot);
  CHECK(rig.gpu->StateHash() == before);
  rig.gpu->Process(40 << 10);
  CHECK(rig.gpu->StateHash() == after);
}

}  // namespace
}  // namespace ward::fakes
