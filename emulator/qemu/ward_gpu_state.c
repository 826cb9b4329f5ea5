/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "emulator/qemu/ward_gpu_state.h"

enum { kPiece = 1 << 20 };

int ward_gpu_state_put(QEMUFile *file, WardChip *chip) {
  char error[512] = "";
  size_t bytes = 0;
  uint8_t *state = ward_chip_save(chip, &bytes, error, sizeof(error));
  if (state == NULL) {
    error_report("ward-gpu: the device can't be saved: %s", error);
    return -EIO;
  }
  qemu_put_be64(file, bytes);
  qemu_put_buffer(file, state, bytes);
  ward_chip_free_state(state);
  return 0;
}

/* Somebody else may have written the length: memory is taken as bytes arrive. */
static uint8_t *Read(QEMUFile *file, uint64_t bytes) {
  uint8_t *state = NULL;
  for (uint64_t have = 0; have < bytes;) {
    size_t piece = MIN(bytes - have, kPiece);
    state = g_realloc(state, have + piece);
    if (qemu_get_buffer(file, state + have, piece) != piece) {
      g_free(state);
      return NULL;
    }
    have += piece;
  }
  return state;
}

int ward_gpu_state_get(QEMUFile *file, WardChip *chip) {
  uint64_t bytes = qemu_get_be64(file);
  uint64_t most = ward_chip_most_state_bytes(chip);
  if (bytes > most) {
    error_report("ward-gpu: the saved state was refused: it calls itself %" PRIu64
                 " bytes long, and no state of this device has more than %" PRIu64,
                 bytes, most);
    return -EINVAL;
  }
  uint8_t *state = Read(file, bytes);
  if (state == NULL) {
    error_report("ward-gpu: the saved state was refused: it is cut short");
    return -EINVAL;
  }
  char error[512] = "";
  bool loaded = ward_chip_load(chip, state, bytes, error, sizeof(error));
  g_free(state);
  if (!loaded) {
    error_report("ward-gpu: the saved state was refused: %s", error);
    return -EINVAL;
  }
  return 0;
}
