"""Rules for HTML that takes whole lines: code in `<pre>`, quotations in `<blockquote>`, and comments, which are dropped.

Each is a rule for markdown-it-py's block parser. What is not closed stays text, unless more of the answer may come
(`env["grows"]`): then it goes on to the end.
"""

import html
import re

from markdown_it.rules_block import StateBlock

MAX_QUOTES = 5
"""Quotations within each other; deeper ones are text."""
_BEGIN = re.compile(r"<(?:(?P<name>pre|blockquote)(?:\s[^<>]{0,200})?>|!--)", re.IGNORECASE)
_EXPANDABLE = re.compile(r"<blockquote\s+expandable\s*>", re.IGNORECASE)
"""As in Telegram's HTML: a quotation that a chat shows folded."""
_CODE = re.compile(r"\s*<code(?:\s+class=[\"']?(?:language-)?(?P<language>[\w+#.-]{1,32})[\"']?)?\s*>", re.IGNORECASE)
_HALF_TAG = re.compile(r"<(?:/?(?:p|pr|pre|c|co|cod|code)?|code\s[^<>]{0,200})$", re.IGNORECASE)
"""A growing text may end within a tag."""
_CODE_END = re.compile(r"\s*</code>\s*$", re.IGNORECASE)


def html_block_rule(state: StateBlock, start_line: int, end_line: int, silent: bool) -> bool:
    """Turn the lines from such a tag to its end into a code block, a quotation or nothing."""
    at = state.bMarks[start_line] + state.tShift[start_line]
    begin = _BEGIN.match(state.src, at, state.eMarks[start_line])
    if begin is None or state.is_code_block(start_line) or state.env.get("depth", 0) > MAX_QUOTES:
        return False
    name = (begin["name"] or "").lower()
    last = _last_line(state, start_line, end_line, f"</{name}>" if name else "-->")
    if last is None:
        return False
    if silent:
        return True
    closed = last < end_line
    text = state.getLines(start_line, last + 1 if closed else end_line, state.sCount[start_line], False)
    inner = text.lstrip()[len(begin[0]) :]
    if closed:
        inner = inner.rstrip()[: -len(f"</{name}>" if name else "-->")]
    state.line = last + 1 if closed else end_line
    if name == "pre":
        _push_code(state, inner, start_line)
    elif name:
        _push_quote(state, inner, start_line, expandable=_EXPANDABLE.match(begin[0]) is not None)
    return True


def _last_line(state: StateBlock, start_line: int, end_line: int, end: str) -> int | None:
    """The line that ends with *end*; *end_line* if it may still come, None if there is none or text follows it."""
    # Not to look for the same end from each line: up to where there is none.
    hopeless: dict[tuple[str, int, int], int] = state.env.setdefault("hopeless", {})
    key = (end, end_line, len(state.src))
    if start_line <= hopeless.get(key, -1):
        return None
    line = start_line
    while line < end_line and (state.isEmpty(line) or state.sCount[line] >= state.blkIndent):
        found = state.src[state.bMarks[line] : state.eMarks[line]].lower()
        if end in found:
            if found.rstrip().endswith(end) and found.count(end) == 1:
                return line
            break
        line += 1
    else:
        if state.env.get("grows") and line == end_line:
            return end_line
    hopeless[key] = line
    return None


def _push_code(state: StateBlock, inner: str, start_line: int) -> None:
    token = state.push("fence", "code", 0)
    if state.env.get("grows"):
        inner = _HALF_TAG.sub("", inner)
    if code := _CODE.match(inner):
        inner = _CODE_END.sub("", inner[code.end() :])
        token.info = code["language"] or ""
    token.content = html.unescape(inner.removeprefix("\n").removesuffix("\n")) + "\n"
    token.map = [start_line, state.line]


def _push_quote(state: StateBlock, inner: str, start_line: int, *, expandable: bool) -> None:
    token = state.push("blockquote_open", "blockquote", 1)
    token.map = [start_line, state.line]
    token.meta["expandable"] = expandable
    begin = len(state.tokens)
    state.env["depth"] = state.env.get("depth", 0) + 1
    state.md.block.parse(inner, state.md, state.env, state.tokens)
    state.env["depth"] -= 1
    for token in state.tokens[begin:]:
        if token.map:
            token.map = [line + start_line for line in token.map]
    state.push("blockquote_close", "blockquote", -1)
