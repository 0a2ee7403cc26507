"""What moves the platform through Git: render, diff, bump, promote, smoke, pin. `scripts/` calls it, and so do the workflows."""
