// A WardGPU behind any port.
#ifndef WARD_TESTS_BENCH_ATTACHMENTS_GPU_SUBJECT_H_
#define WARD_TESTS_BENCH_ATTACHMENTS_GPU_SUBJECT_H_

#include <memory>
#include <string>

#include "tests/bench/attachments/bench_function.h"
#include "tests/bench/attachments/bench_queue.h"
#include "tests/bench/attachments/subject.h"

namespace ward::bench {

// Figures: "register_read" (QUEUE_STATUS, which the chip answers each time), "fence" (doorbell of a
// NOOP to its fence, seen by polling), "interrupt" (the same to its interrupt), "commands" (a
// second, 64 with each doorbell), "copy" (system memory to visible VRAM by COPY), "write" (to
// visible VRAM by the CPU, through BAR2).
class GpuSubject final : public Subject {
 public:
  explicit GpuSubject(std::unique_ptr<abi::PciFunction> function);

  const char* Kind() const override { return "gpu"; }
  double Measure(const std::string& figure, uint32_t count) override;

 private:
  static constexpr uint32_t kTransferBytes = 4 << 20;

  double MeasureFence(uint32_t count);
  double MeasureInterrupt(uint32_t count);
  double MeasureCommands(uint32_t count);
  double MeasureCopy(uint32_t count);
  double MeasureWrite(uint32_t count);
  void TakeBuffer();
  void StampBuffer();
  // Copies kTransferBytes between the buffer and VRAM, and waits.
  void Copy(bool to_vram);
  void WriteVram();

  std::unique_ptr<abi::PciFunction> function_;
  BenchFunction up_;
  BenchQueue queue_;
  abi::DmaBuffer buffer_;  // ends with the function, after the queue has stopped
  uint32_t stamp_ = 0;
};

}  // namespace ward::bench

#endif  // WARD_TESTS_BENCH_ATTACHMENTS_GPU_SUBJECT_H_
