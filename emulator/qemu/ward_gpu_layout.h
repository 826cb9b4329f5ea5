/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Whether QEMU's structures lie in this process as the headers said that we were compiled with. */
#ifndef WARD_EMULATOR_QEMU_WARD_GPU_LAYOUT_H_
#define WARD_EMULATOR_QEMU_WARD_GPU_LAYOUT_H_

#include "emulator/qemu/qemu_compat.h"

/* The stamp does not cover the layout of structures, so what can be seen of it is compared. */
bool ward_gpu_layout_fits(void);

#endif
