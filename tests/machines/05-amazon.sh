# shellcheck shell=bash disable=SC2154,SC2034 # sourced by scripts/machines-test, which sets what is used here
# What stands in for Amazon's bucket of agents: a package that we made, signed by a key that we made, served by https.

amazon=$work/amazon agent_host=s3.eu-central-1.amazonaws.com agent_version=3.3.5226.0
mkdir -p "$amazon/package/DEBIAN" "$amazon/package/lib/systemd/system" "$amazon/served" "$amazon/gpg"
chmod 700 "$amazon/gpg"
printf 'Package: amazon-ssm-agent\nVersion: %s-1\nArchitecture: amd64\nMaintainer: stand-in\nDescription: stand-in for the agent\n' "$agent_version" >"$amazon/package/DEBIAN/control"
printf '[Service]\nExecStart=/bin/sleep infinity\n[Install]\nWantedBy=multi-user.target\n' >"$amazon/package/lib/systemd/system/amazon-ssm-agent.service"
dpkg-deb --root-owner-group --build "$amazon/package" "$amazon/agent.deb" >/dev/null

gpg() { command gpg --homedir "$amazon/gpg" --batch --quiet --pinentry-mode loopback --passphrase '' "$@"; }
for signer in amazon stranger; do
  gpg --quick-generate-key "$signer@example.com" rsa3072 sign never
  gpg --local-user "$signer@example.com" --output "$amazon/$signer.sig" --detach-sign "$amazon/agent.deb"
done
gpgconf --homedir "$amazon/gpg" --kill all
TF_VAR_session_agent_key=$(gpg --armor --export amazon@example.com)
export TF_VAR_session_agent_key

# The machines trust a certificate authority of ours for these names.
openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 2 -subj "/CN=stand-in for $agent_host" \
  -addext "subjectAltName=DNS:$agent_host,DNS:quay.io,DNS:public.ecr.aws,DNS:pkgs.k8s.io" -keyout "$amazon/tls.key" -out "$amazon/tls.crt" 2>/dev/null
serve_agent() { # serve_agent SIGNER: from now on the bucket has the package with this signer's signature
  local folder=$amazon/served/amazon-ssm-eu-central-1/$agent_version/debian_amd64
  mkdir -p "$folder"
  cp "$amazon/agent.deb" "$folder/amazon-ssm-agent.deb"
  cp "$amazon/$1.sig" "$folder/amazon-ssm-agent.deb.sig"
  if [[ -z ${web_server:-} ]]; then
    python3 tests/machines/https-server "$amazon/served" "$host_address" "$amazon/tls.crt" "$amazon/tls.key" >"$amazon/server.log" 2>&1 8>&- & # not the lock: KEEP=1 leaves it running
    web_server=$!
    processes+=("$web_server")
    machines name "$agent_host" "$host_address"
    within 10 on worker curl --silent --fail --output /dev/null "https://$agent_host/" || fail "the stand-in for $agent_host does not answer"
  fi
}
