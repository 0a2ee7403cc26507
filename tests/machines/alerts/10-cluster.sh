# shellcheck shell=bash disable=SC2154,SC2034 # sourced by scripts/machines-test, which sets what is used here
# A master and a worker of today's user data, which Prometheus' account may scrape as the chart lets it.

# shellcheck source-path=SCRIPTDIR source=../05-amazon.sh
. tests/machines/05-amazon.sh
up+=(probe)
machines up probe 2>/dev/null
TF_VAR_containerd_version=$(on probe containerd --version | grep --only-matching --max-count 1 '[0-9]*[.][0-9]*[.][0-9]*')
export TF_VAR_containerd_version
machines down probe
up=()
render now
first_manifests
index_manifests

master=control volume=vol-0123456789abcdef0
first_disk=$(disk first)
disks+=("$first_disk")
boot control "$work/now/control-plane"
endpoint_is control
attach control "$first_disk" "$volume"
within 240 booted control || fail "the master did not boot"
within 60 ready control || fail "the master is not Ready"
boot worker "$work/now/system"
within 180 booted worker || fail "the worker did not boot"
within 60 ready worker || fail "the worker is not Ready"
machines put control tests/machines/manifests/prometheus-account.yaml /root/prometheus-account.yaml
kubectl apply --filename /root/prometheus-account.yaml >/dev/null
say "a master and a worker are Ready, Prometheus' account may scrape"
