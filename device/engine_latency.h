// How long an engine takes with the realistic preset, in virtual time (docs/spec/queues.md).
#ifndef WARD_DEVICE_ENGINE_LATENCY_H_
#define WARD_DEVICE_ENGINE_LATENCY_H_

#include <cstdint>

#include "device/engine_job.h"
#include "device/gpu.h"

namespace ward::device {

// Of a whole job, from when its data has moved to when its command ends; 0 with the fast preset. It
// depends on the sizes alone, never on the data.
uint64_t EngineLatencyNs(LatencyPreset preset, const EngineJob& job);

}  // namespace ward::device

#endif  // WARD_DEVICE_ENGINE_LATENCY_H_
