"""What asks model servers: one client, what differs between servers, the fallback policy, and how thoughts are kept out of answers.

No module here knows a task, a chat or Redis.
"""
