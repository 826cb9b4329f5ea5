// Reads a recording's file (docs/spec/recording.md): all of it once when it is opened, so that what
// is wrong is told before anything runs, then event after event. Whoever can write the file can
// make one up: nothing in it is believed.
#ifndef WARD_EMULATOR_RECORDING_RECORDING_READER_H_
#define WARD_EMULATOR_RECORDING_RECORDING_READER_H_

#include <cstdint>
#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/bytes.h"
#include "base/secret_bytes.h"
#include "emulator/boundary/event_source.h"
#include "emulator/recording/block_guard.h"
#include "emulator/recording/device_block.h"
#include "emulator/recording/event_code.h"
#include "emulator/recording/recording_file.h"

namespace ward::emulator {

class RecordingReader final : public EventSource, private EventBytes {
 public:
  struct Options {
    std::filesystem::path path;
    const SecretBytes<32>* key = nullptr;  // null: only a recording that is not sealed
    // Whether a recording without its end is good up to where it stops: its writer was killed.
    bool accept_unfinished = false;
  };

  // Null when the file is no whole recording; `*error` then says in one line what is wrong, and at
  // which byte.
  static std::unique_ptr<RecordingReader> Open(const Options& options, std::string* error);
  ~RecordingReader();
  RecordingReader(const RecordingReader&) = delete;
  RecordingReader& operator=(const RecordingReader&) = delete;

  const DeviceBlock& device() const { return device_; }
  bool is_sealed() const { return guard_.is_sealed(); }
  uint64_t event_count() const { return event_count_; }
  uint64_t call_count() const { return call_count_; }
  // Nothing: it stops without an end.
  std::optional<RecordingEnd> end() const { return end_; }
  // Events up to where it is certain that all is there of what the chip did: where the recording
  // breaks off, the last call of the host may lack something.
  uint64_t whole_events() const { return whole_events_; }

  const RecordedEvent* Peek() override;
  void Skip() override { has_event_ = false; }
  EventPlace Place() const override { return has_event_ ? event_place_ : cursor_; }
  void Seek(const EventPlace& place) override;
  // Before the first event.
  void SeekStart() { Seek(first_); }
  // One line when the file is not any more what it was when it was opened.
  const std::string& trouble() const { return trouble_; }

 private:
  RecordingReader(int file, std::filesystem::path path, BlockGuard guard);
  bool ReadDevice();
  bool Scan();
  bool CheckEnd();
  // The block at the cursor's block_start into content_.
  bool LoadBlock();
  ConstByteSpan TakeSome(size_t most) override;
  void Fail(const std::string& what);
  // Gives false.
  bool CutShort(uint64_t at);

  int file_;
  std::filesystem::path path_;
  BlockGuard guard_;
  DeviceBlock device_;
  uint64_t event_count_ = 0;
  uint64_t call_count_ = 0;
  uint64_t whole_events_ = 0;
  std::optional<RecordingEnd> end_;
  std::string trouble_;
  bool accept_unfinished_ = false;
  bool is_cut_short_ = false;

  EventPlace first_;
  EventPlace cursor_;  // where the next byte is; its block is the one in content_
  EventPlace event_place_;
  RecordedEvent event_;
  bool has_event_ = false;
  BlockHead head_;
  std::vector<uint8_t> content_;
  bool is_loaded_ = false;  // content_ holds the cursor's block
  std::vector<uint8_t> block_;
};

}  // namespace ward::emulator

#endif  // WARD_EMULATOR_RECORDING_RECORDING_READER_H_
