"""`openclaw eval answers`: judge a change of prompts, roles and settings by the answers of both versions.

What belongs here: tasks, graders, statistics, the verdict and its reports. Not: how an answer is made, which is `openclaw_agent`.
"""
