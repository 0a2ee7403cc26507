# shellcheck shell=bash disable=SC2154,SC2034 # sourced by scripts/machines-test, which sets what is used here
# Argo CD runs from the manifest that the master applied, and looks after the root Application. Its images are pulled, as the manifest
# wants it at each start, from what answers for their registries.

binary=${OPENCLAW_ARGOCD_BINARY:-}
if [[ -z $binary || -z $argocd || -z $save ]]; then
  not_shown "Argo CD's controllers: OPENCLAW_ARGOCD_BINARY, OPENCLAW_ARGOCD_MANIFEST and the images of make e2e make them"
else
  image() { grep --only-matching --max-count 1 "image: $1:.*" "$argocd" | sed 's|^image: [^/]*/||'; }
  save_image redis "$work/redis.tar" # Debian with a redis-server in it
  links=()
  for link in argocd-{server,repo-server,application-controller,applicationset-controller,notifications}; do links+=(--link "$link"); done
  tests/machines/registry "$amazon/served" "$(image quay.io/argoproj/argocd)" "$work/redis.tar" --add "$binary" "${links[@]}" --env ARGOCD_GPG_ENABLED=false >/dev/null
  tests/machines/registry "$amazon/served" "$(image public.ecr.aws/docker/library/redis)" "$work/redis.tar" --entrypoint redis-server >/dev/null
  rm "$work/redis.tar"
  for registry in quay.io public.ecr.aws; do machines name "$registry" "$host_address"; done
  on worker systemctl restart containerd # it reads whom it trusts when it starts
  kubectl --namespace argocd delete pods --all --wait=false >/dev/null # the old ones would try again in minutes only

  workloads=(statefulset/argocd-application-controller deployment/argocd-{applicationset-controller,notifications-controller,redis,repo-server,server})
  up_and_ready() { kubectl --namespace argocd rollout status --timeout=1s "$1"; }
  for workload in "${workloads[@]}"; do
    within 120 up_and_ready "$workload" || { kubectl --namespace argocd get pods; fail "$workload does not run"; }
  done
  # Its repository does not exist, which the controller can only know from the repo-server's attempt.
  application() { kubectl --namespace argocd "$1" application staging-root "${@:2}"; }
  tried() {
    application get --output 'jsonpath={.status.conditions[*].message}' | grep "Get.*example.com" && return
    # It may have looked before the repo-server was there, and would look again in minutes only.
    application annotate --overwrite argocd.argoproj.io/refresh=normal
    return 1
  }
  within 90 tried || fail "nobody looks after the root Application"
  say "Argo CD's controllers run from the manifest, and have tried to sync the root Application"
  kubectl --namespace argocd scale --replicas 0 "${workloads[@]}" >/dev/null # the host's two processors have other work
fi
