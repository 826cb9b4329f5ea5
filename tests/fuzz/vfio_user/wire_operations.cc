// The operations of the grammar (wire_script.h).
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cstddef>
#include <cstring>
#include <utility>

#include "abi/generated/commands.h"
#include "abi/generated/pci.h"
#include "abi/generated/registers.h"
#include "tests/fuzz/vfio_user/staged_system.h"
#include "tests/fuzz/vfio_user/wire_play.h"
#include "tests/fuzz/vfio_user/wire_player.h"

namespace ward::fuzz {
namespace {

namespace wire = abi::vfio_user;
using wire::Command;

constexpr uint64_t kPage = abi::kPageSize;
constexpr uint32_t kRingBytes = 4096;
// Of a queue, by its number: where fences go, behind the rings.
constexpr uint64_t kFences = kMemoryBus + 0x10000;
constexpr uint64_t kNanosecondsPerMicrosecond = 1000;

template <typename T>
std::vector<uint8_t> BytesOf(const T& value) {
  const auto* bytes = reinterpret_cast<const uint8_t*>(&value);
  return {bytes, bytes + sizeof(value)};
}

// Pages of the bus from the memory's beginning on; the last ones are where addresses end.
uint64_t BusAddress(uint16_t page) {
  constexpr uint16_t kTop = 0xff00;
  return page < kTop ? kMemoryBus + page * kPage : 0 - uint64_t{0x10000u - page} * kPage;
}

}  // namespace

void WirePlayer::Do(Operation operation, InputReader* input) {
  switch (operation) {
    case Operation::kMessage:
      return SendMessage(input);
    case Operation::kHeader:
      return SendHeader(input);
    case Operation::kBytes: {
      const std::vector<int> descriptors = Descriptors(input->Take<uint8_t>());
      return SendBytes(Rest(input), descriptors);
    }
    case Operation::kRegister:
      return SendRegister(input);
    case Operation::kAccess:
      return SendAccess(input);
    case Operation::kConfig:
      return SendConfig(input);
    case Operation::kMap:
      return SendMap(input);
    case Operation::kUnmap:
      return SendUnmap(input);
    case Operation::kIrqs:
      return SendIrqs(input);
    case Operation::kQueue:
      return StartQueue(input);
    case Operation::kCommand:
      return PushCommand(input);
    case Operation::kDoorbell:
      return RingDoorbell(input);
    case Operation::kStore: {
      const uint64_t offset = input->Take<uint16_t>() * kPage + input->Take<uint16_t>();
      return play_->descriptors.Write(offset, Rest(input));
    }
    case Operation::kVram:
      return StoreVram(input);
    case Operation::kAnswer: {
      constexpr uint8_t kVariants = static_cast<uint8_t>(AnswerVariant::kLast) + 1;
      play_->next_answer = static_cast<AnswerVariant>(input->Take<uint8_t>() % kVariants);
      if (!peer().IsAsked()) return;
      return peer().Answer(std::exchange(play_->next_answer, AnswerVariant::kRight),
                           &play_->descriptors);
    }
    case Operation::kPolicy:
      return SetPolicy(input);
    case Operation::kSplit:
      play_->split_at = input->Take<uint16_t>();
      return;
    case Operation::kTime:
      StagedSystem::Get().now_ns += input->Take<uint32_t>() * kNanosecondsPerMicrosecond;
      return;
    case Operation::kCut:
      return play_->descriptors.Cut(input->Take<uint16_t>() * kPage);
    case Operation::kPeer:
      return ChoosePeer(input);
    case Operation::kLeave:
      return peer().Leave((input->Take<uint8_t>() & 1) != 0);
    case Operation::kProbe:
      return Probe(input->Take<uint8_t>());
    case Operation::kHold:
      play_->held_operations = input->Take<uint8_t>();
      return;
  }
}

HostilePeer& WirePlayer::peer() {
  auto& peer = play_->peers[play_->current];
  if (peer == nullptr) peer = std::make_unique<HostilePeer>(device_.Connect());
  return *peer;
}

std::vector<uint8_t> WirePlayer::Rest(InputReader* input) {
  std::vector<uint8_t> bytes;
  while (!input->empty()) bytes.push_back(input->Take<uint8_t>());
  return bytes;
}

// Up to 16 of the upper bits; 17 and more, which are too many, with the kind kHuge and above.
std::vector<int> WirePlayer::Descriptors(uint8_t choice) {
  constexpr uint8_t kKinds = static_cast<uint8_t>(DescriptorKind::kLast) + 1;
  const auto kind = static_cast<DescriptorKind>((choice & 15) % kKinds);
  if (kind == DescriptorKind::kNone) return {};
  size_t count = 1u + (choice >> 4);
  if (kind == DescriptorKind::kEmpty && count > 14) count += 20;
  std::vector<int> descriptors;
  for (size_t i = 0; i < count; ++i) {
    int descriptor = play_->descriptors.Get(kind);
    auto& vram = peer().vram_files();
    if (kind == DescriptorKind::kVram && !vram.empty()) descriptor = vram.front().get();
    if (kind == DescriptorKind::kSocket) {
      descriptor = peer().socket();
      play_->sent_own_socket = true;
    }
    if (descriptor >= 0) descriptors.push_back(descriptor);
  }
  return descriptors;
}

void WirePlayer::SendBytes(ConstByteSpan bytes, const std::vector<int>& descriptors) {
  const uint32_t split_at = std::exchange(play_->split_at, 0);
  if (split_at == 0 || split_at >= bytes.size()) return peer().Send(bytes, descriptors);
  peer().Send(bytes.first(split_at), descriptors);
  if (!is_fuzzed_running_) RunWhileAtWork();
  peer().Send(bytes.subspan(split_at), {});
}

void WirePlayer::Send(Command command, ConstByteSpan body, const std::vector<int>& descriptors,
                      uint32_t flags) {
  const auto size = static_cast<uint32_t>(sizeof(wire::Header) + body.size());
  std::vector<uint8_t> bytes = BytesOf(wire::Header{peer().NextId(), command, size, flags, 0});
  bytes.insert(bytes.end(), body.begin(), body.end());
  SendBytes(bytes, descriptors);
}

void WirePlayer::SendMessage(InputReader* input) {
  const Command command = CommandOf(input->Take<uint8_t>());
  const uint32_t flags = input->Take<uint8_t>();
  const std::vector<int> descriptors = Descriptors(input->Take<uint8_t>());
  Send(command, Rest(input), descriptors, flags);
}

void WirePlayer::SendHeader(InputReader* input) {
  const uint8_t mask = input->Take<uint8_t>();
  wire::Header given{};
  uint8_t bytes[sizeof(given)];
  input->TakeBytes(bytes);
  std::memcpy(&given, bytes, sizeof(given));
  const std::vector<int> descriptors = Descriptors(input->Take<uint8_t>());
  const std::vector<uint8_t> body = Rest(input);
  const auto size = static_cast<uint32_t>(sizeof(given) + body.size());
  wire::Header header = {peer().NextId(), given.command, size, 0, 0};
  if ((mask & 1) != 0) header.id = given.id;
  if ((mask & 2) != 0) header.size = given.size;
  if ((mask & 4) != 0) header.flags = given.flags;
  if ((mask & 8) != 0) header.error = given.error;
  std::vector<uint8_t> message = BytesOf(header);
  message.insert(message.end(), body.begin(), body.end());
  SendBytes(message, descriptors);
}

void WirePlayer::WriteRegister(uint64_t offset, uint32_t value) {
  std::vector<uint8_t> body = BytesOf(wire::RegionAccess{offset, abi::kRegisterBar, 4});
  const std::vector<uint8_t> data = BytesOf(value);
  body.insert(body.end(), data.begin(), data.end());
  Send(Command::kRegionWrite, body, {});
}

void WirePlayer::SendRegister(InputReader* input) {
  const abi::RegisterInfo& info =
      abi::kRegisters[input->Take<uint8_t>() % std::size(abi::kRegisters)];
  const uint32_t which = input->Take<uint8_t>();
  const uint64_t offset = uint64_t{info.offset} + which % info.block_count * info.block_stride +
                          which % info.element_count * 4;
  if ((input->Take<uint8_t>() & 1) != 0) return WriteRegister(offset, input->Take<uint32_t>());
  Send(Command::kRegionRead, BytesOf(wire::RegionAccess{offset, abi::kRegisterBar, 4}), {});
}

void WirePlayer::SendAccess(InputReader* input) {
  const uint32_t region = input->Take<uint8_t>();
  const bool writes = (input->Take<uint8_t>() & 1) != 0;
  const uint64_t offset = input->Take<uint32_t>();
  // Most are small: large ones take their time.
  const uint32_t chosen = input->Take<uint32_t>();
  const uint32_t count = chosen % 8 == 7 ? chosen : chosen & 0xfff;
  std::vector<uint8_t> body = BytesOf(wire::RegionAccess{offset, region, count});
  if (writes) body.resize(body.size() + std::min<uint32_t>(count, 0x2000), 0xa5);
  Send(writes ? Command::kRegionWrite : Command::kRegionRead, body, {});
}

void WirePlayer::SendConfig(InputReader* input) {
  // Command, BARs, the heads of the capabilities and what may be written of them.
  constexpr uint16_t kPlaces[] = {0x04, 0x06, 0x10, 0x18, 0x30, 0x3c, 0x40, 0x44, 0x48,  0x4c, 0x50,
                                  0x54, 0x58, 0x5c, 0x60, 0x64, 0x68, 0x70, 0x80, 0x100, 0xffc};
  const uint16_t place = kPlaces[input->Take<uint8_t>() % std::size(kPlaces)];
  const uint32_t size = 1u + input->Take<uint8_t>() % 8;
  const std::vector<uint8_t> value = BytesOf(uint64_t{input->Take<uint32_t>()} * 0x100000001);
  std::vector<uint8_t> body = BytesOf(wire::RegionAccess{place, wire::kConfigRegion, size});
  body.insert(body.end(), value.begin(), value.begin() + size);
  Send(Command::kRegionWrite, body, {});
}

void WirePlayer::SendMap(InputReader* input) {
  const uint64_t address = BusAddress(input->Take<uint16_t>());
  const uint64_t pages = input->Take<uint16_t>();
  const uint32_t rights = input->Take<uint8_t>();
  const std::vector<int> descriptors = Descriptors(input->Take<uint8_t>());
  const uint64_t offset = input->Take<uint16_t>() * kPage;
  Send(Command::kDmaMap,
       BytesOf(wire::DmaMap{sizeof(wire::DmaMap), rights, offset, address, pages * kPage}),
       descriptors);
}

void WirePlayer::SendUnmap(InputReader* input) {
  const uint64_t address = BusAddress(input->Take<uint16_t>());
  const uint64_t pages = input->Take<uint16_t>();
  const uint32_t flags = input->Take<uint8_t>();
  const bool all = flags == wire::kDmaUnmapAll;
  Send(Command::kDmaUnmap,
       BytesOf(wire::DmaUnmap{sizeof(wire::DmaUnmap), flags, all ? 0 : address,
                              all ? 0 : pages * kPage}),
       {});
}

void WirePlayer::SendIrqs(InputReader* input) {
  wire::IrqSet request = {sizeof(request), 0, 0, 0, 0};
  request.flags = input->Take<uint8_t>();
  request.index = input->Take<uint8_t>();
  request.start = input->Take<uint8_t>();
  request.count = input->Take<uint8_t>();
  const std::vector<int> descriptors = Descriptors(input->Take<uint8_t>());
  std::vector<uint8_t> body = BytesOf(request);
  const std::vector<uint8_t> data = Rest(input);
  body.insert(body.end(), data.begin(), data.end());
  Send(Command::kSetIrqs, body, descriptors);
}

void WirePlayer::StartQueue(InputReader* input) {
  const uint32_t queue = input->Take<uint8_t>() % kQueues;
  const uint32_t page = input->Take<uint16_t>() % 16;
  const uint32_t base = queue * abi::kQueueBlockStride;
  play_->ring_pages[queue] = page;
  play_->tails[queue] = 0;
  WriteRegister(abi::kRegQueueControl + base, abi::kQueueControlResetMask);
  WriteRegister(abi::kRegRingBaseLo + base, static_cast<uint32_t>(kMemoryBus + page * kPage));
  WriteRegister(abi::kRegFenceAddressLo + base, static_cast<uint32_t>(kFences + queue * 8));
  WriteRegister(abi::kRegRingSizeLog2 + base, 12);
  WriteRegister(abi::kRegQueueControl + base, abi::kQueueControlEnableMask);
}

// In the memory, in visible VRAM, or where nothing is; shifted a little.
uint64_t WirePlayer::PickAddress(InputReader* input) {
  const uint8_t choice = input->Take<uint8_t>();
  const uint64_t page = input->Take<uint8_t>();
  const uint64_t offset = (choice & 0x80) != 0 ? input->Take<uint16_t>() : 0;
  switch (choice & 3) {
    case 0:
    case 1:
      return kMemoryBus + page * kPage + offset;
    case 2:
      return (abi::kPhysicalLocal | page * kPage) + offset;
    default:
      return (abi::kPhysicalLocal | abi::kProtectedVramLocalBase | page * kPage) + offset;
  }
}

void WirePlayer::PushCommand(InputReader* input) {
  const abi::CommandInfo& info = abi::kCommands[input->Take<uint8_t>() % std::size(abi::kCommands)];
  const uint8_t choice = input->Take<uint8_t>();
  const uint32_t queue = choice >> 6;
  std::vector<uint8_t> bytes(info.size_bytes);
  StoreLe<uint16_t>(bytes.data(), info.opcode);
  StoreLe<uint16_t>(bytes.data() + 2, static_cast<uint16_t>(choice & 63 & info.flags));
  StoreLe<uint32_t>(bytes.data() + 4, info.size_bytes);
  for (uint32_t i = 3; i < info.field_count; ++i) {
    const abi::FieldInfo& field = info.fields[i];
    uint8_t* at = bytes.data() + field.offset;
    if (field.kind == abi::FieldKind::kAddress) {
      StoreLe<uint64_t>(at, PickAddress(input));
    } else if (field.kind == abi::FieldKind::kBytes) {
      input->TakeBytes(ByteSpan(at, field.size_bytes));
    } else if (field.kind == abi::FieldKind::kNumber) {
      StoreLe<uint16_t>(at, input->Take<uint16_t>());
    }
  }
  uint32_t& tail = play_->tails[queue];
  const uint64_t ring = play_->ring_pages[queue] * kPage;
  if (tail + bytes.size() > kRingBytes) tail = 0;
  play_->descriptors.Write(ring + tail, bytes);
  tail = (tail + info.size_bytes) % kRingBytes;
}

void WirePlayer::RingDoorbell(InputReader* input) {
  const uint32_t queue = input->Take<uint8_t>() % kQueues;
  const uint32_t beside = input->Take<uint8_t>();
  WriteRegister(abi::kRegDoorbell + queue * abi::kDoorbellBlockStride,
                play_->tails[queue] + beside);
}

void WirePlayer::StoreVram(InputReader* input) {
  const uint64_t offset = input->Take<uint32_t>() % OneThreadDevice::kVramBytes;
  const std::vector<uint8_t> bytes = Rest(input);
  auto& files = peer().vram_files();
  if (files.empty() || !play_->reads) return;
  peer().Receive();
  if (peer().HasEnded() || !peer().IsOpen()) play_->wrote_late = true;
  const ssize_t written =
      pwrite(files.front().get(), bytes.data(), bytes.size(), static_cast<off_t>(offset));
  static_cast<void>(written);
}

void WirePlayer::SetPolicy(InputReader* input) {
  constexpr uint8_t kPolicies = static_cast<uint8_t>(AtWait::kLast) + 1;
  play_->at_wait = static_cast<AtWait>(input->Take<uint8_t>() % kPolicies);
  play_->reads = (input->Take<uint8_t>() & 1) == 0;
}

// One that has left is followed by another.
void WirePlayer::ChoosePeer(InputReader* input) {
  play_->current = input->Take<uint8_t>() % Play::kPeers;
  auto& chosen = play_->peers[play_->current];
  if (chosen != nullptr && !chosen->IsOpen()) {
    play_->left_messages += chosen->model().sent_messages();
    for (FileDescriptor& file : chosen->vram_files()) play_->left_files.push_back(std::move(file));
    chosen.reset();
  }
  peer();
}

void WirePlayer::Probe(uint8_t which) {
  // Not within another one, whose server runs and waits for its client.
  if (play_->probes_left == 0 || play_->is_probing) return;
  --play_->probes_left;
  play_->is_probing = true;
  // They are other processes: what the device's server does meanwhile is no matter of theirs.
  const bool was_in_server = std::exchange(StagedSystem::Get().is_in_server, false);
  if (which % 2 == 0) {
    bystander_->Check();
  } else if (!is_fuzzed_running_ && IsTaken()) {
    CheckNewcomer(device_);
  }
  StagedSystem::Get().is_in_server = was_in_server;
  play_->is_probing = false;
}

// Whether it is sure that the first one who came has the device: he is there, alone, and all that
// he sent was read.
bool WirePlayer::IsTaken() {
  const auto& first = play_->peers.front();
  const auto others = std::count(play_->peers.begin(), play_->peers.end(), nullptr);
  if (first == nullptr || !first->IsOpen() || others != std::ssize(play_->peers) - 1) return false;
  if (!play_->reads || play_->left_messages != 0) return false;
  RunWhileAtWork();
  if (RunServers(1) != 0) return false;
  first->Receive();
  return !first->HasEnded() && !first->HasUnsent();
}

}  // namespace ward::fuzz
