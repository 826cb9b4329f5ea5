// What the driver and the chip do, one line an event, in one of two forms (docs/spec/trace.md).
#ifndef WARD_EMULATOR_BOUNDARY_TEXT_TRACE_H_
#define WARD_EMULATOR_BOUNDARY_TEXT_TRACE_H_

#include <array>
#include <cstdint>
#include <string>

#include "emulator/boundary/bounded_file.h"
#include "emulator/boundary/observer.h"

namespace ward::emulator {

enum class TraceForm {
  kText,  // "[     0.001234567] register-write QUEUE_CONTROL[1] value=0x1 ENABLE=0x1"
  kLog,   // "ward_register_write time_ns=1234567 name=QUEUE_CONTROL[1] value=0x1 ENABLE=0x1"
};

// Kinds of lines; each has a rate of its own.
enum class LineKind : uint8_t {
  kRegisterRead,
  kRegisterWrite,
  kConfigRead,
  kConfigWrite,
  kMsixRead,
  kMsixWrite,
  kLink,
  kDisplay,
  kCommand,
  kDone,
  kMessage,
  kAnswer,
  kFault,
  kRefusal,
  kFence,
  kInterrupt,
  kReset,
  kTearDown,
  kHang,
  kFirmware,
  kUnmodelled,
  kOther,
};
inline constexpr size_t kLineKindCount = static_cast<size_t>(LineKind::kOther) + 1;
// "register-read"
const char* LineKindName(LineKind kind);

struct TextTraceLimits {
  uint64_t file_bytes = BoundedFile::kDefaultBytes;
  // Of one kind in a second of virtual time; 0: no limit. How many lines were left out is said when
  // the next second begins, and at the end.
  uint64_t lines_per_second = 5000;
};

class TextTrace final : public Observer {
 public:
  TextTrace(TraceForm form, const TextTraceLimits& limits)
      : form_(form), limits_(limits), file_(limits.file_bytes) {}
  ~TextTrace() override;

  // As BoundedFile::Open.
  bool Open(const std::string& path) {
    path_ = path;
    return file_.Open(path, BoundedFile::Access::kShared);
  }

  void OnBoundary(const BoundaryEvent& event, uint64_t now_ns) override;
  void OnTrace(const TraceEvent& event, uint64_t now_ns) override;
  void OnPacket(const TracePacket& packet, uint64_t now_ns) override;
  std::string Trouble() const override;

 private:
  struct Rate {
    uint64_t second = 0;
    uint64_t lines = 0;
    uint64_t left_out = 0;
  };

  // Whether a line of this kind may be written now; counted as left out otherwise.
  bool Admit(LineKind kind, uint64_t now_ns);
  void TellLeftOut(LineKind kind, uint64_t now_ns);
  // `rest` is "key=value" pairs, each with a space before it.
  void Write(LineKind kind, uint64_t now_ns, const std::string& name, const std::string& rest);
  void WriteAccess(LineKind kind, const BoundaryEvent& event, uint64_t value, uint64_t now_ns);

  TraceForm form_;
  TextTraceLimits limits_;
  BoundedFile file_;
  std::string path_;
  std::array<Rate, kLineKindCount> rates_ = {};
  BoundaryEvent read_ = {};  // a read that waits for its answer
  bool is_reading_ = false;
  uint64_t last_ns_ = 0;
  bool said_full_ = false;
};

}  // namespace ward::emulator

#endif  // WARD_EMULATOR_BOUNDARY_TEXT_TRACE_H_
