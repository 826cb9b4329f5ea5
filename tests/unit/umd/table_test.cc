// The function tables: no hole in them, and what unsupported entries answer.
#include <bit>
#include <vector>

#include "tests/unit/umd/driver_fixture.h"
#include "umd/ddi/video_functions_wddm2.h"
#include "umd/unsupported_function.h"

namespace ward::umd {
namespace {

template <typename Table>
std::vector<size_t> EmptySlots(const Table& table) {
  uint64_t slots[sizeof(Table) / 8];
  std::memcpy(slots, &table, sizeof(table));
  std::vector<size_t> empty;
  for (size_t i = 0; i < std::size(slots); ++i) {
    if (slots[i] == 0) empty.push_back(i);
  }
  return empty;
}

TEST_CASE("no slot of any table is empty") {
  Driver driver;
  CHECK(EmptySlots(driver.device.functions) == std::vector<size_t>{});
  CHECK(EmptySlots(driver.device.dxgi) == std::vector<size_t>{});
  CHECK(EmptySlots(driver.device.video) == std::vector<size_t>{});
}

TEST_CASE("RelocateDeviceFuncs and a relocated video table are filled again") {
  Driver driver;
  D3D11_1DDI_DEVICEFUNCS moved = {};
  driver.device.functions.pfnRelocateDeviceFuncs(driver.device.handle, &moved);
  CHECK(std::memcmp(&moved, &driver.device.functions, sizeof(moved)) == 0);
  D3D11_1DDI_VIDEODEVICEFUNCS video = {};
  D3D11_1DDI_VIDEO_INPUT input = {TRUE, &video};
  CHECK(driver.device.retrieve_sub_object(driver.device.handle, 2, sizeof(input), &input, 0,
                                          nullptr) == S_OK);
  CHECK(std::memcmp(&video, &driver.device.video, sizeof(video)) == 0);
}

TEST_CASE("RetrieveSubObject refuses other sub-objects and short or null input") {
  Driver driver;
  D3D11_1DDI_VIDEODEVICEFUNCS video = {};
  D3D11_1DDI_VIDEO_INPUT input = {FALSE, &video};
  const auto retrieve = driver.device.retrieve_sub_object;
  const D3D10DDI_HDEVICE handle = driver.device.handle;
  for (const UINT32 id : {0u, 1u, 4u, 8u, 0xffffffffu}) {
    CHECK(retrieve(handle, id, sizeof(input), &input, 1, nullptr) == E_INVALIDARG);
  }
  CHECK(retrieve(handle, 2, sizeof(input) - 1, &input, 1, nullptr) == E_INVALIDARG);
  CHECK(retrieve(handle, 2, sizeof(input), nullptr, 1, nullptr) == E_INVALIDARG);
  CHECK(retrieve({nullptr}, 2, sizeof(input), &input, 1, nullptr) == E_INVALIDARG);
  CHECK(video.pfnCreateCryptoSession == nullptr);
  input.p11VideoDeviceFuncs = nullptr;
  CHECK(retrieve(handle, 2, sizeof(input), &input, 1, nullptr) == E_INVALIDARG);
}

// The table under each number, as long as it says and no longer.
template <typename Table>
Table Retrieve(Driver* driver, UINT32 id) {
  struct {
    Table table;
    uint64_t behind = 0x5a5a5a5a5a5a5a5a;
  } room = {};
  struct {
    BOOL relocate;
    Table* table;
  } input = {FALSE, &room.table};
  const auto retrieve = driver->device.retrieve_sub_object;
  CHECK(retrieve(driver->device.handle, id, sizeof(input) - 1, &input, 0, nullptr) == E_INVALIDARG);
  CHECK(EmptySlots(room.table).size() == sizeof(Table) / 8);
  CHECK(retrieve(driver->device.handle, id, sizeof(input), &input, 0, nullptr) == S_OK);
  CHECK(EmptySlots(room.table) == std::vector<size_t>{});
  CHECK(room.behind == 0x5a5a5a5a5a5a5a5a);
  return room.table;
}

template <typename Table>
std::vector<size_t> DifferentSlots(const Table& a, const Table& b) {
  std::vector<size_t> slots;
  for (size_t i = 0; i < sizeof(Table) / sizeof(void*); ++i) {
    const size_t at = i * sizeof(void*);
    const auto* of_a = reinterpret_cast<const uint8_t*>(&a) + at;
    if (std::memcmp(of_a, reinterpret_cast<const uint8_t*>(&b) + at, sizeof(void*)) != 0) {
      slots.push_back(i);
    }
  }
  return slots;
}

TEST_CASE("each WDDM 2.x table is filled, without holes, under its own number") {
  Driver driver;
  const auto first = Retrieve<D3DWDDM2_0DDI_VIDEODEVICEFUNCS>(&driver, 3);
  const auto second = Retrieve<D3DWDDM2_1DDI_VIDEODEVICEFUNCS>(&driver, 5);
  const auto third = Retrieve<D3DWDDM2_4DDI_VIDEODEVICEFUNCS_RS4_0>(&driver, 6);
  const auto last = Retrieve<D3DWDDM2_4DDI_VIDEODEVICEFUNCS>(&driver, 7);
  // Slot 83 takes another structure from 2.4 on.
  CHECK(DifferentSlots(second, third) == std::vector<size_t>{83});
  CHECK(DifferentSlots(static_cast<const D3DWDDM2_0DDI_VIDEODEVICEFUNCS&>(second), first) ==
        std::vector<size_t>{});
  CHECK(DifferentSlots(static_cast<const D3DWDDM2_1DDI_VIDEODEVICEFUNCS&>(last), third) ==
        std::vector<size_t>{});
  // What does not know of hardware DRM is the D3D11.1 table's own.
  CHECK(last.pfnDecryptionBlt == driver.device.video.pfnDecryptionBlt);
  CHECK(last.pfnGetContentProtectionCaps != driver.device.video.pfnGetContentProtectionCaps);
  const uint32_t before = UndeclaredCallCount();
  CHECK(last.pfnVideoProcessorSetOutputHDRMetaData() == E_NOTIMPL);
  CHECK(last.pfnQueryVideoCapabilities() == E_NOTIMPL);
  CHECK(UndeclaredCallCount() == before + 2);
}

TEST_CASE("undeclared entries answer E_NOTIMPL and are counted") {
  Driver driver;
  const uint32_t before = UndeclaredCallCount();
  CHECK(driver.device.functions.pfnDraw() == E_NOTIMPL);
  CHECK(driver.device.functions.pfnClearView() == E_NOTIMPL);
  CHECK(driver.device.dxgi.pfnPresentMultiPlaneOverlay() == E_NOTIMPL);
  CHECK(UndeclaredCallCount() == before + 3);
}

TEST_CASE("undeclared size entries answer the least private size") {
  Driver driver;
  const D3D11_1DDI_DEVICEFUNCS& functions = driver.device.functions;
  for (const PFND3D_UNDECLARED_SIZE size :
       {functions.pfnCalcPrivateShaderResourceViewSize,
        functions.pfnCalcPrivateRenderTargetViewSize, functions.pfnCalcPrivateDepthStencilViewSize,
        functions.pfnCalcPrivateElementLayoutSize, functions.pfnCalcPrivateBlendStateSize,
        functions.pfnCalcPrivateDepthStencilStateSize, functions.pfnCalcPrivateRasterizerStateSize,
        functions.pfnCalcPrivateShaderSize, functions.pfnCalcPrivateGeometryShaderWithStreamOutput,
        functions.pfnCalcPrivateSamplerSize, functions.pfnCalcPrivateQuerySize,
        functions.pfnCalcPrivateDeferredContextSize, functions.pfnCalcPrivateCommandListSize,
        functions.pfnCalcPrivateTessellationShaderSize,
        functions.pfnCalcPrivateUnorderedAccessViewSize}) {
    CHECK(size() == sizeof(void*));
  }
}

TEST_CASE("a declared entry that is not supported counts an event") {
  Driver driver;
  const uint32_t before = driver.device.events();
  driver.device.functions.pfnSetTextFilterSize(driver.device.handle, 3, 3);
  driver.device.functions.pfnResourceResolveSubresource(driver.device.handle, {}, 0, {}, 0,
                                                        DXGI_FORMAT_B8G8R8A8_UNORM);
  CHECK(driver.device.events() == before + 2);
}

TEST_CASE("the tables of WDDM 2.0 and 2.4 have no hole, and their own ways to submit buffers") {
  Driver driver;
  const auto retrieve = driver.device.retrieve_sub_object;
  D3DWDDM2_0DDI_VIDEODEVICEFUNCS older = {};
  D3DWDDM2_0DDI_VIDEO_INPUT older_input = {FALSE, &older};
  CHECK(retrieve(driver.device.handle, D3DWDDM2_0DDI_VIDEO_FUNCTIONS, sizeof(older_input),
                 &older_input, 0, nullptr) == S_OK);
  CHECK(EmptySlots(older) == std::vector<size_t>{});
  D3DWDDM2_4DDI_VIDEODEVICEFUNCS newer = {};
  D3DWDDM2_4DDI_VIDEO_INPUT newer_input = {FALSE, &newer};
  CHECK(retrieve(driver.device.handle, D3DWDDM2_4DDI_VIDEO_FUNCTIONS, sizeof(newer_input),
                 &newer_input, 0, nullptr) == S_OK);
  CHECK(EmptySlots(newer) == std::vector<size_t>{});
  CHECK(std::memcmp(&older.pfnVideoDecoderSubmitBuffers1, &newer.pfnVideoDecoderSubmitBuffers2,
                    sizeof(older.pfnVideoDecoderSubmitBuffers1)) != 0);
}

}  // namespace
}  // namespace ward::umd
