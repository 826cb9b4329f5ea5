#include "runtime/adapter.h"

#include <algorithm>
#include <utility>
#include <vector>

#include "runtime/hresult_name.h"
#include "runtime/kernel_callbacks.h"
#include "umd/ddi/versions.h"

namespace ward::runtime {
namespace {

// Feature levels, the highest first.
constexpr D3D11DDI_3DPIPELINELEVEL kPipelineLevels[] = {
    D3D11_1DDI_3DPIPELINELEVEL_11_1, D3D11DDI_3DPIPELINELEVEL_11_0,  D3D11DDI_3DPIPELINELEVEL_10_1,
    D3D11DDI_3DPIPELINELEVEL_10_0,   D3D11_1DDI_3DPIPELINELEVEL_9_3, D3D11_1DDI_3DPIPELINELEVEL_9_2,
    D3D11_1DDI_3DPIPELINELEVEL_9_1};

}  // namespace

HRESULT Adapter::Open(Kernel* kernel, PFND3D10DDI_OPENADAPTER open_adapter,
                      std::unique_ptr<Adapter>* adapter, ProcessKind kind) {
  const kmd::Process process = {kind == ProcessKind::kDwm, kernel->NewProcess()};
  std::unique_ptr<Adapter> opened(new Adapter(kernel, process));
  HRESULT result = opened->LoadDriver(open_adapter);
  if (SUCCEEDED(result)) result = opened->NegotiateVersion();
  if (SUCCEEDED(result)) result = opened->ReadCaps();
  if (SUCCEEDED(result)) *adapter = std::move(opened);
  return result;
}

Adapter::~Adapter() {
  if (is_open_) functions_.pfnCloseAdapter(driver_handle_);
}

HRESULT Adapter::LoadDriver(PFND3D10DDI_OPENADAPTER open_adapter) {
  D3D10DDIARG_OPENADAPTER arguments{};
  arguments.hRTAdapter.handle = kernel_;
  arguments.Interface = D3D11_1_DDI_INTERFACE_VERSION;
  arguments.Version = D3D11_1_DDI_BUILD_VERSION << 16;
  arguments.pAdapterCallbacks = &AdapterCallbacks();
  arguments.pAdapterFuncs_2 = &functions_;
  const HRESULT result = open_adapter(&arguments);
  if (FAILED(result)) return result;
  driver_handle_ = arguments.hAdapter;
  is_open_ = functions_.pfnCloseAdapter != nullptr;
  const bool is_whole = is_open_ && functions_.pfnCalcPrivateDeviceSize != nullptr &&
                        functions_.pfnCreateDevice != nullptr &&
                        functions_.pfnGetSupportedVersions != nullptr &&
                        functions_.pfnGetCaps != nullptr;
  return is_whole ? S_OK : E_NOTIMPL;
}

// Asks for the count first, then for the versions.
HRESULT Adapter::NegotiateVersion() {
  UINT32 count = 0;
  HRESULT result = functions_.pfnGetSupportedVersions(driver_handle_, &count, nullptr);
  if (FAILED(result)) return result;
  std::vector<UINT64> versions(count);
  result = functions_.pfnGetSupportedVersions(driver_handle_, &count, versions.data());
  if (FAILED(result)) return result;
  versions.resize(std::min<size_t>(versions.size(), count));
  // Builds and revisions of the same interface are compatible upwards.
  const auto is_ours = [](UINT64 version) {
    return version >> 32 == D3D11_1_DDI_INTERFACE_VERSION && version >= D3D11_1_DDI_SUPPORTED;
  };
  return std::any_of(versions.begin(), versions.end(), is_ours) ? S_OK : kErrorUnsupported;
}

HRESULT Adapter::ReadCaps() {
  D3D11DDI_THREADING_CAPS threading{};
  const D3D10_2DDIARG_GETCAPS threading_query = {D3D11DDICAPS_THREADING, nullptr, &threading,
                                                 sizeof(threading)};
  HRESULT result = functions_.pfnGetCaps(driver_handle_, &threading_query);
  if (FAILED(result)) return result;

  D3D11DDI_3DPIPELINESUPPORT_CAPS pipeline{};
  const D3D10_2DDIARG_GETCAPS pipeline_query = {D3D11DDICAPS_3DPIPELINESUPPORT, nullptr, &pipeline,
                                                sizeof(pipeline)};
  result = functions_.pfnGetCaps(driver_handle_, &pipeline_query);
  if (FAILED(result)) return result;
  for (const D3D11DDI_3DPIPELINELEVEL level : kPipelineLevels) {
    if ((pipeline.Caps & D3D11DDI_ENCODE_3DPIPELINESUPPORT_CAP(level)) == 0) continue;
    pipeline_level_ = level;
    return S_OK;
  }
  return kErrorUnsupported;
}

}  // namespace ward::runtime
