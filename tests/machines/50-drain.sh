# shellcheck shell=bash disable=SC2154,SC2034 # sourced by scripts/machines-test, which sets what is used here
# A notice that the instance goes empties the node, and what ran there is done elsewhere.

# Agents' work: it takes half a minute, writes down how far it is, and goes on from there wherever it runs next.
machines put control tests/machines/manifests/task.yaml /root/task.yaml
kubectl apply --filename /root/task.yaml >/dev/null
on_node() { kubectl get pods --selector app=task --field-selector "spec.nodeName=$(node "$1"),status.phase=Running" --output name; }
runs_on() { [[ -n $(on_node "$1") ]]; }
progress() { kubectl get configmap progress --output 'jsonpath={.data.step}'; }
kubectl cordon "$(node worker)" >/dev/null
within 60 runs_on agents || fail "the task did not start on the agents' worker"
kubectl uncordon "$(node worker)" >/dev/null
within 60 bash -c "[[ \$($(printf '%q ' "$tool") run control -- kubectl --kubeconfig /etc/kubernetes/admin.conf get configmap progress --output 'jsonpath={.data.step}') -ge 3 ]]" || fail "the task made no progress"
at=$(progress)

mkdir -p "$(machines dir agents)/metadata/meta-data/spot"
echo '{"action": "terminate", "time": "2030-01-01T00:00:00Z"}' >"$(machines dir agents)/metadata/meta-data/spot/instance-action"
within 60 grep --quiet "autoscaling complete-lifecycle-action.*drained.*CONTINUE" "$(aws_state)/calls.log" || fail "the notice drained nothing"
[[ $(kubectl get node "$(node agents)" --output 'jsonpath={.spec.unschedulable}') == true ]] || fail "the node is not cordoned"
! runs_on agents || fail "the task still runs on the worker that goes"
say "a spot notice cordoned the worker and emptied it"
within 120 bash -c "$(printf '%q ' "$tool") run control -- kubectl --kubeconfig /etc/kubernetes/admin.conf wait --for condition=Complete job/task --timeout 100s" || fail "the task was not finished elsewhere"
starts=$(kubectl get configmap progress --output 'jsonpath={.data.starts}')
[[ $(wc -w <<<"$starts") == 2 && ${starts##* } -ge $at ]] || fail "the task did not resume where it was: it started at '$starts', and was at $at"
say "its task was finished on another worker, from step ${starts##* } on"
