// A D3D device: its context, command stream, way to the security processor, and what went wrong.
#ifndef WARD_UMD_DEVICE_H_
#define WARD_UMD_DEVICE_H_

#include <cstdint>

#include "umd/adapter.h"
#include "umd/answer_buffer.h"
#include "umd/command_writer.h"
#include "umd/crypto_session.h"
#include "umd/ddi/adapter.h"
#include "umd/event_log.h"
#include "umd/kernel_device.h"
#include "umd/message_channel.h"

namespace ward::umd {

class Device {
 public:
  Device(const Adapter& adapter, const D3D10DDIARG_CREATEDEVICE& arguments);
  Device(const Device&) = delete;
  Device& operator=(const Device&) = delete;

  // The device behind a handle, null for a null one. The runtime passes no others.
  static Device* From(D3D10DDI_HDEVICE handle) { return static_cast<Device*>(handle.pDrvPrivate); }

  // Makes the context and the answer buffer. E_OUTOFMEMORY, D3DDDIERR_DEVICEREMOVED, or what else
  // the kernel says.
  HRESULT Open();
  void Close();

  // The end of a function that returns nothing: only E_OUTOFMEMORY and D3DDDIERR_DEVICEREMOVED may
  // reach the runtime, which would remove the device for any other code (R7).
  void Report(HRESULT result);

  const Adapter& adapter() const { return adapter_; }
  EventLog& events() { return events_; }
  KernelDevice& kernel() { return kernel_; }
  CommandWriter& commands() { return commands_; }
  AnswerBuffer& answers() { return answers_; }
  MessageChannel& messages() { return messages_; }
  CryptoSessionList& sessions() { return sessions_; }
  void SetError(HRESULT result);

  // The runtime took a video table of WDDM 2.x: it knows what came with those.
  bool has_wddm2_table() const { return has_wddm2_table_; }
  void NoteWddm2Table() { has_wddm2_table_ = true; }

 private:
  const Adapter& adapter_;
  D3D10DDI_HRTCORELAYER core_layer_;
  const D3D11DDI_CORELAYER_DEVICECALLBACKS* core_callbacks_;
  EventLog events_;
  KernelDevice kernel_;
  CommandWriter commands_;
  AnswerBuffer answers_;
  MessageChannel messages_;
  CryptoSessionList sessions_;
  bool has_wddm2_table_ = false;
};

}  // namespace ward::umd

#endif  // WARD_UMD_DEVICE_H_
