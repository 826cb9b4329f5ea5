#include "kmd/ports/vfio_user/message_stream.h"

#include <sys/socket.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <utility>

namespace ward::kmd {
namespace {

namespace wire = abi::vfio_user;

constexpr size_t kControlBytes = CMSG_SPACE(wire::kMaximumFds * sizeof(int));

bool WouldBlock(int reason) { return reason == EAGAIN || reason == EWOULDBLOCK; }

// Whatever came is ours to close, expected or not.
void TakeDescriptors(msghdr* header, std::vector<FileDescriptor>* descriptors) {
  for (cmsghdr* part = CMSG_FIRSTHDR(header); part != nullptr; part = CMSG_NXTHDR(header, part)) {
    if (part->cmsg_level != SOL_SOCKET || part->cmsg_type != SCM_RIGHTS) continue;
    const size_t count = (part->cmsg_len - CMSG_LEN(0)) / sizeof(int);
    for (size_t i = 0; i < count; ++i) {
      int fd = -1;
      std::memcpy(&fd, CMSG_DATA(part) + i * sizeof(int), sizeof(fd));
      descriptors->emplace_back(fd);
    }
  }
}

}  // namespace

StreamState MessageReader::Read(int socket, Message* message, std::string* reason) {
  constexpr size_t kHeaderBytes = sizeof(wire::Header);
  while (true) {
    size_t wanted = kHeaderBytes - std::min(have_, kHeaderBytes);
    uint8_t* target = reinterpret_cast<uint8_t*>(&message_.header) + have_;
    if (wanted == 0) {
      const size_t of_body = have_ - kHeaderBytes;
      wanted = message_.body.size() - of_body;
      target = message_.body.data() + of_body;
    }
    if (wanted == 0) {
      *message = std::exchange(message_, {});
      have_ = 0;
      return StreamState::kDone;
    }
    const StreamState state = Receive(socket, target, wanted, reason);
    if (state != StreamState::kDone) return state;
    if (have_ == kHeaderBytes && message_.body.empty()) {
      if (!CheckHeader(reason)) return StreamState::kBroken;
      message_.body.resize(message_.header.size - kHeaderBytes);
    }
  }
}

StreamState MessageReader::Receive(int socket, uint8_t* target, size_t wanted,
                                   std::string* reason) {
  iovec piece{target, wanted};
  alignas(cmsghdr) uint8_t control[kControlBytes];
  msghdr header{};
  header.msg_iov = &piece;
  header.msg_iovlen = 1;
  header.msg_control = control;
  header.msg_controllen = sizeof(control);
  ssize_t got = 0;
  do {
    got = recvmsg(socket, &header, MSG_DONTWAIT | MSG_CMSG_CLOEXEC);
  } while (got < 0 && errno == EINTR);
  if (got < 0 && WouldBlock(errno)) return StreamState::kPending;
  if (got < 0) {
    *reason = std::string("the connection broke: ") + std::strerror(errno);
    return StreamState::kBroken;
  }
  TakeDescriptors(&header, &message_.descriptors);
  if (got == 0) {
    *reason = have_ == 0 ? "the server closed the connection"
                         : "the server closed the connection in the middle of a message";
    return StreamState::kBroken;
  }
  if ((header.msg_flags & MSG_CTRUNC) != 0 || message_.descriptors.size() > wire::kMaximumFds) {
    *reason = "the server sent more descriptors than a message may carry";
    return StreamState::kBroken;
  }
  have_ += static_cast<size_t>(got);
  return StreamState::kDone;
}

bool MessageReader::CheckHeader(std::string* reason) {
  const wire::Header& header = message_.header;
  const uint32_t type = header.flags & wire::kTypeMask;
  if (header.size < sizeof(header) || header.size > wire::kMaximumMessageBytes) {
    *reason = "the server sent a message of " + std::to_string(header.size) + " bytes";
  } else if ((type != wire::kTypeRequest && type != wire::kTypeReply) ||
             (header.flags & ~wire::kFlagsMask) != 0) {
    *reason = "the server sent a message that is neither request nor reply";
  } else {
    return true;
  }
  *reason += "; is that a server of this protocol, and does it want a key (key=FILE)?";
  return false;
}

StreamState MessageSender::Send(int socket, std::vector<uint8_t> bytes,
                                std::vector<int> descriptors) {
  const std::lock_guard lock(mutex_);
  if (is_closed_) return StreamState::kBroken;
  if (waiting_bytes_ + bytes.size() > kMaximumWaitingBytes) return StreamState::kBroken;
  waiting_bytes_ += bytes.size();
  waiting_.push_back({std::move(bytes), std::move(descriptors), 0});
  return FlushLocked(socket);
}

StreamState MessageSender::Flush(int socket) {
  const std::lock_guard lock(mutex_);
  return is_closed_ ? StreamState::kBroken : FlushLocked(socket);
}

bool MessageSender::IsWaiting() const {
  const std::lock_guard lock(mutex_);
  return !waiting_.empty();
}

void MessageSender::Close() {
  const std::lock_guard lock(mutex_);
  is_closed_ = true;
  waiting_.clear();
  waiting_bytes_ = 0;
}

StreamState MessageSender::FlushLocked(int socket) {
  while (!waiting_.empty()) {
    Outgoing& first = waiting_.front();
    iovec piece{first.bytes.data() + first.sent, first.bytes.size() - first.sent};
    alignas(cmsghdr) uint8_t control[kControlBytes] = {};
    msghdr header{};
    header.msg_iov = &piece;
    header.msg_iovlen = 1;
    if (first.sent == 0 && !first.descriptors.empty()) {
      const size_t size = first.descriptors.size() * sizeof(int);
      header.msg_control = control;
      header.msg_controllen = CMSG_SPACE(size);
      cmsghdr* part = CMSG_FIRSTHDR(&header);
      part->cmsg_level = SOL_SOCKET;
      part->cmsg_type = SCM_RIGHTS;
      part->cmsg_len = CMSG_LEN(size);
      std::memcpy(CMSG_DATA(part), first.descriptors.data(), size);
    }
    const ssize_t sent = sendmsg(socket, &header, MSG_DONTWAIT | MSG_NOSIGNAL);
    if (sent < 0 && errno == EINTR) continue;
    if (sent < 0) return WouldBlock(errno) ? StreamState::kPending : StreamState::kBroken;
    first.sent += static_cast<size_t>(sent);
    waiting_bytes_ -= static_cast<size_t>(sent);
    if (first.sent == first.bytes.size()) waiting_.pop_front();
  }
  return StreamState::kDone;
}

}  // namespace ward::kmd
