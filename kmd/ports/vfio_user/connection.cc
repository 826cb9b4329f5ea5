#include "kmd/ports/vfio_user/connection.h"

#include <poll.h>
#include <signal.h>
#include <sys/eventfd.h>
#include <sys/socket.h>

#include <cerrno>
#include <cstring>
#include <utility>

#include "kmd/ports/vfio_user/deadline.h"

namespace ward::kmd {
namespace {

namespace wire = abi::vfio_user;

using abi::PciError;

// So that a server that never pauses does not keep the thread from seeing that it has to stop.
constexpr int kMessagesAtOnce = 64;

FileDescriptor MakeEvent() { return FileDescriptor(eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)); }

// A full counter is a set event too, so a write that fails changes nothing.
void Set(const FileDescriptor& event) {
  const uint64_t one = 1;
  [[maybe_unused]] const ssize_t written = write(event.get(), &one, sizeof(one));
}

void Clear(const FileDescriptor& event) {
  uint64_t count = 0;
  [[maybe_unused]] const ssize_t got = read(event.get(), &count, sizeof(count));
}

PciError ErrorOfErrno(uint32_t reason) {
  switch (reason) {
    case ENOTSUP:
    case ENOTTY:
    case ENOSYS:
      return PciError::kUnsupported;
    case ENOMEM:
    case ENOSPC:
    case EMFILE:
    case ENFILE:
      return PciError::kNoMemory;
    default:
      return PciError::kBadArgument;
  }
}

}  // namespace

const char* NameOf(wire::Command command) {
  switch (command) {
    case wire::Command::kVersion:
      return "VERSION";
    case wire::Command::kDmaMap:
      return "DMA_MAP";
    case wire::Command::kDmaUnmap:
      return "DMA_UNMAP";
    case wire::Command::kGetInfo:
      return "DEVICE_GET_INFO";
    case wire::Command::kGetRegionInfo:
      return "DEVICE_GET_REGION_INFO";
    case wire::Command::kGetIrqInfo:
      return "DEVICE_GET_IRQ_INFO";
    case wire::Command::kSetIrqs:
      return "DEVICE_SET_IRQS";
    case wire::Command::kRegionRead:
      return "REGION_READ";
    case wire::Command::kRegionWrite:
      return "REGION_WRITE";
    case wire::Command::kReset:
      return "DEVICE_RESET";
    default:
      return "a request";  // none of those that this end sends
  }
}

Connection::Connection(FileDescriptor socket, uint32_t timeout_ms, RequestHandler* handler)
    : socket_(std::move(socket)),
      wake_event_(MakeEvent()),
      gone_event_(MakeEvent()),
      timeout_ms_(timeout_ms),
      handler_(handler) {}

Connection::~Connection() {
  Break("the connection was closed");
  if (!has_thread_) return;
  is_stopping_ = true;
  Wake();
  pthread_join(thread_, nullptr);
}

PciError Connection::Start(std::string* error) {
  // Signals are for the program's own threads.
  sigset_t all;
  sigset_t before;
  sigfillset(&all);
  pthread_sigmask(SIG_SETMASK, &all, &before);
  const bool has_events = wake_event_.valid() && gone_event_.valid();
  has_thread_ = has_events && pthread_create(&thread_, nullptr, &RunThread, this) == 0;
  pthread_sigmask(SIG_SETMASK, &before, nullptr);
  if (has_thread_) return PciError::kNone;
  *error = "no thread and events for the connection; raise the limits of threads and open files";
  return PciError::kNoMemory;
}

void* Connection::RunThread(void* connection) {
  static_cast<Connection*>(connection)->Receive();
  return nullptr;
}

PciError Connection::Ask(const Request& request, Message* reply, std::string* error) {
  wire::Header header{};
  header.id = next_id_++;
  header.command = request.command;
  header.size = static_cast<uint32_t>(sizeof(header) + request.body.size());
  const Deadline deadline(timeout_ms_);
  {
    const std::lock_guard lock(mutex_);
    waited_ = Waited{header.id, header.command, request.maximum_reply_descriptors, std::nullopt};
  }
  const bool is_sent = !is_gone_ && Send(header, request.body, request.descriptors);
  std::unique_lock lock(mutex_);
  const auto has_end = [this] { return waited_->reply.has_value() || is_gone_; };
  const bool ended = !is_sent || replied_.wait_until(lock, deadline.end(), has_end);
  std::optional<Message> got = std::move(waited_->reply);
  waited_.reset();
  if (!ended) {
    lock.unlock();
    *error = std::string("the server did not answer ") + NameOf(request.command) + " within " +
             std::to_string(timeout_ms_) +
             " ms; the connection is closed. If it is only slow, raise timeout=";
    Break(*error);
    return PciError::kTimeout;
  }
  if (!got.has_value()) {
    *error = gone_reason_;
    return PciError::kGone;
  }
  if ((got->header.flags & wire::kError) != 0) {
    *error = std::string("the server refuses ") + NameOf(request.command) + ": " +
             std::strerror(static_cast<int>(got->header.error));
    return ErrorOfErrno(got->header.error);
  }
  *reply = std::move(*got);
  return PciError::kNone;
}

PciError Connection::Post(const Request& request, std::string* error) {
  wire::Header header{};
  header.id = next_id_++;
  header.command = request.command;
  header.size = static_cast<uint32_t>(sizeof(header) + request.body.size());
  header.flags = wire::kNoReply;
  if (!is_gone_ && Send(header, request.body, {})) return PciError::kNone;
  *error = GoneReason();
  return PciError::kGone;
}

PciError Connection::Reject(const std::string& reason) {
  Break(reason);
  return PciError::kGone;
}

std::string Connection::GoneReason() const {
  const std::lock_guard lock(mutex_);
  return gone_reason_;
}

void Connection::Receive() {
  while (!is_stopping_) {
    const short events = static_cast<short>(sender_.IsWaiting() ? POLLIN | POLLOUT : POLLIN);
    pollfd waited[2] = {{socket_.get(), events, 0}, {wake_event_.get(), POLLIN, 0}};
    if (poll(waited, 2, -1) < 0) {
      if (errno == EINTR) continue;
      return Break(std::string("waiting for the server: ") + std::strerror(errno));
    }
    if (waited[1].revents != 0) Clear(wake_event_);
    if ((waited[0].revents & POLLOUT) != 0 &&
        sender_.Flush(socket_.get()) == StreamState::kBroken) {
      return Break("the server closed the connection");
    }
    if ((waited[0].revents & ~POLLOUT) != 0 && !TakeMessages()) return;
  }
}

// False when the connection is gone.
bool Connection::TakeMessages() {
  for (int count = 0; count < kMessagesAtOnce; ++count) {
    Message message;
    std::string reason;
    const StreamState state = reader_.Read(socket_.get(), &message, &reason);
    if (state == StreamState::kPending) return true;
    if (state == StreamState::kBroken) {
      Break(reason);
      return false;
    }
    if (!Take(std::move(message))) return false;
  }
  return true;
}

bool Connection::Take(Message message) {
  if ((message.header.flags & wire::kTypeMask) == wire::kTypeReply) {
    return TakeReply(std::move(message));
  }
  return TakeRequest(message);
}

bool Connection::TakeReply(Message message) {
  std::string reason;
  {
    const std::lock_guard lock(mutex_);
    if (!waited_ || waited_->reply || message.header.id != waited_->id ||
        message.header.command != waited_->command) {
      reason = "the server sent a reply that nobody waits for";
    } else if (message.descriptors.size() > waited_->maximum_descriptors) {
      reason = std::string("the server's reply to ") + NameOf(waited_->command) +
               " came with descriptors that it must not carry";
    } else if ((message.header.flags & wire::kError) != 0 &&
               (message.header.error == 0 || !message.body.empty())) {
      reason = "the server sent an error reply without an error, or with a body";
    } else {
      waited_->reply = std::move(message);
    }
  }
  if (!reason.empty()) {
    Break(reason);
    return false;
  }
  replied_.notify_one();
  return true;
}

bool Connection::TakeRequest(const Message& request) {
  if (!request.descriptors.empty()) {
    Break("the server sent descriptors that nobody asked for");
    return false;
  }
  std::vector<uint8_t> body;
  wire::Header reply{};
  reply.error = handler_->Serve(request, &body);
  if ((request.header.flags & wire::kNoReply) != 0) return true;
  if (reply.error != 0) body.clear();
  reply.id = request.header.id;
  reply.command = request.header.command;
  reply.size = static_cast<uint32_t>(sizeof(reply) + body.size());
  reply.flags = wire::kTypeReply | (reply.error != 0 ? wire::kError : 0);
  return Send(reply, body, {});
}

// False when the connection is gone.
bool Connection::Send(const wire::Header& header, const std::vector<uint8_t>& body,
                      const std::vector<int>& descriptors) {
  std::vector<uint8_t> bytes(sizeof(header) + body.size());
  std::memcpy(bytes.data(), &header, sizeof(header));
  if (!body.empty()) std::memcpy(bytes.data() + sizeof(header), body.data(), body.size());
  switch (sender_.Send(socket_.get(), std::move(bytes), descriptors)) {
    case StreamState::kDone:
      return true;
    case StreamState::kPending:
      Wake();
      return true;
    case StreamState::kBroken:
      break;
  }
  // What the server said before it went is nearer to the cause.
  Break("the server closed the connection, or reads nothing any more");
  return false;
}

// The first reason stays. The descriptor itself is closed with the object: another thread may be
// using it.
void Connection::Break(const std::string& reason) {
  {
    const std::lock_guard lock(mutex_);
    if (is_gone_) return;
    gone_reason_ = reason;
    is_gone_ = true;
  }
  // After the reason: the receiving thread takes the shutdown for the server's doing.
  sender_.Close();
  shutdown(socket_.get(), SHUT_RDWR);
  replied_.notify_all();
  Set(gone_event_);
}

void Connection::Wake() { Set(wake_event_); }

}  // namespace ward::kmd
