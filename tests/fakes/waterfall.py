"""Draws a trace that a collector has taken as a waterfall in SVG: a row for each span, as trace stores show it."""

from collections.abc import Sequence
from xml.sax.saxutils import escape

from tests.fakes.collector import TakenSpan

ROW, LABELS, BARS, TOP = 24, 260, 560, 34
STYLE = """
    .paper { fill: #ffffff; } text { fill: #1f2328; } .small { font-size: 12px; fill: #57606a; }
    .grid { stroke: #d0d7de; } .brain { fill: #0969da; } .agent { fill: #1a7f37; }
    @media (prefers-color-scheme: dark) {
      .paper { fill: #0d1117; } text { fill: #e6edf3; } .small { fill: #8b949e; } .grid { stroke: #30363d; }
      .brain { fill: #4493f8; } .agent { fill: #3fb950; }
    }"""


def waterfall(spans: Sequence[TakenSpan], *, title: str) -> str:
    """The picture of *spans*, which are one trace."""
    root = next(one for one in spans if not one.parent)
    rows = _rows(spans, root, 0)
    took_ns = root.end_ns - root.start_ns
    width, height = LABELS + BARS + 90, TOP + ROW * len(rows) + 34
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" role="img" aria-labelledby="title" '
        'font-family="system-ui, -apple-system, \'Segoe UI\', Helvetica, Arial, sans-serif" font-size="13">',
        f'  <title id="title">{escape(title)}</title>',
        f"  <style>{STYLE}\n  </style>",
        f'  <rect class="paper" width="{width}" height="{height}" rx="6"/>',
    ]
    for n in range(5):
        x = LABELS + BARS * n / 4
        parts.append(f'  <line class="grid" x1="{x:.0f}" x2="{x:.0f}" y1="{TOP - 8}" y2="{height - 30}"/>')
        parts.append(
            f'  <text class="small" x="{x:.0f}" y="18" text-anchor="middle">{took_ns / 1e6 * n / 4:,.0f} ms</text>'
        )
    for n, (depth, span) in enumerate(rows):
        y = TOP + n * ROW
        x = LABELS + BARS * (span.start_ns - root.start_ns) / took_ns
        bar = max(2.0, BARS * (span.end_ns - span.start_ns) / took_ns)
        kind = span.service.removeprefix("openclaw-")
        parts.append(f'  <text x="{12 + depth * 16}" y="{y + 14}">{escape(span.name)}</text>')
        parts.append(f'  <rect class="{kind}" x="{x:.1f}" y="{y + 3}" width="{bar:.1f}" height="14" rx="2"/>')
        ms = f"{(span.end_ns - span.start_ns) / 1e6:,.0f} ms"
        parts.append(f'  <text class="small" x="{LABELS + BARS + 12}" y="{y + 14}">{ms}</text>')
    y = height - 10
    parts.append(
        f'  <rect class="brain" x="12" y="{y - 10}" width="12" height="12"/><text class="small" x="30" y="{y}">brain and Redis</text>'
    )
    parts.append(
        f'  <rect class="agent" x="142" y="{y - 10}" width="12" height="12"/><text class="small" x="160" y="{y}">agent</text>'
    )
    return "\n".join([*parts, "</svg>", ""])


def _rows(spans: Sequence[TakenSpan], span: TakenSpan, depth: int) -> list[tuple[int, TakenSpan]]:
    """*span* and those below it, each with its depth."""
    below = sorted((one for one in spans if one.parent == span.id), key=lambda one: (one.start_ns, one.end_ns))
    return [(depth, span), *(row for one in below for row in _rows(spans, one, depth + 1))]
