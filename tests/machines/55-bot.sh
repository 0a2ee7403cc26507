# shellcheck shell=bash disable=SC2154,SC2034 # sourced by scripts/machines-test, which sets what is used here
# The bot itself: an answer is being given on a worker that is told to go, and another worker gives it to its end, once.

if [[ -z $save ]]; then
  not_shown "the bot's own Job on a worker that drains: make e2e has built no images for docker, and OPENCLAW_IMAGE_SAVE names no other way to them"
else
  # The pool of agents has its two workers again: the one that spot took back comes back, the other has not been told of anything.
  rm "$(machines dir agents)/metadata/meta-data/spot/instance-action"
  # The stand-in for the pod network tells by this file that a node is done, and a node that has lost its power is not: its
  # pods would reach no address but the nodes' own.
  rm "$(machines dir agents)/upper/etc/cni/net.d/10-pods.conflist"
  machines up agents 2>/dev/null
  within 90 ready agents || fail "the worker that was off is not Ready"
  for name in agents worker; do kubectl uncordon "$(node $name)" >/dev/null; done

  image_to() { # image_to IMAGE MACHINE...
    local archive=$work/$1.tar name
    save_image "$1" "$archive"
    for name in "${@:2}"; do import_image "$name" "$archive"; done
    rm "$archive"
  }
  image_to openclaw-brain worker
  image_to redis worker
  image_to openclaw-agent worker agents next
  on worker install -d -m 0777 /var/lib/redis-volume
  machines put control tests/machines/manifests/redis-volume.yaml /root/redis-volume.yaml
  kubectl apply --filename /root/redis-volume.yaml >/dev/null
  kubectl label namespace kube-system openclaw.io/disposable=true >/dev/null

  cat >"$work/notice" <<NOTICE
#!/bin/bash
case \$1 in
  $(node agents)) folder=$(machines dir agents) ;;
  $(node next)) folder=$(machines dir next) ;;
  *) echo "\$1 is no worker of the pool agents" >&2; exit 1 ;;
esac
mkdir -p "\$folder/metadata/meta-data/spot"
echo '{"action": "terminate", "time": "2030-01-01T00:00:00Z"}' >"\$folder/metadata/meta-data/spot/instance-action"
NOTICE
  chmod +x "$work/notice"
  on control cat /etc/kubernetes/admin.conf | sed "s|https://$endpoint:6443|https://$(<"$(machines dir control)/ip"):6443|" >"$work/kubeconfig"
  OPENCLAW_DRAIN_NOTICE=$work/notice KUBECONFIG=$work/kubeconfig OPENCLAW_E2E=yes OPENCLAW_E2E_HOST=$host_address \
    OPENCLAW_E2E_APISERVER=$(<"$(machines dir control)/ip") KUSTOMIZE=${KUSTOMIZE:-$PWD/.tools/bin/kustomize} \
    .venv/bin/pytest -vv -p no:xdist -p no:cacheprovider tests/e2e/test_drained_worker.py >"$work/bot.log" 2>&1 || { tail -n 60 "$work/bot.log"; fail "the bot's task was not answered elsewhere"; }
  grep --quiet "PASSED" "$work/bot.log" || { tail -n 20 "$work/bot.log"; fail "the bot's drain was not tried"; }
  say "the bot's own Job: its worker was drained in the middle of an answer, another gave it, once"
fi
