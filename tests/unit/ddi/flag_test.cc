// Bit-fields and numbers, against the numbers that the documentation prints.
#include <cstring>

#include "catch2/catch_test_macros.hpp"
#include "umd/ddi/d3d11_1_ddi.h"

namespace ward::umd {
namespace {

template <typename Flags>
UINT Bits(const Flags& flags) {
  static_assert(sizeof(Flags) == 4);
  UINT bits;
  std::memcpy(&bits, &flags, sizeof(bits));
  return bits;
}

#define WARD_CHECK_BIT(type, member, bit) \
  do {                                    \
    type flags = {};                      \
    flags.member = 1;                     \
    CHECK(Bits(flags) == 1u << (bit));    \
  } while (false)

TEST_CASE("lock flags take the documented bits") {
  WARD_CHECK_BIT(D3DDDICB_LOCKFLAGS, ReadOnly, 0);
  WARD_CHECK_BIT(D3DDDICB_LOCKFLAGS, WriteOnly, 1);
  WARD_CHECK_BIT(D3DDDICB_LOCKFLAGS, DonotWait, 2);
  WARD_CHECK_BIT(D3DDDICB_LOCKFLAGS, IgnoreSync, 3);
  WARD_CHECK_BIT(D3DDDICB_LOCKFLAGS, LockEntire, 4);
  WARD_CHECK_BIT(D3DDDICB_LOCKFLAGS, DonotEvict, 5);
  WARD_CHECK_BIT(D3DDDICB_LOCKFLAGS, AcquireAperture, 6);
  WARD_CHECK_BIT(D3DDDICB_LOCKFLAGS, Discard, 7);
  WARD_CHECK_BIT(D3DDDICB_LOCKFLAGS, NoExistingReference, 8);
  WARD_CHECK_BIT(D3DDDICB_LOCKFLAGS, UseAlternateVA, 9);
  WARD_CHECK_BIT(D3DDDICB_LOCKFLAGS, IgnoreReadSync, 10);
}

TEST_CASE("the named lock masks are the bit-fields' bits") {
  D3DDDICB_LOCKFLAGS flags = {};
  flags.Value = kLockWriteOnly | kLockEntire | kLockDiscard | kLockIgnoreReadSync;
  CHECK(flags.WriteOnly == 1);
  CHECK(flags.LockEntire == 1);
  CHECK(flags.Discard == 1);
  CHECK(flags.IgnoreReadSync == 1);
  CHECK(flags.ReadOnly == 0);
  CHECK(flags.Reserved == 0);
  CHECK((kLockReadOnly | kLockDonotWait | kLockIgnoreSync | kLockDonotEvict | kLockAcquireAperture |
         kLockNoExistingReference | kLockUseAlternateVa) == 0x36Du);
}

TEST_CASE("escape, render, present and protection flags take the documented bits") {
  WARD_CHECK_BIT(D3DDDI_ESCAPEFLAGS, HardwareAccess, 0);
  WARD_CHECK_BIT(D3DDDI_ESCAPEFLAGS, DeviceStatusQuery, 1);
  WARD_CHECK_BIT(D3DDDI_ESCAPEFLAGS, ChangeFrameLatency, 2);
  WARD_CHECK_BIT(D3DDDICB_RENDERFLAGS, ResizeCommandBuffer, 0);
  WARD_CHECK_BIT(D3DDDICB_RENDERFLAGS, ResizeAllocationList, 1);
  WARD_CHECK_BIT(D3DDDICB_RENDERFLAGS, ResizePatchLocationList, 2);
  WARD_CHECK_BIT(D3DDDICB_RENDERFLAGS, NullRendering, 3);
  WARD_CHECK_BIT(DXGI_DDI_PRESENT_FLAGS, Blt, 0);
  WARD_CHECK_BIT(DXGI_DDI_PRESENT_FLAGS, Flip, 1);
  WARD_CHECK_BIT(D3D11_1DDI_AUTHENTICATED_PROTECTION_FLAGS, ProtectionEnabled, 0);
  WARD_CHECK_BIT(D3D11_1DDI_AUTHENTICATED_PROTECTION_FLAGS, OverlayOrFullscreenRequired, 1);
}

TEST_CASE("allocation and patch location lists pack their fields as documented") {
  D3DDDI_ALLOCATIONLIST allocation = {};
  allocation.WriteOperation = 1;
  CHECK(allocation.Value == kAllocationListWriteOperation);
  allocation.Value = 0;
  allocation.OfferPriority = 5;
  CHECK(allocation.Value == 5u << 2);
  D3DDDI_PATCHLOCATIONLIST patch = {};
  patch.SlotId = 0xABCDEF;
  CHECK(patch.Value == 0x00ABCDEFu);
  D3DDDI_ALLOCATIONINFO info = {};
  info.Flags.Stereo = 1;
  CHECK(info.Flags.Value == 2);
}

TEST_CASE("a colour space keeps the nominal range in bits 4 and 5") {
  D3D11_1DDI_VIDEO_PROCESSOR_COLOR_SPACE space = {};
  space.Nominal_Range = D3D11_1DDI_VIDEO_PROCESSOR_NOMINAL_RANGE_0_255;
  CHECK(Bits(space) == 0x20);
  space.YCbCr_Matrix = 1;
  CHECK(Bits(space) == 0x24);
}

TEST_CASE("content protection caps are the DDI's bits, which differ from the API's at 0x2000") {
  CHECK(D3D11_1DDI_CONTENT_PROTECTION_CAPS_HARDWARE == 0x2);
  CHECK(D3D11_1DDI_CONTENT_PROTECTION_CAPS_PARTIAL_DECRYPTION == 0x8);
  CHECK(D3D11_1DDI_CONTENT_PROTECTION_CAPS_CONTENT_KEY == 0x10);
  CHECK(D3D11_1DDI_CONTENT_PROTECTION_CAPS_ENCRYPTED_READ_BACK_KEY == 0x80);
  CHECK(D3D11_1DDI_CONTENT_PROTECTION_CAPS_SEQUENTIAL_CTR_IV == 0x100);
  CHECK(D3D11_1DDI_CONTENT_PROTECTION_CAPS_DECRYPTION_BLT == 0x400);
  CHECK(D3DWDDM2_0DDI_CONTENT_PROTECTION_CAPS_HARDWARE_TEARDOWN == 0x4000);
  CHECK(kApiContentProtectionCapsHardwareTeardown == 0x2000);
}

TEST_CASE("the DDI's resource flags are not the API's") {
  CHECK(D3D11_1DDI_RESOURCE_MISC_RESTRICTED_CONTENT == 0x800);
  CHECK(kApiResourceMiscRestrictedContent == 0x1000);
  CHECK(D3D11_1DDI_RESOURCE_MISC_RESTRICT_SHARED_RESOURCE_DRIVER == 0x1000);
  CHECK(kApiResourceMiscRestrictSharedResourceDriver == 0x4000);
  CHECK(D3DWDDM2_0DDI_RESOURCE_MISC_HW_PROTECTED == 0x10000);
  CHECK(kApiResourceMiscHwProtected == 0x80000);
}

TEST_CASE("formats, usages and map kinds have the system's numbers") {
  CHECK(DXGI_FORMAT_R8_UNORM == 61);
  CHECK(DXGI_FORMAT_B8G8R8A8_UNORM == 87);
  CHECK(DXGI_FORMAT_B8G8R8X8_UNORM == 88);
  CHECK(DXGI_FORMAT_NV12 == 103);
  CHECK(DXGI_FORMAT_P010 == 104);
  CHECK(D3D10_DDI_USAGE_STAGING == 3);
  CHECK(D3D10_DDI_MAP_WRITE_DISCARD == 4);
  CHECK(D3D10_DDI_BIND_PRESENT == 0x80);
  CHECK(D3D10DDIRESOURCE_TEXTURE2D == 3);
}

TEST_CASE("an enumeration holds a value outside its list, so that hostile input can be refused") {
  D3D11_1DDIARG_CREATEAUTHENTICATEDCHANNEL arguments = {};
  const INT hostile = 0x7FFFFFFF;
  std::memcpy(&arguments.ChannelType, &hostile, sizeof(hostile));
  CHECK(arguments.ChannelType != D3D11_1DDI_AUTHENTICATED_CHANNEL_DRIVER_HARDWARE);
  CHECK(static_cast<INT>(arguments.ChannelType) == hostile);
}

TEST_CASE("the pipeline level is read from bits 1 to 3 of the device flags") {
  CHECK(D3D11DDI_EXTRACT_3DPIPELINELEVEL_FROM_FLAGS(0x16) == D3D11_1DDI_3DPIPELINELEVEL_11_1);
  CHECK(D3D11DDI_EXTRACT_3DPIPELINELEVEL_FROM_FLAGS(0x11) == D3D11DDI_3DPIPELINELEVEL_10_0);
  CHECK(D3D11DDI_ENCODE_3DPIPELINESUPPORT_CAP(D3D11_1DDI_3DPIPELINELEVEL_11_1) == 8);
}

TEST_CASE("status codes are failures with the documented numbers") {
  struct Row {
    HRESULT result;
    UINT number;
  };
  const Row rows[] = {
      {E_FAIL, 0x80004005},
      {E_NOTIMPL, 0x80004001},
      {E_INVALIDARG, 0x80070057},
      {E_OUTOFMEMORY, 0x8007000E},
      {E_NOT_SUFFICIENT_BUFFER, 0x8007007A},
      {D3DDDIERR_NOTAVAILABLE, 0x8876086A},
      {D3DDDIERR_DEVICEREMOVED, 0x88760870},
      {D3DERR_CANNOTPROTECTCONTENT, 0x8876087D},
      {D3DDDIERR_UNSUPPORTEDCRYPTO, 0x8876087E},
      {D3DERR_UNSUPPORTEDCRYPTO, 0x8876087E},
      {D3DDDIERR_WASSTILLDRAWING, 0x8876021C},
  };
  for (const Row& row : rows) {
    CHECK(static_cast<UINT>(row.result) == row.number);
    CHECK(FAILED(row.result));
  }
  CHECK(SUCCEEDED(S_OK));
  CHECK(SUCCEEDED(DXGI_STATUS_NO_REDIRECTION));
}

TEST_CASE("every version's SUPPORTED number is its interface over its build") {
  struct Row {
    UINT interface_version;
    UINT build;
    UINT64 supported;
  };
  const Row rows[] = {
      {D3D10_0_DDI_INTERFACE_VERSION, D3D10_0_DDI_BUILD_VERSION, D3D10_0_DDI_SUPPORTED},
      {D3D10_1_DDI_INTERFACE_VERSION, D3D10_1_DDI_BUILD_VERSION, D3D10_1_DDI_SUPPORTED},
      {D3D11_0_DDI_INTERFACE_VERSION, D3D11_0_DDI_BUILD_VERSION, D3D11_0_DDI_SUPPORTED},
      {D3D11_0_7_DDI_INTERFACE_VERSION, D3D11_0_7_DDI_BUILD_VERSION, D3D11_0_7_DDI_SUPPORTED},
      {D3D11_1_DDI_INTERFACE_VERSION, D3D11_1_DDI_BUILD_VERSION, D3D11_1_DDI_SUPPORTED},
      {D3DWDDM1_3_DDI_INTERFACE_VERSION, D3DWDDM1_3_DDI_BUILD_VERSION, D3DWDDM1_3_DDI_SUPPORTED},
      {D3DWDDM2_2_DDI_INTERFACE_VERSION, D3DWDDM2_2_DDI_BUILD_VERSION, D3DWDDM2_2_DDI_SUPPORTED},
  };
  UINT64 before = 0;
  for (const Row& row : rows) {
    CHECK(row.supported == (UINT64{row.interface_version} << 32 | UINT64{row.build} << 16));
    CHECK(row.supported > before);
    before = row.supported;
  }
  CHECK(D3D11_1_DDI_INTERFACE_VERSION == (11u << 16 | 15u));
  CHECK(D3D11_1DDI_VIDEO_FUNCTIONS == 2);
}

}  // namespace
}  // namespace ward::umd
