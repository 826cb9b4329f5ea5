// What a served device is asked: the requests of the protocol, with every answer checked before it
// is used. One for each connection; the driver's thread's.
#ifndef WARD_KMD_PORTS_VFIO_USER_SERVED_DEVICE_H_
#define WARD_KMD_PORTS_VFIO_USER_SERVED_DEVICE_H_

#include <cstdint>
#include <string>
#include <vector>

#include "abi/pci_function.h"
#include "abi/vfio_user.h"
#include "base/bytes.h"
#include "base/file_descriptor.h"
#include "kmd/ports/vfio_user/connection.h"

namespace ward::kmd {

// A region as the server describes it.
struct ServedRegion {
  uint64_t size = 0;    // 0: there is none
  FileDescriptor file;  // invalid: it can't be mapped
  uint64_t file_offset = 0;
};

class ServedDevice {
 public:
  // `connection` outlives this.
  explicit ServedDevice(Connection* connection) : connection_(connection) {}

  // Agrees on the protocol and asks what the device is. `interrupts_by_messages`: asks for messages
  // in place of events. kUnsupported: another protocol, or no PCI function.
  abi::PciError Negotiate(bool interrupts_by_messages);

  bool is_resettable() const { return is_resettable_; }
  // Of one message to the server.
  uint32_t maximum_descriptors() const { return maximum_descriptors_; }

  abi::PciError ReadRegion(uint32_t index, ServedRegion* region);
  // How many vectors of an index can be connected with events.
  abi::PciError CountVectors(uint32_t index, uint32_t* count);
  // `descriptors` has an eventfd for each of the `count` vectors, or is empty.
  abi::PciError SetVectors(uint32_t index, uint32_t start, uint32_t count,
                           const std::vector<int>& descriptors);
  abi::PciError DisableVectors(uint32_t index);

  // Any number of bytes inside the region, in as few requests as the server takes.
  abi::PciError Read(uint32_t region, uint64_t offset, ByteSpan into);
  abi::PciError Write(uint32_t region, uint64_t offset, ConstByteSpan from);

  // As Write of at most 8 bytes, posted as a bus posts writes: nobody waits until the server has
  // done it, nor hears that it refused it. It is done before whatever is asked later.
  abi::PciError Post(uint32_t region, uint64_t offset, ConstByteSpan from);

  // `descriptor`: of a file with the buffer at its start; negative: the server sends messages.
  abi::PciError MapDma(const abi::DmaBuffer& buffer, int descriptor);
  abi::PciError UnmapDma(const abi::DmaBuffer& buffer);

  abi::PciError Reset();

  // Of the last call that did not succeed.
  const std::string& error() const { return error_; }

 private:
  // Posted writes in a row; then one is waited for, so that a server that is slow holds us up.
  static constexpr uint32_t kMostPosted = 32;

  abi::PciError Ask(const Connection::Request& request, Message* reply);
  // As Ask; the reply's body begins with a T.
  template <typename T>
  abi::PciError AskFor(const Connection::Request& request, Message* reply, T* answer);
  abi::PciError Malformed(abi::vfio_user::Command command);
  abi::PciError TakeVersion(const Message& reply);
  abi::PciError TakeCapabilities(const std::string& text);
  abi::PciError ReadPiece(uint32_t region, uint64_t offset, ByteSpan into);
  abi::PciError WritePiece(uint32_t region, uint64_t offset, ConstByteSpan from);
  abi::PciError AskRegionInfo(uint32_t index, uint32_t room, Message* reply,
                              abi::vfio_user::RegionInfo* info);

  Connection* connection_;
  uint32_t posted_ = 0;  // since the last answer
  bool is_resettable_ = false;
  uint32_t maximum_descriptors_ = abi::vfio_user::kDefaultMaximumFds;
  uint32_t transfer_bytes_ = abi::vfio_user::kDefaultTransferBytes;  // of one request
  std::string error_;
};

}  // namespace ward::kmd

#endif  // WARD_KMD_PORTS_VFIO_USER_SERVED_DEVICE_H_
