# shellcheck shell=bash disable=SC2154,SC2034 # sourced by scripts/machines-test, which sets what is used here
# The control plane comes back by itself after a reboot and after a power cut.

# The disk is attached to the instance and comes with it; here somebody has to plug it in again, and again if that was while
# the machine was still going down.
serves() { attach control "$first_disk" "$volume" && kubectl get --raw /readyz; }
back() { # back HOW: the API server answers again and still knows what it knew
  within 180 serves || fail "the API server did not come back after $1"
  [[ $(kubectl get secret before --output 'jsonpath={.data.word}' | base64 --decode) == kept-4f1c9a ]] || fail "a Secret did not survive $1"
  within 90 ready control || fail "the master did not become Ready after $1"
  say "the control plane is back after $1"
}

on control touch /run/before-reboot
on control systemctl reboot >/dev/null 2>&1 || true
within 90 on control test ! -e /run/before-reboot || fail "the master did not boot again"
back "a reboot"

machines off control
machines up control 2>/dev/null
stray_disk=$(disk stray 100M)
disks+=("$stray_disk")
head --bytes 1M /dev/urandom | dd of="$stray_disk" bs=1M status=none
attach control "$stray_disk" "$volume"
refused() { on control journalctl --no-pager --output cat --unit openclaw-etcd-volume.service | grep "holds something unknown: not formatted" >/dev/null; }
within 60 refused || fail "the master did not say what is wrong with its disk"
! on control systemctl --quiet is-active kubelet.service || fail "the kubelet started without etcd's disk"
say "with a wrong disk the master says so, and its kubelet does not start"
detach control
back "a power cut, and its own disk in place of a wrong one"
