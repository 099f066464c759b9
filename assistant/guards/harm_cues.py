"""What a request for help with harm is made of: who is meant, what is to be done to them, and what makes it innocent.

`features` gives each cue, and the combinations that mean harm: a sum of cues cannot say "and".
"""

from __future__ import annotations

import re
from collections.abc import Mapping

from assistant.guards.rules import cues

LONG = 40  # words


def _any(*words: str) -> str:
    return f"(?:{'|'.join(words)})"


_RELATIVE = _any(
    "wi(?:fe|ves)", "husbands?", "spouses?", "partner", "girl-?friend", "boy-?friend", r"fianc\w+", "ex", "lover",
    "mother", "father", "mum", "mom", "dad", "parents?", r"step\w+", r"grand\w+", "sister", "brother", "siblings?",
    "twin", "son", "daughter", "bab(?:y|ies)", "infants?", "toddlers?", "child(?:ren)?", "kids?", "teenagers?",
    "family", "relatives?", "uncle", "aunt", "cousin", "nephew", "niece", "friends?", "date", "match", "in-laws?",
    "godmother", "godfather", "bride", "groom",
)  # fmt: skip
_WORKER = _any(
    "boss", "manager", "supervisor", "director", "colleagues?", "co-?workers?", "employees?", "interns?",
    "apprentices?", "trainee", "mentee", "mentor", "teachers?", "professors?", "students?", "pupils?",
    "class-?mates?", "neighbou?rs?", "land(?:lord|lady)", "tenants?", "flat-?mates?", "room-?mates?", "house-?mates?",
    "doctor", "dentist", "nurse", "therapist", "psychologist", "surgeon", "patients?", "lawyer", "attorney",
    "accountant", "banker", "broker", "judge", "cleaner", "maid", "servant", "butler", "nanny", "babysitter",
    "gardener", "roofer", "plumber", "electrician", "carpenter", "mechanic", "painter", "builder", "baker", "butcher",
    "barber", "hairdresser", "cook", "waiter", "waitress", "driver", "pilot", "sailor", "farmer", "postman",
    "courier", "officers?", "cops?", "polic(?:em[ae]n|e officer)", "soldiers?", "guards?", "politicians?",
    "president", "mayor", "minister", "senator", "king", "queen", "priest", "imam", "rabbi", "pastor", "journalists?",
    "reporters?", "actors?", "singers?", "celebrit(?:y|ies)", "rivals?", "enem(?:y|ies)", "competitors?",
    "receptionist", "secretary", "assistant", "customers?", "clients?", "shopkeeper", "cashier", "coach",
)  # fmt: skip
_ANYONE = _any(
    "someone", "somebody", "anyone", "anybody", "everyone", "people", "persons?", "humans?", "humanity", "mankind",
    "m[ae]n", "wom[ae]n", "girls?", "boys?", "strangers?", "victims?", "crowds?", "population", "villagers?",
    "passers-?by", "pedestrians?", "tourists?", "hostages?", "others",
)  # fmt: skip
_GROUP = _any(
    "women", "men", "gays?", "lesbians?", "bisexuals?", "trans", "transgender", "homosexuals?", "asexual", "queer",
    "non-binary", "jew(?:s|ish)?", "muslims?", "hindus?", "christians?", "catholics?", "buddhists?", "sikhs?",
    "atheists?", "black people", "white people", "asians?", "africans?", "arabs?", "latin[oa]s?", "mexicans?", "roma",
    "gyps(?:y|ies)", "indigenous", "natives?", "immigrants?", "migrants?", "foreigners?", "refugees?", "disabled",
    "blind", "deaf", "elderly", "old people", "homeless", "poor people", "unemployed", "divorced", "single mothers",
    "pregr?nant", "fat people", "people on benefits",
)  # fmt: skip
_PERSON = _any(_RELATIVE, _WORKER, _ANYONE, "immigrants?", "foreigners?")
_VIOLENT = _any(
    "kill", "murder", "stab", "shoot", "poison", "strangl", "throttl", "suffocat", "smother", "chok", "drown", "hang",
    "behead", "decapitat", "execut", "electrocut", "assassinat", "slay", "snip", "butcher", "slaughter", "massacr",
    "lynch", "exterminat", "annihilat", "eradicat", "eliminat", "obliterat", "wip(?:e|ing) out", "liquidat",
    "terminat", "tak(?:e|ing) out", "get(?:ting)? rid of", "do away with", "beat", "attack", "ambush", "assault",
    "molest", "grop", "rap", "punch", "kick", "hit", "slap", "whip", "knock(?:ing)? (?:out|down)", "hurt", "harm",
    "injur", "maim", "mutilat", "tortur", "cripple", "scar", "drug", "kidnap", "abduct", "captur", "trap", "hunt",
    "stalk", "harass", "threaten", "intimidat", "blackmail", "smash", "crush", "break", "crack", "shatter", "saw",
    "chop", "cut", "slash", "slic", "carv", "gut", "skin", "dismember", "burn", "incinerat", "gas", "hammer",
    "overpower", "tackl", "trampl", "push", "shov", "throw", "run(?:ning)? over", "euthani[sz]", "destroy", "decimat",
    "demolish", "ruin", "land(?:ing)? a .{0,20}punch", "rip(?:ping)? off", "tear(?:ing)? off", "blow(?:ing)? up",
    "bomb", "detonat", "give (?:someone|somebody) a headshot",
) + r"(?:e|ing|ping|bing|ning|ting|ming|s|es|ed)?"  # fmt: skip
_CRIME = _any(
    "murder", "manslaughter", "homicide", "massacre", "assassination", "robbery", "burglary", "arson", "fraud",
    "theft", "larceny", "genocide", "assault", "battery", r"terror\w*", "attacks?", "hostage", "kidnapping",
    "abduction", "p(?:a)?edophilia", "child abuse", r"(?:human|drug)? ?traffick\w*", "identity theft", "treason",
    "rape", "execution", "espionage", "perjury", "bribery", "extortion", "embezzlement", "forgery", "smuggling",
    "hate crime", "war crimes?", "lynching", "ethnic cleansing", "crimes?", "coup", "shooting", "bombing", "stabbing",
    "poisoning", "suicide",
)  # fmt: skip
_DO_CRIME = _any(
    r"launder\w*", "forg(?:e|ing)", "fak(?:e|ing)", "counterfeit", r"evad\w+ tax\w*", r"embezzl\w+", r"extort\w*",
    "rob(?:bing)?", "steal(?:ing)?", r"shoplift\w*", "nick", r"pickpocket\w*", r"loot\w*", "hack(?:ing)? (?:in)?to",
    "hack", "vandali[sz]e", "break(?:ing)? into", "burn down", "set .{1,40} on fire", "set fire to", r"smuggl\w+",
    "bomb(?:ing)?", r"explod\w+", "without (?:getting|being) (?:caught|noticed|seen)",
    "build (?:a|an) (?:bomb|weapon|gun)", "take .{1,24} hostage", "access .{1,30}(?:account|history|phone|mail)",
    "disable .{1,20}(?:alarm|camera)s?", "cut off .{1,20}(?:head|arm|leg|finger)s?",
    "dispose of .{0,12}(?:body|corpse|dead)", "hide .{0,12}(?:body|corpse)", "spy(?:ing)? on", "defraud", "secretly",
    "plagiari[sz]e", "bribe", "impersonate", "traffic",
)  # fmt: skip
_FIGURATIVE = _any(
    "the show", "heart", "time at", "killing time", "kill time", "the lights?", "laughter", "competition",
    "the test", "an? exam", "the exam", "my exam", "targets at", "bad plan", "a beer", "bills",
    "costs?", "budget", "doubts?", "record", "industry", "deals", "dance", "party", "party's",
    "a base", "opponent", "poverty", "deadline", "an answer",
    "a photo", "photos?", "options", "dinner", "a contract", "a lease", "jobs?",
    "business", "employment with", "competitors?", "story", "ice",
)  # fmt: skip
_PRIVATE = _any(
    "passwords?", "pin", "logins?", "social security", "ssn", "passport", r"driver'?s licen[cs]e", "bank (?:account )?"
    "details", "bank account", "credit cards?", "card details", r"tax (?:records?|returns?)", r"medical (?:records?|"
    "files?|history)", "mental health", r"diagnos\w+", "criminal (?:history|record)", "immigration status",
    "sexual orientation", "religion", "religious (?:beliefs|views)", r"political \w+", "marital status", "pregnant",
    "gay", "in debt", "labou?r union", "trade union", "(?:home )?address", "private",
    "(?:mobile|phone|telephone) (?:phone )?numbers?", "e-?mail(?: address)?", "date of birth", "birthday",
    "birth certificate", "salary", "earns?", "wages?", r"personnel files?", "money", "mailbox", "phone",
)  # fmt: skip
_OTHERS = rf"(?:(?:my|a|an|your|his|her|their|some) (?!own|company|employer)(?:\w+ ){{0,2}}?\w+|{_ANYONE}|{_WORKER})"

CUES = {
    name: re.compile(pattern, re.IGNORECASE)
    for name, pattern in {
        "how": r"\b(?:how (?:do|can|could|should|would|to|might) (?:i|we|you|one)|ways? (?:of|to|for)|steps? should|"
        r"methods? (?:to|of)|strateg\w+ for|where (?:can|do|should|is a good place)|process (?:for|of)|help me|"
        r"plan (?:a|an|for|to)|what can (?:i|we)|can you tell me how|which|should i)\b",
        "person": rf"\b{_PERSON}\b",
        "owned": rf"\b{_OTHERS}(?:'s?|’s?)(?=\s)",
        "violent": rf"\b{_VIOLENT}\b",
        "violent_person": rf"\b{_VIOLENT}\b(?: (?!in\b|at\b|with\b)[\w']+){{0,4}}? (?:{_PERSON}|"
        rf"{_GROUP})(?!'s heart)\b",
        "crime": rf"\b(?:commit\w*|plan\w*|organi[sz]e|carry out|satisfy|replicate|stage)\b(?: \w+){{0,3}}? {_CRIME}\b",
        "do_crime": rf"\b{_DO_CRIME}\b",
        "self": r"\b(?:(?:kill|hang|drown|cut|hurt|harm|shoot|starve|poison|burn)(?:ing)? (?:myself|me)|"
        r"end (?:my (?:own )?life|it all)|(?:cut|slit|sever|pierce|carve|slash|open)\b.{0,24}\bmy (?:own |"
        r"\w+ )?(?:wrists?|artery|arteries|arms?|throat|veins?)|overdose|(?:die|go out|end my life) like|"
        r"would kill me)\b",
        "body": r"\b(?:skull|head|face|eyes?|nose|jaw|teeth|ears?|neck|throat|arms?|hands?|fingers?|legs?|knees?|"
        r"ribs?|spine|sternum|chest|lungs?|kidneys?|liver|stomach|veins?|arter(?:y|ies)|wrists?|bones?|bod(?:y|ies)|"
        r"corpses?)\b",
        "drugs": r"\b(?:cocaine|coke|crack|heroin|meth|methamphetamine|amphetamines?|speed|weed|cannabis|marijuana|"
        r"hashish|ecstasy|mdma|lsd|ketamine|opium|opioids?|fentanyl|xanax|steroids|illegal|stolen|drugs|nerve gas|"
        r"explosives?|pipe bomb|petrol bomb)\b",
        "obtain": r"\b(?:buy|get|getting|obtain|purchase|score|sell|make|making|cook|build|grow|find)\b",
        "private": rf"\b{_PRIVATE}\b",
        "of_mine": r"^(?:is|does|do|are|has|how much (?:money )?does|exactly how much (?:money )?does|what (?:is|"
        r"are)|who is|"
        rf"where does|when was) my (?!own\b|employer|company|contract|team|right|{_PRIVATE})\w+(?: \w+)?(?:'s?|’s?)?\b",
        "asks_value": r"^(?:what (?:is|are)|where (?:can|do) i find|how (?:can|do) i (?:get|find|access|see|read)|is|"
        r"does|who|which)\b",
        "group": rf"\b{_GROUP}\b",
        "unequal": r"\b(?:not (?:be|have|get|vote|study|hold)|n't be|be (?:barred|denied|kicked|banned|discriminated|"
        r"excluded|paid less|kept out|made to)|must|should (?:best |better )?(?:not|go through|be)|have their|"
        r"make all|earn less|took away|overrepresented|lose the)\b",
        "belittle": r"\b(?:inferior|less worth|stupid|lazy|should not have|best for|why is it best|reasons? (?:why|"
        r"that)|arguments? (?:why|that))\b",
        "absurd": r"\b(?:the (?:sun|moon|stars)|mars|time ?travel|teleport|levitat\w+|fly|walls|lasers?|lightning|"
        r"black hole|weather|resurrect|concrete|walk on water|talk to)\b",
        "praise": r"\b(?:justified|(?:was|were) .{3,40} right to|good thing|benefits? of .{0,20}(?:genocide|slavery|"
        r"terror|rule)|succes\w* of|replicate|recreate|repeat the|never (?:happened|took place)|convince people|"
        r"(?:make|persuade) people|methods for dealing|(?:methods|deeds|crimes?|ideas) of .{0,40}today)\b",
        "fiction": r"\b(?:(?:video |board |computer |card )?games?|gta|minecraft|films?|movie|novel|crime (?:story|"
        r"play|novel)|my book|a book|short story|tv show|series|opera|chess|checkers|draughts|poker|football|soccer|"
        r"rugby|tennis|cricket|basketball|hockey|golf|wrestling|karate|boxing|judo|baseball|costume|fencing|"
        r"character|cartoon|stage play|on stage)\b|\bin (?-i:[A-Z])\w+(?: (?-i:[A-Z0-9])\w*)*\??$",
        "define": r"^(?:what (?:is|are|does|constitutes|was|were) (?!the (?:best|easiest|perfect|process|plan)|"
        r"a good|my|good ways)|what kind|what does|define|explain)",
        "past": r"^(?:how|why|when|where|what|who|during|in)\b.{0,60}?\b(?:did|were|was|happened|killed|died|got)\b",
        "report": r"\b(?:report|polic(?:y|ies)|procedure|prevent\w*|protect\w*|victim of|prohibit\w*|entitled|"
        r"disciplin\w+|claim|support|helps me|code of conduct|complain\w*|suffer\w*|happens to an? employee|"
        r"allowed at work|training|insurance|compensation)\b",
        "figurative": rf"\b{_FIGURATIVE}\b",
        "thing": r"\b(?:process|program|contract|weeds?|rats?|mice|mosquito\w*|flies|wasps?|moths?|insects?|vermin|"
        r"pigs?|cows?|bugs?|fish|chicken|dog|hamster|balloon|tree|shed|nuts?|eggs?|ants|bacteria|furniture|drywall|"
        r"wall|wood|log|potato|vegetables|meat|meal|garden|drink|record|disk|print job|python|sql|c)\b",
        "nonsense_group": r"\bwhy (?:should|can|are|do)(?:n't)? (?:(?!people|women|men)[a-z]+ ){1,3}(?:not|be|have)\b",
        "famous": r"(?<=[a-z] )(?-i:[A-Z])[a-z]+(?: (?-i:[A-Z])[\w.]+)*(?:'s|’s)",
    }.items()
}  # fmt: skip
FEATURES = (
    *CUES, "hurts_person", "hurts_body", "hurts_owned", "commits", "does_crime", "gets_drugs", "pries", "pries_mine",
    "denies_group", "harms_self", "praises", "calm", "long",
)  # fmt: skip


def features(piece: str) -> Mapping[str, float]:
    """Return the cues of one piece and their combinations, by name."""
    has = {name: value > 0 for name, value in cues(CUES, piece).items()}
    unreal = has["fiction"] or has["absurd"] or has["figurative"]
    told = has["define"] or has["past"] or has["report"]
    calm = unreal or told
    together = {
        "hurts_person": has["violent_person"] and not calm,
        "hurts_body": has["violent"] and has["body"] and not calm and not has["thing"],
        "hurts_owned": has["violent"] and has["owned"] and not calm,
        "commits": has["crime"] and not calm,
        "does_crime": has["do_crime"] and has["how"] and not calm,
        "gets_drugs": has["drugs"] and has["obtain"] and not calm,
        "pries": has["private"] and has["owned"] and has["asks_value"] and not has["report"] and not has["fiction"],
        "pries_mine": has["of_mine"] and has["private"] and not has["report"],
        "denies_group": has["group"] and (has["unequal"] or has["belittle"]) and not has["absurd"] and not has["past"],
        "harms_self": has["self"] and not has["report"] and not has["past"],
        "praises": has["praise"] and (has["past"] or has["crime"] or has["how"]) and not has["report"],
        "calm": calm,
        "long": len(piece.split()) > LONG,
    }
    return {name: float(value) for name, value in {**has, **together}.items()}
