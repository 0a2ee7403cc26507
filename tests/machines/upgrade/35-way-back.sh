# shellcheck shell=bash disable=SC2154,SC2034 # sourced by scripts/machines-test, which sets what is used here
# The way back, while the workers are still of the older version: the runbook's lines again. Then forward once more.

serves() { [[ $(kubectl get --raw /version | jq --raw-output .gitVersion) == "v$1" ]]; }
within 30 serves "$new" || fail "the API server is not of $new"
kubectl create configmap after >/dev/null
since=$(date +%s)
runbook "The way back" "$old" | sed "s|snapshot=[^ ]*|snapshot=$snapshot|" >"$work/back"
grep --quiet "restore-etcd" "$work/back" || fail "the runbook's way back was not found"
by_hand "$work/back" || { tail --lines 60 "$work/back.log"; fail "the way back failed"; }
within 60 serves "$old" || fail "the API server is not of $old"
within 60 kubectl get secret before || fail "the Secret is gone"
secret_is_kept
! kubectl get configmap after >/dev/null 2>&1 || fail "what was written after the snapshot is still there"
for name in control system agents; do
  within 120 ready "$name" || fail "$name is not Ready after the way back"
  within 60 is_of "$old" "$name" || fail "$name is not of $old: $(versions)"
done
say "the way back took $(($(date +%s) - since)) s: the snapshot runs under $old again"
goes_on
say "the API server was $(away "$since")"

snapshot_taken
upgraded
