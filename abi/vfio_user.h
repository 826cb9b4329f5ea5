// The vfio-user protocol, version 0: how a device served by one process is driven by another, over
// a stream socket. Facts: QEMU's docs/interop/vfio-user.rst and Linux's VFIO; what QEMU really
// sends stands in docs/spec/vfio-user.md. All in host byte order, which on both ends is
// little-endian; every structure goes over the wire as it is laid out here.
#ifndef WARD_ABI_VFIO_USER_H_
#define WARD_ABI_VFIO_USER_H_

#include <cstdint>

namespace ward::abi::vfio_user {

enum class Command : uint16_t {
  kVersion = 1,
  kDmaMap = 2,
  kDmaUnmap = 3,
  kGetInfo = 4,
  kGetRegionInfo = 5,
  kGetRegionIoFds = 6,
  kGetIrqInfo = 7,
  kSetIrqs = 8,
  kRegionRead = 9,
  kRegionWrite = 10,
  kDmaRead = 11,   // server to client
  kDmaWrite = 12,  // server to client
  kReset = 13,
  kDirtyPages = 14,  // obsolete
  kRegionWriteMulti = 15,
  kDeviceFeature = 16,
  // Ours, server to client, never replied to: a vector fired. Sent where no eventfd can be passed
  // (TCP), to a client whose kVersion has the capability kInterruptMessages: true.
  kInterrupt = 0x8000,
};
inline constexpr char kInterruptMessages[] = "ward_interrupt_messages";

// Every message begins with this.
struct Header {
  uint16_t id;  // the sender's choice, echoed in the reply; each direction has its own
  Command command;
  uint32_t size;   // of the whole message in bytes, this header included
  uint32_t flags;  // kType..., kNoReply, kError
  uint32_t error;  // a positive errno with kError, else 0
};
static_assert(sizeof(Header) == 16);

inline constexpr uint32_t kTypeMask = 0xf;
inline constexpr uint32_t kTypeRequest = 0;
inline constexpr uint32_t kTypeReply = 1;
inline constexpr uint32_t kNoReply = 0x10;
inline constexpr uint32_t kError = 0x20;
inline constexpr uint32_t kFlagsMask = kTypeMask | kNoReply | kError;

// The body of kVersion, before NUL-terminated JSON.
struct Version {
  uint16_t major;
  uint16_t minor;
};
inline constexpr uint16_t kMajor = 0;
inline constexpr uint16_t kMinor = 0;

inline constexpr uint32_t kDefaultMaximumFds = 8;  // of one message, when a peer names no number
inline constexpr uint32_t kMaximumFds = 16;        // QEMU takes no more
inline constexpr uint32_t kDefaultTransferBytes = 1u << 20;
// Longest message either side of ours takes: one transfer and what stands around it.
inline constexpr uint32_t kMaximumMessageBytes = kDefaultTransferBytes + 4096;

struct DmaMap {
  uint32_t argsz;
  uint32_t flags;    // kDmaReadable, kDmaWritable
  uint64_t offset;   // into the descriptor that comes with the message
  uint64_t address;  // bus address
  uint64_t size;
};
static_assert(sizeof(DmaMap) == 32);
inline constexpr uint32_t kDmaReadable = 1;
inline constexpr uint32_t kDmaWritable = 2;

struct DmaUnmap {
  uint32_t argsz;
  uint32_t flags;  // kDmaUnmapAll
  uint64_t address;
  uint64_t size;
};
static_assert(sizeof(DmaUnmap) == 24);
inline constexpr uint32_t kDmaUnmapAll = 2;

struct DeviceInfo {
  uint32_t argsz;
  uint32_t flags;  // kDeviceResettable, kDevicePci
  uint32_t region_count;
  uint32_t irq_count;
};
static_assert(sizeof(DeviceInfo) == 16);
inline constexpr uint32_t kDeviceResettable = 1;
inline constexpr uint32_t kDevicePci = 2;

// Regions of a PCI device (VFIO): six BARs, then these.
inline constexpr uint32_t kRomRegion = 6;
inline constexpr uint32_t kConfigRegion = 7;
inline constexpr uint32_t kVgaRegion = 8;
inline constexpr uint32_t kRegionCount = 9;

struct RegionInfo {
  uint32_t argsz;
  uint32_t flags;  // kRegionReadable, kRegionWritable, kRegionMappable, kRegionCapabilities
  uint32_t index;
  uint32_t capability_offset;  // from the start of this structure
  uint64_t size;               // 0: no such region
  uint64_t offset;             // where it starts in the descriptor that comes with the reply
};
static_assert(sizeof(RegionInfo) == 32);
inline constexpr uint32_t kRegionReadable = 1;
inline constexpr uint32_t kRegionWritable = 2;
inline constexpr uint32_t kRegionMappable = 4;
inline constexpr uint32_t kRegionCapabilities = 8;

// Interrupts of a PCI device (VFIO).
inline constexpr uint32_t kIntxIrq = 0;
inline constexpr uint32_t kMsiIrq = 1;
inline constexpr uint32_t kMsixIrq = 2;
inline constexpr uint32_t kErrorIrq = 3;
inline constexpr uint32_t kRequestIrq = 4;
inline constexpr uint32_t kIrqCount = 5;

struct IrqInfo {
  uint32_t argsz;
  uint32_t flags;  // kIrqEventfd, kIrqNoResize
  uint32_t index;
  uint32_t count;
};
static_assert(sizeof(IrqInfo) == 16);
inline constexpr uint32_t kIrqEventfd = 1;
inline constexpr uint32_t kIrqMaskable = 2;
inline constexpr uint32_t kIrqAutomasked = 4;
inline constexpr uint32_t kIrqNoResize = 8;

struct IrqSet {
  uint32_t argsz;
  uint32_t flags;  // one kIrqData..., one kIrqAction...
  uint32_t index;
  uint32_t start;
  uint32_t count;
};
static_assert(sizeof(IrqSet) == 20);
inline constexpr uint32_t kIrqDataNone = 1;
inline constexpr uint32_t kIrqDataBool = 2;     // a byte for each vector follows
inline constexpr uint32_t kIrqDataEventfd = 4;  // descriptors come with the message
inline constexpr uint32_t kIrqActionMask = 8;
inline constexpr uint32_t kIrqActionUnmask = 16;
inline constexpr uint32_t kIrqActionTrigger = 32;

// kRegionRead, kRegionWrite, before the data.
struct RegionAccess {
  uint64_t offset;
  uint32_t region;
  uint32_t count;  // bytes
};
static_assert(sizeof(RegionAccess) == 16);

// kRegionWriteMulti: a count (8 bytes), then as many of these.
struct RegionWriteItem {
  uint64_t offset;
  uint32_t region;
  uint32_t count;  // at most 8
  uint8_t data[8];
};
static_assert(sizeof(RegionWriteItem) == 24);
inline constexpr uint64_t kMaximumMultiWrites = 200;

// kDmaRead, kDmaWrite, before the data.
struct DmaAccess {
  uint64_t address;
  uint64_t count;  // bytes
};
static_assert(sizeof(DmaAccess) == 16);

struct Interrupt {
  uint32_t vector;
  uint32_t reserved;  // 0
};
static_assert(sizeof(Interrupt) == 8);

// Ahead of the first message on a TCP connection, where no file permission protects the server:
// the server sends a challenge of kAuthenticationBytes, the client answers with
// HMAC-SHA-256(pre-shared key, challenge). Ours alone; over a UNIX socket there is none.
inline constexpr uint32_t kAuthenticationBytes = 32;

}  // namespace ward::abi::vfio_user

#endif  // WARD_ABI_VFIO_USER_H_
