// One list of a structure's fields, for whatever walks over state: hashing, saving, loading
// (device/state_walk.h). The list stands in the structure and has to name every data member in its
// order, or the structure does not compile: a field that is added can't be forgotten. Freestanding:
// firmware's state uses it too.
#ifndef WARD_BASE_STATE_FIELDS_H_
#define WARD_BASE_STATE_FIELDS_H_

#define WARD_STATE_FIELDS(...)                           \
  template <typename Archive, typename Self>             \
  static void ListFields(Archive& archive, Self& self) { \
    auto& [__VA_ARGS__] = self;                          \
    archive.Fields(#__VA_ARGS__, __VA_ARGS__);           \
  }

#endif  // WARD_BASE_STATE_FIELDS_H_
