"""What a person is called by alone: a given name, a family name."""

import re
from collections.abc import Iterable, Iterator

from app.candidates.rules.places import is_place
from app.candidates.rules.skills import canonical
from app.candidates.rules.vocabulary import is_title_word
from app.candidates.rules.wordlists import words

_HANGUL_NAME = re.compile(r"[가-힣]{3,4}")
_LONGEST_HANGUL_NAME = 4
_SHORTEST_PART = 3
_BETWEEN = re.compile(r"[\s,.-]+")

_ORDINARY = words("""
    january february march april may june july august will mark grace hope faith joy art rich price rose bill drew
    chase grant miles dean page field park law lane hill wood woods young long short small white black brown green gray
    grey king case banks sales best bright sharp swift stone rivers rock sky star summer autumn winter dawn eve love
    power day major noble church west north east south lake bridge ford marsh forest brook wells mills fields moss
    von van der den del las los bin ibn and the for jean
    지원 정보 수정 유지 시원 우주 하늘 바다 보라 가을 여름 나라 사랑 슬기 은혜 지혜 진리 소리 이슬 샛별 한결 재원 기원 성공 진주 미래
    세계 자연 대한 민주 주소 영상 상호 정리 진행 수행 이동 기준 성장 형성 인용 공정 화성 가정 주제 유성 정상 동향 영업 정책 연구 인선
    시선 우선 주선 조선 수용 이용 인정 선정 지정 설정 조정 재정 감정 태양 지역 현지 공지 시대 시간 도움 가람 나래 다솜 도전 동아 명성
    보람 보배 빛나 사업 상담 상품 선두 성과 성실 수신 신뢰 신용 안정 여유 영어 용기 운영 의지 인성 일정 자주 전문 정진 정품 주도 주문
    준비 중심 지도 지수 진단 창의 책임 초롱 태도 평화 한국 한빛 해솔 현장 혜성 호수 효과 희망 기획 강조 송이 수로 수입 예술 예지 유리
    도시 동서 미소 미주 서울 세상 소망 수지 승리 시장 신문 신화 아람 아름 영광 예능 예정 우리 은행 이상 자재 장미 재고 주안 진로 진실
    진영 평가 하나 현대 효성
    """)
"""Words of every résumé that are somebody's name as well."""


def parts_of(name: str) -> Iterator[str]:
    """길서 of 홍길서; Rosalind and Thackeray of Rosalind Thackeray. A Korean family name is too short."""
    joined = "".join(name.split())
    if _HANGUL_NAME.fullmatch(joined):
        yield joined[2:] if len(joined) == _LONGEST_HANGUL_NAME else joined[1:]
    else:
        yield from (part for part in _BETWEEN.split(name) if len(part) >= _SHORTEST_PART)


def with_telling_parts(names: Iterable[str]) -> tuple[str, ...]:
    """The names, and those of their parts that are no word of any résumé: skill, job, place, 지원, May."""
    told = tuple(dict.fromkeys(names))
    parts = (part for name in told for part in parts_of(name))
    return tuple(dict.fromkeys((*told, *(part for part in parts if not _is_ordinary(part)))))


def _is_ordinary(part: str) -> bool:
    known = part.casefold() in _ORDINARY or canonical(part) is not None
    return known or is_title_word(part) or is_place(part)
