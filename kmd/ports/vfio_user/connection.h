// The conversation with a served device: requests that are waited for, and the server's own, which
// are answered at once while nobody waits.
//
// Threads. One thread calls Ask (the driver's), as it does all of a PCI function. A thread of the
// connection's own receives everything: it hands replies to the caller and the server's requests to
// the RequestHandler. It never waits for anything but the socket, so a caller that waits for a
// reply can't keep the server from reading or writing memory first. Any thread may send: bytes that
// the socket does not take at once are sent by the receiving thread as it takes them.
#ifndef WARD_KMD_PORTS_VFIO_USER_CONNECTION_H_
#define WARD_KMD_PORTS_VFIO_USER_CONNECTION_H_

#include <pthread.h>

#include <atomic>
#include <condition_variable>
#include <cstdint>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "abi/pci_function.h"
#include "abi/vfio_user.h"
#include "base/file_descriptor.h"
#include "kmd/ports/vfio_user/message_stream.h"

namespace ward::kmd {

// Serves what the server asks. Called in the receiving thread; does not block.
class RequestHandler {
 public:
  // 0 and the body of the reply, or the errno of an error reply.
  virtual uint32_t Serve(const Message& request, std::vector<uint8_t>* body) = 0;

 protected:
  ~RequestHandler() = default;
};

class Connection {
 public:
  // `handler` outlives the connection. Each Ask waits `timeout_ms`.
  Connection(FileDescriptor socket, uint32_t timeout_ms, RequestHandler* handler);
  // Closes it: requests of the server are not served any more when this returns.
  ~Connection();
  Connection(const Connection&) = delete;
  Connection& operator=(const Connection&) = delete;

  // Once, before the first Ask. kNoMemory when there is no thread for it.
  abi::PciError Start(std::string* error);

  struct Request {
    abi::vfio_user::Command command;
    std::vector<uint8_t> body;
    std::vector<int> descriptors;  // sent along; the caller keeps them
    uint32_t maximum_reply_descriptors = 0;
  };
  // Sends and waits. `reply` has the body and descriptors of a reply without error. An error reply
  // is kUnsupported, kNoMemory or kBadArgument, and the connection goes on. kTimeout: no reply in
  // time. After that, and after anything that the protocol does not allow, the connection is closed
  // and every Ask is kGone: whether a late reply belongs to its request could not be known. `error`
  // says what is wrong and what mends it.
  abi::PciError Ask(const Request& request, Message* reply, std::string* error);

  // Sends a request without descriptors that has no reply. The server does what comes over the
  // connection in its order. kGone, with `error`.
  abi::PciError Post(const Request& request, std::string* error);

  // A reply made no sense: closes the connection. Returns kGone.
  abi::PciError Reject(const std::string& reason);

  bool IsGone() const { return is_gone_; }
  std::string GoneReason() const;
  // Readable once the connection is gone.
  const FileDescriptor& gone_event() const { return gone_event_; }

 private:
  // The request that the driver's thread waits for.
  struct Waited {
    uint16_t id;
    abi::vfio_user::Command command;
    uint32_t maximum_descriptors;
    std::optional<Message> reply;
  };

  static void* RunThread(void* connection);
  void Receive();
  bool TakeMessages();
  bool Take(Message message);
  bool TakeReply(Message message);
  bool TakeRequest(const Message& request);
  bool Send(const abi::vfio_user::Header& header, const std::vector<uint8_t>& body,
            const std::vector<int>& descriptors);
  void Break(const std::string& reason);
  void Wake();

  FileDescriptor socket_;
  FileDescriptor wake_event_;  // the receiving thread has to look at what waits, or to stop
  FileDescriptor gone_event_;
  uint32_t timeout_ms_;
  RequestHandler* handler_;
  MessageReader reader_;  // the receiving thread's
  MessageSender sender_;
  uint16_t next_id_ = 1;  // the driver's thread's
  pthread_t thread_{};
  bool has_thread_ = false;
  std::atomic<bool> is_stopping_{false};
  std::atomic<bool> is_gone_{false};

  mutable std::mutex mutex_;  // of what follows
  std::condition_variable replied_;
  std::optional<Waited> waited_;
  std::string gone_reason_;
};

// For people: "REGION_READ".
const char* NameOf(abi::vfio_user::Command command);

}  // namespace ward::kmd

#endif  // WARD_KMD_PORTS_VFIO_USER_CONNECTION_H_
