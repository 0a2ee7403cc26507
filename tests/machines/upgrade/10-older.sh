# shellcheck shell=bash disable=SC2154,SC2034 # sourced by scripts/machines-test, which sets what is used here
# A cluster of the older Kubernetes, from the user data of today, with the bot on it.

older=${OPENCLAW_OLDER_KUBERNETES:-}
if [[ -z $older || -z $save ]]; then
  printf '\n*** machines-upgrade SKIPPED: %s is not set, so no upgrade was rehearsed. ***\n\n' "$([[ -z $older ]] && echo OPENCLAW_OLDER_KUBERNETES || echo OPENCLAW_IMAGE_SAVE)" >&2
  [[ ${CI:-} != true ]] || exit 1
  exit 0
fi
# shellcheck source-path=SCRIPTDIR source=../05-amazon.sh
. tests/machines/05-amazon.sh

old=$("$older/kubeadm" version --output short) old=${old#v}
up+=(probe)
machines up probe 2>/dev/null
new=$(on probe kubeadm version --output short) new=${new#v}
TF_VAR_containerd_version=$(on probe containerd --version | grep --only-matching --max-count 1 '[0-9]*[.][0-9]*[.][0-9]*')
export TF_VAR_containerd_version
say "from Kubernetes $old to $new, on machines of $(on probe sed --quiet 's/^PRETTY_NAME=//p' /etc/os-release), containerd $TF_VAR_containerd_version"

# The older version's images: those of the machines, with the older programs in the place of theirs.
images_of() { "${@:2}" config images list --kubernetes-version "v$1"; }
within 30 ctr_on probe version || fail "containerd does not run"
images_of "$new" on probe kubeadm >"$work/newer-images"
older_image() { # older_image TAG OF PROGRAM...: the image OF with these programs in it, as TAG
  ctr_on probe images export --platform linux/amd64 - "$2" >"$work/newer.tar"
  tests/machines/upgrade/older-image "$work/newer.tar" "$1" "$work/image-$name.tar" "${@:3}"
  rm "$work/newer.tar"
}
gcc -static -O2 -o "$work/pause" tests/machines/upgrade/pause.c
retagged=() not_older=()
for tag in $(images_of "$old" "$older/kubeadm"); do
  name=${tag##*/} name=${name%%:*}
  newer_tag=$(grep "/$name:" "$work/newer-images")
  [[ $name != pause ]] || older_image "$tag" "$newer_tag" "$work/pause"
  [[ $newer_tag != "$tag" ]] || continue
  case $name in
    etcd) programs=(etcd etcdctl etcdutl) ;;
    kube-*) programs=("$name") ;;
    *) programs=() ;;
  esac
  programs=("${programs[@]/#/$older/}")
  if ((${#programs[@]})) && [[ -x ${programs[0]} ]]; then
    older_image "$tag" "$newer_tag" "${programs[@]}"
  else
    not_older+=("${tag##*/}") retagged+=("$newer_tag $tag")
  fi
done
machines down probe
up=()
[[ -z ${not_older[*]:-} ]] || say "newer programs under older tags: ${not_older[*]}"

# What stands in for pkgs.k8s.io: the key, and apt-get with the packages of both versions.
gpg --quick-generate-key kubernetes@example.com rsa3072 sign never
TF_VAR_kubernetes_key_fingerprint=$(gpg --list-keys --with-colons kubernetes@example.com | awk -F: '$1 == "fpr" {print $10; exit}')
export TF_VAR_kubernetes_key_fingerprint
for minor in "${old%.*}" "${new%.*}"; do
  install -d "$amazon/served/core:/stable:/v$minor/deb"
  gpg --armor --export kubernetes@example.com >"$amazon/served/core:/stable:/v$minor/deb/Release.key"
done
gpgconf --homedir "$amazon/gpg" --kill all
serve() {
  python3 tests/machines/https-server "$amazon/served" "$host_address" "$amazon/tls.crt" "$amazon/tls.key" >"$amazon/server.log" 2>&1 8>&- &
  processes+=($!)
  machines name pkgs.k8s.io "$host_address"
  machines name "$agent_host" "$host_address"
}

for image in openclaw-brain openclaw-agent redis; do save_image "$image" "$work/$image.tar"; done

# prepared NAME USER-DATA IMAGE...: boots a machine on which lie the images that a node would pull, and the packages that it would fetch.
prepared() {
  local name=$1 user_data=$2 image version
  shift 2
  up+=("$name")
  machines up "$name" 2>/dev/null
  [[ -n ${serving:-} ]] || { serve; serving=yes; }
  within 30 ctr_on "$name" version || fail "$name has no containerd"
  for image in image-pause "$@"; do import_image "$name" "$work/$image.tar"; done
  for image in "${retagged[@]}"; do
    # shellcheck disable=SC2086 # two words
    ctr_on "$name" images tag --force $image >/dev/null
  done
  # What the kubelet throws away to make room, a real node would pull again.
  for image in $(ctr_on "$name" images list --quiet | grep --invert-match sha256:); do
    ctr_on "$name" images label "$image" io.cri-containerd.pinned=pinned >/dev/null
  done
  on "$name" install -d "/root/packages/$old" "/root/packages/$new"
  [[ $user_data != */control-plane ]] || on "$name" cp /usr/bin/{kubeadm,kubelet} "/root/packages/$new/"
  [[ $user_data != "$work/older/"* ]] || for program in kubeadm kubelet; do machines put "$name" "$older/$program" "/root/packages/$old/$program"; done
  machines put "$name" tests/machines/upgrade/apt-get /usr/local/sbin/apt-get
  machines put "$name" "$amazon/tls.crt" /usr/local/share/ca-certificates/stand-in.crt
  on "$name" update-ca-certificates >/dev/null 2>&1
  # As an image is made of a machine: it boots as a new one.
  on "$name" cloud-init clean --logs
  machines off "$name"
  cp "$user_data" "$(machines dir "$name")/metadata/user-data"
  machines up "$name" 2>/dev/null
}

render newer "kubernetes_version=$new"
render older "kubernetes_version=$old"
first_manifests
index_manifests

master=control volume=vol-0123456789abcdef0
first_disk=$(disk first)
disks+=("$first_disk")
prepared control "$work/older/control-plane" image-kube-apiserver image-kube-controller-manager image-kube-scheduler image-kube-proxy image-etcd
endpoint_is control
attach control "$first_disk" "$volume"
within 240 booted control || fail "the older master did not boot"
within 60 ready control || fail "the older master is not Ready"
kubectl create secret generic before --from-literal word=kept-4f1c9a >/dev/null
secret_is_kept() {
  [[ $(kubectl get secret before --output 'jsonpath={.data.word}' | base64 --decode) == kept-4f1c9a ]] || fail "the Secret cannot be read back"
}
say "a master of $old is Ready"
prepared system "$work/older/system" image-kube-proxy openclaw-brain redis
prepared agents "$work/older/agents" image-kube-proxy openclaw-agent
for name in system agents; do
  within 180 booted "$name" || fail "the older worker $name did not boot"
  within 60 ready "$name" || fail "the older worker $name is not Ready"
done
versions() { kubectl get nodes --output 'jsonpath={range .items[*]}{.metadata.name}={.status.nodeInfo.kubeletVersion}{"\n"}{end}'; }
[[ $(versions | grep --count "=v$old$") == 3 ]] || fail "not every node is of $old: $(versions)"
say "its workers are Ready: $(versions | sed 's/[.].*=/=/' | paste --serial --delimiters ,)"
