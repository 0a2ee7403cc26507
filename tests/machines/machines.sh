# shellcheck shell=bash disable=SC2154,SC2034 # sourced by scripts/machines-test, which sets what is used here
# Sourced by scripts/machines-test: machines, their disks, and the few things that stand in for AWS and the Internet.
# Everything that stands in for something is named in stand-ins.yaml.

bucket=openclaw-test-cluster parameter=/openclaw/openclaw-test/join endpoint=api.openclaw-test.internal
host_address=10.250.0.254 # of this host, as machines see it
began=$SECONDS

say() { printf '%4d s  %s\n' $((SECONDS - began)) "$*"; }
fail() {
  say "FAILED: $*" >&2
  exit 1
}
not_shown() { # what a run leaves out: said loudly, and a failure in CI
  say "NOT SHOWN: $*" >&2
  [[ ${CI:-} != true ]] || exit 1
}
machines() {
  local name
  "$tool" "$@" || return
  case $1 in off | down) for name in "${@:2}"; do thaw "$name"; done ;; esac
}
# A container that was being set up as its machine lost its power may be frozen then, and with cgroups v1 what is frozen outlives SIGKILL: it
# would hold the machine's disk, and the same machine could not mount it again. No machine that really lost its power leaves anybody.
thaw() { # thaw NAME
  local state
  while read -r state; do
    [[ ! -e $state ]] || grep --quiet THAWED "$state" || echo THAWED >"$state"
  done < <(find /sys/fs/cgroup -path "*/$1/*" -name freezer.state 2>/dev/null)
}
on() { machines run "$1" -- "${@:2}"; }
kubectl() { on "$master" kubectl --kubeconfig /etc/kubernetes/admin.conf "$@"; }
aws_state() { machines dir; }
node() { echo "ip-$(tr . - <"$(machines dir "$1")/ip").eu-central-1.compute.internal"; }

finish() {
  local code=$?
  trap '' TERM # timeout and make each pass it on: the second one must not end the clean-up
  if ((code)); then
    for name in "${up[@]}"; do
      echo "--- $name" >&2
      on "$name" journalctl --no-pager --lines 40 --unit openclaw-boot.service --unit openclaw-etcd-volume.service >&2 2>/dev/null || true
      on "$name" journalctl --no-pager --lines 300 --unit kubelet.service 2>/dev/null | grep --invert-match "Unable to read config path" | tail --lines 30 >&2 || true
      # shellcheck disable=SC2016 # words for another shell
      on "$name" bash -c 'for log in /var/log/pods/kube-system_{etcd,kube-apiserver}-*/*/*.log; do echo "- $log"; tail --lines 12 "$log"; done' >&2 2>/dev/null || true
    done
  fi
  if [[ -z ${KEEP:-} ]]; then
    [[ -z ${processes[*]:-} ]] || kill "${processes[@]}" || true
    [[ -z ${up[*]:-} ]] || machines down "${up[@]}" || true
    for device in "${disks[@]}"; do losetup --detach "$device" || true; done
    rm -rf "$work"
  fi
  exit "$code"
}
up=() disks=() processes=()

# within SECONDS COMMAND...: true as soon as the command is. The seconds are those of an idle host, with room; a busy one gets
# four times as many, which nobody waits for unless something is broken.
within() {
  local end=$((SECONDS + 4 * $1))
  shift
  until "$@" >/dev/null 2>&1; do
    ((SECONDS < end)) || return 1
    sleep 1
  done
}

# render NAME [VARIABLE=VALUE...]: the module's user data, as instances get it, to $work/NAME/{control-plane,<pool>}.
render() {
  local to=$work/$1
  shift
  mkdir -p "$to"
  terraform -chdir=tests/machines init -input=false >/dev/null
  terraform -chdir=tests/machines apply -auto-approve -input=false -state="$to/state" "${@/#/-var=}" >/dev/null
  terraform -chdir=tests/machines output -state="$to/state" -raw control_plane | base64 --decode >"$to/control-plane"
  for pool in system agents; do
    terraform -chdir=tests/machines output -state="$to/state" -json workers | jq --raw-output ".$pool" | base64 --decode >"$to/$pool"
  done
}

boot() { # boot NAME USER-DATA
  up+=("$1")
  machines up "$1" "$2" 2>/dev/null
}

disk() { # disk NAME [SIZE]: a blank disk on the host; prints its device
  truncate --size "${2:-2G}" "$work/$1.disk"
  losetup --find --show "$work/$1.disk"
}

attach() { # attach MACHINE DEVICE VOLUME-ID: what EC2 does with a volume while the instance boots
  on "$1" bash -c "[[ -e /dev/etcd-disk ]] || mknod /dev/etcd-disk b $((0x$(stat --format %t "$2"))) $((0x$(stat --format %T "$2")))
    mkdir -p /dev/disk/by-id && ln -sf /dev/etcd-disk /dev/disk/by-id/nvme-Amazon_Elastic_Block_Store_${3/-/}"
}

detach() { on "$1" rm -f /dev/etcd-disk; }

endpoint_is() { # endpoint_is MACHINE: moves the record in the private zone
  local hosts
  hosts=$(dirname "$(machines dir control)")/hosts
  sed -i "/ $endpoint\$/d" "$hosts"
  machines name "$endpoint" "$(<"$(machines dir "$1")/ip")"
}

ready() { [[ $(kubectl get node "$(node "$1")" --output 'jsonpath={.status.conditions[?(@.type=="Ready")].status}') == True ]]; }
booted() { on "$1" test -e /var/lib/openclaw/booted; }
told() { grep --quiet --recursive "$1" "$(aws_state)/logs"; }
# How often a worker has told its group that it is drained, and whether one did since it was COUNT times.
drained() { grep --count "autoscaling complete-lifecycle-action.*drained.*CONTINUE" "$(aws_state)/calls.log" || true; }
told_since() { (($(drained) > $1)); }

ctr_on() { on "$1" env CONTAINERD_SUPPRESS_DEPRECATION_WARNINGS=1 ctr --namespace k8s.io "${@:2}"; }
import_image() { # import_image MACHINE ARCHIVE
  machines put "$1" "$2" /root/image.tar
  ctr_on "$1" images import /root/image.tar >/dev/null
  on "$1" rm /root/image.tar
}

# The images that make e2e builds, if there is a way to them.
save=${OPENCLAW_IMAGE_SAVE:-}
if [[ -z $save ]] && docker image inspect localhost/openclaw-agent:test >/dev/null 2>&1; then
  # shellcheck disable=SC2016 # words for another shell
  save='docker save --output "$2" "$1"'
fi
save_image() { # save_image NAME FILE
  bash -c "$save" save "localhost/$1:test" "$2" || fail "there is no image localhost/$1:test: make e2e builds it"
}

# What modules/gitops would have written to the bucket, with what stands in for images that cannot be pulled. The index comes last:
# a scenario may add manifests before.
first_manifests() {
  mkdir -p "$(aws_state)/bin" "$(aws_state)/s3/$bucket/gitops"
  cp tests/machines/aws/* "$(aws_state)/bin/"
  gitops=$(aws_state)/s3/$bucket/gitops
  cp "$(dirname "$tool")/example/pod-network.yaml" "$gitops/10-cni.yaml"
  cp terraform/modules/gitops/manifests/dns-budget.yaml "$gitops/15-dns-budget.yaml"
  cp tests/machines/manifests/cloud-controller.yaml "$gitops/20-cloud-controller.yaml"
  cp terraform/modules/gitops/manifests/argocd-namespace.yaml "$gitops/40-argocd-namespace.yaml"
  environment=staging repository=https://example.com/openclaw.git revision=main \
    envsubst <terraform/modules/gitops/manifests/root.yaml.tftpl >"$gitops/60-root.yaml"
  manifests=(10-cni.yaml 15-dns-budget.yaml 20-cloud-controller.yaml 40-argocd-namespace.yaml)
}
index_manifests() {
  local manifest namespace
  for manifest in "${manifests[@]}"; do
    namespace=-
    [[ $manifest != [56]0-* ]] || namespace=argocd
    echo "$(sha256sum "$gitops/$manifest" | cut -d' ' -f1) $namespace s3://$bucket/gitops/$manifest"
  done >"$gitops/index"
}
