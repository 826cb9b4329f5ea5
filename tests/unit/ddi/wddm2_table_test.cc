// The video tables of WDDM 2.x: the D3D11.1 table's entries, then these in order.
#include <cstddef>
#include <iterator>

#include "catch2/catch_test_macros.hpp"
#include "umd/ddi/video_functions_wddm2.h"

namespace ward::umd {
namespace {

// The place of an entry in its table. These tables are derived from one another, so offsetof does
// not do.
template <typename Table, typename Entry>
size_t IndexOf(const Table& table, const Entry& entry) {
  return static_cast<size_t>(reinterpret_cast<const char*>(&entry) -
                             reinterpret_cast<const char*>(&table)) /
         8;
}

TEST_CASE("the WDDM 2.x tables have 94, 96, 96 and 97 entries") {
  CHECK(sizeof(D3DWDDM2_0DDI_VIDEODEVICEFUNCS) == 94 * 8);
  CHECK(sizeof(D3DWDDM2_1DDI_VIDEODEVICEFUNCS) == 96 * 8);
  CHECK(sizeof(D3DWDDM2_4DDI_VIDEODEVICEFUNCS_RS4_0) == 96 * 8);
  CHECK(sizeof(D3DWDDM2_4DDI_VIDEODEVICEFUNCS) == 97 * 8);
}

TEST_CASE("the entries that the WDDM 2.x tables add are in the documented order") {
  const D3DWDDM2_4DDI_VIDEODEVICEFUNCS table = {};
  CHECK(IndexOf(table, table.pfnGetVideoDecoderProfileCount) == 0);
  CHECK(IndexOf(table, table.pfnGetCaptureHandle) == 80);
  const size_t added[] = {
      IndexOf(table, table.pfnGetDataForNewHardwareKey),
      IndexOf(table, table.pfnCheckCryptoSessionStatus),
      IndexOf(table, table.pfnVideoDecoderSubmitBuffers1),
      IndexOf(table, table.pfnQueryVideoCapabilities),
      IndexOf(table, table.pfnCheckVideoProcessorFormatConversion),
      IndexOf(table, table.pfnVideoDecoderEnableDownsampling),
      IndexOf(table, table.pfnVideoDecoderUpdateDownsampling),
      IndexOf(table, table.pfnVideoProcessorSetStreamMirror),
      IndexOf(table, table.pfnVideoProcessorSetOutputColorSpace1),
      IndexOf(table, table.pfnVideoProcessorSetStreamColorSpace1),
      IndexOf(table, table.pfnVideoProcessorSetOutputShaderUsage),
      IndexOf(table, table.pfnVideoProcessorGetBehaviorHints),
      IndexOf(table, table.pfnGetCryptoSessionPrivateDataSize),
      IndexOf(table, table.pfnVideoProcessorSetOutputHDRMetaData),
      IndexOf(table, table.pfnVideoProcessorSetStreamHDRMetaData),
      IndexOf(table, table.pfnNegotiateCryptoSessionKeyExchangeMT),
  };
  for (size_t i = 0; i < std::size(added); ++i) CHECK(added[i] == 81 + i);
  CHECK(IndexOf(table, table.pfnVideoDecoderSubmitBuffers2) == 83);
}

}  // namespace
}  // namespace ward::umd
