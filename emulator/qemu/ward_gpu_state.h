/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The chip's state in a migration stream of QEMU's: a length and the bytes. */
#ifndef WARD_EMULATOR_QEMU_WARD_GPU_STATE_H_
#define WARD_EMULATOR_QEMU_WARD_GPU_STATE_H_

#include "emulator/qemu/qemu_compat.h"

#include "emulator/qemu/bridge.h"

/* 0, or a negative errno after the reason was reported. A get that fails leaves the chip as it
 * was. */
int ward_gpu_state_put(QEMUFile *file, WardChip *chip);
int ward_gpu_state_get(QEMUFile *file, WardChip *chip);

#endif
