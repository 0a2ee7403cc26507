"""Converts Markdown as models write it to text with spans. Telegram's limits are not known here (`paging`).

`blocks` reads paragraphs, lists, quotes, code and tables by markdown-it-py; `inline` reads the marks within a paragraph by
rules of our own, since CommonMark's change what is said (`2*3*4`) and do not know Hebrew prefixes (docs/decisions/0008).
"""
