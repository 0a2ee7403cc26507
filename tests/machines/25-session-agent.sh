# shellcheck shell=bash disable=SC2154,SC2034 # sourced by scripts/machines-test, which sets what is used here
# Amazon's agent for Session Manager comes onto a node, but only with the right signature, and no node waits for it.

agent_unit=openclaw-session-agent.service
said() { on worker journalctl --no-pager --output cat --unit "$agent_unit" | grep "$1" >/dev/null; }
installed() { on worker dpkg-query --show amazon-ssm-agent; }
within 60 said "cannot fetch https://$agent_host/" || fail "a node without the agent does not say so"
say "the worker has joined without Amazon's agent, and says that it cannot be fetched"

machines put worker "$amazon/tls.crt" /usr/local/share/ca-certificates/stand-in.crt
on worker update-ca-certificates >/dev/null 2>&1
serve_agent stranger
! on worker systemctl restart "$agent_unit" 2>/dev/null || fail "a stranger's signature was accepted"
said "is not signed by the key" || fail "the node does not say why it installs nothing"
! installed >/dev/null 2>&1 || fail "a package with a stranger's signature was installed"
say "a package with a stranger's signature is refused"

serve_agent amazon
on worker systemctl restart "$agent_unit" || fail "the agent was not installed"
[[ $(installed) == *"$agent_version-1" ]] || fail "the wrong version is installed"
on worker systemctl --quiet is-active amazon-ssm-agent.service || fail "the agent does not run"
say "the agent is installed in the pinned version, its signature checked, and runs"
