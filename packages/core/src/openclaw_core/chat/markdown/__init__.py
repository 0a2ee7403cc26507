"""Markdown as models write it becomes text with spans: nothing of Telegram's limits (`paging`), nothing of the network.

`blocks` reads paragraphs, lists, quotes, code and tables by markdown-it-py; `inline` reads the marks within a paragraph by
rules of our own, since CommonMark's change what is said (`2*3*4`) and do not know Hebrew prefixes (docs/decisions/0008).
"""
