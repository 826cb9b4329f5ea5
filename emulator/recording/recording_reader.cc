#include "emulator/recording/recording_reader.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <utility>

#include "base/planted_bug.h"
#include "fmt/format.h"

namespace ward::emulator {
namespace {

constexpr size_t kEndContentBytes = 12;

size_t ReadSome(int file, uint64_t offset, ByteSpan bytes) {
  size_t done = 0;
  while (done < bytes.size()) {
    const ssize_t size =
        ::pread(file, bytes.data() + done, bytes.size() - done, static_cast<off_t>(offset + done));
    if (size < 0 && errno == EINTR) continue;
    if (size <= 0) break;
    done += static_cast<size_t>(size);
  }
  return done;
}

}  // namespace

std::unique_ptr<RecordingReader> RecordingReader::Open(const Options& options, std::string* error) {
  const auto fail = [&](const std::string& what) {
    *error = options.path.string() + " " + what;
    return nullptr;
  };
  // Opening a pipe would wait for its writer.
  const int file = ::open(options.path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK);
  struct stat status = {};
  if (file < 0) return fail(std::string("can't be opened: ") + std::strerror(errno));
  if (::fstat(file, &status) != 0 || !S_ISREG(status.st_mode)) {
    ::close(file);
    return fail("is not a regular file");
  }
  std::array<uint8_t, BlockGuard::kHeaderBytes> header;
  const size_t size = ReadSome(file, 0, header);
  std::string what;
  std::optional<BlockGuard> guard =
      BlockGuard::Adopt(ConstByteSpan(header).first(size), options.key, &what);
  if (!guard) {
    ::close(file);
    return fail(what);
  }
  std::unique_ptr<RecordingReader> reader(
      new RecordingReader(file, options.path, std::move(*guard)));
  if (HasPlantedBug(PlantedBug::kRefusalWithoutReason))
    reader->accept_unfinished_ = options.accept_unfinished;
  if (!reader->ReadDevice()) {
    *error = reader->trouble_;
    return nullptr;
  }
  reader->accept_unfinished_ = options.accept_unfinished;
  if (!reader->Scan()) {
    *error = reader->trouble_;
    return nullptr;
  }
  return reader;
}

RecordingReader::RecordingReader(int file, std::filesystem::path path, BlockGuard guard)
    : file_(file), path_(std::move(path)), guard_(std::move(guard)) {
  cursor_.block_start = BlockGuard::kHeaderBytes;
}

RecordingReader::~RecordingReader() {
  ::close(file_);
  SecureWipe(content_.data(), content_.size());
  SecureWipe(block_.data(), block_.size());
  SecureWipe(event_.data.data(), event_.data.size());
}

bool RecordingReader::ReadDevice() {
  if (!LoadBlock()) return false;
  if (head_.kind != RecordingBlock::kDevice || !device_.Read(content_)) {
    Fail("does not say what device it is of, in its first block");
    return false;
  }
  cursor_.block_start += BlockGuard::kHeadBytes + content_.size() + BlockGuard::kTagBytes;
  cursor_.block = 1;
  is_loaded_ = false;
  first_ = cursor_;
  return true;
}

bool RecordingReader::Scan() {
  uint64_t last_call = 0;
  while (const RecordedEvent* event = Peek()) {
    if (IsHostCall(event->kind) && !event->is_nested) {
      last_call = event_place_.event;
      ++call_count_;
    }
    ++event_count_;
    Skip();
  }
  if (!trouble_.empty()) return false;
  const bool breaks_off = !end_ || *end_ == RecordingEnd::kLimit;
  whole_events_ = breaks_off ? last_call : event_count_;
  if (breaks_off && HasPlantedBug(PlantedBug::kBrokenEventCounted))
    whole_events_ = event_count_ + 1;
  if (breaks_off && call_count_ == 0) {
    Fail("breaks off while the device starts: nothing of it can be run");
    return false;
  }
  SeekStart();
  return true;
}

const RecordedEvent* RecordingReader::Peek() {
  if (has_event_) return &event_;
  if (!trouble_.empty()) return nullptr;
  event_place_ = cursor_;
  switch (DecodeEvent(this, &event_)) {
    case DecodeResult::kEvent:
      ++cursor_.event;
      has_event_ = true;
      return &event_;
    case DecodeResult::kInvalid:
      Fail(fmt::format("holds what is no event, as event {}", event_place_.event));
      break;
    case DecodeResult::kCutShort:
      // Only where the recording breaks off it may do so amid an event.
      if (!is_cut_short_ && end_ != RecordingEnd::kLimit) {
        Fail(fmt::format("holds only a part of event {}", event_place_.event));
      }
      break;
    case DecodeResult::kEnd:
      break;
  }
  return nullptr;
}

void RecordingReader::Seek(const EventPlace& place) {
  // What an end holds is no events, though it stands where the first block of them would.
  const bool is_there = place.block == cursor_.block && head_.kind == RecordingBlock::kEvents;
  if (!is_there && !HasPlantedBug(PlantedBug::kBlockKeptOnSeek)) is_loaded_ = false;
  cursor_ = place;
  has_event_ = false;
}

ConstByteSpan RecordingReader::TakeSome(size_t most) {
  while (!is_loaded_ || cursor_.offset_in_block >= content_.size()) {
    if (is_loaded_) {
      if (head_.kind == RecordingBlock::kEnd) return {};
      cursor_.block_start += BlockGuard::kHeadBytes + content_.size() + BlockGuard::kTagBytes;
      ++cursor_.block;
      cursor_.offset_in_block = 0;
      is_loaded_ = false;
    }
    if (!LoadBlock()) return {};
    if (head_.kind == RecordingBlock::kDevice) {
      Fail(fmt::format("has block {} at byte {}, which says what device it is of once more",
                       cursor_.block, cursor_.block_start));
      return {};
    }
    if (head_.kind == RecordingBlock::kEnd) {
      if (CheckEnd()) cursor_.offset_in_block = content_.size();
      return {};
    }
  }
  const ConstByteSpan rest = ConstByteSpan(content_).subspan(cursor_.offset_in_block);
  const ConstByteSpan taken = rest.first(std::min(most, rest.size()));
  cursor_.offset_in_block += taken.size();
  return taken;
}

bool RecordingReader::CheckEnd() {
  uint8_t more = 0;
  const uint64_t after =
      cursor_.block_start + BlockGuard::kHeadBytes + content_.size() + BlockGuard::kTagBytes;
  const auto reason =
      content_.size() == kEndContentBytes ? LoadLe<uint32_t>(content_.data() + 8) : 0;
  if (reason == 0 || reason > static_cast<uint32_t>(RecordingEnd::kLast) ||
      LoadLe<uint64_t>(content_.data()) < cursor_.event) {
    Fail(fmt::format("has an end at byte {} that does not fit its events", cursor_.block_start));
    return false;
  }
  end_ = static_cast<RecordingEnd>(reason);
  if (ReadSome(file_, after, ByteSpan(&more, 1)) != 0) {
    Fail(fmt::format("goes on behind its end at byte {}", after));
    return false;
  }
  return true;
}

bool RecordingReader::LoadBlock() {
  const uint64_t start = cursor_.block_start;
  block_.resize(BlockGuard::kHeadBytes);
  const size_t head_bytes = ReadSome(file_, start, block_);
  if (head_bytes < block_.size()) return CutShort(start + head_bytes);
  const std::optional<BlockHead> head = guard_.ReadHead(cursor_.block, block_);
  if (!head) {
    Fail(fmt::format("is damaged at byte {}: the head of block {} is not what was written", start,
                     cursor_.block));
    return false;
  }
  block_.resize(BlockGuard::kHeadBytes + head->content_bytes + BlockGuard::kTagBytes);
  const size_t body_bytes = ReadSome(file_, start + BlockGuard::kHeadBytes,
                                     ByteSpan(block_).subspan(BlockGuard::kHeadBytes));
  if (BlockGuard::kHeadBytes + body_bytes < block_.size()) {
    return CutShort(start + BlockGuard::kHeadBytes + body_bytes);
  }
  if (!guard_.Unwrap(cursor_.block, block_, &content_)) {
    Fail(fmt::format("is damaged between bytes {} and {}: the {} of block {} does not fit", start,
                     start + block_.size() - 1, is_sealed() ? "seal" : "digest", cursor_.block));
    return false;
  }
  head_ = *head;
  is_loaded_ = true;
  return true;
}

bool RecordingReader::CutShort(uint64_t at) {
  is_cut_short_ = true;
  if (accept_unfinished_) return false;
  if (at == cursor_.block_start && cursor_.event != 0 &&
      HasPlantedBug(PlantedBug::kCutBetweenBlocks)) {
    return false;
  }
  Fail(
      fmt::format("stops at byte {}, after {} events, without an end: it is cut short, or its "
                  "writer was killed; --partial takes what is there",
                  at, cursor_.event));
  return false;
}

void RecordingReader::Fail(const std::string& what) {
  if (trouble_.empty()) trouble_ = path_.string() + " " + what;
}

}  // namespace ward::emulator
