// Compile-time checks of a structure's size and of its members' offsets, for the DDI's
// declarations.
#ifndef WARD_UMD_DDI_LAYOUT_CHECK_H_
#define WARD_UMD_DDI_LAYOUT_CHECK_H_

#include <cstddef>

#define WARD_DDI_SIZE(type, bytes) \
  static_assert(sizeof(type) == (bytes), #type " is not " #bytes " bytes")
#define WARD_DDI_AT(type, member, bytes) \
  static_assert(offsetof(type, member) == (bytes), #type "." #member " is not at " #bytes)

#endif  // WARD_UMD_DDI_LAYOUT_CHECK_H_
