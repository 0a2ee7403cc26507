#!/bin/bash
# Turns a fresh Debian 13 into a router that masquerades what the private subnets send. Running it again changes nothing.
set -euo pipefail
# It has no role to write a log with: the console is what is left, `aws ec2 get-console-output`.
trap 'echo "nat: failed at line $LINENO, so the private subnets have no way out: see above, then replace this instance" >/dev/console' ERR

export DEBIAN_FRONTEND=noninteractive
if ! command -v nft >/dev/null; then
  apt-get update
  apt-get install --yes --no-install-recommends nftables
fi

printf 'net.ipv4.ip_forward = 1\n' >/etc/sysctl.d/90-nat.conf
sysctl --quiet --load=/etc/sysctl.d/90-nat.conf

uplink=$(ip -json route show default | sed -nE 's/.*"dev":"([^"]+)".*/\1/p' | head -n 1)
[[ -n $uplink ]] || { echo "nat: no default route, so no interface to masquerade on" >&2; false; }

cat >/etc/nftables.conf <<RULES
#!/usr/sbin/nft -f
flush ruleset
table ip nat {
  chain postrouting {
    type nat hook postrouting priority srcnat;
    oifname "$uplink" masquerade
  }
}
RULES
systemctl enable nftables.service
systemctl restart nftables.service
