#!/usr/bin/env bash
# The user-mode driver for Windows: lists what its DLL exports and imports, and refuses another
# export than OpenAdapter10_2 or an import that is not on the list below.
# usage: check_windows.sh [DLL]
# Without a DLL it builds the preset `windows` first and looks at its ward_umd.dll. With
# WARD_WINE=<command> it also runs the loading test by that command.
set -euo pipefail

allowed_libraries=(kernel32.dll msvcrt.dll) # what every Windows has
expected_exports=OpenAdapter10_2
objdump=x86_64-w64-mingw32-objdump

# Both readers take the last word of a row: newer binutils have more columns before it.
# list_exports < TABLE: the names, one a line; an export without a name shows as "(ordinal only)".
list_exports() {
  awk '/^There is an export table/ { inside = 1 }
    inside && slots == "" && /^[ \t]*Export Address Table[ \t]+[0-9a-f]+$/ { slots = $NF }
    inside && /^[ \t]*\[Name Pointer\/Ordinal\] Table[ \t]+[0-9a-f]+$/ { names = $NF }
    /^\[Ordinal\/Name Pointer\] Table/ { listing = inside; next }
    listing && NF == 0 { listing = inside = 0 }
    listing && /^[ \t]*\[ *[0-9]+\]/ { print $NF }
    END { if (slots != names) print "(ordinal only)" }'
}

# list_imports < TABLE: "LIBRARY NAME", one a line; an import by number has no better name than <none>.
list_imports() {
  awk '/^[ \t]*DLL Name: / { library = $NF; next }
    library != "" && /^[ \t]*[0-9a-f]+[ \t]/ && NF >= 2 { print library, $NF; next }
    library != "" && /^[ \t]*$/ { library = "" }'
}

# list_libraries < TABLE: names of Windows libraries know no case.
list_libraries() { sed -n 's/^[ \t]*DLL Name: //p' | tr '[:upper:]' '[:lower:]' | sort -u; }

# judge DLL: the verdict is the last line.
judge() {
  local dll=$1 name table exports library libraries failed=''
  name=$(basename "$dll")
  table=$("$objdump" -p "$dll") || {
    echo "$dll cannot be read by $objdump; build it with: ./dev check windows"
    return 1
  }
  exports=$(list_exports <<<"$table")
  mapfile -t libraries < <(list_libraries <<<"$table")
  printf 'exports of %s:\n%s\n' "$name" "${exports:-(none)}"
  printf 'imports of %s:\n%s\n' "$name" "$(list_imports <<<"$table")"
  if [ "$exports" != "$expected_exports" ]; then
    failed="$name exports $(paste -sd ' ' <<<"${exports:-nothing}") instead of $expected_exports alone"
  fi
  if [ ${#libraries[@]} -eq 0 ]; then
    failed="$name has no import that this script can read in the output of $objdump"
  fi
  for library in "${libraries[@]}"; do
    case " ${allowed_libraries[*]} " in
      *" $library "*) ;;
      *) failed="$name imports from $library, which is not on the list in tools/check_windows.sh" ;;
    esac
  done
  verdict="$name: exports $expected_exports alone, imports from ${libraries[*]}"
  echo "${failed:-$verdict}"
  [ -z "$failed" ]
}

# Runs the loading test in a Windows substitute of the caller's choice.
run_loading_test() {
  local folder=$1
  WINEDEBUG=${WINEDEBUG:--all} WINEPREFIX=${WINEPREFIX:-$PWD/build/windows/wine} \
    "$WARD_WINE" "$folder/tests/windows/load_driver.exe" "$folder/umd/ward_umd.dll" || {
    echo "load_driver.exe failed under $WARD_WINE"
    return 1
  }
  echo "$verdict; loaded under $WARD_WINE"
}

command -v "$objdump" >/dev/null || {
  echo "$objdump is missing; mend it with: ./dev setup"
  exit 1
}
if [ $# -gt 0 ]; then
  judge "$1"
  exit
fi
cd -- "$(dirname -- "$(readlink -f -- "$0")")/.."
bash tools/dev/build_preset.sh windows || {
  echo "the Windows build failed: the compiler refused a file, or this script the DLL (see above)"
  exit 1
}
judge build/windows/umd/ward_umd.dll
[ -z "${WARD_WINE:-}" ] || run_loading_test build/windows
