"""Orders to drop instructions, in languages other than English: verbs, what they reach back to, and what is dropped.

Three parts within a few words of each other, in any order, for some languages end on the verb. Words stand here as
they are written, and are folded as texts are.
"""

from __future__ import annotations

from itertools import permutations

from assistant.guards.normalise import fold
from assistant.guards.rules import START

# language: stems of (ignore, forget; all, previous, your; instructions, rules)
_ORDERS = {
    "German": ("ignorier missacht vergiss vergesst übergeh verwirf",
               "alle bisherig vorherig vorig obig deine früher zuvor",
               "anweisung instruktion vorgabe regel befehl richtlinie"),
    "French": ("ignore oublie néglige|ne tiens pas compte|ne tenez pas compte|fais abstraction|faites abstraction",
               "toutes tous tes vos précédent antérieur dessus initiales reçues",
               "instruction consigne directive règle ordres"),
    "Spanish": ("ignora ignore olvida olvide descarta omite desobedece|haz caso omiso|no hagas caso",
                "todas todos tus sus anterior previas previos iniciales",
                "instruccion indicacion regla órdenes orden directri"),
    "Italian": ("ignora ignorate dimentica trascura tralascia|non seguire", "tutte tutti tue precedent sopra iniziali",
                "istruzion indicazion regol ordini direttiv"),
    "Portuguese": ("ignore ignora esqueça esquece desconsidere descarte desobedeça",
                   "todas todos tuas suas anterior prévias acima",
                   "instruç regras ordens diretri orientaç comandos"),
    "Dutch": ("negeer vergeet", "alle vorige eerdere bovenstaande je jouw",
              "instructies opdrachten regels aanwijzingen"),
    "Polish": ("zignoruj ignoruj zapomnij pomiń zlekceważ odrzuć", "wszystk poprzedni wcześniejsz swoich powyższ",
               "poleceni instrukcj zasad wytyczn reguł rozkaz"),
    "Czech": ("ignoruj zapomeň opomeň", "všechn předchoz dřívějš své", "pokyn instrukc pravidl příkaz"),
    "Slovak": ("ignoruj zabudni", "všetk predchádzajúc", "pokyn inštrukci pravidl príkaz"),
    "Swedish": ("ignorera glöm bortse strunta", "alla tidigare föregående ovanstående dina",
                "instruktion anvisning regler direktiv order"),
    "Danish and Norwegian": ("ignorer glem|se bort", "alle alt tidligere foregående forrige dine ovenstående",
                             "instruktion instruks anvisning regler ordre retningslinj"),
    "Finnish": ("unohda ohita sivuuta|jätä huomiotta|älä välitä", "kaikki aiemm aikaisemm edelli",
                "ohjee ohjei käskyt säännöt määräykset"),
    "Hungarian": ("hagyd figyelmen felejtsd", "minden összes korábbi előző eddigi", "utasítás szabály parancs"),
    "Romanian": ("ignoră ignora uită", "toate tale anterioare precedente sus", "instrucțiun reguli indicați ordine"),
    "Turkish": ("unut görmezden|yok say|dikkate alma", "tüm bütün önceki yukarıdaki", "talimat kural komut yönerge"),
    "Greek": ("αγνόησε αγνοήστε ξέχασε ξεχάστε παράβλεψε", "όλες προηγούμεν παραπάνω", "οδηγί εντολ κανόν"),
    "Russian": ("игнорируй проигнорируй забудь отбрось", "все всё предыдущ прежни свои выше",
                "инструкци указани правил команд"),
    "Ukrainian": ("ігноруй проігноруй забудь", "всі усі попередн", "інструкці вказівк правил команд"),
    "Bulgarian and Serbian": ("игнорирай забрави игнориши занемари", "всички предишн све претходн",
                              "инструкци указани правила упутств"),
    "Croatian": ("ignoriraj zanemari zaboravi ignorisi", "sve prethodn ranije",
                 "upute uputstva pravila naredbe instrukcij"),
    "Indonesian and Malay": ("abaikan lupakan", "semua sebelumnya terdahulu",
                             "instruksi arahan aturan perintah peraturan"),
    "Vietnamese": ("bỏ qua|phớt lờ|quên đi quên", "tất cả mọi trước", "hướng dẫn|chỉ dẫn|chỉ thị|quy tắc|lệnh"),
    "Swahili": ("puuza sahau", "yote zote awali", "maagizo maelekezo sheria"),
    "Tagalog": ("balewalain kalimutan", "lahat nakaraang naunang", "tagubilin utos panuto"),
}  # fmt: skip
# Written without spaces, or with verbs of many forms: the order and what it drops, near each other.
_CLOSE = {
    "Chinese": ("忽略 无视 無視 忘记 忘記 忘掉 不要理会 不要理會 不要遵守 抛开",
                "指令 指示 说明 說明 规则 規則 提示词 提示詞 命令 设定 設定"),
    "Japanese": ("無視 忘れ 従わない 従わず 破棄", "指示 命令 指令 ルール プロンプト 説明"),
    "Korean": ("무시하 잊어 따르지 잊으", "지시 명령 지침 규칙 프롬프트"),
    "Arabic": ("تجاهل انس تجاوز", "التعليمات تعليمات الأوامر القواعد الإرشادات توجيهات"),
    "Hebrew": ("התעלם התעלמי תתעלם שכח", "ההוראות הוראות הכללים הנחיות ההנחיות"),
    "Persian": ("نادیده فراموش", "دستورات دستورالعمل قوانین دستورهای"),
    "Hindi": ("अनदेखा नज़रअंदाज़ भूल उपेक्षा", "निर्देश आदेश नियम"),
    "Bengali": ("উপেক্ষা ভুলে", "নির্দেশ নিয়ম"),
    "Thai": ("เพิกเฉย ละเว้น ลืม ไม่ต้องสนใจ", "คำสั่ง คำแนะนำ กฎ"),
}  # fmt: skip
# Who is spoken to as a machine, in its language: "if you are an AI", "note for the model". English has none of these
# words for "you are".
_YOU_ARE = (
    "du|tu es|tu sei|vous êtes|eres|es usted|sei|você é|je bent|je een|jij|olet|ты|вы|ти|jesteś|ești|jsi|är|er en|te "
    "egy|olarak"
)
_NOTE_FOR = (
    "hinweis|nachricht|an alle|an jede|pour|à toute|à tout|à tous|avis|para|cualquier|todos los|todas las|per|tutti "
    "gli|"
    "tutte le|qualsiasi|qualquer|voor|aan alle|aan elke|uwaga|wszystkich|внимание|для|всем|till|til alle"
)
_MACHINE = (
    "un assistant|sprachmodell|asistente|assistente|assistant ia|assistent|asystent|modèle|modelo|modello|taalmodel|"
    "model języ|språkmodell|sprogmodel|ассистент|модел"
)
_MACHINE_SHORT = "ki|ia|ai|ии|bot|chatbot|modele"
_MACHINE_CLOSE = (
    "人工智能|人工智慧|助手|语言模型|語言模型|인공지능|언어 모델|アシスタント|"
    "人工知能|言語モデル|ذكاء|נموذج|בינה|מודל|मॉडल|कृत्रिम|AI"
)
_IF_CLOSE = "如果 若 もし あなたが 만약 당신이 إذا אם अगर 所有 致 注意 לכל لكل सभी すべての 모든".split()
# What an assistant keeps, or was told, in scripts of which an English encoder reads no word.
_KEPT = (
    "密码 密碼 秘密 密钥 密鑰 口令 提示词 提示詞 系统提示 指令 你的规则 "
    "パスワード 秘密 合言葉 あなたの指示 プロンプト 鍵を 비밀 암호 지시 프롬프트 열쇠를 "
    "пароль парол секрет тайн ключ твои инструкц твої вказівк κωδικ μυστικ οδηγίες كلمة المرور كلمة السر السرية "
    "تعليماتك المفتاح "
    "पासवर्ड गुप्त निर्देश סיסמה הסוד הוראות รหัสผ่าน ความลับ"
)
_CLOSE_LETTER = r"[\u0590-\u1fff\u3040-\uffff]"
_NEAR = ".{0,32}?"


def kept_words() -> str:
    """Return the alternatives of the words for a secret, or for instructions, in other scripts."""
    return "|".join(sorted({form for word in _KEPT.split() for form in (word, fold(word))}))


def spaced_orders() -> tuple[str, ...]:
    """Return a pattern a language that parts its words."""
    return tuple(map(_three_parts, _ORDERS.values()))


def order_words() -> str:
    """Return the words with which such an order begins or ends, folded."""
    words, phrases = zip(*(verbs.partition("|")[::2] for verbs, _, _ in _ORDERS.values()), strict=True)
    longest = (max(phrase.split(), key=len) for some in phrases for phrase in filter(None, some.split("|")))
    return _starts(" ".join((*words, *longest)))


def close_orders() -> tuple[str, ...]:
    """Return a pattern a language that is written close, or with verbs of many forms."""
    machine = _stems("|" + _MACHINE_CLOSE)
    spoken_to = rf"{_stems('|' + '|'.join(_IF_CLOSE))}.{{0,8}}?{machine}"
    return (rf"(?={_CLOSE_LETTER})(?:{'|'.join((*map(_two_parts, _CLOSE.values()), spoken_to))})",)


def addresses() -> tuple[str, ...]:
    """Return patterns of an order that says, in another language, that it is meant for a machine."""
    machine = rf"(?:{_stems('|' + _MACHINE)}|{_stems('|' + _MACHINE_SHORT)}\b)"
    return (
        rf"\b{_stems('|' + _YOU_ARE)}\W(?:\w+\W){{0,2}}?{machine}",
        rf"\b{_stems('|' + _NOTE_FOR)}\W(?:\w+\W+){{0,2}}?{machine}",
    )


def address_words() -> str:
    """Return the words for a machine, folded."""
    return _starts(f"{_MACHINE}|{_MACHINE_SHORT}".replace("|", " "))


def _starts(words: str) -> str:
    return " ".join(word[:START] for word in fold(words).lower().split())


def _three_parts(parts: tuple[str, str, str]) -> str:
    verb, back, told = map(_stems, parts)
    tries = (rf"\b{verb}\w*{_NEAR}\b{back}\w*{_NEAR}\b{told}", rf"\b{verb}\w*{_NEAR}\b{told}\w*{_NEAR}\b{back}")
    last = rf"\b{back}\w*{_NEAR}\b{told}\w*{_NEAR}\b{verb}"
    return "|".join((*tries, last))


def _two_parts(parts: tuple[str, str]) -> str:
    return "|".join(rf"{a}.{{0,16}}?{b}" for a, b in permutations(map(_stems, parts)))


def _stems(words: str) -> str:
    """Return the alternatives of a field: words, or after a bar phrases; as they are written and in capitals."""
    first, *phrases = words.split("|")
    found = {
        form
        for stem in (*first.split(), *phrases)
        for form in (fold(stem), fold(stem.capitalize()), fold(stem.upper()))
    }
    return f"(?:{'|'.join(sorted(found))})"
