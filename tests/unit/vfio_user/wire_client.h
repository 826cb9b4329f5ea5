// A client of a served device that says exactly what a test wants, byte by byte: raw messages, half
// messages, descriptors. Every wait has a limit, as protection against a server that hangs.
#ifndef WARD_TESTS_UNIT_VFIO_USER_WIRE_CLIENT_H_
#define WARD_TESTS_UNIT_VFIO_USER_WIRE_CLIENT_H_

#include <cstdint>
#include <cstring>
#include <deque>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "abi/vfio_user.h"
#include "base/bytes.h"
#include "base/file_descriptor.h"

namespace ward::test {

using WireBytes = std::vector<uint8_t>;

struct WireMessage {
  abi::vfio_user::Header header{};
  WireBytes body;
  std::vector<FileDescriptor> descriptors;

  bool IsReply() const {
    return (header.flags & abi::vfio_user::kTypeMask) == abi::vfio_user::kTypeReply;
  }
  // The errno of an error reply, else 0.
  uint32_t error() const { return (header.flags & abi::vfio_user::kError) != 0 ? header.error : 0; }
  template <typename T>
  T As() const {
    T value{};
    std::memcpy(&value, body.data(), std::min(sizeof(value), body.size()));
    return value;
  }
};

template <typename T>
WireBytes BytesOf(const T& value) {
  WireBytes bytes(sizeof(value));
  std::memcpy(bytes.data(), &value, sizeof(value));
  return bytes;
}

// What the server asks of the client, when it is asked.
enum class DmaPolicy {
  kAtOnce,      // answered whenever it comes
  kAfterReply,  // kept while a request of our own is unanswered, as QEMU does
  kKept,        // kept for the test, in `kept`
};

class WireClient {
 public:
  explicit WireClient(FileDescriptor socket);
  // Throw when nobody listens.
  static WireClient ConnectUnix(const std::string& path);
  static WireClient ConnectTcp(uint16_t port);

  int socket() const { return socket_.get(); }
  void Close() { socket_.Close(); }
  // No more will be sent; what comes can still be read.
  void CloseSending();

  // False when the server has closed.
  bool SendBytes(ConstByteSpan bytes, const std::vector<int>& descriptors = {});
  static WireBytes Encode(const abi::vfio_user::Header& header, ConstByteSpan body);
  // A request with the next id, which is returned.
  uint16_t Send(abi::vfio_user::Command command, ConstByteSpan body,
                const std::vector<int>& descriptors = {}, uint32_t flags = 0);
  // The next message; nothing when the server has closed. Throws after `limit_ms`.
  std::optional<WireMessage> Receive(int limit_ms = kLimitMs);
  // Whether something can be read within the time.
  bool HasInput(int limit_ms) const;
  // Reads to the end; true when the server has closed within the limit.
  bool IsClosed();

  // Sends and takes the reply; requests of the server are dealt with by `policy`. Throws when the
  // server closes.
  WireMessage Call(abi::vfio_user::Command command, ConstByteSpan body,
                   const std::vector<int>& descriptors = {});
  WireMessage AwaitReply(uint16_t id);
  // The errno of the reply.
  uint32_t CallError(abi::vfio_user::Command command, ConstByteSpan body,
                     const std::vector<int>& descriptors = {}) {
    return Call(command, body, descriptors).error();
  }

  // VERSION with this JSON; its reply.
  WireMessage Agree(const std::string& json = kJson);
  static WireBytes VersionBody(const std::string& json, uint16_t major = 0, bool with_end = true);

  WireMessage ReadRegion(uint32_t region, uint64_t offset, uint32_t count);
  WireMessage WriteRegion(uint32_t region, uint64_t offset, ConstByteSpan data);
  static WireBytes ReadBody(uint32_t region, uint64_t offset, uint32_t count);
  static WireBytes WriteBody(uint32_t region, uint64_t offset, ConstByteSpan data);
  uint32_t Register(uint64_t offset);
  void SetRegister(uint64_t offset, uint32_t value);
  uint32_t Config(uint32_t offset, uint32_t size = 4);
  void SetConfig(uint32_t offset, uint32_t size, uint32_t value);
  // Memory decoding and bus mastering on.
  void PowerUp() { SetConfig(4, 2, 6); }

  uint32_t Map(uint64_t address, uint64_t size, int descriptor, uint64_t offset = 0,
               uint32_t rights = 3);
  uint32_t Unmap(uint64_t address, uint64_t size, uint32_t flags = 0);

  // Answers a request of the server; throws when it is none for memory.
  void Answer(const WireMessage& request);
  static constexpr int kLimitMs = 20000;
  // As QEMU 11.1 sends it, in length too.
  static const char kJson[];

  DmaPolicy policy = DmaPolicy::kAtOnce;
  // Memory that the server asks for: the bytes at an address, or null (answered ENODEV).
  std::function<uint8_t*(uint64_t address, uint64_t size)> memory;
  std::deque<WireMessage> kept;
  std::vector<uint32_t> interrupts;  // that came as messages
  uint64_t dma_reads = 0, dma_writes = 0;

 private:
  bool Fill(uint8_t* to, size_t size, std::vector<FileDescriptor>* descriptors, int limit_ms);
  void TakeRequest(WireMessage request, bool may_answer);

  FileDescriptor socket_;
  uint16_t next_id_ = 1;
};

}  // namespace ward::test

#endif  // WARD_TESTS_UNIT_VFIO_USER_WIRE_CLIENT_H_
