# shellcheck shell=bash disable=SC2154,SC2034 # sourced by scripts/machines-test, which sets what is used here
# Everything again changes nothing: the same files, objects and Secrets.

picture() { # what a run of the scripts could change: files on the node, objects in S3, generations in the cluster
  on "$1" bash -c 'find /etc/kubernetes /etc/openclaw /etc/systemd/system /etc/containerd /var/lib/kubelet/config.yaml /usr/local/lib/openclaw -type f -exec sha256sum {} +; find /etc/systemd/system -type l -printf "%p %l\n"' | sort
}
objects() {
  (cd "$(aws_state)/s3" && find . -type f ! -path './*/etcd/*' -exec sha256sum {} + | sort)
  kubectl get deployments,daemonsets,statefulsets,services,configmaps,secrets,crd,clusterroles --all-namespaces --output json |
    jq --raw-output '.items[] | select(.type? != "bootstrap.kubernetes.io/token") | select(.metadata.name != "cluster-info")
      | "\(.kind) \(.metadata.namespace)/\(.metadata.name) \(.metadata.uid) \(.metadata.generation) \({data, spec} | tostring | @base64)"' | sort
}

for name in control worker; do
  picture $name >"$work/$name.first"
done
objects >"$work/objects.first"
for name in control worker; do
  on $name rm /var/lib/openclaw/booted
  on $name systemctl restart openclaw-boot.service || fail "the second run failed on $name"
  picture $name >"$work/$name.second"
  diff "$work/$name.first" "$work/$name.second" || fail "the second run changed files on $name"
done
objects >"$work/objects.second"
diff "$work/objects.first" "$work/objects.second" >"$work/objects.diff" || { cut -c1-200 "$work/objects.diff"; fail "the second run changed objects"; }
say "a second run of every script, Argo CD's manifest included, changed no file and no object"
