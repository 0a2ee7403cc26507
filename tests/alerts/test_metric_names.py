"""Alerts and dashboards ask for metrics that there are: the brain's by a scrape, those of others by a list that says where each is made."""

import re

from prometheus_client.parser import text_string_to_metric_families

from openclaw_brain.metrics import Metrics
from openclaw_core.store import Script
from openclaw_gitops.dashboards import read
from tests.alerts.rule_files import RULES, groups, rules_of
from tests.manifests.rendering import ROOT

OTHERS = {
    # Prometheus itself, of each target.
    "up": "prometheus, scrape/scrape.go",
    "ALERTS": "prometheus, rules/alerting.go",
    "prometheus_rule_evaluation_failures_total": "prometheus, rules/group.go",
    "alertmanager_notifications_failed_total": "alertmanager 0.31.1, notify/notify.go",
    "argocd_app_info": "argo-cd 3.6.1, controller/metrics/metrics.go",
    "kube_node_info": "kube-state-metrics, docs/metrics/cluster/node-metrics.md",
    "kube_node_status_condition": "kube-state-metrics, docs/metrics/cluster/node-metrics.md",
    "kube_pod_container_status_restarts_total": "kube-state-metrics, docs/metrics/workload/pod-metrics.md",
    "container_cpu_usage_seconds_total": "cadvisor in the kubelet, metrics/prometheus.go",
    "container_memory_working_set_bytes": "cadvisor in the kubelet, metrics/prometheus.go",
    "kubelet_volume_stats_used_bytes": "kubernetes 1.37.2, pkg/kubelet/metrics/metrics.go",
    "kubelet_volume_stats_capacity_bytes": "kubernetes 1.37.2, pkg/kubelet/metrics/metrics.go",
    "kubelet_certificate_manager_client_ttl_seconds": "kubernetes 1.37.2, cmd/kubelet/app/server.go",
    "apiserver_client_certificate_expiration_seconds": "apiserver 0.37.2, pkg/authentication/request/x509/x509.go",
    "etcd_mvcc_db_total_size_in_bytes": "etcd 3.7.3, server/storage/mvcc/metrics.go",
    "etcd_server_quota_backend_bytes": "etcd 3.7.3, server/storage/metrics.go",
    "redis_up": "redis_exporter 1.89.0, exporter/exporter.go",
    "redis_aof_enabled": "redis_exporter 1.89.0, exporter/exporter.go",
    "redis_aof_last_write_status": "redis_exporter 1.89.0, exporter/exporter.go",
    "redis_aof_last_bgrewrite_status": "redis_exporter 1.89.0, exporter/exporter.go",
}
WORDS = {"and", "bool", "offset", "on", "or", "unless"}


def metrics_of(expr: str) -> set[str]:
    """The metrics that an expression names, without what a counter or histogram appends."""
    by_name = {name for names in re.findall(r'__name__=~"([^"]+)"', expr) for name in names.split("|")}
    text = re.sub(r"\{[^}]*\}|\[[^\]]*\]", " ", expr)
    text = re.sub(r"\b(by|on|without|ignoring|group_left|group_right)\s*\([^)]*\)", " ", text)
    found = set(re.findall(r"(?<![\w:.])[a-zA-Z_:][\w:]*(?![\w:]*\s*\()", text)) - WORDS
    return {re.sub(r"_(bucket|count|sum)$", "", name) for name in found | by_name}


def test_names_are_found_in_an_expression() -> None:
    expr = 'max by (a, b) (x_total{c="d_total"}[5m] offset 15m) / on (e) group_left () rate(y_seconds_bucket[1h]) > 14 * 86400 and min({__name__=~"p|q"})'

    assert metrics_of(expr) == {"x_total", "y_seconds", "p", "q"}


async def test_alerts_and_dashboards_ask_for_metrics_that_there_are(script: Script) -> None:
    page = (await Metrics(script=script, roles=(), leading=True).page()).decode()
    of_the_brain = {
        f"{family.name}_total" if family.type == "counter" else family.name
        for family in text_string_to_metric_families(page)
    }
    rules = [rule for file in RULES for rule in rules_of(groups(file))]
    recorded = {rule["record"] for rule in rules if "record" in rule}

    shown = [query for page in read(ROOT) for panel in page.panels for query in panel.queries.values()]

    asked = set[str]().union(*map(metrics_of, [*(rule["expr"] for rule in rules), *shown]))

    assert asked - of_the_brain - recorded - set(OTHERS) == set()
    assert set(OTHERS) - asked == set(), "a line that nothing needs"
    assert len(asked & of_the_brain) > 10
