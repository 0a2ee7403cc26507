"""Documents in an answer, opened by a real sealed runner."""
