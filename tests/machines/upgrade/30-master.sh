# shellcheck shell=bash disable=SC2154,SC2034 # sourced by scripts/machines-test, which sets what is used here
# The master, by the lines of the runbook itself: docs/infrastructure.md, "Upgrade Kubernetes".

runbook() { # runbook TITLE TO: the commands below that title, for the version TO instead of the example's
  awk -v title="**$1" 'index($0, title) {below = 1} below && /^ *```sh/ {inside = 1; next} inside && /^ *```/ {exit} inside' docs/infrastructure.md |
    sed "s/^ *\(new\|old\)=[^ ]* revision=[^ ]*/\1=$2 revision=1.1/"
}
by_hand() { # by_hand FILE: its lines on the master, with a yes to what is asked
  machines put control "$1" /root/by-hand
  # shellcheck disable=SC2016 # words for another shell
  on control bash -euc 'export PS4="+ \$(date +%T) " KUBECONFIG=/etc/kubernetes/admin.conf; yes y | bash -eux /root/by-hand' >"$1.log" 2>&1
}
snapshot_taken() {
  on control systemctl start openclaw-snapshot.service || fail "the snapshot failed"
  snapshot=$(<"$(aws_state)/s3/$bucket/etcd/latest")
  say "a snapshot is in S3: $snapshot"
}

upgraded() {
  local since
  since=$(date +%s)
  runbook "Upgrade Kubernetes" "$new" >"$work/upgrade"
  grep --quiet "kubeadm upgrade apply" "$work/upgrade" || fail "the runbook's commands were not found"
  if ! by_hand "$work/upgrade"; then
    # kubeadm gives the Job of its health check a minute, which a busy host may not have. The lines may be run again, as people would.
    grep --quiet "did not complete in" "$work/upgrade.log" || { tail --lines 60 "$work/upgrade.log"; fail "the runbook's commands failed"; }
    say "kubeadm's health check had no end within its minute; once more"
    by_hand "$work/upgrade" || { tail --lines 60 "$work/upgrade.log"; fail "the runbook's commands failed"; }
  fi
  within 60 ready control || fail "the upgraded master is not Ready"
  within 60 is_of "$new" control || fail "the master is not of $new: $(versions)"
  say "the master is of $new after $(($(date +%s) - since)) s"
  goes_on
  # Not before: the new kubelet starts etcd and the API server anew.
  say "the API server was $(away "$since")"
}
is_of() { [[ $(versions) == *"$(node "$2")=v$1"* ]]; }

snapshot_taken
upgraded
