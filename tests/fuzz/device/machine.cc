#include "tests/fuzz/device/machine.h"

#include <algorithm>
#include <cstring>
#include <string_view>

#include "abi/generated/pci.h"
#include "abi/generated/registers.h"
#include "abi/generated/status.h"
#include "base/assert.h"
#include "tests/fakes/fake_seal.h"
#include "tests/fakes/test_identity.h"

namespace ward::fuzz {
namespace {

// Passes on what it is told.
class Tee final : public OperationSink {
 public:
  Tee(OperationSink* first, OperationSink* second) : first_(first), second_(second) {}
  void Do(const Operation& operation) override {
    if (second_ != nullptr) second_->Do(operation);
    first_->Do(operation);
  }

 private:
  OperationSink* first_;
  OperationSink* second_;
};

// Of queue 0: what says how a queue stopped.
const std::vector<uint32_t>& FaultRegisters() {
  static const std::vector<uint32_t> kOffsets = [] {
    std::vector<uint32_t> offsets;
    for (const abi::RegisterInfo& info : abi::kRegisters) {
      if (std::string_view(info.name).starts_with("FAULT_")) offsets.push_back(info.offset);
    }
    return offsets;
  }();
  return kOffsets;
}

}  // namespace

Machine::Machine() : bus_(&record_), vram_(&record_), watch_(&record_, &bus_, &vram_, &entropy_) {
  bus_.masks = vram_.masks = watch_.masks();
  MakeChip();
  record_.Begin(nullptr);
  entropy_.is_kept = true;
  is_at_reset_ = true;
}

Machine::Machine(uint32_t variant, OperationSink* listener) : Machine() {
  const BaseSecrets secrets = BaseSecrets::Variant(variant);
  Tee tee(this, listener);
  BaseMachine machine;
  machine.sink = &tee;
  machine.read_memory = [this](uint64_t address, uint64_t size_bytes) {
    return ConstByteSpan(bus_.memory().data() + (address - layout::kBus), size_bytes);
  };
  machine.run_to_rest = [this, &tee] { RunToRest(&tee); };
  base_ = BuildBase(machine, *fakes::LoadTestIdentity(WARD_SOURCE_DIR).key, secrets);
  for (uint32_t queue = 0; queue < layout::kQueues; ++queue) {
    const uint32_t offset = abi::kRegFaultStatus + queue * abi::kQueueBlockStride;
    WARD_ASSERT(gpu_->ReadRegister(offset, 4) == 0);
  }
  is_at_reset_ = false;
  AddSecrets(secrets);
  watch_.session = base_.session;
  watch_.other_session = base_.other_session;
  watch_.owned_pages = [this] {
    return gpu_->ProtectedPagesOf(base_.session) + gpu_->ProtectedPagesOf(base_.other_session);
  };
  base_models_ = watch_.models();
  base_now_ns_ = clock_.now_ns;
  bus_.memory().Keep();
  vram_.memory().Keep();
  snapshot_ = gpu_->TakeSnapshot(false);
  base_hash_ = gpu_->StateHash();
}

// A reproducer's base has been built: what follows is the input.
void Machine::BeginInput() {
  is_at_reset_ = false;
  AddSecrets(BaseSecrets::Variant(0));
  snapshot_ = gpu_->TakeSnapshot(false);
  entropy_.state = kInputEntropy;
  record_.Begin(&scanner_);
}

void Machine::MakeChip() {
  const fakes::TestIdentity& identity = fakes::LoadTestIdentity(WARD_SOURCE_DIR);
  device::GpuOptions options;
  options.visible_vram_bytes = layout::kVisibleBytes;
  options.protected_vram_bytes = layout::kProtectedBytes;
  options.identity_key = &*identity.key;
  options.identity_certificates = identity.certificates;
  auto created =
      device::Gpu::Create(options, {&bus_, &vram_, &watch_, &clock_, &entropy_, &watch_});
  WARD_ASSERT(created.ok());
  gpu_ = std::move(created.value());
  watch_.vectors.UseFunction(gpu_.get());
}

void Machine::AddSecrets(const BaseSecrets& secrets) {
  scanner_.Add("key_canary", secrets.session_key);
  scanner_.Add("key_canary", secrets.other_key);
  // The read-back keys, and what handles are made with.
  entropy_.is_kept = false;
  WARD_ASSERT(entropy_.keys.size() >= 2);
  for (const std::vector<uint8_t>& key : entropy_.keys) scanner_.Add("key_canary", key);
  paints_[0] = secrets.paint;
  paints_[1] = secrets.session_paint;
  paints_[2] = secrets.other_paint;
  for (uint32_t i = 0; i < 3; ++i) {
    uint8_t paint[12];
    for (size_t at = 0; at < sizeof(paint); at += 4) StoreLe(paint + at, paints_[i]);
    scanner_.Add("pixels", paint);
    // What a session may not read back. What nobody owns, it may.
    if (i == 2) watch_.foreign_to_session.Add("page_owners", paint);
    if (i == 1) watch_.foreign_to_other.Add("page_owners", paint);
  }
}

bool Machine::HoldsSecret(ConstByteSpan bytes) const {
  // FILL makes eight bytes of four.
  const uint8_t* const begin = bytes.data();
  for (size_t at = 0; at + 4 <= bytes.size(); ++at) {
    uint32_t word = 0;
    __builtin_memcpy(&word, begin + at, sizeof(word));
    if (word == paints_[0] || word == paints_[1] || word == paints_[2]) return true;
  }
  return scanner_.Find(bytes) != nullptr;
}

void Machine::RunToRest(OperationSink* sink) {
  for (int slice = 0; slice < 1000; ++slice) {
    sink->Do({.kind = OperationKind::kProcess, .value = 1 << 20});
    if (last_result_.more) continue;
    if (last_result_.wakeup_ns <= clock_.now_ns) return;
    const uint64_t left = last_result_.wakeup_ns - clock_.now_ns;
    sink->Do({.kind = OperationKind::kAdvanceClock, .value = left});
  }
}

void Machine::Begin(const RunOptions& options) {
  options_ = options;
  record_.Begin(nullptr);
  gpu_->Restore(snapshot_);
  bus_.Reset();
  vram_.Reset();
  clock_.now_ns = base_now_ns_;
  entropy_.state = kInputEntropy;
  entropy_.is_available = true;
  std::memset(last_read_, 0, sizeof(last_read_));
  looked_ = false;
  operations_ = 0;
  watch_.Reset(*base_models_);
  watch_.is_masked_run = options.is_masked;
  record_.Begin(options.looks_for_secrets ? &scanner_ : nullptr);
}

void Machine::CheckBase() {
  Begin({});
  Expect(gpu_->StateHash() == base_hash_, "restore", "a chip that went back is not what it was");
}

uint64_t Machine::End(bool with_state) {
  bus_.AnswerReads({});
  Process(16 << 10);
  watch_.vectors.Check();
  ReadFaults();
  if (with_state) record_.Add(gpu_->StateHash());
  return record_.digest();
}

void Machine::Keep(uint32_t promises) {
  if (is_at_reset_) BeginInput();
  bus_.is_confined = (promises & kConfined) != 0;
  vram_.is_private_closed = (promises & kAlone) != 0;
  watch_.is_orderly = (promises & kOrderly) != 0;
  bus_.fetches_once = watch_.is_orderly && !options_.flips_second;
  bus_.flips_second = watch_.is_orderly && options_.flips_second;
}

void Machine::Do(const Operation& operation) {
  ++operations_;
  const auto at32 = static_cast<uint32_t>(operation.at);
  const auto value32 = static_cast<uint32_t>(operation.value);
  switch (operation.kind) {
    case OperationKind::kReadRegister:
      return ReadRegister(operation.at, operation.size);
    case OperationKind::kWriteRegister:
      return WriteRegister(operation);
    case OperationKind::kReadConfig:
      return record_.Add(gpu_->ReadConfig(at32, operation.size));
    case OperationKind::kWriteConfig:
      gpu_->WriteConfig(at32, operation.size, value32);
      return watch_.vectors.Check();
    case OperationKind::kReadMsix:
      return record_.Add(gpu_->ReadMsix(operation.at, operation.size));
    case OperationKind::kWriteMsix:
      gpu_->WriteMsix(operation.at, operation.size, value32);
      return watch_.vectors.Check();
    case OperationKind::kWriteMemory: {
      const uint64_t offset = operation.at - layout::kBus;
      if (!RangeFits(offset, operation.bytes.size(), layout::kBusBytes)) return;
      std::memcpy(bus_.memory().Change(offset, operation.bytes.size()), operation.bytes.data(),
                  operation.bytes.size());
      return;
    }
    case OperationKind::kWriteVram:
      if (!RangeFits(operation.at, operation.bytes.size(), layout::kVisibleBytes)) return;
      std::memcpy(vram_.memory().Change(operation.at, operation.bytes.size()),
                  operation.bytes.data(), operation.bytes.size());
      return;
    case OperationKind::kProcess:
      return Process(operation.value);
    case OperationKind::kAdvanceClock:
      clock_.now_ns += operation.value;
      return;
    case OperationKind::kResetFunction:
      return Reset(device::ResetKind::kFunction);
    case OperationKind::kResetPower:
      return Reset(device::ResetKind::kPowerOn);
    case OperationKind::kTearDown:
      return TearDown();
    case OperationKind::kSnapshot:
      return RoundTrip();
    case OperationKind::kSetEntropy:
      entropy_.is_available = operation.value != 0;
      return;
    case OperationKind::kSetBus:
      bus_.refuses = operation.value == 0;
      bus_.refuses_writes = operation.value == 2;
      return;
    case OperationKind::kAnswerReads:
      return bus_.AnswerReads(operation.bytes);
    case OperationKind::kSetLinkFault:
      if (operation.value > static_cast<uint64_t>(device::LinkFault::kLast)) return;
      return gpu_->SetLinkFault(at32, static_cast<device::LinkFault>(operation.value));
    case OperationKind::kAttachDisplay:
      return AttachDisplay(at32, operation.value);
    case OperationKind::kReadScanout:
      return ReadScanout(at32);
    case OperationKind::kSetWindows:
      // A masked run sees each write.
      bus_.has_windows = vram_.has_windows = operation.value != 0 && !options_.is_masked;
      return;
    case OperationKind::kPromise:
      return Keep(value32);
  }
}

void Machine::ReadRegister(uint64_t offset, uint32_t size) {
  const uint32_t value = gpu_->ReadRegister(offset, size);
  std::memmove(last_read_, last_read_ + 4, 4);
  StoreLe<uint32_t>(last_read_ + 4, value);
  record_.Show(offset, last_read_);
}

void Machine::WriteRegister(const Operation& operation) {
  constexpr uint64_t kFirst = abi::kRegQueueControl;
  constexpr uint64_t kEnd = kFirst + abi::kQueueBlockCount * abi::kQueueBlockStride;
  if (operation.at >= kFirst && operation.at < kEnd &&
      (operation.at - kFirst) % abi::kQueueBlockStride == 0) {
    watch_.OnQueueControl(static_cast<uint32_t>((operation.at - kFirst) / abi::kQueueBlockStride));
  }
  gpu_->WriteRegister(operation.at, operation.size, static_cast<uint32_t>(operation.value));
  const bool is_reset = operation.at == abi::kRegDeviceControl && operation.size == 4 &&
                        (operation.value & abi::kDeviceControlResetFunctionMask) != 0;
  // In D3hot nothing is written.
  if (is_reset && gpu_->ReadRegister(abi::kRegKeyEpoch, 4) != UINT32_MAX) {
    CheckReset(device::ResetKind::kFunction);
  }
  if (!watch_.sessions().is_checked) CheckSlots();
}

// What a driver looks at when a queue has stopped.
void Machine::ReadFaults() {
  for (uint32_t queue = 0; queue < layout::kQueues; ++queue) {
    const uint64_t block = queue * abi::kQueueBlockStride;
    const uint32_t last_fence = gpu_->HeldRegister(abi::kRegLastFenceLo + block);
    Expect(!watch_.is_orderly || last_fence == static_cast<uint32_t>(watch_.last_fence(queue)),
           "fences", "LAST_FENCE is not what was stored last");
    if (gpu_->HeldRegister(abi::kRegFaultStatus + block) == 0) continue;
    for (const uint32_t offset : FaultRegisters()) ReadRegister(offset + block, 4);
  }
}

void Machine::CheckSlots() {
  watch_.sessions().is_checked = true;
  watch_.sessions().CheckSlots(gpu_->KeySlots());
  const uint32_t ended = watch_.sessions().ended();
  Expect(ended == 0 || gpu_->ProtectedPagesOf(ended) == 0, "page_owners",
         "a page belongs to a session that ended");
}

void Machine::Process(uint64_t budget) {
  record_.accesses = 0;
  bus_.BeginSlice();
  last_result_ = gpu_->Process(budget);
  record_.Add(last_result_.more);
  record_.Add(last_result_.wakeup_ns);
  // An access costs at least 64. What goes beyond the budget is one command's beginning, which may
  // translate 256 MiB of pages twice or thrice (4 KiB of entries at a time), and a step of it.
  // Where page tables are the base's, they map 2 MiB.
  const uint64_t beginning = watch_.is_orderly ? 2048 : 8192;
  Expect(record_.accesses <= budget / 64 + beginning, "bounded",
         "a slice made more accesses than its budget pays for");
  if (!watch_.sessions().is_checked) CheckSlots();
}

void Machine::Reset(device::ResetKind kind) {
  gpu_->Reset(kind);
  CheckReset(kind);
}

void Machine::CheckReset(device::ResetKind kind) {
  // When it returns nothing runs and nothing is raised (P17) but the keys' loss.
  constexpr const char* kOracle = "reset_quiesces";
  record_.accesses = 0;
  const uint32_t expected =
      kind == device::ResetKind::kFunction ? abi::kInterruptCauseKeysLostMask : 0;
  Expect(gpu_->ReadRegister(abi::kRegInterruptCause, 4) == expected, kOracle,
         "an interrupt cause outlived a reset");
  Expect(!gpu_->Process(1 << 16).more && record_.accesses == 0, kOracle,
         "work went on behind a reset");
  Expect(gpu_->KeySlots().empty(), kOracle, "a key slot outlived a reset");
  const device::GpuUsage usage = gpu_->Usage();
  Expect(usage.sessions.used == 0 && usage.channels.used == 0 && usage.contexts.used == 0 &&
             usage.protected_pages.used == 0,
         kOracle, "a session, a channel, a context or a page's owner outlived a reset");
  Expect(usage.pages_with_content == 0, kOracle, "protected content outlived a reset");
  Expect(gpu_->ReadMsix(abi::kMsixPbaOffset, 4) == 0, kOracle, "a vector outlived a reset");
  for (const device::GpuUsage::Queue& queue : usage.queues) {
    Expect((queue.status & 7) == 0, kOracle, "a queue outlived a reset");
  }
}

void Machine::TearDown() {
  constexpr const char* kOracle = "tear_down";
  const uint32_t epoch = gpu_->ReadRegister(abi::kRegKeyEpoch, 4);
  gpu_->TearDown();
  const std::vector<device::KeySlotInfo> slots = gpu_->KeySlots();
  Expect(std::none_of(slots.begin(), slots.end(), [](const auto& slot) { return slot.filled; }),
         kOracle, "a key outlived a tear-down");
  const device::GpuUsage usage = gpu_->Usage();
  Expect(usage.protected_pages.used == 0 && usage.pages_with_content == 0, kOracle,
         "content outlived a tear-down");
  if (epoch == UINT32_MAX) return;  // in D3hot no register can be read
  Expect(gpu_->ReadRegister(abi::kRegKeyEpoch, 4) == epoch + 1, kOracle,
         "the key epoch did not grow");
  const uint32_t cause = gpu_->ReadRegister(abi::kRegInterruptCause, 4);
  Expect((cause & abi::kInterruptCauseKeysLostMask) != 0, kOracle, "KEYS_LOST is not raised");
}

// Going on from a snapshot has to be going on (P15). Nobody outside sees that it was done.
void Machine::RoundTrip() {
  if (!options_.has_snapshots) return;
  const uint64_t before = gpu_->StateHash();
  const device::GpuSnapshot snapshot = gpu_->TakeSnapshot(false);
  const BoundaryRecord record = record_;
  const CommandWatch watch = watch_;
  const uint64_t entropy = entropy_.state;
  gpu_->Restore(snapshot_);
  gpu_->Restore(snapshot);
  Expect(gpu_->StateHash() == before, "restore", "a chip that went back is not what it was");
  if (options_.has_saved_states) CheckSavedStates(snapshot);
  entropy_.state = entropy;
  watch_ = watch;
  record_ = record;
}

// Any moment can be saved, holds no secret, and loads: sealed it is the same state.
void Machine::CheckSavedStates(const device::GpuSnapshot& snapshot) {
  constexpr const char* kOracle = "saved_state";
  fakes::FakeSeal seal;
  const auto open = gpu_->SaveState({nullptr, false});
  Expect(open.ok(), kOracle, "a moment that can't be saved");
  const auto sealed = gpu_->SaveState({&seal, false});
  if (!sealed.ok()) {
    Expect(sealed.fault().status == abi::kStatusStateNoEntropy, kOracle,
           "a moment that can't be sealed");
    return;
  }
  if (options_.looks_for_secrets) {
    Expect(scanner_.Find(open.value()) == nullptr && scanner_.Find(sealed.value()) == nullptr,
           kOracle, "a secret stands in a saved state");
  }
  Expect(gpu_->LoadState(sealed.value(), &seal).ok(), kOracle, "a sealed state does not load");
  // What runs is given fresh counters by the load.
  bool is_running = false;
  for (uint32_t queue = 0; queue < 16; ++queue) {
    const uint32_t status =
        gpu_->ReadRegister(abi::kRegQueueStatus + queue * abi::kQueueBlockStride, 4);
    is_running = is_running || (status & 7) == 2;
  }
  const auto again = gpu_->SaveState({nullptr, false});
  Expect(is_running || again.value() == open.value(), kOracle,
         "a sealed state that was loaded is not what was saved");
  const device::GpuUsage usage = gpu_->Usage();
  gpu_->Restore(snapshot);
  const device::GpuUsage saved = gpu_->Usage();
  Expect(usage.pages_with_content == saved.pages_with_content &&
             usage.protected_pages.used == saved.protected_pages.used,
         kOracle, "a sealed state that was loaded has other protected content");
  Expect(gpu_->LoadState(open.value(), nullptr).ok(), kOracle, "a state does not load");
  const std::vector<device::KeySlotInfo> slots = gpu_->KeySlots();
  Expect(std::none_of(slots.begin(), slots.end(), [](const auto& slot) { return slot.filled; }),
         kOracle, "a state without a seal brought a key back");
  gpu_->Restore(snapshot);
}

device::AttachedDisplay Machine::DisplayOf(uint64_t value) {
  device::AttachedDisplay display;
  display.connected = value != 0;
  if (display.connected) {
    display.width = static_cast<uint32_t>(value >> 16 & 0xffff);
    display.height = static_cast<uint32_t>(value & 0xffff);
  }
  return display;
}

void Machine::AttachDisplay(uint32_t output, uint64_t value) {
  const device::AttachedDisplay display = DisplayOf(value);
  const bool attached = gpu_->AttachDisplay(output, display).ok();
  Expect(attached == (output < device::kGpuOutputCount && IsPossible(display)), "commands",
         "a display was taken that can't be, or the other way round");
}

void Machine::ReadScanout(uint32_t output) {
  const device::ScanoutInfo info = gpu_->Scanout(output);
  record_.Add(info.active);
  record_.Add(info.flip_count);
  constexpr uint32_t kWidest = 1024;  // pixels, for the sake of speed
  const bool is_looked_at =
      options_.has_pixels || (options_.has_protected_pixels && info.is_protected);
  if (!info.active || info.width > kWidest || !is_looked_at || looked_) return;
  looked_ = true;
  pixels_.resize(size_t{info.width} * info.height * 4);
  gpu_->ReadScanout(output, device::ScanoutView::kCapture, pixels_, info.width * 4);
  record_.Show(output, pixels_);
}

}  // namespace ward::fuzz
