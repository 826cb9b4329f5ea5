#include "emulator/recording/recording_file.h"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <optional>
#include <string_view>
#include <utility>

#include "emulator/recording/device_block.h"
#include "emulator/recording/event_code.h"
#include "emulator/seal/key_file.h"
#include "fmt/format.h"

namespace ward::emulator {
namespace {

constexpr char kNoRandom[] = "the host has no random bytes for the recording";

// What an end block takes.
constexpr uint64_t kEndBytes = BlockGuard::kHeadBytes + 12 + BlockGuard::kTagBytes;

std::string WhyNot() { return std::strerror(errno); }

bool IsRecording(int file) {
  char magic[BlockGuard::kMagic.size()];
  return ::pread(file, magic, sizeof(magic), 0) == static_cast<ssize_t>(sizeof(magic)) &&
         std::string_view(magic, sizeof(magic)) == BlockGuard::kMagic;
}

// An older recording makes room. Anything else stays where it is.
bool MakeRoom(const std::filesystem::path& path, std::string* error) {
  const int old = ::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOFOLLOW);
  if (old < 0 && errno == ENOENT) return true;
  struct stat status = {};
  if (old < 0) {
    *error = "can't be replaced: " + WhyNot();
  } else if (::fstat(old, &status) != 0 || !S_ISREG(status.st_mode)) {
    *error = "is there and no regular file: name another one";
  } else if (status.st_size != 0 && !IsRecording(old)) {
    *error = "is there and no recording, and is kept: name another one";
  } else if (::flock(old, LOCK_EX | LOCK_NB) != 0) {
    *error = "is being written by another device: name another one";
  } else if (::unlink(path.c_str()) != 0) {
    *error = "can't be replaced: " + WhyNot();
  }
  if (old >= 0) ::close(old);
  return error->empty();
}

// Never freed: an exit may come in any order.
std::vector<RecordingFile*>& OpenAtExit() {
  static auto* const files = new std::vector<RecordingFile*>;
  return *files;
}

}  // namespace

std::unique_ptr<RecordingFile> RecordingFile::Open(const RecordingOptions& options,
                                                   const device::GpuOptions& gpu,
                                                   std::string* error) {
  error->clear();
  SecretBytes<32> key;
  const bool is_sealed = !options.key_file.empty();
  if (is_sealed && !ReadKeyFile(options.key_file, "recording's key", &key, error)) return nullptr;
  if (!is_sealed && !options.is_test_identity) {
    *error =
        "a recording holds the identity's private key: seal it under a key of 32 bytes "
        "(record-key), use an identity made by `ward identity create --test DIR`, or none";
    return nullptr;
  }
  std::optional<BlockGuard> guard = BlockGuard::Start(is_sealed ? &key : nullptr);
  if (!guard) {
    *error = kNoRandom;
    return nullptr;
  }
  std::unique_ptr<RecordingFile> file(new RecordingFile(options, std::move(*guard)));
  if (!file->Create(error) || !file->WriteStart(gpu, error)) {
    *error = "the recording " + options.path.string() + " " + *error;
    return nullptr;
  }
  return file;
}

RecordingFile::RecordingFile(const RecordingOptions& options, BlockGuard guard)
    : path_(options.path), limit_bytes_(options.limit_bytes), guard_(std::move(guard)) {
  pending_.reserve(kCutBytes);
}

RecordingFile::~RecordingFile() {
  Close();
  std::erase(OpenAtExit(), this);
  SecureWipe(pending_.data(), pending_.size());
}

bool RecordingFile::Create(std::string* error) {
  if (!MakeRoom(path_, error)) return false;
  file_ = ::open(path_.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600);
  if (file_ < 0) {
    *error = "can't be created: " + WhyNot();
    return false;
  }
  // Only so that another device does not take its place; nothing is lost without.
  (void)::flock(file_, LOCK_EX | LOCK_NB);
  return true;
}

bool RecordingFile::WriteStart(const device::GpuOptions& gpu, std::string* error) {
  SecretBytes<16> hash_key;
  if (getentropy(hash_key.Expose().data(), hash_key.kSizeBytes) != 0) {
    *error = std::string("can't be begun: ") + kNoRandom;
    return false;
  }
  std::vector<uint8_t> content;
  DeviceBlock::Write(gpu, hash_key, &content);
  const bool written = content.size() <= BlockGuard::kMaximumContent && Write(guard_.header()) &&
                       WriteBlock(RecordingBlock::kDevice, content);
  SecureWipe(content.data(), content.size());
  if (!written) *error = trouble_.empty() ? "can't be begun" : "can't be written: " + WhyNot();
  return written;
}

void RecordingFile::CloseAtExit() {
  static const bool is_registered = std::atexit([] {
                                      for (RecordingFile* file : OpenAtExit()) file->Close();
                                    }) == 0;
  (void)is_registered;  // without it the recording ends as one of a killed process
  OpenAtExit().push_back(this);
}

void RecordingFile::OnEvent(const BoundaryEvent& event) {
  if (file_ < 0) return;
  if (event.kind == BoundaryEventKind::kReplaced) {
    const bool by_snapshot = event.value == static_cast<uint64_t>(ReplacedBy::kSnapshot);
    return End(by_snapshot ? RecordingEnd::kSnapshot : RecordingEnd::kSealedState);
  }
  event_head_.clear();
  EncodeEvent(event, &event_head_);
  Put(event_head_);
  Put(event.data);
  ++event_count_;
  // Guests' bytes are worked on in slices: should the process die in one, this is there to be seen.
  if (event.kind == BoundaryEventKind::kProcess) Flush();
}

void RecordingFile::OnReturn(BoundaryEventKind kind) {
  if (kind == BoundaryEventKind::kProcess) Flush();
}

void RecordingFile::Put(ConstByteSpan bytes) {
  while (!bytes.empty() && file_ >= 0) {
    const size_t size = std::min(bytes.size(), kCutBytes - pending_.size());
    pending_.insert(pending_.end(), bytes.begin(), bytes.begin() + static_cast<ptrdiff_t>(size));
    bytes = bytes.subspan(size);
    if (pending_.size() == kCutBytes) Flush();
  }
}

void RecordingFile::Flush() {
  if (file_ < 0 || pending_.empty()) return;
  const uint64_t needed = BlockGuard::kHeadBytes + pending_.size() + BlockGuard::kTagBytes;
  const bool has_room = written_ + needed + kEndBytes <= limit_bytes_;
  if (has_room) WriteBlock(RecordingBlock::kEvents, pending_);
  SecureWipe(pending_.data(), pending_.size());
  pending_.clear();
  if (!has_room) End(RecordingEnd::kLimit);
}

void RecordingFile::End(RecordingEnd end) {
  if (end != RecordingEnd::kLimit) Flush();
  if (file_ < 0) return;
  std::vector<uint8_t> content(12);
  StoreLe(content.data(), event_count_);
  StoreLe(content.data() + 8, static_cast<uint32_t>(end));
  if (!WriteBlock(RecordingBlock::kEnd, content)) return;
  if (::close(std::exchange(file_, -1)) != 0) {
    trouble_ = fmt::format("the recording {} could not be written: {}", path_.string(), WhyNot());
  } else if (end == RecordingEnd::kLimit) {
    trouble_ = fmt::format("the recording {} ends: it has {} bytes, as many as it may",
                           path_.string(), written_);
  } else if (end != RecordingEnd::kClosed) {
    trouble_ = fmt::format("the recording {} ends: the device goes on from {}", path_.string(),
                           end == RecordingEnd::kSnapshot ? "a snapshot" : "a sealed state");
  }
}

bool RecordingFile::WriteBlock(RecordingBlock kind, ConstByteSpan content) {
  const uint64_t before = written_;
  const bool is_wrapped = guard_.Wrap(block_number_, kind, content, &block_);
  if (is_wrapped && Write(block_)) {
    ++block_number_;
    return true;
  }
  Fail(is_wrapped ? WhyNot() : "libcrypto fails");
  // What is there of the block would be taken for damage.
  if (::ftruncate(file_, static_cast<off_t>(before)) != 0) trouble_ += ", and it is cut short";
  ::close(std::exchange(file_, -1));
  return false;
}

bool RecordingFile::Write(ConstByteSpan bytes) {
  while (!bytes.empty()) {
    const ssize_t size = ::write(file_, bytes.data(), bytes.size());
    if (size < 0 && errno == EINTR) continue;
    if (size < 0) return false;
    written_ += static_cast<uint64_t>(size);
    bytes = bytes.subspan(static_cast<size_t>(size));
  }
  return true;
}

void RecordingFile::Fail(const std::string& what) {
  trouble_ =
      fmt::format("the recording {} ends, it could not be written: {}", path_.string(), what);
}

}  // namespace ward::emulator
