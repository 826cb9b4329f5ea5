// A PCI function that another process serves (`ward serve`), driven over a socket by the vfio-user
// protocol, without a virtual machine. docs/guide/served-device.md
//
// Threads. The methods are for one thread at a time, as with every PCI function. A thread of the
// connection's own answers the server meanwhile: it reads and writes DMA buffers, of which the
// driver sees whole words (fences), and marks interrupts (connection.h).
//
// Nothing waits for ever. A server that does not answer in time, dies, or breaks the protocol makes
// the function kGone: reads give all ones, writes do nothing, LastErrorText says why. There is no
// way back but to open it again.
#ifndef WARD_KMD_PORTS_VFIO_USER_VFIO_USER_FUNCTION_H_
#define WARD_KMD_PORTS_VFIO_USER_VFIO_USER_FUNCTION_H_

#include <array>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "abi/pci_function.h"
#include "kmd/ports/vfio_user/connection.h"
#include "kmd/ports/vfio_user/dma_table.h"
#include "kmd/ports/vfio_user/served_address.h"
#include "kmd/ports/vfio_user/served_device.h"
#include "kmd/ports/vfio_user/served_interrupts.h"

namespace ward::kmd {

class VfioUserFunction : public abi::PciFunction {
 public:
  // Connects to the server at `where` (ServedAddress::Parse), with memory decoding on, BARs placed,
  // bus mastering and interrupts off. Errors: kBadArgument (no such address, nobody listens),
  // kUnsupported (no PCI function, another protocol), kTimeout, kGone, kNoMemory; `error` then says
  // what mends it.
  static abi::PciError Open(const std::string& where, std::unique_ptr<VfioUserFunction>* function,
                            std::string* error);

  // Turns interrupts and bus mastering off, then closes the connection and frees everything.
  ~VfioUserFunction() override;

  uint32_t ConfigRead(uint32_t offset, uint32_t size_bytes) override;
  void ConfigWrite(uint32_t offset, uint32_t size_bytes, uint32_t value) override;
  // An access outside the BAR, not aligned to 4, or while memory decoding is off reads all ones,
  // and writes nothing.
  uint32_t BarRead32(int bar, uint64_t offset) override;
  void BarWrite32(int bar, uint64_t offset, uint32_t value) override;
  uint64_t BarSize(int bar) override;
  // Maps a BAR whose memory the server hands out. nullptr where no descriptor passes (TCP, or
  // ",messages"), and where the file could shrink under the mapping.
  uint8_t* MapBar(int bar) override;
  // By messages, mapped or not. kGone, kBadArgument (outside, memory decoding off).
  abi::PciError BarReadBlock(int bar, uint64_t offset, void* into, size_t size_bytes) override;
  abi::PciError BarWriteBlock(int bar, uint64_t offset, const void* from,
                              size_t size_bytes) override;
  abi::PciError AllocateDma(size_t size_bytes, abi::DmaBuffer* buffer) override;
  void FreeDma(const abi::DmaBuffer& buffer) override;
  abi::PciError SetBusMaster(bool enable) override;
  // MSI-X, or MSI on a function that has no MSI-X.
  abi::PciError EnableInterrupts(uint32_t count) override;
  abi::PciError WaitInterrupt(uint32_t vector, uint32_t timeout_ms) override;
  // BARs stay where they are and memory decoding stays on.
  abi::PciError ResetFunction() override;
  const char* LastErrorText() const override { return error_.c_str(); }

 private:
  static constexpr int kBarCount = 6;

  // What the server asks, in the receiving thread.
  class Requests final : public RequestHandler {
   public:
    Requests(DmaTable* memory, ServedInterrupts* interrupts)
        : memory_(memory), interrupts_(interrupts) {}
    uint32_t Serve(const Message& request, std::vector<uint8_t>* body) override;

   private:
    uint32_t ReadMemory(const std::vector<uint8_t>& body, std::vector<uint8_t>* reply);
    uint32_t WriteMemory(const std::vector<uint8_t>& body, std::vector<uint8_t>* reply);

    DmaTable* memory_;
    ServedInterrupts* interrupts_;
  };
  struct Region {
    ServedRegion served;
    uint8_t* mapping = nullptr;
  };

  VfioUserFunction() : requests_(&memory_, &interrupts_) {}
  abi::PciError Connect(const std::string& where);
  abi::PciError ReadRegions();
  abi::PciError CountVectors(uint32_t* available);
  abi::PciError SetVectors(uint32_t count);
  void PlaceBars();
  void PlaceBar(int bar, uint64_t* low, uint64_t* high);
  Region* FindBar(int bar);
  bool CheckBarAccess(int bar, uint64_t offset, uint64_t size_bytes, uint64_t alignment);
  bool MapFile(int bar, Region* region);
  void SetCommand(uint32_t clear, uint32_t set);
  // `error` for the caller; keeps the text of what is not kNone.
  abi::PciError Keep(abi::PciError error);

  DmaTable memory_;
  ServedInterrupts interrupts_;
  Requests requests_;
  std::optional<Connection> connection_;  // its thread ends before what it serves
  std::optional<ServedDevice> device_;
  bool by_messages_ = false;
  ServedRegion config_;
  std::array<Region, kBarCount> bars_;
  uint32_t irq_index_ = 0;  // of the vectors that are enabled
  bool decodes_memory_ = false;
  std::string error_;
};

}  // namespace ward::kmd

#endif  // WARD_KMD_PORTS_VFIO_USER_VFIO_USER_FUNCTION_H_
