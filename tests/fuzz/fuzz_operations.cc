// The grammar of the input: one byte names an operation, what follows are its arguments.
// Well-formed commands are as easy to write as raw bytes, since each finds bugs that the other does
// not.
#include <algorithm>
#include <cstddef>
#include <cstring>

#include "abi/generated/commands.h"
#include "abi/generated/messages.h"
#include "abi/generated/pci.h"
#include "abi/generated/registers.h"
#include "abi/generated/status.h"
#include "base/assert.h"
#include "tests/fakes/fake_seal.h"
#include "tests/fuzz/fuzz_machine.h"

namespace ward::fuzz {
namespace {

// Of a context's addresses: system memory, free VRAM, protected VRAM (FuzzMachine::MapLeaves).
constexpr uint64_t kWindows[] = {0, 256 << 10, 768 << 10};

template <typename T, size_t kCount>
const T& Pick(const T (&table)[kCount], uint32_t choice) {
  return table[choice % kCount];
}

// First byte of a number from which on two more bytes hold it (make_seeds.cc writes the same).
constexpr uint8_t kLargeNumber = 224;
// From there on a command's session is the one of HW_PROTECTION.
constexpr uint8_t kHardwareChoice = 228;
// From there on ResetSomething tears down (make_seeds.cc knows it).
constexpr uint8_t kImportFunction = 2;
constexpr uint8_t kTearDownChoice = 0xf0;
constexpr device::AttachedDisplay kDisplays[] = {
    {}, {.connected = false}, {.width = 800, .height = 600}, {.width = 0}};

// The list behind a DECRYPT_SAMPLE; its sum is the sample's length most of the time.
void AppendSubSamples(std::vector<uint8_t>* bytes, InputReader* input) {
  const uint32_t count = 1 + input->Take<uint8_t>() % 8;
  const bool adds_up = input->Take<uint8_t>() % 4 != 0;
  const size_t begin = bytes->size();
  bytes->resize(begin + (count + 1) / 2 * 16);
  uint32_t sum = 0;
  for (uint32_t i = 0; i < count; ++i) {
    const uint32_t clear = input->Take<uint8_t>();
    const uint32_t encrypted = input->Take<uint16_t>() & 0xfff;
    StoreLe(bytes->data() + begin + 8 * i, clear);
    StoreLe(bytes->data() + begin + 8 * i + 4, encrypted);
    sum += clear + encrypted;
  }
  StoreLe(bytes->data() + offsetof(abi::DecryptSampleCommand, length),
          static_cast<uint32_t>(bytes->size()));
  StoreLe(bytes->data() + offsetof(abi::DecryptSampleCommand, sub_sample_count), count);
  if (adds_up) StoreLe(bytes->data() + offsetof(abi::DecryptSampleCommand, length_bytes), sum);
}

}  // namespace

// What an input that bears a promise leaves alone. A confined one: what could name memory outside
// of its window, which is the kernel's queue, and where rings and fences lie. One that is context
// 1's alone: context 2's queue, and who queues belong to.
bool FuzzMachine::IsClosed(uint64_t offset) const {
  if (!bus_.confined) return false;
  const bool is_alone = vram_.is_private_closed;
  const auto is_doorbell_of = [&](uint32_t queue) {
    return offset == abi::kRegDoorbell + queue * abi::kDoorbellBlockStride;
  };
  if (is_doorbell_of(0) || (is_alone && is_doorbell_of(kOtherQueue))) return true;
  const uint64_t end = abi::kRegQueueControl + abi::kQueueBlockCount * abi::kQueueBlockStride;
  if (offset < abi::kRegQueueControl || offset >= end) return false;
  const uint64_t queue = (offset - abi::kRegQueueControl) / abi::kQueueBlockStride;
  if (queue == 0 || (is_alone && queue == kOtherQueue)) return true;
  const uint64_t within = offset % abi::kQueueBlockStride;
  constexpr uint64_t kContext = abi::kRegQueueContext - abi::kRegQueueControl;
  if (within == kContext) return is_alone;
  return within == 0 || (within >= 0x08 && within < 0x20);
}

uint32_t FuzzMachine::PickQueue(InputReader* input) const {
  const uint32_t queue = input->Take<uint8_t>() % kQueues;
  if (bus_.confined && queue == 0) return 1;
  return vram_.is_private_closed && queue == kOtherQueue ? 1 : queue;
}

void FuzzMachine::RunOperation(uint8_t operation, InputReader* input) {
  switch (operation % 18) {
    case 0:
      return WriteTableRegister(input);
    case 1:
      return AccessRawRegister(input);
    case 2:
    case 3:
    case 4:
      return PushTableCommand(input);
    case 5:
      return PushSecurityMessage(input);
    case 6:
      return PushRawBytes(input);
    case 7:
    case 8: {
      for (uint32_t queue = bus_.confined ? 1 : 0; queue < kQueues; ++queue) {
        if (!vram_.is_private_closed || queue != kOtherQueue) Doorbell(queue);
      }
      return Process(uint64_t{input->Take<uint8_t>()} << 9);
    }
    case 9:
      return Process(uint64_t{input->Take<uint16_t>()} + 1);
    case 10:
      small_.now_ns += input->Take<uint32_t>();
      return;
    case 11:
      return WritePageEntry(input);
    case 12:
      return WriteMemory(input);
    case 13:
      return AccessConfig(input);
    case 14:
      bus_.hostile = bus_.hostile == nullptr && !bus_.confined ? input : nullptr;
      return;
    case 15:
      bus_.refuse = !bus_.refuse;
      return;
    case 16:
      return ResetSomething(input);
    default:
      return LookAtScreen(input);
  }
}

void FuzzMachine::WriteTableRegister(InputReader* input) {
  const abi::RegisterInfo& info = Pick(abi::kRegisters, input->Take<uint8_t>());
  const uint32_t which = input->Take<uint8_t>();
  const uint64_t offset =
      info.offset + which % info.block_count * info.block_stride + which % info.element_count * 4;
  uint32_t value = input->Take<uint32_t>();
  if (IsClosed(offset)) return;
  if (offset == abi::kRegDeviceControl && (value & 1) != 0 && resets_left_ == 0) value &= ~1u;
  if (offset == abi::kRegDeviceControl && (value & 1) != 0) --resets_left_;
  gpu_->WriteRegister(offset, 4, value);
}

void FuzzMachine::AccessRawRegister(InputReader* input) {
  const uint64_t offset = input->Take<uint32_t>() & (2 * abi::kRegisterBarSize - 1);
  const uint32_t size = input->Take<uint8_t>() % 9;
  const uint32_t value = input->Take<uint32_t>();
  record_.digest.Add(gpu_->ReadRegister(offset, size));
  if (offset == abi::kRegDeviceControl || IsClosed(offset)) return;
  gpu_->WriteRegister(offset, size, value);
}

// An address that means something to the queue, shifted a little.
uint64_t FuzzMachine::PickAddress(uint32_t queue, InputReader* input) {
  const uint8_t choice = input->Take<uint8_t>();
  const uint64_t page = input->Take<uint8_t>();
  const uint64_t offset = (choice & 0x80) != 0 ? input->Take<uint16_t>() : 0;
  if (queue != 0) return (Pick(kWindows, choice) + (page << 12) + offset) & 0x1fffff;
  switch (choice % 4) {
    case 0:
      return FuzzBus::kBase + (page << 10) + offset;
    case 1:
      return (abi::kPhysicalLocal | page << 12) + offset;
    case 2:
      return (abi::kPhysicalLocal | abi::kProtectedVramLocalBase | page << 12) + offset;
    default:
      return input->Take<uint64_t>();
  }
}

void FuzzMachine::PushTableCommand(InputReader* input) {
  const abi::CommandInfo& info = Pick(abi::kCommands, input->Take<uint8_t>());
  const uint32_t queue = PickQueue(input);
  std::vector<uint8_t> bytes(info.size_bytes);
  StoreLe<uint16_t>(bytes.data(), info.opcode);
  StoreLe<uint16_t>(bytes.data() + 2, static_cast<uint16_t>(input->Take<uint8_t>() & info.flags));
  StoreLe<uint32_t>(bytes.data() + 4, info.size_bytes);
  for (uint32_t i = 3; i < info.field_count; ++i) {
    const abi::FieldInfo& field = info.fields[i];
    uint8_t* at = bytes.data() + field.offset;
    if (field.kind == abi::FieldKind::kAddress) {
      StoreLe<uint64_t>(at, PickAddress(queue, input));
    } else if (std::strcmp(field.name, "session") == 0) {
      const uint8_t choice = input->Take<uint8_t>();
      const uint32_t other = choice < kHardwareChoice ? choice : hardware_session_;
      StoreLe<uint32_t>(at, choice < 200 ? session_ : other);
    } else if (field.kind == abi::FieldKind::kBytes) {
      input->TakeBytes(ByteSpan(at, field.size_bytes));
    } else if (field.kind == abi::FieldKind::kNumber) {
      // Small numbers reach further: sizes, counts, modes, fences.
      const uint8_t small = input->Take<uint8_t>();
      StoreLe<uint16_t>(at, small < kLargeNumber ? small : input->Take<uint16_t>());
    }
  }
  if (info.opcode == abi::DecryptSampleCommand::kOpcode) AppendSubSamples(&bytes, input);
  PushBytes(queue, bytes);
}

void FuzzMachine::PushSecurityMessage(InputReader* input) {
  const uint32_t queue = PickQueue(input);
  const abi::MessageInfo& info = Pick(abi::kMessages, input->Take<uint8_t>());
  const bool is_trusted = info.number == abi::kMessageCallTrusted;
  // What a trusted function may have: a key's name and a blob.
  const uint32_t variable_bytes = is_trusted ? 16 + 256 : 256;
  std::vector<uint8_t> payload(info.request_bytes + (info.request_variable ? variable_bytes : 0));
  input->TakeBytes(payload);
  if (payload.size() >= 4 && info.number != abi::kMessageGetCertificate &&
      info.number != abi::kMessageCreateSession && (payload[0] & 3) != 0) {
    const bool is_hardware = is_trusted || info.number == abi::kMessageGetNewKeyData ||
                             info.number == abi::kMessageSelectKey;
    StoreLe<uint32_t>(payload.data(), is_hardware ? hardware_session_ : session_);
  }
  if (is_trusted) {
    StoreLe<uint32_t>(payload.data() + offsetof(abi::CallTrustedRequest, function), payload[4] % 5);
    StoreLe<uint32_t>(payload.data() + offsetof(abi::CallTrustedRequest, input_bytes),
                      payload[8] == 0 ? 0 : variable_bytes);
  }
  // The private key's operation takes about a millisecond; one an input is enough.
  if (info.number == abi::kMessageNegotiateSessionKey || info.number == abi::kMessageRunSelfTest ||
      (is_trusted && payload[4] == kImportFunction)) {
    if (resets_left_ == 0) return;
    --resets_left_;
  }
  PushMessage(queue, info.number, payload, PickAddress(queue, input) & ~uint64_t{15});
}

void FuzzMachine::PushRawBytes(InputReader* input) {
  const uint32_t queue = PickQueue(input);
  std::vector<uint8_t> bytes((1 + input->Take<uint8_t>() % 8) * 16);
  input->TakeBytes(bytes);
  PushBytes(queue, bytes);
}

void FuzzMachine::WritePageEntry(InputReader* input) {
  const uint32_t where = input->Take<uint16_t>();
  uint64_t entry = input->Take<uint64_t>();
  uint64_t offset = kTables + where % (2 * kTableBytes / 8) * 8;
  if (bus_.confined) {
    // Only leaves, and only of memory that the input may reach.
    offset = kTables + (where & 1) * kTableBytes + 0x3000 + where / 2 % 512 * 8;
    const uint64_t page = entry >> 12 & 127;
    const uint64_t bits = entry & (abi::kPteValid | abi::kPteWritable | abi::kPteLocal);
    entry = bits | ((bits & abi::kPteLocal) != 0 ? kFreeVram + (page << 12)
                                                 : FuzzBus::kBase + (page % 64 << 12));
  }
  StoreLe<uint64_t>(vram_.bytes().data() + offset, entry);
}

// What the guest's processors write to their own memory and to BAR2.
void FuzzMachine::WriteMemory(InputReader* input) {
  const uint32_t where = input->Take<uint32_t>();
  uint8_t bytes[32];
  input->TakeBytes(bytes);
  if ((where & 1) != 0) {
    const uint64_t offset = where % (kVisibleBytes - kFreeVram - sizeof(bytes));
    std::memcpy(vram_.bytes().data() + kFreeVram + offset, bytes, sizeof(bytes));
  } else {
    const uint64_t offset = where % (FuzzBus::kSizeBytes - sizeof(bytes));
    std::memcpy(bus_.bytes().data() + offset, bytes, sizeof(bytes));
  }
}

void FuzzMachine::AccessConfig(InputReader* input) {
  const uint32_t offset = input->Take<uint16_t>();
  const uint32_t size = input->Take<uint8_t>() % 6;
  const uint32_t value = input->Take<uint32_t>();
  record_.digest.Add(gpu_->ReadConfig(offset % 5000, size));
  record_.digest.Add(gpu_->ReadMsix(offset, size));
  if ((value & 1) != 0) {
    gpu_->WriteMsix(offset, size, value);
  } else if (resets_left_ != 0) {
    --resets_left_;  // it may reset the function
    gpu_->WriteConfig(offset, size, value);
  }
}

// Going on from a snapshot has to be going on (P15).
void FuzzMachine::RoundTripSnapshot() {
  if (round_trips_left_ == 0) return;
  --round_trips_left_;
  const uint64_t before = gpu_->StateHash();
  const device::GpuSnapshot snapshot = gpu_->TakeSnapshot();
  gpu_->Restore(base_);
  gpu_->Restore(snapshot);
  WARD_ASSERT(gpu_->StateHash() == before);
  // Any moment can be saved, and what was saved loads: sealed it is the same state.
  fakes::FakeSeal seal;
  const auto open = gpu_->SaveState({nullptr, false});
  WARD_ASSERT(open.ok());
  const auto sealed = gpu_->SaveState({&seal, false});
  if (!sealed.ok()) {
    WARD_ASSERT(sealed.fault().status == abi::kStatusStateNoEntropy);
    return;
  }
  const auto loaded = gpu_->LoadState(sealed.value(), &seal);
  WARD_ASSERT(loaded.ok());
  bool running = false;
  for (uint32_t queue = 0; queue < 16; ++queue) {
    const uint32_t status =
        gpu_->ReadRegister(abi::kRegQueueStatus + queue * abi::kQueueBlockStride, 4);
    running = running || (status & 7) == 2;
  }
  const auto again = gpu_->SaveState({nullptr, false});
  WARD_ASSERT(running || again.value() == open.value());
  gpu_->Restore(snapshot);
  WARD_ASSERT(gpu_->LoadState(open.value(), nullptr).ok());
  gpu_->Restore(snapshot);
}

void FuzzMachine::ResetSomething(InputReader* input) {
  const uint8_t choice = input->Take<uint8_t>();
  const bool tear_down = choice >= kTearDownChoice;
  if (choice % 4 == 0 && !tear_down) return RoundTripSnapshot();
  if (choice % 4 == 1 && !tear_down) {
    small_.entropy_available = !small_.entropy_available;
    return;
  }
  if (resets_left_ == 0) return;
  --resets_left_;
  if (tear_down) return TearDown();
  const bool function = choice % 4 == 2;
  gpu_->Reset(function ? device::ResetKind::kFunction : device::ResetKind::kPowerOn);
  // When it returns nothing runs and nothing is raised (P17) but the keys' loss.
  record_.accesses = 0;
  WARD_ASSERT(gpu_->ReadRegister(abi::kRegInterruptCause, 4) ==
              (function ? abi::kInterruptCauseKeysLostMask : 0));
  WARD_ASSERT(!gpu_->Process(1 << 16).more && record_.accesses == 0);
}

void FuzzMachine::TearDown() {
  const uint32_t epoch = gpu_->ReadRegister(abi::kRegKeyEpoch, 4);
  gpu_->TearDown();
  if (epoch == UINT32_MAX) return;  // in D3hot no register can be read
  WARD_ASSERT(gpu_->ReadRegister(abi::kRegKeyEpoch, 4) == epoch + 1);
  WARD_ASSERT((gpu_->ReadRegister(abi::kRegInterruptCause, 4) & abi::kInterruptCauseKeysLostMask) !=
              0);
}

void FuzzMachine::LookAtScreen(InputReader* input) {
  // The high bits make the link's cable and display misbehave, or well again; the next two plug
  // displays in and pull them, impossible ones too.
  const uint8_t choice = input->Take<uint8_t>();
  const uint32_t output = choice % 3;
  if (choice >> 6 != 0) gpu_->SetLinkFault(0, static_cast<device::LinkFault>((choice >> 6) - 1));
  if ((choice & 0x30) == 0x30) {
    const device::AttachedDisplay& display = Pick(kDisplays, choice >> 2 & 3);
    const bool attached = gpu_->AttachDisplay(output, display).ok();
    WARD_ASSERT(attached == (output < device::kGpuOutputCount && IsPossible(display)));
  }
  const device::ScanoutInfo info = gpu_->Scanout(output);
  record_.digest.Add(info.active);
  record_.digest.Add(info.flip_count);
  if (!info.active || info.width > 1024) return;
  std::vector<uint8_t> pixels(size_t{info.width} * info.height * 4);
  gpu_->ReadScanout(output, device::ScanoutView::kCapture, pixels, info.width * 4);
  record_.digest.Add(ConstByteSpan(pixels));
  for (size_t at = 0; record_.look_for_canary && at + 8 <= pixels.size(); at += 4) {
    WARD_ASSERT(LoadLe<uint64_t>(pixels.data() + at) != (uint64_t{kCanary} << 32 | kCanary));
  }
}

}  // namespace ward::fuzz
