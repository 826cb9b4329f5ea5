/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "emulator/qemu/ward_gpu_layout.h"

extern const VMStateDescription vmstate_pci_device;

static bool FieldIsAt(const char *name, size_t offset) {
  for (const VMStateField *field = vmstate_pci_device.fields; field->name != NULL; field++) {
    if (strcmp(field->name, name) == 0 && field->offset == offset) return true;
  }
  return false;
}

bool ward_gpu_layout_fits(void) {
  return WARD_INSTANCE_SIZE_IS(TYPE_PCI_DEVICE, sizeof(PCIDevice)) &&
         WARD_INSTANCE_SIZE_IS(TYPE_DEVICE, sizeof(DeviceState)) &&
         FieldIsAt("version_id", offsetof(PCIDevice, version_id)) &&
         FieldIsAt("config", offsetof(PCIDevice, config)) &&
         FieldIsAt("irq_state", offsetof(PCIDevice, irq_state));
}
