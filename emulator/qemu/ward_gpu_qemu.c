/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The WardGPU as a PCI Express device of QEMU: QEMU's parts (configuration space, BARs, MSI-X, DMA,
 * console, time) on one side, the chip behind bridge.h on the other, no behaviour of its own.
 * Everything here runs under QEMU's big lock.
 */
#include "emulator/qemu/qemu_compat.h"

#include "abi/generated/ward_abi.h"
#include "emulator/qemu/bridge.h"
#include "emulator/qemu/ward_gpu_capabilities.h"
#include "emulator/qemu/ward_gpu_dma.h"
#include "emulator/qemu/ward_gpu_layout.h"
#include "emulator/qemu/ward_gpu_screen.h"
#include "emulator/qemu/ward_gpu_state.h"
#include "emulator/qemu/ward_gpu_work.h"

#define TYPE_WARD_GPU "ward-gpu"
OBJECT_DECLARE_SIMPLE_TYPE(WardGpuState, WARD_GPU)

enum {
  kVectorCount = WARD_VECTOR_COUNT,
  kRegisterBytes = 4,          /* an access of another size reaches no register */
  kPowerControl = PCI_PM_CTRL, /* offset in the power management capability */
  kPowerD0 = 0,
  kPowerD1 = 1,
  kPowerD2 = 2,
  kPowerD3 = 3,
};

struct WardGpuState {
  PCIDevice parent_obj;

  /* Set by the user. */
  uint16_t vendor_id;
  uint16_t device_id;
  uint64_t vram_bytes;
  uint64_t protected_bytes;
  bool realistic_latency;
  bool strict_iv;
  bool open_decrypt;
  char *identity;
  char *trace;
  char *trace_form;
  char *pcap;
  char *report;
  uint32_t poll_reads;
  uint32_t poll_ms;
  char *inject;
  char *seal_key_file;
  char *record;
  char *record_key;
  int view; /* a WardChipView, may change at any time */
  WardGpuScreen screens[kWardChipOutputCount];

  MemoryRegion registers;
  MemoryRegion vram;
  int power_capability;
  VMChangeStateEntry *run_state;
  WardChip *chip;
  WardGpuWork work;
  bool holds_vectors;       /* saved or loaded: they wait until the machine runs */
  uint32_t waiting_vectors; /* bit n: vector n is sent when the machine runs */
};

/* ---- What the chip asks of its host ---- */

/* Without PCI_DEVICE's look at the type, which costs more than most of what is done with it. */
static PCIDevice *PciOf(WardGpuState *s) { return &s->parent_obj; }

static bool IsPowered(WardGpuState *s) {
  uint16_t control = pci_get_word(PciOf(s)->config + s->power_capability + kPowerControl);
  return (control & PCI_PM_CTRL_STATE_MASK) == 0;
}

static bool MayMasterBus(WardGpuState *s) {
  uint16_t command = pci_get_word(PciOf(s)->config + PCI_COMMAND);
  return (command & PCI_COMMAND_MASTER) != 0 && IsPowered(s);
}

static bool ReadDma(void *host, uint64_t bus_address, void *data, size_t size) {
  if (MayMasterBus(host) && ward_gpu_dma_read(PciOf(host), bus_address, data, size)) return true;
  memset(data, 0, size); /* what came before the failing page is not the chip's to keep */
  return false;
}

static bool WriteDma(void *host, uint64_t bus_address, const void *data, size_t size) {
  return MayMasterBus(host) && ward_gpu_dma_write(PciOf(host), bus_address, data, size);
}

static bool WriteDmaAtomic64(void *host, uint64_t bus_address, uint64_t value) {
  return MayMasterBus(host) && ward_gpu_dma_write_atomic64(PciOf(host), bus_address, value);
}

/* It lasts as long as the slice, which is under RCU. */
static uint8_t *OpenDma(void *host, uint64_t bus_address, uint64_t size, bool is_write) {
  WardGpuState *s = host;
  if (!s->work.in_slice || !MayMasterBus(s)) return NULL;
  return ward_gpu_dma_open(PciOf(s), bus_address, size, is_write);
}

static void MarkDmaWritten(void *host, uint8_t *memory, uint64_t size) {
  ward_gpu_dma_mark_written(PciOf(host), memory, size);
}

static void MarkVramWritten(void *host, uint64_t offset, uint64_t size) {
  WardGpuState *s = host;
  uint8_t *vram = memory_region_get_ram_ptr(&s->vram);
  ward_gpu_dma_mark_written(PciOf(s), vram + offset, size);
}

static void SignalVector(void *host, uint32_t vector) {
  WardGpuState *s = host;
  if (s->holds_vectors) {
    s->waiting_vectors |= UINT32_C(1) << vector;
    return;
  }
  if (vector < kVectorCount && msix_enabled(PciOf(s)) && MayMasterBus(s)) {
    msix_notify(PciOf(s), vector);
  }
}

static uint64_t NowNs(void *host) { return (uint64_t)qemu_clock_get_ns(QEMU_CLOCK_VIRTUAL); }

static bool FillEntropy(void *host, void *data, size_t size) {
  Error *error = NULL;
  if (qemu_guest_getrandom(data, size, &error) == 0) return true;
  error_report_err(error);
  return false;
}

static void Warn(void *host, const char *text) { warn_report("ward-gpu: %s", text); }

/* ---- Work ---- */

static void ScheduleWork(void *opaque) { ward_gpu_work_schedule(&((WardGpuState *)opaque)->work); }

static bool HasPower(void *opaque) { return IsPowered(opaque); }

static void RunStateChanged(void *opaque, bool running, RunState state) {
  WardGpuState *s = opaque;
  if (!running) return;
  ward_chip_go_on(s->chip);
  uint32_t waiting = s->waiting_vectors;
  s->waiting_vectors = 0;
  for (uint32_t vector = 0; vector < kVectorCount; vector++) {
    if ((waiting >> vector & 1) != 0) SignalVector(s, vector);
  }
  ScheduleWork(s);
}

/* ---- Registers and configuration space ---- */

/* The interrupts that the function had not sent yet go with its reset. */
static void DropPendingVectors(WardGpuState *s) {
  for (int vector = 0; vector < kVectorCount; ++vector) {
    msix_clr_pending(PciOf(s), vector);
  }
}

/* A virtual CPU that looked the region up before an unplug may arrive here after it: then there is
 * no chip any more, nor the device's configuration space. */
static uint64_t ReadRegister(void *opaque, hwaddr offset, unsigned size) {
  WardGpuState *s = opaque;
  if (s->chip == NULL || !IsPowered(s)) return UINT64_MAX;
  return ward_chip_read_register(s->chip, offset, size);
}

static void WriteRegister(void *opaque, hwaddr offset, uint64_t value, unsigned size) {
  WardGpuState *s = opaque;
  if (s->chip == NULL || !IsPowered(s) || s->work.in_chip) return; /* no chip is entered twice */
  ward_gpu_work_enter(&s->work);
  ward_chip_write_register(s->chip, offset, size, value);
  ward_gpu_work_leave(&s->work);
  if (offset == WARD_REG_DEVICE_CONTROL && size == kRegisterBytes &&
      (value & WARD_DEVICE_CONTROL_RESET_FUNCTION_MASK) != 0) {
    DropPendingVectors(s);
  }
  if (offset >= WARD_REG_DOORBELL) {
    ward_gpu_work_begin(&s->work);
  } else if (offset != WARD_REG_INTERRUPT_CAUSE) { /* it lets nothing go on, and is written often */
    ScheduleWork(s);
  }
}

/* Accesses of every size arrive as the guest made them; the chip says what each does. */
static const MemoryRegionOps kRegisterOperations = {
    .read = ReadRegister,
    .write = WriteRegister,
    .endianness = DEVICE_LITTLE_ENDIAN,
    .valid = {.min_access_size = 1, .max_access_size = 8, .unaligned = true},
    .impl = {.min_access_size = 1, .max_access_size = 8, .unaligned = true},
};

/* D1 and D2 do not exist: a write of them has no effect. Leaving D3hot resets the function. */
static void FollowPowerState(WardGpuState *s, uint16_t before) {
  uint8_t *power = PciOf(s)->config + s->power_capability + kPowerControl;
  uint16_t control = pci_get_word(power);
  uint16_t state = control & PCI_PM_CTRL_STATE_MASK;
  if (state == kPowerD1 || state == kPowerD2) {
    pci_set_word(power, (uint16_t)(control - state + before));
  } else if (state == kPowerD0 && before == kPowerD3) {
    pci_device_reset(PciOf(s));
  }
}

static void WriteConfig(PCIDevice *device, uint32_t address, uint32_t value, int size) {
  WardGpuState *s = WARD_GPU(device);
  const uint8_t *power = device->config + s->power_capability + kPowerControl;
  uint16_t power_before = pci_get_word(power) & PCI_PM_CTRL_STATE_MASK;
  pci_default_write_config(device, address, value, size);
  pcie_aer_write_config(device, address, value, size);
  FollowPowerState(s, power_before);
  pcie_cap_flr_write_config(device, address, value, size);
  ScheduleWork(s); /* bus mastering or power may have come back */
}

static void SetIdentifiers(WardGpuState *s) {
  uint8_t *config = PciOf(s)->config;
  pci_set_word(config + PCI_VENDOR_ID, s->vendor_id);
  pci_set_word(config + PCI_DEVICE_ID, s->device_id);
  pci_set_word(config + PCI_SUBSYSTEM_VENDOR_ID, s->vendor_id);
  pci_set_word(config + PCI_SUBSYSTEM_ID, s->device_id);
}

/* ---- The device's life ---- */

static void ResetDevice(DeviceState *device) {
  WardGpuState *s = WARD_GPU(device);
  pci_set_word(PciOf(s)->config + s->power_capability + kPowerControl, kPowerD0);
  pcie_cap_deverr_reset(PciOf(s));
  s->waiting_vectors = 0;
  ward_gpu_work_reset(&s->work);
}

static bool CreateChip(WardGpuState *s, Error **errp) {
  char error[512] = "";
  const WardChipOptions options = {
      .vram = memory_region_get_ram_ptr(&s->vram),
      .vram_bytes = s->vram_bytes,
      .protected_bytes = s->protected_bytes,
      .realistic_latency = s->realistic_latency,
      .strict_iv = s->strict_iv,
      .open_decrypt = s->open_decrypt,
      .identity_directory = s->identity,
      .seal_key_path = s->seal_key_file,
      .trace_path = s->trace,
      .record_path = s->record,
      .record_key_path = s->record_key,
      .trace_form = s->trace_form,
      .pcap_path = s->pcap,
      .report_path = s->report,
      .poll_reads = s->poll_reads,
      .poll_ms = s->poll_ms,
      .injected_faults = s->inject,
      .displays = {s->screens[0].display, s->screens[1].display},
  };
  const WardChipHost host = {
      .host = s,
      .read_dma = ReadDma,
      .write_dma = WriteDma,
      .write_dma_atomic64 = WriteDmaAtomic64,
      .open_dma = OpenDma,
      .mark_dma_written = MarkDmaWritten,
      .mark_vram_written = MarkVramWritten,
      .signal_vector = SignalVector,
      .now_ns = NowNs,
      .fill_entropy = FillEntropy,
      .warn = Warn,
  };
  s->chip = ward_chip_create(&options, &host, error, sizeof(error));
  if (s->chip == NULL) {
    error_setg(errp, "ward-gpu: %s", error);
    return false;
  }
  if (s->identity == NULL) {
    warn_report(
        "ward-gpu: no identity was given, an ephemeral one is used; make a lasting one "
        "with 'ward identity create DIR' and give identity=DIR");
  }
  if (s->open_decrypt) {
    warn_report(
        "ward-gpu: open-decrypt=on: content can be decrypted into memory that everybody reads, and "
        "PROTECTION is refused; leave it out unless an application has to read back what it "
        "decrypts");
  }
  for (int i = 0; i < kWardChipOutputCount; i++) {
    ward_chip_set_link_fault(s->chip, (uint32_t)i, s->screens[i].link_fault); /* given before */
  }
  return true;
}

static bool CreateMemory(WardGpuState *s, Error **errp) {
  if (!is_power_of_2(s->vram_bytes) || s->vram_bytes < WARD_MINIMUM_VISIBLE_VRAM ||
      s->vram_bytes > WARD_MAXIMUM_VISIBLE_VRAM) {
    error_setg(errp,
               "ward-gpu: vram-size is a power of two from 1M to 8G, for example "
               "vram-size=64M");
    return false;
  }
  Error *error = NULL;
  memory_region_init_ram(&s->vram, OBJECT(s), "ward-gpu.vram", s->vram_bytes, &error);
  if (error != NULL) {
    error_propagate(errp, error);
    return false;
  }
  memory_region_init_io(&s->registers, OBJECT(s), &kRegisterOperations, s, "ward-gpu.registers",
                        WARD_REGISTER_BAR_SIZE);
  return true;
}

static void RegisterBars(WardGpuState *s) {
  PCIDevice *device = PciOf(s);
  pci_register_bar(device, WARD_REGISTER_BAR, PCI_BASE_ADDRESS_SPACE_MEMORY, &s->registers);
  pci_register_bar(
      device, WARD_VRAM_BAR,
      PCI_BASE_ADDRESS_SPACE_MEMORY | PCI_BASE_ADDRESS_MEM_TYPE_64 | PCI_BASE_ADDRESS_MEM_PREFETCH,
      &s->vram);
}

static void Realize(PCIDevice *device, Error **errp) {
  WardGpuState *s = WARD_GPU(device);
  if (!CreateMemory(s, errp)) return;
  s->power_capability = ward_gpu_add_capabilities(device, errp);
  if (s->power_capability < 0) return;
  SetIdentifiers(s);
  if (!CreateChip(s, errp)) {
    ward_gpu_remove_capabilities(device);
    return;
  }
  ward_gpu_work_open(&s->work, DEVICE(s), HasPower, s->chip);
  s->run_state = qdev_add_vm_change_state_handler(DEVICE(s), RunStateChanged, s);
  for (int i = 0; i < kWardChipOutputCount; i++) ward_gpu_screen_open(&s->screens[i]);
  RegisterBars(s);
}

static void Unrealize(PCIDevice *device) {
  WardGpuState *s = WARD_GPU(device);
  for (int i = 0; i < kWardChipOutputCount; i++) ward_gpu_screen_close(&s->screens[i]);
  qemu_del_vm_change_state_handler(s->run_state);
  ward_gpu_work_close(&s->work);
  ward_chip_destroy(s->chip);
  s->chip = NULL;
  ward_gpu_remove_capabilities(device);
}

/* ---- Saved state: savevm, loadvm, migration. The machine stands meanwhile. ---- */

/* Before the first field: what the tear-down of handed-over keys raises is saved along. */
static int TearDownHandedOver(void *opaque) {
  WardGpuState *s = opaque;
  s->holds_vectors = true;
  ward_chip_go_on(s->chip);
  s->holds_vectors = false;
  return 0;
}

static int PutChip(QEMUFile *file, void *field_data, size_t size, const VMStateField *field,
                   JSONWriter *description) {
  return ward_gpu_state_put(file, container_of(field_data, WardGpuState, chip)->chip);
}

static int GetChip(QEMUFile *file, void *field_data, size_t size, const VMStateField *field) {
  WardGpuState *s = container_of(field_data, WardGpuState, chip);
  s->holds_vectors = true;
  int result = ward_gpu_state_get(file, s->chip);
  if (result == 0) { /* the guest learns of a display that is another */
    for (int i = 0; i < kWardChipOutputCount; i++) ward_gpu_screen_attach(&s->screens[i]);
  }
  s->holds_vectors = false;
  return result;
}

static const VMStateInfo kChipInfo = {.name = "ward-gpu chip", .get = GetChip, .put = PutChip};

/* Vectors, then the chip, which adds to them. A refused one leaves the rest as it was reset. */
static const VMStateDescription kSavedState = {
    .name = TYPE_WARD_GPU,
    .version_id = 2,
    .minimum_version_id = 2,
    .pre_save = TearDownHandedOver,
    .fields = (WARD_VMSTATE_FIELDS[]){
        VMSTATE_UINT32(waiting_vectors, WardGpuState),
        {.name = "chip",
         .offset = offsetof(WardGpuState, chip),
         .size = sizeof(WardChip *),
         .info = &kChipInfo,
         .flags = VMS_SINGLE},
        VMSTATE_PCI_DEVICE(parent_obj, WardGpuState),
        VMSTATE_STRUCT(parent_obj.exp.aer_log, WardGpuState, 0, vmstate_pcie_aer_log, PCIEAERLog),
        VMSTATE_MSIX(parent_obj, WardGpuState),
        VMSTATE_END_OF_LIST()}};

/* ---- The type ---- */

static const char *const kViewNames[] = {"capture", "operator"};
static const QEnumLookup kViewLookup = {.array = kViewNames, .size = ARRAY_SIZE(kViewNames)};

static int GetView(Object *object, Error **errp) { return WARD_GPU(object)->view; }

static void SetView(Object *object, int view, Error **errp) { WARD_GPU(object)->view = view; }

/* A trigger: there is nothing to read, and nothing to set before there are keys. */
static void SetTeardown(Object *object, bool value, Error **errp) {
  WardGpuState *s = WARD_GPU(object);
  if (s->chip == NULL || !value) {
    error_setg(errp, "ward-gpu: teardown takes only true, while the machine is there (qom-set)");
    return;
  }
  ward_chip_tear_down(s->chip);
  ScheduleWork(s); /* commands may have ended by it */
}

static const char *const kLinkFaultNames[] = {"none", "negotiation-fails", "link-lost"};
static const QEnumLookup kLinkFaultLookup = {.array = kLinkFaultNames,
                                             .size = ARRAY_SIZE(kLinkFaultNames)};

static int GetLinkFault0(Object *object, Error **errp) {
  return WARD_GPU(object)->screens[0].link_fault;
}

static void SetLinkFault0(Object *object, int fault, Error **errp) {
  ward_gpu_screen_set_link_fault(&WARD_GPU(object)->screens[0], fault);
}

static int GetLinkFault1(Object *object, Error **errp) {
  return WARD_GPU(object)->screens[1].link_fault;
}

static void SetLinkFault1(Object *object, int fault, Error **errp) {
  ward_gpu_screen_set_link_fault(&WARD_GPU(object)->screens[1], fault);
}

static char *GetDisplay0(Object *object, Error **errp) {
  return ward_gpu_screen_get_display(&WARD_GPU(object)->screens[0]);
}

static void SetDisplay0(Object *object, const char *text, Error **errp) {
  ward_gpu_screen_set_display(&WARD_GPU(object)->screens[0], text, errp);
}

static char *GetDisplay1(Object *object, Error **errp) {
  return ward_gpu_screen_get_display(&WARD_GPU(object)->screens[1]);
}

static void SetDisplay1(Object *object, const char *text, Error **errp) {
  ward_gpu_screen_set_display(&WARD_GPU(object)->screens[1], text, errp);
}

static WardChip *ChipOfScreens(void *device) { return ((WardGpuState *)device)->chip; }

static WardChipView ViewOfScreens(void *device) { return ((WardGpuState *)device)->view; }

static void InitInstance(Object *object) {
  WardGpuState *s = WARD_GPU(object);
  const WardGpuScreenHost host = {s, ChipOfScreens, HasPower, ViewOfScreens, ScheduleWork};
  for (uint32_t i = 0; i < kWardChipOutputCount; i++)
    ward_gpu_screen_init(&s->screens[i], &host, i);
}

static WARD_PROPERTIES kProperties[] = {
    DEFINE_PROP_UINT16("vendor-id", WardGpuState, vendor_id, WARD_VENDOR_ID),
    DEFINE_PROP_UINT16("device-id", WardGpuState, device_id, WARD_DEVICE_ID),
    DEFINE_PROP_SIZE("vram-size", WardGpuState, vram_bytes, WARD_DEFAULT_VISIBLE_VRAM),
    DEFINE_PROP_SIZE("protected-size", WardGpuState, protected_bytes, WARD_DEFAULT_PROTECTED_VRAM),
    DEFINE_PROP_BOOL("realistic-latency", WardGpuState, realistic_latency, false),
    DEFINE_PROP_BOOL("strict-iv", WardGpuState, strict_iv, false),
    DEFINE_PROP_BOOL("open-decrypt", WardGpuState, open_decrypt, false),
    DEFINE_PROP_STRING("identity", WardGpuState, identity),
    DEFINE_PROP_STRING("trace", WardGpuState, trace),
    DEFINE_PROP_STRING("trace-form", WardGpuState, trace_form),
    DEFINE_PROP_STRING("pcap", WardGpuState, pcap),
    DEFINE_PROP_STRING("report", WardGpuState, report),
    DEFINE_PROP_UINT32("poll-reads", WardGpuState, poll_reads, 0),
    DEFINE_PROP_UINT32("poll-ms", WardGpuState, poll_ms, 0),
    DEFINE_PROP_STRING("inject", WardGpuState, inject),
    DEFINE_PROP_STRING("seal-key-file", WardGpuState, seal_key_file),
    DEFINE_PROP_STRING("record", WardGpuState, record),
    DEFINE_PROP_STRING("record-key", WardGpuState, record_key),
    WARD_PROPERTIES_END};

static const char kDisplayDescription[] =
    "the display at the output: off, on, or the size that it prefers, as 1920x1080; may change at "
    "any time, and the guest learns of it";

static const char kLinkFaultDescription[] =
    "what the link to the first output's display does (link-fault1: to the second's): none, "
    "negotiation-fails (HDCP does not authenticate) or link-lost (the cable is cut); may change at "
    "any time";

static void InitClass(ObjectClass *class, WARD_CLASS_DATA data) {
  DeviceClass *device_class = DEVICE_CLASS(class);
  PCIDeviceClass *pci_class = PCI_DEVICE_CLASS(class);
  pci_class->realize = Realize;
  pci_class->exit = Unrealize;
  pci_class->config_write = WriteConfig;
  pci_class->class_id = PCI_CLASS_DISPLAY_OTHER;
  pci_class->revision = 1;
  device_class->desc = "WardGPU, a GPU with protected content";
  set_bit(DEVICE_CATEGORY_DISPLAY, device_class->categories);
  device_class->vmsd = &kSavedState;
  WARD_SET_RESET(device_class, ResetDevice);
  device_class_set_props(device_class, kProperties);
  object_class_property_add_enum(class, "view", "WardGpuView", &kViewLookup, GetView, SetView);
  object_class_property_add_bool(class, "teardown", NULL, SetTeardown);
  object_class_property_set_description(
      class, "teardown",
      "write true at any time: every key is wiped and protected memory is zeroed, as after a loss "
      "of power of the secure part; queues and visible memory go on");
  object_class_property_set_description(
      class, "view",
      "what screendump, VNC and windows show: capture (protected content is black) or "
      "operator; may change at any time");
  object_class_property_add_enum(class, "link-fault", "WardGpuLinkFault", &kLinkFaultLookup,
                                 GetLinkFault0, SetLinkFault0);
  object_class_property_add_enum(class, "link-fault1", "WardGpuLinkFault", &kLinkFaultLookup,
                                 GetLinkFault1, SetLinkFault1);
  object_class_property_set_description(class, "link-fault", kLinkFaultDescription);
  object_class_property_set_description(class, "link-fault1", kLinkFaultDescription);
  object_class_property_add_str(class, "display0", GetDisplay0, SetDisplay0);
  object_class_property_add_str(class, "display1", GetDisplay1, SetDisplay1);
  object_class_property_set_description(class, "display0", kDisplayDescription);
  object_class_property_set_description(class, "display1", kDisplayDescription);
}

static WARD_INTERFACES kInterfaces[] = {{INTERFACE_PCIE_DEVICE}, {}};

static const TypeInfo kType = {
    .name = TYPE_WARD_GPU,
    .parent = TYPE_PCI_DEVICE,
    .instance_size = sizeof(WardGpuState),
    .instance_init = InitInstance,
    .class_init = InitClass,
    .interfaces = kInterfaces,
};

/* ---- What the loader calls ---- */

/* Returns 0, or -1 and one line in `error`. */
__attribute__((visibility("default"))) int ward_gpu_register(char *error, size_t error_size);

int ward_gpu_register(char *error, size_t error_size) {
  static bool registered;
  if (registered) return 0;
  if (!ward_gpu_layout_fits()) {
    snprintf(error, error_size, "was compiled against another layout of QEMU's structures");
    return -1;
  }
  type_register_static(&kType);
  registered = true;
  return 0;
}
