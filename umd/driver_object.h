// What the driver puts into the memory behind a driver handle. The runtime passes handles back; a
// null one, one of another kind, of another device or of an object that was destroyed is found out
// here, before anything of it is used.
#ifndef WARD_UMD_DRIVER_OBJECT_H_
#define WARD_UMD_DRIVER_OBJECT_H_

#include <cstdint>

#include "base/rule.h"

namespace ward::umd {

class Device;

enum class ObjectKind : uint32_t {
  kNone = 0,
  kResource = 0x57520001,
  kCryptoSession,
  kVideoProcessorEnum,
  kVideoProcessor,
  kVideoInputView,
  kVideoOutputView,
  kAuthenticatedChannel,
  kVideoDecoder,
  kVideoDecoderOutputView,
};

// The first and only base of every object with a driver handle.
class DriverObject {
 public:
  DriverObject(const DriverObject&) = delete;
  DriverObject& operator=(const DriverObject&) = delete;

  // The object behind pDrvPrivate when it is a live T of `device`, else null.
  template <typename T>
  static T* Find(const Device* device, void* driver_private) {
    auto* object = static_cast<DriverObject*>(driver_private);
    if (object == nullptr || device == nullptr) return nullptr;
    if (object->kind_ != T::kKind) return nullptr;
    if (WARD_RULE("4.own_device", object->device_ != device)) return nullptr;
    return static_cast<T*>(object);
  }

 protected:
  DriverObject(Device* device, ObjectKind kind) : device_(device), kind_(kind) {}
  ~DriverObject() {
    // Through volatile: the store must stay although the object ends here.
    *static_cast<volatile ObjectKind*>(&kind_) = ObjectKind::kNone;
  }

  Device& device() const { return *device_; }

 private:
  Device* device_;
  ObjectKind kind_;
};

}  // namespace ward::umd

#endif  // WARD_UMD_DRIVER_OBJECT_H_
