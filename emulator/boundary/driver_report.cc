#include "emulator/boundary/driver_report.h"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstring>
#include <utility>
#include <vector>

#include "abi/generated/commands.h"
#include "abi/generated/messages.h"
#include "abi/generated/registers.h"
#include "abi/generated/status.h"
#include "device/gpu.h"
#include "emulator/boundary/names.h"
#include "emulator/boundary/report_text.h"
#include "fmt/format.h"

namespace ward::emulator {
namespace {

constexpr uint32_t kRegisterBytes = 4;
constexpr uint64_t kWriteEveryNs = 1'000'000'000;

bool EndsInJson(const std::string& path) {
  constexpr std::string_view kEnd = ".json";
  return path.size() >= kEnd.size() &&
         path.compare(path.size() - kEnd.size(), kEnd.size(), kEnd) == 0;
}

bool IsName(const char* a, const char* b) { return std::strcmp(a, b) == 0; }

uint16_t OpcodeOf(const char* name) {
  for (const abi::CommandInfo& info : abi::kCommands) {
    if (IsName(info.name, name)) return info.opcode;
  }
  return 0;
}

uint32_t StatusOf(const char* name) {
  for (const abi::StatusInfo& info : abi::kStatuses) {
    if (IsName(info.name, name)) return info.code;
  }
  return 0;
}

uint32_t NumberOf(const char* name) {
  for (const abi::MessageInfo& info : abi::kMessages) {
    if (IsName(info.name, name)) return info.number;
  }
  return 0;
}

}  // namespace

DriverReport::DriverReport(const SpinLimits& limits, std::string path)
    : watchdog_(limits), path_(std::move(path)) {}

DriverReport::~DriverReport() { WriteFile(); }

void DriverReport::Count(AccessReason reason, AccessKind kind, uint64_t number, uint64_t detail) {
  accesses_.Count({reason, kind, number, detail, 1, now_ns_, now_ns_, last_command_});
}

void DriverReport::OnBoundary(const BoundaryEvent& event, uint64_t now_ns) {
  now_ns_ = now_ns;
  switch (event.kind) {
    case BoundaryEventKind::kRegisterRead:
    case BoundaryEventKind::kRegisterLook:
      CheckRegister(event, AccessKind::kRead);
      break;
    case BoundaryEventKind::kAnswer:
      if (std::exchange(is_reading_, false)) {
        watchdog_.OnRead(static_cast<uint32_t>(read_offset_), static_cast<uint32_t>(event.value),
                         now_ns, last_command_);
      }
      break;
    case BoundaryEventKind::kRegisterWrite:
      watchdog_.OnOther(now_ns);
      CheckRegister(event, AccessKind::kWrite);
      break;
    case BoundaryEventKind::kConfigWrite:
      watchdog_.OnOther(now_ns);
      if (!IsNamedConfig(static_cast<uint32_t>(event.address))) {
        Count(AccessReason::kNoConfig, AccessKind::kConfigWrite, event.address, 0);
      }
      break;
    case BoundaryEventKind::kReset:
      watchdog_.OnOther(now_ns);
      if (event.value == static_cast<uint64_t>(device::ResetKind::kPowerOn)) ForgetDriver();
      break;
    case BoundaryEventKind::kMsixWrite:
    case BoundaryEventKind::kTearDown:
      watchdog_.OnOther(now_ns);
      break;
    default:
      break;
  }
  KeepFile();
}

// The next driver is another one, of another client perhaps: what it does wrong was not begun by
// the last one's commands.
void DriverReport::ForgetDriver() {
  last_command_ = {};
  opcodes_ = {};
  message_ = 0;
  is_reading_ = false;
}

void DriverReport::CheckRegister(const BoundaryEvent& event, AccessKind kind) {
  const NamedRegister place = FindRegister(event.address);
  if (event.size_bytes != kRegisterBytes || event.address % kRegisterBytes != 0) {
    return Count(AccessReason::kAccessSize, kind, event.address, event.size_bytes);
  }
  if (place.info == nullptr) return Count(AccessReason::kNoRegister, kind, event.address, 0);
  if (place.info->access == abi::RegisterAccess::kRaz) {
    return Count(AccessReason::kFeatureAbsent, kind, event.address, 0);
  }
  if (kind == AccessKind::kWrite) return CheckRegisterWrite(event);
  is_reading_ = true;
  read_offset_ = event.address;
}

void DriverReport::CheckRegisterWrite(const BoundaryEvent& event) {
  const abi::RegisterInfo& info = *FindRegister(event.address).info;
  if (info.access == abi::RegisterAccess::kRo) {
    return Count(AccessReason::kReadOnly, AccessKind::kWrite, event.address, 0);
  }
  const uint64_t reserved = event.value & ~uint64_t{info.writable_mask | info.action_mask};
  if (reserved != 0)
    Count(AccessReason::kReservedBits, AccessKind::kWrite, event.address, reserved);
}

void DriverReport::OnTrace(const TraceEvent& event, uint64_t now_ns) {
  now_ns_ = now_ns;
  if (IsName(event.name, "command")) {
    last_command_ = {event.detail, event.arguments[0]};
    opcodes_[event.arguments[0] % kQueues] = OpcodeOf(event.detail);
  } else if (IsName(event.name, "invalid command")) {
    opcodes_[event.arguments[0] % kQueues] = OpcodeOf(event.detail);
  } else if (IsName(event.name, "done")) {
    opcodes_[event.arguments[0] % kQueues] = 0;
  } else if (IsName(event.name, "unmodelled command")) {
    Count(AccessReason::kNoCommand, AccessKind::kCommand, event.arguments[2], 0);
    opcodes_[event.arguments[0] % kQueues] = 0;
  } else if (IsName(event.name, "unmodelled message")) {
    Count(AccessReason::kNoMessage, AccessKind::kMessage, event.arguments[2], 0);
    message_ = 0;
  } else if (IsName(event.name, "fault") || IsName(event.name, "refusal")) {
    CheckStatus(event);
  } else if (IsName(event.name, "message")) {
    message_ = NumberOf(event.detail);
  } else if (IsName(event.name, "answer")) {
    CheckAnswer(event);
  }
  KeepFile();
}

void DriverReport::CheckStatus(const TraceEvent& event) {
  const uint64_t status = event.arguments[2];
  const uint16_t opcode = opcodes_[event.arguments[0] % kQueues];
  // Told with its number already, or no mistake of the driver's.
  if (status == abi::kStatusOpcodeUnknown || status == abi::kStatusEngineReset) return;
  const AccessReason reason = status == abi::kStatusCommandUnimplemented
                                  ? AccessReason::kCommandAbsent
                                  : AccessReason::kStatus;
  Count(reason, AccessKind::kCommand, opcode, status);
}

void DriverReport::CheckAnswer(const TraceEvent& event) {
  const uint32_t status = StatusOf(event.detail);
  if (status == abi::kStatusOk || status == abi::kStatusMessageUnknown) return;
  const AccessReason reason = status == abi::kStatusMessageUnimplemented
                                  ? AccessReason::kMessageAbsent
                                  : AccessReason::kAnswer;
  Count(reason, AccessKind::kMessage, message_, status);
}

void DriverReport::OnPacket(const TracePacket&, uint64_t) {}

std::string DriverReport::Text() const {
  return ReportText(accesses_, watchdog_.Ranked(now_ns_), now_ns_);
}

std::string DriverReport::Json() const {
  return ReportJson(accesses_, watchdog_.Ranked(now_ns_), now_ns_);
}

void DriverReport::KeepFile() {
  if (path_.empty()) return;
  const uint64_t size = accesses_.total() + watchdog_.changes();
  const bool is_due = size >= 2 * written_size_ || now_ns_ - written_ns_ >= kWriteEveryNs;
  if (size != written_size_ && is_due) WriteFile();
}

bool DriverReport::WriteOver(const std::string& text) {
  if (!file_.valid())
    file_ = FileDescriptor(open(path_.c_str(), O_WRONLY | O_CREAT | O_CLOEXEC | O_NONBLOCK, 0600));
  const auto size = static_cast<ssize_t>(text.size());
  return pwrite(file_.get(), text.data(), text.size(), 0) == size &&
         ftruncate(file_.get(), size) == 0;
}

// Whoever reads it, at any time, finds a whole one.
bool DriverReport::WriteBeside(const std::string& text) {
  const std::string beside = path_ + ".new";
  std::FILE* file = std::fopen(beside.c_str(), "we");
  if (file == nullptr) return false;
  const bool is_whole = std::fwrite(text.data(), 1, text.size(), file) == text.size();
  const bool is_closed = std::fclose(file) == 0;
  if (is_whole && is_closed && std::rename(beside.c_str(), path_.c_str()) == 0) return true;
  const int error = errno;
  std::remove(beside.c_str());
  errno = error;
  return false;
}

bool DriverReport::WriteFile() {
  if (path_.empty()) return false;
  written_size_ = accesses_.total() + watchdog_.changes();
  written_ns_ = now_ns_;
  const std::string text = EndsInJson(path_) ? Json() : Text();
  if (in_place_ ? WriteOver(text) : WriteBeside(text)) {
    trouble_.clear();
    return true;
  }
  trouble_ = fmt::format("the report {} can't be written: {}", path_, std::strerror(errno));
  return false;
}

}  // namespace ward::emulator
