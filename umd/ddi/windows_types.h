// The Windows base types that the DDI is written in. On Windows they are <windows.h>'s own;
// elsewhere they are declared here with the widths of 64-bit Windows (LLP64), so ULONG, LONG and
// DWORD are 32 bits wide although `long` is not.
//
// Only x86-64 is supported: every layout below umd/ddi is asserted for 8-byte pointers.
#ifndef WARD_UMD_DDI_WINDOWS_TYPES_H_
#define WARD_UMD_DDI_WINDOWS_TYPES_H_

#ifdef _WIN32

#ifndef WIN32_LEAN_AND_MEAN
#define WIN32_LEAN_AND_MEAN
#endif
#ifndef NOMINMAX
#define NOMINMAX
#endif
#include <windows.h>

#else

#include <cstddef>
#include <cstdint>

// On the x86-64 ABIs there is one calling convention; the words stay so that a declaration reads as
// the DDI has it.
#define APIENTRY
#define CALLBACK

using BOOL = int;
using BYTE = std::uint8_t;
using CHAR = char;
using LPSTR = CHAR*;
using UINT8 = std::uint8_t;
using USHORT = std::uint16_t;
using INT = int;
using UINT = unsigned int;
using UINT32 = std::uint32_t;
using LONG = std::int32_t;
using ULONG = std::uint32_t;
using DWORD = std::uint32_t;
using UINT64 = std::uint64_t;
using ULONGLONG = std::uint64_t;
using FLOAT = float;
using SIZE_T = std::size_t;
using UINT_PTR = std::uintptr_t;
using HANDLE = void*;
using HRESULT = std::int32_t;

#ifndef TRUE
#define TRUE 1
#endif
#ifndef FALSE
#define FALSE 0
#endif

// In memory the first three members are little-endian, the last eight bytes are in printed order.
struct GUID {
  ULONG Data1;
  USHORT Data2;
  USHORT Data3;
  BYTE Data4[8];

  friend constexpr bool operator==(const GUID&, const GUID&) = default;
};

struct RECT {
  LONG left;
  LONG top;
  LONG right;
  LONG bottom;
};

struct SIZE {
  LONG cx;
  LONG cy;
};

constexpr bool SUCCEEDED(HRESULT result) { return result >= 0; }
constexpr bool FAILED(HRESULT result) { return result < 0; }

#endif  // _WIN32

// The DDI's enumerations have a fixed underlying type here (int, as in C), so that any value which
// an untrusted caller stores is a value that can be read and refused.

static_assert(sizeof(void*) == 8, "the DDI is declared for x86-64 only");
static_assert(sizeof(BOOL) == 4 && sizeof(UINT) == 4 && sizeof(ULONG) == 4 && sizeof(LONG) == 4);
static_assert(sizeof(DWORD) == 4 && sizeof(HRESULT) == 4 && sizeof(USHORT) == 2);
static_assert(sizeof(UINT64) == 8 && sizeof(ULONGLONG) == 8 && sizeof(SIZE_T) == 8);
static_assert(sizeof(HANDLE) == 8 && sizeof(UINT_PTR) == 8);
static_assert(sizeof(GUID) == 16 && alignof(GUID) == 4);
static_assert(sizeof(RECT) == 16 && sizeof(SIZE) == 8);

#endif  // WARD_UMD_DDI_WINDOWS_TYPES_H_
