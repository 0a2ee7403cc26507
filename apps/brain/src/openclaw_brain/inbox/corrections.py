"""Whether a message says that the answer before it is wrong: by a list of phrases, in English and Hebrew, and by no model.

What says so in other words is missed, and that is the same for each prompt. An edit of the question is none: it is about the question.
"""

import re

from openclaw_brain.inbox.context import UpdateContext
from openclaw_core.characters import trimmed
from openclaw_core.store.effects import Effect, NoteCorrection

CORRECTION_WITHIN_S = 300
"""How long after an answer was shown the next message may correct it."""
_BEFORE = r"(?:no|nope|sorry|but|hm+|actually|i think|i'm afraid|לא|סליחה|אבל|אה+|אממ*|נראה לי(?: ש)?|אני חושבת? ש)[\s,.!:\-]*"
_IT_IS = r"(?:(?:that|this|it|the answer|your answer|you)(?:'s| is| are|'re| was)? (?:just |still |all |completely )?)"
_EN = (
    rf"{_IT_IS}(?:wrong|incorrect|not (?:correct|right|true|accurate|what i (?:asked|meant|wanted)(?: for)?))",
    r"(?:wrong answer|not what i (?:asked|meant|wanted)(?: for)?|that isn't (?:correct|right|true)|you(?:'re| are) mistaken)",
    r"(?:you misunderstood(?: me| my question)?|you got (?:it|that) wrong|you made a mistake|there(?:'s| is) (?:a mistake|an error) in (?:your|the) answer)",
    r"(?:(?:it|this|that|your code|the code) (?:still )?(?:doesn't|does not|didn't) work)",
)
_HE = (
    r"(?:(?:זה|התשובה|התשובה שלך) )?(?:פשוט |עדיין )?(?:לא נכון|לא נכונה|לא מדויקת?|שגוי|שגויה|לא מה ש(?:שאלתי|ביקשתי|רציתי|התכוונתי))",
    r"(?:תשובה שגויה|טעות|טעית|(?:יש|נפלה) (?:לך |כאן |פה )*טעות|לא (?:את זה|זה מה ש)(?: )?(?:שאלתי|ביקשתי)|לא הבנת(?: אותי)?)",
    r"(?:(?:זה|הקוד) (?:עדיין )?לא עובד|עדיין לא עובד)",
)
_ALONE = r"(?:wrong|incorrect|not (?:correct|right|true)|doesn't work|does not work|שגוי|לא עובד)"
_SAYS_WRONG = re.compile(
    rf"(?:{_BEFORE}){{0,2}}(?:(?:{'|'.join((*_EN, *_HE))})(?!\w)(?! (?:with|to|that|if|when|שאני|אם|כש))|{_ALONE}(?=\s*(?:[.,!?;:\n\u2014-]|$)))"
)


def says_wrong(text: str) -> bool:
    """Whether *text* begins by saying that what was answered is wrong."""
    return _SAYS_WRONG.match(trimmed(text)[:200].lower().replace("\u2019", "'")) is not None


def note_correction(context: UpdateContext) -> list[Effect]:
    """The effect of a message that corrects, beside those that it has as a question. The store knows whether an answer was before it."""
    incoming = context.incoming
    if incoming.kind != "text" or incoming.forwarded or not says_wrong(incoming.text):
        return []
    user = str(incoming.user_id)
    return [NoteCorrection(**context.place, user=user, within_ms=CORRECTION_WITHIN_S * 1000)]
