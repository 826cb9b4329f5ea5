// Messages of the vfio-user protocol on one stream socket, with the descriptors that come along.
// Never waits, but in Wait.
#ifndef WARD_EMULATOR_VFIO_USER_MESSAGE_STREAM_H_
#define WARD_EMULATOR_VFIO_USER_MESSAGE_STREAM_H_

#include <array>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <vector>

#include "abi/vfio_user.h"
#include "base/bytes.h"
#include "base/file_descriptor.h"

namespace ward::emulator {

struct Message {
  abi::vfio_user::Header header{};
  std::vector<uint8_t> body;  // header.size less the header
  std::vector<FileDescriptor> descriptors;
};

class MessageStream {
 public:
  enum class Input {
    kMessage,
    kNothing,  // not a whole message yet
    kEnd,      // the peer has closed in good order, between two messages
    kBroken,   // it has not, or sent what no message begins with: nothing more can be read
  };

  // `socket` is made non-blocking.
  explicit MessageStream(FileDescriptor socket);

  int socket() const { return socket_.get(); }

  Input Read(Message* message);
  // Why the last Read was kBroken, or why IsBroken; for people.
  const char* trouble() const { return trouble_; }

  // Sends, or keeps what the socket does not take yet. The descriptors go with the first byte, and
  // stay the caller's. Does nothing on a broken stream.
  void Send(const abi::vfio_user::Header& header, ConstByteSpan body,
            const std::vector<int>& descriptors = {});
  // Sends on what was kept.
  void Flush();
  bool IsBroken() const { return broken_; }
  // Bytes that the socket did not take yet. A peer that does not read is not read from either.
  size_t waiting_bytes() const { return waiting_bytes_; }
  // Descriptors that are kept for it.
  size_t waiting_descriptors() const { return waiting_descriptors_; }

  // Waits until there may be input, if it is wanted, kept output could go on, or `other` (a
  // descriptor, -1: none) is readable; at most `timeout_ms`. True when `other` is.
  bool Wait(bool for_input, int other, int timeout_ms);

 private:
  struct Output {
    std::vector<uint8_t> bytes;
    size_t sent = 0;
    std::vector<FileDescriptor> descriptors;  // copies, gone with the first byte
  };

  Input Break(const char* trouble);
  // Reads at most `size` bytes to `to`: how many, 0 at the end, -1 nothing now, -2 broken.
  ssize_t Receive(uint8_t* to, size_t size);

  FileDescriptor socket_;
  std::array<uint8_t, sizeof(abi::vfio_user::Header)> header_bytes_{};
  size_t header_got_ = 0;
  size_t body_got_ = 0;
  Message partial_;
  std::deque<Output> output_;
  size_t waiting_bytes_ = 0;
  size_t waiting_descriptors_ = 0;
  bool broken_ = false;
  const char* trouble_ = "";
};

}  // namespace ward::emulator

#endif  // WARD_EMULATOR_VFIO_USER_MESSAGE_STREAM_H_
