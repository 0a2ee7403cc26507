"""The report as one HTML page, for a browser and a phone. It loads nothing and runs nothing, and a model's words are text alone."""

import difflib
import re
from collections.abc import Iterable, Sequence
from html import escape

from openclaw_cli.eval.answers.markdown import cost_of, judge_note, statistics_of
from openclaw_cli.eval.answers.model_judge import JudgeReport
from openclaw_cli.eval.answers.report import Difference, Report
from openclaw_cli.eval.answers.verdict import Ruling, Tally

_CLASSES = {Ruling.NOT_WORSE: "good", Ruling.WORSE: "bad", Ruling.NONE: "none"}
_WORDS = re.compile(r"\s+|\S+\s*")
_DIRECTIONS = re.compile("[\u202a-\u202e\u2066-\u2069]")
"""Signs that turn the direction of the text behind them. They are shown by their numbers."""
_STYLE = """
:root { color-scheme: light dark; --text: #1c1e21; --soft: #5d646d; --back: #fff; --card: #f5f6f8; --line: #d9dde2;
  --good: #14713d; --bad: #b3261e; --none: #8a5a00; --ins: #c9f0d6; --del: #fcd6d3; --bar: #3b6fd4; }
@media (prefers-color-scheme: dark) { :root { --text: #e6e8eb; --soft: #9aa3ad; --back: #15181c; --card: #1e2227; --line: #333a42;
  --good: #62cf8f; --bad: #ff8a80; --none: #f0b95a; --ins: #184d2c; --del: #5d2622; --bar: #7ba4f4; } }
* { box-sizing: border-box; }
body { margin: 0 auto; max-width: 72rem; padding: 1rem; font: 16px/1.5 system-ui, sans-serif; color: var(--text); background: var(--back); }
h1 { font-size: 1.5rem; margin: .5rem 0; } h2 { font-size: 1.15rem; margin: 2rem 0 .5rem; }
.verdict { border-inline-start: .4rem solid var(--none); background: var(--card); padding: .75rem 1rem; border-radius: .4rem; }
.verdict.good { border-color: var(--good); } .verdict.bad { border-color: var(--bad); }
.soft { color: var(--soft); font-size: .9rem; }
.wide { overflow-x: auto; } table { border-collapse: collapse; width: 100%; font-size: .95rem; }
th, td { padding: .3rem .6rem; text-align: end; border-bottom: 1px solid var(--line); white-space: nowrap; font-variant-numeric: tabular-nums; }
th:first-child, td:first-child { text-align: start; }
tr.bad td:first-child { color: var(--bad); font-weight: 600; }
meter { width: 5rem; height: .7rem; } .down { color: var(--bad); } .up { color: var(--good); }
details { border: 1px solid var(--line); border-radius: .4rem; margin: .5rem 0; background: var(--card); }
summary { padding: .6rem .8rem; cursor: pointer; overflow-wrap: anywhere; } details > div { padding: 0 .8rem .8rem; }
.sides { display: grid; grid-template-columns: 1fr 1fr; gap: .8rem; }
@media (max-width: 44rem) { .sides { grid-template-columns: 1fr; } body { padding: .7rem; } th, td { padding: .3rem .4rem; } }
.text { white-space: pre-wrap; overflow-wrap: anywhere; unicode-bidi: plaintext; background: var(--back); border: 1px solid var(--line);
  border-radius: .3rem; padding: .6rem .7rem; margin: .2rem 0 .6rem; text-align: start; }
ins { background: var(--ins); text-decoration: none; } del { background: var(--del); text-decoration: line-through; text-decoration-thickness: 1px; }
ul { margin: .3rem 0; padding-inline-start: 1.2rem; } li { overflow-wrap: anywhere; }
"""
_TABLE_HEAD = "<tr><th>{title}</th><th>pairs</th><th>before</th><th>after</th><th></th><th>worse</th><th>better</th><th>p worse</th></tr>"


def page_of(report: Report) -> str:
    """The whole page, UTF-8."""
    ruling = report.verdict.ruling
    found = [
        (report.worse, "What got worse"),
        (report.mixed, "What lost one check and won another"),
        (report.better, "What got better"),
    ]
    parts = [
        f"<h1>Answers: {ruling.value}</h1>",
        f'<div class="verdict {_CLASSES[ruling]}"><b>{_text(report.verdict.why)}</b><br>',
        f'<span class="soft">{_text(report.before.name)} → {_text(report.after.name)} · {_text(report.model)} · '
        f"{_text(', '.join(report.roles) or 'no role')}</span></div>",
        *_costs(report),
        *(
            part
            for title, rows in _tables(report)
            for part in _table(title, rows, {one.name for one in report.verdict.worse})
        ),
        *(_judge(report.judged) if report.judged is not None else ()),
        '<h2>What so many tasks can say</h2><ul class="soft">',
        *(f"<li>{_text(sentence)}</li>" for sentence in statistics_of(report)),
        "</ul>",
        *(part for differences, title in found for part in _differences(title, differences)),
    ]
    if report.hidden:
        parts.append(
            f'<p class="soft">{report.hidden} differences are of held-out tasks, which are counted and not shown.</p>'
        )
    head = (
        '<!DOCTYPE html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src 'unsafe-inline'\">\n"
        f"<title>Answers: {ruling.value}</title>\n<style>{_STYLE}</style>\n</head>\n<body>\n"
    )
    return head + "\n".join(parts) + "\n</body>\n</html>\n"


def _costs(report: Report) -> Iterable[str]:
    rows = [
        ("answers", str(report.before.answers), str(report.after.answers)),
        ("cost of one", cost_of(report.before), cost_of(report.after)),
        ("seconds, median", f"{report.before.seconds:.1f}", f"{report.after.seconds:.1f}"),
        ("words, median", f"{report.before.words:.0f}", f"{report.after.words:.0f}"),
    ]
    yield '<div class="wide"><table><tr><th></th><th>before</th><th>after</th></tr>'
    for name, before, after in rows:
        yield f"<tr><td>{name}</td><td>{before}</td><td>{after}</td></tr>"
    yield "</table></div>"
    missing = "".join(f" {count} pairs are missing: {_text(why)}." for why, count in report.left.items())
    spent = "" if report.spent_micro_usd is None else f", for {report.spent_micro_usd / 1e6:.4f} USD"
    yield f'<p class="soft">{report.asked} answers were asked now{spent}; the others came from the cache.{missing}</p>'


def _judge(judged: JudgeReport) -> Iterable[str]:
    yield '<h2>A model as a judge</h2><div class="wide"><table>'
    yield "<tr><th>says yes</th><th>questions</th><th>before</th><th>after</th><th>no reply</th></tr>"
    for one in judged.tallies:
        yield (
            f"<tr><td>{_text(one.role)}</td><td>{one.questions}</td><td>{one.yes_before}</td><td>{one.yes_after}</td>"
            f"<td>{one.no_reply}</td></tr>"
        )
    yield f'</table></div><p class="soft">{_text(judge_note(judged))}</p>'


def _tables(report: Report) -> list[tuple[str, Sequence[Tally]]]:
    return [
        ("By role and check", report.subjects),
        ("By language", report.languages),
        ("By kind of task", report.held_out),
    ]


def _table(title: str, rows: Sequence[Tally], worse: set[str]) -> Iterable[str]:
    if not rows:
        return
    yield f'<h2>{title}</h2><div class="wide"><table>{_TABLE_HEAD.format(title="passed")}'
    for row in rows:
        one = row.counts
        share = row.passed_after / one.pairs if one.pairs else 0
        mark = ' class="bad"' if one.name in worse else ""
        yield (
            f"<tr{mark}><td>{_text(one.name)}</td><td>{one.pairs}</td><td>{row.passed_before}</td><td>{row.passed_after}</td>"
            f'<td><meter value="{share:.3f}" min="0" max="1" title="{share:.0%} pass after"></meter></td>'
            f'<td class="{"down" if one.worse else ""}">{one.worse}</td><td class="{"up" if one.better else ""}">{one.better}</td>'
            f"<td>{one.p_worse:.2g}</td></tr>"
        )
    yield "</table></div>"


def _differences(title: str, differences: Sequence[Difference]) -> Iterable[str]:
    if not differences:
        return
    yield f"<h2>{title}: {len(differences)}</h2>"
    for n, one in enumerate(differences):
        before, after = marked(one.before, one.after)
        direction = "rtl" if one.lang == "he" else "ltr"
        checks = [*(("down", f"lost {check}") for check in one.lost), *(("up", f"won {check}") for check in one.won)]
        again = f" (try {one.sample + 1})" if one.sample else ""
        yield (
            f"<details{' open' if n == 0 else ''}><summary><b>{_text(one.task)}</b>{again} "
            f'<span class="soft">{_text(", ".join(check.partition(":")[0] for check in (*one.lost, *one.won)))}</span></summary><div>'
            f'<ul>{"".join(f"""<li class="{kind}"><bdi>{_text(check)}</bdi></li>""" for kind, check in checks)}</ul>'
            f'<span class="soft">message</span><div class="text" dir="{direction}">{_text(one.message)}</div>'
            f'<div class="sides" dir="{direction}"><section><span class="soft">before</span><div class="text">{before}</div></section>'
            f'<section><span class="soft">after</span><div class="text">{after}</div></section></div></div></details>'
        )


def marked(before: str, after: str) -> tuple[str, str]:
    """Both texts as HTML, with the words marked that only one of them has."""
    old, new = _WORDS.findall(before), _WORDS.findall(after)
    left, right = [], []
    for what, a, b, c, d in difflib.SequenceMatcher(None, old, new, autojunk=False).get_opcodes():
        gone, come = _text("".join(old[a:b])), _text("".join(new[c:d]))
        left.append(gone if what == "equal" or not gone else f"<del>{gone}</del>")
        right.append(come if what == "equal" or not come else f"<ins>{come}</ins>")
    return "".join(left), "".join(right)


def _text(text: str) -> str:
    """*text* as HTML that shows it and nothing else."""
    return escape(_DIRECTIONS.sub(lambda found: f"[U+{ord(found[0]):04X}]", text.replace("\0", "")))
