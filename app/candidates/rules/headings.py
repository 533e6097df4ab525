# ruff: noqa: PLR2004 - weights and widths of rules, each used where it is explained
"""Headings, Korean and English: which words open which section."""

import difflib
import re
from collections.abc import Mapping, Sequence
from enum import StrEnum
from functools import cache

from app.candidates.rules.dates import without_periods
from app.candidates.rules.lines import squeeze
from app.candidates.rules.vocabulary import is_degree
from app.candidates.rules.wordlists import words
from app.documents.remembering import remembered

HEADING_MAX_CHARS = 48


class Kind(StrEnum):
    """What a section is about. `OTHER` holds nothing that a profile asks for."""

    HEADER = "header"
    TITLE = "title"
    CONTACT = "contact"
    SUMMARY = "summary"
    EXPERIENCE = "experience"
    CAREER_DETAIL = "career_detail"
    EDUCATION = "education"
    SKILLS = "skills"
    LANGUAGES = "languages"
    LINKS = "links"
    PROJECTS = "projects"
    CERTIFICATES = "certificates"
    PUBLICATIONS = "publications"
    REFERENCES = "references"
    FAMILY = "family"
    COVER_LETTER = "cover_letter"
    OTHER = "other"


CAREERS = (Kind.EXPERIENCE, Kind.EDUCATION)

_HEADINGS: Mapping[Kind, str] = {
    Kind.TITLE: "이력서 국문이력서 영문이력서 입사지원서 지원서 resume résumé cv curriculumvitae 경력이력서 "
    "표준이력서 이력서(경력) 개인이력서 채용지원서 입사지원서(이력서) applicationforemployment employmentapplication jobapplication "
    "employmentapplicationform jobapplicationform applicationform applicationforaposition",
    Kind.CONTACT: "연락처 연락정보 인적사항 개인정보 기본정보 기본사항 기본인적사항 신상정보 신상명세 지원자정보 "
    "개인사항 개인신상 contact contacts contactinfo contactinformation contactdetails personalinformation "
    "personalinfo personaldetails personaldata details getintouch contactme 인적정보 지원자인적사항 연락 연락방법 연락하기",
    Kind.SUMMARY: "요약 소개 자기소개 간단소개 간략소개 한줄소개 프로필 프로파일 자기소개요약 경력요약 핵심요약 핵심소개 "
    "나의소개 저는 저를소개합니다 aboutme about summary profile overview professionalsummary executivesummary "
    "careersummary professionalprofile personalprofile personalstatement careerprofile objective careerobjective "
    "introduction personalsummary summaryofqualifications careeroverview whoiam bio biography intro 커리어요약 "
    "전문분야요약 about.me highlights careerhighlights 간단자기소개",
    Kind.EXPERIENCE: "경력 경력사항 경력정보 주요경력 주요경력사항 근무경력 근무이력 근무경험 직장경력 직장이력 업무경험 "
    "업무경력 업무이력 실무경험 실무경력 경험 커리어 회사경력 재직이력 재직경력 경력내역 경력및경험 이력 이력사항 "
    "사회경력 근무처 근무회사 다닌회사 재직회사 주요이력 일한경험 걸어온길 일경험 주요커리어 근무사항 근무내역 직장생활 현장경력 임상경력 교육경력 강사경력 인턴경험 인턴십 인턴경력 인턴활동 현장실습 실습경험 실습경력 직무체험 연구경력 경력사항(최근순) 재직사항 재직정보 직무경험 직무경력 직업경력 "
    "experience experiences workexperience professionalexperience employment employmenthistory workhistory career "
    "careerhistory employmentexperience professionalbackground workexperiences industryexperience "
    "relevantexperience researchexperience teachingexperience jobhistory internships internship "
    "internshipexperience positions professionalhistory appointments academicappointments previousexperience "
    "additionalexperience otherexperience careerexperience workbackground whereiveworked jobexperience "
    "professionalcareer clinicalexperience workplacehistory professionaljourney workexperienceandroles roles "
    "rolesandresponsibilities professionalroles servicerecord background work jobs workedat",
    Kind.CAREER_DETAIL: "경력기술서 상세경력 경력상세 주요업무 담당업무 업무내용 주요업무내용 상세경력기술 경력기술 경력상세기술 "
    "직무기술서 주요성과 업적 업무성과 주요실적",
    Kind.EDUCATION: "학교 나온학교 다닌학교 출신학교 학력 학력사항 최종학력 학력정보 학력및교육 학력/교육 학업 학위 학력내역 학력이력 교육및학력 출신학교 배움 배움의길 배운곳 학업배경 학교생활 학업사항 학업이력 수학이력 "
    "education educations educationalbackground academicbackground academichistory academicqualifications "
    "educationhistory educationandtraining qualifications academics degrees academiceducation schooling "
    "educationalqualifications academicrecord formaleducation academicprofile schools studies academictraining "
    "academiccredentials",
    Kind.SKILLS: "기술 기술스택 보유기술 보유기술스택 스킬 주요기술 사용기술 핵심기술 보유스킬 보유역량 핵심역량 역량 기술역량 "
    "전문기술 전문역량 보유능력 보유기술및역량 컴퓨터활용능력 컴퓨터능력 oa능력 oa활용능력 활용능력 사용가능기술 사용툴 사용가능프로그램 사용가능툴 가능프로그램 활용도구 툴킷 보유도구 "
    "프로그램활용능력 활용프로그램 사용프로그램 툴 도구 사용도구 전산능력 프로그램활용 컴퓨터프로그램 개발역량 기술사항 보유기술사항 개발언어 "
    "프로그래밍언어 전문분야 직무역량 직무기술 활용가능기술 테크스택 개발환경 주요스킬 보유툴 컴퓨터활용 업무역량 주요역량 "
    "기술및도구 기술능력 skills skill technical technicalskills keyskills coreskills techstack technologystack technologies "
    "corecompetencies competencies expertise areasofexpertise technicalproficiencies technicalexpertise "
    "skillset softskills hardskills toolsandtechnologies tools skillshighlights computerskills itskills "
    "programmingskills professionalskills keycompetencies technicalcompetencies coretechnologies proficiencies "
    "programminglanguages skillsummary technicalsummary relevantskills mainskills specialties software "
    "capabilities strengths technicaltoolkit toolkit toolbox stack abilities softwareskills whaticando whatido cando icando strongat goodat thingsicando knowhow competences "
    "technicalproficiency proficiency 다루는것 다루는도구 할수있는일 할수있는것 가능업무 가능한일 다룰수있는것 다룰수있는도구 잘하는일 잘하는것 강점 나의강점 보유강점 연구기법 실험기법 실무능력 직무능력 "
    "업무능력 업무스킬 현장기술 술기 보유술기 임상술기 간호술기 핵심술기",
    Kind.LANGUAGES: "외국어 어학 어학능력 외국어능력 어학사항 어학성적 언어 언어능력 어학점수 공인어학성적 외국어활용능력 어학시험 "
    "외국어구사능력 어학정보 외국어사항 언어구사 구사언어 사용언어 languages language languageskills foreignlanguages "
    "languageproficiency mothertongue mothertongues nativelanguage nativelanguages spokenlanguages languagesspoken",
    Kind.LINKS: "link url urls 링크 웹사이트 홈페이지 포트폴리오 온라인프로필 블로그 sns links websites website onlineprofiles "
    "onlinepresence portfolio sociallinks profiles socialmedia social weblinks findme findmeonline online",
    Kind.PROJECTS: "프로젝트 주요프로젝트 프로젝트경험 프로젝트이력 수행프로젝트 개인프로젝트 사이드프로젝트 토이프로젝트 "
    "팀프로젝트 공사실적 주요공사실적 시공실적 주요시공실적 설계실적 용역실적 사업실적 수행실적 참여공사 프로젝트사항 프로젝트수행경험 참여프로젝트 수행이력 projects personalprojects sideprojects keyprojects "
    "selectedprojects projectexperience opensource opensourceprojects opensourcecontributions academicprojects "
    "notableprojects relevantprojects projectdetails projectsdetails detailsofprojects projectshandled projectsundertaken "
    "projectsexecuted projectwork projectsummary projectprofile majorprojects",
    Kind.CERTIFICATES: "자격증 자격사항 자격면허 자격및면허 자격증및면허 면허 면허및자격 보유자격증 자격 취득자격 자격증사항 "
    "면허자격 국가자격증 자격취득사항 certificates certifications certification licenses "
    "professionalqualification professionalqualifications licensure licensures licensureandcertifications professionalcertificates licensesandcertifications certificationsandlicenses licences professionalcertifications credentials "
    "coursesandcertifications accreditations certificate baradmissions baradmission",
    Kind.PUBLICATIONS: "논문 논문및특허 출판 저서 역서 번역서 저역서 저서및역서 연구실적 저서및논문 게재논문 학술논문 특허 특허및논문 발표논문 학술활동 "
    "연구업적 발표 학회발표 학술발표 학회활동 강연 publications selectedpublications papers patents publicationsandpatents conferencepapers journalarticles "
    "researchpublications books talks invitedtalks presentations conferences selectedtalks selectedpapers "
    "conferencepresentations posters speaking",
    Kind.REFERENCES: "추천인 추천인정보 추천인사항 보증인 신원보증인 평판조회 레퍼런스 추천서 추천인연락처 추천 신원보증 참고인 "
    "비상연락처 비상연락망 긴급연락처 references referees reference refereesandreferences professionalreferences "
    "recommendations testimonials referencescontacts referee emergencycontact emergencycontacts "
    "characterreferences academicreferences personalreferences",
    Kind.FAMILY: "가족사항 가족관계 가족 가족정보 가족구성 가족관계사항 family familymembers familyinformation "
    "familydetails familybackground",
    Kind.COVER_LETTER: "자기소개서 지원동기 성장과정 성격의장단점 성격장단점 입사후포부 지원동기및포부 지원동기및입사후포부 생활신조 "
    "장점및단점 coverletter motivation motivationletter letterofmotivation dearhiringmanager",
    Kind.OTHER: "기타 경험/활동/교육 활동/경험/교육 기타사항 수상 수상경력 수상내역 수상이력 수상실적 수상및활동 병역 병역사항 병역관계 병역정보 군복무 취미 특기 "
    "취미및특기 취미/특기 대외활동 활동 봉사활동 동아리 동아리활동 교내활동 교외활동 교내외활동 대내외활동 활동사항 사회활동 교육 교육사항 "
    "교육이수 교육이수사항 교육훈련 교육이력 이수교육 교육수료 연수 해외연수 해외경험 직업훈련 교육및연수 희망근무조건 "
    "희망연봉 희망사항 희망근무 희망조건 신체사항 보훈 장애 보훈및병역 주요활동 관심분야 강의 강의경력 관심사 관심사항 참고사항 특이사항 "
    "우대사항 첨부 첨부서류 제출서류 수료 장학금 경력증명 연구분야 이수과목 전시 전시이력 개인전 단체전 출연작 작품활동 필모그래피 "
    "awards honors honours honorsawards awardsandhonors honorsandawards achievements accomplishments activities "
    "extracurricular extracurricularactivities volunteer volunteering volunteerexperience volunteerwork "
    "communityinvolvement communityservice leadership leadershipexperience interests hobbies hobbiesandinterests "
    "training courses coursework relevantcoursework professionaldevelopment memberships affiliations "
    "professionalaffiliations professionalmemberships militaryservice military scholarships service "
    "additionalinformation miscellaneous other otherinformation workshops fellowships grants selectedhonors "
    "additional keyachievements selectedachievements personalinterests availability visa workauthorization "
    "continuingeducation declaration press media events organizations languagesandinterests salary etc "
    "patentsandawards positionsofresponsibility positionofresponsibility drivinglicence drivinglicense boardservice boardmemberships boardmembership boardpositions boardroles directorships nonexecutiveroles nonexecutivedirectorships governance trusteeships advisoryroles researchinterests trainings onlinecourses selectedawards notableachievements",
}
_DUTIES = words("""
    rolesresponsibilities rolesandresponsibilities roleandresponsibilities roleresponsibilities
    주요업무 담당업무 업무내용 주요업무내용 주요성과 업무성과 주요실적 업적 수행업무 상세업무 업무상세 responsibilities keyresponsibilities duties
    keyachievements achievements accomplishments highlights
    """)
_MODIFIERS = words("""
    selected relevant recent additional other key core main professional technical academic
    personal work industry notable current previous prior related my full more major special
    specialized primary top digital practical functional essential job-related general overall
    주요 핵심 관련 기타
    """)
_DECORATION = (
    " \t©®¤@[]<>【】〈〉《》「」『』()▣◈◉■□●○◆◇◎▶►▷★☆※*#=_|:-–—~•·.▪▏▎▍▌▋▊▉█▐┃│❙❚◼◾▰✦❖/\\"
)
_SET_OFF = "[<【〈《「『▣◈◉■□●○◆◇◎▶►▷★☆※#="
_NUMBERING = re.compile(
    r"^\(?(?:\d{1,2}|[IVX]{1,4}|[Ⅰ-Ⅹ]|[가나다라마바사아])\s?[.)]\s*|^0\d\s+(?=[^\W\d])|^[①-⑳❶-❿]\s*"
)
# Headings of programmers: $ cat SKILLS.md, > experience.json.
_COMMAND = re.compile(r"^[$>]\s?(?:(?:cat|ls|cd|less|more|open|vim|head|tail|echo)\s+)?(?:\./)?")
_FILE = re.compile(r"\.(?:md|txt|json|ya?ml|toml|log|sh|py|js|ts|html)$", re.IGNORECASE)
_TOTAL = re.compile(r"(?:\s|[(\[])\s*(?:총|약|total:?)\s*[)\]]?\s*$", re.IGNORECASE)
_BRACKETED = re.compile(r"\(([^()]*)\)|\[([^\]]*)\]")
_COMPOUND = re.compile(
    r"\s*(?:&|/|\+|,|·|\||\band\b|(?<![가-힣])및(?![가-힣])|(?<=\s)및|및(?=\s))\s*", re.IGNORECASE
)
_I_HAVE = r"i(?:['’](?:ve|m|d)| have| am)?"
_PHRASES: Sequence[tuple[re.Pattern[str], Kind]] = tuple(
    (re.compile(rf"^(?:{form})[\s!.?:…]*$", re.IGNORECASE), kind)
    for form, kind in (
        (rf"(?:where|places|schools) {_I_HAVE} (?:studied|learn(?:ed|t)|(?:went|gone|been) to school|trained)", Kind.EDUCATION),
        (rf"what {_I_HAVE} (?:studied|learn(?:ed|t))", Kind.EDUCATION),
        (rf"(?:where|places|companies) {_I_HAVE} (?:been|worked(?: (?:at|for|with))?|work)", Kind.EXPERIENCE),
        (r"(?:career|experience|employment|work(?: history| experience)?) (?:to date|so far|in brief|at a glance)", Kind.EXPERIENCE),
        (r"(?:education|studies) (?:to date|so far|in brief)", Kind.EDUCATION),
        (rf"what {_I_HAVE} (?:done|been doing|been up to)|my (?:story so far|journey|path)", Kind.EXPERIENCE),
        (rf"(?:things|what) {_I_HAVE} (?:built|made|shipped|worked on)", Kind.PROJECTS),
        (rf"(?:things|what|tools) {_I_HAVE} ?(?:can|do|know|use|bring|offer|(?:really )?good|work with|love to use)\b.{{0,24}}", Kind.SKILLS),
        (r"say (?:hi|hello)|(?:how|where) to (?:reach|find) me|reach (?:me|out)|(?:let['’]?s )?(?:talk|connect|chat)|find me(?: (?:at|on|here|online))?", Kind.CONTACT),
        (r"(?:hello|hi)(?: there)?(?:,? i['’]?m)?|a (?:little |bit )+about me|more about me|in (?:short|brief|a nutshell)", Kind.SUMMARY),
        (r"(?:for )?fun(?: facts?)?|outside (?:of )?work|off the clock|when i['’]?m not working|(?:things|what) i (?:love|like|enjoy)", Kind.OTHER),
        (r"(?:제가\s?)?(?:일한|일했던|일하는|일해\s?온|일해\s?본|근무한|근무했던|근무해\s?온|재직했던|다닌|다녔던|거쳐\s?온|몸담은)\s?(?:곳|회사|직장)(?:들)?|(?:해\s?온|했던|지금까지\s?한)\s?일(?:들)?", Kind.EXPERIENCE),
        (r"(?:인턴(?:십)?|아르바이트|현장\s?실습|파트\s?타임)\s?(?:및|/|·|,|&)\s?(?:(?:현장|근무|실무|직무|업무|일)\s?)?(?:실습|경력|경험|인턴(?:십)?|아르바이트|파트\s?타임)(?:\s?(?:경력|경험))?", Kind.EXPERIENCE),
        (r"(?:제가\s?)?(?:공부한|공부했던|배운|다닌|졸업한)\s?(?:곳|학교)(?:들)?", Kind.EDUCATION),
        (r"(?:제가\s?)?(?:할\s?(?:수\s?있는|줄\s?아는)|다룰\s?(?:수\s?있는|줄\s?아는)|쓸\s?(?:수\s?있는|줄\s?아는)|다루는|잘하는|잘\s?하는|쓰는)\s?(?:것|일|업무|작업|기술|도구|툴|언어|프로그램)(?:들)?", Kind.SKILLS),
        (r"(?:사용|활용|운용)\s?(?:이\s?)?가능(?:한)?\s?(?:주요\s?)?(?:기술|도구|툴|언어|프로그램|소프트웨어|s/?w|장비)(?:들)?", Kind.SKILLS),
        (r"(?:무엇을|무얼|뭘)\s?(?:잘\s?하나요|할\s?수\s?있나요|다루나요|할\s?줄\s?아나요)|이런\s?(?:걸|것을|일을)\s?(?:잘해요|잘합니다|할\s?수\s?있어요)", Kind.SKILLS),
        (r"(?:어디서|어디에서)\s?(?:일했나요|일해\s?왔나요|무엇을\s?했나요)|이런\s?일을\s?(?:했어요|해왔어요|했습니다)", Kind.EXPERIENCE),
        (r"(?:어디서|어디에서|무엇을)\s?(?:배웠나요|공부했나요)|이런\s?(?:걸|것을)\s?배웠(?:어요|습니다)", Kind.EDUCATION),
        (r"(?:languages )?i speak", Kind.LANGUAGES),
        (r"(?:구사할\s?수\s?있는|할\s?줄\s?아는|할\s?수\s?있는|구사하는)\s?(?:말|외국어)", Kind.LANGUAGES),
        (r"(?:만든|만들었던|진행한)\s?(?:것|프로젝트)(?:들)?", Kind.PROJECTS),
    )
)  # fmt: skip
_OCR_NEAR = 0.78  # one wrong letter in five
_ENDINGS: Sequence[tuple[str, Kind]] = (
    ("volunteerexperience", Kind.OTHER),
    ("leadershipexperience", Kind.OTHER),
    ("projectexperience", Kind.PROJECTS),
    ("experience", Kind.EXPERIENCE),
    ("employment", Kind.EXPERIENCE),
    ("education", Kind.EDUCATION),
    ("skills", Kind.SKILLS),
    ("competencies", Kind.SKILLS),
    ("technologies", Kind.SKILLS),
    ("projects", Kind.PROJECTS),
    ("publications", Kind.PUBLICATIONS),
    ("references", Kind.REFERENCES),
    ("certifications", Kind.CERTIFICATES),
    ("프로젝트", Kind.PROJECTS),
    ("봉사경험", Kind.OTHER),
    ("활동경험", Kind.OTHER),
    ("해외경험", Kind.OTHER),
    ("수상이력", Kind.OTHER),
    ("교육이력", Kind.OTHER),
    ("volunteerhistory", Kind.OTHER),
    ("수상경력", Kind.OTHER),
    ("강의경력", Kind.OTHER),
    ("경력사항", Kind.EXPERIENCE),
    ("경력", Kind.EXPERIENCE),
    ("이력", Kind.EXPERIENCE),
    ("경험", Kind.EXPERIENCE),
    ("커리어", Kind.EXPERIENCE),
    ("학력", Kind.EDUCATION),
    ("학업", Kind.EDUCATION),
    ("학력사항", Kind.EDUCATION),
    ("기술", Kind.SKILLS),
    ("스킬", Kind.SKILLS),
    ("역량", Kind.SKILLS),
    ("프로그램", Kind.SKILLS),
    ("도구", Kind.SKILLS),
    ("활용", Kind.SKILLS),
    ("툴", Kind.SKILLS),
    ("능력", Kind.SKILLS),
    ("강점", Kind.SKILLS),
    ("할수있는일", Kind.SKILLS),
    ("expertise", Kind.SKILLS),
    ("abilities", Kind.SKILLS),
    ("proficiency", Kind.SKILLS),
    ("strengths", Kind.SKILLS),
    ("tools", Kind.SKILLS),
    ("career", Kind.EXPERIENCE),
    ("history", Kind.EXPERIENCE),
    ("appointments", Kind.EXPERIENCE),
    ("studies", Kind.EDUCATION),
    ("qualifications", Kind.EDUCATION),
    ("자격증", Kind.CERTIFICATES),
    ("자격", Kind.CERTIFICATES),
    ("면허", Kind.CERTIFICATES),
    ("논문", Kind.PUBLICATIONS),
    ("특허", Kind.PUBLICATIONS),
    ("어학", Kind.LANGUAGES),
    ("languages", Kind.LANGUAGES),
    ("summary", Kind.SUMMARY),
    ("profile", Kind.SUMMARY),
    ("수상", Kind.OTHER),
    ("활동", Kind.OTHER),
    ("awards", Kind.OTHER),
    ("interests", Kind.OTHER),
    ("activities", Kind.OTHER),
    ("memberships", Kind.OTHER),
    ("affiliations", Kind.OTHER),
)


def is_numbered(text: str) -> bool:
    """`3. 수행 실적`, `IV. Awards`, `나) 교육`."""
    return len(text) <= HEADING_MAX_CHARS and _NUMBERING.match(text) is not None


def is_duty(text: str) -> bool:
    """담당업무, `Responsibilities`: it stands over the deeds of one position."""
    return squeeze(text) in _DUTIES


@cache
def _known() -> Mapping[str, Kind]:
    return {squeeze(word): kind for kind, words in _HEADINGS.items() for word in words.split()}


@remembered
def heading_kinds(text: str, *, ocr: bool = False) -> tuple[Kind, ...]:
    """The kinds that a heading names; empty when the text is no heading."""
    if not text or len(text) > HEADING_MAX_CHARS:
        return ()
    if any(c.isdigit() for c in text):  # 경력 총 8년 2개월, EXPERIENCE (5 years)
        text = _TOTAL.sub("", without_periods(text))
    if "." in text or text.startswith(("$", ">")):
        text = _FILE.sub("", _COMMAND.sub("", text))
    bare = _NUMBERING.sub("", text.strip(_DECORATION)).strip(_DECORATION)
    bare += ")" * (bare.count("(") - bare.count(")"))
    if not bare or len(bare) > HEADING_MAX_CHARS or bare.count(",") > 1:
        return ()
    if kind := _look_up(bare, ocr=ocr):
        return (kind,)
    outer, inner = _BRACKETED.sub(" ", bare), [a or b for a, b in _BRACKETED.findall(bare)]
    # 경력 (Experience), but not Bachelor of Journalism (Honours)
    others = [i for i in inner if _is_korean(i) != _is_korean(outer)]
    for candidate in (outer, *others) if inner else ():
        if kind := _look_up(candidate, ocr=False):
            return (kind,)
    parts = [p for p in _COMPOUND.split(bare) if p]
    if 1 < len(parts) <= 3:
        kinds = tuple(dict.fromkeys(k for p in parts if (k := _look_up(p, ocr=ocr))))
        # One known part is enough when the rest is as short as a heading: `Certifications & Clubs`.
        if kinds and _look_up(parts[0], ocr=ocr) and all(len(p.split()) <= 3 for p in parts):
            # 경력기술서 | 윤가온 is the document's title with a name.
            return (Kind.TITLE,) if kinds == (Kind.CAREER_DETAIL,) else kinds
    return _two_languages(bare)


def _is_korean(text: str) -> bool:
    return any("가" <= c <= "힣" for c in text)


def _two_languages(text: str) -> tuple[Kind, ...]:
    """`경력 Experience`, `EDUCATION 학력`: both halves must mean the same."""
    korean = "".join(c if "가" <= c <= "힣" else " " for c in text)
    latin = "".join(c if c.isascii() else " " for c in text)
    a, b = _look_up(korean, ocr=False), _look_up(latin, ocr=False)
    return (a,) if a and a == b else ()


def _look_up(text: str, *, ocr: bool) -> Kind | None:
    word = squeeze(text)
    known = _known()
    if kind := known.get(word):
        return kind
    if found := next((kind for form, kind in _PHRASES if form.match(text)), None):
        return found
    if not 2 <= len(word) <= 40:
        return None
    if word.isascii() and len(word) > 4 and (kind := known.get(f"{word}s", known.get(word[:-1]))):
        return kind
    tokens = text.casefold().split()
    while len(tokens) > 1 and tokens[0] in _MODIFIERS:
        tokens = tokens[1:]
        rest = squeeze("".join(tokens))
        if kind := known.get(rest, known.get(f"{rest}s")):
            return kind
    if ocr and len(word) >= 4:
        near = difflib.get_close_matches(word, known, n=1, cutoff=_OCR_NEAR)
        return known[near[0]] if near else None
    return None


def is_decorated(text: str) -> bool:
    """Whether signs set a line off as a heading where there are no sizes: [일한 경험], ■ 배움, == Work ==."""
    bare = text.strip()
    return len(bare) > 2 and bare[0] in _SET_OFF and bare.strip(_DECORATION) != bare


def kinds_by_ending(text: str) -> tuple[Kind, ...]:
    """What a line that is set as a heading is about: `Hospital Experience`, 다룰 수 있는 프로그램."""
    text = _NUMBERING.sub("", text.strip(_DECORATION)).strip(_DECORATION)
    word = squeeze(text)
    if (
        not 3 <= len(word) <= 32
        or len(text.split()) > 4
        or any(c.isdigit() or c in ",.|:" for c in text)
        or is_degree(text.split()[0])  # PGCE PRIMARY EDUCATION
    ):
        return ()
    return next(((kind,) for ending, kind in _ENDINGS if word.endswith(ending)), ())
