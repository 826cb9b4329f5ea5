#include "umd/unsupported_function.h"

#include <atomic>

#include "umd/device.h"

namespace ward::umd {

namespace {
std::atomic<uint32_t> undeclared_calls{0};
}

void CountUnsupported(void* device) {
  if (device != nullptr) static_cast<Device*>(device)->events().Count("function not supported");
}

void CountUndeclared() { undeclared_calls.fetch_add(1, std::memory_order_relaxed); }

uint32_t UndeclaredCallCount() { return undeclared_calls.load(std::memory_order_relaxed); }

}  // namespace ward::umd
