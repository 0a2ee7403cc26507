"""`openclaw runs`: what became of each message, without a word of a user."""
