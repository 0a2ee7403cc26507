"""Plots that a program shows become files: there is no screen, and a model's code ends with `plt.show()`."""

import itertools
from typing import Any

_numbers = itertools.count(1)


def save_what_is_shown() -> None:
    """Let `plt.show()` write each open figure as `figure-1.png` and so on, and close it."""
    from matplotlib import pyplot  # imported by the supervisor already

    def show(*_: Any, **__: Any) -> None:
        for number in pyplot.get_fignums():
            pyplot.figure(number).savefig(f"figure-{next(_numbers)}.png", dpi=120)
            pyplot.close(number)

    pyplot.show = show
