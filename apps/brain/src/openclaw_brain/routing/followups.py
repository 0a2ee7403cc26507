"""Recognizes follow-ups: short refinements of the last answer, which stay with the role that gave it."""

import re

from openclaw_brain.routing.lexicon import LANGUAGES, LANGUAGES_HE
from openclaw_brain.routing.parsed_text import ParsedText

REFINEMENT_WORDS = 9
"""A longer message is complete without the one before it."""
ELLIPSIS_WORDS = 3
"""A message as short as this means nothing without the one before it."""

_EN = re.compile(
    r"^(?:(?:ok(?:ay)?|great|nice|cool|good|perfect|hmm+|thanks|thx|please|pls|no|yes|wait|but|and|now|so|then)[\W_]+)*(?:"
    r"(?:even |much |a (?:bit|little) )?(?:shorter|longer|simpler|briefer|faster|better|clearer|cheaper|(?:more|less) \w+|in more detail)|"
    rf"(?:and |now |same |but )*(?:in|to|for|with|without|using) (?:{LANGUAGES}|c|go|rust|simple\w*|plain|other|hebrew|english|more|less|bullets|\w+)\b|"
    r"(?:what|how) about|same (?:thing|but|for|in|with)?|as (?:a |an )?(?:bullets?|list|table|paragraph|one-liner)|instead|again|once more|"
    r"(?:can|could) (?:you|u) (?:add|remove|make (?:it|that|them)|change|use|explain|expand|elaborate|do (?:it|that)|show|rewrite|shorten|simplify|give (?:me )?(?:an example|more))|"
    r"(?:make|do|rewrite|explain|shorten|simplify|expand|translate|redo|put|fix|try|say) (?:it|that|this|them|again)\b|"
    r"(?:add|remove|use|try|drop|skip|keep|change|replace|rename|include|elaborate|expand|continue|go on|keep going|another|one more|more|next|only|just)\b|"
    r"(?:it |that |this )?(?:still )?(?:doesn.?t|does not|didn.?t|isn.?t|is not|not) (?:work|help|run|right|compile|true|what)\w*|still \w+|"
    r"too (?:long|short|complicated|formal|slow|vague)|(?:are you )?(?:really|sure)\b|why(?: not| is that| so)?\W*$|how so|how come\W*$|which one|who else|when\W*$|where\W*$|"
    r"and (?:in|if|for|what|how|when|why|the|on|with|without|\d)|what (?:does|do|is|was|did) (?:that|it|this|they|he|she)\b|i (?:don.?t|didn.?t) (?:get|understand)|"
    r"(?:a |the )?(?:second|first|third|last) (?:one|point|part|paragraph|option|line)"
    r")"
)
_HE = re.compile(
    r"^(?:(?:אוקיי|אוקי|טוב|יופי|מעולה|סבבה|תודה|מגניב|אחלה|לא|כן|רגע|אבל|אז|ו?עכשיו|בבקשה|אה|הבנתי)[\W_]+)*(?:"
    r"(?:עוד )?(?:יותר |הרבה |קצת )?(?:קצר|ארוך|פשוט|מהר|מפורט|ברור|זול|טוב|רשמי|תמציתי)(?:ה|ים)?(?: יותר)?(?:[\W_]|$)|(?:יותר|פחות|עוד|שוב|רק|בלי|עם|אותו|אותה|אותו דבר|כנ\"ל|אפשר גם|גם)(?:[\W_]|$)|"
    r"(?:ו?עכשיו |אבל |וגם |אותו דבר |ו?אפשר )*ו?ב-? ?(?:" + LANGUAGES_HE + "|" + LANGUAGES + r"|go|rust|node|אנגלית|עברית|נקודות|קצרה|טבלה|בולטים|משפט|פירוט|בקשה|מילים|קיצור|רשימה)(?:[\W_]|$)|"
    r"ו?(?:מה|איך) (?:עם|לגבי|בנוגע|זה אומר|הכוונה)|ו?אם |ובשביל|ובלי|ועם |ול|"
    r"ת?(?:קצר|קצרי|קצרו|סביר|סבירי|רחיב|רחיבי|פרט|פרטי|וסיף|וסיפי|וריד|ורידי|שנה|שני|חליף|חליפי|משיך|משיכי|נסה|נסי|תקן|תקני|מחק|מחקי|פשט|פשטי)(?: \S+){0,2} ?(?:את זה|שוב|יותר|קצת|גם|לי|על|אותו|אותה|הערות|דוגמה|דוגמא|$)|תרחיב|תוסיפ?י?|תמשיכי?|תפרטי?|"
    r"(?:זה )?(?:עדיין |עוד )?(?:לא (?:עובד|עוזר|רץ|נכון|הבנתי|ברור|מה ש))|עדיין|לא הבנתי|"
    r"למה(?: לא| ככה| דווקא)?\W*$|בטוח\W*|באמת\W*$|מה זאת אומרת|מתי\W*$|איפה\W*$|כמה\W*$|מי\W*$|איזה\W*$|הסעיף|הנקודה|הפסקה|השורה|ה(?:שני|ראשון|אחרון|שלישי)(?:ה|ת)?(?:[\W_]|$)|יש (?:משהו|עוד|גם|לך עוד)|תן (?:עוד|לי עוד|דוגמה)|דוגמה|דוגמא"
    r")"
)  # fmt: skip
_COMPARED = re.compile(
    r"^(?:(?:ok(?:ay)?|great|and|but|even|much|now|make (?:it|this|that)|a (?:bit|little)|please)[\W_]+)*(?:short|long|simpl|brief)er\b|"
    r"^(?:(?:אוקיי|טוב|תודה|אבל|עוד|הרבה|קצת|אפשר)[\W_]+)*(?:(?:קצר|ארוך|פשוט|תמציתי)ה? יותר|יותר (?:קצר|ארוך|פשוט|בקצרה)|בקצרה|בקיצור)(?![א-ת])"
)
_NEW_QUESTION = re.compile(
    r"^(?:who|what|when|where|which|how|is|are|do|does|did|can|should|write|find|tell|give|show|translate|summari[sz]e|מי|מה|מתי|איפה|איך|כמה|האם|למה|תכתוב|תכתבי|תן|תני|תמצא|ספר|תרגם|תתרגם|סכם|תסכם|כתוב|תמליץ|המלץ)\b"
)


def refines(parsed: ParsedText) -> bool:
    """Whether the message only makes sense as a change of the last answer."""
    words = len(parsed.request_words)
    if parsed.pasted_words or words > REFINEMENT_WORDS or not parsed.request:
        return False
    if _EN.match(parsed.request) or _HE.match(parsed.request):
        return True
    return 0 < words <= ELLIPSIS_WORDS and not _NEW_QUESTION.match(parsed.request)


def compares(parsed: ParsedText) -> bool:
    """Whether the message compares with the last answer ('shorter'). Then a rule for another role does not count."""
    return bool(_COMPARED.match(parsed.request))
