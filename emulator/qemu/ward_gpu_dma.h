/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What a function of QEMU's reads and writes in system memory, behind the machine's IOMMU. All of
 * it or an error; an address that is not RAM is one, so that no access re-enters a device. */
#ifndef WARD_EMULATOR_QEMU_WARD_GPU_DMA_H_
#define WARD_EMULATOR_QEMU_WARD_GPU_DMA_H_

#include "emulator/qemu/qemu_compat.h"

bool ward_gpu_dma_read(PCIDevice *device, uint64_t bus_address, void *data, size_t size);
bool ward_gpu_dma_write(PCIDevice *device, uint64_t bus_address, const void *data, size_t size);
/* One little-endian store after all earlier writes; the address is aligned to 8. */
bool ward_gpu_dma_write_atomic64(PCIDevice *device, uint64_t bus_address, uint64_t value);

/* The memory behind all of the range, if it is one piece of it; NULL: the functions above have to
 * be used. Within RCU, and for as long as that and the big lock last. What is written there is
 * marked as written afterwards. */
uint8_t *ward_gpu_dma_open(PCIDevice *device, uint64_t bus_address, uint64_t size, bool is_write);
void ward_gpu_dma_mark_written(PCIDevice *device, uint8_t *memory, uint64_t size);

#endif
