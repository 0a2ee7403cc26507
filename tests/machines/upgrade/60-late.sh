# shellcheck shell=bash disable=SC2154,SC2034 # sourced by scripts/machines-test, which sets what is used here
# Between the master and the workers, spot or the autoscaler may bring a worker of the old template.

prepared late "$work/older/agents" image-kube-proxy
within 180 booted late || fail "a worker of the old template did not boot"
within 60 ready late || fail "a worker of the old template is not Ready"
is_of "$old" late || fail "the worker of the old template is not of $old: $(versions)"
say "a worker of the old template joins the upgraded master"
