// What a driver asked for and did not get: accesses that nothing implements or that were refused,
// and loops in which it waited. docs/spec/trace.md describes both forms of the report.
#ifndef WARD_EMULATOR_BOUNDARY_DRIVER_REPORT_H_
#define WARD_EMULATOR_BOUNDARY_DRIVER_REPORT_H_

#include <array>
#include <cstdint>
#include <string>

#include "base/file_descriptor.h"
#include "emulator/boundary/access_table.h"
#include "emulator/boundary/observer.h"
#include "emulator/boundary/spin_watchdog.h"

namespace ward::emulator {

class DriverReport final : public Observer {
 public:
  // `path` is rewritten as the report grows, so that it is there after a crash too: as a whole, at
  // most once a virtual second and whenever the report has doubled. As JSON when it ends in
  // ".json". Empty: no file.
  DriverReport(const SpinLimits& limits, std::string path);
  ~DriverReport() override;
  DriverReport(const DriverReport&) = delete;
  DriverReport& operator=(const DriverReport&) = delete;

  // The file is opened once and written over. Before the first WriteFile.
  void WriteInPlace() { in_place_ = true; }

  void OnBoundary(const BoundaryEvent& event, uint64_t now_ns) override;
  void OnTrace(const TraceEvent& event, uint64_t now_ns) override;
  void OnPacket(const TracePacket& packet, uint64_t now_ns) override;
  std::string Trouble() const override { return trouble_; }

  std::string Text() const;
  std::string Json() const;
  // Writes the file now; false when it can't be, or there is none.
  bool WriteFile();

 private:
  void CheckRegister(const BoundaryEvent& event, AccessKind kind);
  void CheckRegisterWrite(const BoundaryEvent& event);
  void CheckStatus(const TraceEvent& event);
  void CheckAnswer(const TraceEvent& event);
  void Count(AccessReason reason, AccessKind kind, uint64_t number, uint64_t detail);
  void KeepFile();
  void ForgetDriver();
  bool WriteOver(const std::string& text);
  bool WriteBeside(const std::string& text);

  static constexpr uint32_t kQueues = 16;
  SpinWatchdog watchdog_;
  AccessTable accesses_;
  std::string path_;
  LastCommand last_command_;
  std::array<uint16_t, kQueues> opcodes_ = {};  // of the last command, by queue
  uint32_t message_ = 0;                        // in the mailbox
  uint64_t read_offset_ = 0;
  bool is_reading_ = false;  // a read of a described register waits for its answer
  uint64_t now_ns_ = 0;
  uint64_t written_size_ = 0;  // accesses and loops in the file
  uint64_t written_ns_ = 0;
  bool in_place_ = false;
  std::string trouble_;  // why the file does not show the report
  FileDescriptor file_;
};

}  // namespace ward::emulator

#endif  // WARD_EMULATOR_BOUNDARY_DRIVER_REPORT_H_
