// The device's interrupts on their way to a client: an eventfd for each vector that has one. A
// vector that fires without one, or while the function may not master the bus, is remembered and
// fires when it can: QEMU turns all vectors off and on again each time the guest enables one more.
#ifndef WARD_EMULATOR_VFIO_USER_VECTOR_EVENTS_H_
#define WARD_EMULATOR_VFIO_USER_VECTOR_EVENTS_H_

#include <array>
#include <cstdint>

#include "abi/generated/pci.h"
#include "base/file_descriptor.h"

namespace ward::emulator {

class VectorEvents {
 public:
  // Whether it is an eventfd: anything else might keep us waiting, or be a file that the client has
  // no business in.
  static bool IsUsable(const FileDescriptor& event);
  // `vector` is less than abi::kVectorCount. Takes a usable eventfd; an invalid descriptor takes
  // the vector's eventfd away.
  void Assign(uint32_t vector, FileDescriptor event);
  void DropEvents();
  // Nothing is due any more: after a reset. The eventfds stay.
  void DropPending() { pending_ = 0; }

  void Fire(uint32_t vector);
  void SetBusMaster(bool enabled);

  // A bit for each vector that fired and could not be told.
  uint32_t pending() const { return pending_; }
  // Whether a client had a write to its eventfd wait for kLimitMs. That eventfd is gone then, and
  // the client is to go.
  bool is_held_up() const { return is_held_up_; }

  // Less than a server waits for its devices at its end.
  static constexpr int kLimitMs = 100;

 private:
  void FirePending();
  static bool Write(int event);

  std::array<FileDescriptor, abi::kVectorCount> events_;
  uint32_t pending_ = 0;
  bool bus_master_ = false;
  bool is_held_up_ = false;
};

}  // namespace ward::emulator

#endif  // WARD_EMULATOR_VFIO_USER_VECTOR_EVENTS_H_
