"""The chat page in the browser: its files, the routes behind it, and the events that keep an open page up to date."""
