"""Rows by their labels made into Prometheus' families."""

from collections.abc import Mapping

from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, HistogramMetricFamily

from openclaw_core.store.figures import HistogramCounts


def gauge_by(label: str, name: str, what: str, rows: Mapping[str, float]) -> GaugeMetricFamily:
    return gauge(name, what, (label,), {(value,): n for value, n in rows.items()})


def gauge(name: str, what: str, labels: tuple[str, ...], rows: Mapping[tuple[str, ...], float]) -> GaugeMetricFamily:
    family = GaugeMetricFamily(name, what, labels=labels)
    for values, n in sorted(rows.items()):
        family.add_metric(values, n)
    return family


def counter_by(
    name: str, what: str, labels: tuple[str, ...], rows: Mapping[tuple[str, ...], int]
) -> CounterMetricFamily:
    family = CounterMetricFamily(name, what, labels=labels)
    for values, n in sorted(rows.items()):
        family.add_metric(values, n)
    return family


def histogram(
    name: str, what: str, labels: tuple[str, ...], rows: Mapping[tuple[str, ...], HistogramCounts]
) -> HistogramMetricFamily:
    family = HistogramMetricFamily(name, what, labels=labels)
    for values, timings in sorted(rows.items(), key=lambda row: row[0]):
        buckets = [(f"{bound:g}", n) for bound, n in timings.at_most]
        family.add_metric(values, [*buckets, ("+Inf", timings.total)], sum_value=timings.sum_s)
    return family
