#include "device/engine_latency.h"

namespace ward::device {
namespace {

constexpr uint64_t kSetUpNs = 5000;     // of an engine, for each command
constexpr uint64_t kDmaSetUpNs = 2000;  // once more when system memory takes part
// Bytes that are read or written in a nanosecond.
constexpr uint64_t kCopyRate = 16;
constexpr uint64_t kCipherRate = 4;
constexpr uint64_t kVideoRate = 2;
constexpr uint64_t kDmaRate = 8;

uint64_t RateOf(EngineJob::Kind kind) {
  switch (kind) {
    case EngineJob::Kind::kDecrypt:
    case EngineJob::Kind::kDecryptSample:
    case EngineJob::Kind::kEncrypt:
      return kCipherRate;
    case EngineJob::Kind::kVideo:
      return kVideoRate;
    default:
      return kCopyRate;
  }
}

uint64_t SystemBytes(const GuestRange& range) {
  uint64_t bytes = 0;
  for (const PhysicalSpan& span : range.spans()) {
    if (span.aperture() == Aperture::kSystem) bytes += span.size_bytes();
  }
  return bytes;
}

}  // namespace

uint64_t EngineLatencyNs(LatencyPreset preset, const EngineJob& job) {
  if (preset == LatencyPreset::kFast) return 0;
  const uint64_t engine_bytes =
      job.destination.size_bytes() + job.source.size_bytes() + job.second_source.size_bytes();
  const uint64_t system_bytes =
      SystemBytes(job.destination) + SystemBytes(job.source) + SystemBytes(job.second_source);
  const uint64_t engine_ns = kSetUpNs + engine_bytes / RateOf(job.kind);
  return system_bytes == 0 ? engine_ns : engine_ns + kDmaSetUpNs + system_bytes / kDmaRate;
}

}  // namespace ward::device
