"""Jobs that the brain must not create: each is the right one with a single change."""

from collections.abc import Callable
from typing import Any

from openclaw_brain.kubernetes.jobs import COMPONENT

Change = Callable[[Any], object]


def pod_of(job: Any) -> Any:
    return job["spec"]["template"]["spec"]


def container_of(job: Any) -> Any:
    return pod_of(job)["containers"][0]


def _volume(**source: object) -> Change:
    return lambda job: pod_of(job)["volumes"].append({"name": "more"} | source)


def env_of(**values: str) -> Change:
    """Sets the variables, also those that are there."""

    def set_them(job: Any) -> None:
        kept = [entry for entry in container_of(job)["env"] if entry["name"] not in values]
        container_of(job)["env"] = kept + [{"name": name, "value": value} for name, value in values.items()]

    return set_them


def _node_affinity(job: Any) -> Any:
    return pod_of(job)["affinity"]["nodeAffinity"]


BESIDE_REDIS = {
    "requiredDuringSchedulingIgnoredDuringExecution": [
        {"topologyKey": "kubernetes.io/hostname", "labelSelector": {"matchLabels": {COMPONENT: "redis"}}}
    ]
}
WRONG_JOBS: dict[str, Change] = {
    "an image from elsewhere": lambda job: container_of(job).update(image="docker.io/library/busybox:1"),
    "an image whose name only begins alike": lambda job: container_of(job).update(image="localhost/openclaw-agent-not:test"),
    "the brain's service account": lambda job: pod_of(job).update(serviceAccountName="brain"),
    "a token of its service account": lambda job: pod_of(job).update(automountServiceAccountToken=True),
    "a token by a projected volume": _volume(projected={"sources": [{"serviceAccountToken": {"path": "token"}}]}),
    "the host's network": lambda job: pod_of(job).update(hostNetwork=True),
    "the host's processes": lambda job: pod_of(job).update(hostPID=True),
    "a folder of the host": _volume(hostPath={"path": "/"}),
    "a node of its choice": lambda job: pod_of(job).update(nodeName="node-1"),
    "another Secret": _volume(secret={"secretName": "something-else"}),
    "a ConfigMap": _volume(configMap={"name": "kube-root-ca.crt"}),
    "a Secret in its environment": lambda job: container_of(job)["env"].append(
        {"name": "X", "valueFrom": {"secretKeyRef": {"name": "groq", "key": "api-key"}}}
    ),
    "a command of its own": lambda job: container_of(job).update(command=["sh", "-c", "true"]),
    "a second container": lambda job: pod_of(job)["containers"].append(container_of(job) | {"name": "second"}),
    "an init container": lambda job: pod_of(job).update(initContainers=[container_of(job) | {"name": "first"}]),
    "no deadline": lambda job: job["spec"].pop("activeDeadlineSeconds"),
    "a deadline of a day": lambda job: job["spec"].update(activeDeadlineSeconds=86400),
    "no TTL": lambda job: job["spec"].pop("ttlSecondsAfterFinished"),
    "a TTL over a minute": lambda job: job["spec"].update(ttlSecondsAfterFinished=61),
    "two pods at a time": lambda job: job["spec"].update(parallelism=2),
    "two pods in a row": lambda job: job["spec"].update(completions=2),
    "a retry of its own": lambda job: job["spec"].update(backoffLimit=1),
    "no memory limit": lambda job: container_of(job)["resources"].update(limits={}),
    "more memory than agents get": lambda job: container_of(job).update(resources={"requests": {"cpu": "20m", "memory": "1Gi"}, "limits": {"memory": "1Gi"}}),
    "more CPU than agents get": lambda job: container_of(job)["resources"]["requests"].update(cpu="51m"),
    "a CPU limit": lambda job: container_of(job)["resources"]["limits"].update(cpu="1"),
    "Argo CD's tracking id": lambda job: job["metadata"].update(annotations={"argocd.argoproj.io/tracking-id": "openclaw"}),
    "the brain's label": lambda job: job["spec"]["template"]["metadata"]["labels"].update({COMPONENT: "brain"}),
    "Redis' label": lambda job: job["spec"]["template"]["metadata"]["labels"].update({COMPONENT: "redis"}),
    "no label": lambda job: job["spec"]["template"]["metadata"]["labels"].pop(COMPONENT),
    "another label on the Job itself": lambda job: job["metadata"]["labels"].update({COMPONENT: "brain"}),
    "a priority": lambda job: pod_of(job).update(priorityClassName="system-cluster-critical"),
    "a runtime of its choice": lambda job: pod_of(job).update(runtimeClassName="other"),
    "a scheduler of its choice": lambda job: pod_of(job).update(schedulerName="other"),
    "a node selector": lambda job: pod_of(job).update(nodeSelector={"kubernetes.io/os": "linux"}),
    "a place on every node": lambda job: pod_of(job)["tolerations"].append({"operator": "Exists"}),
    "a place in another pool": lambda job: pod_of(job)["tolerations"].append({"key": "openclaw.io/pool", "value": "system"}),
    "a place in whatever pool": lambda job: pod_of(job)["tolerations"].append({"key": "openclaw.io/pool", "operator": "Exists"}),
    "no affinity": lambda job: pod_of(job).pop("affinity"),
    "an affinity for the system pool": lambda job: _node_affinity(job)["requiredDuringSchedulingIgnoredDuringExecution"]["nodeSelectorTerms"].append(
        {"matchExpressions": [{"key": "openclaw.io/pool", "operator": "In", "values": ["system"]}]}
    ),
    "an affinity by a node's name": lambda job: _node_affinity(job)["requiredDuringSchedulingIgnoredDuringExecution"]["nodeSelectorTerms"].append(
        {"matchFields": [{"key": "metadata.name", "operator": "In", "values": ["node-1"]}]}
    ),
    "a preference for a node": lambda job: _node_affinity(job)["preferredDuringSchedulingIgnoredDuringExecution"].append(
        {"weight": 100, "preference": {"matchExpressions": [{"key": "kubernetes.io/hostname", "operator": "In", "values": ["node-1"]}]}}
    ),
    "a place beside Redis": lambda job: pod_of(job)["affinity"].update(podAffinity=BESIDE_REDIS),
    "a spread of its own": lambda job: pod_of(job).update(
        topologySpreadConstraints=[{"maxSkew": 1, "topologyKey": "zone", "whenUnsatisfiable": "ScheduleAnyway"}]
    ),
    "a liveness probe that runs a command": lambda job: container_of(job).update(livenessProbe={"exec": {"command": ["true"]}}),
    "a readiness probe that runs a command": lambda job: container_of(job).update(readinessProbe={"exec": {"command": ["true"]}}),
    "a startup probe that runs a command": lambda job: container_of(job).update(startupProbe={"exec": {"command": ["true"]}}),
    "a probe of somebody's server": lambda job: container_of(job).update(livenessProbe={"httpGet": {"host": "203.0.113.1", "port": 80}}),
    "a hook before its end": lambda job: container_of(job).update(lifecycle={"preStop": {"exec": {"command": ["true"]}}}),
    "arguments of its own": lambda job: container_of(job).update(args=["-c", "pass"]),
    "a working folder": lambda job: container_of(job).update(workingDir="/run/secrets/openclaw"),
    "a terminal": lambda job: container_of(job).update(tty=True),
    "an open standard input": lambda job: container_of(job).update(stdin=True),
    "a port": lambda job: container_of(job).update(ports=[{"containerPort": 8080}]),
    "all variables of a Secret": lambda job: container_of(job).update(envFrom=[{"secretRef": {"name": "groq"}}]),
    "a restart policy of its container": lambda job: container_of(job).update(restartPolicy="Always"),
    "a resize policy": lambda job: container_of(job).update(resizePolicy=[{"resourceName": "memory", "restartPolicy": "NotRequired"}]),
    "another name of its container": lambda job: container_of(job).update(name="other"),
    "a message file of its choice": lambda job: container_of(job).update(terminationMessagePath="/run/secrets/openclaw/groq/api-key"),
    "its log as its message": lambda job: container_of(job).update(terminationMessagePolicy="FallbackToLogsOnError"),
    "another server for Telegram": env_of(TELEGRAM_BASE_URL="http://203.0.113.1"),
    "another server for the model": env_of(GROQ_BASE_URL="http://203.0.113.1"),
    "another Redis": env_of(REDIS_HOST="203.0.113.1"),
    "a Redis by its address": env_of(REDIS_URL="redis://203.0.113.1"),
    "another port of Redis": env_of(REDIS_PORT="6380"),
    "a proxy": env_of(HTTPS_PROXY="http://203.0.113.1"),
    "a proxy in small letters": env_of(https_proxy="http://203.0.113.1"),
    "code of its own": env_of(PYTHONPATH="/tmp"),
    "a start-up file": env_of(PYTHONSTARTUP="/tmp/x.py"),
    "certificates of its own": env_of(SSL_CERT_FILE="/tmp/ca.pem"),
    "libraries of its own": env_of(LD_PRELOAD="/tmp/x.so"),
    "another file for a secret": env_of(REDIS_PASSWORD_FILE="/tmp/password"),
    "another user of Redis": env_of(REDIS_USERNAME="brain"),
    "the bot's token": env_of(TELEGRAM_TOKEN_FILE="/run/secrets/openclaw/telegram/token"),
    "the Secret with the bot's token": _volume(secret={"secretName": "telegram"}),
    "the Secret with the brain's password": _volume(secret={"secretName": "redis"}),
    "the Secret with the exporter's password": _volume(secret={"secretName": "redis-exporter"}),
    "a bot that is no number": env_of(BOT_ID="1000000001:x"),
    "a bot without a number": env_of(BOT_ID=""),
    "a secret in plain text": env_of(TELEGRAM_TOKEN="1:x"),
    "a task of its own": env_of(TASK="say something"),
    "another log level": env_of(LOG_LEVEL="trace"),
    "a variable named as a parameter": env_of(maxMemory="512Mi"),
    "another Job's name": env_of(AGENT_JOB="agent-agent-0123abcd-9"),
    "another pool's name": env_of(AGENT_POOL="agent-ffffffff"),
    "no number": env_of(TASKS_PER_JOB="all"),
    "a variable from its pod": lambda job: container_of(job)["env"].append({"name": "LOG_LEVEL", "valueFrom": {"fieldRef": {"fieldPath": "status.hostIP"}}}),
    "an older tag": lambda job: container_of(job).update(image="localhost/openclaw-agent:old"),
    "no tag": lambda job: container_of(job).update(image="localhost/openclaw-agent"),
    "a digest that nobody released": lambda job: container_of(job).update(image=f"localhost/openclaw-agent:test@sha256:{'1' * 64}"),
    "the brain's image": lambda job: container_of(job).update(image="localhost/openclaw-brain:test"),
    "the image's own registry as its host": lambda job: container_of(job).update(image="registry.example/localhost/openclaw-agent:test"),
    "a resolver of its own": lambda job: pod_of(job).update(dnsConfig={"nameservers": ["203.0.113.1"]}),
    "a search domain of its own": lambda job: pod_of(job)["dnsConfig"].update(searches=["example.org"]),
    "another option of the resolver": lambda job: pod_of(job)["dnsConfig"]["options"].append({"name": "use-vc"}),
    "the host's resolver": lambda job: pod_of(job).update(dnsPolicy="Default"),
    "no resolver": lambda job: pod_of(job).update(dnsPolicy="None", dnsConfig={"nameservers": ["203.0.113.1"]}),
    "addresses of its own for names": lambda job: pod_of(job).update(hostAliases=[{"ip": "203.0.113.1", "hostnames": ["api.telegram.org"]}]),
    "one process namespace": lambda job: pod_of(job).update(shareProcessNamespace=True),
    "the host's IPC": lambda job: pod_of(job).update(hostIPC=True),
    "users of the host": lambda job: pod_of(job).update(hostUsers=True),
    "service links": lambda job: pod_of(job).update(enableServiceLinks=True),
    "a Secret to pull with": lambda job: pod_of(job).update(imagePullSecrets=[{"name": "groq"}]),
    "a host name of its own": lambda job: pod_of(job).update(hostname="redis", subdomain="redis"),
    "a readiness gate": lambda job: pod_of(job).update(readinessGates=[{"conditionType": "example.org/x"}]),
    "a scheduling gate": lambda job: pod_of(job).update(schedulingGates=[{"name": "example.org/x"}]),
    "an operating system": lambda job: pod_of(job).update(os={"name": "linux"}),
    "a claim of a device": lambda job: pod_of(job).update(resourceClaims=[{"name": "gpu", "resourceClaimName": "gpu"}]),
    "a deadline of its pod": lambda job: pod_of(job).update(activeDeadlineSeconds=5),
    "a minute of grace": lambda job: pod_of(job).update(terminationGracePeriodSeconds=60),
    "restarts": lambda job: pod_of(job).update(restartPolicy="OnFailure"),
    "another user": lambda job: pod_of(job)["securityContext"].update(runAsUser=999),
    "another group beside its own": lambda job: pod_of(job)["securityContext"].update(supplementalGroups=[999]),
    "another user of its container": lambda job: container_of(job)["securityContext"].update(runAsUser=999),
    "a kernel setting": lambda job: pod_of(job)["securityContext"].update(sysctls=[{"name": "net.ipv4.ip_unprivileged_port_start", "value": "0"}]),
    "a root file system to write to": lambda job: container_of(job)["securityContext"].update(readOnlyRootFilesystem=False),
    "a capability": lambda job: container_of(job)["securityContext"]["capabilities"].update(add=["NET_BIND_SERVICE"]),
    "disk of the node": lambda job: container_of(job)["resources"]["requests"].update({"ephemeral-storage": "1Gi"}),
    "a scratch folder without an end": _volume(emptyDir={}),
    "a scratch folder in memory": _volume(emptyDir={"medium": "Memory", "sizeLimit": "1Mi"}),
    "a large scratch folder": _volume(emptyDir={"sizeLimit": "1Gi"}),
    "a volume made for it": _volume(ephemeral={"volumeClaimTemplate": {"spec": {"accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": "1Gi"}}}}}),
    "an image as a volume": _volume(image={"reference": "docker.io/library/busybox:1"}),
    "a volume over its own code": lambda job: container_of(job)["volumeMounts"].append({"name": "tmp", "mountPath": "/usr/local/lib"}),
    "a secret to write to": lambda job: container_of(job)["volumeMounts"][0].pop("readOnly"),
    "a part of a volume": lambda job: container_of(job)["volumeMounts"][0].update(subPath="api-key"),
    "an annotation of its pod": lambda job: job["spec"]["template"]["metadata"]["annotations"].update({"sidecar.example.org/inject": "true"}),
    "a label of its pod": lambda job: job["spec"]["template"]["metadata"]["labels"].update({"sidecar.example.org/inject": "true"}),
    "a finalizer of its pod": lambda job: job["spec"]["template"]["metadata"].update(finalizers=["openclaw.io/never"]),
    "a pause": lambda job: job["spec"].update(suspend=True),
    "an index": lambda job: job["spec"].update(completionMode="Indexed"),
    "a policy for failures": lambda job: job["spec"].update(
        podFailurePolicy={"rules": [{"action": "Ignore", "onPodConditions": [{"type": "DisruptionTarget", "status": "True"}]}]}
    ),
    "a new pod only after the old one": lambda job: job["spec"].update(podReplacementPolicy="Failed"),
    "a controller of its choice": lambda job: job["spec"].update(managedBy="example.org/x"),
    "a name that is made up": lambda job: job["metadata"].update(name=None, generateName="agent-agent-0123abcd-"),
    "another name": lambda job: job["metadata"].update(name="miner"),
}  # fmt: skip
