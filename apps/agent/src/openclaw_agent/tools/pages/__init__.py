"""Open a page: fetch it, read its text, give the model a part of it.

What belongs here: the tool `open_page`, and the reading of pages in a process of their own. What does not: fetching
(`tools.fetching`), documents such as PDF (the sealed runner reads those), numbers and quotations of an answer
(`tools.sources`).
"""
