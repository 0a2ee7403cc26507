"""Grafana's dashboards: what their files say, and what a real Prometheus answers to their queries."""
