"""Words that speak for a role, in English and Hebrew, as tables to read and to extend.

A cue counts once, however often its words occur. A weight of 3 decides alone, 1 and 2 need other cues. Hebrew words
are matched with the prefixes ה ו ב ל מ ש כ before them, and verbs in the forms that people use to ask for something.
"""

import re
from dataclasses import dataclass, field

PREFIXES = "(?:[ובלמשכה]{0,3})"


@dataclass(frozen=True, slots=True, kw_only=True)
class Cue:
    """Words or phrases in a message that speak for a role."""

    name: str
    role: str
    weight: float
    en: str = ""
    """A regular expression, matched between word boundaries."""
    he: str = ""
    """The same for Hebrew, matched after optional prefixes and before a non-letter."""
    mixed: str = ""
    """English words that count only in a Hebrew message, where everyday things have Hebrew names."""
    start: bool = False
    """Only at the start of the request."""
    pattern: re.Pattern[str] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        parts = []
        if self.en:
            parts.append(rf"(?<![a-z0-9_])(?:{self.en})(?![a-z0-9_])")
        if self.he:
            parts.append(rf"(?<![א-תa-z0-9_]){PREFIXES}-?(?:{self.he})(?![א-תa-z0-9_])")
        if self.mixed:
            parts.append(rf"(?s:^(?=.*[א-ת]).*?(?<![a-z0-9_])(?:{self.mixed})(?![a-z0-9_]))")
        joined = "|".join(parts)
        if self.start:
            joined = rf"^(?:ok(?:ay)?|so|hey|hi|please|pls|can you|could you|תגיד|תגידי|אז|היי|אוקיי|בבקשה|[\W_])*\s*(?:{joined})"
        object.__setattr__(self, "pattern", re.compile(joined))


def verb(*stems: str) -> str:
    """Build a pattern of the Hebrew verb forms of requests: future, imperative, infinitive, 'let us'. A stem is `full/before a suffix`."""
    forms: list[str] = []
    for stem in stems:
        full, _, short = stem.partition("/")
        short = short or full
        forms += [f"[תלנאי]?{full}", f"ת?{short}[יו]"]
    return "(?:" + "|".join(forms) + ")"


MAKE_EN = r"write|build|make|create|implement|code|generate|develop|program|need|want|give me"
THING_EN = (
    r"scripts?|functions?|programs?|(?:discord|telegram|slack|whatsapp) bot|web ?(?:site|page|app)|landing page|class|"
    r"(?:chrome |browser )?extension|component|query|endpoints?|(?:web ?)?server|api|"
    r"regex|one.?liner|decorator|parser|crawler|scraper|dockerfile|makefile|workflow|unit tests?|algorithm|"
    r"macro|sketch|linked list|calculator|app|todo list|snake|tic.?tac.?toe|\w+ sort|binary search"
)
MAKE_HE = (
    verb("כתוב/כתב", "בנה/בנ", "עשה/עש", "צור/צר", "יצר", "ממש", "הכן/הכינ", "כין/כינ", "רים/רימ", "פתח")
    + "|צריכ?ה?|צריך|רוצה|לעשות|לבנות|ליצור|תן לי|תני לי|כותבים|כותב|בונים|בונה|בא לי"
)
THING_HE = (
    r"סקריפט|פונקצי(?:ה|ות|ית)|תוכנית ש\w*|תוכנה|תוכנת|קוד(?! ה)|בוט|אפליקצי(?:ה|ית)|דף נחיתה|דף אינטרנט|אתר|"
    r"תוסף|שאילת(?:ה|א|ות|ת)|מחלקה|רגקס|רג'קס|ביטוי רגולרי|שרת|מאקרו|נוסחה|אלגוריתם|מיון \w+|לולאה|"
    r"משחק (?:סנייק|איקס|ב)|בדיקות יחידה|טסטים|פקודה|דוקרפייל|מחשבון"
)  # fmt: skip
LANGUAGES = (
    r"python|java|javascript|typescript|js|ts|c\+\+|c#|rust|golang|kotlin|swift|php|ruby|perl|haskell|scala|bash|"
    r"powershell|vba|matlab|sql|html|css|node(?:\.?js)?|react|vue|angular|django|flask|fastapi|pandas|numpy"
)
LANGUAGES_HE = r"פייתון|פיית'ון|ג'אווה(?: ?סקריפט)?|ג'אווהסקריפט|גאווה|ג'ווה|טייפסקריפט|ריאקט|נוד|ראסט|קוטלין|סי שארפ|סי פלוס פלוס|באש|ג'נגו|פלאסק|פנדס|סקלה|פי אייץ' פי"

CUES: tuple[Cue, ...] = (
    # ---- coder
    Cue(
        name="make a program",
        role="coder",
        weight=3,
        en=rf"(?:{MAKE_EN})(?: \S+){{0,5}} (?:{THING_EN})",
        he=rf"(?:{MAKE_HE})(?: \S+){{0,4}} {PREFIXES}-?(?:{THING_HE}|script|function|query|component|endpoint|bot|app|class|regex|workflow|config|api|server|docker|bash)",
    ),
    Cue(
        name="program named first",
        role="coder",
        weight=1.5,
        start=True,
        en=rf"(?:an? |the |some )?(?:small |simple |tiny |quick )?(?:{THING_EN}|sql|bash|regexp?|css|html|pattern|formula|command|cli|docker|git|github action|vba)",
        he=r"(?:סקריפט|פונקציה|שאילת[הא]|רגקס|ביטוי רגולרי|בוט|נוסחה|פקודה|מאקרו|קוד|תוכנה|תוכנית ש\S+|אפליקציה|לולאה|דף נחיתה|שרת|דוקרפייל|כלי ש\S+|אלגוריתם|סיבוכיות|מחשבון|טרהפורם|קרון|קובץ (?:yaml|docker|דוקר))",
    ),
    Cue(
        name="language",
        role="coder",
        weight=1.5,
        en=rf"(?:{LANGUAGES})",
        he=rf"(?:{LANGUAGES_HE}|שפת סי|{LANGUAGES})",
    ),
    Cue(
        name="in a language",
        role="coder",
        weight=1,
        en=rf"(?:in|to|from|with|using|into) (?:{LANGUAGES}|c|go|rust|excel|google sheets)",
        he=rf"(?:{LANGUAGES_HE}|אקסל|גיליון|גוגל שיטס)|ב-? ?(?:{LANGUAGES})",
    ),
    Cue(
        name="tool",
        role="coder",
        weight=2,
        en=r"docker(?:file|-compose)?|kubernetes|k8s|kubectl|nginx|npm|pip|yarn|webpack|git|github|gitignore|redis|postgres(?:ql)?|mysql|mongo(?:db)?|sqlite|"
        r"cron ?(?:job|tab)?|crontab|systemd|ssh|curl|ffmpeg|awk|sed|grep|chmod|terraform|helm|jenkins|pytest|prisma|express|spring|"
        r"regexp?|regular expressions?|vlookup|sumif|dataframe|matplotlib|scikit-learn|arduino|unity script|beautifulsoup|websockets?|"
        r"crashloopbackoff|pods?|backend|frontend|localhost|terminal|command line|linux command|s3|ide|vs ?code|useeffect|usestate|merge commit|package-lock|upload to s3",
        he=r"דוקר|קוברנטיס|נג'ינקס|אנג'ינקס|גיט|טרמינל|שורת הפקודה|לינוקס|אקסל|גוגל שיטס|רגקס|טרהפורם|פוסטגרס|מייסקל|רדיס|ארדואינו|פנדס",
    ),
    Cue(
        name="parts of programs",
        role="coder",
        weight=2,
        en=r"variables?|arrays?|loops?|recurs(?:ive|ion)|json|yaml|csv|xml|api|endpoint|async(?:/?await)?|await|closure|"
        r"decorator|thread.?safe|threads?|deadlock|mutex|dependency|dependencies|"
        r"div|z-index|flexbox|css|dom|component|schema|primary key|foreign key|(?:left|inner|outer) join|index(?:es)? on|duplicate rows|"
        r"compile[sr]?|runtime|stack ?trace|null|undefined|nan|boolean|integer|localstorage|env(?:ironment)? var(?:iable)?s?|"
        r"time complexity|big o|linked list|hash ?map|binary tree|unit tests?|mock|refactor|merge conflict|pull request|rebase|"
        r"commit(?:s|ted)?|deploy(?:ed|ment)?|ci|build fails?|sub ?query|source code",
        he=r"משתנ(?:ה|ים)(?: סביבה)?|מערך|מערכים|לולא(?:ה|ות|ת)|רקורסי(?:ה|בי|בית)|מחרוז(?:ת|ות)|ג'ייסון|מתוד(?:ה|ות)|אובייקט(?:ים)?|"
        r"מסד נתונים|דאטה בייס|שאילת(?:ה|א|ות|ת)|עמודה|קומיט(?:ים)?|מרג'|פוש|פול ריקווסט|ריפו|קונטיינר|"
        r"קונסול|דיבאג|ספרי(?:י)?ה(?: חיצונית)?|קומפילציה|סיבוכיות|תחביר|באקאנד|פרונט(?:אנד)?|דפדפן",
        mixed=r"html|css|json|yaml|csv|api|sql|docker|git|npm|null|undefined|bash|state|component|build|container|deploy|commit|branch|merge|query|endpoint|database|debug|pipeline|token|env|server|hook|thread|class|function|string|array|loop|repo|package",
    ),
    Cue(
        name="words with another meaning too",
        role="coder",
        weight=1,
        en=r"functions?|strings?|branch(?:es)?|method|class(?:es)?|scripts?|code|servers?|generator|pointer|constructor|staging|repo(?:sitory)?|table|bot|app|program|command|list|file|page|site|build|test|user|data|package|release|keys?|values?|field|type",
        he=r"פונקצי(?:ה|ות|ית|יה)|קוד|סקריפט(?:ים)?|שרת(?:ים)?|ענף|מודול|מחלק(?:ה|ות)|טבל(?:ה|ה|אות|ת)|בוט|אפליקצי(?:ה|ה|ית)|תוכנ(?:ה|ת|ית)|פקוד(?:ה|ת)|קובץ|קבצים|עמוד|דף|בילד|טסט(?:ים)?|משתמש(?:ים)?|גרסה|שדה",
        mixed=r"script|user|data|file|app|bot|config|list",
    ),
    Cue(
        name="it breaks",
        role="coder",
        weight=1.5,
        en=r"crash(?:es|ed|ing)?|errors?|exceptions?|bugs?|debug(?:ging)?|segfaults?|fails?|failing|broken|hangs?|stuck|"
        r"(?:doesn.?t|does not|isn.?t|is not|not|won.?t|stopped) (?:work(?:ing)?|run(?:ning)?|load(?:ing)?|compil(?:e|ing)|respond(?:ing)?|start(?:ing)?|updat(?:e|ing))|does nothing|"
        r"blank page|rerenders?|infinite|time(?:s|d)? ?out|permission denied|(?:40[0-9]|50[0-9])s?|returns? (?:null|none|undefined|nothing|#n/a)|throws?",
        he=r"שגיא(?:ה|ת|ות)|באג(?:ים)?|נופל(?:ת|ים)?|קורס(?:ת|ים)?|נתקע(?:ת)?|נכשל(?:ת)?|חריגה|זורק|לא (?:עובד|עובדת|רץ|רצה|נטען|מגיב|נעצר|נעצרת|נמצא|מתקמפל|מתעדכן|מתחבר)|מתפוצץ|אינסופית|לדבג|מדבגים|חוזר ריק",
        mixed=r"error|bug|crash|timeout|exception|fail",
    ),
    Cue(
        name="work on code",
        role="coder",
        weight=2,
        en=r"(?:fix|debug|refactor|review|optimi[sz]e|clean up|explain|improve|run|speed up|indent|test) (?:\S+ ){0,3}(?:code|function|script|query|method|class|css|loop|bug|line|sql|regex|command|indentation|snippet)|thread safe|type hints|add (?:unit )?tests|pseudo.?code",
        he=r"(?:[תל]?תקן|[תל]?תקני|תסדר|תסדרי|לתקן|תעבור|תעברי|תבדוק|תבדקי|לבדוק|תסביר|תסבירי|להסביר|תשפר|תייעל|לייעל|תנקה|תפרק)(?: \S+){0,3} "
        + PREFIXES
        + r"(?:קוד|פונקציה|לולאה|מחלקה|שאילתה|שורה|סקריפט|שגיאה|באג|טסטים|css)|מה עוש(?:ה|ות) (?:ה?(?:פקודה|פונקציה|קוד|שורה|שורות|לולאה))",
    ),
    Cue(
        name="how does one program it",
        role="coder",
        weight=1,
        en=r"how (?:do|can|would|should) (?:i|you|we|one) (?:\S+ ){0,2}(?:parse|sort|loop|iterate|undo|revert|squash|reset|install|deploy|call|query|select|join|concatenate|delete|rename|reverse|shuffle|split|merge|debug|import|export|center|align|style|validate|store|kill)",
        he=r"איך (?:אני |אנחנו )?(?:\S+ )?(?:ממיינים|מפרקים|שולפים|מוחקים|מריצים|מתקינים|מבטלים|מדבגים|ממרכזים|מייבאים|מגדירים|מחברים|הופכים|רצים|מקבלים|מוציא|מחזירים)",
    ),
    # ---- summarizer
    Cue(
        name="summarize",
        role="summarizer",
        weight=3,
        start=True,
        en=r"(?:and |now |then |just |help me |quickly |briefly |i need you to |i want you to )*(?:to )?(?:summari[sz]e|sum (?:it |this |that |these |them |everything |all )?up|tl;?dr|recap|condense|shorten|digest|abridge)",
        he=rf"(?:תוכל(?:י)? |אפשר |אנא |עכשיו )*(?:{verb('סכם/סכמ', 'תמצת', 'קצר', 'מצת')}|תמצת|תמצתי|לתמצת)(?! שיער)",
    ),
    Cue(
        name="summary words",
        role="summarizer",
        weight=2,
        en=r"summari[sz]e|summary|sum (?:\w+ )?up|tl;?dr|gist|recap|key (?:points|facts|takeaways)|main (?:points|ideas|takeaways?|things?)|takeaways?|highlights|bullet(?:s| points?)|action (?:items|points)|minutes (?:from|of)|meeting minutes|"
        r"bottom line|in (?:a nutshell|one (?:line|sentence)|two (?:lines|sentences)|\d+ (?:lines|bullets|words|sentences))|executive summary|abstract|condense|shorten|trim|boil (?:\w+ )?down|cut (?:\w+ )?(?:down|to|by)|too long|essentials|wrap up|outline|main thing",
        he=rf"{verb('סכם/סכמ', 'תמצת', 'קצר', 'צמצם/צמצמ', 'מצת', 'הדק', 'תקטין/תקטינ', 'דחס', 'דחוס/דחס', 'זקק')}|סיכום|סיכומים|תקציר|תמצית|תמציתי|בקצרה|בקיצור|נקודות|בולטים|עיקר(?:י|ים)?|שורה(?: ה)?תחתונה|במשפט אחד|בשתי שורות|ראשי פרקים|"
        r"עיקרי הדברים|פואנטה|תכל'?ס|החשוב|ליבה|המסקנות|פספסתי|פרוטוקול|תמלול|משפט אחד|שורה אחת|בשורה|בכמה מילים|בפחות מילים|חצי מה|ארוך (?:לי|מדי)|קצר יותר|גרסה קצרה|כותרת|\d+ (?:נקודות|שורות|מילים|משפטים)",
        mixed=r"summary|tldr|tl;dr|bullets|bullet|highlights|takeaways|action items",
    ),
    Cue(
        name="about what was pasted",
        role="summarizer",
        weight=1.5,
        en=r"(?:what(?:'?s| is| does| do| are| did)) (?:\S+ )?(?:this|they|the|that|it|he|she|i) (?:\S+ ){0,3}(?:about|say(?:ing)?|want(?:s)?|need to know|decide[d]?|important|mean|point)|(?:this|the|following|below) (?:\S+ )?(?:text|article|paragraph|email|letter|report|document|thread|notes|chapter|paper|contract|page|link|transcript|post)|short(?:er)? version|make (?:it|this|that) short(?:er)?|(?:don.?t|no) (?:have )?time to read|didn.?t read|i missed",
        he=r"(?:על מה|מה) (?:ה?(?:כתבה|טקסט|מאמר|מייל|מכתב|מסמך|חוזה|קישור|דוח|סרטון)|כתוב|רוצים|רוצה|הוא|היא|הם|חשוב|נפסק|אני (?:צריך|חייב))|טקסט (?:הזה|הבא)|פסקה (?:הזאת|הבאה|הזו)|מאמר הזה|כתבה הזאת|מכתב הזה|מייל הזה|אין לי (?:זמן|כוח) לקרוא|מהטקסט|מהרשימות",
    ),
    Cue(
        name="the talk so far",
        role="summarizer",
        weight=3,
        en=r"(?:recap|summary|sum up|summari[sz]e|wrap up|tl;?dr) (?:\S+ ){0,3}(?:our|this|the|we) ?(?:whole )?(?:chat|conversation|discussion|talk|talked)|what (?:we|did we) (?:talked|talk|decide|discuss|said|say)",
        he=r"(?:סיכום|סכם|תסכם|תסכמי|לסכם|בקצרה|תקציר)(?: \S+){0,3} (?:ה?שיחה(?: שלנו)?|דיברנו|שדיברנו|אמרנו|שאמרנו)|מה (?:סיכמנו|החלטנו|היה לנו עד)",
    ),
    # ---- researcher
    Cue(
        name="who, when, where",
        role="researcher",
        weight=2,
        start=True,
        en=r"who(?:'?s| is| was| are| were| won| made| invented| founded| wrote| created| designed| owns| runs| scored| painted| directed)|when (?:did|was|is|does|will|were)|where (?:can|is|are|do|did|should)|how (?:much (?:is|are|does|do|should|did)|old|far|tall|long (?:is|was|does it|do i)|often|come)|what year|which (?:country|city|team|bank|company|year|vpn)|is it (?:true|safe|legal|worth|ok)|should i|can i|do (?:i|you) (?:need|think|know|like)",
        he=r"מי (?:המציא|כתב|כתבה|היה|היתה|הייתה|זכה|זכתה|זאת|זו|זה|הקים|יצר|ייסד|עומד|מוביל|עלתה|שר|ראש|הבקיע|המנכ\"ל)|מי שר|מתי|באיזו? שנה|כמה (?:עולה|זמן|מרוויח|מרוויחים|שנים|אנשים|קלוריות|זה|ימים|רחוק|לוקחת|גר)|איפה|לאן|האם|בן כמה|בת כמה|מותר|כדאי|שווה|עדיף|מה (?:דעתך|עדיף|בירת|השעה|המיקוד|הקידומת|שער|המחיר|חדש|קורה|נשמע|המצב|קרה|הפירוש|פירוש)|איך אומרים|למה (?:קוראים|קראו|השמיים|חתולים|אנשים)",
    ),
    Cue(
        name="news and prices",
        role="researcher",
        weight=2,
        en=r"latest|news|update on|price of|prices?|cost|how much|cheap(?:est)?|weather|forecast|exchange rate|election|who won|stock (?:price|market)|bitcoin|today|this week|yesterday|tomorrow",
        he=r"חדשות|מזג האוויר|מחיר(?:ים)?|כמה עולה|דולר|בורסה|בחירות|אתמול|היום|השבוע|מחר|השנה|עולה|יקר|זול|שקל בחודש",
    ),
    Cue(
        name="about programming, not in it",
        role="researcher",
        weight=4,
        en=r"(?:who|when|why|where|history|year|inventor|creator|founder|origin)\b.{0,50}\b(?:invent(?:ed|or)|design(?:ed|er)|creat(?:ed|or)|found(?:ed|er)|named?|called|popular|first|come to|appear(?:ed)?|originally|history|develop(?:ed)? by)|first programming|(?:still|is) .{0,25}\b(?:used|dead|popular|dying)\b|"
        r"(?:salary|salaries|earn|career|hired?|job (?:market|openings?)|jobs in|bootcamps?|degree|interview|course|book|worth (?:it|learning)|learn(?:ing)? (?:to code|programming)|most popular|best laptop)",
        he=r"(?:מי|מתי|למה|מדוע|באיזו? שנה|היסטוריה|ממציא|בת כמה)(?: \S+){0,5} (?:המציא|המציאו|יצר|יצרה|פיתח|פיתחה|קראו|קוראים|נוצרה|נולדה|הקים|ייסד|ממציא|פופולרי|פופולרית|הראשונה|עומד מאחורי|שפת|השפה)|מי (?:המציא|יצר|פיתח|הקים|עומד מאחורי)|מרוויח(?:ים|ה)?|משכורת|שכר|לעשות קורס|קורס (?:תכנות|סייבר|פיתוח|אונליין)|בוטקאמפ|ראיון|הסבה|הייטק|תואר|שוק העבודה|ללמוד|ספר(?:ים)? (?:טוב|על)|שווה ללמוד|הכי (?:ותיקה|מבוקשת|פופולרית)|לתכנת|יחליפ?ו? מתכנתים",
    ),
    Cue(
        name="life",
        role="researcher",
        weight=2,
        en=r"recipe|cook|dinner|restaurant|hotel|flight|visa|passport|trip|travel|vacation|beach(?:es)?|doctor|headache|pain|fever|calories|diet|workout|movie|film|series|novel|songs?|football|league|match|cup|rent|landlord|mortgage|tax(?:es)?|insurance|gift|kids?|baby|dog|cat|wife|husband|roommate|boss|wedding|school|birthday|itinerary|poem|joke|capital of|population|president|minister|war|planet|moon|king",
        he=r"מתכון|לבשל|מבשלים|להכין מ|מסעדה|מסעדות|מלון|טיסה|לטוס|ויזה|דרכון|טיול|לטייל|חופשה|חוף|רופא|כאב|כואב(?:ת)?|חום \d+|קלוריות|דיאטה|אימונים|סרט|סדרה|ספר טוב|שיר|כדורגל|ליגה|גמר|שכירות|שכר דירה|משכנתא|מס הכנסה|ביטוח|מתנה|ילד(?:ים|ה)?|תינוק(?:ות)?|כלב|חתול|אשתי|בעלי|שותף|הבוס|חתונה|יום הולדת|מסלול|בירת|ראש הממשלה|נשיא|מלחמה|מלחמת|כוכב|ירח(?:ים)?|חומוס|דירה|רכב|בנזין|תרופה|אנטיביוטיקה",
    ),
    Cue(
        name="words and letters",
        role="researcher",
        weight=2.5,
        start=True,
        en=r"translate|how do (?:you|i) say|what does \"|(?:help me )?(?:write|draft|word)(?: \S+){0,4} (?:email|mail|letter|message|greeting|wish|poem|apology|toast|speech|cover letter|note to|post about)|rephrase|tell me (?:a joke|about|something)|recommend|suggest|compare|plan (?:me|a|my)|find (?:me )?(?:studies|articles|sources)|who are you|what can you do",
        he=r"(?:תרגם|תתרגם|תתרגמי|לתרגם|איך אומרים|מה זה אומר|מה הפירוש|תנסח|תנסחי|לנסח|תמליץ|תמליצי|המלץ|ספר לי|תספר|תציע|תציעי|רעיונות ל|תמצא לי מחקרים|תחפש לי|השווה|תשווה|(?:תכתוב|תכתבי|כתוב)(?: \S+){0,3} (?:ברכה|ברכת|מייל|מכתב|שיר|הודעה|נאום|סיפור|התנצלות|קורות חיים))",
    ),
    Cue(
        name="small talk",
        role="researcher",
        weight=3,
        en=r"^(?:hi+|hey+|hello|yo|sup|good (?:morning|evening|night)|thanks?(?: you)?|thx|ty|lol|haha+|bye|cool|nice(?: one)?|great|wow|how are you|how's it going|what's up|you're (?:the best|great)|[\W_]|there|so much|a lot|again|today|mate|bro|buddy|:\)|u|man)+$",
        he=r"^(?:(?:היי+|הי|שלום|אהלן|מה נשמע|מה קורה|מה המצב|מה שלומך|בוקר טוב|ערב טוב|לילה טוב|צהריים טובים|תודה|רבה|לך|אחי|אח|יא|מלך|מלכה|נשמה|מותק|אחלה|סבבה|מעולה|יופי|(?<!ח)חח+(?!ח)|ביי|להתראות|שבת שלום|שנה טובה|חג שמח|יום טוב|מהמם|תותח)[\W_]*)+$",
    ),
)  # fmt: skip

KNOWN_ROLES = frozenset(cue.role for cue in CUES)
