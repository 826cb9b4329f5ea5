#include "emulator/boundary/text_trace.h"

#include <algorithm>
#include <cstring>
#include <iterator>
#include <utility>

#include "emulator/boundary/names.h"
#include "fmt/format.h"

namespace ward::emulator {
namespace {

constexpr uint64_t kNsPerSecond = 1'000'000'000;

constexpr const char* kKindNames[] = {
    "register-read", "register-write", "config-read", "config-write", "msix-read", "msix-write",
    "link",          "display",        "command",     "done",         "message",   "answer",
    "fault",         "refusal",        "fence",       "interrupt",    "reset",     "teardown",
    "hang",          "firmware",       "unmodelled",  "other"};
static_assert(std::size(kKindNames) == kLineKindCount);

// How the chip's own events are written: the names of their arguments, nullptr where there is none.
struct EventForm {
  const char* event;
  LineKind kind;
  const char* arguments[3];
};

constexpr EventForm kEventForms[] = {
    {"command", LineKind::kCommand, {"queue", "position", "indirect"}},
    {"done", LineKind::kDone, {"queue", "position", "indirect"}},
    {"message", LineKind::kMessage, {"queue", "context", "bytes"}},
    {"answer", LineKind::kAnswer, {"queue", "bytes", nullptr}},
    {"fault", LineKind::kFault, {"queue", "position", "status"}},
    {"refusal", LineKind::kRefusal, {"queue", "position", "status"}},
    {"fence", LineKind::kFence, {"queue", "value", nullptr}},
    {"interrupt", LineKind::kInterrupt, {"source", "vector", nullptr}},
    {"reset", LineKind::kReset, {"queue", nullptr, nullptr}},
    {"teardown", LineKind::kTearDown, {"epoch", nullptr, nullptr}},
    {"hang", LineKind::kHang, {"queue", "position", nullptr}},
    {"firmware", LineKind::kFirmware, {"failed_test", nullptr, nullptr}},
    {"open decrypt", LineKind::kFirmware, {nullptr, nullptr, nullptr}},
    {"invalid command", LineKind::kUnmodelled, {"queue", "position", nullptr}},
    {"unmodelled command", LineKind::kUnmodelled, {"queue", "position", "opcode"}},
    {"unmodelled message", LineKind::kUnmodelled, {"queue", "context", "number"}},
    {"unmodelled access", LineKind::kUnmodelled, {"offset", "size", nullptr}},
};

const EventForm* FindForm(const char* event) {
  const auto* found =
      std::find_if(std::begin(kEventForms), std::end(kEventForms),
                   [&](const EventForm& form) { return std::strcmp(form.event, event) == 0; });
  return found != std::end(kEventForms) ? found : nullptr;
}

// One word: what follows a kind, and what a reader splits at spaces.
std::string Word(std::string text) {
  std::replace(text.begin(), text.end(), ' ', '-');
  return text;
}

// What an event is about: its detail, or what stands for it; may be empty.
std::string Subject(const TraceEvent& event) {
  if (std::strcmp(event.name, "interrupt") == 0) return SourceName(event.arguments[0]);
  if (std::strcmp(event.name, "unmodelled access") == 0) {
    return fmt::format("{}:{}", event.detail, RegisterName(event.arguments[0]));
  }
  if (std::strcmp(event.name, "unmodelled command") == 0) return "command";
  if (std::strcmp(event.name, "unmodelled message") == 0) return "message";
  if (std::strcmp(event.name, "open decrypt") == 0) return Word(event.name);
  return Word(event.detail);
}

}  // namespace

const char* LineKindName(LineKind kind) { return kKindNames[static_cast<size_t>(kind)]; }

TextTrace::~TextTrace() {
  for (size_t kind = 0; kind < kLineKindCount; ++kind) {
    TellLeftOut(static_cast<LineKind>(kind), last_ns_);
  }
}

bool TextTrace::Admit(LineKind kind, uint64_t now_ns) {
  last_ns_ = now_ns;
  if (limits_.lines_per_second == 0) return true;
  Rate& rate = rates_[static_cast<size_t>(kind)];
  const uint64_t second = now_ns / kNsPerSecond;
  if (second != rate.second) {
    TellLeftOut(kind, now_ns);
    rate.second = second;
    rate.lines = 0;
  }
  if (rate.lines < limits_.lines_per_second) {
    ++rate.lines;
    return true;
  }
  ++rate.left_out;
  return false;
}

void TextTrace::TellLeftOut(LineKind kind, uint64_t now_ns) {
  Rate& rate = rates_[static_cast<size_t>(kind)];
  const uint64_t left_out = std::exchange(rate.left_out, 0);
  if (left_out == 0) return;
  Write(LineKind::kOther, now_ns, "left-out",
        fmt::format(" kind={} lines={}", LineKindName(kind), left_out));
}

void TextTrace::Write(LineKind kind, uint64_t now_ns, const std::string& name,
                      const std::string& rest) {
  std::string line;
  if (form_ == TraceForm::kText) {
    line = fmt::format("[{:6}.{:09}] {}{}{}{}\n", now_ns / kNsPerSecond, now_ns % kNsPerSecond,
                       LineKindName(kind), name.empty() ? "" : " ", name, rest);
  } else {
    std::string event = LineKindName(kind);
    std::replace(event.begin(), event.end(), '-', '_');
    line = fmt::format("ward_{} time_ns={}{}{}{}\n", event, now_ns,
                       name.empty() ? "" : " name=", name, rest);
  }
  if (!file_.Write(line) && !std::exchange(said_full_, true)) {
    file_.WriteLast("trace full: later events are not written\n");
  }
}

std::string TextTrace::Trouble() const {
  return file_.is_full() ? fmt::format("the trace {} ends: {}", path_, file_.trouble())
                         : std::string();
}

void TextTrace::WriteAccess(LineKind kind, const BoundaryEvent& event, uint64_t value,
                            uint64_t now_ns) {
  if (!Admit(kind, now_ns)) return;
  const auto value32 = static_cast<uint32_t>(value);
  const bool is_register = event.kind == BoundaryEventKind::kRegisterRead ||
                           event.kind == BoundaryEventKind::kRegisterWrite;
  if (!is_register) {
    const bool is_msix =
        event.kind == BoundaryEventKind::kMsixRead || event.kind == BoundaryEventKind::kMsixWrite;
    const std::string name =
        is_msix ? MsixName(event.address) : ConfigName(static_cast<uint32_t>(event.address));
    return Write(kind, now_ns, name,
                 fmt::format(" size={} value={:#x}", event.size_bytes, value32));
  }
  const NamedRegister place = FindRegister(event.address);
  const std::string name = RegisterName(event.address);
  // What is written to nowhere is nobody's business.
  if (place.info == nullptr || event.size_bytes != sizeof(value32)) {
    return Write(kind, now_ns, name,
                 fmt::format(" offset={:#x} size={}", event.address, event.size_bytes));
  }
  Write(kind, now_ns, name,
        fmt::format(" value={:#x}{}", value32, DecodeFields(*place.info, value32)));
}

void TextTrace::OnBoundary(const BoundaryEvent& event, uint64_t now_ns) {
  switch (event.kind) {
    case BoundaryEventKind::kRegisterRead:
    case BoundaryEventKind::kConfigRead:
    case BoundaryEventKind::kMsixRead:
      read_ = event;
      is_reading_ = true;
      return;
    case BoundaryEventKind::kRegisterLook:  // to a driver it is a read
      read_ = event;
      read_.kind = BoundaryEventKind::kRegisterRead;
      is_reading_ = true;
      return;
    case BoundaryEventKind::kAnswer: {
      if (!std::exchange(is_reading_, false)) return;
      const LineKind kind = read_.kind == BoundaryEventKind::kRegisterRead ? LineKind::kRegisterRead
                            : read_.kind == BoundaryEventKind::kConfigRead ? LineKind::kConfigRead
                                                                           : LineKind::kMsixRead;
      return WriteAccess(kind, read_, event.value, now_ns);
    }
    case BoundaryEventKind::kRegisterWrite:
      return WriteAccess(LineKind::kRegisterWrite, event, event.value, now_ns);
    case BoundaryEventKind::kConfigWrite:
      return WriteAccess(LineKind::kConfigWrite, event, event.value, now_ns);
    case BoundaryEventKind::kMsixWrite:
      return WriteAccess(LineKind::kMsixWrite, event, event.value, now_ns);
    case BoundaryEventKind::kLinkFault:
      if (!Admit(LineKind::kLink, now_ns)) return;
      return Write(LineKind::kLink, now_ns, fmt::format("OUTPUT{}", event.address),
                   fmt::format(" fault={}", event.value));
    case BoundaryEventKind::kAttachDisplay: {
      if (!Admit(LineKind::kDisplay, now_ns)) return;
      const device::AttachedDisplay display = DecodeDisplay(event.value);
      return Write(LineKind::kDisplay, now_ns, fmt::format("OUTPUT{}", event.address),
                   fmt::format(" connected={:d} width={} height={}", display.connected,
                               display.width, display.height));
    }
    case BoundaryEventKind::kReset:
      if (!Admit(LineKind::kReset, now_ns)) return;
      return Write(LineKind::kReset, now_ns, "host", fmt::format(" kind={}", event.value));
    default:
      return;
  }
}

void TextTrace::OnTrace(const TraceEvent& event, uint64_t now_ns) {
  const EventForm* form = FindForm(event.name);
  const LineKind kind = form != nullptr ? form->kind : LineKind::kOther;
  if (!Admit(kind, now_ns)) return;
  std::string rest;
  for (size_t i = 0; i < std::size(event.arguments); ++i) {
    const char* name = form != nullptr ? form->arguments[i] : nullptr;
    if (name == nullptr) continue;
    const bool is_place = name[0] == 'p' || std::strcmp(name, "indirect") == 0 ||
                          std::strcmp(name, "offset") == 0 || std::strcmp(name, "status") == 0;
    rest += is_place ? fmt::format(" {}={:#x}", name, event.arguments[i])
                     : fmt::format(" {}={}", name, event.arguments[i]);
  }
  // An event that has no form here is at least told by its name.
  Write(kind, now_ns, form != nullptr ? Subject(event) : Word(event.name), rest);
}

void TextTrace::OnPacket(const TracePacket&, uint64_t) {}

}  // namespace ward::emulator
