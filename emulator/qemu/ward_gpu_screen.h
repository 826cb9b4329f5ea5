/* SPDX-License-Identifier: GPL-2.0-or-later */
/* One output of the WardGPU in QEMU: a console, and the display that the guest finds there. */
#ifndef WARD_EMULATOR_QEMU_WARD_GPU_SCREEN_H_
#define WARD_EMULATOR_QEMU_WARD_GPU_SCREEN_H_

#include "emulator/qemu/qemu_compat.h"

#include "emulator/qemu/bridge.h"

/* What a screen asks of the device that it belongs to. */
typedef struct WardGpuScreenHost {
  void *device;
  WardChip *(*chip)(void *device); /* NULL before it is made and after its end */
  bool (*is_powered)(void *device);
  WardChipView (*view)(void *device);
  void (*chip_has_work)(void *device);
} WardGpuScreenHost;

typedef struct WardGpuScreen {
  WardGpuScreenHost host;
  uint32_t output;
  /* Both may change at any time, before there is a chip too. */
  WardChipDisplay display;
  WardChipLinkFault link_fault;
  QemuConsole *console;
} WardGpuScreen;

/* The first output has a display at first, and the others have none. */
void ward_gpu_screen_init(WardGpuScreen *screen, const WardGpuScreenHost *host, uint32_t output);
void ward_gpu_screen_open(WardGpuScreen *screen);
void ward_gpu_screen_close(WardGpuScreen *screen);

/* The display as a property of the device: "off", "on" (of the size that it had), or a size as
 * "1920x1080". */
char *ward_gpu_screen_get_display(const WardGpuScreen *screen);
void ward_gpu_screen_set_display(WardGpuScreen *screen, const char *text, Error **errp);
/* What the cable to it does. */
void ward_gpu_screen_set_link_fault(WardGpuScreen *screen, WardChipLinkFault fault);
/* Display and cable are the host's: a chip that was just made or loaded gets them from here. */
void ward_gpu_screen_attach(WardGpuScreen *screen);

#endif
