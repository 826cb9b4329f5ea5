/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "emulator/qemu/ward_gpu_work.h"

#define WARD_SLICE_NS 50000 /* the longest that guest accesses wait for the chip */

void ward_gpu_work_schedule(WardGpuWork *work) {
  if (work->bottom_half != NULL) qemu_bh_schedule(work->bottom_half);
}

/* A stopped or powered-down machine parks the chip; the device schedules work when it goes on. */
static bool MayWork(WardGpuWork *work) {
  return runstate_is_running() && work->is_powered(work->device);
}

void ward_gpu_work_enter(WardGpuWork *work) { work->in_chip = true; }

void ward_gpu_work_leave(WardGpuWork *work) {
  work->in_chip = false;
  if (work->owes_reset) ward_gpu_work_reset(work);
}

/* What the chip sends may come back to it: the guest says where its interrupts go. Under RCU, and
 * so with the memory that it opens there until the end. */
static WardChipSlice RunSlice(WardGpuWork *work) {
  RCU_READ_LOCK_GUARD();
  work->in_slice = true;
  ward_gpu_work_enter(work);
  WardChipSlice left = ward_chip_process(work->chip);
  work->in_slice = false;
  if (work->owes_reset) left = (WardChipSlice){.more = true}; /* firmware starts */
  ward_gpu_work_leave(work);
  return left;
}

static void Plan(WardGpuWork *work, WardChipSlice left) {
  work->is_behind = left.more;
  if (left.more) {
    qemu_bh_schedule(work->bottom_half);
  } else if (left.wakeup_ns != 0) {
    timer_mod(work->wakeup, (int64_t)left.wakeup_ns);
  } else {
    timer_del(work->wakeup);
  }
}

static void RunBottomHalf(void *opaque) {
  WardGpuWork *work = opaque;
  if (!MayWork(work)) return;
  int64_t deadline = get_clock() + WARD_SLICE_NS;
  WardChipSlice left;
  do {
    left = RunSlice(work);
  } while (left.more && MayWork(work) && get_clock() < deadline);
  Plan(work, left);
}

/* What has waited for its time is the bottom half's, also from a doorbell that comes before it. */
static void WakeUp(void *opaque) {
  WardGpuWork *work = opaque;
  work->is_behind = true;
  ward_gpu_work_schedule(work);
}

static bool IsDue(QEMUTimer *timer) {
  return timer_pending(timer) && timer_expired(timer, qemu_clock_get_ns(QEMU_CLOCK_VIRTUAL));
}

/* The first slice, and while it ends amid the data of a command further ones: waking QEMU's main
 * loop takes as long as most of such data. The slice behind them has the fence. */
static WardChipSlice RunFirstSlices(WardGpuWork *work) {
  WardChipSlice left = RunSlice(work);
  if (!left.in_job) return left;
  int64_t deadline = get_clock() + WARD_SLICE_NS;
  bool was_in_job = true;
  while (left.more && was_in_job && MayWork(work) && get_clock() < deadline) {
    was_in_job = left.in_job;
    left = RunSlice(work);
  }
  return left;
}

/* The virtual CPU does not wait for what is under way or has waited for its time (an answer of the
 * firmware may take an RSA operation). */
void ward_gpu_work_begin(WardGpuWork *work) {
  if (!MayWork(work) || work->in_slice || work->is_behind || IsDue(work->wakeup)) {
    ward_gpu_work_schedule(work);
  } else {
    Plan(work, RunFirstSlices(work));
  }
}

void ward_gpu_work_reset(WardGpuWork *work) {
  work->owes_reset = work->in_chip;
  if (work->in_chip) return;
  ward_chip_reset(work->chip);
  timer_del(work->wakeup);
  ward_gpu_work_schedule(work);
}

void ward_gpu_work_open(WardGpuWork *work, DeviceState *device, bool (*is_powered)(void *device),
                        WardChip *chip) {
  work->device = device;
  work->is_powered = is_powered;
  work->chip = chip;
  work->bottom_half = qemu_bh_new_guarded(RunBottomHalf, work, &device->mem_reentrancy_guard);
  work->wakeup = timer_new_ns(QEMU_CLOCK_VIRTUAL, WakeUp, work);
}

void ward_gpu_work_close(WardGpuWork *work) {
  timer_free(work->wakeup);
  qemu_bh_delete(work->bottom_half);
  work->bottom_half = NULL;
}
