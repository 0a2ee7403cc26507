"""What the runner asks of Linux: rights given up by system calls that Python's library does not have. Nothing here knows of requests."""
