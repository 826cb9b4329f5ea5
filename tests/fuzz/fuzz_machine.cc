// The base state that every input starts from, and what holds after each.
#include "tests/fuzz/fuzz_machine.h"

#include <algorithm>
#include <cstring>

#include "abi/generated/commands.h"
#include "abi/generated/messages.h"
#include "abi/generated/pci.h"
#include "abi/generated/registers.h"
#include "base/assert.h"
#include "device/crypto/rsa_private_key.h"
#include "firmware/guid.h"
#include "tests/fakes/security_message.h"
#include "tests/fakes/test_identity.h"

namespace ward::fuzz {
namespace {

constexpr uint64_t kFenceBase = FuzzBus::kBase + FuzzMachine::kQueues * FuzzMachine::kRingBytes;
// Where the seeds read from, so that a leak is near.
constexpr uint64_t kCanaryOffset = 16 * abi::kPageSize;
constexpr uint64_t kResponse = FuzzBus::kBase + 0x8000;
constexpr uint64_t kResponseVirtual = 0x8000;  // the first page of context 1's system window
// Work that one input may ask for, so that the speed does not drown in long transfers.
constexpr uint64_t kBudgetPerInput = 1 << 20;

template <typename T>
T MakeCommand() {
  T command{};
  command.opcode = T::kOpcode;
  command.length = T::kSizeBytes;
  return command;
}

template <typename T>
ConstByteSpan BytesOf(const T& value) {
  return {reinterpret_cast<const uint8_t*>(&value), sizeof(value)};
}

}  // namespace

FuzzMachine::FuzzMachine() : bus_(&record_), vram_(&record_, kVisibleBytes), small_(&record_) {
  const fakes::TestIdentity& identity = fakes::LoadTestIdentity(WARD_SOURCE_DIR);
  device::GpuOptions options;
  options.visible_vram_bytes = kVisibleBytes;
  options.protected_vram_bytes = kProtectedBytes;
  options.identity_key = &*identity.key;
  options.identity_certificates = identity.certificates;
  auto created = device::Gpu::Create(options, {&bus_, &vram_, &small_, &small_, &small_, &small_});
  WARD_ASSERT(created.ok());
  gpu_ = std::move(created.value());
  BuildBase();
  base_ = gpu_->TakeSnapshot();
  base_bus_ = bus_.bytes();
  std::copy(std::begin(tails_), std::end(tails_), base_tails_);
}

void FuzzMachine::BuildBase() {
  record_.look_for_canary = false;
  StartQueue(0, 0);
  for (uint32_t context : {1u, 2u}) {
    MapLeaves(context);
    auto create = MakeCommand<abi::ContextCreateCommand>();
    create.context = context;
    create.page_table_root = kTables + (context - 1) * kTableBytes;
    Push(0, create);
  }
  PaintCanary();
  Doorbell(0);
  RunToRest();
  for (uint32_t queue = 1; queue < kQueues; ++queue)
    StartQueue(queue, queue == kOtherQueue ? 2 : 1);
  gpu_->WriteRegister(abi::kRegOutputControl, 4, 1);
  gpu_->WriteRegister(abi::kRegInterruptEnable, 4, 0xfffff);
  OpenSession();
  for (uint32_t queue = 0; queue < kQueues; ++queue) {
    WARD_ASSERT(gpu_->ReadRegister(abi::kRegFaultStatus + queue * abi::kQueueBlockStride, 4) == 0);
  }
}

void FuzzMachine::StartQueue(uint32_t queue, uint32_t context) {
  const auto write = [&](uint32_t offset, uint64_t value) {
    gpu_->WriteRegister(offset + queue * abi::kQueueBlockStride, 4, static_cast<uint32_t>(value));
  };
  write(abi::kRegQueueControl, abi::kQueueControlResetMask);
  write(abi::kRegRingBaseLo, FuzzBus::kBase + queue * kRingBytes);
  write(abi::kRegFenceAddressLo, kFenceBase + queue * 8);
  write(abi::kRegQueueContext, context);
  write(abi::kRegQueueControl, abi::kQueueControlEnableMask);
  tails_[queue] = 0;
}

// Addresses of a context: from 0 the system window, from 256 KiB free VRAM, from 768 KiB protected
// VRAM; writable all of them. Context 2 has the private VRAM behind that.
void FuzzMachine::MapLeaves(uint32_t context) {
  const uint64_t root = kTables + (context - 1) * kTableBytes;
  const auto store = [&](uint64_t offset, uint64_t entry) {
    StoreLe<uint64_t>(vram_.bytes().data() + offset, entry);
  };
  for (uint64_t level = 0; level < 3; ++level) {
    store(root + level * 0x1000, (root + (level + 1) * 0x1000) | abi::kPteValid | abi::kPteLocal);
  }
  const uint64_t leaves = root + 3 * 0x1000;
  constexpr uint64_t kBits = abi::kPteValid | abi::kPteWritable;
  for (uint64_t page = 0; page < 64; ++page) {
    store(leaves + page * 8, (FuzzBus::kBase + page * 4096) | kBits);
  }
  for (uint64_t page = 0; page < 128; ++page) {
    store(leaves + (64 + page) * 8, (kFreeVram + page * 4096) | kBits | abi::kPteLocal);
  }
  for (uint64_t page = 0; page < 256; ++page) {
    store(leaves + (192 + page) * 8,
          (abi::kProtectedVramLocalBase + page * 4096) | kBits | abi::kPteLocal);
  }
  for (uint64_t page = 0; context == 2 && page < FuzzVram::kPrivateBytes / 4096; ++page) {
    store(leaves + (448 + page) * 8, (FuzzVram::kPrivate + page * 4096) | kBits | abi::kPteLocal);
  }
}

void FuzzMachine::PaintCanary() {
  auto fill = MakeCommand<abi::FillCommand>();
  // Few pages: what holds content costs time in each restore and hash.
  fill.destination = abi::kPhysicalLocal | (abi::kProtectedVramLocalBase + kCanaryOffset);
  fill.value = kCanary;
  fill.row_bytes = 8 * abi::kPageSize;
  fill.row_count = 1;
  Push(0, fill);
}

// Of context 1.
uint32_t FuzzMachine::CreateSession(const uint8_t (&key_exchange)[16]) {
  std::vector<uint8_t> request(sizeof(abi::CreateSessionRequest));
  std::memcpy(request.data(), firmware::kAes128Ctr, 16);
  std::memcpy(request.data() + 32, key_exchange, 16);
  PushMessage(1, abi::kMessageCreateSession, request, kResponseVirtual);
  Doorbell(1);
  RunToRest();
  const uint8_t* response = bus_.bytes().data() + (kResponse - FuzzBus::kBase);
  WARD_ASSERT(LoadLe<uint32_t>(response) == 0);
  return LoadLe<uint32_t>(response + offsetof(abi::CreateSessionResponse, session));
}

// A keyed session with a read-back key, and one of HW_PROTECTION.
void FuzzMachine::OpenSession() {
  hardware_session_ = CreateSession(firmware::kHwProtection.bytes);
  session_ = CreateSession(firmware::kRsaesOaep);
  const uint8_t* response = bus_.bytes().data() + (kResponse - FuzzBus::kBase);
  const auto& key = fakes::LoadTestIdentity(WARD_SOURCE_DIR).key;
  device::AesKey session_key;
  std::fill(session_key.Expose().begin(), session_key.Expose().end(), uint8_t{0x5c});
  std::vector<uint8_t> negotiate(8 + device::RsaPrivateKey::kModulusBytes);
  StoreLe<uint32_t>(negotiate.data(), session_);
  StoreLe<uint32_t>(negotiate.data() + 4, device::RsaPrivateKey::kModulusBytes);
  WARD_ASSERT(key->WrapKey(session_key, ByteSpan(negotiate).subspan(8)));
  PushMessage(1, abi::kMessageNegotiateSessionKey, negotiate, kResponseVirtual);
  std::vector<uint8_t> readback(8);
  StoreLe<uint32_t>(readback.data(), session_);
  PushMessage(1, abi::kMessageGetReadbackKey, readback, kResponseVirtual);
  Doorbell(1);
  RunToRest();
  WARD_ASSERT(LoadLe<uint32_t>(response) == 0);
  // The wrapped blob differs from process to process, and no input should see that.
  std::fill(bus_.bytes().begin(), bus_.bytes().end(), uint8_t{0});
}

void FuzzMachine::RunToRest() {
  for (int slice = 0; slice < 1000; ++slice) {
    const device::ProcessResult result = gpu_->Process(1 << 20);
    if (result.more) continue;
    if (result.wakeup_ns <= small_.now_ns) return;
    small_.now_ns = result.wakeup_ns;
  }
}

void FuzzMachine::PushBytes(uint32_t queue, ConstByteSpan bytes) {
  uint8_t* ring = bus_.bytes().data() + queue * kRingBytes;
  if (tails_[queue] + bytes.size() > kRingBytes) {
    // As a driver pads: what stands there is wide of the mark only if the input overwrote it.
    auto noop = MakeCommand<abi::NoopCommand>();
    noop.length = kRingBytes - tails_[queue];
    std::memcpy(ring + tails_[queue], &noop, 16);
    tails_[queue] = 0;
  }
  if (bytes.size() > kRingBytes) return;
  std::memcpy(ring + tails_[queue], bytes.data(), bytes.size());
  tails_[queue] = (tails_[queue] + static_cast<uint32_t>(bytes.size()) + 15) / 16 * 16 % kRingBytes;
}

template <typename T>
void FuzzMachine::Push(uint32_t queue, const T& command) {
  PushBytes(queue, BytesOf(command));
}

void FuzzMachine::PushMessage(uint32_t queue, uint32_t message, ConstByteSpan payload,
                              uint64_t response) {
  PushBytes(queue, fakes::MakeMessage(message, payload, response, 4096));
}

void FuzzMachine::Doorbell(uint32_t queue) {
  gpu_->WriteRegister(abi::kRegDoorbell + queue * abi::kDoorbellBlockStride, 4, tails_[queue]);
}

uint64_t FuzzMachine::Run(ConstByteSpan input, bool hash_state) {
  gpu_->Restore(base_);
  bus_.bytes() = base_bus_;
  bus_.hostile = nullptr;
  bus_.refuse = false;
  vram_.is_private_closed = false;
  std::copy(std::begin(base_tails_), std::end(base_tails_), tails_);
  small_.now_ns = 1000000;
  small_.entropy_state = 7;
  small_.entropy_available = true;
  budget_left_ = kBudgetPerInput;
  resets_left_ = 1;
  round_trips_left_ = 1;
  record_ = BoundaryRecord{};
  uint8_t canary[4];
  StoreLe<uint32_t>(canary, kCanary);
  record_.look_for_canary =
      std::search(input.begin(), input.end(), std::begin(canary), std::end(canary)) == input.end();

  InputReader reader(input);
  const uint8_t mode = reader.Take<uint8_t>();
  bus_.confined = (mode & 1) != 0;
  vram_.is_private_closed = (mode & 3) == 3;
  while (!reader.empty()) RunOperation(reader.Take<uint8_t>(), &reader);
  if ((mode & 0x30) == 0x30) RoundTripSnapshot();
  Process(64 << 10);
  if (hash_state) record_.digest.Add(gpu_->StateHash());
  return record_.digest.value();
}

void FuzzMachine::Process(uint64_t budget) {
  budget = std::min(budget, budget_left_);
  if (budget == 0) return;
  budget_left_ -= budget;
  record_.accesses = 0;
  record_.bytes = 0;
  gpu_->Process(budget);
  // An access costs at least 64. What goes beyond the budget is one command's beginning, which may
  // translate 256 MiB of pages twice or thrice (4 KiB of entries at a time), and a step of it.
  constexpr uint64_t kAccessesOfBeginning = 8192;
  WARD_ASSERT(record_.accesses <= budget / 64 + kAccessesOfBeginning);
}

}  // namespace ward::fuzz
