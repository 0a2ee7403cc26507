# shellcheck shell=bash disable=SC2154,SC2034 # sourced by scripts/machines-test, which sets what is used here
# Workers join by themselves, today and after the token changed, and one that cannot trust its master does not.

boot worker "$work/now/system"
within 180 booted worker || fail "the worker did not boot"
within 60 ready worker || fail "the worker is not Ready"
[[ $(kubectl get node "$(node worker)" --output 'jsonpath={.metadata.labels.openclaw\.io/pool}') == system ]] || fail "the worker has not its pool's label"
grep --quiet "autoscaling complete-lifecycle-action.*joined.*CONTINUE" "$(aws_state)/calls.log" || fail "the group was not told that the worker joined"
on worker systemctl --quiet is-active openclaw-logs.timer || fail "the worker does not send its logs"
say "a worker joined with nothing but its user data"

# A year later: no token of today is left.
kubectl --namespace kube-system delete secret --field-selector type=bootstrap.kubernetes.io/token >/dev/null
before=$(<"$(aws_state)/ssm$parameter")
on control systemctl start openclaw-join-token.service
[[ $before != "$(<"$(aws_state)/ssm$parameter")" ]] || fail "the timer's service wrote no new token"
boot agents "$work/now/agents"
within 180 booted agents || fail "the second worker did not boot"
within 60 ready agents || fail "the second worker is not Ready"
[[ $(kubectl get node "$(node agents)" --output 'jsonpath={.spec.taints[?(@.key=="openclaw.io/pool")].effect}') == NoSchedule ]] || fail "the agents' worker has no taint"
say "another joined after the token was rotated, tainted for agents"

render hasty join_timeout_s=60
jq --compact-output '.ca_hash = "sha256:" + ("0" * 64)' "$(aws_state)/ssm$parameter" >"$work/wrong"
cp "$work/wrong" "$(aws_state)/ssm$parameter"
boot stray "$work/hasty/system"
within 240 told "could not join" || fail "the worker with a wrong CA hash did not give up"
told "none of the public keys" || fail "the log group does not say why the worker refused"
within 30 grep --quiet "autoscaling complete-lifecycle-action.*joined.*ABANDON" "$(aws_state)/calls.log" || fail "the group was not asked for another worker"
! kubectl get node "$(node stray)" >/dev/null 2>&1 || fail "a worker joined in spite of a wrong CA hash"
machines down stray
say "a worker with a wrong CA hash refused, said why in the log group and asked to be replaced"
on control systemctl start openclaw-join-token.service
