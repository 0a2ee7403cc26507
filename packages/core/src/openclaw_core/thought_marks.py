"""The marks around a model's thoughts, how thoughts without a mark begin, and whether a sentence only speaks of a mark: data and pure looks.

The marks are those that the reasoning parsers of vLLM, SGLang, llama.cpp and Ollama know.
"""

import re

from openclaw_core.harmony import MESSAGE_ENDS

# ---- the marks

_PART = r"[a-z0-9]{1,16}"
_NAME = rf"(?:{_PART}[:_-]){{0,3}}(?:think(?:ing)?|thoughts?|reasoning|reflection|scratchpad)(?:[:_-]{_PART}){{0,2}}"
"""`think`, and with a prefix or suffix such as `seed:think`, `longcat_think`, `thought_process`."""
_ATTRIBUTES = r"\s[^<>`~\[◁\n]{0,80}"
_MARKS = {
    "tag": (rf"(?i:<{_NAME}(?:{_ATTRIBUTES})?>)", rf"(?i:</{_NAME}\s?>)"),
    "pipe": (  # Cohere, and models trained on OpenThoughts
        r"(?i:<\|(?:begin_of_|start_)?(?:think(?:ing)?|thought|reasoning)\|>)",
        r"(?i:<\|(?:/|end_of_|end_)(?:think(?:ing)?|thought|reasoning)\|>)",
    ),
    "bracket": (r"\[THINK\]", r"\[/THINK\]"),  # Mistral
    "kimi": ("◁think▷", "◁/think▷"),
    "element": (r"<\|open\|>think<\|sep\|>", r"<\|close\|>think<\|sep\|>"),  # Kimi K3
    "inner": (r"<\|inner_prefix\|>", r"<\|inner_suffix\|>"),  # Apertus
    "unused": (r"\[unused16\]", r"\[unused17\]"),  # Pangu
    "channel": (r"<\|channel>", r"<channel\|>"),  # Gemma
}
"""What begins a thought, and what ends it."""
ENDS = {kind: re.compile(end) for kind, (_, end) in _MARKS.items()} | {"message": MESSAGE_ENDS}
_FRAME = r"<\|(?:START|END)_RESPONSE\|>|<\|(?:begin|end)_of_(?:solution|box)\|>|<\|(?:open|close)\|>response<\|sep\|>"
TOKEN = re.compile(
    "|".join(
        (
            r"(?P<ticks>`+|~{3,})",
            r"(?P<newline>\n)",
            rf"(?P<empty>(?i:<{_NAME}\s?/>))",
            *(rf"(?P<{kind}>{begin})" for kind, (begin, _) in _MARKS.items()),
            rf"(?P<thought_end>{'|'.join(end for _, end in _MARKS.values())})",
            rf"(?P<frame>{_FRAME})",
            r"(?P<wrap></?(?:answer|response)>)",
            r"(?P<header><\|(?:start|channel)\|>)",
            r"(?P<message_end><\|(?:end|return|call|eom|eot)\|>)",
        )
    )
)
BEGUN = re.compile(
    rf"(?:</?[a-z0-9:_-]{{0,120}}|</?{_NAME}(?:\s/?|{_ATTRIBUTES})|<{_NAME}/|<channel\|?|<\|/?[a-z_]{{0,24}}\|?"
    r"|<\|(?:open|close)\|>[a-z]{0,8}(?:<\|?s?e?p?\|?)?|\[/?[THINK]{0,5}|\[u?n?u?s?e?d?1?[67]?|◁/?[a-z]{0,5}|~{1,2})\Z",
    re.IGNORECASE,
)
"""The end of a text that may be the beginning of a mark."""
MARK_MAX_CHARS = 200
"""More than the longest mark."""

# ---- thoughts that no mark begins

_HELD_BACK = (
    *(f"{word}, {rest}" for word in ("okay", "ok", "alright") for rest in ("so ", "the user", "let me", "let's", "i ")),
    "hmm", "the user ", "user asks", "user wants", "we need to ", "i need to ", "let me think", "let's think", "first, i need",
    "so the user", "so, the user", "here is my thought process:", "here's my thought process:",
)  # fmt: skip
"""How reasoning models begin to think. What begins so is shown when the answer has ended: a mark may come that makes it a thought."""
PLAIN_ENDS = (
    (re.compile(r"\s*analysis(?=[A-Za-z\"'])"), "assistantfinal"),  # gpt-oss, by a server that drops special tokens
    (re.compile(r"(?i)\s*here(?: is|'s) my thought process:"), "here is my response:"),  # Granite
    (re.compile(r"(?i)\s*here(?: is|'s) my thought process:"), "here's my response:"),
)
ANALYSIS_ALONE = re.compile(r"\s*analysis[A-Z][a-z']*[\s,]")

# ---- the sentence around a mark

LIST_MARK = re.compile(r"\s*(?:[-*+>#•]+|\d+[.)])\s*")
_CLOSING = "\"'”’)]*_"


def may_be_thought(text: str) -> bool:
    begins = text.lstrip()[:40]
    if "analysis".startswith(begins[:8]) and (len(begins) <= 8 or begins[8].isalpha() or begins[8] in "\"'"):
        return True
    lower = begins.lower()
    if lower.startswith("to=") and " " not in lower:
        return True  # the recipient of a call of gpt-oss: its mark comes next
    return any(lower.startswith(opening) or opening.startswith(lower) for opening in _HELD_BACK)


def ends_sentence(line: str) -> bool:
    return not LIST_MARK.fullmatch(line) and line.rstrip().rstrip(_CLOSING)[-1:] in tuple(".!?…")


def goes_on(after: str) -> bool:
    """Whether the sentence goes on behind a mark: with its punctuation, or with a small letter behind a space."""
    next_word = after.lstrip(" \t")
    if not next_word or next_word[0] in "\r\n":
        return False
    if after[0] in " \t":
        return not (next_word[0].isupper() or next_word[0].isdigit())
    return not (next_word[0].isalnum() or next_word[0] == "<")
