/* SPDX-License-Identifier: GPL-2.0-or-later */
/* One spelling of QEMU's device API for its versions 7.2 to 11.1. */
#ifndef WARD_EMULATOR_QEMU_QEMU_COMPAT_H_
#define WARD_EMULATOR_QEMU_QEMU_COMPAT_H_

#include "qemu/osdep.h"
/* osdep.h comes first in QEMU's world: the others rely on it. */
#include "hw/pci/msix.h"
#include "hw/pci/pcie.h"
#include "hw/pci/pcie_aer.h"
#include "migration/blocker.h"
#include "migration/vmstate.h"
#include "qapi/error.h"
#include "qemu/error-report.h"
#include "qemu/guest-random.h"
#include "qemu/main-loop.h"
#include "qemu/timer.h"
#include "qemu/units.h"
#include "qom/object.h"
#include "ui/console.h"

#if __has_include("hw/pci/pci_device.h")
#include "hw/pci/pci_device.h"
#else
#include "hw/pci/pci.h"
#endif
#if __has_include("hw/core/qdev-properties.h")
#include "hw/core/qdev-properties.h"
#else
#include "hw/qdev-properties.h"
#endif
#if __has_include("system/memory.h")
#include "system/memory.h"
#else
#include "exec/memory.h"
#endif
#if __has_include("system/runstate.h")
#include "system/runstate.h"
#else
#include "sysemu/runstate.h"
#endif
#if __has_include("ui/surface.h")
#include "ui/surface.h"
#endif

#define WARD_QEMU_SINCE(major, minor) \
  (QEMU_VERSION_MAJOR > (major) || (QEMU_VERSION_MAJOR == (major) && QEMU_VERSION_MINOR >= (minor)))

#if WARD_QEMU_SINCE(8, 2) && !defined(CONFIG_PIXMAN)
#error "distributions build QEMU with pixman, and the layout of a surface depends on it"
#endif

#if WARD_QEMU_SINCE(10, 1)
#define WARD_CLASS_DATA const void*
#define WARD_INTERFACES const InterfaceInfo
#else
#define WARD_CLASS_DATA void*
#define WARD_INTERFACES InterfaceInfo
#endif

#if WARD_QEMU_SINCE(10, 0)
#define WARD_PROPERTIES const Property
#define WARD_PROPERTIES_END
#else
#define WARD_PROPERTIES Property
#define WARD_PROPERTIES_END DEFINE_PROP_END_OF_LIST(),
#endif

#if WARD_QEMU_SINCE(9, 2)
#define WARD_SET_RESET(device_class, function) device_class_set_legacy_reset(device_class, function)
#else
#define WARD_SET_RESET(device_class, function) ((device_class)->reset = (function))
#endif

/* QEMU 10.0 tells nobody the size of a type any more. */
#if WARD_QEMU_SINCE(10, 0)
#define WARD_INSTANCE_SIZE_IS(type, bytes) true
#else
#define WARD_INSTANCE_SIZE_IS(type, bytes) (object_type_get_instance_size(type) == (bytes))
#endif

/* A blocked migration owns its reason from 8.2 on. */
#if WARD_QEMU_SINCE(8, 2)
#define WARD_BLOCK_MIGRATION(reason, errp) migrate_add_blocker(reason, errp)
#define WARD_UNBLOCK_MIGRATION(reason) migrate_del_blocker(reason)
#else
#define WARD_BLOCK_MIGRATION(reason, errp) migrate_add_blocker(*(reason), errp)
#define WARD_UNBLOCK_MIGRATION(reason) \
  (migrate_del_blocker(*(reason)), error_free(*(reason)), *(reason) = NULL)
#endif

#if WARD_QEMU_SINCE(11, 1)
#define WARD_GFX_UPDATE bool
#define WARD_GFX_UPDATE_DONE return true
#define graphic_console_init(device, head, operations, opaque) \
  qemu_graphic_console_create(device, head, operations, opaque)
#define graphic_console_close(console) qemu_graphic_console_close(console)
#define dpy_gfx_replace_surface(console, surface) qemu_console_set_surface(console, surface)
#define dpy_gfx_update(console, x, y, width, height) \
  qemu_console_update(console, x, y, width, height)
#else
#define WARD_GFX_UPDATE void
#define WARD_GFX_UPDATE_DONE return
#endif

#endif
