/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "emulator/qemu/ward_gpu_capabilities.h"

#include "abi/generated/ward_abi.h"

enum {
  kErrorReporting = PCI_CONFIG_SPACE_SIZE, /* the first extended capability */
};

static bool AddExpress(PCIDevice *device, Error **errp) {
  if (pcie_endpoint_cap_init(device, 0) < 0) {
    error_setg(errp, "ward-gpu: no room for the PCI Express capability");
    return false;
  }
  pcie_cap_flr_init(device);
  uint8_t *capabilities = device->config + device->exp.exp_cap + PCI_EXP_DEVCAP;
  pci_set_long(capabilities, pci_get_long(capabilities) | PCI_EXP_DEVCAP_FLR);
  /* Errors are the operator's to inject (pcie_aer_inject_error); the chip reports none. */
  pcie_cap_deverr_init(device);
  return pcie_aer_init(device, PCI_ERR_VER, kErrorReporting, PCI_ERR_SIZEOF, errp) >= 0;
}

int ward_gpu_add_capabilities(PCIDevice *device, Error **errp) {
  int power = pci_add_capability(device, PCI_CAP_ID_PM, 0, PCI_PM_SIZEOF, errp);
  if (power < 0) return -1;
  pci_set_word(device->config + power + PCI_PM_PMC, 3); /* PCI PM 1.2: D0 and D3hot */
  pci_set_word(device->wmask + power + PCI_PM_CTRL, PCI_PM_CTRL_STATE_MASK);
  if (!AddExpress(device, errp)) return -1;
  if (msix_init_exclusive_bar(device, WARD_VECTOR_COUNT, WARD_MSIX_BAR, errp) != 0) {
    pcie_aer_exit(device);
    return -1;
  }
  for (unsigned vector = 0; vector < WARD_VECTOR_COUNT; vector++) msix_vector_use(device, vector);
  return power;
}

void ward_gpu_remove_capabilities(PCIDevice *device) {
  msix_uninit_exclusive_bar(device);
  pcie_aer_exit(device);
  pcie_cap_exit(device);
}
