"""A dashboard as an SVG, drawn from what Prometheus answered: for the documentation, and as Grafana would place it."""

from collections.abc import Mapping, Sequence
from html import escape

from openclaw_gitops.dashboards import GRID, Dashboard, Panel
from tests.dashboards.measure import Series

CELL_W, CELL_H, GAP = 50, 22, 6
COLORS = ("#2da44e", "#0969da", "#bf8700", "#cf222e", "#8250df", "#1b7c83", "#bc4c00", "#57606a")
STEPS = {"green": "#1a7f37", "yellow": "#9a6700", "red": "#cf222e"}
STYLE = """
    .page { fill: #ffffff; } .panel { fill: #f6f8fa; stroke: #d0d7de; } text { fill: #1f2328; } .small { font-size: 11px; fill: #57606a; }
    @media (prefers-color-scheme: dark) { .page { fill: #0d1117; } .panel { fill: #161b22; stroke: #30363d; } text { fill: #e6edf3; } .small { fill: #9da7b3; } }
  """


def shown(value: float, unit: str) -> str:
    """A value as a reader wants it."""
    if unit == "percentunit":
        return f"{100 * value:.3g} %"
    if unit == "s":
        return f"{1000 * value:.3g} ms" if 0 < value < 1 else f"{value:.3g} s"
    if unit == "bytes":
        return f"{value / 1e6:.4g} MB"
    if unit == "currencyUSD":
        return f"${value:.3g}"
    return f"{value:,.0f}" if value >= 1000 else f"{value:.3g}"


def color_of(panel: Panel, value: float) -> str:
    """The colour of the highest step that *value* reaches."""
    return next(
        STEPS[step["color"]] for step in reversed(panel.steps()) if step["value"] is None or value >= step["value"]
    )


def draw(page: Dashboard, answers: Mapping[str, Sequence[Series]], *, caption: str) -> str:
    """*answers* by the panel's title. A panel without an entry needs a cluster and says so."""
    parts, bottom = [], 0
    for panel, place in page.placed():
        x, y = place["x"] * CELL_W, place["y"] * CELL_H + 30
        wide, high = place["w"] * CELL_W - GAP, place["h"] * CELL_H - GAP
        bottom = max(bottom, y + high)
        parts.append(f'<g transform="translate({x} {y})"><rect class="panel" width="{wide}" height="{high}" rx="4"/>')
        parts.append(f'<text x="10" y="18">{escape(panel.title)}</text>')
        series = [line for line in answers.get(panel.title, ()) if line.points]
        if panel.title not in answers:
            parts.append(f'<text class="small" x="10" y="{high // 2}">needs a cluster</text>')
        elif panel.kind == "number":
            value = series[0].points[-1][1]
            parts.append(
                f'<text x="10" y="58" font-size="26" style="fill: {color_of(panel, value)}">{shown(value, panel.unit)}</text>'
            )
        else:
            parts += _lines(series, panel.unit, wide, high)
        parts.append("</g>")
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {GRID * CELL_W} {bottom + GAP}" role="img" font-size="13"'
        f' font-family="system-ui, sans-serif">\n  <title>{escape(page.title)}</title>\n  <style>{STYLE}</style>\n'
        f'<rect class="page" width="100%" height="100%"/>\n<text x="10" y="20" font-size="16">{escape(page.title)}</text>'
        f'<text class="small" x="{GRID * CELL_W - 10}" y="20" text-anchor="end">{escape(caption)}</text>\n' + "\n".join(parts) + "\n</svg>\n"
    )  # fmt: skip


def _lines(series: Sequence[Series], unit: str, wide: int, high: int) -> list[str]:
    """Lines with the largest value at the top left, and legends with their last values below."""
    times = [at for line in series for at, _ in line.points]
    first, span = min(times), max(1.0, max(times) - min(times))
    top = max(value for line in series for _, value in line.points) or 1.0
    left, upper, lower = 10, 42, high - 34
    parts = [f'<text class="small" x="10" y="35">{shown(top, unit)}</text>']
    legend_x, legend_y = left, high - 18
    for n, line in enumerate(series):
        color = COLORS[n % len(COLORS)]
        path = " ".join(
            f"{left + (at - first) / span * (wide - 20):.0f},{lower - value / top * (lower - upper):.0f}"
            for at, value in line.points
        )
        parts.append(f'<polyline points="{path}" fill="none" stroke="{color}" stroke-width="1.6"/>')
        text = f"{line.legend} {shown(line.points[-1][1], unit)}"
        if legend_x + 6 * len(text) > wide and legend_y < high - 6:
            legend_x, legend_y = left, high - 5
        parts.append(f'<text class="small" x="{legend_x}" y="{legend_y}" style="fill: {color}">{escape(text)}</text>')
        legend_x += 6 * len(text) + 14
    return parts
