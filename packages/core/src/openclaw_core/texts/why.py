"""Builds the answer to /why: which role answered and how it was picked, which model, what its tools did, how long it took, what it cost."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from openclaw_core.ports import Lang
from openclaw_core.tasks.outcome import Decision
from openclaw_core.texts.spending import dollars
from openclaw_core.texts.wording import duration, role_label

if TYPE_CHECKING:  # the module needs YAML
    from openclaw_core.roles.values import Roles

PICKED: Mapping[str, Mapping[Lang, str]] = {
    Decision.EXPLICIT: {"en": "you chose it", "he": "לפי בחירה שלך"},
    Decision.FOLLOW_UP: {"en": "as for the message before", "he": "כמו בהודעה הקודמת"},
    Decision.RULE: {"en": "a word in the message spoke for it", "he": "לפי מילה בהודעה"},
    Decision.MODEL: {"en": "a model picked it", "he": "מודל בחר בו"},
    Decision.CLASSIFIER: {"en": "it is closest to what such messages ask", "he": "זה הכי קרוב לנוסח ההודעה"},
    Decision.DEFAULT: {"en": "nothing spoke for another one", "he": "שום דבר לא התאים יותר"},
}
DID: Mapping[str, Mapping[Lang, str]] = {
    "web_search": {"en": "searched the web {}", "he": "חיפוש באינטרנט {}"},
    "open_page": {"en": "opened a page {}", "he": "פתיחת דף {}"},
    "read_document": {"en": "read in a document {}", "he": "קריאה במסמך {}"},
    "run_code": {"en": "ran code {}", "he": "הרצת קוד {}"},
}
USED: Mapping[Lang, str] = {"en": "used another tool {}", "he": "שימוש בכלי אחר {}"}
COULD_NOT: Mapping[str, Mapping[Lang, str]] = {
    "web_search": {"en": "could not search the web {}", "he": "חיפוש באינטרנט שלא הצליח {}"},
    "open_page": {"en": "could not open a page {}", "he": "פתיחת דף שלא הצליחה {}"},
    "read_document": {"en": "could not read in a document {}", "he": "קריאה במסמך שלא הצליחה {}"},
    "run_code": {"en": "could not run code {}", "he": "הרצת קוד שלא הצליחה {}"},
}
COULD_NOT_USE: Mapping[Lang, str] = {"en": "could not use another tool {}", "he": "שימוש בכלי אחר שלא הצליח {}"}


def why_reply(
    roles: "Roles",
    *,
    role: str,
    decision: str,
    model: str,
    tools: Sequence[str],
    not_done: Sequence[str] = (),
    steps: int = 0,
    took_s: float,
    tokens: int,
    micro_usd: int | None,
    lang: Lang,
) -> str:
    """The lines about one answer.

    *tools* are the calls in order that did what they are for, *not_done* the others, by tool; *steps* is how often the model called some.
    *micro_usd* is None where the model has no price.
    """
    label = role_label(roles, role, lang) if role in roles.roles else role
    picked = PICKED.get(decision, PICKED[Decision.DEFAULT])[lang]
    lines = [{"en": "🧾 About my last answer here", "he": "🧾 על התשובה האחרונה שלי כאן"}[lang]]
    lines.append({"en": f"Role: {label} ({picked})", "he": f"תפקיד: {label} ({picked})"}[lang])
    lines.append({"en": f"Model: {model}", "he": f"מודל: \u2068{model}\u2069"}[lang])
    did = [_said(DID.get(name, USED), tools.count(name), lang) for name in dict.fromkeys(tools)]
    did += [_said(COULD_NOT.get(name, COULD_NOT_USE), not_done.count(name), lang) for name in dict.fromkeys(not_done)]
    if did:
        lines.append({"en": f"It {', '.join(did)}", "he": f"בדרך: {', '.join(did)}"}[lang])
    if "open_page" in tools:
        lines.append({"en": "Its sources stand below the answer", "he": "המקורות מופיעים מתחת לתשובה"}[lang])
    elif not did:
        lines.append(
            {"en": "It used no tools: it is from memory and this chat", "he": "בלי כלים: מהזיכרון ומהשיחה הזאת"}[lang]
        )
    cost = _cost(micro_usd, lang)
    in_steps = {"en": f" in {_steps(steps, lang)}", "he": f" ב־{_steps(steps, lang)}"}[lang] if steps else ""
    lines.append(
        {
            "en": f"It took {duration(took_s, lang)}{in_steps} and {tokens:,} tokens; {cost}",
            "he": f"זמן: {duration(took_s, lang)}{in_steps}, {tokens:,} טוקנים; {cost}",
        }[lang]
    )
    return "\n".join(lines)


def _steps(steps: int, lang: Lang) -> str:
    if steps == 1:
        return {"en": "1 step", "he": "צעד אחד"}[lang]
    return {"en": f"{steps} steps", "he": f"{steps} צעדים"}[lang]


def _said(words: Mapping[Lang, str], times: int, lang: Lang) -> str:
    often = {"en": "once" if times == 1 else f"{times} times", "he": "פעם אחת" if times == 1 else f"{times} פעמים"}[
        lang
    ]
    return words[lang].format(often)


def _cost(micro_usd: int | None, lang: Lang) -> str:
    if micro_usd is None:
        return {"en": "its cost is not known", "he": "העלות לא ידועה"}[lang]
    cost = dollars(micro_usd)
    return {"en": f"it cost {cost}", "he": f"עלות: \u2068{cost}\u2069"}[lang]
