"""A formula has the value that was written, or is shown as it was written."""

import re
from dataclasses import dataclass
from fractions import Fraction
from math import prod

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from tests.core.page_checks import only


@pytest.mark.parametrize(
    ("latex", "shown"),
    [
        (r"\dfrac{a+b}{2}", "(a+b)/2"),
        (r"\tfrac{1}{2}", "½"),
        (r"\cfrac{a}{b}", "a/b"),
        (r"\frac ab", "a/b"),
        (r"\frac {1} {2}", "½"),
        (r"\frac{1}{2x}", "1/(2x)"),
        (r"\frac{a}{bc}", "a/(bc)"),
        (r"\frac{1}{x}y", "(1/x)y"),
        (r"\frac{1}{x}\,y", "(1/x) y"),
        (r"\frac{x}{y}^2", "(x/y)²"),
        (r"\frac{1}{2}^2", "(½)²"),
        (r"\frac{1}{2}mv^2", "½mv²"),
        (r"c/\frac{a}{b}", "c/(a/b)"),
        (r"\sin\frac{x}{2}", "sin(x/2)"),
        (r"\frac{a}{b} \times 3", "a/b × 3"),
        (r"\frac{dy}{dx} + \frac{\text{שטח}}{\text{זמן}}", "dy/dx + שטח/זמן"),
        (r"2^\frac{a}{b}c", "2^(a/b)c"),
        ("x ^ 2 + y _ 1", "x² + y₁"),
        (r"a^{\pi}b + a^{b^{\pi}c}", "a^(π)b + a^(b^(π)c)"),
        ("x_{q}y + x_qy", "x_(q)y + x_(q)y"),
        ("y_qr", "y_qr"),
        (r"\text{a\_b} \ne 90\degree", "a_b ≠ 90°"),
    ],
)
def test_a_formula_keeps_its_value(latex: str, shown: str) -> None:
    assert only(f"${latex}$").text == shown


@pytest.mark.parametrize(
    "latex",
    [r"\widehat{ABC}", r"\foo{a}{b}", r"\genfrac{}{}{0pt}{}{a}{b}", r"\frac{a}{\foo{b}c}", r"\vec{AB}", r"\cancel{x}y", r"\frac{}{b}", r"x = \frac"],
)  # fmt: skip
def test_a_formula_that_cannot_be_read_for_sure_stays_latex(latex: str) -> None:
    assert only(f"${latex}$").text == latex


# ---- fractions: the value before and after


@dataclass(frozen=True)
class Formula:
    latex: str
    value: Fraction
    tight: bool
    """One factor: it needs no braces or brackets beside a power or a product."""


LETTERS = {"a": Fraction(3, 7), "b": Fraction(5), "x": Fraction(11, 3), r"\alpha ": Fraction(13, 2)}
NUMBERS = st.integers(1, 12).map(lambda number: Formula(str(number), Fraction(number), True))
ATOMS = NUMBERS | st.sampled_from([Formula(name, value, True) for name, value in LETTERS.items()])


def _fraction(parts: tuple[str, Formula, Formula]) -> Formula:
    command, above, below = parts
    return Formula(f"{command}{{{above.latex}}}{{{below.latex}}}", above.value / below.value, True)


def _power(parts: tuple[Formula, int]) -> Formula:
    base, power = parts
    # TeX sets the power behind the whole fraction; a power behind a power is refused.
    latex = base.latex if base.tight and "^" not in base.latex else rf"\left({base.latex}\right)"
    return Formula(f"{latex}^{power}", base.value**power, True)


def _product(parts: tuple[list[Formula], str]) -> Formula:
    factors, sign = parts
    shown = [factor.latex if factor.tight else f"({factor.latex})" for factor in factors]
    for at in range(1, len(shown)):
        if shown[at][:1].isdigit() and not sign.strip():  # `2 3` is no product
            shown[at] = f"({shown[at]})"
    return Formula(sign.join(shown), prod((factor.value for factor in factors), start=Fraction(1)), False)


def _sum(parts: tuple[Formula, str, Formula]) -> Formula:
    left, sign, right = parts
    value = left.value + right.value if "+" in sign else left.value - right.value
    return Formula(f"{left.latex}{sign}{right.latex if right.tight else f'({right.latex})'}", value, False)


def _grown(inner: st.SearchStrategy[Formula]) -> st.SearchStrategy[Formula]:
    positive = inner.filter(lambda formula: formula.value != 0)
    return (
        st.tuples(st.sampled_from([r"\frac", r"\dfrac", r"\tfrac"]), inner, positive).map(_fraction)
        | st.tuples(inner, st.integers(2, 3)).map(_power)
        | st.tuples(
            st.lists(inner, min_size=2, max_size=3), st.sampled_from(["", " ", r"\,", r" \cdot ", r" \times "])
        ).map(_product)
        | st.tuples(inner, st.sampled_from(["+", " - "]), inner).map(_sum)
    )


FORMULAS = st.recursive(ATOMS, _grown, max_leaves=6)
TOKEN = re.compile(r"\d+|[abxα½⅓⅔¼¾⅕⅖⅗⅘⅙⅚⅛⅜⅝⅞⅐⅑⅒()/+×⋅-]|[²³⁰¹⁴-⁹]+")


class Reader:
    """Reads Unicode arithmetic. A product without a sign binds as `/` does, or *closer*: readers do both."""

    def __init__(self, text: str, *, closer: bool) -> None:
        self.tokens = TOKEN.findall(text)
        assert "".join(self.tokens) == "".join(text.split()), text
        self.closer = closer

    def sum(self) -> Fraction:
        value = self.product()
        while self.tokens and self.tokens[0] in "+-":
            sign = self.tokens.pop(0)
            value += self.product() if sign == "+" else -self.product()
        return value

    def product(self) -> Fraction:
        value = self.run() if self.closer else self.power()
        while self.tokens and self.tokens[0] not in (")", "+", "-"):
            sign = self.tokens.pop(0) if self.tokens[0] in "/×⋅" else "×"
            factor = self.run() if self.closer else self.power()
            value = value / factor if sign == "/" else value * factor
        return value

    def run(self) -> Fraction:
        value = self.power()
        while self.tokens and self.tokens[0] not in ")+-/×⋅":
            value *= self.power()
        return value

    def power(self) -> Fraction:
        value = self.atom()
        while self.tokens and self.tokens[0][0] in "²³⁰¹⁴⁵⁶⁷⁸⁹":
            value **= int(self.tokens.pop(0).translate(str.maketrans("⁰¹²³⁴⁵⁶⁷⁸⁹", "0123456789")))
        return value

    def atom(self) -> Fraction:
        token = self.tokens.pop(0)
        if token == "(":
            value = self.sum()
            assert self.tokens.pop(0) == ")"
            return value
        if token.isdecimal():
            return Fraction(token)
        if token in "½⅓⅔¼¾⅕⅖⅗⅘⅙⅚⅛⅜⅝⅞⅐⅑⅒":
            return Fraction(NUMERIC[token])
        return LETTERS[r"\alpha " if token == "α" else token]


NUMERIC = dict(zip("½⅓⅔¼¾⅕⅖⅗⅘⅙⅚⅛⅜⅝⅞⅐⅑⅒", ["1/2", "1/3", "2/3", "1/4", "3/4", "1/5", "2/5", "3/5", "4/5", "1/6", "5/6", "1/8", "3/8", "5/8", "7/8", "1/7", "1/9", "1/10"], strict=True))  # fmt: skip


@given(FORMULAS)
@settings(max_examples=300, deadline=None)
@example(Formula(r"\frac{1}{2}^2", Fraction(1, 4), True))
def test_a_fraction_keeps_its_value_for_every_reader(formula: Formula) -> None:
    shown = only(f"\\({formula.latex} + x\\)").text

    if "\\" not in shown:  # else it is the writer's own LaTeX
        for closer in (False, True):
            assert Reader(shown, closer=closer).sum() == formula.value + LETTERS["x"], shown
