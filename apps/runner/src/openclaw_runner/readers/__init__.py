"""Documents → Markdown, inside the seal. One module a family of formats, each a generator of pages; `formats` picks one by the bytes.

A fault is `Unreadable` with a cause. Any other exception of a reader means that the document is damaged: its text is not sent to anybody.
"""
