"""Documents that came with a message or lie behind a link: opened by the sealed runner, read in parts by a model.

What belongs here: the request to the runner, the texts of a task's documents, the tool `read_document`, and what a
reader is told was read. What does not: opening a format, which is the runner's, and fetching a file
(`openclaw_agent.attachments`).
"""
