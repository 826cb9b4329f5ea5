// One connection of a hostile client: sends what it is told, and holds what comes back to the
// protocol.
#ifndef WARD_TESTS_FUZZ_VFIO_USER_HOSTILE_PEER_H_
#define WARD_TESTS_FUZZ_VFIO_USER_HOSTILE_PEER_H_

#include <cstdint>
#include <deque>
#include <vector>

#include "abi/vfio_user.h"
#include "base/bytes.h"
#include "base/file_descriptor.h"
#include "tests/fuzz/vfio_user/hostile_descriptors.h"
#include "tests/fuzz/vfio_user/wire_model.h"
#include "tests/fuzz/vfio_user/wire_script.h"

namespace ward::fuzz {

class HostilePeer {
 public:
  explicit HostilePeer(FileDescriptor socket) : socket_(std::move(socket)) {}

  bool IsOpen() const { return socket_.valid(); }
  int socket() const { return socket_.get(); }
  // What the socket does not take is kept, and goes before what is sent later.
  void Send(ConstByteSpan bytes, const std::vector<int>& descriptors);
  void Flush();
  bool HasUnsent() const { return !unsent_.empty(); }
  void Leave(bool only_sending);
  // Reads what has come.
  void Receive();

  // Of the oldest request, with bytes of the memory. Nothing without one.
  void Answer(AnswerVariant variant, HostileDescriptors* memory);
  bool IsAsked() const { return !asked_.empty(); }

  uint16_t NextId() { return next_id_++; }
  const WireModel& model() const { return model_; }
  std::vector<FileDescriptor>& vram_files() { return vram_files_; }
  bool HasEnded() const { return has_ended_; }
  // Of all headers that came.
  uint64_t digest() const { return digest_; }

 private:
  struct Asked {
    abi::vfio_user::Header header;
    abi::vfio_user::DmaAccess access;
    std::vector<uint8_t> data;  // of a write
  };
  struct Part {
    std::vector<uint8_t> bytes;
    std::vector<int> descriptors;
  };
  bool SendPart(Part* part);
  void TakeMessages();
  void TakeMessage(const abi::vfio_user::Header& header, ConstByteSpan body);

  FileDescriptor socket_;
  WireModel model_;
  uint16_t next_id_ = 1;
  std::deque<Part> unsent_;
  std::vector<uint8_t> received_;
  std::deque<Asked> asked_;
  std::vector<FileDescriptor> vram_files_;
  bool has_ended_ = false;
  uint64_t digest_ = 14695981039346656037u;
};

}  // namespace ward::fuzz

#endif  // WARD_TESTS_FUZZ_VFIO_USER_HOSTILE_PEER_H_
