"""The marks around a model's thoughts, and how thoughts without a mark begin: patterns and one pure check.

The marks are those that the reasoning parsers of vLLM, SGLang, llama.cpp and Ollama know.
"""

import re

from openclaw_core.models.harmony import MESSAGE_ENDS, SOLAR_ENDS

# ---- the marks

_PART = r"[a-z0-9]{1,16}"
_WORD = r"(?:(?:ant)?think(?:ing)?|thoughts?|reasoning|reflection|scratchpad|monologue)"
_NAME = rf"(?:{_PART}[:_|-]){{0,3}}{_WORD}(?:[:_|-]{_PART}){{0,2}}"
"""`think`, and with a prefix or suffix such as `seed:think`, `longcat_think`, `ifm|think_fast`, `thought_process`."""
_ATTRIBUTES = r"\s[^<>`~\[◁\n]{0,80}"
_MARKS = {
    "tag": (rf"(?i:<{_NAME}(?:{_ATTRIBUTES})?>)", rf"(?i:</ ?{_NAME}\s?/?>)"),
    "pipe": (  # Cohere, Solar Open, StepFun, PLaMo, and models trained on OpenThoughts
        rf"(?i:<\|(?:plamo:)?(?:(?:begin|start)_(?:of_)?)?{_WORD}(?:[:_](?:start|begin))?(?::plamo)?\|>)",
        rf"(?i:<\|(?:plamo:)?(?:/|end_(?:of_)?){_WORD}(?::plamo)?\|>|<\|{_WORD}[:_]end\|>)",
    ),
    "bracket": (rf"(?i:\[{_WORD}\])", rf"(?i:\[/{_WORD}\])"),  # Mistral's [THINK]
    "kimi": ("◁think▷", "◁/think▷"),
    "element": (r"<\|open\|>think<\|sep\|>", r"<\|close\|>think<\|sep\|>"),  # Kimi K3
    "inner": (r"<\|inner_prefix\|>", r"<\|inner_suffix\|>"),  # Apertus
    "unused": (r"\[unused16\]|<unused94>", r"\[unused17\]|<unused95>"),  # Pangu, MedGemma
    "channel": (r"<\|channel>", r"<channel\|>"),  # Gemma
    "content": (r"<\|content_thinking\|>", r"<\|content_text\|>"),  # Inkling
}
"""The begin mark and the end mark of a thought."""
_ANY_END = "|".join(_MARKS[kind][1] for kind in ("tag", "pipe", "bracket", "kimi"))
_ALSO_ENDS = {  # models mix these marks; the begin of the answer ends the thought too
    "tag": _ANY_END,
    "pipe": rf"{_ANY_END}|{SOLAR_ENDS}",
    "bracket": _ANY_END,
    "kimi": _ANY_END,
    "content": r"<\|end_message\|>",
}
ENDS = {
    kind: re.compile(f"{end}|{_ALSO_ENDS[kind]}" if kind in _ALSO_ENDS else end) for kind, (_, end) in _MARKS.items()
} | {"message": MESSAGE_ENDS}
_FRAME = r"<\|(?:START|END)_RESPONSE\|>|<\|(?:begin|end)_of_(?:solution|box)\|>|<\|(?:open|close)\|>response<\|sep\|>"
_FRAME_BESIDE_A_THOUGHT = (
    r"<\|begin\|>assistant|<\|(?:content|flush|message_model|content_text|end_message)\|>"
    r"|(?i:<\|(?:(?:begin|start|end)_(?:of_)?)?(?:answer|response|final|output)(?:[:_](?:start|end))?\|>)"
)
TOKEN = re.compile(
    "|".join(
        (
            r"(?P<ticks>`+|~{3,})",
            r"(?P<newline>\n)",
            rf"(?P<empty>(?i:<{_NAME}\s?/>))",
            *(rf"(?P<{kind}>{begin})" for kind, (begin, _) in _MARKS.items()),
            rf"(?P<code_tag>(?i:</?(?:pre|code)(?:{_ATTRIBUTES})?>))",
            rf"(?P<frame>{_FRAME})",
            rf"(?P<frame_beside>{_FRAME_BESIDE_A_THOUGHT})",
            rf"(?P<thought_end>{'|'.join(end for _, end in _MARKS.values())})",
            r"(?P<wrap></?(?:answer|response|final_answer)>)",
            r"(?P<header><\|(?:start|channel)\|>)",
            r"(?P<message_end><\|(?:end|return|call|eom|eot)\|>)",
        )
    )
)
BEGUN = re.compile(
    rf"(?:</? ?[a-z0-9:_|-]{{0,120}}|</?(?:pre|code){_ATTRIBUTES}|</? ?{_NAME}(?:\s?/?|{_ATTRIBUTES})|<channel\|?|<\|/?[a-z_:]{{0,40}}\|?"
    r"|<\|begin\|>[assistant]{0,9}|<\|(?:open|close)\|>[a-z]{0,8}(?:<\|?s?e?p?\|?)?|\[/?[a-z0-9]{0,16}|◁/?[a-z]{0,5}|~{1,2})\Z",
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
"""First words of thoughts. Text with such a beginning is held back until the answer has ended: an end mark may still come."""
PLAIN_ENDS = (
    (re.compile(r"\s*analysis(?=[A-Za-z\"'])"), "assistantfinal"),  # gpt-oss, by a server that drops special tokens
    (re.compile(r"(?i)\s*here(?: is|'s) my thought process:"), "here is my response:"),  # Granite
    (re.compile(r"(?i)\s*here(?: is|'s) my thought process:"), "here's my response:"),
)
ANALYSIS_ALONE = re.compile(r"\s*analysis[A-Z][a-z']*[\s,]")


def may_be_thought(text: str) -> bool:
    begins = text.lstrip()[:40]
    if "analysis".startswith(begins[:8]) and (len(begins) <= 8 or begins[8].isalpha() or begins[8] in "\"'"):
        return True
    lower = begins.lower()
    if lower.startswith("to=") and " " not in lower:
        return True  # the recipient of a call of gpt-oss: its mark comes next
    return any(lower.startswith(opening) or opening.startswith(lower) for opening in _HELD_BACK)
