// Messages of the vfio-user protocol on a stream socket that never blocks its callers: what the
// socket does not give or take now is gone on with later.
#ifndef WARD_KMD_PORTS_VFIO_USER_MESSAGE_STREAM_H_
#define WARD_KMD_PORTS_VFIO_USER_MESSAGE_STREAM_H_

#include <cstddef>
#include <cstdint>
#include <deque>
#include <mutex>
#include <string>
#include <vector>

#include "abi/vfio_user.h"
#include "base/file_descriptor.h"

namespace ward::kmd {

struct Message {
  abi::vfio_user::Header header{};
  std::vector<uint8_t> body;  // header.size less the header's own
  std::vector<FileDescriptor> descriptors;
};

enum class StreamState {
  kDone,     // a message is whole; everything is sent
  kPending,  // the rest when the socket is ready again
  kBroken,   // closed by the peer, an error, or no message of this protocol
};

// One thread's.
class MessageReader {
 public:
  // The next whole message. kBroken with `reason`, which says what the peer did.
  StreamState Read(int socket, Message* message, std::string* reason);

 private:
  StreamState Receive(int socket, uint8_t* target, size_t wanted, std::string* reason);
  bool CheckHeader(std::string* reason);

  Message message_;  // as far as it has come
  size_t have_ = 0;  // its bytes
};

// Any thread's. Order is that of Send.
class MessageSender {
 public:
  // What waits for a peer that does not read.
  static constexpr size_t kMaximumWaitingBytes = 32u << 20;

  // `descriptors` stay open until the message is sent or the sender closed.
  StreamState Send(int socket, std::vector<uint8_t> bytes, std::vector<int> descriptors);
  // Goes on with what waits.
  StreamState Flush(int socket);
  bool IsWaiting() const;
  // Drops what waits; nothing is sent any more, and no descriptor is touched.
  void Close();

 private:
  struct Outgoing {
    std::vector<uint8_t> bytes;
    std::vector<int> descriptors;  // go with the first byte
    size_t sent = 0;
  };
  StreamState FlushLocked(int socket);

  mutable std::mutex mutex_;
  std::deque<Outgoing> waiting_;
  size_t waiting_bytes_ = 0;
  bool is_closed_ = false;
};

}  // namespace ward::kmd

#endif  // WARD_KMD_PORTS_VFIO_USER_MESSAGE_STREAM_H_
