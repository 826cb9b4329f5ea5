// A server of one small device for one client, in a thread of the test, that does what the protocol
// says or whatever the test's hook does in place of it. Numbers and layouts are written by hand
// from docs/spec and the protocol's own text, not taken from abi/vfio_user.h.
#ifndef WARD_TESTS_UNIT_KMD_VFIO_USER_SCRIPTED_SERVER_H_
#define WARD_TESTS_UNIT_KMD_VFIO_USER_SCRIPTED_SERVER_H_

#include <condition_variable>
#include <cstdint>
#include <deque>
#include <functional>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "base/bytes.h"
#include "base/file_descriptor.h"

namespace ward::kmd {

using Bytes = std::vector<uint8_t>;

// Values in their order, little-endian, each with the width of its type.
template <typename... T>
Bytes Pack(T... values) {
  Bytes bytes;
  const auto append = [&](auto value) {
    const size_t at = bytes.size();
    bytes.resize(at + sizeof(value));
    StoreLe(bytes.data() + at, value);
  };
  (append(values), ...);
  return bytes;
}
inline Bytes operator+(Bytes left, const Bytes& right) {
  left.insert(left.end(), right.begin(), right.end());
  return left;
}

class ScriptedServer {
 public:
  static constexpr uint32_t kRegisterBytes = 1 << 16;
  static constexpr uint32_t kVramBytes = 2 << 20;
  static constexpr uint32_t kConfigBytes = 256;

  // A message as it came.
  struct Received {
    uint16_t id = 0;
    uint16_t command = 0;
    uint32_t size = 0;
    uint32_t flags = 0;
    uint32_t error = 0;
    Bytes body;
    std::vector<FileDescriptor> descriptors;  // kept by the server once it has heard a request
    size_t descriptor_count = 0;
  };
  // In the server's thread, before a request is served. True: the test has dealt with it.
  using Hook = std::function<bool(ScriptedServer*, const Received&)>;
  struct Options {
    bool is_tcp = false;
    Bytes key;              // of a challenge, over TCP; empty: none
    Bytes capabilities;     // of the reply to VERSION; empty: "{}"
    uint32_t vectors = 32;  // of MSI-X
    bool is_resettable = true;
    Bytes region_capabilities;  // behind the description of BAR2
    bool seals_vram = true;
    uint32_t vram_file_bytes = kVramBytes;
    uint32_t register_bytes = kRegisterBytes;
  };

  explicit ScriptedServer(Hook hook = {}) : ScriptedServer(std::move(hook), Options()) {}
  ScriptedServer(Hook hook, const Options& options);
  ~ScriptedServer();
  ScriptedServer(const ScriptedServer&) = delete;
  ScriptedServer& operator=(const ScriptedServer&) = delete;

  // What VfioUserFunction::Open takes. Replies are waited for a second, if no option says else.
  std::string where(const std::string& options = "") const;
  const std::string& folder() const { return folder_; }

  // The bytes, all at once or one by one.
  void Send(const Bytes& bytes, const std::vector<int>& descriptors = {});
  void SendSlowly(const Bytes& bytes);
  void Reply(const Received& request, const Bytes& body, const std::vector<int>& descriptors = {});
  void ReplyError(const Received& request, uint32_t error);
  void Close();

  // A request of the server's own: the reply, or one with size 0 when none comes.
  Received Ask(uint16_t command, const Bytes& body, uint32_t flags = 0);
  // A message that is not replied to.
  void Tell(uint16_t command, const Bytes& body) { Send(Header(next_id_++, command, body, 0x10)); }
  static Bytes Header(uint16_t id, uint16_t command, const Bytes& body, uint32_t flags,
                      uint32_t error = 0);

  // All requests so far, without descriptors of theirs but for how many.
  struct Heard {
    uint16_t command;
    Bytes body;
    size_t descriptors;
    bool operator==(const Heard&) const = default;
  };
  std::vector<Heard> TakeHeard();
  // The last descriptors that came with a command.
  std::vector<FileDescriptor> TakeDescriptors(uint16_t command);
  // Blocks until the client has gone.
  void WaitForEnd();

  Bytes registers;
  Bytes config = Bytes(kConfigBytes);
  uint8_t* vram() { return vram_; }
  int vram_file() const { return vram_file_.get(); }

 private:
  void Listen();
  void Run();
  void KeepHeard(Received* message);
  bool Authenticate();
  bool Receive(Received* message);
  bool ReceiveBytes(uint8_t* to, size_t size, std::vector<FileDescriptor>* descriptors);
  bool WaitReadable(int fd);
  void Serve(const Received& request);
  void ServeRegionInfo(const Received& request);
  void ServeAccess(const Received& request);
  uint8_t* Place(uint32_t region, uint64_t offset, uint64_t size);

  Hook hook_;
  Options options_;
  std::string folder_;
  std::string address_;
  FileDescriptor listener_;
  FileDescriptor socket_;
  FileDescriptor stop_;
  FileDescriptor vram_file_;
  uint8_t* vram_ = nullptr;
  uint16_t next_id_ = 0x7000;
  std::thread thread_;

  std::mutex mutex_;  // of what follows
  std::condition_variable changed_;
  std::vector<Heard> heard_;
  std::vector<std::pair<uint16_t, std::vector<FileDescriptor>>> kept_;
  std::deque<Received> replies_;
  bool has_ended_ = false;
};

}  // namespace ward::kmd

#endif  // WARD_TESTS_UNIT_KMD_VFIO_USER_SCRIPTED_SERVER_H_
