# shellcheck shell=bash disable=SC2154 # sourced by scripts/machines-test, which sets what is used here
# Alerts of etcd and of certificates, each by its fault (tests/alerts/test_provoked_machines.py): told, found by docs/alerts.md, mended, over.

OPENCLAW_ALERTS_MACHINES=control,worker OPENCLAW_ALERTS_TABLE=$work/alerts OPENCLAW_MACHINES_TOOL=$tool \
  .venv/bin/pytest -v -p no:xdist -p no:cacheprovider tests/alerts/test_provoked_machines.py 8>&- || fail "an alert was not told, its section did not show its fault, or it was not over"
[[ $(wc --lines <"$work/alerts") == 3 ]] || fail "not each of the three alerts was tried: $(<"$work/alerts")"
while IFS=$'\t' read -r alert seconds message; do say "$alert was told after $seconds s: $message"; done <"$work/alerts"
