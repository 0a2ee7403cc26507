"""Pairing: a newcomer gets a code, and an owner who knows it from them lets them in by a button."""

import hashlib
import hmac
import secrets
from typing import Literal

from openclaw_brain.inbox.context import UpdateContext
from openclaw_core.store.effects import AskPairing, DecidePairing, Effect
from openclaw_core.texts import wording
from openclaw_core.texts.wording import Sentence

LETTERS = "ABCDEFGHJKMNPQRSTUVWXYZ23456789"
"""Without those that are mistaken for one another: I and 1, L, O and 0."""
CODE_LETTERS = 8
_TOASTS = {
    "given": Sentence.PAIRING_GIVEN,
    "declined": Sentence.PAIRING_DECLINED,
    "already": Sentence.PAIRING_ALREADY,
    "expired": Sentence.PAIRING_EXPIRED,
}


def new_code() -> str:
    """A code that nobody can guess: 39 random bits."""
    letters = "".join(secrets.choice(LETTERS) for _ in range(CODE_LETTERS))
    return f"{letters[:4]}-{letters[4:]}"


def code_digest(user_id: str, code: str) -> str:
    """What the store keeps of the code of a newcomer."""
    return hashlib.sha256(f"{user_id}:{code}".encode()).hexdigest()[:32]


def ask_pairing(context: UpdateContext, code: str) -> list[Effect]:
    """Give the newcomer *code*, and each owner a button, unless a request of theirs waits or too many do."""
    user = str(context.incoming.user_id)
    owners = tuple(str(owner) for owner in sorted(context.owners))
    asked = AskPairing(
        **context.notice_fields("pairing"), user=user, code=code, digest=code_digest(user, code), owners=owners
    )
    return [asked]


def press_pairing(context: UpdateContext, argument: str) -> list[Effect]:
    """Return what a button below a request changes: `<user or none>:<newcomer>:<code>`. It counts from an owner alone."""
    if not context.by_owner:
        return [context.toast(Sentence.OWNERS_ONLY)]
    word, _, rest = argument.partition(":")
    user, _, code = rest.partition(":")
    if word not in ("user", "none") or not code:
        return [context.toast(Sentence.BUTTON_OLD)]
    right: Literal["user", "none"] = "user" if word == "user" else "none"
    known = context.state.pairing_digest
    # In constant time: how long a refusal takes must not tell how much of a code is right.
    matches = hmac.compare_digest(code_digest(user, code).encode(), known.encode())
    toasts = {name: wording.sentence(what, context.lang) for name, what in _TOASTS.items()}
    return [
        DecidePairing(
            **context.place, user=user, digest=known if matches else "", right=right, by=str(context.incoming.user_id),
            button=context.incoming.button_id, toasts=toasts,
        )
    ]  # fmt: skip


def newcomer_of(button_data: str) -> int:
    """The newcomer that a button of a request names, 0 if it names none."""
    user = button_data.split(":")[2:3]
    return int(user[0]) if user and user[0].isascii() and user[0].isdigit() and len(user[0]) <= 16 else 0
