"""What of a text is sentences of a person: without code, data, logs, addresses, paths, commands and mentions."""

import re
from itertools import pairwise

_HEBREW = re.compile("[\u0590-\u05ff\ufb1d-\ufb4f]")
_FENCE = re.compile(r"```.*?(?:```|\Z)|~~~.*?(?:~~~|\Z)", re.DOTALL)
_SPAN = re.compile(r"`[^`\n]+`|\w{2,10}://\S+|(?<!\w)www\.\S+")
_WORD = re.compile("[^\\s\u0590-\u05ff\ufb1d-\ufb4f]+")
"""A Hebrew prefix is not part of the name that it stands before."""
_IN_CODE_FOR_PEOPLE = re.compile(r"""\"[^"\n]*"|'[^'\n]*'|(?:\#|//).*""")
_ENDS_CHARS = 6_000
"""A longer text is told by its beginning and its end: there stands the question about what was pasted."""
_WORD_MAX_CHARS, _LINE_MAX_CHARS = 200, 400
"""A longer word or line is told by its beginning: the patterns below look at each start anew."""
_NAME_OF_PROGRAMS = re.compile(
    r"""^[/@~\\]\S | ^\.{1,2}/ | ^[A-Za-z]:\\ | [\w.]@\w | /\S*[/.] | \\\w | _ | :: | -> | => | == | [\w)]\( | [{}<>=]
      | [A-Za-z]\.[A-Za-z]{2} | [a-z][A-Z]""",
    re.VERBOSE,
)
# Lines that stand for themselves: programs, data, and what a shell or a fault prints.
_CODE = re.compile(
    r"""\s*(?:
        (?:async\ )?(?:def|class|func|fn|function|interface|struct|enum)\ +[\w.]+\s*[(:{<] | from\ +[\w.]+\ +import\b | import\ +[\w.*{"']+\s*(?:;|from\b)
      | \#\s*(?:include|define|ifdef|endif|!) | @[\w.]+(?:\(.*\))?\s*$ | (?:\$|>>>|PS>)\s\S | Traceback\ \( | File\ "
      | [\w.]+(?:Error|Exception|Warning):\s | \[?\d{4}-\d\d-\d\d[T\ ]\d\d:\d\d | \[?(?:INFO|WARN|WARNING|ERROR|DEBUG|FATAL)\b[]:\ ]
      | (?:SELECT|INSERT\ INTO|UPDATE|DELETE\ FROM|CREATE|ALTER|DROP|FROM|WHERE|(?:LEFT\ |INNER\ )?JOIN|GROUP\ BY|ORDER\ BY|VALUES)\b
      | [A-Z][a-z]{2}\ +\d{1,2}\ \d\d:\d\d:\d\d\b | (?:\d{1,3}\.){3}\d{1,3}\ .*" | [\w./-]+\.\w+:\d+(?::\d+)?:\s | make(?:\[\d+\])?:\ \*\*\* | npm\ (?:ERR!|error)\s
      | Segmentation\ fault\b | panic:\s | goroutine\ \d | Exception\ in\ thread\b | (?:error|warning)\[\w+\]:\s | exit\ status\ \d | \d+\ +\| | -->\s
      | ["'][^"'\n]*["']\s*:\s* | </?[A-Za-z!][^>]*> | (?:const|let|var|val|auto|final|int|str|float)?\s*[\w.\[\]"'*&$]+(?:,\s*\w+)*(?:\s*:\s*[\w\[\], |]+)?\s*(?:[-+*/|&%]?=|:=)\s*[^\s=]
      | [\w.]+\(.*\)\s*[;,{:]?\s*(?:(?:\#|//).*)?$ | .*(?:[{}]|\):|\]:)\s*$ | .*[()=\[\]"'].*;\s*$ | [)\]}] | (?://|/\*|\*/|<!--|---\s*$)
    )""",
    re.VERBOSE,
)
# Lines that code has, and sentences too: they count beside a line that is surely code, or three in a row.
_MAYBE = re.compile(
    r"""\s*(?:
        (?:import|return|yield|raise|throw|await|assert|del|print|echo|export|package|using|const|let|var|pass|break|continue)\b
      | (?:if|elif|else|for|while|try|except|finally|with|match|case|do)\b.*:\s*$ | (?:sudo|git|pip|npm|docker|kubectl|curl|cd|make)\ \S
      | (?i:select|insert\ into|delete\ from|from|where|(?:left\ |inner\ |outer\ |right\ )?join|group\ by|order\ by|having)\ \S
      | (?:WORKDIR|ENTRYPOINT|EXPOSE|CMD|RUN|COPY|ADD|ENV|ARG|LABEL|USER|VOLUME)\ \S | (?:done|fi|then|esac)\s*$ | (?:set\ -|if\ \[|exit\ \d|(?:cp|mv|rm|ls|cat|mkdir|chmod)\ \S)
      | (?:for|while)\ .*;\ *do\s*$ | (?:\w+\d*:\ )?(?:error|warning|note|fatal):\s | \||= | .*;\s*$ | (?:-\ +)?["']?[a-z_][\w.-]*["']?:(?:\s|$) | -\ +\S+$ | at\ [\w.$<>]+ | \# | (?:["'\d\[-][^,]*,\s*)+$ | [^,]+(?:,[^\s,][^,]*){2,}$
    )""",
    re.VERBOSE,
)
_INDENTED = re.compile(r"(?: {4}|\t)\s*\S")


def prose_of(text: str) -> str:
    """*text* without what no person says: what is left may be empty, and its places are not those of *text*."""
    if len(text) > 2 * _ENDS_CHARS:
        text = f"{text[:_ENDS_CHARS]}\n{text[-_ENDS_CHARS:]}"
    lines = _SPAN.sub(" ", _FENCE.sub("\n", text)).split("\n")
    return "\n".join(
        _WORD.sub(lambda word: " " if _of_programs(word.group()) else word.group(), line)
        for line, code in zip(lines, _which_are_code(lines), strict=True)
        if not code
    )


def _of_programs(word: str) -> bool:
    return _NAME_OF_PROGRAMS.search(word.lstrip("-\"'(")[:_WORD_MAX_CHARS]) is not None


def _which_are_code(lines: list[str]) -> list[bool]:
    code, maybe = [False] * len(lines), [False] * len(lines)
    full = [n for n, line in enumerate(lines) if line.strip()]
    for n in full:
        line = lines[n][:_LINE_MAX_CHARS]
        if not _HEBREW.search(_IN_CODE_FOR_PEOPLE.sub("", line)):
            code[n] = _CODE.match(line) is not None or (len(full) > 1 and _INDENTED.match(line) is not None)
            maybe[n] = _MAYBE.match(line) is not None
    for first, second, third in zip(full, full[1:], full[2:], strict=False):
        if all(code[n] or maybe[n] for n in (first, second, third)):
            code[first] = code[second] = code[third] = True
    for order in (full, full[::-1]):
        for before, after in pairwise(order):
            code[after] = code[after] or (code[before] and maybe[after])
    return code
