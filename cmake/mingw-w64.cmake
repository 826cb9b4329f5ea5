# Windows x86-64 from Debian, by g++-mingw-w64-x86-64-posix. Static, so that a library asks of a
# Windows only what every Windows has.
set(CMAKE_SYSTEM_NAME Windows)
set(CMAKE_SYSTEM_PROCESSOR x86_64)

set(ward_mingw x86_64-w64-mingw32)
# The posix flavour: the other one's C++ library has no threads in GCC 12.
set(CMAKE_C_COMPILER ${ward_mingw}-gcc-posix)
set(CMAKE_CXX_COMPILER ${ward_mingw}-g++-posix)
set(CMAKE_RC_COMPILER ${ward_mingw}-windres)

# No time stamp: the same sources give the same bytes.
set(ward_link_flags "-static -Wl,--no-insert-timestamp")
set(CMAKE_EXE_LINKER_FLAGS_INIT "${ward_link_flags}")
set(CMAKE_SHARED_LINKER_FLAGS_INIT "${ward_link_flags}")

# Programs are the build machine's, libraries and headers are the target's.
set(CMAKE_FIND_ROOT_PATH /usr/${ward_mingw})
set(CMAKE_FIND_ROOT_PATH_MODE_PROGRAM NEVER)
set(CMAKE_FIND_ROOT_PATH_MODE_LIBRARY ONLY)
set(CMAKE_FIND_ROOT_PATH_MODE_INCLUDE ONLY)
set(CMAKE_FIND_ROOT_PATH_MODE_PACKAGE ONLY)
