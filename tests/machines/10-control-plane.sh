# shellcheck shell=bash disable=SC2154,SC2034 # sourced by scripts/machines-test, which sets what is used here
# The control plane comes up, although the power goes while kubeadm is at work.

# What is installed beforehand decides: machines have no Internet.
machines up probe 2>/dev/null
installed=$(on probe containerd --version | grep --only-matching --max-count 1 '[0-9]*[.][0-9]*[.][0-9]*')
say "machines of $(on probe sed --quiet 's/^PRETTY_NAME=//p' /etc/os-release), containerd $installed"
machines down probe
export TF_VAR_containerd_version=$installed

render now
for role in control-plane system agents; do
  size=$(stat --format %s "$work/now/$role")
  ((size <= 16384)) || fail "user data of $role has $size bytes, EC2 takes 16384"
  say "user data of $role: $size bytes of 16384"
done

first_manifests
argocd=${OPENCLAW_ARGOCD_MANIFEST:-}
if [[ -n $argocd ]]; then
  grep --quiet --fixed-strings "sha256: $(sha256sum "$argocd" | cut -d' ' -f1)" terraform/modules/gitops/pins.yaml || fail "OPENCLAW_ARGOCD_MANIFEST is not the manifest that modules/gitops/pins.yaml pins"
  cp "$argocd" "$gitops/50-argocd.yaml"
  manifests+=(50-argocd.yaml 60-root.yaml)
else
  not_shown "Argo CD and its root Application: OPENCLAW_ARGOCD_MANIFEST names no install manifest"
fi
index_manifests

master=control volume=vol-0123456789abcdef0
first_disk=$(disk first)
disks+=("$first_disk")
boot control "$work/now/control-plane"
endpoint_is control
say "a blank master boots"
attach control "$first_disk" "$volume"
within 180 on control test -e /etc/kubernetes/manifests/etcd.yaml || fail "kubeadm did not begin"
machines off control
say "power cut while kubeadm was at work"
machines up control 2>/dev/null
attach control "$first_disk" "$volume"
within 240 booted control || fail "the interrupted first boot did not end well when run again"
say "the first boot, interrupted half-way and run again, has ended well"
within 60 ready control || fail "the master's node is not Ready"
for timer in join-token snapshot redis-snapshot logs; do
  on control systemctl --quiet is-active "openclaw-$timer.timer" || fail "openclaw-$timer.timer does not run"
done
say "the control plane is Ready, its timers run"

[[ -s $(aws_state)/s3/$bucket/pki/roots.tar ]] || fail "what etcd does not hold is not in S3"
for document in .well-known/openid-configuration openid/v1/jwks; do
  [[ -s $(aws_state)/s3/openclaw-test-issuer/$document ]] || fail "the issuer's $document was not published"
done
kubectl create secret generic before --from-literal word=kept-4f1c9a >/dev/null
on control bash -c "grep --quiet --recursive --text kept-4f1c9a /var/lib/etcd/data/member" && fail "etcd's files hold a Secret in plain text"
on control test -s /var/log/kubernetes/audit.log || fail "there is no audit log"
# Of what kubeadm signed, nothing ends within four years; the kubelet renews its own, if its kubeconfig names the file that it changes.
for certificate in apiserver apiserver-etcd-client apiserver-kubelet-client front-proxy-client etcd/server etcd/peer etcd/healthcheck-client; do
  on control openssl x509 -noout -checkend $((4 * 365 * 86400)) -in "/etc/kubernetes/pki/$certificate.crt" >/dev/null || fail "$certificate ends within four years, and nothing renews it"
done
on control grep --quiet "client-certificate: /var/lib/kubelet/pki/kubelet-client-current.pem" /etc/kubernetes/kubelet.conf || fail "the master's kubelet does not renew its certificate"
say "roots in S3, issuer published, Secrets encrypted at rest, audit log written, certificates good for years"
if [[ -n $argocd ]]; then
  kubectl --namespace argocd get application staging-root >/dev/null || fail "the root Application is missing"
  say "Argo CD's manifest is applied, its root Application exists"
fi
