// What the QEMU shim (C, GPL) knows of the chip (C++, MIT), and all that it knows. Every function
// is called under QEMU's big lock, which makes the calls serial, and none of them waits.
#ifndef WARD_EMULATOR_QEMU_BRIDGE_H_
#define WARD_EMULATOR_QEMU_BRIDGE_H_

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef struct WardChip WardChip;

enum { kWardChipOutputCount = 2 };

// What the display's reader is: a capture device gets black where protection demands it.
typedef enum WardChipView {
  kWardChipViewCapture = 0,
  kWardChipViewOperator = 1,
} WardChipView;

// What the link to an output's display does.
typedef enum WardChipLinkFault {
  kWardChipLinkFaultNone = 0,
  kWardChipLinkFaultNegotiationFails = 1,
  kWardChipLinkFaultLinkLost = 2,
} WardChipLinkFault;

// What is plugged into an output, and the size in pixels that it prefers.
typedef struct WardChipDisplay {
  bool connected;
  uint32_t width;
  uint32_t height;
} WardChipDisplay;

// Whether a display of ours can prefer that size.
bool ward_chip_has_size(uint32_t width, uint32_t height);

// What the chip asks of its host. Called only from within a function of this header; `host` is
// passed through. The DMA functions transfer all of it or return false; a read that fails leaves no
// fetched byte in `data`.
typedef struct WardChipHost {
  void* host;
  bool (*read_dma)(void* host, uint64_t bus_address, void* data, size_t size_bytes);
  bool (*write_dma)(void* host, uint64_t bus_address, const void* data, size_t size_bytes);
  // One atomic little-endian store after all earlier writes; the address is aligned to 8.
  bool (*write_dma_atomic64)(void* host, uint64_t bus_address, uint64_t value);
  // The memory behind all of a range, for reading, and for writing with `is_write`, until
  // ward_chip_process returns; NULL when it is not one piece of memory, or not within that call.
  // What was written there is told.
  uint8_t* (*open_dma)(void* host, uint64_t bus_address, uint64_t size_bytes, bool is_write);
  void (*mark_dma_written)(void* host, uint8_t* memory, uint64_t size_bytes);
  // The chip wrote to visible VRAM.
  void (*mark_vram_written)(void* host, uint64_t offset, uint64_t size_bytes);
  void (*signal_vector)(void* host, uint32_t vector);
  uint64_t (*now_ns)(void* host);
  bool (*fill_entropy)(void* host, void* data, size_t size_bytes);
  // One line for the operator: something that he asked for ends, and the chip goes on.
  void (*warn)(void* host, const char* text);
} WardChipHost;

typedef struct WardChipOptions {
  uint8_t* vram;  // visible VRAM, outlives the chip; the guest writes to it at any time
  uint64_t vram_bytes;
  uint64_t protected_bytes;
  bool realistic_latency;  // firmware takes as long as on silicon, in virtual time
  bool strict_iv;          // R21: a counter range is accepted once under a key
  bool open_decrypt;       // R27: DECRYPT_BLT into memory that is not protected; no PROTECTION
  WardChipDisplay displays[kWardChipOutputCount];
  const char*
      identity_directory;  // PEM files; NULL makes an identity that lives as long as the chip
  // 32 bytes under which saved states are sealed, so that keys and protected memory move with them;
  // NULL: they stay behind.
  const char* seal_key_path;
  // What is watched, and the files for it; nothing secret gets into them (docs/spec/trace.md).
  // NULL: none. The trace and the capture end at 64 MiB: a guest decides how much there is.
  const char* trace_path;   // one line an event; "-" is standard error
  const char* trace_form;   // "text" or "log"; NULL: text
  const char* pcap_path;    // commands and security messages, for Wireshark
  const char* report_path;  // what the driver asked for in vain; JSON when it ends in ".json"
  // From how many reads on, or how long, a loop of reads is told of in the report; 0: as
  // docs/spec/trace.md says.
  uint32_t poll_reads;
  uint32_t poll_ms;
  // Faults of the machine around the chip, as docs/guide/faults.md spells them; NULL: none.
  const char* injected_faults;
  // Everything that the chip does is recorded here, for `ward replay`; NULL: nothing is.
  const char* record_path;
  // 32 bytes that seal the recording: needed unless the identity is made here or is marked as one
  // for tests. NULL: it is not sealed.
  const char* record_key_path;
} WardChipOptions;

// Returns NULL and one line in `error` (what is wrong, and what mends it) when the options can't be
// met.
WardChip* ward_chip_create(const WardChipOptions* options, const WardChipHost* host, char* error,
                           size_t error_size);
void ward_chip_destroy(WardChip* chip);

// As function-level reset: when it returns nothing is in flight and no key is left.
void ward_chip_reset(WardChip* chip);
// Every key is wiped and protected memory is zero; the rest of the chip goes on.
void ward_chip_tear_down(WardChip* chip);

// The chip's state but for visible VRAM, to be given back by ward_chip_free_state; NULL and one
// line in `error` when it can't be had. With a seal key the keys are handed over with it: whenever
// the chip works again here or is saved again, it tears down first.
uint8_t* ward_chip_save(WardChip* chip, size_t* size_bytes, char* error, size_t error_size);
void ward_chip_free_state(uint8_t* state);
// No state of this chip is longer.
uint64_t ward_chip_most_state_bytes(const WardChip* chip);
// All or nothing: false and one line in `error`, and the chip is as it was.
bool ward_chip_load(WardChip* chip, const uint8_t* state, size_t size_bytes, char* error,
                    size_t error_size);
// The machine runs again, or is about to be saved: a chip whose keys were handed over tears down.
void ward_chip_go_on(WardChip* chip);

// Lasts until another one is attached, across resets too. `output` exists, and ward_chip_has_size.
void ward_chip_attach_display(WardChip* chip, uint32_t output, const WardChipDisplay* display);
// Lasts until another one is set, across resets too. `output` exists.
void ward_chip_set_link_fault(WardChip* chip, uint32_t output, WardChipLinkFault fault);

// Accesses to BAR0; any offset below its size and any `size_bytes` of 1, 2, 4 and 8, aligned or
// not.
uint64_t ward_chip_read_register(WardChip* chip, uint64_t offset, unsigned size_bytes);
void ward_chip_write_register(WardChip* chip, uint64_t offset, unsigned size_bytes, uint64_t value);

// What one slice of work left behind.
typedef struct WardChipSlice {
  bool more;           // more can be done at once
  bool in_job;         // and an engine is amid the data of a command
  uint64_t wakeup_ns;  // when work can go on, in now_ns time; 0: none is waiting for time
} WardChipSlice;

// Does one bounded slice of work, some microseconds.
WardChipSlice ward_chip_process(WardChip* chip);

// Size in pixels of what an output shows; false when it shows nothing, or there is no display.
bool ward_chip_scanout_size(WardChip* chip, uint32_t output, uint32_t* width, uint32_t* height);
// Writes the picture, the cursor in it, as rows of 32-bit XRGB. The size is that of
// ward_chip_scanout_size, asked since the last write or slice.
void ward_chip_read_scanout(WardChip* chip, uint32_t output, WardChipView view, uint32_t* pixels,
                            size_t pitch_bytes);

#ifdef __cplusplus
}
#endif

#endif  // WARD_EMULATOR_QEMU_BRIDGE_H_
