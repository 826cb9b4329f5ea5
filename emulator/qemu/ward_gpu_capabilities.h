/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The PCI capabilities of the function: power management, PCI Express with function-level reset,
 * error reporting and MSI-X. */
#ifndef WARD_EMULATOR_QEMU_WARD_GPU_CAPABILITIES_H_
#define WARD_EMULATOR_QEMU_WARD_GPU_CAPABILITIES_H_

#include "emulator/qemu/qemu_compat.h"

/* Returns the offset of the power management capability, or -1 and `errp`. */
int ward_gpu_add_capabilities(PCIDevice *device, Error **errp);
/* What ward_gpu_add_capabilities has taken, given back. */
void ward_gpu_remove_capabilities(PCIDevice *device);

#endif
