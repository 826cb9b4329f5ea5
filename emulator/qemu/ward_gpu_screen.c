/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "emulator/qemu/ward_gpu_screen.h"

enum {
  kBlankWidth = 640,
  kBlankHeight = 360,
  kPreferredWidth = 1920, /* of a display for which no size was given */
  kPreferredHeight = 1080,
};

static DisplaySurface *SurfaceOfSize(WardGpuScreen *screen, int width, int height) {
  DisplaySurface *surface = qemu_console_surface(screen->console);
  if (surface == NULL || surface_width(surface) != width || surface_height(surface) != height) {
    surface = qemu_create_displaysurface(width, height);
    dpy_gfx_replace_surface(screen->console, surface);
  }
  return surface;
}

static WARD_GFX_UPDATE UpdateScreen(void *opaque) {
  WardGpuScreen *screen = opaque;
  WardChip *chip = screen->host.chip(screen->host.device);
  uint32_t width = kBlankWidth;
  uint32_t height = kBlankHeight;
  bool on = screen->host.is_powered(screen->host.device) &&
            ward_chip_scanout_size(chip, screen->output, &width, &height);
  DisplaySurface *surface = SurfaceOfSize(screen, (int)width, (int)height);
  size_t pitch = (size_t)surface_stride(surface);
  if (on) {
    ward_chip_read_scanout(chip, screen->output, screen->host.view(screen->host.device),
                           surface_data(surface), pitch);
  } else {
    memset(surface_data(surface), 0, pitch * (size_t)surface_height(surface));
  }
  dpy_gfx_update(screen->console, 0, 0, (int)width, (int)height);
  WARD_GFX_UPDATE_DONE;
}

static void Attach(WardGpuScreen *screen) {
  WardChip *chip = screen->host.chip(screen->host.device);
  if (chip == NULL) return;
  ward_chip_attach_display(chip, screen->output, &screen->display);
  screen->host.chip_has_work(screen->host.device);
}

/* A window has another size, or a client of VNC asks for one: the display prefers it from now on,
 * where it can. */
static void TakeWindowSize(void *opaque, uint32_t head, QemuUIInfo *info) {
  WardGpuScreen *screen = opaque;
  if (!screen->display.connected || !ward_chip_has_size(info->width, info->height)) return;
  screen->display.width = info->width;
  screen->display.height = info->height;
  Attach(screen);
}

static const GraphicHwOps kScreenOperations = {
    .gfx_update = UpdateScreen,
    .ui_info = TakeWindowSize,
};

void ward_gpu_screen_init(WardGpuScreen *screen, const WardGpuScreenHost *host, uint32_t output) {
  screen->host = *host;
  screen->output = output;
  screen->display.connected = output == 0;
  screen->display.width = kPreferredWidth;
  screen->display.height = kPreferredHeight;
}

void ward_gpu_screen_open(WardGpuScreen *screen) {
  screen->console =
      graphic_console_init(DEVICE(screen->host.device), screen->output, &kScreenOperations, screen);
}

void ward_gpu_screen_close(WardGpuScreen *screen) { graphic_console_close(screen->console); }

char *ward_gpu_screen_get_display(const WardGpuScreen *screen) {
  const WardChipDisplay *display = &screen->display;
  return display->connected ? g_strdup_printf("%ux%u", display->width, display->height)
                            : g_strdup("off");
}

void ward_gpu_screen_set_display(WardGpuScreen *screen, const char *text, Error **errp) {
  WardChipDisplay next = screen->display;
  char rest;
  next.connected = strcmp(text, "off") != 0;
  if (next.connected && strcmp(text, "on") != 0 &&
      (sscanf(text, "%5ux%5u%c", &next.width, &next.height, &rest) != 2 ||
       !ward_chip_has_size(next.width, next.height))) {
    error_setg(errp,
               "ward-gpu: display%u is off, on, or a size from 640x480 to 3840x2160, for example "
               "display%u=1920x1080",
               screen->output, screen->output);
    return;
  }
  screen->display = next;
  Attach(screen);
}

void ward_gpu_screen_set_link_fault(WardGpuScreen *screen, WardChipLinkFault fault) {
  screen->link_fault = fault;
  WardChip *chip = screen->host.chip(screen->host.device);
  if (chip != NULL) ward_chip_set_link_fault(chip, screen->output, fault);
}

void ward_gpu_screen_attach(WardGpuScreen *screen) {
  WardChip *chip = screen->host.chip(screen->host.device);
  ward_chip_attach_display(chip, screen->output, &screen->display);
  ward_chip_set_link_fault(chip, screen->output, screen->link_fault);
}
