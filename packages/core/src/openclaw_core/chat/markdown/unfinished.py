"""Answers whose end has not come: what a preview holds back."""

import re

_MARKS_ONLY = re.compile(r"[ \t>*+-]*(?:\d{1,9}[.)][ \t]+)?[ \t>*_+#=|:~`$\\.-]*")


def held_back(markdown: str) -> str:
    """*markdown* without a last line that is nothing but marks so far: half a fence, a rule, a list item, a table's edge."""
    begin = markdown.rfind("\n") + 1
    return markdown[:begin] if _MARKS_ONLY.fullmatch(markdown, begin) else markdown
