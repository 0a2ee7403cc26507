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

dns_on() { # dns_on MACHINE: a Pod of CoreDNS is ready there
  kubectl --namespace kube-system get pods --selector k8s-app=kube-dns --field-selector "spec.nodeName=$(node "$1")" \
    --output 'jsonpath={.items[*].status.conditions[?(@.type=="Ready")].status}' | grep --quiet True
}
resolves() { # resolves MACHINE NAME: the cluster's DNS has an address for it, asked from that machine
  on "$1" python3 - "$2" <<'PYTHON'
import socket, struct, sys

query = struct.pack(">HHHHHH", 1, 0x0100, 1, 0, 0, 0) + b"".join(bytes([len(part)]) + part.encode() for part in sys.argv[1].split(".")) + b"\0" + struct.pack(">HH", 1, 1)
with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as asked:
    asked.settimeout(3)
    asked.sendto(query, ("10.96.0.10", 53))
    answer = asked.recv(4096)
sys.exit(0 if struct.unpack(">HHHHHH", answer[:12])[3] else 1)
PYTHON
}

on control touch /run/before-reboot
on control systemctl reboot >/dev/null 2>&1 || true
within 90 on control test ! -e /run/before-reboot || fail "the master did not boot again"
back "a reboot"

# Without the master, names are still found: CoreDNS runs on workers, and answers from what it knows.
within 120 dns_on worker || fail "CoreDNS does not run on the worker: $(kubectl --namespace kube-system get pods --selector k8s-app=kube-dns --output wide)"
moved() { ! dns_on control; }
within 30 moved || fail "CoreDNS is still on the master"
machines off control
for name in kubernetes.default.svc.cluster.local kube-dns.kube-system.svc.cluster.local; do
  within 10 resolves worker "$name" || fail "$name is not found while the master is off"
done
! resolves worker no-such-name.default.svc.cluster.local || fail "the look-up finds what is not there"
say "names are found while the master is off"
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
