// An open adapter of one process: loads the user-mode driver by its export and speaks the version
// with it. Closes the adapter at its end.
#ifndef WARD_RUNTIME_ADAPTER_H_
#define WARD_RUNTIME_ADAPTER_H_

#include <memory>

#include "runtime/kernel.h"
#include "umd/ddi/adapter.h"

// The export of a user-mode driver that is linked into the program. One from a library goes to
// Adapter::Open as a pointer.
extern "C" HRESULT APIENTRY OpenAdapter10_2(D3D10DDIARG_OPENADAPTER* open_data);

namespace ward::runtime {

enum class ProcessKind {
  kOrdinary,
  kDwm,  // the desktop's compositor
};

class Adapter {
 public:
  // `kernel` outlives the adapter. E_NOTIMPL for an adapter table with holes,
  // DXGI_ERROR_UNSUPPORTED when the driver does not speak D3D11.1, else what the driver answers.
  // The adapter is a process of its own.
  static HRESULT Open(Kernel* kernel, PFND3D10DDI_OPENADAPTER open_adapter,
                      std::unique_ptr<Adapter>* adapter, ProcessKind kind = ProcessKind::kOrdinary);
  ~Adapter();
  Adapter(const Adapter&) = delete;
  Adapter& operator=(const Adapter&) = delete;

  // The highest level that the driver's 3DPIPELINESUPPORT capability names.
  D3D11DDI_3DPIPELINELEVEL pipeline_level() const { return pipeline_level_; }

  // Whose SHARED_RESOURCE commands name it by `handle`.
  const kmd::Process& process() const { return process_; }

  Kernel& kernel() { return *kernel_; }
  D3D10DDI_HADAPTER driver_handle() const { return driver_handle_; }
  const D3D10_2DDI_ADAPTERFUNCS& functions() const { return functions_; }

 private:
  Adapter(Kernel* kernel, const kmd::Process& process) : kernel_(kernel), process_(process) {}
  HRESULT LoadDriver(PFND3D10DDI_OPENADAPTER open_adapter);
  HRESULT NegotiateVersion();
  HRESULT ReadCaps();

  Kernel* kernel_;
  kmd::Process process_;
  D3D10DDI_HADAPTER driver_handle_{};
  D3D10_2DDI_ADAPTERFUNCS functions_{};
  bool is_open_ = false;
  D3D11DDI_3DPIPELINELEVEL pipeline_level_ = D3D11DDI_3DPIPELINELEVEL_10_0;
};

}  // namespace ward::runtime

#endif  // WARD_RUNTIME_ADAPTER_H_
