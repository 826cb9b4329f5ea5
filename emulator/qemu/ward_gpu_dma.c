/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "emulator/qemu/ward_gpu_dma.h"

/* With `memory` set, an address that is not RAM is an error. */
static const MemTxAttrs kDmaAttributes = {.memory = 1};

bool ward_gpu_dma_read(PCIDevice *device, uint64_t bus_address, void *data, size_t size) {
  return address_space_read(pci_get_address_space(device), bus_address, kDmaAttributes, data,
                            size) == MEMTX_OK;
}

bool ward_gpu_dma_write(PCIDevice *device, uint64_t bus_address, const void *data, size_t size) {
  return address_space_write(pci_get_address_space(device), bus_address, kDmaAttributes, data,
                             size) == MEMTX_OK;
}

/* QEMU's single stores do not look at `memory`. */
static bool IsWritableMemory(AddressSpace *space, uint64_t bus_address, uint64_t bytes) {
  RCU_READ_LOCK_GUARD();
  hwaddr offset;
  hwaddr size = bytes;
  MemoryRegion *region =
      address_space_translate(space, bus_address, &offset, &size, true, kDmaAttributes);
  return size == bytes && memory_region_is_ram(region) && !memory_region_is_rom(region) &&
         !memory_region_is_ram_device(region);
}

bool ward_gpu_dma_write_atomic64(PCIDevice *device, uint64_t bus_address, uint64_t value) {
  AddressSpace *space = pci_get_address_space(device);
  if (!IsWritableMemory(space, bus_address, sizeof(value))) return false;
  MemTxResult result = MEMTX_OK;
  smp_wmb();
  address_space_stq_le(space, bus_address, value, kDmaAttributes, &result);
  return result == MEMTX_OK;
}
