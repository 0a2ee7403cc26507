"""The classifier process. Its memory and CPU time are not the brain's.

It reads JSON lines such as `{"n": 1, "text": "..."}` and writes `{"n": 1, "scores": {"coder": 0.9, ...}}`, after a first
`{"ready": true}`. It ends when its input ends, that is, with the brain.
"""

import json
import os
import signal
import sys

EXIT_NOT_INSTALLED = 69
"""The extra `classifier` of openclaw-brain is not installed. A restart does not help."""


def main() -> int:
    # Ctrl-C in a terminal reaches every process. The brain ends this one itself.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        from openclaw_brain.routing.classifier_model import embedder, load

        model = load(embedder())
    except ImportError:
        return EXIT_NOT_INSTALLED
    model.score("ready?")  # the encoder reads its tables with its first text
    answers = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)  # what a library prints must not get between our lines
    print(json.dumps({"ready": True}), file=answers, flush=True)
    for line in sys.stdin:
        request = json.loads(line)
        print(json.dumps({"n": request["n"], "scores": model.score(request["text"])}), file=answers, flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
