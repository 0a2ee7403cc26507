# shellcheck shell=bash disable=SC2154,SC2034 # sourced by scripts/machines-test, which sets what is used here
# Workers join by themselves, today and after the token changed, and one that cannot trust its master does not.

boot worker "$work/now/system"
within 180 booted worker || fail "the worker did not boot"
within 60 ready worker || fail "the worker is not Ready"
[[ $(kubectl get node "$(node worker)" --output 'jsonpath={.metadata.labels.openclaw\.io/pool}') == system ]] || fail "the worker has not its pool's label"
grep --quiet "autoscaling complete-lifecycle-action.*joined.*CONTINUE" "$(aws_state)/calls.log" || fail "the group was not told that the worker joined"
on worker systemctl --quiet is-active openclaw-logs.timer || fail "the worker does not send its logs"
# The kubelet's allocatable is what it has less what is reserved for the system, for Kubernetes and for eviction.
reserved=$(kubectl get node "$(node worker)" --output json | jq 'def ki: sub("Ki$"; "") | tonumber; (.status.capacity.memory | ki) - (.status.allocatable.memory | ki)')
((reserved == 700 * 1024)) || fail "the worker keeps $reserved KiB for itself, not 700 MiB"
# kubeadm 1.37 gives the API server's client no more than kubelets' API, and that it must have: logs and exec go through it.
[[ $(kubectl get clusterrolebinding kubeadm:apiserver-kubelet-client --output 'jsonpath={.roleRef.name}') == system:kubelet-api-admin ]] || fail "the API server's client has no right at kubelets"
within 60 kubectl --namespace kube-system logs --tail 1 "$(kubectl --namespace kube-system get pods --selector k8s-app=kube-proxy --field-selector "spec.nodeName=$(node worker)" --output name)" || fail "the worker's logs cannot be read"
say "a worker joined with nothing but its user data, keeps 700 MiB for itself, and lets its logs be read"

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
