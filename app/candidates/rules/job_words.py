"""Words that names of jobs are made of: tables, no rules."""

import re

from app.candidates.rules.wordlists import words

TITLE_HEADS = words("""
    engineer developer manager director analyst scientist designer architect consultant intern
    internship placement crew officer president lead leader head specialist coordinator administrator assistant
    associate researcher fellow professor lecturer teacher instructor tutor nurse physician
    accountant auditor attorney lawyer paralegal editor writer journalist producer technician
    programmer tester strategist planner scheduler marketer recruiter representative executive founder
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
    worker caseworker operative physiotherapist videographer cinematographer filmmaker sdet sysadmin blogger comptroller
    deckhand bellhop soldier telemarketer spokesperson referee emt cna hydrologist proofreader transcriptionist postmaster
    assembler proprietor entrepreneur trustee commissioner mayor councillor councilor diplomat consul lobbyist fundraiser
    boatswain seaman driller roustabout geophysicist cobbler watchmaker barber esthetician undertaker chaplain pastor
    priest rabbi imam missionary keyholder signaller typesetter signwriter moulder doula audiologist chiropractor osteopath
    embalmer dishwasher caterer groundsman zookeeper herdsman viticulturist winemaker brewer distiller cheesemaker
    scaffolder counsel aide guide keeper rep corpsman mate airman medic quartermaster infantryman rifleman gunner
    """)
# Jobs in one word, as German, Dutch and their neighbours write them: Projektleiter, Verkoopadviseur.
TITLE_ENDINGS = tuple(
    sorted(
        words("""
        adviseur assistent assistentin bearbeiter bearbeiterin beheerder berater beraterin entwickler entwicklerin
        werkstudent werkstudentin praktikant praktikantin stagiair stagiaire ingenieur ingenieurin ingenjör ledare lehrer lehrerin leider leiter leiterin
        manager managerin medewerker mitarbeiter mitarbeiterin ontwikkelaar techniker technikerin utvecklare utvikler
        """)
    )
)
# Jobs that Korean firms name by two or three capitals; in lower case they are words.
SHORT_TITLES = words(
    "HRBP CHRO CDO CPO PMO FAE SWE SDE AE AM AD CD PD PL MD "
    "VMD BM SA SE DBA CRA CRC MSL GM CSM SDR BDR TL TPM HRM HRD"
)
TITLE_MODIFIERS = words("""
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
KO_TITLE = re.compile(
    r"(?:개발자|엔지니어|디자이너|어소시에이트|어드바이저|슈퍼바이저|테크니션|인스트럭터|조산사|부기장|아나운서|피디|행정사|건축사|관리원|기능원|스태프|매니저|매니져|기획자|분석가|과학자|사이언티스트|애널리스트|아키텍트|컨설턴트|마케터|코디네이터|어시스턴트|스페셜리스트"
    r"|디렉터|오퍼레이터|프로듀서|에디터|프로그래머|퍼블리셔|리서처|테스터|스트래티지스트|플래너|트레이너|바리스타|셰프|큐레이터|일러스트레이터|모델러"
    r"|사원|주임|대리|과장|차장|부장|팀장|실장|본부장|부서장|이사|상무|전무|사장|부사장|대표|대표이사|파트장|그룹장|센터장|지점장|점장|소장|원장|국장|반장"
    r"|(?:선임|책임|수석|전임|주임|위촉|보조|초빙|객원|박사후|연수|상임|학생|방문|겸임|계약|인턴|참여|특별)\s?(?:연구원|연구위원|매니저|엔지니어|컨설턴트|개발자)?|인턴|인턴사원|수습사원|계장|팀원|팀리더|리더|리드|파트너"
    r"|강사|교사|교수|조교|조교수|부교수|간호사|수간호사|회계사|세무사|변호사|변리사|노무사|약사|의사|기자|작가|사서|영양사|조리사|물리치료사|치위생사|사회복지사"
    r"|상담원|상담사|운영자|관리자|담당자|담당|책임자|오너|서기|라이터|카피라이터|창업자|공동창업자|연구위원|연구자|기술사|기능사|주무관|사무관|비서|승무원|통역사|번역가|아르바이트|프리랜서"
    r"|사무원|상담원|운전원|경비원|조리원|미화원|안내원|판매원|검침원|조합원|배달원|집배원|활동가|운동가|작곡가|건축가|사진가|번역가|통역가|평론가|분장사|요리사|제빵사|제과사|용접사|정비사|미용사|이발사|운전기사|운전사|버스기사|택배기사|기사|설비기사|전기기사|기관사|항해사|조종사|관제사|측량사|감정평가사|관세사|법무사|공인중개사|보육교사|강사|상담교사|보건교사|요양보호사|간호조무사|임상병리사|방사선사|작업치료사|언어치료사|치과기공사|안경사|수의사|한의사|영양교사|조향사|바텐더|소믈리에|주방장|주방보조|조리장|공장장|현장소장|작업반장|조장|직장|파티시에|베이커|플로리스트|스타일리스트|헤어디자이너|아나운서|쇼호스트|리포터|애니메이터|성우|배우|가수|무용수|연주자|지휘자|연출가|큐레이터|학예사|학예연구사|기록연구사|연구사|지도사|장학사|경찰관|소방관|소방사|군무관|교도관|세관원|은행원|텔러|설계사|재무설계사|계리사|심사역|투자역|매니징디렉터|전공의|전문의|레지던트|전임의|임상강사|봉직의|공보의|군의관|조무사|실습생|연수생|보조교사|정교사|기간제교사|담임교사|조교사|생산직원|현장직|기능공|용접공|배관공|목수|미장공|도장공|기술자|설치기사|수리기사|검사원|검수원|포장원|지게차기사"
    r"|(?:전기|선반|밀링|조립|도배|타일|방수|철근|비계|형틀|재단|봉제|인쇄|제관|사출|프레스|정비|기계|보일러|주물|금형)공|근로자|경리|서무|캐셔|딜러|지배인|컨시어지|하우스키퍼|벨맨|도어맨|(?<![가-힣])쿡"
    r"|행원|사무장|직원|공무원|서기보|주사보|서기관|군무원|순경|교감|교장|안무가|머천다이저|원화가|트레이더|설계원|조립원|청소원|포워더|가이드|호텔리어|아티스트|농업인|회장|아르바이트생|견습생|훈련생|수련의|공중보건의|자문위원|전문위원|고문|지도원|간사|선장|기관장|부사관|소대장|중대장|농부|어부|목사|전도사|서빙"
    r"|(?:관리|심리|교육|지원|구조|전담|정보관리|기록|사정|번역|통번역|통관|원예|조경|기공|치기공)사|조연출|편집자|기획위원|감독|촬영감독|행정원|행정직|사무직|영업직|생산직|연구직|기술직|개발직|보조원|요원|연구조교|수습|CEO|CTO|CFO|COO|CPO|PM|PO|PL|PD|MD|AE|QA|TA|RA)$",
    re.IGNORECASE,
)
# Word endings of jobs that no list holds in full. Firms and places of work end so as well (출판사, 병원,
# 도서관, 공장), and so do names of persons: only a word beside a dated employer is judged by them.
KO_JOB_ENDING = re.compile(
    r"[가-힣](?:사|원|공|장|관|자|가|직|수|역|생|인|꾼|기사|보조|주임|요원|스트|이너|터|매)$"
)
KO_WORKPLACE = re.compile(
    r"(?:자료원|기록원|문화원|진흥원|개발원|평가원|교육원|연수원|수련원|감정원|보육원|관리원|과학원|기술원|의료원|상사|문화사|인쇄사|출판사|신문사|건설사|여행사|방송사|항공사|제작사|광고사|병원|의원|학원|연구원|유치원|어린이집|요양원|복지원|법원|대학원|한의원|농원|정원|공원"
    r"|도서관|박물관|미술관|복지관|체육관|기념관|회관|여관|문화관|공장|농장|목장|시장|매장|극장|골프장|예식장|정비공장|전자|농가|공인|공사|물류)$"
)
EN_JOB_ENDING = re.compile(
    r"[a-z]{2}(?:er|or|ist|ian|ant|ent|man|woman|eer|ive|ary|nurse|aide|hand|wright|smith)$"
)
RANK = re.compile(r"^(?:사원|주임|대리|과장|차장|부장|선임|책임|수석|계장|팀원|팀장|파트장)$")
KO_TITLE_PARTS = words("""
    시니어 주니어 수석 책임 선임 전임 백엔드 프론트엔드 프런트엔드 풀스택 서버 웹 앱 모바일 안드로이드 데이터 머신러닝 딥러닝 소프트웨어 하드웨어 시스템 네트워크 보안
    클라우드 인프라 데브옵스 플랫폼 프로덕트 제품 서비스 사업 전략 브랜드 콘텐츠 퍼포먼스 그로스 디지털 마케팅 영업 인사 총무 재무 회계 구매 물류 생산 품질 연구
    개발 기획 운영 디자인 그래픽 시각 영상 게임 검색 추천 결제 정산 리드 테크 프로젝트 프로그램 고객 해외 국내 임베디드 펌웨어 기구 설계 전기 전자 기계 화학 공정
    UX UI UX/UI UI/UX AI ML iOS QA IT R&D SW HW BX PR HR Android DevOps 정규직 계약직 파견직 및 신입 보조 비즈니스
    소속 테스트 솔루션 기술 지원 교육 법무 홍보 상품 매장 판매 상담사용자 경험 편집 설비 금형 인테리어 건축 토목 조경 패션 의류 무역 수출 수입 해외영업 기술영업 국내영업
    생산관리 품질관리 구매관리 인사총무 행정 간호 임상 병동 광고 미디어 커머스 이커머스 물류관리 설치 유지보수 경영 경영지원 기술지원 고객지원 상품기획 서비스기획
    사업기획 웹서비스 응용 자동화 반도체 로봇 임베디드SW 선행 광학 회로 배터리 제약 바이오
    """)
KO_ORG_NOT_TITLE = re.compile(
    r"(?:주식회사|재단|법인|공사|공단|협회|[가-힣]{3,}(?:기술|과학|산업|통신|전자|경제|정책|문화|의학|생명|에너지|교통|해양|농업|보건)연구원)$"
)
ORGANISATION = re.compile(
    r"\b(?:Labs?|Laborator(?:y|ies)|Technolog(?:y|ies)|Systems|Solutions|Group|Bank|Studios?|Hospital|Clinic|Agency|Partners|Media|Ventures"
    r"|Institute|Foundation|University|College|School|Company|Holdings|Industries|Networks?|Software|Consulting|Capital|Insurance"
    r"|Airlines|Motors|Energy|Pharma(?!cist|colog)\w*|Biotech\w*|Robotics|Games|Logistics|Analytics|Digital|Cloud|Works|Center|Centre|Council"
    r"|Ministry|Department|Association|Society|Church|Library|Museum|Restaurant|Cafe|Café|Hotel|Foods?|Retail|Stores?|Health|Healthcare"
    r"|Infirmary|Hospice|Brewery|Distillery|Winery|Vineyards?|Foundry|Trucking|Haulage|Railways?|Bistro|Brasserie|Realty|Broadcasting|Therapeutics"
    r"|Booksellers|Outfitters|(?:Chemists|Opticians|Solicitors|Builders|Bakers|Grocers|Jewellers|Carriers|Farms|Ferries|Tankers|Mills|Tavern|Lodge)$"
    r"|[A-Z][\w']+ (?:&|and) (?:Sons?|Daughters?|Bro(?:ther)?s|Co|Partners)"
    r"|International|Enterprises|Associates|Services|Financial|Electronics|Semiconductor|Telecom|Press|Publishing|Research|Trust|Farm[aá]cia|Cl[ií]nica|Clinique|H[oô]pital|Ospedale|Klinik(?:um)?|Krankenhaus|Ziekenhuis|Apotheke|Pharmacy|Airways|Resorts?|Nursery|Navy|Army|Air Force|Marine Corps|Coast Guard|National Guard|Offices? of|Waterschap|Stichting|Stiftung|Gemeente|Verein)\b"
    r"|(?:소프트|소프트웨어|테크|테크놀로지|테크놀러지|전자|은행|그룹|병원|의원|연구소|스튜디오|커머스|랩스?|시스템즈?|네트웍스|네트워크스|홀딩스|건설|증권|카드"
    r"|보험|생명|화재|물산|상사|제약|미디어|컴퍼니|코리아|공사|공단|재단|협회|대학교|대학|학교|센터|리서치|페이|핀테크|솔루션즈?|에이전시|엔터테인먼트|게임즈|게임스"
    r"|로지스틱스|모빌리티|에너지|바이오|헬스케어|푸드|식품|화학|중공업|조선|항공|통신|텔레콤|정보기술|아이앤씨|씨앤에스|서비스|닷컴|클라우드|데이터|로보틱스|인더스트리"
    r"|파트너스|벤처스|캐피탈|디자인|아카데미|학원|유치원|어린이집|요양원|도서관|박물관|미술관|복지관|체육관|수련관|기념관|농장|목장|농원|한의원|약국|공장|정비소|공방|양조장|공업|산업|운수|운송|택배|여객|미용실|헤어|베이커리|제과|식당|카페|조합|농협|교회|성당|사찰|군청|도청|세무서|경찰서|소방서|우체국|보건소|주민센터|사무소|상회|서점|정밀|(?<!전)기공|플랜트|엔지니어링|테크윈|메디칼|메디컬|종묘|축산|수산|출판사?|신문사?|일보|방송국?|방송|호텔|마트|백화점|법인|시청|구청|교육청|연구원|기록원|해운|익스프레스|여행사|리조트|치과|면세점|철강|시큐리티|컨설팅|인쇄소|모터스|금속|섬유|어패럴|코스메틱|자산운용|에듀|수협|비스트로|유통)$"
)
