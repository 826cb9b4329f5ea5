/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "emulator/qemu/ward_gpu_dma.h"

#include "qemu/bswap.h"

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

/* Null when it is no memory, or can't be written. Within RCU. */
static uint64_t *FindWord(AddressSpace *space, uint64_t bus_address, MemoryRegion **region) {
  hwaddr offset;
  hwaddr size = sizeof(uint64_t);
  *region = address_space_translate(space, bus_address, &offset, &size, true, kDmaAttributes);
  if (size != sizeof(uint64_t) || !memory_region_is_ram(*region) || memory_region_is_rom(*region) ||
      memory_region_is_ram_device(*region)) {
    return NULL;
  }
  return (uint64_t *)((uint8_t *)memory_region_get_ram_ptr(*region) + offset);
}

/* QEMU's own single stores do not look at `memory`, and would translate once more. */
bool ward_gpu_dma_write_atomic64(PCIDevice *device, uint64_t bus_address, uint64_t value) {
  AddressSpace *space = pci_get_address_space(device);
  RCU_READ_LOCK_GUARD();
  MemoryRegion *region;
  uint64_t *word = FindWord(space, bus_address, &region);
  if (word == NULL) return false;
  memory_region_ref(region); /* address_space_unmap gives it back */
  smp_wmb();
  qatomic_set(word, cpu_to_le64(value));
  address_space_unmap(space, word, sizeof(*word), true, sizeof(*word)); /* it was written */
  return true;
}
