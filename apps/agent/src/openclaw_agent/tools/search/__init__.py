"""Search the web: the tool `web_search` and the services behind it, each one file behind `backends.Backend`.

What belongs here: requests to services that an operator has set, and what their results become. What does not: opening
a result (`tools.pages`), and Groq's built-in `browser_search`, which runs at Groq inside a model's call.
"""
