#include "tests/unit/kmd_vfio_user/scripted_server.h"

#include <fcntl.h>
#include <netinet/in.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <poll.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/un.h>

#include <chrono>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <string>
#include <utility>

namespace ward::kmd {
namespace {

// No test waits this long but one that fails.
constexpr auto kPatience = std::chrono::seconds(10);

void MustHold(bool holds, const char* what) {
  if (holds) return;
  std::perror(what);
  std::abort();
}

}  // namespace

ScriptedServer::ScriptedServer(Hook hook, const Options& options)
    : registers(options.register_bytes),
      hook_(std::move(hook)),
      options_(options),
      stop_(eventfd(0, EFD_CLOEXEC)) {
  std::string name = (std::filesystem::temp_directory_path() / "ward-served-XXXXXX").string();
  MustHold(mkdtemp(name.data()) != nullptr, "mkdtemp");
  folder_ = name;
  vram_file_ = FileDescriptor(memfd_create("vram", MFD_CLOEXEC | MFD_ALLOW_SEALING));
  MustHold(ftruncate(vram_file_.get(), options.vram_file_bytes) == 0, "ftruncate");
  vram_ = static_cast<uint8_t*>(mmap(nullptr, options.vram_file_bytes, PROT_READ | PROT_WRITE,
                                     MAP_SHARED, vram_file_.get(), 0));
  if (options.seals_vram) {
    MustHold(fcntl(vram_file_.get(), F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_GROW) == 0, "seal");
  }
  config[0x10] = 0;     // BAR0: 32 bits
  config[0x18] = 0x0c;  // BAR2: 64 bits, prefetchable
  Listen();
  thread_ = std::thread([this] { Run(); });
}

ScriptedServer::~ScriptedServer() {
  const uint64_t one = 1;
  MustHold(write(stop_.get(), &one, sizeof(one)) == sizeof(one), "stop");
  thread_.join();
  munmap(vram_, options_.vram_file_bytes);
  std::filesystem::remove_all(folder_);
}

void ScriptedServer::Listen() {
  listener_ =
      FileDescriptor(socket(options_.is_tcp ? AF_INET : AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
  if (options_.is_tcp) {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t size = sizeof(address);
    MustHold(bind(listener_.get(), reinterpret_cast<sockaddr*>(&address), size) == 0, "bind");
    getsockname(listener_.get(), reinterpret_cast<sockaddr*>(&address), &size);
    address_ = "tcp:127.0.0.1:" + std::to_string(ntohs(address.sin_port));
  } else {
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    const std::string path = folder_ + "/gpu.sock";
    std::memcpy(address.sun_path, path.data(), path.size());
    MustHold(bind(listener_.get(), reinterpret_cast<sockaddr*>(&address), sizeof(address)) == 0,
             "bind");
    address_ = "vfio-user:" + path;
  }
  MustHold(listen(listener_.get(), 1) == 0, "listen");
}

std::string ScriptedServer::where(const std::string& options) const {
  const bool has_timeout = options.find("timeout=") != std::string::npos;
  return address_ + options + (has_timeout ? "" : ",timeout=10000");
}

void ScriptedServer::Run() {
  if (WaitReadable(listener_.get())) {
    socket_ = FileDescriptor(accept4(listener_.get(), nullptr, nullptr, SOCK_CLOEXEC));
    Received message;
    if (options_.key.empty() || Authenticate()) {
      while (Receive(&message)) {
        if ((message.flags & 0xf) == 1) {
          const std::lock_guard lock(mutex_);
          replies_.push_back(std::move(message));
          changed_.notify_all();
        } else {
          KeepHeard(&message);
          if (!hook_ || !hook_(this, message)) Serve(message);
        }
        message = {};
      }
    }
    Close();
  }
  const std::lock_guard lock(mutex_);
  has_ended_ = true;
  changed_.notify_all();
}

// Before the answer, after which a test may look.
void ScriptedServer::KeepHeard(Received* message) {
  const std::lock_guard lock(mutex_);
  message->descriptor_count = message->descriptors.size();
  heard_.push_back({message->command, message->body, message->descriptor_count});
  if (message->descriptor_count != 0) {
    kept_.emplace_back(message->command, std::move(message->descriptors));
  }
}

bool ScriptedServer::Authenticate() {
  Bytes challenge(32);
  for (size_t i = 0; i < challenge.size(); ++i) challenge[i] = static_cast<uint8_t>(7 * i + 1);
  Send(challenge);
  Bytes answer(32);
  if (!ReceiveBytes(answer.data(), answer.size(), nullptr)) return false;
  Bytes expected(32);
  unsigned size = 0;
  HMAC(EVP_sha256(), options_.key.data(), static_cast<int>(options_.key.size()), challenge.data(),
       challenge.size(), expected.data(), &size);
  return answer == expected;
}

bool ScriptedServer::WaitReadable(int fd) {
  pollfd waited[2] = {{fd, POLLIN, 0}, {stop_.get(), POLLIN, 0}};
  while (poll(waited, 2, -1) < 0) {
  }
  return waited[1].revents == 0;
}

bool ScriptedServer::ReceiveBytes(uint8_t* to, size_t size,
                                  std::vector<FileDescriptor>* descriptors) {
  while (size > 0) {
    if (!WaitReadable(socket_.get())) return false;
    iovec piece{to, size};
    alignas(cmsghdr) uint8_t control[CMSG_SPACE(32 * sizeof(int))];
    msghdr header{};
    header.msg_iov = &piece;
    header.msg_iovlen = 1;
    header.msg_control = control;
    header.msg_controllen = sizeof(control);
    const ssize_t got = recvmsg(socket_.get(), &header, MSG_CMSG_CLOEXEC);
    if (got <= 0) return false;
    cmsghdr* part = CMSG_FIRSTHDR(&header);
    if (part != nullptr && descriptors != nullptr) {
      const size_t count = (part->cmsg_len - CMSG_LEN(0)) / sizeof(int);
      for (size_t i = 0; i < count; ++i) {
        int fd = -1;
        std::memcpy(&fd, CMSG_DATA(part) + i * sizeof(int), sizeof(fd));
        descriptors->emplace_back(fd);
      }
    }
    to += got;
    size -= static_cast<size_t>(got);
  }
  return true;
}

bool ScriptedServer::Receive(Received* message) {
  uint8_t header[16];
  if (!ReceiveBytes(header, sizeof(header), &message->descriptors)) return false;
  message->id = LoadLe<uint16_t>(header);
  message->command = LoadLe<uint16_t>(header + 2);
  message->size = LoadLe<uint32_t>(header + 4);
  message->flags = LoadLe<uint32_t>(header + 8);
  message->error = LoadLe<uint32_t>(header + 12);
  message->body.resize(message->size - sizeof(header));
  return ReceiveBytes(message->body.data(), message->body.size(), nullptr);
}

Bytes ScriptedServer::Header(uint16_t id, uint16_t command, const Bytes& body, uint32_t flags,
                             uint32_t error) {
  return Pack(id, command, static_cast<uint32_t>(16 + body.size()), flags, error) + body;
}

void ScriptedServer::Send(const Bytes& bytes, const std::vector<int>& descriptors) {
  size_t sent = 0;
  while (sent < bytes.size()) {
    iovec piece{const_cast<uint8_t*>(bytes.data()) + sent, bytes.size() - sent};
    alignas(cmsghdr) uint8_t control[CMSG_SPACE(32 * sizeof(int))] = {};
    msghdr header{};
    header.msg_iov = &piece;
    header.msg_iovlen = 1;
    if (sent == 0 && !descriptors.empty()) {
      const size_t size = descriptors.size() * sizeof(int);
      header.msg_control = control;
      header.msg_controllen = CMSG_SPACE(size);
      cmsghdr* part = CMSG_FIRSTHDR(&header);
      part->cmsg_level = SOL_SOCKET;
      part->cmsg_type = SCM_RIGHTS;
      part->cmsg_len = CMSG_LEN(size);
      std::memcpy(CMSG_DATA(part), descriptors.data(), size);
    }
    const ssize_t more = sendmsg(socket_.get(), &header, MSG_NOSIGNAL);
    if (more <= 0) return;  // the client has closed: it says what it thinks of us
    sent += static_cast<size_t>(more);
  }
}

void ScriptedServer::SendSlowly(const Bytes& bytes) {
  for (const uint8_t byte : bytes) Send({byte});
}

void ScriptedServer::Reply(const Received& request, const Bytes& body,
                           const std::vector<int>& descriptors) {
  if ((request.flags & 0x10) != 0) return;  // none is wanted
  Send(Header(request.id, request.command, body, 1), descriptors);
}

void ScriptedServer::ReplyError(const Received& request, uint32_t error) {
  if ((request.flags & 0x10) != 0) return;
  Send(Header(request.id, request.command, {}, 0x21, error));
}

void ScriptedServer::Close() { shutdown(socket_.get(), SHUT_RDWR); }

ScriptedServer::Received ScriptedServer::Ask(uint16_t command, const Bytes& body, uint32_t flags) {
  Send(Header(next_id_++, command, body, flags));
  std::unique_lock lock(mutex_);
  changed_.wait_for(lock, kPatience, [this] { return !replies_.empty() || has_ended_; });
  if (replies_.empty()) return {};
  Received reply = std::move(replies_.front());
  replies_.pop_front();
  return reply;
}

std::vector<ScriptedServer::Heard> ScriptedServer::TakeHeard() {
  const std::lock_guard lock(mutex_);
  return std::exchange(heard_, {});
}

std::vector<FileDescriptor> ScriptedServer::TakeDescriptors(uint16_t command) {
  const std::lock_guard lock(mutex_);
  for (auto kept = kept_.rbegin(); kept != kept_.rend(); ++kept) {
    if (kept->first == command) return std::move(kept->second);
  }
  return {};
}

void ScriptedServer::WaitForEnd() {
  std::unique_lock lock(mutex_);
  changed_.wait_for(lock, kPatience, [this] { return has_ended_; });
}

void ScriptedServer::Serve(const Received& request) {
  switch (request.command) {
    case 1: {
      const std::string empty = "{}";
      const Bytes text =
          options_.capabilities.empty() ? Bytes(empty.begin(), empty.end()) : options_.capabilities;
      return Reply(request, Pack(uint16_t{0}, uint16_t{0}) + text + Bytes{0});
    }
    case 2:
    case 8:
      return Reply(request, {});
    case 3:
      return Reply(request, request.body);
    case 4:
      return Reply(request, Pack(16u, options_.is_resettable ? 3u : 2u, 9u, 5u));
    case 5:
      return ServeRegionInfo(request);
    case 7: {
      const auto index = LoadLe<uint32_t>(request.body.data() + 8);
      return Reply(request, Pack(16u, 9u, index, index == 2 ? options_.vectors : 0u));
    }
    case 9:
    case 10:
      return ServeAccess(request);
    case 13:
      return Reply(request, {});
    default:
      return ReplyError(request, 95);
  }
}

void ScriptedServer::ServeRegionInfo(const Received& request) {
  const auto room = LoadLe<uint32_t>(request.body.data());
  const auto index = LoadLe<uint32_t>(request.body.data() + 8);
  const uint64_t size = index == 0   ? registers.size()
                        : index == 2 ? kVramBytes
                        : index == 7 ? kConfigBytes
                                     : 0;
  uint32_t flags = size == 0 ? 0 : 3;
  if (index != 2 || options_.is_tcp)
    return Reply(request, Pack(32u, flags, index, 0u, size, uint64_t{0}));
  flags |= 4;
  const auto needed = static_cast<uint32_t>(32 + options_.region_capabilities.size());
  const bool has_room = room >= needed && needed > 32;
  Bytes body =
      Pack(needed, has_room ? flags | 8 : flags, index, has_room ? 32u : 0u, size, uint64_t{0});
  if (has_room) body = body + options_.region_capabilities;
  Reply(request, body, {vram_file_.get()});
}

uint8_t* ScriptedServer::Place(uint32_t region, uint64_t offset, uint64_t size) {
  const uint64_t limit = region == 0   ? registers.size()
                         : region == 2 ? kVramBytes
                         : region == 7 ? kConfigBytes
                                       : 0;
  if (!RangeFits(offset, size, limit)) return nullptr;
  return (region == 0 ? registers.data() : region == 2 ? vram_ : config.data()) + offset;
}

void ScriptedServer::ServeAccess(const Received& request) {
  const auto offset = LoadLe<uint64_t>(request.body.data());
  const auto region = LoadLe<uint32_t>(request.body.data() + 8);
  const auto count = LoadLe<uint32_t>(request.body.data() + 12);
  uint8_t* place = Place(region, offset, count);
  if (place == nullptr) return ReplyError(request, 22);
  const Bytes echo(request.body.begin(), request.body.begin() + 16);
  if (request.command == 9) return Reply(request, echo + Bytes(place, place + count));
  std::memcpy(place, request.body.data() + 16, count);
  Reply(request, echo);
}

}  // namespace ward::kmd
