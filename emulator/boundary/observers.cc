#include "emulator/boundary/observers.h"

#include <algorithm>
#include <utility>

#include "emulator/boundary/packet_capture.h"

namespace ward::emulator {
namespace {

std::unique_ptr<Observers> Refuse(std::string* error, const char* what, const std::string& path,
                                  const char* example) {
  *error = std::string("the ") + what + " can't be written to " + path +
           ": give another file, for example " + example;
  return nullptr;
}

}  // namespace

// Tells each of what happens, with the time.
class Observers::Fan final : public BoundaryListener, public TraceSink {
 public:
  void Add(std::unique_ptr<Observer> observer) { observers_.push_back(std::move(observer)); }
  void Add(BoundaryListener* listener) { listeners_.push_back(listener); }
  void UseClock(device::ClockPort* clock) { clock_ = clock; }
  bool IsEmpty() const { return observers_.empty() && listeners_.empty(); }

  void OnEvent(const BoundaryEvent& event) override {
    if (event.kind == BoundaryEventKind::kTime) now_ns_ = std::max(now_ns_, event.value);
    for (BoundaryListener* listener : listeners_) listener->OnEvent(event);
    if (observers_.empty()) return;
    const uint64_t now_ns = Now();
    for (const auto& observer : observers_) observer->OnBoundary(event, now_ns);
  }
  void OnReturn(BoundaryEventKind kind) override {
    for (BoundaryListener* listener : listeners_) listener->OnReturn(kind);
  }
  // No observer looks at them.
  bool NeedsAccesses() const override {
    return std::any_of(listeners_.begin(), listeners_.end(),
                       [](const BoundaryListener* one) { return one->NeedsAccesses(); });
  }
  void OnEvent(const TraceEvent& event) override {
    if (observers_.empty()) return;
    const uint64_t now_ns = Now();
    for (const auto& observer : observers_) observer->OnTrace(event, now_ns);
  }
  void OnPacket(const TracePacket& packet) override {
    if (observers_.empty()) return;
    const uint64_t now_ns = Now();
    for (const auto& observer : observers_) observer->OnPacket(packet, now_ns);
  }
  std::string Trouble() const {
    std::string text;
    for (const auto& observer : observers_) {
      const std::string one = observer->Trouble();
      if (!one.empty()) text += (text.empty() ? "" : "; ") + one;
    }
    return text;
  }

 private:
  uint64_t Now() {
    if (clock_ != nullptr) now_ns_ = std::max(now_ns_, clock_->NowNs());
    return now_ns_;
  }

  std::vector<std::unique_ptr<Observer>> observers_;
  std::vector<BoundaryListener*> listeners_;
  device::ClockPort* clock_ = nullptr;
  uint64_t now_ns_ = 0;
};

Observers::Observers() : fan_(std::make_unique<Fan>()) {}

Observers::~Observers() = default;

std::unique_ptr<Observers> Observers::Open(const ObserverOptions& options, std::string* error) {
  std::unique_ptr<Observers> observers(new Observers);
  if (!options.trace_path.empty()) {
    auto trace = std::make_unique<TextTrace>(options.trace_form, options.trace_limits);
    if (!trace->Open(options.trace_path)) {
      return Refuse(error, "trace", options.trace_path, "trace.log");
    }
    observers->fan_->Add(std::move(trace));
  }
  if (!options.pcap_path.empty()) {
    auto capture = std::make_unique<PacketCapture>(options.pcap_bytes);
    if (!capture->Open(options.pcap_path)) {
      return Refuse(error, "capture", options.pcap_path, "ward.pcapng");
    }
    observers->fan_->Add(std::move(capture));
  }
  if (options.with_report || !options.report_path.empty()) {
    auto report = std::make_unique<DriverReport>(options.spin_limits, options.report_path);
    if (options.report_in_place) report->WriteInPlace();
    if (!options.report_path.empty() && !report->WriteFile()) {
      return Refuse(error, "report", options.report_path, "report.txt");
    }
    observers->report_ = report.get();
    observers->fan_->Add(std::move(report));
  }
  if (options.with_counts) {
    auto counter = std::make_unique<WorkCounter>();
    observers->counter_ = counter.get();
    observers->fan_->Add(std::move(counter));
  }
  return observers;
}

void Observers::AddListener(BoundaryListener* listener) { fan_->Add(listener); }

void Observers::UseClock(device::ClockPort* clock) { fan_->UseClock(clock); }

BoundaryListener* Observers::listener() { return fan_->IsEmpty() ? nullptr : fan_.get(); }

TraceSink* Observers::trace() { return fan_.get(); }

std::string Observers::Trouble() const { return fan_->Trouble(); }

bool Observers::WriteReportFile() { return report_ != nullptr && report_->WriteFile(); }

}  // namespace ward::emulator
