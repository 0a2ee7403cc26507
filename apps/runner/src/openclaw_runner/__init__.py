"""The sealed runner: the one place that executes code a model wrote, and that parses files a stranger sent.

It knows no chat, no task, no model and no store, and its process holds no secret. `kernel/` has what Linux is asked for, `programs/` and
`readers/` what runs inside the seal, the other modules who starts whom: supervisor → one handler a request → one sealed child.
"""
