# shellcheck shell=bash disable=SC2154,SC2034 # sourced by scripts/machines-test, which sets what is used here
# A notice that the instance goes, by spot or by its group, empties the node, and what ran there is done elsewhere.

# Agents' work: it takes some time, writes down how far it is, and goes on from there wherever it runs next.
machines put control tests/machines/manifests/task.yaml /root/task.yaml
on_node() { kubectl get pods --selector app=task --field-selector "spec.nodeName=$(node "$1"),status.phase=Running" --output name; }
runs_on() { [[ -n $(on_node "$1") ]]; }
progress() { kubectl get configmap progress --output 'jsonpath={.data.step}'; }
advanced() { [[ $(progress) -ge 3 ]]; }
finished() { [[ $(kubectl get job task --output 'jsonpath={.status.conditions[?(@.type=="Complete")].status}') == True ]]; }

drains() { # drains FROM TO METADATA CONTENT: FROM's metadata service announces the end of FROM while the task runs there
  local at before starts file
  file=$(machines dir "$1")/metadata/meta-data/$3
  kubectl delete --ignore-not-found --filename /root/task.yaml >/dev/null
  kubectl cordon "$(node "$2")" >/dev/null
  kubectl apply --filename /root/task.yaml >/dev/null
  within 60 runs_on "$1" || fail "the task did not start on $1"
  kubectl uncordon "$(node "$2")" >/dev/null
  within 60 advanced || fail "the task made no progress"
  at=$(progress) before=$(drained)

  mkdir -p "$(dirname "$file")"
  printf '%s' "$4" >"$file"
  within 60 told_since "$before" || fail "the notice drained nothing"
  [[ $(kubectl get node "$(node "$1")" --output 'jsonpath={.spec.unschedulable}') == true ]] || fail "the node is not cordoned"
  ! runs_on "$1" || fail "the task still runs on the worker that goes"
  say "$3 cordoned $1, emptied it and told its group"
  within 120 finished || fail "the task was not finished elsewhere"
  starts=$(kubectl get configmap progress --output 'jsonpath={.data.starts}')
  [[ $(wc --words <<<"$starts") == 2 && ${starts##* } -ge $at ]] || fail "the task did not resume where it was: it started at '$starts', and was at $at"
  say "its task was finished on $2, from step ${starts##* } on"
}

drains agents worker spot/instance-action '{"action": "terminate", "time": "2030-01-01T00:00:00Z"}'
machines off agents
boot next "$work/now/agents"
within 180 booted next || fail "the worker that replaces the lost one did not boot"
within 60 ready next || fail "the worker that replaces the lost one is not Ready"
# Here the pool system has one worker, and CoreDNS's budget would hold the drain up until its time is over.
kubectl --namespace kube-system delete poddisruptionbudget coredns >/dev/null
drains worker next autoscaling/target-lifecycle-state Terminated
