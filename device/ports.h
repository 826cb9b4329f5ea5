// The outside of the chip. It has no thread, clock, entropy or I/O of its own: everything comes in
// through these interfaces, which the host implements. All calls are made on the thread that called
// the Gpu, inside that call; what it hands to ExecutorPort calls none.
#ifndef WARD_DEVICE_PORTS_H_
#define WARD_DEVICE_PORTS_H_

#include <cstdint>

#include "base/bytes.h"
#include "base/secret_bytes.h"
#include "base/trace.h"

namespace ward::device {

// System memory by bus address, behind the machine's IOMMU. A false return means that the host
// refused the access (not mapped, not memory, bus mastering off) and the contents of a read are
// unspecified; nothing else can go wrong.
class DmaPort {
 public:
  virtual bool Read(uint64_t bus_address, ByteSpan destination) = 0;
  virtual bool Write(uint64_t bus_address, ConstByteSpan source) = 0;
  // One atomic little-endian store, aligned to 8, after all earlier writes.
  virtual bool WriteAtomic64(uint64_t bus_address, uint64_t value) = 0;

  // The host's memory behind [bus_address, + size_bytes), for the chip to read, and to write with
  // `is_write`, until it returns from the call that it is in: bulk data then moves without a copy
  // on the way. Null where the host has no such memory or has to see each access; Read and Write
  // are asked then, which also say why the access is refused. The guest may write there meanwhile:
  // what is looked at is copied first.
  virtual uint8_t* Window(uint64_t /*bus_address*/, uint64_t /*size_bytes*/, bool /*is_write*/) {
    return nullptr;
  }
  // These bytes of a window for writing were written: for hosts that keep account of what changes.
  // The chip calls it for all that it wrote there, before it returns.
  virtual void CloseWindow(uint8_t* /*window*/, uint64_t /*size_bytes*/) {}

 protected:
  ~DmaPort() = default;
};

// The memory behind BAR2. The guest reads and writes it without the chip seeing it, so what the
// chip reads is an input like any other. Offsets are checked by the chip before it calls.
class VramPort {
 public:
  virtual void Read(uint64_t offset, ByteSpan destination) = 0;
  virtual void Write(uint64_t offset, ConstByteSpan source) = 0;
  virtual void WriteAtomic64(uint64_t offset, uint64_t value) = 0;
  // As DmaPort::Window, for reading and writing; CloseWindow tells what of it was written.
  virtual uint8_t* Window(uint64_t /*offset*/, uint64_t /*size_bytes*/) { return nullptr; }
  virtual void CloseWindow(uint64_t /*offset*/, uint64_t /*size_bytes*/) {}

 protected:
  ~VramPort() = default;
};

class InterruptPort {
 public:
  // Sends MSI-X vector `vector`, less than abi::kVectorCount. Masking is the host's.
  virtual void SendVector(uint32_t vector) = 0;

 protected:
  ~InterruptPort() = default;
};

class ClockPort {
 public:
  // Virtual time in nanoseconds; never goes back.
  virtual uint64_t NowNs() = 0;

 protected:
  ~ClockPort() = default;
};

class EntropyPort {
 public:
  // Fills with random bytes fit for keys. False: none to be had; the chip then fails what needed
  // it.
  virtual bool Fill(ByteSpan destination) = 0;

 protected:
  ~EntropyPort() = default;
};

// Other processors, for bulk work on memory that the chip has opened. What is done there touches
// its own bytes of a result only, so that it makes no difference who does it and in which order.
class ExecutorPort {
 public:
  class Work {
   public:
    // On any thread, beside other pieces.
    virtual void Run(uint32_t piece) = 0;

   protected:
    ~Work() = default;
  };

  // Runs pieces 0 to `count` - 1, `count` below 65536, and returns when all have ended.
  virtual void RunAll(uint32_t count, Work* work) = 0;

 protected:
  ~ExecutorPort() = default;
};

// Seals saved states for another host: the operator's key, and a count in memory that lasts, which
// makes each sealed state good once. Handed to SaveState and LoadState; a chip keeps none.
class StateSeal {
 public:
  enum class Outcome {
    kDone,
    kSpent,   // resumed before, or issued before one was resumed
    kFailed,  // can't be recorded: nothing changed
  };

  virtual const SecretBytes<32>& Key() const = 0;
  // A number above all that were issued or resumed under this key, recorded before it returns; 0
  // when it can't be.
  virtual uint64_t IssueGeneration() = 0;
  // Records, lastingly with kDone, that this generation is resumed: it spends all that were issued.
  virtual Outcome Resume(uint64_t generation) = 0;

 protected:
  ~StateSeal() = default;
};

// What a Gpu is given. They outlive the Gpu; none but the executor may be null.
struct Ports {
  DmaPort* dma;
  VramPort* vram;
  InterruptPort* interrupts;
  ClockPort* clock;
  EntropyPort* entropy;
  TraceSink* trace;
  ExecutorPort* executor = nullptr;  // null: all work is done by the caller
};

}  // namespace ward::device

#endif  // WARD_DEVICE_PORTS_H_
