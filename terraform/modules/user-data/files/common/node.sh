#!/bin/bash
# Sourced by every script here: this node's settings, what the instance says of itself, and how things are told.
set -euo pipefail

set -a
# shellcheck source=/dev/null
. /etc/openclaw/node.env
set +a
export AWS_DEFAULT_REGION=$AWS_REGION AWS_PAGER='' KUBECONFIG=/etc/kubernetes/admin.conf

readonly scripts=/usr/local/lib/openclaw state=/var/lib/openclaw volatile=/run/openclaw
export scripts state volatile
umask 077
mkdir -p "$state" "$volatile"

say() { echo "${0##*/}: $*" >&2; }
die() { say "$*"; exit 1; }

# metadata PATH: prints it. Fails with curl's code 22 when there is no such thing. Sessions only (IMDSv2).
metadata() {
  local token
  token=$(curl --silent --show-error --fail --retry 5 --max-time 5 -X PUT -H 'X-aws-ec2-metadata-token-ttl-seconds: 60' http://169.254.169.254/latest/api/token) || return
  curl --silent --fail --max-time 5 -H "X-aws-ec2-metadata-token: $token" "http://169.254.169.254/latest/meta-data/$1"
}

# Who we are. The cloud controller finds an instance by the private DNS name that EC2 gave it, so the node is called that.
identify() {
  NODE_NAME=$(metadata local-hostname)
  ADDRESS=$(metadata local-ipv4)
  INSTANCE_ID=$(metadata instance-id)
  ZONE=$(metadata placement/availability-zone)
  [[ -n $NODE_NAME && -n $ADDRESS && -n $INSTANCE_ID && -n $ZONE ]] || die "the metadata service did not say who this instance is"
  export NODE_NAME ADDRESS INSTANCE_ID ZONE
}

# write_if_changed FILE MODE < content: true if it changed.
write_if_changed() {
  local new="$1.new"
  mkdir -p "$(dirname "$1")"
  cat >"$new"
  chmod "$2" "$new"
  if cmp --silent "$new" "$1"; then rm "$new"; return 1; fi
  sync "$new" # or a power cut could leave the name and lose the content
  mv "$new" "$1"
}

# mark FILE: a step has ended. What it wrote is on the disk first: no power cut leaves a mark and loses what it stands for.
mark() {
  sync
  touch "$1"
}

# tell: what stands on the standard input becomes one event in the log group, in this instance's stream.
tell() {
  local stream text
  stream=$ROLE/$(metadata instance-id)
  text=$(head --bytes 200000)
  [[ -n $text ]] || return 0
  aws logs create-log-stream --log-group-name "$LOG_GROUP" --log-stream-name "$stream" >/dev/null 2>&1 || true
  jq --null-input --arg text "$text" '[{timestamp: (now * 1000 | floor), message: $text}]' >"$volatile/events.json"
  aws logs put-log-events --log-group-name "$LOG_GROUP" --log-stream-name "$stream" --log-events "file://$volatile/events.json" >/dev/null
}
