// The chip, as its host sees it. Not thread-safe: the host serialises. Deterministic: the same
// options, calls and port answers give the same state hash.
#ifndef WARD_DEVICE_GPU_H_
#define WARD_DEVICE_GPU_H_

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "base/bytes.h"
#include "base/result.h"
#include "base/secret_bytes.h"
#include "base/state_fields.h"
#include "device/ports.h"

namespace ward::device {

class RsaPrivateKey;

enum class LatencyPreset { kFast, kRealistic, kLast = kRealistic };

// Outputs of the chip (OUTPUT_COUNT).
inline constexpr uint32_t kGpuOutputCount = 2;

// What is plugged into an output. The size is what the display prefers, in pixels: 640 x 480 to
// 3840 x 2160.
struct AttachedDisplay {
  bool connected = true;
  uint32_t width = 1920;
  uint32_t height = 1080;
  friend bool operator==(const AttachedDisplay&, const AttachedDisplay&) = default;

  WARD_STATE_FIELDS(connected, width, height)
};

// Detailed timings of EDID can say every such size.
constexpr bool IsPossible(const AttachedDisplay& display) {
  return display.width >= 640 && display.width <= 3840 && display.height >= 480 &&
         display.height <= 2160;
}

struct GpuOptions {
  uint64_t visible_vram_bytes = 64ull << 20;     // power of two, 1 MiB to 8 GiB
  uint64_t protected_vram_bytes = 256ull << 20;  // multiple of 4096, up to 8 GiB; backed as used
  LatencyPreset latency = LatencyPreset::kFast;
  bool strict_iv = false;  // R21: refuse a counter range that was used before under the same key
  // R27, for applications that read back what they decrypt, as browsers do: DECRYPT_BLT also into
  // memory that is not protected, keys of HW_PROTECTION excepted. Whoever holds a session then has
  // a decryption oracle, so PROTECTION can't be switched on. FEATURES.OPEN_DECRYPT tells, and a
  // trace event at each start.
  bool open_decrypt = false;
  // Faults that a host injects (emulator/boundary/fault_injector.h). Each message takes this many
  // times its latency; at least 1.
  uint32_t firmware_slowdown = 1;
  // The engine command of this number, counted from power-on, never ends; 0: each does.
  uint64_t engine_hang_after = 0;
  // By output, at the chip's start. Later ones are the host's too (Gpu::AttachDisplay).
  AttachedDisplay displays[kGpuOutputCount] = {{}, {.connected = false}};
  // Device identity: RSA-2048 private key and the PKCS#7 certs-only chain (R12). They need to live
  // only during Create; the chip keeps the key in its own memory. The key is `identity_key`, which
  // was checked when it was made and is shared with the chip; without one `identity_private_key`
  // (PKCS#8 DER) is, and Create checks it: some 40 ms, nearly all of it for the primes.
  const RsaPrivateKey* identity_key = nullptr;
  ConstByteSpan identity_private_key;
  ConstByteSpan identity_certificates;
  // Test switch: the known-answer test of this number fails at every run; negative: none. A release
  // host never sets it.
  int failing_self_test = -1;
};

// What one slice of work left behind.
struct ProcessResult {
  bool more = false;       // call again: work is left that can go on now
  uint64_t wakeup_ns = 0;  // virtual time at which work can go on; 0: none is waiting for time
  // With `more`: an engine is amid the data of a command. False: commands are what is left.
  bool in_job = false;
};

enum class ResetKind {
  kPowerOn,   // as built: visible VRAM is the host's and is left alone
  kFunction,  // FLR, bus reset, DEVICE_CONTROL.RESET_FUNCTION, D3hot to D0
};

// Who looks at a scan-out. The capture view shows protected pixels black.
enum class ScanoutView { kCapture, kOperator };

// What the host makes the link to an output's display do. It lasts until another one is set, across
// resets too: they are the chip's and not the cable's.
enum class LinkFault {
  kNone,
  kNegotiationFails,  // HDCP does not authenticate; a link that is on stays on
  kLinkLost,          // the cable is cut: a link that is on or negotiates is lost
  kLast = kLinkLost
};

struct ScanoutInfo {
  bool active = false;  // false: nothing to show, or no display to show it
  uint32_t width = 0;   // pixels
  uint32_t height = 0;
  uint32_t flip_count = 0;  // changes with each flip that takes effect
  bool is_protected = false;
  bool is_blanked = false;  // protected pixels may not go out as things are now: all is black
};

struct SaveOptions {
  StateSeal* seal = nullptr;      // null: keys and protected content stay behind
  bool with_visible_vram = true;  // false: the host saves the memory behind BAR2 itself
};

// What a slot of the key vault is for, for people who look into a chip. Never its bytes.
struct KeySlotInfo {
  uint32_t slot = 0;
  uint32_t session = 0;
  uint32_t usage = 0;  // bits, see device/key_vault.h
  bool filled = false;
  bool locked = false;
  bool damaged = false;
};

// How much of what the chip has is in use, for people who look on. Numbers only: no key, no handle.
struct GpuUsage {
  static constexpr uint32_t kQueueCount = 16;  // QUEUE_COUNT
  struct Queue {
    uint32_t status = 0;      // QUEUE_STATUS
    uint64_t work_bytes = 0;  // as the scheduler charges it, since the chip was made
  };
  struct Share {
    uint64_t used = 0;
    uint64_t total = 0;
  };
  Queue queues[kQueueCount];
  bool firmware_ready = false;
  Share contexts;  // users'; the kernel's is always there
  Share sessions;
  Share channels;
  Share decoders;
  Share key_slots;                  // allocated
  Share protected_pages;            // with an owner
  uint64_t pages_with_content = 0;  // protected ones that may hold something other than zeros
};

class GpuImplementation;

// The whole state as a value, secrets included: in-process only, never serialised. Visible VRAM is
// the host's memory and is copied through its port.
class GpuSnapshot {
 public:
  GpuSnapshot();
  ~GpuSnapshot();
  GpuSnapshot(GpuSnapshot&&) noexcept;
  GpuSnapshot& operator=(GpuSnapshot&&) noexcept;

 private:
  friend class Gpu;
  friend class GpuImplementation;
  struct Content;
  std::unique_ptr<Content> content_;
};

class Gpu {
 public:
  // INVALID_ARGUMENT with a reason for people when the options or the identity can't be used.
  static Result<std::unique_ptr<Gpu>> Create(const GpuOptions& options, const Ports& ports);
  ~Gpu();
  Gpu(const Gpu&) = delete;
  Gpu& operator=(const Gpu&) = delete;

  // One access to BAR0. Anything but an aligned 32-bit access reads zero and writes nothing. Never
  // waits for a job and never runs queue work.
  uint32_t ReadRegister(uint64_t offset, uint32_t size_bytes);
  void WriteRegister(uint64_t offset, uint32_t size_bytes, uint32_t value);
  // An aligned 32-bit read that is answered amid Process too, as things stand there: for a host
  // whose DMA waits for somebody who has to look first. As any read, it may ask for the time and
  // latch (TIMESTAMP_LO).
  uint32_t PeekRegister(uint64_t offset);
  // What is kept of a register that reads as it was written or raised (INTERRUPT_CAUSE, what is
  // read/write). Asks for nothing and changes nothing, so it is no access; amid Process too.
  uint32_t HeldRegister(uint64_t offset) const;

  // The function's own configuration space and MSI-X table (BAR4), for hosts that have none of
  // their own. `offset` and size as abi::PciFunction::ConfigRead.
  uint32_t ReadConfig(uint32_t offset, uint32_t size_bytes);
  void WriteConfig(uint32_t offset, uint32_t size_bytes, uint32_t value);
  uint32_t ReadMsix(uint64_t offset, uint32_t size_bytes);
  void WriteMsix(uint64_t offset, uint32_t size_bytes, uint32_t value);

  // Does at most about `budget_bytes` of work, then returns: bytes read and bytes written, 64 for
  // each page that is translated or row that is looked at, and at least 256 for a command, refused
  // ones included. A command is begun whole, so a slice may exceed its budget by one beginning.
  ProcessResult Process(uint64_t budget_bytes);

  // When it returns nothing runs, no cause is raised and no key is left.
  void Reset(ResetKind kind);
  // Tear-down of content protection, as after a power loss of the secure part: every key is wiped,
  // protected memory is zero, KEY_EPOCH grew and KEYS_LOST is raised, while the rest goes on.
  // Sessions and channels stay, lost, until they are destroyed.
  void TearDown();

  // An output that does not exist is ignored.
  void SetLinkFault(uint32_t output, LinkFault fault);
  // Plugs a display in, pulls it, or puts another in its place; it lasts across resets. The driver
  // learns of it by OUTPUT_HOTPLUG_COUNT and the cause HOTPLUG; with an equal one nothing happens.
  // INVALID_ARGUMENT for an output that does not exist and a size that displays do not have.
  Result<void> AttachDisplay(uint32_t output, const AttachedDisplay& display);

  ScanoutInfo Scanout(uint32_t output) const;
  // Writes width x height XRGB8888 pixels (bytes B, G, R, X), the cursor among them, into rows
  // `pitch` bytes apart; false
  // when nothing is active or the buffer is too small.
  bool ReadScanout(uint32_t output, ScanoutView view, ByteSpan pixels, uint32_t pitch) const;

  // Without visible VRAM for a host that keeps that memory itself; Restore then leaves it alone.
  GpuSnapshot TakeSnapshot(bool with_visible_vram = true) const;
  // Only from a snapshot of a Gpu with the same options.
  void Restore(const GpuSnapshot& snapshot);
  // The state as bytes that may leave the process (docs/spec/saved-state.md), at any time between
  // two calls: amid a job, with a message in the mailbox, with interrupts pending. Without a seal
  // no key and no protected content is in them. With one they are, sealed: this chip has handed its
  // keys over, and its host calls TearDown before it lets the chip go on. STATE_NOT_RECORDED,
  // STATE_NO_ENTROPY.
  Result<std::vector<uint8_t>> SaveState(const SaveOptions& options) const;
  // All or nothing: refused bytes leave the chip as it is. A state without a seal comes back as
  // after a TearDown: keys and content are lost, and KEYS_LOST is raised. A sealed one goes on with
  // its keys, under fresh counters of ENCRYPT_BLT (R22), once. The machine's virtual clock has to
  // stand where it stood, or later. `seal` may be null: then sealed states are refused. Any status
  // STATE_*, with a reason for people.
  Result<void> LoadState(ConstByteSpan state, StateSeal* seal);
  // Over every part of the chip's state, visible VRAM excepted (it is the host's). Key bytes enter
  // only through a keyed one-way function with a per-process key.
  uint64_t StateHash() const;
  // The same under a key that the caller brings, so that runs in other processes agree. Whoever has
  // the key can try keys against the hash: it is as secret as what it stands beside.
  uint64_t StateHash(const SecretBytes<16>& key) const;
  // The slots that a session has.
  std::vector<KeySlotInfo> KeySlots() const;
  // Between two calls; changes nothing.
  GpuUsage Usage() const;
  // Protected pages whose content the session produced. Looks at each page that has an owner.
  uint64_t ProtectedPagesOf(uint32_t session) const;

 private:
  explicit Gpu(std::unique_ptr<GpuImplementation> implementation);
  std::unique_ptr<GpuImplementation> implementation_;
};

}  // namespace ward::device

#endif  // WARD_DEVICE_GPU_H_
