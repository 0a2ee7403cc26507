"""Models: a client of model servers, the differences between providers as data, the fallback policy, and the filter of thoughts.

No module here knows a task, a chat or Redis.
"""
