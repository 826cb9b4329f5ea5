#include "emulator/vfio_user/message_stream.h"

#include <fcntl.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <span>
#include <utility>

#include "base/assert.h"

namespace ward::emulator {
namespace {

namespace wire = abi::vfio_user;

// Room for more descriptors than a message may have, so that too many are seen and closed.
constexpr size_t kControlDescriptors = 64;

bool IsForLater(int error) { return error == EAGAIN || error == EWOULDBLOCK; }

// Takes all descriptors out of a received control message. False when the kernel had to drop some.
bool TakeDescriptors(const msghdr& received, std::vector<FileDescriptor>* descriptors) {
  for (cmsghdr* part = CMSG_FIRSTHDR(&received); part != nullptr;
       part = CMSG_NXTHDR(const_cast<msghdr*>(&received), part)) {
    if (part->cmsg_level != SOL_SOCKET || part->cmsg_type != SCM_RIGHTS) continue;
    const size_t count = (part->cmsg_len - CMSG_LEN(0)) / sizeof(int);
    for (size_t i = 0; i < count; ++i) {
      int descriptor = -1;
      std::memcpy(&descriptor, CMSG_DATA(part) + i * sizeof(int), sizeof(int));
      descriptors->emplace_back(descriptor);
    }
  }
  return (received.msg_flags & MSG_CTRUNC) == 0;
}

// What can hold another descriptor open: a socket, with messages in it that nobody has taken, and
// an io_uring. Were it the peer's own end of the connection, we would never hear that he went.
bool HoldsOthers(const FileDescriptor& descriptor) {
  struct stat status{};
  if (fstat(descriptor.get(), &status) != 0 || S_ISSOCK(status.st_mode)) return true;
  if ((status.st_mode & S_IFMT) != 0) return false;
  constexpr char kIoUring[] = "anon_inode:[io_uring]";
  char path[64];
  std::snprintf(path, sizeof(path), "/proc/self/fd/%d", descriptor.get());
  char target[sizeof(kIoUring)] = {};
  const ssize_t length = readlink(path, target, sizeof(target) - 1);
  return length < 0 || std::strcmp(target, kIoUring) == 0;
}

}  // namespace

MessageStream::MessageStream(FileDescriptor socket) : socket_(std::move(socket)) {
  fcntl(socket_.get(), F_SETFL, fcntl(socket_.get(), F_GETFL) | O_NONBLOCK);
}

MessageStream::Input MessageStream::Break(const char* trouble) {
  broken_ = true;
  trouble_ = trouble;
  partial_ = {};
  output_.clear();
  waiting_bytes_ = 0;
  waiting_descriptors_ = 0;
  return Input::kBroken;
}

ssize_t MessageStream::Receive(uint8_t* to, size_t size) {
  iovec part = {to, size};
  alignas(cmsghdr) uint8_t control[CMSG_SPACE(kControlDescriptors * sizeof(int))];
  msghdr request{};
  request.msg_iov = &part;
  request.msg_iovlen = 1;
  request.msg_control = control;
  request.msg_controllen = sizeof(control);
  ssize_t got = 0;
  do {
    got = recvmsg(socket_.get(), &request, MSG_CMSG_CLOEXEC);
  } while (got < 0 && errno == EINTR);
  if (got < 0) {
    if (IsForLater(errno)) return -1;
    Break("the connection was cut");
    return -2;
  }
  const size_t before = partial_.descriptors.size();
  const bool has_all = TakeDescriptors(request, &partial_.descriptors);
  if (!has_all || partial_.descriptors.size() > wire::kMaximumFds) {
    Break("a message came with more descriptors than were agreed on");
    return -2;
  }
  const auto fresh = std::span(partial_.descriptors).subspan(before);
  if (std::ranges::any_of(fresh, HoldsOthers)) {
    Break("a message came with a socket");
    return -2;
  }
  return got;
}

MessageStream::Input MessageStream::Read(Message* message) {
  if (broken_) return Input::kBroken;
  while (header_got_ < header_bytes_.size()) {
    const ssize_t got =
        Receive(header_bytes_.data() + header_got_, header_bytes_.size() - header_got_);
    if (got == -1) return Input::kNothing;
    if (got < 0) return Input::kBroken;
    if (got == 0) return header_got_ == 0 ? Input::kEnd : Break("the peer went amid a message");
    header_got_ += static_cast<size_t>(got);
    if (header_got_ < header_bytes_.size()) continue;
    std::memcpy(&partial_.header, header_bytes_.data(), header_bytes_.size());
    const uint32_t size = partial_.header.size;
    if (size < sizeof(wire::Header)) return Break("a message is smaller than its header");
    if (size > wire::kMaximumMessageBytes) return Break("a message is larger than was agreed on");
    partial_.body.resize(size - sizeof(wire::Header));
  }
  while (body_got_ < partial_.body.size()) {
    const ssize_t got = Receive(partial_.body.data() + body_got_, partial_.body.size() - body_got_);
    if (got == -1) return Input::kNothing;
    if (got < 0) return Input::kBroken;
    if (got == 0) return Break("the peer went amid a message");
    body_got_ += static_cast<size_t>(got);
  }
  *message = std::exchange(partial_, {});
  header_got_ = 0;
  body_got_ = 0;
  return Input::kMessage;
}

void MessageStream::Send(const wire::Header& header, ConstByteSpan body,
                         const std::vector<int>& descriptors) {
  if (broken_) return;
  WARD_ASSERT(header.size == sizeof(header) + body.size());
  WARD_ASSERT(descriptors.size() <= wire::kMaximumFds);
  Output output;
  output.bytes.resize(header.size);
  std::memcpy(output.bytes.data(), &header, sizeof(header));
  if (!body.empty()) std::memcpy(output.bytes.data() + sizeof(header), body.data(), body.size());
  for (const int descriptor : descriptors) {
    output.descriptors.emplace_back(fcntl(descriptor, F_DUPFD_CLOEXEC, 0));
    if (!output.descriptors.back().valid()) {
      Break("there are no descriptors left");
      return;
    }
  }
  waiting_descriptors_ += descriptors.size();
  waiting_bytes_ += output.bytes.size();
  output_.push_back(std::move(output));
  Flush();
}

void MessageStream::Flush() {
  while (!broken_ && !output_.empty()) {
    Output& output = output_.front();
    iovec part = {output.bytes.data() + output.sent, output.bytes.size() - output.sent};
    alignas(cmsghdr) uint8_t control[CMSG_SPACE(wire::kMaximumFds * sizeof(int))] = {};
    msghdr request{};
    request.msg_iov = &part;
    request.msg_iovlen = 1;
    if (!output.descriptors.empty()) {
      request.msg_control = control;
      request.msg_controllen = CMSG_SPACE(output.descriptors.size() * sizeof(int));
      cmsghdr* rights = CMSG_FIRSTHDR(&request);
      rights->cmsg_level = SOL_SOCKET;
      rights->cmsg_type = SCM_RIGHTS;
      rights->cmsg_len = CMSG_LEN(output.descriptors.size() * sizeof(int));
      for (size_t i = 0; i < output.descriptors.size(); ++i) {
        const int descriptor = output.descriptors[i].get();
        std::memcpy(CMSG_DATA(rights) + i * sizeof(int), &descriptor, sizeof(int));
      }
    }
    const ssize_t sent = sendmsg(socket_.get(), &request, MSG_NOSIGNAL);
    if (sent < 0 && errno == EINTR) continue;
    if (sent < 0 && IsForLater(errno)) return;
    if (sent < 0) {
      Break("the connection was cut");
      return;
    }
    waiting_descriptors_ -= output.descriptors.size();
    output.descriptors.clear();
    output.sent += static_cast<size_t>(sent);
    waiting_bytes_ -= static_cast<size_t>(sent);
    if (output.sent == output.bytes.size()) output_.pop_front();
  }
}

bool MessageStream::Wait(bool for_input, int other, int timeout_ms) {
  const auto events =
      static_cast<short>((for_input ? POLLIN : 0) | (waiting_bytes_ > 0 ? POLLOUT : 0));
  pollfd watched[] = {{socket_.get(), events, 0}, {other, POLLIN, 0}};
  poll(watched, other < 0 ? 1 : 2, timeout_ms);
  if ((watched[0].revents & (POLLOUT | POLLHUP | POLLERR)) != 0) Flush();
  return other >= 0 && (watched[1].revents & POLLIN) != 0;
}

}  // namespace ward::emulator
