// A recording as a file (docs/spec/recording.md), written while the chip runs. It holds the chip's
// entropy and its identity's private key, from which every key follows: it is for identities that
// are made for tests, or it is sealed.
#ifndef WARD_EMULATOR_RECORDING_RECORDING_FILE_H_
#define WARD_EMULATOR_RECORDING_RECORDING_FILE_H_

#include <cstdint>
#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include "device/gpu.h"
#include "emulator/boundary/boundary.h"
#include "emulator/recording/block_guard.h"

namespace ward::emulator {

// Why a recording ends.
enum class RecordingEnd : uint32_t {
  kClosed = 1,       // the chip's life did, or its host had enough
  kLimit = 2,        // as long as it may be
  kSealedState = 3,  // the chip went on from a sealed state, whose key is not the recording's
  kSnapshot = 4,     // the chip went on from a snapshot
  kLast = kSnapshot
};

struct RecordingOptions {
  // A recording that is there is replaced, and an empty file; anything else is kept. Nobody but its
  // owner can read it.
  std::filesystem::path path;
  // 32 bytes that seal it; empty: it is not sealed.
  std::filesystem::path key_file;
  // The identity's private key may stand in an open file: it was made for this run and goes with
  // it, or Identity::is_test says so. Needed unless there is a key file.
  bool is_test_identity = false;
  // The guest decides how much there is to record, and must not fill the host's disk.
  uint64_t limit_bytes = 16ull << 30;
};

class RecordingFile final : public BoundaryListener {
 public:
  // Before the chip is made: its start is a part of the recording. `gpu` is what the chip gets, its
  // identity included. Null when it can't be; `*error` then says in one line what is wrong and
  // what mends it.
  static std::unique_ptr<RecordingFile> Open(const RecordingOptions& options,
                                             const device::GpuOptions& gpu, std::string* error);
  // Closes.
  ~RecordingFile();
  RecordingFile(const RecordingFile&) = delete;
  RecordingFile& operator=(const RecordingFile&) = delete;

  // What is told stands in the file when a slice begins (Gpu::Process), when it ends, and every
  // kCutBytes: a process that dies leaves a recording of all before.
  void OnEvent(const BoundaryEvent& event) override;
  void OnReturn(BoundaryEventKind kind) override;
  // Marks the recording as ended and whole. Later events are not recorded.
  void Close() { End(RecordingEnd::kClosed); }

  // Closes when the process exits, too, should this object still be there: for hosts that exit
  // without an end of their devices.
  void CloseAtExit();

  // Events so far.
  uint64_t event_count() const { return event_count_; }
  // One line that says why events are not recorded any more; empty while they are, and after Close.
  const std::string& trouble() const { return trouble_; }

 private:
  static constexpr size_t kCutBytes = 64 << 10;

  RecordingFile(const RecordingOptions& options, BlockGuard guard);
  bool Create(std::string* error);
  bool WriteStart(const device::GpuOptions& gpu, std::string* error);
  void Put(ConstByteSpan bytes);
  void Flush();
  void End(RecordingEnd end);
  // False, and the recording has ended with its trouble told, when it could not be written.
  bool WriteBlock(RecordingBlock kind, ConstByteSpan content);
  bool Write(ConstByteSpan bytes);
  void Fail(const std::string& what);

  std::filesystem::path path_;
  uint64_t limit_bytes_;
  BlockGuard guard_;
  int file_ = -1;  // -1: nothing is recorded any more
  uint64_t written_ = 0;
  uint64_t block_number_ = 0;
  uint64_t event_count_ = 0;
  std::vector<uint8_t> pending_;  // bytes of events that are in no block yet
  std::vector<uint8_t> event_head_;
  std::vector<uint8_t> block_;
  std::string trouble_;
};

}  // namespace ward::emulator

#endif  // WARD_EMULATOR_RECORDING_RECORDING_FILE_H_
