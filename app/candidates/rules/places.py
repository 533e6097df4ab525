# ruff: noqa: PLR2004 - weights and widths of rules, each used where it is explained
"""Where things are: enough cities, states and countries to take a location off a line."""

import re
from functools import cache

from app.candidates.rules.job_words import ORGANISATION
from app.candidates.rules.wordlists import words
from app.documents.remembering import remembered

_CITIES = (
    "San Francisco;New York City;New York;Los Angeles;Seattle;Austin;Boston;Chicago;Denver;Portland;Atlanta;Dallas;"
    "Houston;Miami;San Diego;San Jose;Palo Alto;Mountain View;Menlo Park;Sunnyvale;Cupertino;Redmond;Bellevue;"
    "Santa Clara;Santa Monica;Oakland;Berkeley;Philadelphia;Pittsburgh;Washington;Arlington;Baltimore;Phoenix;"
    "Minneapolis;Detroit;Ann Arbor;Columbus;Cleveland;Cincinnati;Nashville;Charlotte;Raleigh;Durham;Salt Lake City;"
    "Las Vegas;Orlando;Tampa;Kansas City;St. Louis;Princeton;Stanford;Cambridge;New Haven;Ithaca;Irvine;Sacramento;"
    "San Antonio;Fort Worth;Indianapolis;Milwaukee;Madison;Boulder;Honolulu;Toronto;Vancouver;Montreal;Ottawa;"
    "Waterloo;Calgary;Edmonton;Quebec City;London;Manchester;Birmingham;Edinburgh;Glasgow;Bristol;Oxford;Leeds;"
    "Liverpool;Sheffield;Cardiff;Belfast;Dublin;Cork;Paris;Lyon;Marseille;Toulouse;Berlin;Munich;München;Hamburg;"
    "Frankfurt;Cologne;Köln;Stuttgart;Düsseldorf;Leipzig;Dresden;Vienna;Zurich;Zürich;Geneva;Basel;Bern;Lausanne;"
    "Amsterdam;Rotterdam;Utrecht;Eindhoven;The Hague;Delft;Brussels;Antwerp;Ghent;Luxembourg;Madrid;Barcelona;"
    "Valencia;Seville;Lisbon;Porto;Rome;Milan;Turin;Florence;Bologna;Naples;Athens;Stockholm;Gothenburg;Malmö;Oslo;"
    "Bergen;Copenhagen;Aarhus;Helsinki;Espoo;Tallinn;Riga;Vilnius;Warsaw;Krakow;Kraków;Wroclaw;Gdansk;Prague;Brno;"
    "Budapest;Bucharest;Sofia;Belgrade;Zagreb;Ljubljana;Bratislava;Kyiv;Kiev;Lviv;Moscow;Saint Petersburg;Minsk;"
    "Istanbul;Ankara;Izmir;Tel Aviv;Haifa;Jerusalem;Cairo;Dubai;Abu Dhabi;Doha;Riyadh;Nairobi;Lagos;Accra;"
    "Johannesburg;Cape Town;Casablanca;Tunis;Mumbai;Delhi;New Delhi;Bangalore;Bengaluru;Hyderabad;Chennai;Pune;"
    "Kolkata;Ahmedabad;Gurgaon;Gurugram;Noida;Karachi;Lahore;Islamabad;Dhaka;Colombo;Kathmandu;Singapore;"
    "Kuala Lumpur;Jakarta;Bangkok;Manila;Ho Chi Minh City;Hanoi;Tokyo;Osaka;Kyoto;Nagoya;Fukuoka;Yokohama;Sapporo;"
    "Beijing;Shanghai;Shenzhen;Guangzhou;Hangzhou;Hong Kong;Taipei;Seoul;Busan;Incheon;Daegu;Daejeon;Gwangju;Suwon;"
    "Seongnam;Pangyo;Ulsan;Sejong;Pohang;Jeju;Sydney;Melbourne;Brisbane;Perth;Adelaide;Canberra;Auckland;Wellington;"
    "Mexico City;Guadalajara;Monterrey;São Paulo;Sao Paulo;Rio de Janeiro;Buenos Aires;Santiago;Bogotá;Bogota;"
    "Medellín;Lima;Quito;Montevideo;Remote;Hybrid;Bay Area;Silicon Valley;Gyeonggi;Gyeonggi-do;Spokane;Boise;Tucson;"
    "Albuquerque;Omaha;Louisville;Memphis;New Orleans;Richmond;Buffalo;Rochester;Syracuse;Hartford;Providence;"
    "Jersey City;Newark;Brooklyn;Santa Barbara;Fremont;Pasadena;Burlington;Springfield;Reston;Tempe;Plano;On-site;Onsite;"
    "Kochi;Cochin;Coimbatore;Madurai;Thiruvananthapuram;Trivandrum;Visakhapatnam;Mysore;Mysuru;Mangalore;Mangaluru;"
    "Jaipur;Lucknow;Kanpur;Indore;Bhopal;Nagpur;Surat;Vadodara;Nashik;Thane;Navi Mumbai;Chandigarh;Mohali;Ludhiana;"
    "Patna;Ranchi;Bhubaneswar;Guwahati;Faridabad;Ghaziabad;Secunderabad;Vijayawada;Rawalpindi;Faisalabad;Chittagong;"
    "Cebu City;Quezon City;Makati;Davao City;Taguig;Penang;George Town;Johor Bahru;Petaling Jaya;Surabaya;Bandung;"
    "Da Nang;Chiang Mai;Phnom Penh;Yangon;Ulaanbaatar;Wuhan;Chengdu;Nanjing;Tianjin;Suzhou;Xiamen;Qingdao;"
    "Hiroshima;Sendai;Kawasaki;Nottingham;Leicester;Coventry;Southampton;Portsmouth;Plymouth;Norwich;Brighton;Aberdeen;"
    "Dundee;Swansea;Exeter;Newcastle upon Tyne;Sunderland;Wolverhampton;Milton Keynes;Stoke-on-Trent;Galway;"
    "Limerick;Nantes;Bordeaux;Lille;Strasbourg;Montpellier;Grenoble;Hanover;Hannover;Nuremberg;Nürnberg;Bremen;"
    "Dortmund;Bonn;Mannheim;Karlsruhe;Graz;Linz;Salzburg;Innsbruck;Genoa;Palermo;Bilbao;Málaga;Zaragoza;"
    "Coimbra;Thessaloniki;Tampere;Turku;Trondheim;Stavanger;Uppsala;Poznan;Poznań;Wrocław;Gdańsk;Łódź;Lodz;"
    "Katowice;Cluj-Napoca;Timisoara;Odesa;Kharkiv;Tbilisi;Yerevan;Baku;Almaty;Tashkent;Jeddah;Kuwait City;Manama;"
    "Muscat;Amman;Beirut;Addis Ababa;Kampala;Kigali;Dar es Salaam;Lusaka;Harare;Abuja;Ibadan;Port Harcourt;"
    "Kumasi;Dakar;Abidjan;Algiers;Rabat;Durban;Pretoria;Winnipeg;Halifax;Saskatoon;Mississauga;Christchurch;"
    "Hobart;Guayaquil;Córdoba;Curitiba;Belo Horizonte;Porto Alegre;Brasília;Recife;"
    "Panama City;San Juan;Santo Domingo;Jacksonville;Oklahoma City;Tulsa;El Paso;Fresno;Anaheim;Long Beach;"
    "Bakersfield;Baton Rouge;Des Moines;Little Rock;Grand Rapids;Toledo;Akron;Knoxville;Chattanooga;Greensboro;"
    "Winston-Salem;Chapel Hill;Virginia Beach;Scottsdale;Tacoma;Anchorage;Santa Fe"
)
_REGIONS = (
    "USA;U.S.A.;US;U.S.;United States;United States of America;UK;U.K.;United Kingdom;England;Scotland;Wales;Ireland;"
    "Canada;Germany;Deutschland;France;Spain;Italy;Portugal;Netherlands;The Netherlands;Belgium;Switzerland;Austria;"
    "Sweden;Norway;Denmark;Finland;Poland;Czech Republic;Czechia;Hungary;Romania;Greece;Turkey;Türkiye;Turkiye;Israel;"
    "Egypt;UAE;United Arab Emirates;Saudi Arabia;India;Pakistan;Bangladesh;China;Japan;Korea;South Korea;"
    "Republic of Korea;Taiwan;Vietnam;Thailand;Indonesia;Malaysia;Philippines;Australia;New Zealand;Mexico;Brazil;"
    "Argentina;Chile;Colombia;Peru;Nigeria;Kenya;South Africa;Ukraine;Russia;Ontario;British Columbia;Quebec;Alberta;"
    "California;Texas;Washington;Oregon;Massachusetts;Illinois;Florida;Georgia;Colorado;Virginia;Maryland;Ohio;Michigan;"
    "Pennsylvania;Arizona;Minnesota;Wisconsin;Utah;Nevada;New Jersey;North Carolina;Connecticut;Tennessee;Missouri;"
    "Alabama;Alaska;Arkansas;Delaware;Hawaii;Idaho;Indiana;Iowa;Kansas;Kentucky;Louisiana;Maine;Mississippi;Montana;"
    "Nebraska;New Hampshire;New Mexico;New York;North Dakota;Oklahoma;Rhode Island;South Carolina;South Dakota;Vermont;"
    "West Virginia;Wyoming;Manitoba;Saskatchewan;Nova Scotia;New Brunswick;Northern Ireland;"
    "Bavaria;Catalonia;Lombardy;Karnataka;Maharashtra;New South Wales;Victoria;D.C.;DC"
)
_STATES = words("""
    AL AK AZ AR CA CO CT DE FL GA HI ID IL IN IA KS KY LA ME MD MA MI MN MS MO MT NE NV NH NJ NM
    NY NC ND OH OK OR PA RI SC SD TN TX UT VT VA WA WV WI WY DC ON BC QC AB NSW VIC QLD
    """)
_COUNTRIES = words("""
    AE AR AT AU BE BG BR CA CH CL CN CO CZ DE DK EE EG ES FI FR GB GR HK HR HU ID IE IL IN IS IT JP KE KR
    LT LU LV MX MY NG NL NO NZ PE PH PK PL PT RO RS SA SE SG SI SK TH TR TW UA US VN ZA
    """)
_DISTRICTS = words("""
    종로 용산 성동 광진 동대문 중랑 성북 강북 도봉 노원 은평 서대문 마포 양천 강서 구로 금천 영등포 동작 관악 서초 강남 송파 강동 여의도 잠실 상암 성수
    수원 성남 고양 용인 부천 안산 안양 남양주 화성 평택 의정부 시흥 파주 광명 김포 군포 이천 양주 오산 구리 안성 포천 의왕 하남 여주 동두천 과천 판교 분당 일산 동탄 광교
    춘천 원주 강릉 동해 속초 삼척 태백 청주 충주 제천 오송 천안 공주 보령 아산 서산 논산 계룡 당진 전주 군산 익산 정읍 남원 김제 완주 목포 여수 순천 나주 광양
    포항 경주 김천 안동 구미 영주 영천 상주 문경 경산 창원 진주 통영 사천 김해 밀양 거제 양산 마산 서귀포
    해운대 수영 연제 사상 금정 사하 동래 기장 센텀 수성 달서 부평 연수 남동 계양 송도 청라 유성 대덕 둔산 광산 울주
    """)
"""Cities and districts as they stand behind their province, without 시 or 구: 서울 강남, 경기 안산."""
_KOREAN = re.compile(
    r"^(?:대한민국\s?)?(?:서울|부산|대구|인천|광주|대전|울산|세종|경기|강원|충북|충남|전북|전남|경북|경남|제주|판교|분당|강남|성남|수원"
    rf"|용인|고양|안양|천안|청주|전주|포항|창원)(?:특별시|광역시|특별자치시|특별자치도|시|도|남도|북도)?(?:\s+(?:{'|'.join(sorted(_DISTRICTS))}))?(?:\s+[가-힣]{{1,6}}[시군구읍면동])*"
    r"(?:\s+[가-힣\d]{1,10}(?:로|길)\s?\d[\d\-]*)?$"
)
_ABROAD = words("""
    하노이 호치민 다낭 도쿄 오사카 교토 나고야 후쿠오카 삿포로 베이징 북경 상하이 상해 선전 심천 광저우 홍콩 타이베이 싱가포르 방콕 마닐라
    자카르타 쿠알라룸푸르 델리 뭄바이 두바이 이스탄불 모스크바 런던 파리 베를린 뮌헨 프랑크푸르트 암스테르담 마드리드 바르셀로나 로마 밀라노
    프라하 부다페스트 바르샤바 취리히 제네바 뉴욕 보스턴 시카고 시애틀 샌프란시스코 로스앤젤레스 밴쿠버 토론토 시드니 멜버른 오클랜드
    미국 일본 중국 베트남 영국 독일 프랑스 캐나다 호주 인도 태국 필리핀 인도네시아 말레이시아 대만 재택 원격
    """)
_ENDS_OF_TOWNS = words("Bank Center Centre Mills Farms Church Lodge Works")
_AREA = re.compile(r"^Greater\s+|(?:\s+Bay|\s+Metropolitan|\s+Metro)?\s+(?:Area|Region)$")
_POSTAL = re.compile(
    r"\s+\d{5}(?:-\d{4})?$|(?<= [A-Z]{2})(?:\s+\d{5}(?:-\d{4})?)?\s+(?:United States(?: of America)?|USA)$"
)


@cache
def _tables() -> tuple[frozenset[str], frozenset[str]]:
    cities = frozenset(c.casefold() for c in _CITIES.split(";"))
    regions = frozenset(r.casefold() for r in _REGIONS.split(";")) | {s.casefold() for s in _STATES}
    return cities, regions


@remembered
def is_place(text: str) -> bool:
    """Whether the whole text is a location: `Seattle, WA`, `Istanbul, Türkiye`, 서울 강남구, Remote."""
    text = _AREA.sub("", _POSTAL.sub("", text.strip(" ,.()|·•-–—")))
    if not text or len(text) > 60:
        return False
    if _KOREAN.match(text) or text in _ABROAD:
        return True
    cities, regions = _tables()
    parts = [p.strip().casefold() for p in re.split(r"[,/]|\s[-–]\s", text)]
    if len(parts) == 1:
        return parts[0] in cities or (parts[0] in regions and len(parts[0]) > 2)
    if len(parts) > 4:
        return False
    last = text.rpartition(",")[2].strip()
    state = last in _STATES or last in ("UK", "US")
    first_is_word = (
        not _is_organisation(text.partition(",")[0])
        and len(parts[0].split()) <= 3
        and parts[0].replace(" ", "").replace("-", "").replace(".", "").isalpha()
    )
    closed = state or (parts[-1] in regions and len(parts[-1]) > 2) or parts[-1] in cities
    if parts[0] in cities or (parts[0] in regions and len(parts[0]) > 2):
        return closed or (len(parts) > 1 and last in _COUNTRIES)
    # Des Moines, Iowa, United States; but not Glasswing AI, New York, NY.
    if len(parts) > 2 and (state or parts[-2] not in regions or parts[-2] in cities):
        return False
    return (
        first_is_word
        and (state or (parts[-1] in regions and len(parts[-1]) > 2))
        and all(len(p.split()) <= 3 for p in parts)
    )


def _is_organisation(name: str) -> bool:
    """Harbour Foods, University of Nordhaven; not Red Bank, nor College Station."""
    found = ORGANISATION.finditer(name)
    ends = [name[match.end() :] for match in found if match[0] not in _ENDS_OF_TOWNS]
    return any(rest == "" or rest.startswith(" of ") for rest in ends)


def without_place(text: str) -> str:
    """The text less a location at its end; the text itself when nothing else would be left."""
    head, comma, tail = text.rpartition(",")
    tail = _POSTAL.sub("", tail).strip(" .)")
    _, regions = _tables()
    if comma and (tail in _STATES or (tail.casefold() in regions and len(tail) > 2)):
        return _without_city(head) or text
    if comma and tail in _COUNTRIES and (bare := _without_city(head)) != head:
        return bare or text
    return text if comma else (_without_city(text) if text.count(" ") >= 1 else text) or text


def _without_city(text: str) -> str:
    """`Notion San Francisco` → `Notion`; an unknown city goes only with its comma or bracket."""
    cities, _ = _tables()
    words = text.split()
    for width in (3, 2, 1):
        city = " ".join(words[-width:]).strip("(,").casefold()
        if len(words) > width and city in cities:
            return " ".join(words[:-width]).rstrip(" ,(-–—|·•")
    head, separator, _ = text.rpartition(",")
    return head.strip() if separator else text.strip()
