// Stands between a client and a served device, passes on all that they say, and writes what the
// client said as an input of vfio_user_fuzz. A client whose memory goes by messages (an address
// with ",messages") leaves that in it too.
// usage: vfio_user_record LISTEN-PATH SERVER-PATH FILE [MAXIMUM-BYTES]
#include <fcntl.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <string>
#include <vector>

#include "abi/generated/pci.h"
#include "base/file_descriptor.h"
#include "tests/fuzz/vfio_user/wire_script.h"

namespace ward::fuzz {
namespace {

namespace wire = abi::vfio_user;
using wire::Command;

constexpr size_t kDefaultMaximumBytes = 16 << 10;
constexpr size_t kMostOfTransfer = 4096;

DescriptorKind KindOf(int descriptor) {
  struct stat status{};
  if (fstat(descriptor, &status) == 0 && S_ISREG(status.st_mode)) return DescriptorKind::kMemory;
  char path[64];
  char target[64] = {};
  std::snprintf(path, sizeof(path), "/proc/self/fd/%d", descriptor);
  const ssize_t length = readlink(path, target, sizeof(target) - 1);
  return length > 0 && std::strstr(target, "eventfd") != nullptr ? DescriptorKind::kEvent
                                                                 : DescriptorKind::kNull;
}

// What the client says, as records.
class Recorder {
 public:
  void Take(ConstByteSpan bytes, const std::vector<FileDescriptor>& descriptors) {
    partial_.insert(partial_.end(), bytes.begin(), bytes.end());
    if (!descriptors.empty()) {
      const size_t most = std::min<size_t>(descriptors.size(), 16);
      brought_ = static_cast<uint8_t>(static_cast<uint8_t>(KindOf(descriptors.front().get())) |
                                      (most - 1) << 4);
    }
    wire::Header header{};
    while (partial_.size() >= sizeof(header)) {
      std::memcpy(&header, partial_.data(), sizeof(header));
      if (header.size < sizeof(header) || partial_.size() < header.size) return;
      TakeMessage(header,
                  ConstByteSpan(partial_).subspan(sizeof(header), header.size - sizeof(header)));
      partial_.erase(partial_.begin(), partial_.begin() + header.size);
    }
  }
  std::vector<uint8_t> Input(size_t maximum_bytes) const {
    std::vector<uint8_t> input;
    for (const Record& record : records_) {
      if (input.size() + record.arguments.size() + 4 > maximum_bytes) break;
      AppendRecord(record, &input);
    }
    return input;
  }

 private:
  void TakeMessage(const wire::Header& header, ConstByteSpan body) {
    if ((header.flags & wire::kTypeMask) == wire::kTypeReply) return TakeReply(header, body);
    const auto number = header.command == Command::kInterrupt
                            ? uint8_t{0x80}
                            : static_cast<uint8_t>(header.command);
    Record record = {static_cast<uint8_t>(Operation::kMessage),
                     {number, static_cast<uint8_t>(header.flags), brought_}};
    brought_ = 0;
    record.arguments.insert(record.arguments.end(), body.begin(), body.end());
    last_message_ = records_.size();
    records_.push_back(std::move(record));
  }
  // Memory that the server has read: it was there before the message that made it ask.
  void TakeReply(const wire::Header& header, ConstByteSpan body) {
    wire::DmaAccess access{};
    if (header.command != Command::kDmaRead || body.size() <= sizeof(access)) return;
    std::memcpy(&access, body.data(), sizeof(access));
    const uint64_t offset = access.address - kMemoryBus;
    const ConstByteSpan data = body.subspan(sizeof(access));
    if (access.address < kMemoryBus || offset >= kMemoryBytes) return;
    Record record = {static_cast<uint8_t>(Operation::kStore), std::vector<uint8_t>(4)};
    StoreLe<uint16_t>(record.arguments.data(), static_cast<uint16_t>(offset / abi::kPageSize));
    StoreLe<uint16_t>(record.arguments.data() + 2, static_cast<uint16_t>(offset % abi::kPageSize));
    const size_t size = std::min(data.size(), kMostOfTransfer);
    record.arguments.insert(record.arguments.end(), data.begin(),
                            data.begin() + static_cast<ptrdiff_t>(size));
    records_.insert(records_.begin() + static_cast<ptrdiff_t>(last_message_), std::move(record));
    ++last_message_;
  }

  std::vector<uint8_t> partial_;
  std::vector<Record> records_;
  size_t last_message_ = 0;
  uint8_t brought_ = 0;
};

sockaddr_un Address(const char* path) {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  std::snprintf(address.sun_path, sizeof(address.sun_path), "%s", path);
  return address;
}

// What has come at `from` goes to `to`. False at the end of either.
bool Pass(int from, int to, Recorder* recorder) {
  uint8_t bytes[65536];
  iovec part = {bytes, sizeof(bytes)};
  alignas(cmsghdr) uint8_t control[CMSG_SPACE(64 * sizeof(int))];
  msghdr message{};
  message.msg_iov = &part;
  message.msg_iovlen = 1;
  message.msg_control = control;
  message.msg_controllen = sizeof(control);
  const ssize_t got = recvmsg(from, &message, MSG_CMSG_CLOEXEC);
  if (got <= 0) return false;
  std::vector<FileDescriptor> descriptors;
  for (cmsghdr* rights = CMSG_FIRSTHDR(&message); rights != nullptr;
       rights = CMSG_NXTHDR(&message, rights)) {
    for (size_t i = 0; i < (rights->cmsg_len - CMSG_LEN(0)) / sizeof(int); ++i) {
      int descriptor = -1;
      std::memcpy(&descriptor, CMSG_DATA(rights) + i * sizeof(int), sizeof(int));
      descriptors.emplace_back(descriptor);
    }
  }
  if (recorder != nullptr) recorder->Take({bytes, static_cast<size_t>(got)}, descriptors);
  if (message.msg_controllen == 0) message.msg_control = nullptr;
  part.iov_len = static_cast<size_t>(got);
  while (part.iov_len != 0) {
    const ssize_t sent = sendmsg(to, &message, MSG_NOSIGNAL);
    if (sent <= 0) return false;
    part.iov_base = static_cast<uint8_t*>(part.iov_base) + sent;
    part.iov_len -= static_cast<size_t>(sent);
    message.msg_control = nullptr;
    message.msg_controllen = 0;
  }
  return true;
}

int Fail(const char* what) {
  std::perror(what);
  return 1;
}

int RecordClient(const char* listen_path, const char* server_path, const char* file, size_t most) {
  const sockaddr_un here = Address(listen_path), there = Address(server_path);
  const FileDescriptor listener(socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
  unlink(listen_path);
  if (bind(listener.get(), reinterpret_cast<const sockaddr*>(&here), sizeof(here)) != 0 ||
      listen(listener.get(), 1) != 0) {
    return Fail(listen_path);
  }
  const FileDescriptor client(accept4(listener.get(), nullptr, nullptr, SOCK_CLOEXEC));
  unlink(listen_path);
  const FileDescriptor server(socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
  if (connect(server.get(), reinterpret_cast<const sockaddr*>(&there), sizeof(there)) != 0) {
    return Fail(server_path);
  }
  Recorder recorder;
  while (true) {
    pollfd watched[] = {{client.get(), POLLIN, 0}, {server.get(), POLLIN, 0}};
    if (poll(watched, 2, -1) < 0) break;
    if (watched[0].revents != 0 && !Pass(client.get(), server.get(), &recorder)) break;
    if (watched[1].revents != 0 && !Pass(server.get(), client.get(), nullptr)) break;
  }
  const std::vector<uint8_t> input = recorder.Input(most);
  std::ofstream out(file, std::ios::binary);
  out.write(reinterpret_cast<const char*>(input.data()),
            static_cast<std::streamsize>(input.size()));
  std::printf("%zu bytes\n", input.size());
  return out.good() ? 0 : 1;
}

}  // namespace
}  // namespace ward::fuzz

int main(int argc, char** argv) {
  if (argc < 4 || argc > 5) {
    std::fprintf(stderr, "usage: %s LISTEN-PATH SERVER-PATH FILE [MAXIMUM-BYTES]\n", argv[0]);
    return 2;
  }
  const size_t most =
      argc == 5 ? std::strtoul(argv[4], nullptr, 10) : ward::fuzz::kDefaultMaximumBytes;
  return ward::fuzz::RecordClient(argv[1], argv[2], argv[3], most);
}
