"""Chat: how answers and notices get into a Telegram chat: Markdown, pages, delivery and the Telegram client.

The leading brain uses it, and an agent that works alone. An agent of a pool imports none of it but `markdown`: its tools check the
numbers and links of an answer by it.
"""
