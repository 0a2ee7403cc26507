"""Holds back the last line of a growing answer while it is only marks."""

import re

_MARKS_ONLY = re.compile(r"[ \t>*+-]*(?:\d{1,9}[.)][ \t]+)?[ \t>*_+#=|:~`$\\.-]*")


def held_back(markdown: str) -> str:
    """*markdown* without a last line of marks only: half a fence, a rule, a list item, the edge of a table."""
    begin = markdown.rfind("\n") + 1
    return markdown[:begin] if _MARKS_ONLY.fullmatch(markdown, begin) else markdown
