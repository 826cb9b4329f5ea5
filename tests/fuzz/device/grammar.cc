#include "tests/fuzz/device/grammar.h"

#include <algorithm>

#include "abi/generated/messages.h"
#include "abi/generated/pci.h"
#include "abi/generated/registers.h"
#include "device/display_mode.h"
#include "device/gpu.h"

namespace ward::fuzz {
namespace {

constexpr uint64_t kPage = abi::kPageSize;

constexpr uint64_t kBudgetPerInput = 96 << 10;
// Long inputs find no more than short ones, of which there are more.
constexpr uint32_t kMostMoves = 10;

}  // namespace

Grammar::Grammar(const BaseState& base, OperationSink* sink)
    : base_(base), sink_(sink), rings_(sink), input_({}) {
  begins_.reserve(kMostMoves);
}

void Grammar::Play(ConstByteSpan input) {
  input_ = InputReader(input);
  rings_.set_tails(base_.tails);
  budget_left_ = kBudgetPerInput;
  slow_left_ = round_trips_left_ = 1;
  configs_left_ = 2;
  next_information_ = next_setting_ = 0;
  next_channel_ = {};
  begins_.clear();
  has_entropy_ = has_bus_ = true;
  const uint8_t mode = input_.Take<uint8_t>();
  promises_ = kOrderly;
  if ((mode & kModeConfined) != 0) {
    promises_ |= kConfined | ((mode & kModeAlone) != 0 ? kAlone : 0u);
  }
  Do({.kind = OperationKind::kPromise, .value = promises_});
  if ((mode & kModeWindows) != 0) Do({.kind = OperationKind::kSetWindows, .value = 1});
  if ((mode & kModeMsix) != 0) {
    constexpr uint64_t kMsixControl = 0x52;
    Do({.kind = OperationKind::kWriteConfig, .at = kMsixControl, .size = 2, .value = 0x8000});
  }
  while (!input_.empty() && begins_.size() < kMostMoves) {
    begins_.push_back(input.size() - input_.size());
    PlayMove(static_cast<Move>(input_.Take<uint8_t>() % kMoveCount));
  }
  if ((mode & kModeRoundTrip) == kModeRoundTrip && round_trips_left_ != 0) {
    Do({.kind = OperationKind::kSnapshot});
  }
}

void Grammar::PlayMove(Move move) {
  switch (move) {
    case Move::kTableRegister:
      return WriteTableRegister();
    case Move::kRawRegister:
      return AccessRawRegister();
    case Move::kCommand:
    case Move::kCommandToo:
      return PushCommand();
    case Move::kMessage:
      return PushMessage();
    case Move::kRawBytes:
      return PushRawBytes();
    case Move::kRun:
      RingDoorbells();
      return Process(uint64_t{input_.Take<uint8_t>()} << 9);
    case Move::kRunOn:
      return RunOn();
    case Move::kSlice:
      return Process(uint64_t{input_.Take<uint16_t>()} + 1);
    case Move::kClock:
      return Do({.kind = OperationKind::kAdvanceClock, .value = input_.Take<uint32_t>()});
    case Move::kPageEntry:
      return WritePageEntry();
    case Move::kMemory:
      return WriteMemory();
    case Move::kConfig:
      return AccessConfig();
    case Move::kAnswers: {
      uint8_t bytes[32];
      const uint32_t size = 1 + input_.Take<uint8_t>() % sizeof(bytes);
      input_.TakeBytes(ByteSpan(bytes).first(size));
      // Commands may come out of it.
      if ((promises_ & kConfined) != 0) return;
      BreakOrder();
      return Do({.kind = OperationKind::kAnswerReads, .bytes = ByteSpan(bytes).first(size)});
    }
    case Move::kBus:
      has_bus_ = !has_bus_;
      // The host takes it, or makes it read-only.
      return Do({.kind = OperationKind::kSetBus,
                 .value = has_bus_ ? 1u : (begins_.size() % 2 == 0 ? 0u : 2u)});
    case Move::kReset:
      return ResetSomething();
    case Move::kScreen:
      return UseScreen();
    case Move::kIndirect:
      return PushIndirect();
    case Move::kDecrypt:
      return PushDecrypt();
    case Move::kReadBack:
      return PushReadBack();
    case Move::kPart:
      return PushPart();
    case Move::kVideo:
      return PushVideo();
    case Move::kShow:
      return PushShow();
    case Move::kOutput:
      return PushOutput();
    case Move::kTrusted:
      return PushTrusted();
    case Move::kChannel:
      return PushChannel();
    case Move::kKnownChannel:
      return PushKnownChannel();
    case Move::kRows:
      return PushRows();
    case Move::kSpoiled:
      return PushSpoiled();
    case Move::kNested:
      return PushNested();
    case Move::kQueue:
      return ControlQueue();
    case Move::kCount:
      return;
  }
}

void Grammar::BreakOrder() {
  if ((promises_ & kOrderly) == 0) return;
  promises_ &= ~static_cast<uint32_t>(kOrderly);
  Do({.kind = OperationKind::kPromise, .value = promises_});
}

// What an input that bears a promise leaves alone. A confined one: what could name memory outside
// of its window, which is the kernel's queue, and where rings and fences lie. One that is context
// 1's alone: context 2's queue, and who queues belong to.
bool Grammar::IsClosed(uint64_t offset) const {
  if ((promises_ & kConfined) == 0) return false;
  const bool is_alone = (promises_ & kAlone) != 0;
  const auto is_doorbell_of = [&](uint32_t queue) {
    return offset == abi::kRegDoorbell + queue * abi::kDoorbellBlockStride;
  };
  if (is_doorbell_of(0) || (is_alone && is_doorbell_of(layout::kOtherQueue))) return true;
  const uint64_t end = abi::kRegQueueControl + abi::kQueueBlockCount * abi::kQueueBlockStride;
  if (offset < abi::kRegQueueControl || offset >= end) return false;
  const uint64_t queue = (offset - abi::kRegQueueControl) / abi::kQueueBlockStride;
  if (queue == 0 || (is_alone && queue == layout::kOtherQueue)) return true;
  const uint64_t within = offset % abi::kQueueBlockStride;
  constexpr uint64_t kContext = abi::kRegQueueContext - abi::kRegQueueControl;
  if (within == kContext) return is_alone;
  return within == 0 || (within >= 0x08 && within < 0x20);
}

uint32_t Grammar::PickQueue() {
  const uint32_t queue = input_.Take<uint8_t>() % layout::kQueues;
  if ((promises_ & kConfined) != 0 && queue == 0) return 1;
  return (promises_ & kAlone) != 0 && queue == layout::kOtherQueue ? 1 : queue;
}

uint32_t Grammar::PickUserQueue() { return std::max(PickQueue(), 1u); }

uint32_t Grammar::SessionOf(uint32_t queue) const {
  return queue == layout::kOtherQueue ? base_.other_session : base_.session;
}

void Grammar::RingDoorbells() {
  for (uint32_t queue = 0; queue < layout::kQueues; ++queue) {
    if (queue == 0 && (promises_ & kConfined) != 0) continue;
    if (queue == layout::kOtherQueue && (promises_ & kAlone) != 0) continue;
    if (rings_.HasNews(queue)) rings_.Doorbell(queue);
  }
}

void Grammar::Process(uint64_t budget) {
  budget = std::min(budget, budget_left_);
  if (budget == 0) return;
  budget_left_ -= budget;
  rings_.Process(budget);
}

// Most messages are answered 1 us later, none more than 50 us.
void Grammar::RunOn() {
  RingDoorbells();
  const uint8_t choice = input_.Take<uint8_t>();
  const uint32_t messages = choice < 192 ? 1 : 1 + choice % 4;
  Process(16 << 10);
  for (uint32_t i = 0; i < messages; ++i) {
    Do({.kind = OperationKind::kAdvanceClock, .value = 50000});
    Process(8 << 10);
  }
}

void Grammar::WriteTableRegister() {
  const abi::RegisterInfo& info = Pick(abi::kRegisters, input_.Take<uint8_t>());
  const uint32_t which = input_.Take<uint8_t>();
  const uint64_t offset =
      info.offset + which % info.block_count * info.block_stride + which % info.element_count * 4;
  uint32_t value = input_.Take<uint32_t>();
  if (IsClosed(offset)) return;
  constexpr uint32_t kReset = abi::kDeviceControlResetFunctionMask;
  if (offset == abi::kRegDeviceControl && (value & kReset) != 0) {
    if (slow_left_ == 0) value &= ~kReset;
    if (slow_left_ != 0) --slow_left_;
  }
  const bool is_doorbell = offset >= abi::kRegDoorbell;
  const bool is_queue =
      offset >= abi::kRegQueueControl && !is_doorbell &&
      offset < abi::kRegQueueControl + abi::kQueueBlockCount * abi::kQueueBlockStride;
  // A ring may then be another's, or a queue another context's.
  if (is_queue) BreakOrder();
  Do({.kind = OperationKind::kWriteRegister, .at = offset, .size = 4, .value = value});
  Do({.kind = OperationKind::kReadRegister, .at = offset, .size = 4});
}

void Grammar::AccessRawRegister() {
  const uint64_t offset = input_.Take<uint32_t>() & (2 * abi::kRegisterBarSize - 1);
  const uint32_t size = input_.Take<uint8_t>() % 9;
  const uint32_t value = input_.Take<uint32_t>();
  Do({.kind = OperationKind::kReadRegister, .at = offset, .size = size});
  if (offset == abi::kRegDeviceControl || IsClosed(offset)) return;
  BreakOrder();
  Do({.kind = OperationKind::kWriteRegister, .at = offset, .size = size, .value = value});
}

void Grammar::WritePageEntry() {
  const uint32_t where = input_.Take<uint16_t>();
  uint64_t entry = input_.Take<uint64_t>();
  uint64_t offset = layout::kTables + where % (2 * layout::kTableBytes / 8) * 8;
  constexpr uint32_t kDirectory = 0x8000;
  if ((promises_ & kConfined) != 0 && (where & kDirectory) != 0) {
    // A context's addresses are another's.
    const uint64_t whose = (promises_ & kAlone) != 0 ? where & 1 : where >> 1 & 1;
    offset = layout::kTables + (where & 1) * layout::kTableBytes + 2 * kPage;
    entry = (layout::kTables + whose * layout::kTableBytes + 3 * kPage) | abi::kPteValid |
            abi::kPteLocal;
  } else if ((promises_ & kConfined) != 0) {
    // Only leaves, and only of memory that the input may reach.
    offset = layout::kTables + (where & 1) * layout::kTableBytes + 3 * kPage + where / 2 % 448 * 8;
    const uint64_t page = entry >> 12 & 127;
    const uint64_t bits = entry & (abi::kPteValid | abi::kPteWritable | abi::kPteLocal);
    entry =
        bits | ((bits & abi::kPteLocal) != 0 ? layout::kFree + page * kPage
                                             : layout::kBus + page % layout::kSystemPages * kPage);
  } else {
    BreakOrder();
  }
  uint8_t bytes[8];
  StoreLe<uint64_t>(bytes, entry);
  Do({.kind = OperationKind::kWriteVram, .at = offset, .bytes = bytes});
}

// What the guest's processors write to their own memory and to BAR2.
void Grammar::WriteMemory() {
  const uint32_t where = input_.Take<uint32_t>();
  uint8_t bytes[32];
  input_.TakeBytes(bytes);
  const bool is_vram = (where & 1) != 0;
  const uint64_t size = (is_vram ? layout::kFreePages * kPage : layout::kDataBytes) - sizeof(bytes);
  const uint64_t offset = where / 2 % size;
  if (is_vram) {
    Do({.kind = OperationKind::kWriteVram, .at = layout::kFree + offset, .bytes = bytes});
  } else {
    Do({.kind = OperationKind::kWriteMemory, .at = layout::kBus + offset, .bytes = bytes});
  }
}

void Grammar::AccessConfig() {
  const uint32_t offset = input_.Take<uint16_t>();
  const uint32_t size = input_.Take<uint8_t>() % 6;
  const uint32_t value = input_.Take<uint32_t>();
  Do({.kind = OperationKind::kReadConfig, .at = offset % 5000, .size = size});
  Do({.kind = OperationKind::kReadMsix, .at = offset, .size = size});
  if ((value & 1) != 0) {
    Do({.kind = OperationKind::kWriteMsix, .at = offset, .size = size, .value = value >> 1});
  } else if (configs_left_ != 0) {
    --configs_left_;
    Do({.kind = OperationKind::kWriteConfig, .at = offset, .size = size, .value = value >> 1});
  }
}

void Grammar::ResetSomething() {
  const uint8_t choice = input_.Take<uint8_t>();
  const bool tears_down = choice >= kTearDownChoice;
  if (choice % 4 == 0 && !tears_down) {
    if (round_trips_left_ == 0) return;
    --round_trips_left_;
    return Do({.kind = OperationKind::kSnapshot});
  }
  if (choice % 4 == 1 && !tears_down) {
    has_entropy_ = !has_entropy_;
    return Do({.kind = OperationKind::kSetEntropy, .value = has_entropy_});
  }
  if (slow_left_ == 0) return;
  --slow_left_;
  Do({.kind = tears_down        ? OperationKind::kTearDown
              : choice % 4 == 2 ? OperationKind::kResetFunction
                                : OperationKind::kResetPower});
}

// The high bits make the link's cable and display misbehave, or well again; the next two plug
// displays in and pull them, impossible ones too.
void Grammar::UseScreen() {
  constexpr uint64_t kDisplays[] = {1920 << 16 | 1080, 0, 800 << 16 | 600, 1};
  const uint8_t choice = input_.Take<uint8_t>();
  const uint32_t output = choice % 3;
  if (choice >> 6 != 0) {
    Do({.kind = OperationKind::kSetLinkFault, .at = 0, .value = (choice >> 6) - 1u});
  }
  if ((choice & 0x30) == 0x30) {
    Do({.kind = OperationKind::kAttachDisplay, .at = output, .value = kDisplays[choice >> 2 & 3]});
  }
  Do({.kind = OperationKind::kReadScanout, .at = output});
  // What a driver looks at, and the first of what lies behind it.
  const uint64_t block = abi::kRegOutputControl + output * uint64_t{abi::kOutputBlockStride};
  constexpr uint64_t kEnd = abi::kRegOutputModeSize - abi::kRegOutputControl + 4;
  for (uint64_t at = choice % 8 * 4; at < kEnd; at += 32) {
    Do({.kind = OperationKind::kReadRegister, .at = block + at, .size = 4});
  }
  constexpr uint64_t kEdidBytes = 256;
  const uint64_t edid = abi::kRegOutputEdid + output * uint64_t{abi::kEdidBlockStride};
  Do({.kind = OperationKind::kReadRegister, .at = edid + choice * 4u % kEdidBytes, .size = 4});
  const uint64_t last_mode = abi::kRegOutputModeSize + output * uint64_t{abi::kOutputBlockStride} +
                             device::kStandardModeCount * uint64_t{4};
  Do({.kind = OperationKind::kReadRegister, .at = last_mode, .size = 4});
}

}  // namespace ward::fuzz
