#include "tests/unit/vfio_user/wire_client.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/un.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <stdexcept>
#include <utility>

namespace ward::test {

namespace wire = abi::vfio_user;
using wire::Command;

const char WireClient::kJson[] =
    R"({"capabilities":{"max_msg_fds":16,"max_data_xfer_size":1048576,"pgsizes":4096,)"
    R"("max_dma_maps":65535,"migration":{"pgsize":4096,"max_bitmap_size":268435456},)"
    R"("write_multiple":true}})";

WireClient::WireClient(FileDescriptor socket) : socket_(std::move(socket)) {}

WireClient WireClient::ConnectUnix(const std::string& path) {
  FileDescriptor socket(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  std::memcpy(address.sun_path, path.c_str(), path.size() + 1);
  if (connect(socket.get(), reinterpret_cast<const sockaddr*>(&address), sizeof(address)) != 0) {
    throw std::runtime_error("nobody listens at " + path);
  }
  return WireClient(std::move(socket));
}

WireClient WireClient::ConnectTcp(uint16_t port) {
  FileDescriptor socket(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(port);
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  if (connect(socket.get(), reinterpret_cast<const sockaddr*>(&address), sizeof(address)) != 0) {
    throw std::runtime_error("nobody listens at the port");
  }
  return WireClient(std::move(socket));
}

void WireClient::CloseSending() { shutdown(socket_.get(), SHUT_WR); }

bool WireClient::SendBytes(ConstByteSpan bytes, const std::vector<int>& descriptors) {
  bool with_descriptors = !descriptors.empty();
  while (!bytes.empty()) {
    iovec part = {const_cast<uint8_t*>(bytes.data()), bytes.size()};
    alignas(cmsghdr) uint8_t control[CMSG_SPACE(64 * sizeof(int))] = {};
    msghdr request{};
    request.msg_iov = &part;
    request.msg_iovlen = 1;
    if (std::exchange(with_descriptors, false)) {
      request.msg_control = control;
      request.msg_controllen = CMSG_SPACE(descriptors.size() * sizeof(int));
      cmsghdr* rights = CMSG_FIRSTHDR(&request);
      rights->cmsg_level = SOL_SOCKET;
      rights->cmsg_type = SCM_RIGHTS;
      rights->cmsg_len = CMSG_LEN(descriptors.size() * sizeof(int));
      std::memcpy(CMSG_DATA(rights), descriptors.data(), descriptors.size() * sizeof(int));
    }
    pollfd watched = {socket_.get(), POLLOUT, 0};
    if (poll(&watched, 1, kLimitMs) == 0) throw std::runtime_error("the server does not read");
    const ssize_t sent = sendmsg(socket_.get(), &request, MSG_NOSIGNAL | MSG_DONTWAIT);
    if (sent < 0 && (errno == EAGAIN || errno == EINTR)) {
      with_descriptors = request.msg_control != nullptr;
      continue;
    }
    if (sent < 0) return false;
    bytes = bytes.subspan(static_cast<size_t>(sent));
  }
  return true;
}

WireBytes WireClient::Encode(const wire::Header& header, ConstByteSpan body) {
  WireBytes bytes = BytesOf(header);
  bytes.insert(bytes.end(), body.begin(), body.end());
  return bytes;
}

uint16_t WireClient::Send(Command command, ConstByteSpan body, const std::vector<int>& descriptors,
                          uint32_t flags) {
  const uint16_t id = next_id_++;
  const auto size = static_cast<uint32_t>(sizeof(wire::Header) + body.size());
  SendBytes(Encode({id, command, size, flags, 0}, body), descriptors);
  return id;
}

bool WireClient::HasInput(int limit_ms) const {
  using std::chrono::steady_clock;
  const auto limit = steady_clock::now() + std::chrono::milliseconds(limit_ms);
  pollfd watched = {socket_.get(), POLLIN, 0};
  int left_ms = limit_ms;
  while (true) {
    const int ready = poll(&watched, 1, left_ms);
    if (ready >= 0 || errno != EINTR) return ready > 0;
    // A signal came, which says nothing of the server.
    const auto left = std::chrono::ceil<std::chrono::milliseconds>(limit - steady_clock::now());
    left_ms = std::max(0, static_cast<int>(left.count()));
  }
}

bool WireClient::Fill(uint8_t* to, size_t size, std::vector<FileDescriptor>* descriptors,
                      int limit_ms) {
  for (size_t got = 0; got < size;) {
    if (!HasInput(limit_ms)) throw std::runtime_error("the server says nothing");
    iovec part = {to + got, size - got};
    alignas(cmsghdr) uint8_t control[CMSG_SPACE(64 * sizeof(int))];
    msghdr request{};
    request.msg_iov = &part;
    request.msg_iovlen = 1;
    request.msg_control = control;
    request.msg_controllen = sizeof(control);
    const ssize_t received = recvmsg(socket_.get(), &request, MSG_CMSG_CLOEXEC);
    if (received < 0 && errno == EINTR) continue;
    if (received <= 0) return false;
    for (cmsghdr* rights = CMSG_FIRSTHDR(&request); rights != nullptr;
         rights = CMSG_NXTHDR(&request, rights)) {
      for (size_t i = 0; i < (rights->cmsg_len - CMSG_LEN(0)) / sizeof(int); ++i) {
        int descriptor = -1;
        std::memcpy(&descriptor, CMSG_DATA(rights) + i * sizeof(int), sizeof(int));
        descriptors->emplace_back(descriptor);
      }
    }
    got += static_cast<size_t>(received);
  }
  return true;
}

std::optional<WireMessage> WireClient::Receive(int limit_ms) {
  WireMessage message;
  uint8_t header[sizeof(wire::Header)];
  if (!Fill(header, sizeof(header), &message.descriptors, limit_ms)) return std::nullopt;
  std::memcpy(&message.header, header, sizeof(header));
  if (message.header.size < sizeof(header) || message.header.size > wire::kMaximumMessageBytes) {
    throw std::runtime_error("the server sends an impossible size");
  }
  message.body.resize(message.header.size - sizeof(header));
  if (!Fill(message.body.data(), message.body.size(), &message.descriptors, limit_ms)) {
    return std::nullopt;
  }
  return message;
}

bool WireClient::IsClosed() {
  uint8_t bytes[4096];
  while (HasInput(kLimitMs)) {
    const ssize_t got = recv(socket_.get(), bytes, sizeof(bytes), 0);
    if (got == 0 || (got < 0 && errno == ECONNRESET)) return true;
  }
  return false;
}

WireMessage WireClient::Call(Command command, ConstByteSpan body,
                             const std::vector<int>& descriptors) {
  return AwaitReply(Send(command, body, descriptors));
}

WireMessage WireClient::AwaitReply(uint16_t id) {
  while (true) {
    std::optional<WireMessage> message = Receive();
    if (!message) throw std::runtime_error("the server has closed");
    if (message->IsReply()) {
      if (message->header.id != id) throw std::runtime_error("a reply to something else");
      if (policy == DmaPolicy::kAfterReply) {
        for (const WireMessage& request : std::exchange(kept, {})) Answer(request);
      }
      return std::move(*message);
    }
    TakeRequest(std::move(*message), policy == DmaPolicy::kAtOnce);
  }
}

void WireClient::TakeRequest(WireMessage request, bool may_answer) {
  if (request.header.command == Command::kInterrupt) {
    interrupts.push_back(request.As<wire::Interrupt>().vector);
  } else if (may_answer) {
    Answer(request);
  } else {
    kept.push_back(std::move(request));
  }
}

void WireClient::Answer(const WireMessage& request) {
  const auto access = request.As<wire::DmaAccess>();
  const bool reads = request.header.command == Command::kDmaRead;
  if (!reads && request.header.command != Command::kDmaWrite) {
    throw std::runtime_error("the server asks for something unknown");
  }
  ++(reads ? dma_reads : dma_writes);
  uint8_t* bytes = memory ? memory(access.address, access.count) : nullptr;
  wire::Header header = {request.header.id, request.header.command, sizeof(header),
                         wire::kTypeReply, 0};
  if (bytes == nullptr) {
    header.flags |= wire::kError;
    header.error = ENODEV;
    SendBytes(BytesOf(header));
    return;
  }
  WireBytes body = BytesOf(access);
  if (reads) {
    body.insert(body.end(), bytes, bytes + access.count);
  } else {
    if (request.body.size() != sizeof(access) + access.count) {
      throw std::runtime_error("the server's DMA_WRITE has another size than it says");
    }
    std::memcpy(bytes, request.body.data() + sizeof(access), access.count);
  }
  header.size += static_cast<uint32_t>(body.size());
  SendBytes(Encode(header, body));
}

WireBytes WireClient::VersionBody(const std::string& json, uint16_t major, bool with_end) {
  WireBytes body = BytesOf(wire::Version{major, 0});
  body.insert(body.end(), json.begin(), json.end());
  if (with_end) body.push_back(0);
  return body;
}

WireMessage WireClient::Agree(const std::string& json) {
  return Call(Command::kVersion, VersionBody(json));
}

WireBytes WireClient::ReadBody(uint32_t region, uint64_t offset, uint32_t count) {
  return BytesOf(wire::RegionAccess{offset, region, count});
}

WireBytes WireClient::WriteBody(uint32_t region, uint64_t offset, ConstByteSpan data) {
  WireBytes body = ReadBody(region, offset, static_cast<uint32_t>(data.size()));
  body.insert(body.end(), data.begin(), data.end());
  return body;
}

WireMessage WireClient::ReadRegion(uint32_t region, uint64_t offset, uint32_t count) {
  return Call(Command::kRegionRead, ReadBody(region, offset, count));
}

WireMessage WireClient::WriteRegion(uint32_t region, uint64_t offset, ConstByteSpan data) {
  return Call(Command::kRegionWrite, WriteBody(region, offset, data));
}

uint32_t WireClient::Register(uint64_t offset) {
  const WireMessage reply = ReadRegion(0, offset, 4);
  if (reply.body.size() != 20) throw std::runtime_error("a register was not read");
  return LoadLe<uint32_t>(reply.body.data() + 16);
}

void WireClient::SetRegister(uint64_t offset, uint32_t value) {
  if (WriteRegion(0, offset, BytesOf(value)).error() != 0) {
    throw std::runtime_error("a register was not written");
  }
}

uint32_t WireClient::Config(uint32_t offset, uint32_t size) {
  const WireMessage reply = ReadRegion(wire::kConfigRegion, offset, size);
  if (reply.body.size() != 16 + size) throw std::runtime_error("config space was not read");
  uint32_t value = 0;
  std::memcpy(&value, reply.body.data() + 16, size);
  return value;
}

void WireClient::SetConfig(uint32_t offset, uint32_t size, uint32_t value) {
  const WireBytes bytes = BytesOf(value);
  if (WriteRegion(wire::kConfigRegion, offset, ConstByteSpan(bytes).first(size)).error() != 0) {
    throw std::runtime_error("config space was not written");
  }
}

uint32_t WireClient::Map(uint64_t address, uint64_t size, int descriptor, uint64_t offset,
                         uint32_t rights) {
  const wire::DmaMap request = {sizeof(request), rights, offset, address, size};
  const std::vector<int> descriptors =
      descriptor < 0 ? std::vector<int>{} : std::vector<int>{descriptor};
  return CallError(Command::kDmaMap, BytesOf(request), descriptors);
}

uint32_t WireClient::Unmap(uint64_t address, uint64_t size, uint32_t flags) {
  return CallError(Command::kDmaUnmap,
                   BytesOf(wire::DmaUnmap{sizeof(wire::DmaUnmap), flags, address, size}));
}

}  // namespace ward::test
