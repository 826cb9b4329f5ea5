#include "emulator/vfio_user/client_session.h"

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <cstring>
#include <utility>

#include "abi/generated/pci.h"
#include "abi/generated/registers.h"
#include "base/assert.h"
#include "emulator/vfio_user/mapped_file.h"
#include "emulator/vfio_user/version_message.h"
#include "fmt/format.h"

namespace ward::emulator {
namespace {

namespace wire = abi::vfio_user;
using wire::Command;

constexpr int kMessagesPerTurn = 64;
// A client that does not read its replies is not read from.
constexpr size_t kMaximumWaitingBytes = 2u << 20;
constexpr size_t kMaximumDeferred = 4096;
constexpr uint64_t kNanosecondsPerMillisecond = 1000000;

// Every body begins with a structure that has to be whole.
template <typename T>
bool Load(const Message& message, T* value) {
  if (message.body.size() < sizeof(T)) return false;
  std::memcpy(value, message.body.data(), sizeof(T));
  return true;
}

template <typename T>
ConstByteSpan Bytes(const T& value) {
  return {reinterpret_cast<const uint8_t*>(&value), sizeof(T)};
}

// A structure of the client's that says its own size.
template <typename T>
bool LoadSized(const Message& message, T* value) {
  return Load(message, value) && value->argsz >= sizeof(T);
}

bool IsRequest(const Message& message) {
  return (message.header.flags & wire::kTypeMask) == wire::kTypeRequest;
}

// The header of a request that can be done; its body is another matter.
bool IsWellFormed(const Message& message) {
  const wire::Header& header = message.header;
  return IsRequest(message) && (header.flags & ~wire::kFlagsMask) == 0 &&
         (header.flags & wire::kError) == 0 && header.error == 0;
}

bool TakesDescriptors(Command command) {
  return command == Command::kDmaMap || command == Command::kSetIrqs;
}

}  // namespace

ClientSession::ClientSession(FileDescriptor socket, ServedGpu* gpu, const SessionOptions& options)
    : gpu_(gpu), options_(options), stream_(std::move(socket)) {
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
      "reads from before a slice",
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
  if (!TakesDescriptors(command) && !message->descriptors.empty()) return EINVAL;
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
  if ((message.header.flags & wire::kNoReply) != 0) return;
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
      !RangeFits(request.start, request.count, count) || message->descriptors.size() > count) {
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

device::ProcessResult ClientSession::Work() {
  if (over_) return {};
  WARD_ASSERT(!in_slice_);
  in_slice_ = true;
  if (uses_messages_) shadow_.Take(&gpu_->boundary().gpu());
  device::ProcessResult result = gpu_->Process();
  in_slice_ = false;
  shadow_.Drop();
  abandons_slice_ = over_;
  if (!deferred_.empty()) result.more = true;  // what they begin
  DoDeferred();
  if (stream_.IsBroken()) End(stream_.trouble());
  return result;
}

void ClientSession::DoDeferred() {
  held_read_since_ns_ = 0;
  while (!deferred_.empty() && !over_) {
    Deferred next = std::move(deferred_.front());
    deferred_.pop_front();
    Handle(std::move(next.message), next.is_answered);
  }
}

void ClientSession::HandleAmidSlice(Message message) {
  // What will be refused is refused at once: neither its effect nor its descriptors wait.
  if (!IsWellFormed(message) || !message.descriptors.empty()) {
    return Handle(std::move(message), false);
  }
  const Command command = message.header.command;
  if (command == Command::kReset) {
    if (!message.body.empty()) return Handle(std::move(message), false);
    abandons_slice_ = true;
    deferred_.push_back({std::move(message), false});
    return;
  }
  wire::RegionAccess access{};
  const bool is_access = command == Command::kRegionRead || command == Command::kRegionWrite;
  if (!is_access || ReadAccess(message, &access) != 0) {
    return Handle(std::move(message), false);
  }
  if (access.region == abi::kVramBar) return Handle(std::move(message), false);
  if (access.region == wire::kConfigRegion && command == Command::kRegionWrite) {
    const ConstByteSpan data = ConstByteSpan(message.body).subspan(sizeof(access));
    // It resets the function or takes bus mastering away.
    if (gpu_->EndsSlice(access.offset, data)) {
      abandons_slice_ = true;
      deferred_.push_back({std::move(message), false});
      return;
    }
  }
  if (command == Command::kRegionWrite) return DeferWrite(std::move(message), access);
  // Config space and BAR4 can be read at any time, but not before what was written to them.
  if (access.region != abi::kRegisterBar && deferred_.empty()) {
    return Handle(std::move(message), false);
  }
  if (!shadow_.IsTaken()) shadow_.Take(&gpu_->boundary().gpu());  // the first message of all
  if (held_read_since_ns_ == 0) held_read_since_ns_ = gpu_->NowNs();
  deferred_.push_back({std::move(message), false});
}

void ClientSession::DeferWrite(Message message, const wire::RegionAccess& access) {
  if (access.region == abi::kRegisterBar && access.count == 4) {
    const uint32_t value = LoadLe<uint32_t>(message.body.data() + sizeof(access));
    shadow_.Write(access.offset, value);
    // A reset of the function or its engines: what they wanted from memory is of no use.
    if (access.offset == abi::kRegDeviceControl && value != 0) abandons_slice_ = true;
  }
  Reply(message, Bytes(access));
  deferred_.push_back({std::move(message), true});
}

void ClientSession::AnswerHeldReads() {
  if (held_read_since_ns_ == 0) return;
  const uint64_t waited = gpu_->NowNs() - held_read_since_ns_;
  const int patience_ms = patience_ == Patience::kUnknown ? kReadPatienceMs
                          : patience_ == Patience::kWaits ? kReadTrustMs
                                                          : 0;
  if (waited < static_cast<uint64_t>(patience_ms) * kNanosecondsPerMillisecond) return;
  patience_ = Patience::kCannotWait;
  held_read_since_ns_ = 0;
  std::erase_if(deferred_, [this](const Deferred& next) { return AnswerFromShadow(next.message); });
}

bool ClientSession::AnswerFromShadow(const Message& message) {
  wire::RegionAccess access{};
  if (message.header.command != Command::kRegionRead || !Load(message, &access)) return false;
  ++counts_.messages;
  ++counts_.shadow_reads;
  std::vector<uint8_t> body(sizeof(access) + access.count);
  std::memcpy(body.data(), &access, sizeof(access));
  const ByteSpan data = ByteSpan(body).subspan(sizeof(access));
  if (access.region != abi::kRegisterBar) {
    gpu_->Read(access.region, access.offset, data);
  } else if (uint32_t value = 0; access.count == sizeof(value) && access.offset % 4 == 0) {
    // Unknown to the shadow is what changes by being read: the time.
    if (!shadow_.Read(access.offset, &value)) {
      value = gpu_->boundary().gpu().PeekRegister(access.offset);
    }
    StoreLe(data.data(), value);
  }
  Reply(message, body);
  return true;
}

bool ClientSession::ReachMemory(uint64_t address, uint64_t size, uint32_t right) {
  if (!abandons_slice_ && !over_ && memory_.Allows(address, size, right)) return true;
  ++counts_.dma_refused;
  return false;
}

bool ClientSession::ReadDma(uint64_t bus_address, ByteSpan destination) {
  if (!ReachMemory(bus_address, destination.size(), wire::kDmaReadable)) return false;
  while (!destination.empty()) {
    // Asked anew for each piece: a message may have taken a window away.
    const ClientMemory::Piece piece = memory_.Find(bus_address, destination.size());
    if (piece.size == 0) return false;
    uint64_t size = piece.size;
    if (piece.memory != nullptr) {
      std::memcpy(destination.data(), piece.memory, size);
      if (piece.file->IsCut()) return false;
    } else {
      size = std::min(size, transfer_bytes_);
      if (!TransferByMessage(Command::kDmaRead, bus_address, destination.first(size), {})) {
        return false;
      }
    }
    destination = destination.subspan(size);
    bus_address += size;
  }
  return true;
}

bool ClientSession::WriteDma(uint64_t bus_address, ConstByteSpan source) {
  if (!ReachMemory(bus_address, source.size(), wire::kDmaWritable)) return false;
  while (!source.empty()) {
    const ClientMemory::Piece piece = memory_.Find(bus_address, source.size());
    if (piece.size == 0) return false;
    uint64_t size = piece.size;
    if (piece.memory != nullptr) {
      std::memcpy(piece.memory, source.data(), size);
      if (piece.file->IsCut()) return false;
    } else {
      size = std::min(size, transfer_bytes_);
      if (!TransferByMessage(Command::kDmaWrite, bus_address, {}, source.first(size))) return false;
    }
    source = source.subspan(size);
    bus_address += size;
  }
  return true;
}

bool ClientSession::WriteDmaAtomic64(uint64_t bus_address, uint64_t value) {
  uint8_t bytes[sizeof(value)];
  StoreLe(bytes, value);
  if (!ReachMemory(bus_address, sizeof(value), wire::kDmaWritable)) return false;
  const ClientMemory::Piece piece = memory_.Find(bus_address, sizeof(value));
  // A window may begin anywhere in its file; only an aligned place can be stored to at once.
  const bool is_aligned = reinterpret_cast<uintptr_t>(piece.memory) % sizeof(value) == 0;
  if (piece.memory == nullptr || piece.size != sizeof(value) || !is_aligned) {
    return WriteDma(bus_address, bytes);
  }
  std::memcpy(&value, bytes, sizeof(value));
  std::atomic_ref<uint64_t>(*reinterpret_cast<uint64_t*>(piece.memory))
      .store(value, std::memory_order_release);
  return !piece.file->IsCut();
}

bool ClientSession::TransferByMessage(Command command, uint64_t address, ByteSpan read,
                                      ConstByteSpan written) {
  const wire::DmaAccess access = {address, read.size() + written.size()};
  std::vector<uint8_t> body(sizeof(access) + written.size());
  std::memcpy(body.data(), &access, sizeof(access));
  if (!written.empty()) std::memcpy(body.data() + sizeof(access), written.data(), written.size());
  const uint16_t id = next_id_++;
  ++counts_.dma_messages;
  uses_messages_ = true;
  asks_while_read_waits_ = held_read_since_ns_ != 0;
  const auto size = static_cast<uint32_t>(sizeof(wire::Header) + body.size());
  stream_.Send({id, command, size, wire::kTypeRequest, 0}, body);
  Message reply;
  if (!AwaitReply(id, &reply)) return false;
  if ((reply.header.flags & wire::kError) != 0) return false;
  wire::DmaAccess answered{};
  const bool fits = reply.header.command == command &&
                    reply.body.size() == sizeof(answered) + read.size() && Load(reply, &answered) &&
                    answered.address == access.address && answered.count == access.count;
  if (!fits) {
    End("it answered a DMA request with something else");
    return false;
  }
  if (!read.empty()) std::memcpy(read.data(), reply.body.data() + sizeof(answered), read.size());
  return true;
}

bool ClientSession::ReadAmidSlice() {
  if (!WantsInput()) return false;
  Message message;
  switch (stream_.Read(&message)) {
    case MessageStream::Input::kMessage:
      HandleAmidSlice(std::move(message));
      if (deferred_.size() > kMaximumDeferred) End("it sends more than it can have done");
      return true;
    case MessageStream::Input::kNothing:
      break;
    case MessageStream::Input::kEnd:
      End("");
      break;
    case MessageStream::Input::kBroken:
      End(stream_.trouble());
      break;
  }
  if (stream_.IsBroken()) End(stream_.trouble());
  return false;
}

bool ClientSession::AwaitReply(uint16_t id, Message* reply) {
  WARD_ASSERT(!awaits_);
  awaits_ = true;
  awaited_id_ = id;
  has_reply_ = false;
  const uint64_t deadline =
      gpu_->NowNs() + static_cast<uint64_t>(options_.dma_timeout_ms) * kNanosecondsPerMillisecond;
  int wait_ms = 0;
  while (!has_reply_ && !abandons_slice_) {
    // Asked at each turn: a client that sends on and on must not keep us from the end.
    if (stream_.Wait(WantsInput(), options_.stop_descriptor, wait_ms)) End("the server ends");
    const bool got_message = ReadAmidSlice();
    if (has_reply_) break;
    AnswerHeldReads();
    if (gpu_->NowNs() >= deadline) {
      End(fmt::format("it left a DMA request unanswered for {} ms", options_.dma_timeout_ms));
    }
    wait_ms = got_message ? 0 : held_read_since_ns_ != 0 ? 1 : 50;
  }
  awaits_ = false;
  if (!has_reply_) return false;
  *reply = std::exchange(reply_, {});
  has_reply_ = false;
  return true;
}

void ClientSession::FireVector(uint32_t vector) {
  events_.Fire(vector);
  if (sends_interrupts_) SendInterrupts();
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
  if (sends_interrupts_) SendInterrupts();
}

}  // namespace ward::emulator
