#include "emulator/boundary/trace_timeline.h"

#include <algorithm>
#include <cstdint>
#include <map>
#include <optional>
#include <sstream>
#include <string_view>
#include <utility>

#include "emulator/boundary/text_trace.h"
#include "fmt/format.h"

namespace ward::emulator {
namespace {

constexpr uint64_t kNsPerMicrosecond = 1000;
constexpr uint64_t kNsPerSecond = 1'000'000'000;

struct Line {
  LineKind kind = LineKind::kOther;
  uint64_t time_ns = 0;
  std::string name;
  std::map<std::string, std::string> values;

  std::string Value(const char* key) const {
    const auto found = values.find(key);
    return found == values.end() ? "" : found->second;
  }
};

std::optional<uint64_t> ParseNumber(const std::string& text) {
  if (text.empty() || text.find_first_not_of("0123456789") != std::string::npos ||
      text.size() > 19) {
    return std::nullopt;
  }
  return std::stoull(text);
}

// "12.000000345]" in nanoseconds.
std::optional<uint64_t> ParseSeconds(std::string text) {
  const size_t point = text.find('.');
  if (text.empty() || text.back() != ']' || point == std::string::npos) return std::nullopt;
  text.pop_back();
  const auto seconds = ParseNumber(text.substr(0, point));
  const auto nanoseconds = ParseNumber(text.substr(point + 1));
  if (!seconds || !nanoseconds || text.size() - point != 10) return std::nullopt;
  return *seconds * kNsPerSecond + *nanoseconds;
}

std::optional<LineKind> FindKind(std::string name) {
  std::replace(name.begin(), name.end(), '_', '-');
  for (size_t kind = 0; kind < kLineKindCount; ++kind) {
    if (name == LineKindName(static_cast<LineKind>(kind))) return static_cast<LineKind>(kind);
  }
  return std::nullopt;
}

void ParseValues(std::istringstream* words, Line* line) {
  std::string word;
  while (*words >> word) {
    const size_t equals = word.find('=');
    if (equals == std::string::npos) {
      line->name = word;
    } else {
      line->values[word.substr(0, equals)] = word.substr(equals + 1);
    }
  }
}

// "[     1.000000002] command FENCE queue=0"
std::optional<Line> ParseText(const std::string& text) {
  std::istringstream words(text.substr(1));
  std::string time;
  std::string kind;
  Line line;
  words >> time >> kind;
  const auto time_ns = ParseSeconds(time);
  const auto found = FindKind(kind);
  if (!time_ns || !found) return std::nullopt;
  line.time_ns = *time_ns;
  line.kind = *found;
  ParseValues(&words, &line);
  return line;
}

// "ward_command time_ns=1000000002 name=FENCE queue=0"
std::optional<Line> ParseLog(const std::string& text) {
  constexpr std::string_view kPrefix = "ward_";
  std::istringstream words(text);
  std::string event;
  Line line;
  words >> event;
  if (event.compare(0, kPrefix.size(), kPrefix) != 0) return std::nullopt;
  const auto found = FindKind(event.substr(kPrefix.size()));
  ParseValues(&words, &line);
  const auto time_ns = ParseNumber(line.Value("time_ns"));
  if (!found || !time_ns) return std::nullopt;
  line.kind = *found;
  line.time_ns = *time_ns;
  line.name = line.Value("name");
  line.values.erase("name");
  line.values.erase("time_ns");
  return line;
}

std::optional<Line> Parse(const std::string& text) {
  if (text.empty()) return std::nullopt;
  return text[0] == '[' ? ParseText(text) : ParseLog(text);
}

std::string Quoted(const std::string& text) {
  std::string quoted = "\"";
  for (const char c : text) {
    if (c == '"' || c == '\\') quoted += '\\';
    quoted += static_cast<unsigned char>(c) < 0x20 ? ' ' : c;
  }
  return quoted + "\"";
}

class TimelineWriter {
 public:
  explicit TimelineWriter(std::ostream* out) : out_(*out) {
    out_ << "{\"displayTimeUnit\": \"ns\", \"traceEvents\": [";
    Emit(R"({"ph": "M", "pid": 1, "name": "process_name", "args": {"name": "WardGPU"}})");
    NameTrack(kFirmware, "firmware messages");
    NameTrack(kInterrupts, "interrupts");
    NameTrack(kFences, "fences");
    NameTrack(kEvents, "resets and faults");
  }

  void Take(const Line& line) {
    now_ns_ = std::max(now_ns_, line.time_ns);
    switch (line.kind) {
      case LineKind::kCommand:
        return BeginCommand(line);
      case LineKind::kDone:
        return EndCommand(line);
      case LineKind::kMessage:
        End(kFirmware, "");
        return Begin(kFirmware, line);
      case LineKind::kAnswer:
        return End(kFirmware, line.name);
      case LineKind::kInterrupt:
        return Mark(kInterrupts, line.name, line);
      case LineKind::kFence:
        return Mark(kFences, "fence of queue " + line.Value("queue"), line);
      case LineKind::kRefusal:
        return Mark(kEvents, line.name, line);
      case LineKind::kFault:
        Mark(kEvents, line.name, line);
        return EndQueue(line, line.name);
      case LineKind::kReset:
        Mark(kEvents, "reset " + line.name, line);
        return EndReset(line);
      case LineKind::kTearDown:
      case LineKind::kHang:
      case LineKind::kFirmware:
        return Mark(kEvents, std::string(LineKindName(line.kind)) + " " + line.name, line);
      default:
        return;
    }
  }

  void Finish() {
    EndAll();
    out_ << "\n]}\n";
  }

 private:
  // Threads of the one process; queue n is n + 1.
  static constexpr uint64_t kFirmware = 100;
  static constexpr uint64_t kInterrupts = 101;
  static constexpr uint64_t kFences = 102;
  static constexpr uint64_t kEvents = 103;
  static constexpr uint64_t kQueues = 16;

  void Emit(const std::string& event) {
    out_ << (is_first_ ? "\n" : ",\n") << event;
    is_first_ = false;
  }
  void NameTrack(uint64_t track, const std::string& name) {
    Emit(fmt::format(
        R"({{"ph": "M", "pid": 1, "tid": {}, "name": "thread_name", "args": {{"name": {}}}}})",
        track, Quoted(name)));
  }
  // Nothing of the trace is a number of the timeline's own that it would have to be right about.
  static std::string Arguments(const Line& line) {
    std::string text;
    for (const auto& [key, value] : line.values) {
      text += fmt::format("{}{}: {}", text.empty() ? "" : ", ", Quoted(key), Quoted(value));
    }
    return text;
  }
  std::string Head(const char* phase, uint64_t track) const {
    return fmt::format(R"("ph": "{}", "pid": 1, "tid": {}, "ts": {}.{:03})", phase, track,
                       now_ns_ / kNsPerMicrosecond, now_ns_ % kNsPerMicrosecond);
  }

  void Begin(uint64_t track, const Line& line) {
    Emit(fmt::format(R"({{{}, "name": {}, "args": {{{}}}}})", Head("B", track), Quoted(line.name),
                     Arguments(line)));
    open_[track] = line;
  }
  void End(uint64_t track, const std::string& status) {
    const auto open = open_.find(track);
    if (open == open_.end()) return;
    const std::string arguments = status.empty() ? "" : "\"status\": " + Quoted(status);
    Emit(fmt::format(R"({{{}, "name": {}, "args": {{{}}}}})", Head("E", track),
                     Quoted(open->second.name), arguments));
    open_.erase(open);
  }
  void Mark(uint64_t track, const std::string& name, const Line& line) {
    Emit(fmt::format(R"({{{}, "s": "t", "name": {}, "args": {{{}}}}})", Head("i", track),
                     Quoted(name), Arguments(line)));
  }

  // The track of the line's queue; nothing when it names none.
  std::optional<uint64_t> QueueTrack(const Line& line) {
    const auto queue = ParseNumber(line.Value("queue"));
    if (!queue || *queue >= kQueues) return std::nullopt;
    if (!is_named_[*queue]) NameTrack(*queue + 1, fmt::format("queue {}", *queue));
    is_named_[*queue] = true;
    return *queue + 1;
  }
  void BeginCommand(const Line& line) {
    const auto track = QueueTrack(line);
    if (!track) return;
    End(*track, "");
    Begin(*track, line);
  }
  void EndCommand(const Line& line) {
    const auto track = QueueTrack(line);
    if (!track) return;
    const auto open = open_.find(*track);
    // The end of a command whose beginning was left out.
    if (open == open_.end() || open->second.Value("position") != line.Value("position") ||
        open->second.Value("indirect") != line.Value("indirect")) {
      return;
    }
    End(*track, "");
  }
  void EndQueue(const Line& line, const std::string& status) {
    const auto track = QueueTrack(line);
    if (!track) return;
    End(*track, status);
    const auto message = open_.find(kFirmware);
    if (message != open_.end() && message->second.Value("queue") == line.Value("queue")) {
      End(kFirmware, status);
    }
  }
  void EndReset(const Line& line) {
    if (line.name == "queue") return EndQueue(line, "reset");
    if (line.name == "function" || line.name == "host") EndAll();
  }
  void EndAll() {
    while (!open_.empty()) End(open_.begin()->first, "");
  }

  std::ostream& out_;
  std::map<uint64_t, Line> open_;  // what began, by track
  bool is_named_[kQueues] = {};
  bool is_first_ = true;
  uint64_t now_ns_ = 0;
};

}  // namespace

bool ConvertTrace(std::istream& trace, std::ostream& timeline, std::string* error) {
  TimelineWriter writer(&timeline);
  bool is_trace = false;
  std::string text;
  while (std::getline(trace, text)) {
    const std::optional<Line> line = Parse(text);
    if (!line) continue;
    is_trace = true;
    writer.Take(*line);
  }
  writer.Finish();
  if (!is_trace) *error = "no line of it is one of a trace";
  return is_trace;
}

}  // namespace ward::emulator
