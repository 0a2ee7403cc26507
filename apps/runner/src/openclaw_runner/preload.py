"""The slow imports, done before a request comes: children are forked with them. Nothing of a request has been read by then."""

import gc
import importlib
import io
from collections.abc import Sequence

LIBRARIES = (
    "numpy", "pandas", "matplotlib.pyplot", "sympy", "pytest",
    "openclaw_runner.readers.pdf", "openclaw_runner.readers.excel", "openclaw_runner.readers.office", "openclaw_runner.readers.web",
)  # fmt: skip


def preload(libraries: Sequence[str] = LIBRARIES) -> None:
    """Import *libraries*, and use once what is slow at its first use."""
    for name in libraries:
        importlib.import_module(name)
    if "matplotlib.pyplot" in libraries:
        _draw()
    if "pytest" in libraries:
        from _pytest.config import default_plugins  # what pytest.main would import

        for name in default_plugins:
            importlib.import_module(f"_pytest.{name}")
    # Objects of the imports are never collected: a collection in a child would copy the pages that they lie in.
    gc.collect()
    gc.freeze()


def _draw() -> None:
    """Fonts are searched and loaded at the first figure."""
    import matplotlib

    matplotlib.use("agg")
    from matplotlib import pyplot

    figure, axes = pyplot.subplots()
    axes.plot([0, 1], [0, 1], label="a")
    axes.legend()
    figure.savefig(io.BytesIO(), format="png")
    pyplot.close(figure)
