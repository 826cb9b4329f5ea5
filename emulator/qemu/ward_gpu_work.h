/* SPDX-License-Identifier: GPL-2.0-or-later */
/* When the chip of a WardGPU in QEMU works: in slices from a bottom half, at its own deadlines, and
 * at first in the write to a doorbell itself (docs/decisions/0019). */
#ifndef WARD_EMULATOR_QEMU_WARD_GPU_WORK_H_
#define WARD_EMULATOR_QEMU_WARD_GPU_WORK_H_

#include "emulator/qemu/qemu_compat.h"

#include "emulator/qemu/bridge.h"

typedef struct WardGpuWork {
  void *device;
  bool (*is_powered)(void *device);
  WardChip *chip;
  QEMUBH *bottom_half; /* NULL before the device is there and after its end */
  QEMUTimer *wakeup;
  bool in_slice;
  bool in_chip;    /* a slice, or a write to a register */
  bool is_behind;  /* the last slice left work for the bottom half */
  bool owes_reset; /* the device was reset meanwhile */
} WardGpuWork;

/* The chip outlives the work. */
void ward_gpu_work_open(WardGpuWork *work, DeviceState *device, bool (*is_powered)(void *device),
                        WardChip *chip);
void ward_gpu_work_close(WardGpuWork *work);

/* The chip may have something to do: the bottom half looks. */
void ward_gpu_work_schedule(WardGpuWork *work);
/* Around a write to one of the chip's registers. */
void ward_gpu_work_enter(WardGpuWork *work);
void ward_gpu_work_leave(WardGpuWork *work);
/* A doorbell was rung, and a virtual CPU waits until this returns. */
void ward_gpu_work_begin(WardGpuWork *work);
/* Resets the chip: nothing waits for its time any more, and its firmware starts. While the chip is
 * at work (a guest may send its interrupts to its own configuration space) it is reset behind that.
 */
void ward_gpu_work_reset(WardGpuWork *work);

#endif
