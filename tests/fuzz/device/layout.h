// Where things lie in the machine that inputs of the device target play on, before each of them.
#ifndef WARD_TESTS_FUZZ_DEVICE_LAYOUT_H_
#define WARD_TESTS_FUZZ_DEVICE_LAYOUT_H_

#include <cstdint>

#include "abi/generated/pci.h"

namespace ward::fuzz::layout {

// System memory: pages that contexts map, then the kernel's own.
inline constexpr uint64_t kBus = 0x10000000;
inline constexpr uint64_t kDataBytes = 256 << 10;
inline constexpr uint64_t kRings = kBus + kDataBytes;
inline constexpr uint32_t kRingBytes = 4096;
inline constexpr uint32_t kQueues = 4;      // started before the input
inline constexpr uint32_t kOtherQueue = 3;  // context 2's; the user's others are context 1's
inline constexpr uint64_t kFences = kRings + kQueues * kRingBytes;
// Indirect buffers: contexts may read them, and nothing of the grammar names them as data.
inline constexpr uint64_t kIndirect = kFences + abi::kPageSize;
inline constexpr uint64_t kIndirectBytes = 2 * abi::kPageSize;
inline constexpr uint64_t kBusEnd = kIndirect + kIndirectBytes;
inline constexpr uint64_t kBusBytes = kBusEnd - kBus;

inline constexpr uint64_t kVisibleBytes = 16 << 20;
inline constexpr uint64_t kProtectedBytes = 16 << 20;
// Page tables of context c (1 and 2): 16 KiB from here.
inline constexpr uint64_t kTables = 0x10000;
inline constexpr uint64_t kTableBytes = 0x4000;
inline constexpr uint64_t kPrivate = 0x40000;  // what context 2 alone maps
inline constexpr uint64_t kPrivatePages = 16;
inline constexpr uint64_t kFree = 0x80000;  // what contexts share
inline constexpr uint64_t kFreePages = 128;

// Addresses of a context, by page: all of them writable but the indirect buffers.
inline constexpr uint64_t kSystemAt = 0;
inline constexpr uint64_t kSystemPages = kDataBytes / abi::kPageSize;
inline constexpr uint64_t kFreeAt = kSystemAt + kSystemPages;
inline constexpr uint64_t kProtectedAt = kFreeAt + kFreePages;
inline constexpr uint64_t kProtectedPages = 256;
inline constexpr uint64_t kPrivateAt = kProtectedAt + kProtectedPages;
inline constexpr uint64_t kNamedPages = kPrivateAt + kPrivatePages;  // what an operand may name
inline constexpr uint64_t kIndirectAt = 500;

// Painted before the input, and of no session: it may never come out.
inline constexpr uint64_t kPaintedPage = 16;  // of protected memory
inline constexpr uint64_t kPaintedPages = 8;
inline constexpr uint64_t kResponse = 0x8000;  // of the base's own messages

}  // namespace ward::fuzz::layout

#endif  // WARD_TESTS_FUZZ_DEVICE_LAYOUT_H_
