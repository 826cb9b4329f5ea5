#include "tests/fuzz/vfio_user/hostile_peer.h"

#include <sys/socket.h>

#include <cerrno>
#include <cstring>
#include <utility>

#include "tests/fuzz/oracle.h"

namespace ward::fuzz {
namespace {

namespace wire = abi::vfio_user;
using wire::Command;

constexpr size_t kControlDescriptors = 64;
constexpr size_t kMaximumVramFiles = 4;
constexpr size_t kMaximumUnsent = 256;

void TakeDescriptors(msghdr* received, std::vector<FileDescriptor>* descriptors) {
  for (cmsghdr* part = CMSG_FIRSTHDR(received); part != nullptr;
       part = CMSG_NXTHDR(received, part)) {
    const size_t count = (part->cmsg_len - CMSG_LEN(0)) / sizeof(int);
    for (size_t i = 0; i < count; ++i) {
      int descriptor = -1;
      std::memcpy(&descriptor, CMSG_DATA(part) + i * sizeof(int), sizeof(int));
      descriptors->emplace_back(descriptor);
    }
  }
}

}  // namespace

// False when the socket takes no more now.
bool HostilePeer::SendPart(Part* part) {
  while (!part->bytes.empty()) {
    iovec bytes = {part->bytes.data(), part->bytes.size()};
    alignas(cmsghdr) uint8_t control[CMSG_SPACE(kControlDescriptors * sizeof(int))] = {};
    msghdr request{};
    request.msg_iov = &bytes;
    request.msg_iovlen = 1;
    if (!part->descriptors.empty()) {
      request.msg_control = control;
      request.msg_controllen = CMSG_SPACE(part->descriptors.size() * sizeof(int));
      cmsghdr* rights = CMSG_FIRSTHDR(&request);
      rights->cmsg_level = SOL_SOCKET;
      rights->cmsg_type = SCM_RIGHTS;
      rights->cmsg_len = CMSG_LEN(part->descriptors.size() * sizeof(int));
      std::memcpy(CMSG_DATA(rights), part->descriptors.data(),
                  part->descriptors.size() * sizeof(int));
    }
    const ssize_t sent = sendmsg(socket_.get(), &request, MSG_NOSIGNAL | MSG_DONTWAIT);
    if (sent < 0 && errno == EAGAIN) return false;
    if (sent < 0) return true;  // nobody reads it any more
    part->descriptors.clear();
    model_.OnSent(ConstByteSpan(part->bytes).first(static_cast<size_t>(sent)));
    part->bytes.erase(part->bytes.begin(), part->bytes.begin() + sent);
  }
  return true;
}

void HostilePeer::Send(ConstByteSpan bytes, const std::vector<int>& descriptors) {
  if (!IsOpen() || bytes.empty() || unsent_.size() >= kMaximumUnsent) return;
  unsent_.push_back({{bytes.begin(), bytes.end()}, descriptors});
  Flush();
}

void HostilePeer::Flush() {
  while (IsOpen() && !unsent_.empty() && SendPart(&unsent_.front())) unsent_.pop_front();
}

void HostilePeer::Leave(bool only_sending) {
  if (!IsOpen()) return;
  if (only_sending) {
    shutdown(socket_.get(), SHUT_WR);
    return;
  }
  socket_.Close();
  unsent_.clear();
  asked_.clear();
}

void HostilePeer::Receive() {
  if (!IsOpen()) return;
  while (true) {
    uint8_t bytes[4096];
    iovec part = {bytes, sizeof(bytes)};
    alignas(cmsghdr) uint8_t control[CMSG_SPACE(kControlDescriptors * sizeof(int))];
    msghdr request{};
    request.msg_iov = &part;
    request.msg_iovlen = 1;
    request.msg_control = control;
    request.msg_controllen = sizeof(control);
    const ssize_t got = recvmsg(socket_.get(), &request, MSG_CMSG_CLOEXEC | MSG_DONTWAIT);
    if (got == 0 || (got < 0 && errno != EAGAIN)) has_ended_ = true;
    if (got <= 0) return;
    std::vector<FileDescriptor> descriptors;
    TakeDescriptors(&request, &descriptors);
    for (FileDescriptor& descriptor : descriptors) {
      if (vram_files_.size() < kMaximumVramFiles) vram_files_.push_back(std::move(descriptor));
    }
    received_.insert(received_.end(), bytes, bytes + got);
    TakeMessages();
  }
}

void HostilePeer::TakeMessages() {
  size_t at = 0;
  while (received_.size() - at >= sizeof(wire::Header)) {
    wire::Header header{};
    std::memcpy(&header, received_.data() + at, sizeof(header));
    Expect(header.size >= sizeof(header) && header.size <= wire::kMaximumMessageBytes, "replies",
           "a message of the server's has a size that the protocol has");
    if (received_.size() - at < header.size) break;
    const ConstByteSpan message = ConstByteSpan(received_).subspan(at, header.size);
    TakeMessage(header, message.subspan(sizeof(header)));
    at += header.size;
  }
  received_.erase(received_.begin(), received_.begin() + static_cast<ptrdiff_t>(at));
}

void HostilePeer::TakeMessage(const wire::Header& header, ConstByteSpan body) {
  uint8_t bytes[sizeof(header)];
  std::memcpy(bytes, &header, sizeof(header));
  for (const uint8_t byte : bytes) digest_ = (digest_ ^ byte) * 1099511628211u;  // FNV-1a
  model_.OnReceived(header, body);
  if ((header.flags & wire::kTypeMask) == wire::kTypeReply) return;
  if (header.command == Command::kInterrupt) return;
  Asked asked{header, {}, {}};
  std::memcpy(&asked.access, body.data(), sizeof(asked.access));
  const ConstByteSpan data = body.subspan(sizeof(asked.access));
  asked.data.assign(data.begin(), data.end());
  asked_.push_back(std::move(asked));
}

void HostilePeer::Answer(AnswerVariant variant, HostileDescriptors* memory) {
  if (asked_.empty()) return;
  const Asked asked = std::move(asked_.front());
  asked_.pop_front();
  if (variant == AnswerVariant::kForgotten) return;
  const bool reads = asked.header.command == Command::kDmaRead;
  const uint64_t offset = asked.access.address - kMemoryBus;
  wire::Header header = {asked.header.id, asked.header.command, sizeof(header), wire::kTypeReply,
                         0};
  wire::DmaAccess access = asked.access;
  std::vector<uint8_t> data;
  if (reads) data = memory->Read(offset, access.count);
  if (!reads) memory->Write(offset, asked.data);
  if (variant == AnswerVariant::kOtherAddress) access.address += 8;
  if (variant == AnswerVariant::kOtherCount) access.count ^= 1;
  if (variant == AnswerVariant::kOtherCommand) header.command = Command::kGetInfo;
  if (variant == AnswerVariant::kShort && !data.empty()) data.pop_back();
  if (variant == AnswerVariant::kLong) data.push_back(0x77);
  if (variant == AnswerVariant::kOtherId) header.id = static_cast<uint16_t>(header.id + 1);
  if (variant == AnswerVariant::kAsRequest) header.flags = wire::kTypeRequest;
  std::vector<uint8_t> bytes(sizeof(header) + sizeof(access));
  if (variant == AnswerVariant::kError) {
    header.flags |= wire::kError;
    header.error = ENODEV;
    bytes.resize(sizeof(header));
  } else {
    std::memcpy(bytes.data() + sizeof(header), &access, sizeof(access));
    bytes.insert(bytes.end(), data.begin(), data.end());
  }
  header.size = static_cast<uint32_t>(bytes.size());
  std::memcpy(bytes.data(), &header, sizeof(header));
  Send(bytes, {});
  if (variant == AnswerVariant::kTwice) Send(bytes, {});
}

}  // namespace ward::fuzz
