// The message-signalled interrupts of a served function: an event for each vector, which the server
// sets itself (it got the descriptor) or the receiving thread sets when a message says so.
#ifndef WARD_KMD_PORTS_VFIO_USER_SERVED_INTERRUPTS_H_
#define WARD_KMD_PORTS_VFIO_USER_SERVED_INTERRUPTS_H_

#include <cstdint>
#include <mutex>
#include <string>
#include <vector>

#include "abi/pci_function.h"
#include "base/file_descriptor.h"

namespace ward::kmd {

// The driver's thread calls Reset and Wait, any thread Fire.
class ServedInterrupts {
 public:
  // `count` new events, none of them set, in place of those before. False: no descriptors left.
  bool Reset(uint32_t count);
  uint32_t count() const { return static_cast<uint32_t>(events_.size()); }
  // Of one vector, for the server.
  int descriptor(uint32_t vector) const { return events_[vector].get(); }

  // A vector that is not enabled fires into the void.
  void Fire(uint32_t vector);

  // Waits at most `timeout_ms` until `vector` has fired since the last wait for it. kGone as soon
  // as `gone` is readable.
  abi::PciError Wait(uint32_t vector, uint32_t timeout_ms, const FileDescriptor& gone,
                     std::string* error);

 private:
  std::mutex mutex_;  // of the list; written by the driver's thread alone
  std::vector<FileDescriptor> events_;
};

}  // namespace ward::kmd

#endif  // WARD_KMD_PORTS_VFIO_USER_SERVED_INTERRUPTS_H_
