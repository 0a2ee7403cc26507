"""Converts blocks to text with spans: paragraphs, headings, lists, quotes, code and tables, as markdown-it-py finds them."""

import re
from collections.abc import Sequence
from functools import cache

from markdown_it import MarkdownIt
from markdown_it.parser_block import ParserBlock
from markdown_it.rules_block import StateBlock, blockquote, lheading
from markdown_it.token import Token

from openclaw_core import characters
from openclaw_core.chat.markdown import html_blocks, inline, tables, tags, unfinished
from openclaw_core.chat.markdown.spans import RichText, between, joined

MAX_NESTING = 40
"""Levels of quotes and lists (a list counts twice); deeper ones are text."""

_LANGUAGE = re.compile(r"[\w+#.-]{1,32}")
_NOTE = re.compile(r"^[ \t>]*\[\^([^\]\s]{1,40})\]:", re.MULTILINE)
_TASK = re.compile(r"\[([ xX])\](?=\s)\s*")
_NEW_LINE_AFTER_MARKER = frozenset(
    {"fence", "code_block", "table", "blockquote_open", "bullet_list_open", "ordered_list_open"}
)


def convert_markdown(markdown: str, *, grows: bool = False) -> RichText:
    """The text of *markdown* and its spans. While it *grows*, without formatting that later text could remove."""
    source = characters.cleaned(markdown)
    if grows:
        source = unfinished.held_back(source)
    found = tokens(source, grows=grows)
    growing = _last_leaf(found) if grows and not source.endswith("\n\n") else None
    tags.spread(found, grows=grows, growing=growing)
    return _Renderer(found, source.split("\n"), grows=grows, growing=growing).rendered()


def tokens(source: str, *, grows: bool = False) -> list[Token]:
    """The blocks of *source* as markdown-it-py finds them, each with its lines."""
    return _parser().parse(source, {"grows": grows})


class _Blocks(ParserBlock):
    """The default parser drops blocks that are nested too deep; here they become paragraphs."""

    def tokenize(self, state: StateBlock, startLine: int, endLine: int) -> None:
        if state.level < MAX_NESTING:
            return super().tokenize(state, startLine, endLine)
        state.push("paragraph_open", "p", 1).map = [startLine, endLine]
        token = state.push("inline", "", 0)
        token.content, token.map = (
            state.getLines(startLine, endLine, state.blkIndent, False).strip(),
            [startLine, endLine],
        )
        state.push("paragraph_close", "p", -1)
        state.line = endLine
        return None


def _quote(state: StateBlock, start_line: int, end_line: int, silent: bool) -> bool:
    """A quotation, but not a line that begins with a comparison: `>= 5`, `>5`."""
    at = state.bMarks[start_line] + state.tShift[start_line]
    compares = re.match(r">(?:=|\d)", state.src[at : at + 2]) is not None
    return not compares and blockquote(state, start_line, end_line, silent)


def _underlined(state: StateBlock, start_line: int, end_line: int, silent: bool) -> bool:
    """A heading by its underline of three marks or more: a single `=` or `-` is text."""
    before = len(state.tokens)
    if not lheading(state, start_line, end_line, silent):
        return False
    line = state.line - 1
    if len(state.src[state.bMarks[line] + state.tShift[line] : state.eMarks[line]].strip()) >= 3:
        return True
    del state.tokens[before:]
    state.line = start_line
    return False


@cache
def _parser() -> MarkdownIt:
    parser = MarkdownIt("commonmark", {"maxNesting": MAX_NESTING + 10})
    parser.core.ruler.enableOnly(["normalize", "block"])
    parser.block = _Blocks()
    ruler = parser.block.ruler
    ruler.at("table", tables.table_rule, {"alt": ["paragraph"]})
    ruler.before("fence", "html", html_blocks.html_block_rule, {"alt": ["paragraph", "blockquote", "list"]})
    ruler.at("blockquote", _quote, {"alt": ["paragraph", "blockquote", "list"]})
    ruler.at("lheading", _underlined)
    # What is not defined here stays text: a definition's address must be seen, and HTML is read within paragraphs.
    ruler.disable(["html_block", "reference"])
    return parser


class _Renderer:
    def __init__(self, tokens: Sequence[Token], lines: Sequence[str], *, grows: bool, growing: Token | None) -> None:
        self._tokens = tokens
        self._lines = lines
        self._at = 0
        source = "\n".join(lines)
        texts = [token.content for token in tokens if token.type == "inline"]
        self._context = inline.Context(
            unfinished=grows,
            footnotes=frozenset(_NOTE.findall(source)) if "[^" in source else frozenset(),
            tag_blocks=tags.blocks_in_pairs(texts),
        )
        self._growing = growing

    def rendered(self) -> RichText:
        return self._blocks("")

    def _blocks(self, end: str, *, level: int = 0) -> RichText:
        """All blocks up to the token *end*, with the blank lines of the source; within a list each on its own line."""
        parts: list[RichText | str] = []
        while self._at < len(self._tokens) and self._tokens[self._at].type != end:
            token = self._tokens[self._at]
            begin = token.map[0] if token.map else 0
            block = self._block(token, level)
            if not block.text:
                continue
            if parts:
                apart = level == 0 and begin > 0 and not self._lines[begin - 1].strip(" \t>")
                parts.append("\n\n" if apart else "\n")
            parts.append(block)
        self._at += 1
        return joined(parts)

    def _block(self, token: Token, level: int) -> RichText:
        self._at += 1
        match token.type:
            case "paragraph_open":
                return self._inline()
            case "heading_open":
                heading = self._inline().marked("bold")
                return heading.marked("underline") if token.tag in ("h1", "h2") else heading
            case "fence" | "code_block":
                return self._code(token)
            case "blockquote_open":
                return self._blocks("blockquote_close").marked(
                    "expandable_blockquote" if token.meta.get("expandable") else "blockquote"
                )
            case "bullet_list_open" | "ordered_list_open":
                return self._list(token, level)
            case "table":
                return self._table(token)
            case "hr":
                return RichText("———")
        raise AssertionError(f"no rule makes the token {token.type}")

    def _inline(self) -> RichText:
        token = self._tokens[self._at]
        self._at += 2  # and the token that ends the block
        return self._text(token.content, grows=token is self._growing)

    def _text(self, source: str, *, grows: bool) -> RichText:
        context = self._context
        if grows:
            context = inline.Context(
                grows=True, unfinished=True, footnotes=context.footnotes, tag_blocks=context.tag_blocks
            )
        return inline.render_inline(source, context)

    def _code(self, token: Token) -> RichText:
        info = token.info.strip()
        code = token.content.removesuffix("\n")
        if characters.is_blank(code):
            # Code on the line of its fence; one word there is the name of a language.
            return RichText(info).marked("pre") if " " in info and not self._context.unfinished else RichText("")
        language = _LANGUAGE.match(info)
        return RichText(code).marked("pre", language=language[0] if language else None)

    def _list(self, token: Token, level: int) -> RichText:
        end = token.type.replace("open", "close")
        items: list[tuple[Token, str, RichText]] = []
        while self._tokens[self._at].type != end:
            item = self._tokens[self._at]
            first = self._tokens[self._at + 1]
            self._at += 1
            box = ""
            if first.type == "paragraph_open":
                text = self._tokens[self._at + 1]
                if found := _TASK.match(text.content):
                    box = "☐" if found[1] == " " else "☑"
                    text.content = text.content[found.end() :]
            body = self._blocks("list_item_close", level=level + 1)
            gap = "\n" if first.type in _NEW_LINE_AFTER_MARKER and body.text else " " if body.text else ""
            items.append((item, box + gap if box else gap, body))
        self._at += 1
        numbers = [item.info for item, _, _ in items]
        if set(numbers) == {"1"}:  # before each: count them; any other number is said (`1986.`)
            numbers = [str(1 + at) for at in range(len(numbers))]
        rows = []
        for number, (item, gap, body) in zip(numbers, items, strict=True):
            if token.type == "ordered_list_open":
                marker = f"{number}{item.markup}" + (" " if gap[:1] in ("☐", "☑") else "")
            else:
                marker = "" if gap[:1] in ("☐", "☑") else "•"
            rows.append(joined(["  " * level + marker + gap, body]))
        return between(rows, "\n")

    def _table(self, token: Token) -> RichText:
        grows = token is self._growing
        rows = token.meta["rows"]
        cells = [[self._text(cell, grows=grows and row is rows[-1]) for cell in row] for row in rows]
        return tables.render_table(cells, grows=grows)


def _last_leaf(tokens: Sequence[Token]) -> Token | None:
    """The paragraph, heading or table that the text ends in, if it ends in one."""
    for token in reversed(tokens):
        if token.nesting >= 0:
            return token if token.type in ("inline", "table") else None
    return None
