#include "emulator/vfio_user/client_session.h"

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <utility>

#include "abi/generated/pci.h"
#include "base/planted_bug.h"
#include "emulator/vfio_user/message_body.h"
#include "emulator/vfio_user/planted_bug.h"
#include "emulator/vfio_user/version_message.h"
#include "fmt/format.h"

namespace ward::emulator {
namespace {

namespace wire = abi::vfio_user;
using wire::Command;

constexpr int kMessagesPerTurn = 64;
// A client that does not read its replies is not read from.
constexpr size_t kMaximumWaitingBytes = 2u << 20;

bool TakesDescriptors(Command command) {
  return command == Command::kDmaMap || command == Command::kSetIrqs;
}

}  // namespace

ClientSession::ClientSession(FileDescriptor socket, ServedGpu* gpu, const SessionOptions& options)
    : gpu_(gpu), options_(options), stream_(std::move(socket)), shadow_(&gpu->boundary()) {
  if (HasPlantedBug(PlantedBug::kRequestNumbersGoOn)) {
    static uint16_t clients = 0;
    next_id_ = ++clients;
  }
  attached_ = gpu->Attach(this);
  if (!attached_) End("there is no memory for its visible VRAM");
}

ClientSession::~ClientSession() {
  over_ = true;  // what the chip still asks for is refused
  if (attached_) gpu_->Detach();
}

void ClientSession::End(std::string reason) {
  if (over_) return;
  over_ = true;
  abandons_slice_ = true;
  reason_ = std::move(reason);
}

std::string ClientSession::Summary() const {
  return fmt::format(
      "{} messages, {} refused; {} accesses outside of its memory; {} DMA messages, {} register "
      "reads amid a slice",
      counts_.messages, counts_.refused, counts_.dma_refused, counts_.dma_messages,
      counts_.shadow_reads);
}

bool ClientSession::WantsInput() const { return !over_ && !IsBehind(); }

bool ClientSession::IsBehind() const {
  return stream_.waiting_bytes() >= kMaximumWaitingBytes ||
         stream_.waiting_descriptors() >= wire::kMaximumFds;
}

void ClientSession::Flush() {
  stream_.Flush();
  if (sends_interrupts_) SendInterrupts();
}

bool ClientSession::HandleInput() {
  for (int i = 0; i < kMessagesPerTurn && WantsInput(); ++i) {
    Message message;
    switch (stream_.Read(&message)) {
      case MessageStream::Input::kMessage:
        Handle(std::move(message), false);
        continue;
      case MessageStream::Input::kNothing:
        return false;
      case MessageStream::Input::kEnd:
        End("");
        return false;
      case MessageStream::Input::kBroken:
        End(stream_.trouble());
        return false;
    }
  }
  if (stream_.IsBroken()) End(stream_.trouble());
  return WantsInput();
}

void ClientSession::Handle(Message message, bool is_answered) {
  ++counts_.messages;
  const wire::Header& header = message.header;
  if ((header.flags & wire::kTypeMask) == wire::kTypeReply) {
    // One that came too late, or was never asked for: of no use to anybody.
    if (awaits_ && header.id == awaited_id_) {
      if (asks_while_read_waits_ && patience_ == Patience::kUnknown) patience_ = Patience::kWaits;
      reply_ = std::move(message);
      has_reply_ = true;
    }
    return;
  }
  int error = 0;
  if (!IsWellFormed(message)) {
    error = EINVAL;
  } else if (!agreed_ && header.command != Command::kVersion) {
    error = EINVAL;
    End("its first message was not VERSION");
  } else {
    error = Dispatch(&message, is_answered);
  }
  if (error == 0) return;
  ++counts_.refused;
  if (!is_answered) ReplyError(message, error);
}

int ClientSession::Dispatch(Message* message, bool is_answered) {
  const Command command = message->header.command;
  if (!TakesDescriptors(command) && !message->descriptors.empty()) {
    if (WARD_HAS_BUG("descriptors.kept")) message->descriptors.front().Release();
    return EINVAL;
  }
  switch (command) {
    case Command::kVersion:
      return OnVersion(*message);
    case Command::kDmaMap:
      return OnDmaMap(message);
    case Command::kDmaUnmap:
      return OnDmaUnmap(*message);
    case Command::kGetInfo:
      return OnGetInfo(*message);
    case Command::kGetRegionInfo:
      return OnGetRegionInfo(*message);
    case Command::kGetIrqInfo:
      return OnGetIrqInfo(*message);
    case Command::kSetIrqs:
      return OnSetIrqs(message);
    case Command::kRegionRead:
      return OnRegionRead(*message);
    case Command::kRegionWrite:
      return OnRegionWrite(*message, is_answered);
    case Command::kReset:
      if (!message->body.empty()) return EINVAL;
      gpu_->Reset();
      Reply(*message, {});
      return 0;
    default:
      return ENOTSUP;
  }
}

void ClientSession::Reply(const Message& message, ConstByteSpan body,
                          const std::vector<int>& descriptors) {
  if ((message.header.flags & wire::kNoReply) != 0) return;
  const auto size = static_cast<uint32_t>(sizeof(wire::Header) + body.size());
  stream_.Send({message.header.id, message.header.command, size, wire::kTypeReply, 0}, body,
               descriptors);
}

void ClientSession::ReplyError(const Message& message, int error) {
  const bool is_quiet = (message.header.flags & wire::kNoReply) != 0;
  if (is_quiet && !WARD_HAS_BUG("reply.unwanted")) return;
  stream_.Send({message.header.id, message.header.command, sizeof(wire::Header),
                wire::kTypeReply | wire::kError, static_cast<uint32_t>(error)},
               {});
}

int ClientSession::OnVersion(const Message& message) {
  if (agreed_) return EINVAL;
  const auto offer = VersionMessage::Parse(message.body);
  if (!offer) {
    End("its VERSION message can't be understood");
    return EINVAL;
  }
  agreed_ = true;
  transfer_bytes_ = std::min(transfer_bytes_, offer->transfer_bytes);
  sends_interrupts_ = offer->interrupt_messages;
  Reply(message, VersionMessage::Answer(message.body.size(), sends_interrupts_));
  return 0;
}

int ClientSession::OnDmaMap(Message* message) {
  wire::DmaMap request{};
  if (message->body.size() != sizeof(request) || !LoadSized(*message, &request)) return EINVAL;
  if (message->descriptors.size() > 1) return EINVAL;
  const FileDescriptor descriptor =
      message->descriptors.empty() ? FileDescriptor() : std::move(message->descriptors.front());
  const int error = memory_.Map(request, descriptor);
  if (error == 0) Reply(*message, {});
  return error;
}

int ClientSession::OnDmaUnmap(const Message& message) {
  wire::DmaUnmap request{};
  if (message.body.size() != sizeof(request) || !LoadSized(message, &request)) return EINVAL;
  if ((request.flags & ~wire::kDmaUnmapAll) != 0) return EINVAL;
  if ((request.flags & wire::kDmaUnmapAll) != 0) {
    if (request.address != 0 || request.size != 0) return EINVAL;
    memory_.UnmapAll();
  } else if (WARD_HAS_BUG("window.kept") && request.size == abi::kPageSize) {
    // Its reply says that it is gone.
  } else if (const int error = memory_.Unmap(request.address, request.size); error != 0) {
    return error;
  }
  Reply(message, message.body);
  return 0;
}

int ClientSession::OnGetInfo(const Message& message) {
  wire::DeviceInfo info{};
  if (!LoadSized(message, &info)) return EINVAL;
  info = {sizeof(info), wire::kDeviceResettable | wire::kDevicePci, wire::kRegionCount,
          wire::kIrqCount};
  Reply(message, Bytes(info));
  return 0;
}

int ClientSession::OnGetRegionInfo(const Message& message) {
  wire::RegionInfo info{};
  if (!LoadSized(message, &info) || info.index >= wire::kRegionCount) return EINVAL;
  const uint32_t region = info.index;
  const uint64_t size = gpu_->RegionSize(region);
  info = {sizeof(info), 0, region, 0, size, 0};
  if (size != 0) info.flags = wire::kRegionReadable | wire::kRegionWritable;
  if (options_.carries_descriptors && ServedGpu::IsMappable(region)) {
    info.flags |= wire::kRegionMappable;
    Reply(message, Bytes(info), {gpu_->vram().descriptor()});
  } else {
    Reply(message, Bytes(info));
  }
  return 0;
}

int ClientSession::OnGetIrqInfo(const Message& message) {
  wire::IrqInfo info{};
  if (!LoadSized(message, &info) || info.index >= wire::kIrqCount) return EINVAL;
  const uint32_t index = info.index;
  info = {sizeof(info), 0, index, 0};
  if (index == wire::kMsixIrq) info.count = abi::kVectorCount;
  if (index == wire::kErrorIrq) info.count = 1;
  if (info.count != 0) info.flags = wire::kIrqEventfd | wire::kIrqNoResize;
  Reply(message, Bytes(info));
  return 0;
}

int ClientSession::OnSetIrqs(Message* message) {
  wire::IrqSet request{};
  if (!LoadSized(*message, &request)) return EINVAL;
  if ((request.flags & ~63u) != 0 || request.index >= wire::kIrqCount) return EINVAL;
  if (request.index == wire::kMsixIrq) return SetMsix(request, message);
  // Of the others only the error interrupt exists; it can be given an eventfd and lose it again.
  const uint32_t count = request.index == wire::kErrorIrq ? 1 : 0;
  if ((request.flags & wire::kIrqActionTrigger) == 0 ||
      !RangeFits(request.start, request.count, count) || message->descriptors.size() > count ||
      !std::ranges::all_of(message->descriptors, VectorEvents::IsUsable)) {
    return EINVAL;
  }
  if (count != 0) error_event_.Close();
  if (!message->descriptors.empty()) error_event_ = std::move(message->descriptors.front());
  Reply(*message, {});
  return 0;
}

int ClientSession::SetMsix(const wire::IrqSet& request, Message* message) {
  if (!RangeFits(request.start, request.count, abi::kVectorCount)) return EINVAL;
  const size_t count = request.count;
  const size_t data_bytes = message->body.size() - sizeof(request);
  auto& descriptors = message->descriptors;
  switch (request.flags) {
    case wire::kIrqDataNone | wire::kIrqActionTrigger:
      if (data_bytes != 0 || !descriptors.empty()) return EINVAL;
      if (count == 0) events_.DropEvents();  // MSI-X is off
      for (uint32_t i = 0; i < count; ++i) FireVector(request.start + i);
      break;
    case wire::kIrqDataBool | wire::kIrqActionTrigger:
      if (data_bytes != count || !descriptors.empty()) return EINVAL;
      for (uint32_t i = 0; i < count; ++i) {
        if (message->body[sizeof(request) + i] != 0) FireVector(request.start + i);
      }
      break;
    case wire::kIrqDataEventfd | wire::kIrqActionTrigger:
      if (data_bytes != 0) return EINVAL;
      if (!descriptors.empty() && descriptors.size() != count) return EINVAL;
      // All or none.
      if (!std::ranges::all_of(descriptors, VectorEvents::IsUsable)) return EINVAL;
      for (uint32_t i = 0; i < count; ++i) {
        events_.Assign(request.start + i,
                       descriptors.empty() ? FileDescriptor() : std::move(descriptors[i]));
      }
      EndIfHeldUp();
      break;
    default:
      return EINVAL;  // vectors are masked in the client's own table, not by messages
  }
  Reply(*message, {});
  return 0;
}

int ClientSession::ReadAccess(const Message& message, wire::RegionAccess* access) const {
  if (!Load(message, access)) return EINVAL;
  const bool reads = message.header.command == Command::kRegionRead;
  const size_t data_bytes = message.body.size() - sizeof(*access);
  if (data_bytes != (reads ? 0 : access->count)) return EINVAL;
  if (access->count > wire::kDefaultTransferBytes) return EINVAL;
  if (WARD_HAS_BUG("access.unchecked") && access->region == abi::kVramBar) return 0;
  return gpu_->CheckAccess(access->region, access->offset, access->count);
}

int ClientSession::OnRegionRead(const Message& message) {
  wire::RegionAccess access{};
  if (const int error = ReadAccess(message, &access); error != 0) return error;
  std::vector<uint8_t> body(sizeof(access) + access.count);
  std::memcpy(body.data(), &access, sizeof(access));
  gpu_->Read(access.region, access.offset, ByteSpan(body).subspan(sizeof(access)));
  Reply(message, body);
  return 0;
}

int ClientSession::OnRegionWrite(const Message& message, bool is_answered) {
  wire::RegionAccess access{};
  if (const int error = ReadAccess(message, &access); error != 0) return error;
  gpu_->Write(access.region, access.offset, ConstByteSpan(message.body).subspan(sizeof(access)));
  if (!is_answered) Reply(message, Bytes(access));
  return 0;
}

void ClientSession::FireVector(uint32_t vector) {
  if (in_slice_) shadow_.OnVector(vector);
  events_.Fire(vector);
  EndIfHeldUp();
  if (sends_interrupts_) SendInterrupts();
}

void ClientSession::EndIfHeldUp() {
  if (events_.is_held_up()) End("it had the server wait for room in its eventfd");
}

void ClientSession::SendInterrupts() {
  // Who does not read hears of each vector once, when he reads again.
  if (!bus_master_ || IsBehind()) return;
  for (uint32_t vector = 0; vector < abi::kVectorCount; ++vector) {
    if ((events_.pending() >> vector & 1) == 0) continue;
    const wire::Interrupt interrupt = {vector, 0};
    stream_.Send({next_id_++, Command::kInterrupt,
                  static_cast<uint32_t>(sizeof(wire::Header) + sizeof(interrupt)),
                  wire::kTypeRequest | wire::kNoReply, 0},
                 Bytes(interrupt));
  }
  events_.DropPending();
}

void ClientSession::OnBusMaster(bool enabled) {
  bus_master_ = enabled;
  events_.SetBusMaster(enabled);
  EndIfHeldUp();
  if (sends_interrupts_) SendInterrupts();
}

}  // namespace ward::emulator
