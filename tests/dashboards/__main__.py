"""`python -m tests.dashboards`: a load run of five minutes, and the pictures of docs/dashboards.md from what Prometheus answered."""

import asyncio
import os
import tempfile
from pathlib import Path

from openclaw_gitops.dashboards import read
from tests.dashboards.measure import load_run
from tests.dashboards.picture import draw
from tests.manifests.rendering import ROOT

MESSAGES, PER_S = 300, 1.0


async def main() -> None:
    caption = f"{MESSAGES} messages, {PER_S:g} a second, scripted model, {os.cpu_count()} cores"
    with tempfile.TemporaryDirectory(prefix="openclaw-dashboards-") as folder:
        async with load_run(Path(folder), messages=MESSAGES, per_s=PER_S) as run:
            for page in read(ROOT):
                answers = {panel.title: await run.answers(panel) for panel in page.panels if not panel.cluster}
                file = ROOT / f"docs/pictures/dashboard-{page.name}.svg"
                file.write_text(draw(page, answers, caption=caption))
                print(file)


if __name__ == "__main__":
    asyncio.run(main())
