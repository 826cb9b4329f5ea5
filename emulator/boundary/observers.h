// All that a host can have watch its chip, opened from its options: what to write where. A host
// gives listener() to Boundary::Create and trace() to the chip's ports.
#ifndef WARD_EMULATOR_BOUNDARY_OBSERVERS_H_
#define WARD_EMULATOR_BOUNDARY_OBSERVERS_H_

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "device/ports.h"
#include "emulator/boundary/boundary.h"
#include "emulator/boundary/bounded_file.h"
#include "emulator/boundary/driver_report.h"
#include "emulator/boundary/observer.h"
#include "emulator/boundary/text_trace.h"
#include "emulator/boundary/work_counter.h"

namespace ward::emulator {

// Nothing secret gets into any of these files (docs/spec/trace.md).
struct ObserverOptions {
  std::string trace_path;  // "-": the standard error; empty: none
  TraceForm trace_form = TraceForm::kText;
  TextTraceLimits trace_limits;
  std::string pcap_path;  // empty: none
  uint64_t pcap_bytes = BoundedFile::kDefaultBytes;
  bool with_report = false;  // kept in memory, for report()
  std::string report_path;   // and in this file; JSON when it ends in ".json"
  // The report's file is opened once and written over, by a host that can't open files later. Else
  // it is replaced, and whoever reads it finds a whole one.
  bool report_in_place = false;
  SpinLimits spin_limits;
  bool with_counts = false;  // kept in memory, for counts()
};

class Observers {
 public:
  // Null and one line for people when a file can't be written.
  static std::unique_ptr<Observers> Open(const ObserverOptions& options, std::string* error);
  ~Observers();
  Observers(const Observers&) = delete;
  Observers& operator=(const Observers&) = delete;

  // Hears what crosses the boundary after the observers, which it must outlive. Before the first
  // call of listener().
  void AddListener(BoundaryListener* listener);
  // Where the time of an event comes from: the host's own clock, not the chip's tapped one. Without
  // it an event happens when the chip last looked at its clock.
  void UseClock(device::ClockPort* clock);

  // For Boundary::Create; null when nobody listens.
  BoundaryListener* listener();
  // For device::Ports; never null.
  TraceSink* trace();

  // Brings its file up to date; false when there is none, or it can't be written.
  bool WriteReportFile();
  // What of the files has ended before the chip, or is not up to date, and why; empty: nothing.
  std::string Trouble() const;
  // Null when there is none.
  const DriverReport* report() const { return report_; }
  // Null when nothing is counted.
  const WorkCounts* counts() const { return counter_ == nullptr ? nullptr : &counter_->counts(); }

 private:
  class Fan;
  Observers();
  std::unique_ptr<Fan> fan_;
  DriverReport* report_ = nullptr;  // one of the fan's
  WorkCounter* counter_ = nullptr;  // likewise
};

}  // namespace ward::emulator

#endif  // WARD_EMULATOR_BOUNDARY_OBSERVERS_H_
