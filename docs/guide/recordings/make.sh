#!/usr/bin/env bash
# Makes the files that docs/guide/debugging-a-driver.md looks at once more: hang.rec, and what the server wrote beside it.
# usage: make.sh WARD [FOLDER]     WARD is the program; FOLDER is where the files go, else this one
#
# Needed when a recording is refused or does not replay: the contract has another version, or the chip does something
# else than it did. Times and event numbers are new then, so the page has to be written again too; the last line says how.
set -euo pipefail

ward=$(realpath "${1:?usage: make.sh WARD [FOLDER]}")
here=$(dirname "$(realpath "$0")")
folder=$(realpath "${2:-$here}")
work=$(mktemp -d)
server=
trap '[ -z "$server" ] || kill "$server"; rm -rf "$work"' EXIT

# A recording holds its device's private key. This one is made for it, marked for tests, and forgotten.
"$ward" identity create --test "$work/identity" >"$work/log"

record() {
  local socket=$work/gpu.sock
  mkfifo "$work/ready"
  "$ward" serve --socket "$socket" --identity "$work/identity" --vram 1M --protected 4M --display0 none \
    --record "$work/hang.rec" --trace "$work/hang.trace" --pcap "$work/hang.pcapng" --report "$work/hang.txt" \
    --ready-fd 3 3>"$work/ready" 2>"$work/log" &
  server=$!
  timeout 60 cat "$work/ready" >"$work/endpoints"
  rm "$work/ready"
  # It has to fail: the driver waits in vain.
  "$ward" script "$here/hang.ward" -f "vfio-user:$socket,timeout=60000" 2>"$work/said" || true
  kill "$server"
  wait "$server" || true
  server=
}

# On a busy machine the script may give up earlier. And it polls ever more rarely: too few reads are not told of.
for attempt in {1..10}; do
  record
  if grep -q "wait-for LAST_FENCE" "$work/said" && grep -q "driver polls LAST_FENCE" "$work/hang.txt"; then break; fi
  [ "$attempt" -lt 10 ] || {
    echo "make.sh: the driver does not hang as it should, or the report does not tell of it; is the machine busy?" >&2
    cat "$work/log" "$work/said" >&2
    exit 1
  }
done
for file in hang.rec hang.trace hang.pcapng hang.txt; do
  install -m 0644 "$work/$file" "$folder/$file"
done
echo "made in $folder; write the page with: python3 tools/guide_page.py --write WARD docs/guide/debugging-a-driver.md"
