# shellcheck shell=bash disable=SC2154,SC2034 # sourced by scripts/machines-test, which sets what is used here
# The workers, as instance refresh replaces them: the new one is Ready before the old one hears that it ends.

replaced() { # replaced POOL BY IMAGE...: the worker that is named as its pool, by another of the newer version
  local before gone
  prepared "$2" "$work/newer/$1" "${@:3}"
  [[ $1 != system ]] || redis_volume_on "$2"
  within 180 booted "$2" || fail "the new worker $2 did not boot"
  within 60 ready "$2" || fail "the new worker $2 is not Ready"
  is_of "$new" "$2" || fail "the new worker $2 is not of $new"
  say "a worker of $new is there for the pool $1"
  before=$(drained)
  mkdir -p "$(machines dir "$1")/metadata/meta-data/autoscaling"
  printf Terminated >"$(machines dir "$1")/metadata/meta-data/autoscaling/target-lifecycle-state"
  within 270 told_since "$before" || fail "the old worker $1 was not drained"
  kubectl get pods --all-namespaces --field-selector "spec.nodeName=$(node "$1")" --output json |
    jq --exit-status '[.items[] | select(.metadata.ownerReferences[0].kind != "DaemonSet" and .status.phase == "Running")] == []' >/dev/null || fail "$1 told its group that it is drained, and is not"
  gone=$(node "$1")
  machines down "$1" # with its disk, as an instance that ends
  kubectl delete node "$gone" >/dev/null # the cloud controller does this at AWS
  say "the old worker of the pool $1 is drained and gone; $(so_far)"
}

replaced agents agents2 openclaw-agent
replaced system system2 openclaw-brain redis
[[ $(versions | grep --count "=v$new$") == 3 && $(versions | wc --lines) == 3 ]] || fail "not every node is of $new: $(versions)"
