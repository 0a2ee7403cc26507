"""What brain and agent agree on: tasks, roles, models, the chat, texts and the store."""
