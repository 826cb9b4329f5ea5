#!/bin/sh
# First process of the guest: modules, the PCI function, the program, power off. It talks to the
# host on the second serial port, in lines that begin with "ward-guest:"; the program has that port
# as its standard input and output, and the console (the first port) as its standard error.
export PATH=/bin HOME=/ TERM=dumb

# Under TCG the start of a program is 15 ms of the boot: one mounts all, and what busybox's shell
# does itself is left to it.
mount -a
exec 3<>/dev/ttyS1
stty raw -echo 115200 <&3

say() { echo "ward-guest: $*" >&3; }
finish() {
  say "exit $1"
  # The last close of the port waits until everything has left it.
  exec 3>&- <&- >&-
  poweroff -f
}
fail() {
  say "error $*"
  finish 125
}

say started
while read -r module; do
  insmod "/ward/modules/$module.ko" || fail "module $module can't be loaded"
done </ward/modules/order

# Virtio disks get names by their serial numbers: /dev/ward/<name>.
for disk in /sys/block/vd*; do
  [ -e "$disk/serial" ] || continue
  read -r name <"$disk/serial" || true
  [ -d /dev/ward ] || mkdir /dev/ward
  ln -s "/dev/${disk##*/}" "/dev/ward/$name"
done

# ward.pci=VVVV:DDDD,...: every such function goes to vfio-pci; their addresses are told.
read -r command_line </proc/cmdline
wanted=
for word in $command_line; do
  case $word in ward.pci=*) wanted=${word#ward.pci=} ;; esac
done
WARD_PCI_ADDRESSES=
if [ -n "$wanted" ]; then
  for device in /sys/bus/pci/devices/*; do
    read -r vendor <"$device/vendor"
    read -r model <"$device/device"
    case ",$wanted," in *",${vendor#0x}:${model#0x},"*) ;; *) continue ;; esac
    address=${device##*/}
    [ -e "$device/iommu_group" ] || fail "$address has no IOMMU group"
    echo vfio-pci >"$device/driver_override"
    [ -e "$device/driver" ] && echo "$address" >"$device/driver/unbind"
    echo "$address" >/sys/bus/pci/drivers_probe
    [ -e "$device/driver" ] || fail "vfio-pci does not take $address"
    WARD_PCI_ADDRESSES="$WARD_PCI_ADDRESSES $address"
  done
  [ -n "$WARD_PCI_ADDRESSES" ] || fail "no PCI function $wanted"
fi
WARD_PCI_ADDRESSES=${WARD_PCI_ADDRESSES# }
export WARD_PCI_ADDRESSES
export WARD_PCI_ADDRESS="${WARD_PCI_ADDRESSES%% *}"

say ready
(. /ward/command) <&3 >&3 3>&-
finish $?
