# shellcheck shell=bash disable=SC2154,SC2034 # sourced by scripts/machines-test, which sets what is used here
# The bot is installed and asked all the time from here on; a clock looks at the API server.

# Stands in for Redis' EBS volume, which moves with its Pod: one file system, mounted on each worker of the pool system.
redis_disk=$(disk redis)
disks+=("$redis_disk")
mkfs.ext4 -q "$redis_disk"
redis_volume_on() { # redis_volume_on MACHINE
  on "$1" bash -c "mknod /dev/redis-disk b $((0x$(stat --format %t "$redis_disk"))) $((0x$(stat --format %T "$redis_disk")))
    mkdir -p /var/lib/redis-volume && mount /dev/redis-disk /var/lib/redis-volume && chmod 0777 /var/lib/redis-volume"
}
redis_volume_on system
machines put control tests/machines/manifests/redis-volume.yaml /root/redis-volume.yaml
kubectl apply --filename /root/redis-volume.yaml >/dev/null
kubectl label namespace kube-system openclaw.io/disposable=true >/dev/null
on control cat /etc/kubernetes/admin.conf | sed "s|https://$endpoint:6443|https://$(<"$(machines dir control)/ip"):6443|" >"$work/kubeconfig"

talk=$work/talk
mkdir "$talk"
OPENCLAW_UPGRADE_FOLDER=$talk KUBECONFIG=$work/kubeconfig OPENCLAW_E2E=yes OPENCLAW_E2E_HOST=$host_address \
  OPENCLAW_E2E_APISERVER=$(<"$(machines dir control)/ip") KUSTOMIZE=${KUSTOMIZE:-$PWD/.tools/bin/kustomize} \
  .venv/bin/pytest -vv -p no:xdist -p no:cacheprovider tests/e2e/test_upgraded_kubernetes.py >"$work/bot.log" 2>&1 8>&- &
talking=$!
processes+=("$talking")
talks() { [[ -e $talk/asking ]]; }
within 120 talks || { tail --lines 60 "$work/bot.log"; fail "the bot was not installed"; }
say "the bot is installed, and is asked a question each $(jq .every_s "$talk/asking") s"

python3 tests/machines/upgrade/watch-api "https://$(<"$(machines dir control)/ip"):6443/readyz" "$work/api.log" 8>&- &
processes+=($!)
away() { # away SINCE: how long the API server was away since then, and how often
  awk -v since="$1" '$1 >= since {n++; sum += $2; if ($2 > most) most = $2} END {printf "away for %.1f s in %d pieces, the longest %.1f s", sum, n, most}' "$work/api.log"
}
so_far() { jq --raw-output '"\(.asked) asked, \(.open) of them open"' "$talk/so-far"; }
goes_on() { # goes_on: a question that was asked from now on is answered
  local from
  from=$(jq .asked "$talk/so-far")
  within 150 jq --exit-status ".newest >= $from" "$talk/so-far" || fail "the bot does not answer: $(<"$talk/so-far")"
  say "the bot goes on: $(so_far)"
}
