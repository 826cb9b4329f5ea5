// Makes operations of a fuzzer's bytes: one byte names a move, what follows are its arguments.
// Well-formed commands are as easy to write as raw bytes, since each finds bugs that the other does
// not.
#ifndef WARD_TESTS_FUZZ_DEVICE_GRAMMAR_H_
#define WARD_TESTS_FUZZ_DEVICE_GRAMMAR_H_

#include <array>
#include <cstdint>
#include <span>
#include <vector>

#include "abi/generated/commands.h"
#include "base/bytes.h"
#include "tests/fuzz/device/base_state.h"
#include "tests/fuzz/device/channel_writer.h"
#include "tests/fuzz/device/operation.h"
#include "tests/fuzz/device/ring_writer.h"
#include "tests/fuzz/input_reader.h"

namespace ward::fuzz {

// What the first byte of each move says, modulo kMoveCount; writers of inputs use it too (seeds,
// mutator).
enum class Move : uint8_t {
  kTableRegister,
  kRawRegister,
  kCommand,
  kCommandToo,  // commands are what most moves are
  kMessage,
  kRawBytes,
  kRun,    // doorbells, a slice
  kRunOn,  // doorbells, slices and time until messages are answered
  kSlice,
  kClock,
  kPageEntry,
  kMemory,
  kConfig,
  kAnswers,
  kBus,
  kReset,
  kScreen,
  kIndirect,
  kDecrypt,       // a blt that is done unless something is in its way
  kReadBack,      // likewise, of what was decrypted
  kPart,          // likewise, where parts alone are encrypted: a pattern, or sub-samples
  kVideo,         // likewise
  kShow,          // a mode, a surface, a cursor, a vblank
  kOutput,        // protection of outputs, under a key that is no secret
  kTrusted,       // keys of the trusted application, likewise
  kChannel,       // messages of authenticated channels, likewise
  kKnownChannel,  // of those of the base, whose handles are known
  kRows,          // copies and fills
  kSpoiled,       // a command with one thing wrong about it
  kNested,        // indirect buffers that lead to each other
  kQueue,         // a queue is stopped, set up and started
  kCount
};
inline constexpr uint8_t kMoveCount = static_cast<uint8_t>(Move::kCount);

// First byte of a number from which on two more bytes hold it.
inline constexpr uint8_t kLargeNumber = 224;
// What kReset's choice says; below, modulo 4.
inline constexpr uint8_t kTearDownChoice = 0xf0;
// Bits of an input's first byte.
inline constexpr uint8_t kModeConfined = 1;
inline constexpr uint8_t kModeAlone = 2;  // with kModeConfined
inline constexpr uint8_t kModeWindows = 4;
inline constexpr uint8_t kModeMsix = 8;          // the function's own MSI-X is on, and masked
inline constexpr uint8_t kModeRoundTrip = 0x30;  // both bits: at the end

class Grammar {
 public:
  Grammar(const BaseState& base, OperationSink* sink);

  // All of one input.
  void Play(ConstByteSpan input);
  uint32_t move_count() const { return static_cast<uint32_t>(begins_.size()); }
  // Where in the input each move began.
  const std::vector<size_t>& move_begins() const { return begins_; }

 private:
  void Do(const Operation& operation) { sink_->Do(operation); }
  void PlayMove(Move move);
  void BreakOrder();  // kOrderly does not hold from here on
  bool IsClosed(uint64_t register_offset) const;
  uint32_t PickQueue();
  uint64_t PickAddress(uint32_t queue);
  uint32_t PickSession();
  void RingDoorbells();
  void Process(uint64_t budget);

  void WriteTableRegister();
  void AccessRawRegister();
  void PushCommand();
  std::vector<uint8_t> MakeTableCommand(uint32_t queue);
  void PushMessage();
  void PushRawBytes();
  void RunOn();
  void WritePageEntry();
  void WriteMemory();
  void AccessConfig();
  void ResetSomething();
  void UseScreen();
  void PushIndirect();
  uint64_t PlaceOf(uint32_t queue, uint32_t window, uint64_t page) const;
  void PushRows();
  void PushSpoiled();
  void PushNested();
  void ControlQueue();
  void PlugDisplay(uint32_t output, uint8_t choice);
  void PushDecrypt();
  void PushReadBack();
  void PushPart();
  void PushSample(uint32_t queue, uint8_t choice);
  void PushVideo();
  void PushShow();
  void PushWait(uint8_t choice);
  void PushFlip(uint32_t output, uint8_t choice);
  void PushCursor(uint32_t output, uint8_t choice);
  void PushOutput();
  void PushOutputStructure(uint32_t message, uint32_t flaw, std::vector<uint8_t> structure);
  void PushTrusted();
  void PushChannel();
  void PushKnownChannel();
  void PickChannelValues(uint8_t value, ChannelInput* input) const;
  void PushAnswered(uint32_t queue, uint32_t message, ConstByteSpan payload);
  uint32_t PickUserQueue();
  uint32_t SessionOf(uint32_t queue) const;

  const BaseState& base_;
  OperationSink* sink_;
  RingWriter rings_;
  InputReader input_;
  uint32_t promises_ = 0;
  uint64_t budget_left_ = 0;   // of work, so that the speed does not drown in long transfers
  uint32_t slow_left_ = 1;     // of what takes a millisecond
  uint32_t configs_left_ = 2;  // writes, which may reset the function
  uint32_t round_trips_left_ = 1;
  std::vector<size_t> begins_;
  uint32_t next_information_ = 0;  // sequence numbers under the output's key
  uint32_t next_setting_ = 0;
  std::array<uint32_t, 2> next_channel_ = {};  // likewise, of the base's channels
  bool has_entropy_ = true;
  bool has_bus_ = true;
};

}  // namespace ward::fuzz

#endif  // WARD_TESTS_FUZZ_DEVICE_GRAMMAR_H_
