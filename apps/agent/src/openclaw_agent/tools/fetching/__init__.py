"""Fetch one address that a model or a stranger named, and nothing inside our own network.

What belongs here: which addresses may be asked for, how a connection is pinned to one, limits of size and time, which
kinds of content are taken. What does not: reading the content (`tools.pages`), and requests to servers that an operator
has set (`tools.search`).
"""
