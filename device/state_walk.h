// How everything that walks over state takes a value apart: one order, whether it is hashed, saved
// or loaded. A structure lists its fields once (base/state_fields.h).
//
// An archive has, for what a value can be: Number (integers and bool), Enumerator (an enum with
// kLast), Bytes (an array of bytes), Records (an array of structures), List (a vector), and Fields
// for a structure's members with their names.
#ifndef WARD_DEVICE_STATE_WALK_H_
#define WARD_DEVICE_STATE_WALK_H_

#include <array>
#include <cstddef>
#include <cstdint>
#include <type_traits>
#include <vector>

namespace ward::device {

template <typename T>
struct StateArray {
  static constexpr bool kIs = false;
};
template <typename T, size_t kCount>
struct StateArray<T[kCount]> {
  static constexpr bool kIs = true;
  using Element = T;
};
template <typename T, size_t kCount>
struct StateArray<std::array<T, kCount>> {
  static constexpr bool kIs = true;
  using Element = T;
};

template <typename T>
inline constexpr bool kIsStateVector = false;
template <typename T>
inline constexpr bool kIsStateVector<std::vector<T>> = true;

template <typename Archive, typename T>
void WalkState(Archive& archive, T& value) {
  using Plain = std::remove_const_t<T>;
  if constexpr (std::is_enum_v<Plain>) {
    archive.Enumerator(value);
  } else if constexpr (std::is_integral_v<Plain>) {
    archive.Number(value);
  } else if constexpr (kIsStateVector<Plain>) {
    archive.List(value);
  } else if constexpr (StateArray<Plain>::kIs) {
    using Element = std::remove_const_t<typename StateArray<Plain>::Element>;
    if constexpr (std::is_same_v<Element, uint8_t>) {
      archive.Bytes(value);
    } else if constexpr (std::is_class_v<Element>) {
      archive.Records(value);
    } else {
      for (auto& element : value) WalkState(archive, element);
    }
  } else {
    Plain::ListFields(archive, value);
  }
}

}  // namespace ward::device

#endif  // WARD_DEVICE_STATE_WALK_H_
