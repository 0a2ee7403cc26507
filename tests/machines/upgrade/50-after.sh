# shellcheck shell=bash disable=SC2154,SC2034 # sourced by scripts/machines-test, which sets what is used here
# What the first boot has made still holds, and nobody was left without an answer.

images=$(kubectl --namespace kube-system get pods --output 'jsonpath={range .items[*]}{.spec.containers[0].image}{"\n"}{end}' | grep registry.k8s.io | sort --unique)
[[ $images != *"v$old"* ]] || fail "something of $old still runs: $images"
while read -r tag; do
  [[ $tag == */pause:* || $images == *"$tag"* ]] || fail "$tag does not run"
done <"$work/newer-images"
manifest=$(on control cat /etc/kubernetes/manifests/etcd.yaml)
for argument in --quota-backend-bytes=8589934592 "--listen-metrics-urls=http://127.0.0.1:2381,http://$(<"$(machines dir control)/ip"):2381"; do
  grep --quiet --fixed-strings -- "$argument" <<<"$manifest" || fail "etcd has lost $argument"
done
for argument in encryption-provider-config audit-policy-file service-account-jwks-uri; do
  on control grep --quiet -- "--$argument=" /etc/kubernetes/manifests/kube-apiserver.yaml || fail "the API server has lost --$argument"
done
kubectl --namespace kube-system get deployment coredns --output json |
  jq --exit-status '.spec.template.spec.affinity.nodeAffinity.requiredDuringSchedulingIgnoredDuringExecution' >/dev/null || fail "CoreDNS may run on the master"
for certificate in apiserver apiserver-etcd-client apiserver-kubelet-client front-proxy-client etcd/server etcd/peer etcd/healthcheck-client; do
  on control openssl x509 -noout -checkend $((4 * 365 * 86400)) -in "/etc/kubernetes/pki/$certificate.crt" >/dev/null || fail "$certificate ends within four years"
done
secret_is_kept
for name in control agents2 system2; do
  within 60 kubectl --namespace kube-system logs --tail 1 "$(kubectl --namespace kube-system get pods --selector k8s-app=kube-proxy --field-selector "spec.nodeName=$(node "$name")" --output name)" || fail "the logs of $name cannot be read"
done
snapshot_taken
say "control plane, CoreDNS and kube-proxy are those of $new, with the settings, certificates and Secrets of before; a snapshot can be taken"

goes_on
touch "$talk/upgraded"
wait "$talking" || { tail --lines 60 "$work/bot.log"; fail "messages were lost, twice or not answered: $(jq --compact-output 'del(.waits)' "$talk/figures")"; }
grep --quiet PASSED "$work/bot.log" || { tail --lines 20 "$work/bot.log"; fail "the bot was not asked"; }
say "the bot: $(jq --raw-output '"\(.asked) asked, \(.answered) answered, \(.lost) lost, \(.twice) twice; median wait \(.median_s) s, longest \(.longest_s) s, \(.over_10_s) over 10 s"' "$talk/figures")"
say "in all, the API server was $(away 0)"
