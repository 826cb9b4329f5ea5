// The object that QEMU's -plugin option loads. It uses no QEMU header: it finds out which build of
// QEMU it is in, and loads the device object that was compiled for exactly that build.
#define _GNU_SOURCE
#include <dlfcn.h>
#include <link.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#define EXPORT __attribute__((visibility("default")))

enum {
  kStampDigits = 40,
  kStampPrefix = sizeof("qemu_stamp_") - 1,
  kErrorSize = 256,
};

// What QEMU's QMP command query-version returns: struct VersionInfo of its QAPI schema.
typedef struct VersionTriple {
  int64_t major;
  int64_t minor;
  int64_t micro;
} VersionTriple;
typedef struct VersionInfo {
  VersionTriple* qemu;
  char* package;
} VersionInfo;
typedef VersionInfo* (*QueryVersion)(void** error);
typedef int (*RegisterDevice)(char* error, size_t error_size);

// Plugin API that we say we were built for. QEMU accepts 0..1 in 7.2, 2..5 in 10, and only its own
// in 11.1. Nothing but the entry point is used, so that any accepted number is as good.
EXPORT int qemu_plugin_version = 1;

EXPORT int qemu_plugin_install(uint64_t id, const void* info, int argc, char** argv);

static const VersionInfo* running_version;

static const VersionInfo* QueryRunningVersion(void) {
  // dlsym returns an object pointer; POSIX wants it usable as a function pointer.
  union {
    void* object;
    QueryVersion function;
  } symbol = {.object = dlsym(RTLD_DEFAULT, "qmp_query_version")};
  return symbol.function == NULL ? NULL : symbol.function(NULL);
}

// Runs while QEMU loads the plugin, before it reads qemu_plugin_version.
__attribute__((constructor)) static void ChoosePluginVersion(void) {
  running_version = QueryRunningVersion();
  if (running_version == NULL) return;
  if (running_version->qemu->major >= 11) {
    qemu_plugin_version = 7;
  } else if (running_version->qemu->major >= 9) {
    qemu_plugin_version = 2;
  }
}

static bool IsHexDigit(char c) { return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f'); }

static bool CopyStamp(const char* text, size_t size, char* stamp) {
  if (size < kStampPrefix + kStampDigits + 1) return false;
  for (int i = 0; i < kStampDigits; i++) {
    if (!IsHexDigit(text[kStampPrefix + i])) return false;
  }
  memcpy(stamp, text + kStampPrefix, kStampDigits);
  stamp[kStampDigits] = '\0';
  return true;
}

// Looks for the name of the stamp symbol, which QEMU asks of its own modules, in the read-only
// segments of the main program.
static int FindStampInObject(struct dl_phdr_info* object, size_t size, void* stamp) {
  (void)size;
  for (int i = 0; i < object->dlpi_phnum; i++) {
    const ElfW(Phdr)* segment = &object->dlpi_phdr[i];
    if (segment->p_type != PT_LOAD || (segment->p_flags & (PF_R | PF_W)) != PF_R) continue;
    const char* at = (const char*)(object->dlpi_addr + segment->p_vaddr);
    const char* end = at + segment->p_filesz;
    while ((at = memmem(at, (size_t)(end - at), "qemu_stamp_", kStampPrefix)) != NULL) {
      if (CopyStamp(at, (size_t)(end - at), stamp)) return 1;
      at += kStampPrefix;
    }
  }
  return -1;  // the main program comes first: look no further
}

// Writes the path of the device object for `stamp`, next to this object.
static bool DevicePath(const char* stamp, char* path, size_t path_size) {
  Dl_info self;
  if (dladdr((const void*)&qemu_plugin_version, &self) == 0) return false;
  const char* slash = strrchr(self.dli_fname, '/');
  int directory = slash == NULL ? 0 : (int)(slash + 1 - self.dli_fname);
  int length = snprintf(path, path_size, "%s%.*sward-gpu-%s.so", slash == NULL ? "./" : "",
                        directory, self.dli_fname, stamp);
  return length > 0 && (size_t)length < path_size;
}

static int Refuse(const char* what, const char* why) {
  fprintf(stderr, "ward-qemu: %s: %s\n", what, why);
  if (running_version != NULL) {
    fprintf(stderr,
            "ward-qemu: this is QEMU %d.%d.%d (%s); build the device for it: ./dev build device\n",
            (int)running_version->qemu->major, (int)running_version->qemu->minor,
            (int)running_version->qemu->micro, running_version->package);
  }
  return -1;
}

int qemu_plugin_install(uint64_t id, const void* info, int argc, char** argv) {
  (void)id, (void)info;
  if (argc != 0) {
    return Refuse(argv[0], "ward-qemu.so takes no arguments: settings go to -device ward-gpu,...");
  }
  char stamp[kStampDigits + 1];
  if (dl_iterate_phdr(FindStampInObject, stamp) != 1) {
    return Refuse("this program", "has no module stamp, so that its build is not known");
  }
  char path[4096];
  if (!DevicePath(stamp, path, sizeof(path))) return Refuse("ward-qemu.so", "its path is too long");
  void* object = dlopen(path, RTLD_NOW | RTLD_LOCAL);
  if (object == NULL) {
    return Refuse("no usable device object for this build of QEMU", dlerror());
  }
  union {
    void* object;
    RegisterDevice function;
  } symbol = {.object = dlsym(object, "ward_gpu_register")};
  if (symbol.function == NULL) return Refuse(path, "is no device object of ours");
  char error[kErrorSize] = "";
  if (symbol.function(error, sizeof(error)) != 0) return Refuse(path, error);
  return 0;
}
