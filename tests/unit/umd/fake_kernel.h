// The kernel's callback tables for tests of the user-mode driver: allocations in plain memory,
// every command buffer recorded and held against the contract's tables, and the little of the
// device that a driver waits for: message answers and read-back counters, both told by the test.
#ifndef WARD_TESTS_UNIT_UMD_FAKE_KERNEL_H_
#define WARD_TESTS_UNIT_UMD_FAKE_KERNEL_H_

#include <cstdint>
#include <cstring>
#include <functional>
#include <map>
#include <string>
#include <vector>

#include "abi/generated/commands.h"
#include "abi/generated/messages.h"
#include "abi/generated/private_data.h"
#include "umd/ddi/d3d11_1_ddi.h"

namespace ward::umd {

class FakeKernel {
 public:
  struct Allocation {
    abi::AllocationData data;
    std::vector<uint8_t> bytes;
    HANDLE resource;
    int locks = 0;
    std::vector<uint8_t> resource_data;  // pPrivateDriverData of the resource
    UINT priority = 0;
    int offer_priority = 0;  // 0: not offered
    D3DDDI_RESIDENCYSTATUS residency = D3DDDI_RESIDENCYSTATUS_RESIDENTINGPUMEMORY;
  };
  struct Place {  // what an address field was patched with
    D3DKMT_HANDLE allocation;
    uint32_t offset;
    bool is_written;
    friend bool operator==(const Place&, const Place&) = default;
  };
  struct Command {
    std::string name;
    std::vector<uint8_t> bytes;
    std::map<uint32_t, Place> addresses;  // by field offset

    template <typename Type>
    Type As() const {
      Type command;
      std::memcpy(&command, bytes.data(), sizeof(command));
      return command;
    }
  };
  struct Message {
    uint32_t number;
    std::vector<uint8_t> payload;
  };

  // Of a device with every feature but those.
  explicit FakeKernel(uint64_t missing_features = 0);
  FakeKernel(const FakeKernel&) = delete;
  FakeKernel& operator=(const FakeKernel&) = delete;

  // What the tables that the driver gets point to.
  D3DDDI_ADAPTERCALLBACKS adapter_callbacks = {};
  D3DDDI_DEVICECALLBACKS device_callbacks = {};
  DXGI_DDI_BASE_CALLBACKS dxgi_callbacks = {};
  D3D11DDI_CORELAYER_DEVICECALLBACKS core_callbacks = {};

  // Told by the test.
  abi::AdapterData adapter_data = {};
  HRESULT query_result = S_OK;
  HRESULT context_result = S_OK;
  HRESULT allocate_result = S_OK;
  HRESULT render_result = S_OK;
  HRESULT lock_result = S_OK;
  UINT command_buffer_bytes = 64 << 10;
  UINT list_entries = 256;
  // Body of an answer behind its header; the status goes into the header. Without one: no answer.
  std::function<std::vector<uint8_t>(const Message&, uint32_t* status)> answer;
  std::function<void(abi::ResponseHeader*)> spoil_header;  // makes the answer break the contract
  std::vector<uint8_t> read_back_iv;  // what ENCRYPT_BLT writes; empty: it was refused

  // Seen by the test.
  std::map<D3DKMT_HANDLE, Allocation> allocations;
  std::vector<Command> commands;
  std::vector<Message> messages;
  std::vector<HRESULT> errors;  // through pfnSetErrorCb
  std::vector<DXGIDDICB_PRESENT> presents;
  std::vector<D3DKMT_HANDLE> primaries;         // of SetDisplayMode
  std::vector<std::string> violations;          // of the contract
  std::vector<abi::EventReport> event_reports;  // EVENT_REPORT, as they were told
  int render_count = 0;
  int escape_count = 0;  // QUEUE_REPORT

  // Commands of one name, in order.
  std::vector<Command> Find(const std::string& name) const;
  int LockCount() const;
  size_t ContextCount() const { return contexts_.size(); }

 private:
  static HRESULT APIENTRY QueryAdapterInfo(HANDLE self, const D3DDDICB_QUERYADAPTERINFO* data);
  static HRESULT APIENTRY Allocate(HANDLE self, D3DDDICB_ALLOCATE* data);
  static HRESULT APIENTRY Deallocate(HANDLE self, const D3DDDICB_DEALLOCATE* data);
  static HRESULT APIENTRY SetPriority(HANDLE self, D3DDDICB_SETPRIORITY* data);
  static HRESULT APIENTRY QueryResidency(HANDLE self, const D3DDDICB_QUERYRESIDENCY* data);
  static HRESULT APIENTRY SetDisplayMode(HANDLE self, D3DDDICB_SETDISPLAYMODE* data);
  static HRESULT APIENTRY OfferAllocations(HANDLE self, const D3DDDICB_OFFERALLOCATIONS* data);
  static HRESULT APIENTRY ReclaimAllocations(HANDLE self, const D3DDDICB_RECLAIMALLOCATIONS* data);
  static HRESULT APIENTRY Lock(HANDLE self, D3DDDICB_LOCK* data);
  static HRESULT APIENTRY Unlock(HANDLE self, const D3DDDICB_UNLOCK* data);
  static HRESULT APIENTRY CreateContext(HANDLE self, D3DDDICB_CREATECONTEXT* data);
  static HRESULT APIENTRY DestroyContext(HANDLE self, const D3DDDICB_DESTROYCONTEXT* data);
  static HRESULT APIENTRY Render(HANDLE self, D3DDDICB_RENDER* data);
  static HRESULT APIENTRY Escape(HANDLE self, const D3DDDICB_ESCAPE* data);
  static HRESULT APIENTRY Present(HANDLE self, const DXGIDDICB_PRESENT* data);
  static void APIENTRY SetError(D3D10DDI_HRTCORELAYER self, HRESULT result);

  void Violate(const std::string& text) { violations.push_back(text); }
  struct Context {
    std::vector<uint8_t> buffer;
    std::vector<D3DDDI_ALLOCATIONLIST> allocation_list;
    std::vector<D3DDDI_PATCHLOCATIONLIST> patch_list;
  };

  void MakeBuffers(Context* context) const;
  void Record(const Context& context, const D3DDDICB_RENDER& render);
  static bool MayBeAbsent(const Command& command, uint32_t offset);
  void CheckCommand(const abi::CommandInfo& info, const Command& command);
  void Execute(const Command& command);
  void Answer(const Command& command);

  D3DKMT_HANDLE next_allocation_ = 0x1001;
  // Buffers are new after each submission, so that a driver that keeps old ones is found out.
  std::map<HANDLE, Context> contexts_;
  UINT_PTR next_context_ = 0xC0;  // never dereferenced
};

}  // namespace ward::umd

#endif  // WARD_TESTS_UNIT_UMD_FAKE_KERNEL_H_
