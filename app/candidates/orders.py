"""What a sentence looks like that gives orders to a machine, Korean and English.

The patterns ask for an order, not for a topic: résumés speak of prompts, models and systems. Each
runs in linear time: repetitions are bounded.
"""

import base64
import binascii
import re
import unicodedata
from collections.abc import Iterator

_INVISIBLE = frozenset({"Cf", "Cc", "Co", "Cs"})
_SELECTORS = (range(0xFE00, 0xFE10), range(0xE0100, 0xE01F0))
_TAGS = range(0xE0020, 0xE007F)
_ASCII_TAG = 0xE0000

_MIN_CHARS = 6
_MAX_CHARS = 2_000
"""Of one sentence; a longer one is looked at in parts of this length."""


def gives_orders(text: str) -> bool:
    """Whether a sentence speaks to a machine; also in look-alike letters, base64 or hexadecimal."""
    parts = (text[at : at + _MAX_CHARS] for at in range(0, len(text), _MAX_CHARS))
    return any(
        _speaks_to_a_machine(visible(part)) or any(map(_speaks_to_a_machine, _decoded(part)))
        for part in parts
    )


_HANGUL = re.compile("[가-힣]")
_LATIN = re.compile(r"[a-z]{3}|[<{]")


_SELECTOR = re.compile(
    "[" + "".join(f"{chr(codes[0])}-{chr(codes[-1])}" for codes in _SELECTORS) + "]"
)
"""What `str.isprintable` lets pass."""
_LINES = str.maketrans("", "", "\n\t")
"""What it does not, and everybody sees."""


def visible(text: str) -> str:
    """The text without characters that nobody sees but a model reads.

    Those are zero-width and direction marks, tag characters, variation selectors, controls.
    """
    if text.translate(_LINES).isprintable() and not _SELECTOR.search(text):
        return text
    return "".join(char for char in text if char in "\n\t" or not _is_invisible(char))


def _is_invisible(char: str) -> bool:
    code = ord(char)
    return unicodedata.category(char) in _INVISIBLE or any(code in codes for codes in _SELECTORS)


def _speaks_to_a_machine(text: str) -> bool:
    plain = " ".join(unicodedata.normalize("NFKC", text).casefold().split())
    if len(plain) < _MIN_CHARS:
        return False
    if _HANGUL.search(plain) and any(pattern.search(plain) for pattern in _KOREAN):
        return True
    spellings = {plain, plain.translate(_LOOK_ALIKES)}
    for each in spellings:
        if _LATIN.search(each) and any(pattern.search(each) for pattern in _ENGLISH):
            return True
    # i g n o r e, 1gnore, ig-nore
    spellings |= {each.translate(_LEET) for each in spellings}
    bare = {"".join(filter(str.isalnum, each)) for each in spellings}
    return any(pattern.search(each) for each in bare for pattern in _BARE)


# --- Hidden writings ---

_BASE64 = re.compile(r"[A-Za-z0-9+/_-]{24,4000}")
_HEX = re.compile(r"(?:[0-9a-fA-F]{2}[ :]?){16,2000}")


def _decoded(text: str) -> Iterator[str]:
    """What stands in the text as base64, hexadecimal numbers or tag characters."""
    for found in _BASE64.finditer(text):
        word = found[0].replace("-", "+").replace("_", "/")
        try:
            yield base64.b64decode(word + "=" * (-len(word) % 4)).decode()
        except (binascii.Error, UnicodeDecodeError):
            continue
    for found in _HEX.finditer(text):
        try:
            yield bytes.fromhex(found[0].replace(":", " ")).decode()
        except ValueError:
            continue
    tags = "".join(chr(ord(char) - _ASCII_TAG) for char in text if ord(char) in _TAGS)
    if tags:
        yield tags


# Cyrillic and Greek letters that look like Latin ones (of Unicode's confusables, lower case).
_LOOK_ALIKES = str.maketrans(
    {
        **dict(zip("аеорсухіјѕһԁԛԝвкмнт", "aeopcyxijshdqwbkmht", strict=True)),
        **dict(zip("αβεικνορτυχγηωϲ", "abeiknoptuxynwc", strict=True)),
        **dict(zip("ɑɡıʟᴀᴇɪᴏᴜɴʀꜱ", "agilaeiounrs", strict=True)),
    }
)
_LEET = str.maketrans("013457@$!", "oieastasi")

# --- Orders ---

_ASKED = (
    r"(?:하라|하시오|하세요|하십시오|하여라|해라|해\s?줘|해\s?주세요|해\s?주십시오|할\s?것|바랍니다|하도록"
    r"|어라|아라|으시오|시오|세요|십시오|주세요|주십시오|해야\s?한다)"
)
_ORDERS_KO = r"(?:지시|명령|지침|프롬프트|규칙|설정|요청|제약)"
_MACHINE_KO = r"(?:인공\s?지능|언어\s?모델|챗봇|어시스턴트|파서|분석기|분석\s?모델|채용\s?봇|\bai\b|\bgpt\b|\bllm\b)"
_FIELD_KO = r"(?:이름|성명|이메일|메일|연락처|전화(?:번호)?|회사(?:명)?|경력|학력|학교|기술|요약|직함|직책|링크|프로필|항목|필드|값)"
_MACHINE = (
    r"(?:ai|a\.i\.|llms?|gpts?|chatgpt|claude|gemini|copilot|chat\s?bots?|bots?|language models?|assistants?"
    r"|models?|parsers?|screening (?:system|tool|software)|ats|agents?)"
)
_FIELD = (
    r"(?:name|headline|e-?mails?|phones?|phone numbers?|links?|skills?|summary|experience|education"
    r"|company|employer|title|school|degree|confidence|score|fields?|values?|keys?|profile|json|output"
    r"|answer|response|result)"
)
_KEY = r'"(?:name|headline|emails?|phones?|links?|education|experience|skills|languages|summary|company|title|school)"\s*:'

_VERB = (
    r"(?:use|state|mention|write|translate|mark|flag|label|tag|treat|say|include|output|extract|ignore|forget|answer|give|put|set|make|add|remove|return"
    r"|report|respond|reply|print|rate|rank|score|recommend|hire|classify|consider|assume|pretend|repeat|reveal|replace|change|copy|fill|leave|omit|delete|summari[sz]e|describe|list|insert|start|stop|call|send|invent|claim|tell|show|skip|drop|do not|don't|never|always|only)"
)
_OWN = r"(?:outputs?|responses?|answers?|tasks?|jobs?|roles?|instructions?|prompts?|extractions?|rules|evaluation|analysis|summary|goals?|purpose)"
_THIS = r"(?:r[ée]sum[ée]s?|cvs?|documents?|candidates?|applicants?|applications?|profiles?|files?)"

_ENGLISH = tuple(
    re.compile(pattern)
    for pattern in (
        # Put away what was said before.
        (
            r"\b(?:ignore|disregard|forget|override|overwrite|bypass|discard|skip|stop following|do not follow"
            r"|don't follow|pay no attention to)\b[^.]{0,60}\b(?:instructions?|prompts?|rules?|guidelines?"
            r"|directions?|commands?|constraints?|system message|everything (?:above|before|below|else)"
            r"|(?:text|document|r[ée]sum[ée]|content|context|everything) (?:above|below|before))"
        ),
        r"\b(?:new|updated|real|actual|revised|following) (?:system )?(?:instructions?|prompt|task|orders?)\s*(?::|follow|are|is|for you)",
        # Role marks of chat formats, and closed fences.
        (
            r"<\|?/?(?:im_start|im_end|system|assistant|user|developer|tool|endoftext|eot_id|start_header_id)\b"
            r"|\[/?inst\]|<</?sys>>|</?(?:system|assistant|instructions?|document|data|resume|tool_(?:result|call|use)|function_calls?)>"
            r"|^#{1,4} ?(?:system|instructions?|assistant|response)\b ?:?"
        ),
        (
            r"^\W{0,4}(?:system|developer|assistant|admin(?:istrator)?|root|tool|function|moderator)"
            r"[\s_-]?(?:message|prompt|note|notice|instructions?|override|update|alert|result|response|command)\b"
        ),
        r"<<\s?document|document\s?[0-9a-f]{0,20}\s?>>|^\W{2,40}end of (?:the )?(?:document|r[ée]sum[ée]|data|input|cv)",
        r"^\W{0,3}(?:end of|end) (?:untrusted|user|document) (?:data|input|content|text)",
        # Who the machine is now.
        (
            r"\byou(?: are|'re| will be| must be)(?: now)? (?:an? |the |my |in |no longer |free|unrestricted)"
            r"[^.]{0,60}\b(?:ai|assistant|model|bot|dan|mode|bound|bias|limits?|recruiter|evaluator|system|admin)"
        ),
        r"\byou are (?:now )?(?:free|unrestricted|jailbroken|no longer)\b|\b(?:enter|enable|activate|switch to|in|into) (?:developer|dan|god|debug|jailbreak|maintenance|admin) mode\b",
        (
            r"\b(?:act|behave|respond|answer|pretend|role-?play)\b[^.]{0,20}\b(?:as|like|to be)\b[^.]{0,30}\b(?:dan|ai|assistant"
            r"|language model|chat\s?bot|unfiltered|unrestricted|pirate|evaluator|hiring manager who|another)\b"
        ),
        # Spoken to a machine.
        (
            rf"\b(?:dear|attention|hey|hello|note (?:to|for)|message (?:to|for)|instructions? (?:to|for)|if you are|as) (?:an? |the |any |all )?"
            rf"(?:{_MACHINE})\b(?! (?:engineer|develop|research|scien|design|lead|manager|product|team|consult|special))"
        ),
        (
            rf"\b(?:{_MACHINE}|you|reader)\b[^.]{{0,20}} (?:must|should|shall|have to|need to|are (?:required|instructed|ordered|to)) (?:now |always |only |also )?"
            r"(?:answer|output|return|respond|reply|ignore|set|write|rate|score|rank|treat|extract|include|add|report|state|say|mark|give|print|repeat|use|put|replace|omit|recommend|call|send)\b"
        ),
        # What it must say.
        (
            r"\b(?:print|reveal|repeat|output|show|leak|disclose|return|quote|dump|display|include|copy|tell me)\b[^.]{0,40}"
            r"\b(?:system prompt|initial prompt|hidden prompt|prompt above|your (?:instructions|prompt|rules|guidelines|configuration)"
            r"|the (?:instructions|prompt)|(?:api|secret) keys?|environment variables?|credentials)\b"
        ),
        (
            r"\b(?:output|return|answer|respond|reply|print|emit|generate)(?: back)?(?: only| exactly| instead| just| with| in)*"
            r" (?:with|only|exactly|the following|this json|the json|valid json|nothing|hired|yes|an empty|empty|in (?:pirate|base64|english|korean))\b"
        ),
        r"\b(?:answer|respond|reply|say|output) (?:with |only |exactly )*[\"'“‘]",
        r"\bthe (?:only )?(?:correct|right|expected|required|final|true) (?:answer|output|response|json|result)\b[^.]{0,12}\b(?:is|are|must)\b",
        (
            rf"\b(?:set|change|replace|put|fill|overwrite|make|leave|rename|update)\b (?:the |all |every |its |his |her |their )?[\"'“`]?{_FIELD}[\"'”`]?"
            rf"(?: (?:field|value|key|list|array|property)s?)? (?:to|as|with|=|empty|blank|out|null|by)\b"
        ),
        (
            r"\b(?:add|append|insert|include|list|put|write|place)\b[^.]{0,60}\b(?:to|in|into|under|as) (?:the |your |its )?[\"'“`]?"
            r"(?:emails?|phones?|links?|skills?|summary|headline|experience|education|output|json|answer|response|profile)[\"'”`]? ?(?:field|list|array|key|section of your|$|\.|!)"
        ),
        (
            r"\b(?:omit|drop|leave out|skip|delete|remove|do not (?:extract|include|list|report|mention)|don't (?:extract|include|list|report|mention))\b"
            r"[^.]{0,40}\b(?:experience|education|skills|jobs?|positions?|fields?|employers?|companies|entries|everything|contacts?|r[ée]sum[ée]|candidate)\b[^.]{0,40}"
            r"(?:field|output|answer|json|list|extract|of this|from this|this (?:candidate|r[ée]sum[ée])|below|above|else|$)"
        ),
        # Judging the person.
        (
            r"\b(?:rate|score|rank|grade|evaluate|recommend|hire|approve|accept|shortlist|select|classify|label|mark|treat)\b[^.]{0,20}"
            r"\b(?:this|the|said) (?:candidate|applicant|person|r[ée]sum[ée]|cv|profile)\b[^.]{0,30}"
            r"(?:as|with|at|top|best|highest|first|10|100|perfect|hired|immediately|positively|above|!|$)"
        ),
        (
            r"\b(?:the|this) (?:candidate|applicant|person|r[ée]sum[ée]|cv)\b[^.]{0,20}\b(?:must|should|has to|shall|is to|needs to)\b (?:always |also )?be"
            r" (?:rated|scored|ranked|hired|approved|accepted|recommended|shortlisted|selected|given|marked|classified|called|named|listed|treated)"
        ),
        r"\b(?:give|assign|award)\b[^.]{0,30}\b(?:score|rating|grade|confidence)\b[^.]{0,20}\b(?:of|10|100|1\.0|perfect|maximum|highest|full)\b",
        # Others' data, tools and addresses.
        (
            r"\b(?:include|output|list|reveal|show|return|add|send|copy|give|print|use|extract|leak)\b[^.]{0,40}"
            r"\b(?:other|another|previous|earlier|all|every|last) (?:candidate|applicant|person|people|user|customer|r[ée]sum[ée])(?:s|'s|s')?\b"
        ),
        (
            r"\b(?:send|post|upload|exfiltrate|forward|transmit|submit|e-?mail)\b[^.]{0,60}\b(?:data|results?|contents?|profiles?|document|answer|output|conversation|prompt|candidates?)\b"
            r"[^.]{0,40}(?:\bto\b[^.]{0,10}(?:https?://|www\.|[\w.+-]+@)|webhook|endpoint)"
        ),
        r"\b(?:call|invoke|execute|run|use|fetch|open|curl|request)\b[^.]{0,20}\b(?:the |this |following )+(?:tool|function|url|endpoint|command|webhook)\b",
        r"\bdecode (?:this|the|it|following)\b|\b(?:base64|rot13|hex)\b[^.]{0,30}\b(?:decode|follow|execute|obey)\b",
        r"\bschema\b[^.]{0,30}\b(?:changed|replaced|updated|is now|no longer|requires)\b|\bnew schema\b|\bschema v?\d\b[^.]{0,20}requires",
        # JSON in the shape of the answer, on one line.
        rf"{_KEY}.{{0,400}}{_KEY}",
        # Spoken of the task itself.
        rf"\byour (?:previous|last|earlier|new|only|real|actual|next|current|final|main) {_OWN}\b (?:is|was|were|are|will)\b",
        (
            rf"(?:^|[:;,.!>—-]\s?|\b(?:please|kindly|always|never|must|should|then|and|to) )(?:please |kindly |also |instead |now |just )*{_VERB}\b[^.]{{0,60}}"
            rf"\b(?:(?:in|from|of|with|to|as) your (?:final |own |whole )?{_OWN}|(?:all|every|each) (?:values?|fields?|names? field)|the json|the extracted|this {_THIS} (?:is|as|to|with|in|first|highly|only)"
            r"|(?:that )?(?:the|this) (?:applicant|candidate) (?:is|was|has|as|to)\b)"
        ),
        rf"\b(?:when|while|before|after|for|in) (?:you (?:are )?)?(?:summari[sz]|extract|pars|process|read|analy[sz]|evaluat|review|scor|screen|rat|grad)(?:ing|e) (?:of )?(?:this|the) {_THIS}\b",
        r"\b(?:automated|automatic|machine|ai|llm|robot|artificial) (?:reader|parser|reviewer|screener|extractor|evaluator|recruiter)s?\b\s?[:,]",
        rf"\b(?:{_MACHINE})\b\s?[:,>-]+\s?(?:please |kindly )?{_VERB}\b",
        rf"^\W{{0,4}}(?:system|assistant|user|developer|tool|human|ai|model)\s?[:>]\s?(?:[{{\[\"“]|you\b|{_VERB}\b)",
        r"\bextraction (?:task|job|process|rules?|schema|instructions?)\b",
        (
            r"\bthe (?:text|document|content|r[ée]sum[ée]|data|information|profile|person|part)\b(?: \w+){0,2} (?:above|below|before|so far)? ?(?:was|is|were|are) (?:a |an |only |just |merely )?"
            r"(?:test|fake|example|placeholder|wrong|not real|invalid|decoy|sample|obsolete|outdated|void|a lie)\b"
        ),
        r"\b(?:real|actual|true|correct|genuine) (?:candidate|applicant|r[ée]sum[ée]|data|person)\b[^.]{0,20}\b(?:is|are|called|named|follows)\b",
        r"\bextract (?:only|her|him|them|this|these|that|nothing|the following)\b",
        r"\{\{.{0,40}(?:system|user|instruction|prompt|assistant)|\boverride\b[^.]{0,20}(?:parser|filter|safety|system|schema|default|check)|\bconfidence\s?[=:]\s?[01]\b",
        r"\byou (?:now )?have access to (?:a |the |an )?(?:tool|function|browser|e-?mail|database)|\b(?:tool|function) (?:named|called) \w",
        r"\b(?:mark|flag|label|tag|classify|rate)(?:ed)? (?:this |it |him |her |them )?as (?:a )?(?:strong|top|hire|hired|qualified|best|accepted|approved|perfect|excellent|must)\b",
        # A résumé tells; it does not talk to its reader, but for a letter that says I.
        (
            r"^(?!.*(?:\b(?:i|i'm|i've|i'd|i'll|my|me|we|our|us|thanks?|welcome|hope|hereby)\b|https?://|www\.|@|\d{3,4}[ -]\d{4})).*"
            r"\b(?:you|your|yours|yourself|you're|you've|you'll)\b"
        ),
        r"\b(?:human|user)\s?:.{0,300}\bassistant\s?:",
        r"\b(?:before|when|while|after|instead of) (?:answering|responding|replying|replies|extracting|outputting)\b",
        (
            rf"(?:^|[:;,.!>] ?)(?:please |now |just |then )*(?:{_VERB[3:-1]}|treat|overwrite|append|load|read|dump|execute|obey|follow|update)\b[^.]{{0,60}}"
            r"\b(?:(?:following|above|below|previous|next|first|last) (?:lines?|texts?|sentences?|messages?|conversations?|paragraphs?|string)|the (?:string|word|phrase|text|sentence) [\"'“‘]"
            r"|(?:employer|company|job title|title|name|headline|summary|skills?|school|degree)s?\b[^.]{0,12}\b(?:with|to|as|is) [\"'“‘]"
            r"|(?:highest|top|maximum|utmost) priority|(?:every|each|all) (?:the )?(?:fields?|values?|variables?|sections?)|in (?:xml|yaml|markdown|html|json)\b|using (?:xml|yaml|markdown|html|json)\b)"
        ),
        r"\b(?:respond|reply|answer)\b[^.]{0,10}\b(?:using|in|as) (?:xml|yaml|markdown|html|json|a |plain)",
        r"\bwhichever (?:ai|model|system|machine)|\b(?:ai|model|machine|system|parser) (?:that |which )?(?:processes|reads|parses|evaluates|scans|reviews) this\b",
        r"\b(?:this|the) (?:candidate|applicant)\b (?:is|was|has been) (?:already |pre-?)*\s?(?:approved|accepted|hired|selected|verified|cleared|shortlisted)\b|\b(?:approved|hired|accepted)\s?=\s?true\b",
    )
)  # fmt: skip

_KOREAN = tuple(
    re.compile(pattern)
    for pattern in (
        (
            rf"(?:이전|앞선|앞의|위의?|기존|상기|지금까지|모든|시스템|너의|당신의|원래)[^.\n]{{0,24}}{_ORDERS_KO}[^.\n]{{0,14}}"
            r"(?:무시|잊|따르지|취소|덮어|무효|폐기|버리|중단|해제)"
        ),
        rf"(?:위|이전|앞|아래|지금까지)(?:의|에)?[^.\n]{{0,16}}(?:내용|문서|텍스트|이력서|글|말)[^.\n]{{0,8}}(?:무시|잊)[^.\n]{{0,6}}(?:{_ASKED}|고\b|하고)",
        r"(?:지금부터|이제부터?|앞으로)\s?(?:너|넌|당신|귀하|네)(?:는|은|가)?\b|(?:^|\s)(?:너는|넌|당신은) (?:이제|지금|앞으로|더 이상)",
        (
            r"^\W{0,4}(?:시스템|개발자|관리자|운영자|어시스턴트|도구|함수)\s?(?:메시지|프롬프트|지시|명령|알림|공지|결과|호출|응답|모드)\s?(?:사항|입니다)?\s?[:：\])>]"
        ),
        r"(?:새로운|다음|추가|진짜|실제|변경된)\s?(?:시스템\s?)?(?:지시|명령|지침|프롬프트)(?:사항)?[^.\n]{0,10}(?:[:：]|따르|수행|실행|적용)",
        rf"{_MACHINE_KO}[^.\n]{{0,4}}(?:에게|는|은|야|아|님|께)\b[^.\n]{{0,60}}{_ASKED}",
        rf"(?:답변|대답|출력|응답|반환|회신)(?:은|을|는|를|만)?[^.\n]{{0,30}}(?:만|으로|라고|대신|형식|json)[^.\n]{{0,16}}{_ASKED}",
        rf"(?:라고|으로만?|다음과 같이|아래와 같이|그대로)\s?(?:만\s?)?(?:답변?|대답|출력|응답|반환|회신)[^.\n]{{0,4}}{_ASKED}",
        rf"(?:프롬프트|시스템 메시지|지시문|지침|명령문|규칙|설정|비밀\s?키|환경\s?변수)(?:을|를|의)?[^.\n]{{0,20}}(?:출력|공개|보여|알려|반복|누설|적어|포함|복사|유출)[^.\n]{{0,8}}(?:{_ASKED}|$)",
        (
            r"(?:다른|모든|이전|지난|타)\s?(?:지원자|후보자|후보|사람|사용자|회원|이력서)(?:들)?(?:의)?[^.\n]{0,30}"
            rf"(?:출력|포함|적|보여|추가|보내|나열|반환|복사|알려|넣)[^.\n]{{0,6}}{_ASKED}"
        ),
        (
            rf"[\"'“‘「]?{_FIELD_KO}[\"'”’」]?\s?(?:필드|항목|란|값|칸|목록)?(?:을|를|은|는|에|에는|란에)?[^.\n]{{0,60}}"
            r"(?:바꾸|바꿔|변경|설정|채우|채워|입력|비우|비워|교체|덮어|추출하지|넣|기재|기록|빼|생략|삭제|추가|표시)[^.\n]{0,4}"
            r"(?:하라|하시오|하세요|하십시오|해라|해\s?줘|할 것|어라|라\b|세요|시오|십시오|말\s?것|마라|마세요|주세요)"
        ),
        (
            r"(?:이|해당|본|위)\s?(?:지원자|후보자|후보|이력서|사람|인재)(?:을|를|은|는|에게|의|이)?[^.\n]{0,40}"
            rf"(?:합격|채용|최고|만점|추천|\d{{2,3}}점|1순위|1등|높은 점수|최우수|적합)[^.\n]{{0,20}}{_ASKED}"
        ),
        r"(?:[=\-*#<\[]{2}|^\W{0,3})\s?(?:문서|이력서|데이터|입력|자료)(?:의|가)?\s?(?:끝|종료|끝났)",
        r"(?:역할극|탈옥|제한\s?해제|개발자 모드|관리자 모드)[^.\n]{0,20}(?:시작|활성|전환|하자|켜|진입|모드)",
        r"(?:결과|데이터|내용|정보|개인정보)(?:을|를)?[^.\n]{0,30}(?:https?://\S{3,100}|웹훅|이 주소|다음 주소|아래 주소)[^.\n]{0,10}(?:보내|전송|호출|업로드|제출)",
        r"(?:도구|함수|url|주소|명령어?)(?:을|를)?\s?(?:호출|실행|접속|방문)[^.\n]{0,4}(?:하라|하시오|하세요|하십시오|해라|해\s?줘|할 것)",
        r"(?:스키마|형식|출력 형식)(?:가|이|은|는)?[^.\n]{0,16}(?:변경되었|바뀌었|바뀜|변경됨|대체)",
        r"(?:위|앞|이전|아래)(?:의|에)?\s?(?:텍스트|내용|문서|이력서|글|데이터)(?:는|은|가|이)?[^.\n]{0,10}(?:테스트|가짜|예시|연습용|무효|틀렸|거짓)",
        r"(?:실제|진짜|올바른)\s?(?:지원자|후보자|후보|이력서|데이터|정답|답)(?:의|는|은|이|가)\b",
        rf"추출[^.\n]{{0,3}}{_ASKED}|(?:읽는|분석하는|처리하는|평가하는|요약하는|파싱하는|검토하는)\s?(?:모델|시스템|기계|프로그램|ai|인공지능|봇|도구)",
        rf"(?:라고|이라고|로|으로|만)\s?(?:적|쓰|써|답|답변|대답|말|출력|기재|표시|응답|반환|분류)[^.\n]{{0,4}}(?:{_ASKED}|야\s?한다|야\s?합니다)",
        r"(?:너|당신|네|모델)(?:에게|에)\s?(?:주어진|부여된|내려진)|(?:규칙|지시|명령|지침)(?:사항)?(?:은|는|이|가)?\s?(?:모두\s?|전부\s?)?(?:취소되|무효|해제되|끝났)",
        rf"(?:출력|답변|응답|요약|결과|프로필|json)(?:에서|에는|에|으로)[^.\n]{{0,20}}(?:언급|포함|표시|기재|노출|작성|적|쓰|넣|말)[^.\n]{{0,6}}(?:말\s?것|마시오|마세요|말라|{_ASKED})",
        rf"(?:모든|각)\s?(?:값|필드)(?:을|를|은|는|에)?[^.\n]{{0,40}}{_ASKED}",
        rf"(?:파싱|파서|자동|분석|평가|선별)\s?(?:프로그램|시스템|도구|엔진|봇|모델)[^.\n]{{0,10}}(?:안내|은|는|에게|께)[^.\n]{{0,60}}(?:{_ASKED}|json)",
        rf"(?:아래|다음)\s?(?:json|값|데이터|내용)(?:을|를)?[^.\n]{{0,12}}(?:결과|답|출력)(?:로|으로|에)?[^.\n]{{0,10}}{_ASKED}",
        # A sentence that asks for something tells nothing of a person; polite formulas may stay.
        (
            r"^(?!.*(?:연락|참고|참조|확인|문의|부탁|검토|양해|방문|살펴|봐|지켜|읽어|기회|면접|불러|믿어|http|www\.|@|\d{3,4}-\d{4})).*"
            rf"(?:{_ASKED}|[아어여]라|[가-힣]거라|(?:써|줘|둬|켜|놔|내|겨|꿔|워)라|마라|말라|도록\s?(?:하라|해))[\s.!\"'”’)\]]{{0,4}}$"
        ),
        rf"(?:^|[:：,])[^:：,]{{0,60}}(?:\b(?:모든|각|전체)\s?(?:칸|항목|필드|값)|(?:다음|이전|위|아래)\s?(?:줄|문장|대화|메시지|명령))[^.\n]{{0,40}}{_ASKED}",
        r"(?:답변|답|대답|출력|응답|추출|분석)(?:을|를)?\s?(?:시작)?하기\s?전에",
        r"(?:너|당신)(?:는|은)[^.\n]{0,40}(?:이다|이며|입니다|아니다|아니라)\b",
        rf"(?:디코딩|복호화|해독)[^.\n]{{0,20}}(?:따르|실행|수행|{_ASKED})",
    )
)  # fmt: skip
"""Looked for in the sentence with single spaces, in lower case."""

_BARE = tuple(
    re.compile(pattern)
    for pattern in (
        (
            r"(?:ignore|disregard|forget|override)(?:all|any|the|your|these|every|of)*"
            r"(?:previous|prior|above|earlier|preceding|foregoing|system)?(?:instruction|prompt|rule|guideline|command)"
        ),
        r"(?:ignore|disregard|forget)(?:everything|all|the)?(?:above|previous|before)",
        r"(?:reveal|print|repeat|output|leak|show)(?:me)?(?:the|your)(?:system|hidden|initial)?(?:prompt|instructions)",
        r"(?:이전|위|앞|기존|상기|모든|앞선)(?:의)?(?:모든)?(?:지시|명령|지침|프롬프트|규칙)\w{0,4}(?:무시|잊|따르지|취소)",
        r"(?:시스템|너의|당신의)(?:프롬프트|지시|지침)\w{0,3}(?:출력|공개|보여|알려|누설)",
    )
)
"""Looked for in letters and digits alone."""
