// Recordings as the input asks for them: blocks in any order, with any content, under digests and
// seals that fit, and places where they do not. So plain changes of an input's bytes change what a
// reader has to judge, and are not all caught by the first digest.
#ifndef WARD_TESTS_FUZZ_RECORDING_FILE_WRITER_H_
#define WARD_TESTS_FUZZ_RECORDING_FILE_WRITER_H_

#include <cstdint>
#include <vector>

#include "base/bytes.h"
#include "base/secret_bytes.h"
#include "emulator/recording/block_guard.h"
#include "tests/fuzz/input_reader.h"

namespace ward::fuzz {

// What a real run left: the block that tells of the device, and the bytes of the events.
struct BaseRecording {
  std::vector<uint8_t> device;
  std::vector<uint8_t> events;
  uint64_t event_count = 0;
};

// Parts of a file, as an input names them.
enum class FilePart : uint8_t {
  kDevice,      // the base's, with edits
  kBaseEvents,  // a piece of the base's events, with edits
  kEvents,      // bytes of the input
  kEnd,         // count and reason
  kBlock,       // of any kind, with bytes of the input
  kHugeHead,    // a head that says more than follows
  kRaw,         // bytes of the input that are no block
  kSkipNumber,  // the next block has another number
  kCount
};

class FileWriter {
 public:
  static constexpr size_t kMostBytes = 1 << 20;

  FileWriter(const BaseRecording* base, const SecretBytes<32>* key) : base_(base), key_(key) {}

  std::vector<uint8_t> Write(InputReader* input, bool is_sealed);

 private:
  void WritePart(InputReader* input);
  void WriteBlock(uint32_t kind, ConstByteSpan content);
  void WriteHugeHead(uint32_t content_bytes);
  static void Edit(std::vector<uint8_t>* content, InputReader* input);
  static std::vector<uint8_t> TakeSized(InputReader* input);

  const BaseRecording* base_;
  const SecretBytes<32>* key_;
  std::vector<uint8_t> header_;
  std::vector<uint8_t> file_;
  emulator::BlockGuard* guard_ = nullptr;
  uint64_t number_ = 0;
};

}  // namespace ward::fuzz

#endif  // WARD_TESTS_FUZZ_RECORDING_FILE_WRITER_H_
