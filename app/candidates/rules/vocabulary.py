# ruff: noqa: PLR2004 - weights and widths of rules, each used where it is explained
"""Words that tell titles, companies, schools and degrees apart."""

import re

from app.candidates.rules.places import is_place
from app.candidates.rules.wordlists import words
from app.documents.remembering import remembered

_TITLE_HEADS = words("""
    engineer developer manager director analyst scientist designer architect consultant intern
    internship placement crew officer president lead leader head specialist coordinator administrator assistant
    associate researcher fellow professor lecturer teacher instructor tutor nurse physician
    accountant auditor attorney lawyer paralegal editor writer journalist producer technician
    programmer tester strategist planner marketer recruiter representative executive founder
    co-founder cofounder ceo cto cfo coo cpo cio cmo ciso vp svp evp avp partner owner
    supervisor agent advisor adviser operator clerk secretary cashier buyer chef trainer coach
    translator interpreter pharmacist therapist counselor counsellor mentor volunteer trainee
    apprentice freelancer freelance postdoc sre photographer illustrator animator artist modeler
    copywriter librarian economist statistician mathematician physicist chemist biologist
    geologist surveyor estimator inspector controller treasurer bookkeeper receptionist barista
    driver mechanic electrician dentist doctor surgeon psychologist veterinarian principal dean
    chair chairman chairperson co-chair maintainer creator contributor member scholar resident
    clinician dietitian paramedic firefighter policeman detective merchandiser underwriter
    broker trader banker teller actuary adjuster evangelist advocate liaison stylist sommelier
    hygienist carer caregiver cook baker butcher florist gardener farmer tailor hairdresser
    beautician cleaner janitor porter courier postman guard ranger warden pilot captain steward
    stewardess attendant sailor fisherman miner roofer painter decorator plasterer bricklayer glazier
    joiner fitter turner rigger fabricator grinder toolmaker packer picker loader labourer laborer
    tiler mason locksmith upholsterer jeweller potter weaver seamstress dressmaker milliner
    optician optometrist podiatrist radiographer sonographer phlebotomist midwife matron orderly
    headteacher headmaster headmistress provost registrar bursar archivist conservator docent
    waiter waitress bartender host hostess concierge housekeeper sous-chef patissier commis
    magistrate judge prosecutor solicitor barrister clerk-typist typist stenographer notary bailiff
    reporter correspondent columnist anchor announcer presenter dancer musician singer actor actress
    choreographer sculptor printmaker ceramicist draughtsman drafter draftsman cartographer
    planter arborist forester agronomist horticulturist ecologist botanist zoologist geneticist
    microbiologist toxicologist epidemiologist immunologist astronomer meteorologist linguist
    historian sociologist anthropologist archaeologist demographer philosopher theologian
    constable sergeant lieutenant corporal inspector-general trooper officer-in-charge
    pharmacologist anesthetist anaesthetist cardiologist oncologist radiologist pathologist
    nutritionist dietician orthodontist prosthetist acupuncturist masseur masseuse
    salesclerk shopkeeper stocker bagger appraiser auctioneer realtor valuer
    signalman conductor-guard dispatcher-controller stevedore docker crane-operator
    contractor superintendent foreman machinist welder carpenter plumber dispatcher ambassador
    investigator practitioner educator facilitator curator conductor composer author speaker
    webmaster storekeeper salesperson salesman scrum master pm po qa ta ra developer/engineer
    helper journeyman handyman installer repairer millwright pipefitter ironworker lineman boilermaker
    custodian caretaker groundskeeper landscaper nanny babysitter chauffeur valet usher lifeguard
    sister generalist expert technologist copyeditor entwickler ingenieur
    """)
# Jobs in one word, as German, Dutch and their neighbours write them: Projektleiter, Verkoopadviseur.
_TITLE_ENDINGS = tuple(
    sorted(
        words("""
        adviseur assistent assistentin bearbeiter bearbeiterin beheerder berater beraterin entwickler entwicklerin
        werkstudent werkstudentin praktikant praktikantin stagiair stagiaire ingenieur ingenieurin ingenjör ledare lehrer lehrerin leider leiter leiterin
        manager managerin medewerker mitarbeiter mitarbeiterin ontwikkelaar techniker technikerin utvecklare utvikler
        """)
    )
)
# Jobs that Korean firms name by two or three capitals; in lower case they are words.
_SHORT_TITLES = words(
    "HRBP CHRO CDO CPO PMO FAE SWE SDE AE AM AD CD PD PL MD "
    "VMD BM SA SE DBA CRA CRC MSL GM CSM SDR BDR TL TPM HRM HRD"
)
_TITLE_MODIFIERS = words("""
    senior sr sr. junior jr jr. staff chief vice deputy assistant associate full-stack fullstack
    full stack backend back-end back end frontend front-end front software data machine learning
    ml ai product project program programme mobile ios android web cloud devops platform
    infrastructure security network systems system site reliability business marketing sales
    account customer success support technical tech operations hr human resources finance
    financial legal research teaching graduate undergraduate visiting adjunct postdoctoral
    quality assurance test automation embedded firmware hardware electrical mechanical civil
    chemical ux ui ux/ui ui/ux user experience interface graphic visual content creative brand
    digital growth general regional global national executive managing group team database
    solutions solution applications application staff member of and the for & principal lead
    interim founding independent self-employed part-time full-time contract freelance summer
    winter registered licensed certified clinical medical health care nursing public relations
    communications community social media supply chain logistics procurement purchasing store
    shop office administrative production manufacturing process industrial environmental safety
    field service analytics intelligence deep nlp vision computer robotics game qa sdet i ii iii
    iv core growth payments search engineering design development r&d it information risk
    structural geotechnical aerospace automotive biomedical nuclear petroleum marine mining
    materials optical acoustic architectural landscape urban rural interior fashion textile
    agricultural veterinary dental surgical pediatric paediatric geriatric psychiatric community
    forensic criminal military naval aviation maritime railway logistics hospitality culinary
    primary elementary secondary kindergarten preschool bilingual early childhood special
    compliance tax audit investment portfolio equity quantitative quant actuarial strategy
    """)
_KO_TITLE = re.compile(
    r"(?:개발자|엔지니어|디자이너|어소시에이트|어드바이저|슈퍼바이저|테크니션|인스트럭터|조산사|부기장|아나운서|피디|행정사|건축사|관리원|기능원|스태프|매니저|매니져|기획자|분석가|과학자|사이언티스트|애널리스트|아키텍트|컨설턴트|마케터|코디네이터|어시스턴트|스페셜리스트"
    r"|디렉터|오퍼레이터|프로듀서|에디터|프로그래머|퍼블리셔|리서처|테스터|스트래티지스트|플래너|트레이너|바리스타|셰프|큐레이터|일러스트레이터|모델러"
    r"|사원|주임|대리|과장|차장|부장|팀장|실장|본부장|부서장|이사|상무|전무|사장|부사장|대표|대표이사|파트장|그룹장|센터장|지점장|점장|소장|원장|국장|반장"
    r"|(?:선임|책임|수석|전임|주임|위촉|보조|초빙|객원|박사후|연수|상임|학생|방문|겸임|계약|인턴|참여|특별)\s?(?:연구원|연구위원|매니저|엔지니어|컨설턴트|개발자)?|인턴|인턴사원|수습사원|계장|팀원|팀리더|리더|리드|파트너"
    r"|강사|교사|교수|조교|조교수|부교수|간호사|수간호사|회계사|세무사|변호사|변리사|노무사|약사|의사|기자|작가|사서|영양사|조리사|물리치료사|치위생사|사회복지사"
    r"|상담원|상담사|운영자|관리자|담당자|담당|책임자|오너|서기|라이터|카피라이터|창업자|공동창업자|연구위원|연구자|기술사|기능사|주무관|사무관|비서|승무원|통역사|번역가|아르바이트|프리랜서"
    r"|사무원|상담원|운전원|경비원|조리원|미화원|안내원|판매원|검침원|조합원|배달원|집배원|활동가|운동가|작곡가|건축가|사진가|번역가|통역가|평론가|분장사|요리사|제빵사|제과사|용접사|정비사|미용사|이발사|운전기사|운전사|버스기사|택배기사|기사|설비기사|전기기사|기관사|항해사|조종사|관제사|측량사|감정평가사|관세사|법무사|공인중개사|보육교사|강사|상담교사|보건교사|요양보호사|간호조무사|임상병리사|방사선사|작업치료사|언어치료사|치과기공사|안경사|수의사|한의사|영양교사|조향사|바텐더|소믈리에|주방장|주방보조|조리장|공장장|현장소장|작업반장|조장|직장|파티시에|베이커|플로리스트|스타일리스트|헤어디자이너|아나운서|쇼호스트|리포터|애니메이터|성우|배우|가수|무용수|연주자|지휘자|연출가|큐레이터|학예사|학예연구사|기록연구사|연구사|지도사|장학사|경찰관|소방관|소방사|군무관|교도관|세관원|은행원|텔러|설계사|재무설계사|계리사|심사역|투자역|매니징디렉터|전공의|전문의|레지던트|전임의|임상강사|봉직의|공보의|군의관|조무사|실습생|연수생|보조교사|정교사|기간제교사|담임교사|조교사|생산직원|현장직|기능공|용접공|배관공|목수|미장공|도장공|기술자|설치기사|수리기사|검사원|검수원|포장원|지게차기사"
    r"|(?:전기|선반|밀링|조립|도배|타일|방수|철근|비계|형틀|재단|봉제|인쇄|제관|사출|프레스|정비|기계|보일러|주물|금형)공|근로자|경리|서무|캐셔|딜러|지배인|컨시어지|하우스키퍼|벨맨|도어맨|(?<![가-힣])쿡"
    r"|조연출|편집자|기획위원|감독|촬영감독|행정원|행정직|사무직|영업직|생산직|연구직|기술직|개발직|보조원|요원|연구조교|수습|CEO|CTO|CFO|COO|CPO|PM|PO|PL|PD|MD|AE|QA|TA|RA)$",
    re.IGNORECASE,
)
# Word endings of jobs that no list holds in full. Firms and places of work end so as well (출판사, 병원,
# 도서관, 공장), and so do names of persons: only a word beside a dated employer is judged by them.
_KO_JOB_ENDING = re.compile(
    r"[가-힣](?:사|원|공|장|관|자|가|직|수|역|생|인|꾼|기사|보조|주임|요원|스트|이너|터|매)$"
)
_KO_WORKPLACE = re.compile(
    r"(?:자료원|기록원|문화원|진흥원|개발원|평가원|교육원|연수원|수련원|감정원|보육원|관리원|과학원|기술원|의료원|상사|문화사|인쇄사|출판사|신문사|건설사|여행사|방송사|항공사|제작사|광고사|병원|의원|학원|연구원|유치원|어린이집|요양원|복지원|법원|대학원|한의원|농원|정원|공원"
    r"|도서관|박물관|미술관|복지관|체육관|기념관|회관|여관|문화관|공장|농장|목장|시장|매장|극장|골프장|예식장|정비공장|전자|농가|공인|공사|물류)$"
)
_EN_JOB_ENDING = re.compile(
    r"[a-z]{2}(?:er|or|ist|ian|ant|ent|man|woman|eer|ive|ary|nurse|aide|hand|wright|smith)$"
)
_RANK = re.compile(r"^(?:사원|주임|대리|과장|차장|부장|선임|책임|수석|계장|팀원|팀장|파트장)$")
_KO_TITLE_PARTS = words("""
    시니어 주니어 수석 책임 선임 전임 백엔드 프론트엔드 프런트엔드 풀스택 서버 웹 앱 모바일 안드로이드 데이터 머신러닝 딥러닝 소프트웨어 하드웨어 시스템 네트워크 보안
    클라우드 인프라 데브옵스 플랫폼 프로덕트 제품 서비스 사업 전략 브랜드 콘텐츠 퍼포먼스 그로스 디지털 마케팅 영업 인사 총무 재무 회계 구매 물류 생산 품질 연구
    개발 기획 운영 디자인 그래픽 시각 영상 게임 검색 추천 결제 정산 리드 테크 프로젝트 프로그램 고객 해외 국내 임베디드 펌웨어 기구 설계 전기 전자 기계 화학 공정
    UX UI UX/UI UI/UX AI ML iOS QA IT R&D SW HW BX PR HR Android DevOps 정규직 계약직 파견직 및 신입 보조 비즈니스
    소속 테스트 솔루션 기술 지원 교육 법무 홍보 상품 매장 판매 상담사용자 경험 편집 설비 금형 인테리어 건축 토목 조경 패션 의류 무역 수출 수입 해외영업 기술영업 국내영업
    생산관리 품질관리 구매관리 인사총무 행정 간호 임상 병동 광고 미디어 커머스 이커머스 물류관리 설치 유지보수 경영 경영지원 기술지원 고객지원 상품기획 서비스기획
    사업기획 웹서비스 응용 자동화 반도체 로봇 임베디드SW 선행 광학 회로 배터리 제약 바이오
    """)
_KO_ORG_NOT_TITLE = re.compile(
    r"(?:주식회사|재단|법인|공사|공단|협회|[가-힣]{3,}(?:기술|과학|산업|통신|전자|경제|정책|문화|의학|생명|에너지|교통|해양|농업|보건)연구원)$"
)

_LEGAL = re.compile(
    r"(?:\(주\)|\(유\)|\(재\)|\(사\)|주식회사|유한회사|㈜|\b(?:Inc|Ltd|LLC|L\.L\.C|Corp|Corporation|GmbH|PLC|plc|Pty|LLP|Limited|Incorporated"
    r"|S\.A|B\.V|S\.r\.l|Oy|A/S|K\.K)\b\.?|\bCo\.|\b(?:AG|AB|BV|NV|SA|SE|KG|AS|ASA|ApS|Oyj|SpA|S\.p\.A\.|Srl|SARL|SAS|Lda|Ltda|Pvt|Bhd|Kft|s\.r\.o\.|z o\.o\.)$)"
)
_LEGAL_PREFIX = re.compile(
    r"^(?:주식회사|유한회사|합자회사|합명회사|(?:법무|회계|세무|특허|노무|관세|의료|학교|재단|사단|감정평가|사회복지|농업회사|영농조합|비영리)법인|사회적협동조합|협동조합)(?:\s|$)"
)
_RESEARCHER = re.compile(
    r"(?:^|\s)(?:선임|책임|수석|전임|주임|위촉|보조|초빙|객원|박사후|연수|상임|학생|방문|겸임|계약|인턴|참여|특별)\s?연구원$"
)
_LEGAL_ALONE = re.compile(
    r"^(?:Inc|Ltd|LLC|Corp|GmbH|PLC|LLP|Limited|Co|Pty|S\.A|B\.V|N\.V|S\.L|S\.r\.l|S\.p\.A|SpA|Srl|Lda|Ltda|Sdn\.? Bhd|(?:Pvt|Pte|Pty|Co)\.?,? Ltd)\.?$",
    re.IGNORECASE,
)
_ORG = re.compile(
    r"\b(?:Labs?|Laborator(?:y|ies)|Technolog(?:y|ies)|Systems|Solutions|Group|Bank|Studios?|Hospital|Clinic|Agency|Partners|Media|Ventures"
    r"|Institute|Foundation|University|College|School|Company|Holdings|Industries|Networks?|Software|Consulting|Capital|Insurance"
    r"|Airlines|Motors|Energy|Pharma\w*|Biotech\w*|Robotics|Games|Logistics|Analytics|Digital|Cloud|Works|Center|Centre|Council"
    r"|Ministry|Department|Association|Society|Church|Library|Museum|Restaurant|Cafe|Café|Hotel|Foods?|Retail|Stores?|Health|Healthcare"
    r"|International|Enterprises|Associates|Services|Financial|Electronics|Semiconductor|Telecom|Press|Publishing|Research|Trust|Farm[aá]cia|Cl[ií]nica|Clinique|H[oô]pital|Ospedale|Klinik(?:um)?|Krankenhaus|Ziekenhuis|Apotheke|Pharmacy|Airways|Resorts?|Nursery|Waterschap|Stichting|Stiftung|Gemeente|Verein)\b"
    r"|(?:소프트|소프트웨어|테크|테크놀로지|테크놀러지|전자|은행|그룹|병원|의원|연구소|스튜디오|커머스|랩스?|시스템즈?|네트웍스|네트워크스|홀딩스|건설|증권|카드"
    r"|보험|생명|화재|물산|상사|제약|미디어|컴퍼니|코리아|공사|공단|재단|협회|대학교|대학|학교|센터|리서치|페이|핀테크|솔루션즈?|에이전시|엔터테인먼트|게임즈|게임스"
    r"|로지스틱스|모빌리티|에너지|바이오|헬스케어|푸드|식품|화학|중공업|조선|항공|통신|텔레콤|정보기술|아이앤씨|씨앤에스|서비스|닷컴|클라우드|데이터|로보틱스|인더스트리"
    r"|파트너스|벤처스|캐피탈|디자인|아카데미|학원|유치원|어린이집|요양원|도서관|박물관|미술관|복지관|체육관|수련관|기념관|농장|목장|농원|한의원|약국|공장|정비소|공방|양조장|공업|산업|운수|운송|택배|여객|미용실|헤어|베이커리|제과|식당|카페|조합|농협|교회|성당|사찰|군청|도청|세무서|경찰서|소방서|우체국|보건소|주민센터|사무소|상회|서점|정밀|(?<!전)기공|플랜트|엔지니어링|테크윈|메디칼|메디컬|종묘|축산|수산|출판사?|신문사?|일보|방송국?|방송|호텔|마트|백화점|법인|시청|구청|교육청|연구원|해운|익스프레스|여행사|리조트|치과|면세점|철강|시큐리티|컨설팅|인쇄소|모터스|금속|섬유|어패럴|코스메틱|자산운용|에듀|수협|비스트로|유통)$"
)
_DEPARTMENT = re.compile(
    r"^(?:[가-힣A-Za-z0-9&/·\s]{1,20}(?:팀|본부|사업부|부문|그룹|파트|셀|스쿼드|실|부|국|과)|(?:[\w&/ ]{2,30}) (?P<kind>Team|Department|Dept\.?|Division|Group|Squad|Unit|Org))$"
)
_EMPLOYMENT_TYPE = re.compile(
    r"^(?:정규직|계약직|파견직|인턴직|full[- ]time|part[- ]time|contract|remote|hybrid|on-?site|internship|freelance|permanent|temporary|재직\s?중|퇴사|비정규직)$",
    re.IGNORECASE,
)
_PAIR = re.compile(r"([A-Z][\w']+) & [A-Z][\w']+")
_WORKING_STUDENT = re.compile(r"^(?:working|work[- ]study|placement) student$", re.IGNORECASE)
_WORD = re.compile(r"[^\s,/&()]+")

_SCHOOL_KO = re.compile(
    r"(?:대학교|대학원|고등학교|여자고등학교|전문대학|대학|공고|상고|과학고|외고|예고|과학기술원|중학교|초등학교|사관학교|폴리텍|카이스트|포스텍|유니스트|학점은행제|방송통신대(?:학교)?)"
)
_SCHOOL_EN = re.compile(
    r"\b(?:Universi[dt]\w+|Uniwersytet\w*|Univerzit\w*|Üniversitesi|Yliopisto|Facul\w+|Fac?olt\w+|Fakult\w+|\w*hochschule|\w*schule|Escol\w+|Escuela|Scuola|Istituto|Coleg\w+|Col[ée]gio|Col[áa]iste|Ysgol|\w*[Vv]idyalaya\w*|Vidyapee?th|Vidyashram|Vidya Mandir|Lice[ou]m?|Liceul|Politechnika|Polit[ée]cnic\w*|Akademi\w*|Acad[ée]mi\w*|Hogeschool|Högskola\w*|Høgskole\w*|Conserv\w+oi?r\w*|Sixth Form|TAFE|Univ\.|College|Institut\w*|School|Academy|Polytechnic\w*|Politecnico|Hochschule|École|Ecole|Faculty|Gymnasium|Lyc[ée]e|Seminary|Conservatory|Bootcamp)\b"
    r"|^(?:KAIST|POSTECH|UNIST|DGIST|GIST|MIT|UCLA|UCSD|USC|NYU|CMU|EPFL|Caltech|ETH\b.*|UC [A-Z][a-z]+(?: [A-Z][a-z]+)?|Georgia Tech|Virginia Tech|INSEAD|LSE|SNU|UIUC"
    r"|IIT [A-Z]\w+|Texas A&M|Penn State|UT Austin|TU \w+|KU Leuven|Imperial|SUNY \w+)\b",
    re.IGNORECASE,
)
DEGREE_EN = re.compile(
    r"(?<![\w.])(?:S\.B\.|A\.B\.|Sc\.B\.|Ph\.?\s?D\.?|D\.?Phil\.?|M\.?Phil\.?|Ed\.?D\.?|M\.?B\.?A\.?|E\.?M\.?B\.?A\.?|B\.?B\.?A\.?|B\.?Sc?\.?|M\.?Sc?\.?|B\.?A\.?|M\.?A\.?|B\.?Eng\.?|M\.?Eng\.?"
    r"|B\.?E\.?|M\.?E\.?|B\.?Tech\.?|M\.?Tech\.?|B\.?Com\.?|LL\.?[BM]\.?|J\.?D\.?|M\.?D\.?|A\.?A\.?S?\.?|A\.?S\.?|B\.?F\.?A\.?|M\.?F\.?A\.?|M\.?P\.?H\.?|M\.?P\.?P\.?|M\.?Ed\.?|B\.?Ed\.?|B\.?C\.?S\.?|M\.?C\.?S\.?|B\.?S\.?N\.?"
    r"|S\.M\.|A\.M\.|Sc\.?M\.|Sc\.?D\.|D\.?Sc\.?|Dr\. ?rer\. ?nat\.|Dr\.-Ing\.|Dipl\.-?(?:Ing|Kfm|Inf)\.?|Mag\.|Lic\.|Th\.?[DM]\.?|S\.J\.D\.|LL\.?D\.?|Pharm\.?D\.?|Psy\.?D\.?|D\.?D\.?S\.?|D\.?V\.?M\.?|D\.?N\.?P\.?|D\.?P\.?T\.?"
    r"|D\.?B\.?A\.?|M\.?B\.?B\.?S\.?|M\.?B\.?Ch\.?B\.?|B\.?V\.?Sc\.?|B\.?Pharm\.?|M\.?Pharm\.?|B\.?Mus\.?|M\.?Mus\.?|B\.?S\.?W\.?|M\.?S\.?W\.?|M\.?L\.?I?\.?S\.?|M\.?P\.?A\.?|M\.?Acc\.?|M\.?Sci\.?|M\.?Chem\.?|M\.?Math\.?|M\.?Phys\.?"
    r"|[BM]\.?A\.?Sc\.?|M\.?App\.?Sc\.?|[BM]\.?Bus\.?|[BM]\.?Soc\.?Sci?\.?|[BM]\.?H\.?Sc\.?|M\.?Fin\.?|[BM]\.?Litt\.?|B\.?D\.?S\.?|M\.?S\.?N\.?|B\.?B\.?S\.?|B\.?C\.?A\.?|M\.?C\.?A\.?|B\.?H\.?M\.?|B\.?Des\.?|M\.?Des\.?|FdSc|FdA|PGCE|PGDE|PG ?Dip|PG ?Cert|PGDM|HND|HNC|BTEC|NVQ|GCSEs?|Licenciatura|Laurea(?: Magistrale)?|Licence|Maîtrise|Mestrado|Bacharelado|Doutorado|Vordiplom|Staatsexamen"
    r"|B\.?Arch\.?|M\.?Arch\.?|B\.?S\.?E\.?|M\.?S\.?E\.?|M\.?Res\.?|MIS|MIM|GED)(?:\s?\(Hons?\.?\))?(?![\w])"
)
_DEGREE_WORDS = re.compile(
    r"\b(?:bachelor(?:['’]?s)?|master(?:['’]?s)?|doctor(?:ate)?(?: of\b)?|doctoral|associate(?:['’]?s)? (?:degree|of|in)|diploma|minor in|major in|majored in|undergraduate|"
    r"postgraduate|graduate certificate|high school|certificate (?:(?:i{1,3}|iv|[1-5]) )?in|licence|licentiate|magister|diplom|exchange student|(?<!\w senior )secondary(?!\s(?:\w+\s)?school)|(?:a|as|o)[- ]levels?|international baccalaureate|advanced highers|abitur|baccalaur\w+|leaving cert(?:ificate)?|matura|bachillerato|sslc|wassce|ssce|igcses?|kcse|matriculation)\b",
    re.IGNORECASE,
)
_WITHIN_NAMES = words("of and the for de del della di do da du des der la le")
_ENDS_SCHOOL = re.compile(
    r"(?:abitur|matura|wassce|ssce|kcse|matriculation|baccalaur\w+|bachillerato|leaving cert\w*|high school (?:diploma|graduate|degree|certificate|equivalency)|[aos][- ]levels?)",
    re.IGNORECASE,
)
_SCHOOL_BEGINS = re.compile(
    r"(?<=\w )(?:Universi[dt]\w+|Institut\w*|Istituto|Facul\w+|Escol\w+|Escuela|École|Ecole|College|School|Academy)"
    r"\s(?:of|de|do|da|des|du|del|della|di|für|zu|Polit[ée]cnic\w*|Superior)\b"
    r"|(?<=\w )\w+ (?:(?:State|Technical|Medical|Business|Community|High|International) )?(?:University|College|Polytechnic)$"
)
_AMBIGUOUS_DEGREES = frozenset(
    {"MA", "ME", "AS", "BE", "DE", "MS", "MD", "AA", "BA", "GED", "MIS", "SB"}
)
_DEGREE_KO = re.compile(
    r"(?:전문학사|학사|석사|박사|석박사|석·박사|통합과정|박사과정|석사과정|학사과정|박사수료)"
)
_STATUS_KO = re.compile(
    r"(?:졸업\s?예정|조기\s?졸업|졸업|재학\s?중?|휴학\s?중?|수료|중퇴|편입|입학|자퇴|검정고시)"
)
_MAJOR_KO = re.compile(
    r"[가-힣]{1,16}(?:학과|학부|전공|공학과|공학부|교육과|과|계열|(?<![대재휴입])학|예술)$"
)


@remembered
def title_score(text: str) -> float:
    """0..1: how much of the text is made of title words, led or closed by the name of a job."""
    words = _WORD.findall(text)
    if not words or len(words) > 10 or len(text) > 80:
        return 0.0
    if _KO_ORG_NOT_TITLE.search(text.strip()) or _LEGAL.search(text):
        return 0.0
    pair = _PAIR.fullmatch(text)
    if pair and not is_title_word(pair[1]):
        return 0.0  # Oak & Anchor
    if _WORKING_STUDENT.search(text):
        return 1.0
    heads = sum(_is_head(w) for w in words)
    if not heads:
        return 0.0
    known = sum(
        _is_head(w) or w.casefold() in _TITLE_MODIFIERS or w in _KO_TITLE_PARTS for w in words
    )
    return min(1.0, 0.35 + 0.65 * known / len(words))


@remembered
def _is_head(word: str) -> bool:
    bare = word.casefold().strip(".,;:")
    if bare in _TITLE_HEADS:
        return True
    if any("가" <= c <= "힣" for c in word):
        return word == "연구원" or _KO_TITLE.search(word) is not None
    if word in _SHORT_TITLES or bare.endswith(_TITLE_ENDINGS):
        return True
    return "-" in bare and any(p in _TITLE_HEADS for p in bare.split("-"))


def ends_like_a_job(text: str) -> bool:
    """Whether a text that no list knows ends as names of jobs do: 용접 기능공, Glassblower."""
    words = text.split()
    if not 1 <= len(words) <= 5 or any(c.isdigit() for c in text) or company_score(text):
        return False
    last = words[-1].strip(".,)(")
    if any("가" <= c <= "힣" for c in last):
        return (
            2 <= len(last) <= 8
            and _KO_JOB_ENDING.search(last) is not None
            and _KO_WORKPLACE.search(last) is None
        )
    return _EN_JOB_ENDING.search(last) is not None


def is_rank(text: str) -> bool:
    """Whether a title names only a rank: 과장, 사원."""
    return _RANK.match(text.strip()) is not None


def is_title_word(word: str) -> bool:
    """Whether one word can be part of a job title."""
    return _is_head(word) or word.casefold() in _TITLE_MODIFIERS or word in _KO_TITLE_PARTS


def is_title_head(word: str) -> bool:
    """Whether one word names a job."""
    return _is_head(word)


def company_score(text: str) -> float:
    """0..1: marks of an organisation's name."""
    text = text.strip()
    if _LEGAL.search(text) or (_LEGAL_PREFIX.match(text) and " " in text):
        return 1.0
    if _KO_ORG_NOT_TITLE.search(text):
        return 0.9
    if _RESEARCHER.search(text):
        return 0.0  # 공정기술 책임연구원
    if len(text) <= 60 and _ORG.search(text.title() if text.isupper() else text):
        return 0.6
    return 0.0


def is_legal(text: str) -> bool:
    """Whether a firm's legal form stands in the text: Acme Ltd, 주식회사 나무."""
    return _LEGAL.search(text) is not None


def is_legal_prefix(word: str) -> bool:
    """법무법인, 주식회사: what stands before a firm's own name."""
    return _LEGAL_PREFIX.match(word) is not None


def is_legal_form(text: str) -> bool:
    """`Inc.` alone: the second half of a name that a comma cut."""
    return _LEGAL_ALONE.match(text.strip()) is not None


def is_department(text: str) -> bool:
    """개발팀, Platform Team."""
    found = _DEPARTMENT.match(text.strip())
    if found and found["kind"] == "Group":  # Platform Group; but Kestrel Insurance Group
        return all(is_title_word(word) for word in text.split()[:-1])
    return found is not None


def is_employment_type(text: str) -> bool:
    """정규직, Full-time."""
    return _EMPLOYMENT_TYPE.match(text.strip(" ()[]")) is not None


def has_school(text: str) -> bool:
    """Whether a school's name, or a word of one, stands in the text."""
    return _SCHOOL_KO.search(text) is not None or _SCHOOL_EN.search(text.strip()) is not None


def is_korean_school_word(word: str) -> bool:
    """Whether a word ends as Korean schools do (a bracket may follow)."""
    ends = [m.end() for m in _SCHOOL_KO.finditer(word)]
    return bool(ends) and (ends[-1] == len(word) or word[ends[-1]] in "(·,")


def has_degree(text: str) -> bool:
    """Whether a degree, Korean or English, is named."""
    return (
        _DEGREE_KO.search(text) is not None
        or _DEGREE_WORDS.search(text) is not None
        or find_degree(text) is not None
    )


def has_korean_degree(text: str) -> bool:
    """학사, 석사, 박사 and the like."""
    return _DEGREE_KO.search(text) is not None


def find_degree(text: str) -> re.Match[str] | None:
    """The first abbreviation of a degree that is not the code of a state."""
    for match in DEGREE_EN.finditer(text):
        bare = match[0].strip()
        if bare in _AMBIGUOUS_DEGREES or len(bare.replace(".", "")) < 2:
            before, after = text[: match.start()].rstrip(), text[match.end() :].lstrip()
            if (
                before.endswith(",")
                and is_place(before.rpartition(",")[0].rpartition(",")[2] + ", " + bare)
                and not after
            ):
                continue
            if len(bare.replace(".", "")) < 2:
                continue
        return match
    return None


def degree_word(text: str) -> re.Match[str] | None:
    """The first degree spelled out in English."""
    return _DEGREE_WORDS.search(text)


def is_phrase(text: str) -> bool:
    """Whether words are no name: `First aid at work`."""
    small = [w for w in text.split() if w.isalpha() and w.islower() and w not in _WITHIN_NAMES]
    return text.isascii() and len(small) > 1


def ends_school(text: str) -> bool:
    """Abitur, High School Diploma: it has no subject, so that what follows is a school or a town."""
    return _ENDS_SCHOOL.fullmatch(text.strip()) is not None


def school_after_degree(text: str, at: int) -> int | None:
    """Where a school's name begins behind its degree without a sign: `Bachelor in Law University of …`."""
    found = _SCHOOL_BEGINS.search(text, at)
    return found.start() if found else None


def status_words(text: str) -> re.Match[str] | None:
    """졸업, 재학 중 and the like."""
    return _STATUS_KO.search(text)


def is_korean_major(text: str) -> bool:
    """컴퓨터공학과, 경영학부."""
    return _MAJOR_KO.search(text.strip()) is not None
