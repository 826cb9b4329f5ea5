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

/* What lies at an address, in `size` bytes of one piece: at most those that were asked for. */
typedef struct Memory {
  MemoryRegion *region; /* NULL: it is no memory, or can't be written */
  hwaddr offset;
  hwaddr size;
} Memory;

/* Within RCU. */
static Memory FindMemory(AddressSpace *space, uint64_t bus_address, uint64_t size, bool is_write) {
  Memory found = {.size = size};
  found.region = address_space_translate(space, bus_address, &found.offset, &found.size, is_write,
                                         kDmaAttributes);
  if (!memory_region_is_ram(found.region) || memory_region_is_rom(found.region) ||
      memory_region_is_ram_device(found.region)) {
    found.region = NULL;
  }
  return found;
}

static uint8_t *PointerTo(const Memory *memory) {
  return (uint8_t *)memory_region_get_ram_ptr(memory->region) + memory->offset;
}

/* An IOMMU translates page by page, and pages that follow each other may lie so in memory too. */
uint8_t *ward_gpu_dma_open(PCIDevice *device, uint64_t bus_address, uint64_t size, bool is_write) {
  AddressSpace *space = pci_get_address_space(device);
  const Memory first = FindMemory(space, bus_address, size, is_write);
  if (first.region == NULL) return NULL;
  for (uint64_t at = first.size; at < size;) {
    const Memory next = FindMemory(space, bus_address + at, size - at, is_write);
    if (next.region != first.region || next.offset != first.offset + at) return NULL;
    at += next.size;
  }
  return PointerTo(&first);
}

/* For migration and for code that was translated from there: QEMU's own end of a mapping, which
 * gives back a reference too. */
void ward_gpu_dma_mark_written(PCIDevice *device, uint8_t *memory, uint64_t size) {
  ram_addr_t offset;
  memory_region_ref(memory_region_from_host(memory, &offset));
  address_space_unmap(pci_get_address_space(device), memory, size, true, size);
}

/* QEMU's own single stores do not look at `memory`, and would translate once more. */
bool ward_gpu_dma_write_atomic64(PCIDevice *device, uint64_t bus_address, uint64_t value) {
  RCU_READ_LOCK_GUARD();
  const Memory memory = FindMemory(pci_get_address_space(device), bus_address, sizeof(value), true);
  if (memory.region == NULL || memory.size != sizeof(value)) return false;
  uint8_t *word = PointerTo(&memory);
  smp_wmb();
  qatomic_set((uint64_t *)word, cpu_to_le64(value));
  ward_gpu_dma_mark_written(device, word, sizeof(value));
  return true;
}
