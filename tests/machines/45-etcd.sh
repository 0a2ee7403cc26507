# shellcheck shell=bash disable=SC2154,SC2034 # sourced by scripts/machines-test, which sets what is used here
# etcd's metrics are for monitoring alone, and after NOSPACE the runbook's one command lets writes in again.

metrics=/api/v1/namespaces/kube-system/pods/etcd-$(node "$master"):2381/proxy/metrics
kubectl create namespace monitoring >/dev/null
for account in monitoring-prometheus other; do kubectl --namespace monitoring create serviceaccount "$account" >/dev/null; done
scrape() { # scrape ACCOUNT [PATH]: what this service account gets of the API server
  on "$master" kubectl --server "https://$endpoint:6443" --certificate-authority /etc/kubernetes/pki/ca.crt \
    --token "$(kubectl --namespace monitoring create token "$1")" get --raw "${2:-$metrics}"
}
within 30 scrape monitoring-prometheus || fail "Prometheus' account cannot read etcd's metrics: $(scrape monitoring-prometheus 2>&1 | tail --lines 3)"
scrape monitoring-prometheus >"$work/etcd.metrics"
quota=$(sed --quiet 's/^etcd_server_quota_backend_bytes //p' "$work/etcd.metrics")
[[ $(printf '%.0f' "$quota") == 8589934592 ]] || fail "etcd's quota is $quota, not 8 GiB"
scrape other >"$work/none" 2>&1 && fail "any account reads etcd's metrics"
grep --quiet Forbidden "$work/none" || fail "another account is refused for another reason: $(<"$work/none")"
scrape monitoring-prometheus "/api/v1/namespaces/kube-system/pods/kube-apiserver-$(node "$master"):6443/proxy/version" >"$work/none" 2>&1 && fail "Prometheus' account reaches another Pod"
# What listens on the node's own address is for the API server: on AWS no security group opens the port (modules/network).
say "etcd's quota is 8 GiB, its metrics are read through the API server by Prometheus' account alone"

# A small quota, so that it is full in seconds. The manifest is the kubelet's: etcd starts again with what it says.
quota_is() { # quota_is BYTES
  # Not in place: what sed writes beside the file is another Pod to the kubelet.
  on "$master" bash -c "sed 's/--quota-backend-bytes=[0-9]*/--quota-backend-bytes=$1/' /etc/kubernetes/manifests/etcd.yaml >/run/etcd.yaml && cp /run/etcd.yaml /etc/kubernetes/manifests/etcd.yaml"
  within 120 has_quota "$1" || fail "etcd did not start again with a quota of $1 bytes"
  within 120 kubectl get --raw /readyz || fail "the API server did not come back after etcd"
}
has_quota() { scrape monitoring-prometheus | grep "^etcd_server_quota_backend_bytes " | xargs printf '%s %.0f\n' | grep --line-regexp "etcd_server_quota_backend_bytes $1"; }
held=$(sed --quiet 's/^etcd_mvcc_db_total_size_in_bytes //p' "$work/etcd.metrics" | xargs printf '%.0f')
quota_is $((held + 12 * 1024 * 1024))
# Forty versions of one object: the newest fits, the old ones are what fills it.
# shellcheck disable=SC2016 # words for the machine's shell
on "$master" bash -c 'export KUBECONFIG=/etc/kubernetes/admin.conf
  for n in {1..40}; do
    { echo "$n"; head --bytes 450000 /dev/urandom | base64 --wrap 0; } >/run/filling
    kubectl create configmap filling --from-file /run/filling --dry-run=client --output yaml | kubectl replace --force=false --filename - 2>/run/refused ||
      kubectl create configmap filling --from-file /run/filling 2>/run/refused || true
    grep --quiet "database space exceeded" /run/refused && exit
  done
  cat /run/refused; exit 1' >"$work/filling" 2>&1 || fail "etcd did not fill up: $(tail --lines 3 "$work/filling")"
! kubectl create configmap after-filling >/dev/null 2>&1 || fail "a full etcd took a write"
say "etcd is full and refuses writes (NOSPACE)"
on "$master" /usr/local/lib/openclaw/free-etcd-space >"$work/freed" 2>&1 || fail "free-etcd-space failed: $(tail --lines 5 "$work/freed")"
within 30 kubectl create configmap after-filling || fail "etcd refuses writes after free-etcd-space: $(<"$work/freed")"
kubectl delete configmap filling after-filling >/dev/null
quota_is 8589934592
within 90 ready "$master" || fail "the master is not Ready after etcd was full"
kubectl delete namespace monitoring --wait=false >/dev/null
say "free-etcd-space has compacted, defragmented and disarmed: writes are taken again"
