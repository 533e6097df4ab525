"""What is masked, what survives, and that everything but resident numbers comes back."""

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.candidates.privacy import Kind, mask, redact_rrn, unmask

FOUND = [
    # resident and foreigner registration numbers
    ("주민등록번호 950315-2123456", "주민등록번호 [RRN_1]"),
    ("9503152123456", "[RRN_1]"),
    ("950315 - 2123456.", "[RRN_1]."),
    ("950315 2123456", "[RRN_1]"),
    ("950315–2123456", "[RRN_1]"),
    ("번호950315-2******까지", "번호[RRN_1]까지"),
    ("외국인등록번호: 880229-5123456", "외국인등록번호: [RRN_1]"),
    # mail
    ("gildong.hong+cv@example.com", "[EMAIL_1]"),
    ("메일:gildong@example.kr입니다", "메일:[EMAIL_1]입니다"),
    ("gildong＠mail.example.co.kr, ok", "[EMAIL_1], ok"),
    (f"{'a' * 90}@example.com", "[EMAIL_1]"),
    # phones
    ("010-0000-1234", "[PHONE_1]"),
    ("010 0000 1234", "[PHONE_1]"),
    ("H.P 010.0000.1234", "H.P [PHONE_1]"),
    ("전화01000001234입니다", "전화[PHONE_1]입니다"),
    ("010 - 0000 - 1234", "[PHONE_1]"),
    ("+82 10-0000-1234", "[PHONE_1]"),
    ("+82-(0)10-0000-1234", "[PHONE_1]"),
    ("82-10-0000-1234", "[PHONE_1]"),
    ("02-0000-1234", "[PHONE_1]"),
    ("(031) 000-1234", "[PHONE_1]"),
    ("+1 (212) 555-0123", "[PHONE_1]"),
    ("+1 212 555 0123 / home", "[PHONE_1] / home"),
    ("(212) 555-0123", "[PHONE_1]"),
    ("212.555.0123", "[PHONE_1]"),
    ("1-212-555-0123", "[PHONE_1]"),
    ("+44 20 7946 0123", "[PHONE_1]"),
    ("Phone: 2125550123", "Phone: [PHONE_1]"),
    ("연락처\t02 0000 1234", "연락처\t[PHONE_1]"),
    # links
    ("https://example.com/gildong?tab=1.", "[LINK_1]."),
    ("링크https://velog.io/@gildong에서", "링크[LINK_1]에서"),
    ("www.example.com/gildong", "[LINK_1]"),
    ("github.com/gildong-hong, Seoul", "[LINK_1], Seoul"),
    ("linkedin.com/in/gildong", "[LINK_1]"),
    ("블로그 blog.naver.com/gildong", "블로그 [LINK_1]"),
    ("gildong.github.io/posts와", "[LINK_1]와"),
    ("gildong.tistory.com입니다", "[LINK_1]입니다"),
    # cards and accounts
    ("4111 1111 1111 1111", "[CARD_1]"),
    ("4111-1111-1111-1111", "[CARD_1]"),
    ("378282246310005", "[CARD_1]"),
    ("계좌번호: 110-000-123456", "계좌번호: [ACCOUNT_1]"),
    ("신한은행 110-000-123456 (예금주 본인)", "신한은행 [ACCOUNT_1] (예금주 본인)"),
    ("카카오뱅크 3333-00-1234567", "카카오뱅크 [ACCOUNT_1]"),
    ("Account No. 1234567890", "Account No. [ACCOUNT_1]"),
    # documents
    ("여권번호 M12345678", "여권번호 [PASSPORT_1]"),
    ("M123A4567", "[PASSPORT_1]"),
    ("Passport No: SR1234567", "Passport No: [PASSPORT_1]"),
    ("운전면허 11-12-345678-90", "운전면허 [LICENCE_1]"),
    ("서울 12-345678-90", "[LICENCE_1]"),
    ("Driver's license no. D1234567", "Driver's license no. [LICENCE_1]"),
    ("SSN: 536-22-8741", "SSN: [IDENTITY_1]"),
    ("Social Security No. 536228741", "Social Security No. [IDENTITY_1]"),
    ("born abroad, 536-22-8741", "born abroad, [IDENTITY_1]"),
    ("NI number AB 12 34 56 C", "NI number [IDENTITY_1]"),
    # names on sites
    ("Twitter: @rosthack", "Twitter: [HANDLE_1]"),
    ("My KakaoTalk ID is ros_thackerby.", "My KakaoTalk ID is [HANDLE_1]."),
    ("my GitHub is rthackerby", "my GitHub is [HANDLE_1]"),
    ("깃허브 아이디는 gilseohong 이고", "깃허브 아이디는 [HANDLE_1] 이고"),
    ("카톡은 gilseo_90 입니다", "카톡은 [HANDLE_1] 입니다"),
    # dates of birth
    ("생년월일: 1995.03.15 (만 29세)", "생년월일: [BIRTHDATE_1] (만 29세)"),
    ("생년월일\n1995년 3월 15일", "생년월일\n[BIRTHDATE_1]"),
    ("생 년 월 일 950315", "생 년 월 일 [BIRTHDATE_1]"),
    ("Date of Birth: March 15, 1995", "Date of Birth: [BIRTHDATE_1]"),
    ("Date of birth 15 Mar 1995", "Date of birth [BIRTHDATE_1]"),
    ("DOB: 03/15/1995", "DOB: [BIRTHDATE_1]"),
    # addresses
    ("서울특별시 강남구 테헤란로 123, 4층", "[ADDRESS_1]"),
    ("주소: 경기도 성남시 분당구 판교역로 12번길 34", "주소: [ADDRESS_1]"),
    ("(06234) 서울 강남구 테헤란로12길 34 (역삼동)", "[ADDRESS_1]"),
    ("부산광역시 해운대구 우동 123-45번지 101동 1203호 거주", "[ADDRESS_1] 거주"),
    ("세종특별자치시 한누리대로 2130", "[ADDRESS_1]"),
    ("주 소 강남구 테헤란로 123", "주 소 [ADDRESS_1]"),
    ("전라남도 순천시 해룡면 향매로 12", "[ADDRESS_1]"),
    ("123, Teheran-ro, Gangnam-gu, Seoul", "[ADDRESS_1]"),
    ("12 Elm Street, Apt 4B, Springfield, IL 62701", "[ADDRESS_1]"),
    ("1600 N. Maple Ave", "[ADDRESS_1]"),
    ("P.O. Box 1234", "[ADDRESS_1]"),
]

SURVIVES = [
    "2021-03-15",
    "2021.03 ~ 2023.05",
    "2019-2021",
    "20210315",
    "2021.03.15 - 2022.04.16",
    "2019년 3월 2일 입사",
    "Python 3.11.4, Node 20.10.0",
    "Ubuntu 22.04, CUDA 12.1.1",
    "10.0.0.1",
    "연봉 4,500만원",
    "연봉 45,000,000원",
    "매출 1,234,567,890원 달성",
    "salary 85,000 USD (+15%)",
    "사업자등록번호 123-45-67890",
    "법인등록번호: 110111-1234567",
    "TOEIC 900, GPA 3.92/4.50",
    "1588-1600",
    "학번 201512345",
    "자격증 번호 15202012345A",
    "991332-2123456",
    "950230-1123456",
    "950315-9123456",
    "4111 1111 1111 1112",
    "C++ 2019, C# 2021",
    "Mobile 2019-2021",
    "Samsung Mobile (2018.03 - 2020.05)",
    "국민은행 2015.03.02 ~ 2018.02.28",
    "신한은행 20150302-20180228",
    "운전면허 1종 보통 (2019.05.12)",
    "M&A 12건, M2 Max",
    "서울 강남구에서 3년 근무",
    "서울특별시 강남구 소재 회사",
    "연구 개발로 30% 절감",
    "Led 5 Engineers to drive 3 launches",
    "Spring Boot 3 (Java 17), REST API 120개",
    "Node.js, Vue.js, example.py",
    "RFC 9110, ISO 27001, PostgreSQL 16",
    "10,000 users @ 99.99%",
    "하루 1000000 건 처리",
    "550e8400-e29b-41d4-a716-446655440000",
    "@gildong",
    "GitHub Actions, GitHub account management, Discord bots",
    "GitHub is used daily, my GitHub profile",
    "깃허브는 Actions를 쓴다, 카카오톡 채널 상담",
    "000-12-3456, 123-45-67890",
    "Top 10 in 2021 out of 3000 teams",
]


@pytest.mark.parametrize(("text", "masked"), FOUND)
def test_personal_data_is_masked(text: str, masked: str) -> None:
    assert mask(text).text == masked


@pytest.mark.parametrize("text", SURVIVES)
def test_what_a_resume_is_made_of_survives(text: str) -> None:
    assert mask(text).text == text
    assert redact_rrn(text) == text


def test_equal_values_share_a_placeholder_and_numbers_follow_the_text() -> None:
    masked = mask("b@example.com a@example.com b@example.com 010-0000-1234")

    assert masked.text == "[EMAIL_1] [EMAIL_2] [EMAIL_1] [PHONE_1]"
    assert masked.placeholders == {
        "[EMAIL_1]": "b@example.com",
        "[EMAIL_2]": "a@example.com",
        "[PHONE_1]": "010-0000-1234",
    }


def test_a_placeholder_that_stands_in_the_document_is_left_to_the_document() -> None:
    text = "[EMAIL_1] gildong@example.com [EMAIL_3] hong@example.com"

    masked = mask(text)

    assert masked.text == "[EMAIL_1] [EMAIL_2] [EMAIL_3] [EMAIL_4]"
    assert unmask(masked.text, masked.placeholders) == text
    assert unmask("write to [EMAIL_1]", masked.placeholders) == "write to [EMAIL_1]"


def test_a_resident_number_never_comes_back() -> None:
    masked = mask("950315-2123456, 9503152654321")

    assert masked.text == "[RRN_1], [RRN_2]"
    assert unmask(masked.text, masked.placeholders) == "950315-2******, 950315-2******"
    assert "2123456" not in str(masked)


@pytest.mark.parametrize(
    ("text", "redacted"),
    [
        ("a 950315-2123456 b", "a 950315-2****** b"),
        ("9503152123456", "950315-2******"),
        ("950315 2123456/880229-5123456", "950315-2******/880229-5******"),
        ('{"phone": "950315-2123456"}', '{"phone": "950315-2******"}'),
        ("950315-2******", "950315-2******"),
        ("950315-2●●●●●●", "950315-2●●●●●●"),
        ("1950315-2123456", "1950315-2123456"),
    ],
)
def test_resident_numbers_are_redacted_in_place(text: str, redacted: str) -> None:
    assert redact_rrn(text) == redacted


@pytest.mark.parametrize(
    ("name", "text", "masked"),
    [
        ("홍길동", "홍길동은 홍 길 동입니다", "[NAME_1]은 [NAME_2]입니다"),
        ("홍 길동", "성명홍길동", "성명[NAME_1]"),
        ("이준", "이준, 이 준은 이준비와 최이준", "[NAME_1], [NAME_2]은 이준비와 최이준"),
        ("Gildong Hong", "GILDONG  HONG / Hong, Gildong", "[NAME_1] / [NAME_2]"),
        ("Gil-dong Hong", "Gildong Hong의 이력서", "[NAME_1]의 이력서"),
        ("Gildong Hong", "Gildong\nHong", "[NAME_1]"),
        ("Ann Lee", "Ann Leeds, JoAnn Lee", "Ann Leeds, JoAnn Lee"),
        ("José Ñuñez", "JOSÉ ÑUÑEZ", "[NAME_1]"),
        ("A. B. (C)", "a. b. (c)", "[NAME_1]"),
        ("-", "a - b", "a - b"),
        ("김", "김치 김", "김치 김"),
        ("", "nothing", "nothing"),
        ("x" * 101, "x" * 101, "x" * 101),
    ],
)
def test_names_are_masked_however_they_are_spaced(name: str, text: str, masked: str) -> None:
    assert mask(text, names=[name]).text == masked


def test_one_word_is_masked_as_it_is_written() -> None:
    masked = mask("Will will lead. WILL led Willow.", names=["Will"])

    assert masked.text == "[NAME_1] will lead. [NAME_2] led Willow."


def test_a_longer_name_wins_over_a_part_of_it() -> None:
    masked = mask("Gildong Hong Lee and Gildong Hong", names=["Gildong Hong", "Gildong Hong Lee"])

    assert masked.placeholders == {"[NAME_1]": "Gildong Hong Lee", "[NAME_2]": "Gildong Hong"}


def test_of_two_rules_that_meet_nothing_stays_uncovered() -> None:
    masked = mask("1 Hong Gildong Street 010-0000-1234", names=["Hong Gildong"])
    link = mask("https://example.com/950315-2123456/cv")

    assert masked.text == "[ADDRESS_1] [PHONE_1]"
    assert link.text == "[LINK_1][RRN_1][LINK_2]"


def test_unmasking_puts_values_into_any_text() -> None:
    masked = mask("gildong@example.com")

    assert unmask("<[EMAIL_1]> [PHONE_9] [x]", masked.placeholders) == (
        "<gildong@example.com> [PHONE_9] [x]"
    )


PIECES = [text for text, masked in FOUND if Kind.RRN.value not in masked] + SURVIVES
fragments = st.one_of(
    st.sampled_from(PIECES),
    st.sampled_from(
        ["[EMAIL_1]", "[PHONE_2]", "[", "]", "홍길동", "홍 길동", "\n", " ", "[NAME_1"]
    ),
    st.text(max_size=8),
    st.from_regex(r"[0-9@./+() -]{1,25}", fullmatch=True),
)


@given(st.lists(fragments, max_size=12).map("".join))
def test_masking_can_be_taken_back(text: str) -> None:
    text = redact_rrn(text)

    masked = mask(text, names=["홍길동", "Gildong Hong"])

    assert unmask(masked.text, masked.placeholders) == text


@given(st.text(alphabet=st.characters(exclude_categories=())), st.lists(st.text(), max_size=3))
def test_any_text_and_any_name_is_accepted(text: str, names: list[str]) -> None:
    masked = mask(text, names=names)

    assert unmask(masked.text, masked.placeholders) is not None


@given(st.lists(fragments, max_size=12).map("".join))
def test_redacting_twice_changes_nothing(text: str) -> None:
    assert redact_rrn(redact_rrn(text)) == redact_rrn(text)


@pytest.mark.parametrize(
    "unit",
    [
        *("a", "1", " ", "\n", "가", "1 ", "1-", "a.", "a-", "1.1.", "@", "a@", "a@a.", "x@y."),
        *("+1", "+1 ", "(", "010-", "4111 ", "950315-", "950315 2", "M1", "[", "[EMAIL_1]"),
        *("http://", "www.", "github.com/", "서울", "서울시강남구", "서울 강남구 가", "로", "세종"),
        *("1 Aa ", "1 N A1 ", "1, Ab-ro", "12345 ", "생년월일 ", "주소 ", "연락처 ", "계좌"),
        *("신한은행 ", "tel ", "면허번호 A", "Jan ", "홍 ", "Hong "),
    ],
)
def test_the_longest_text_is_masked_in_a_second(unit: str) -> None:
    text = (unit * 200_000)[:200_000]
    started = time.process_time()

    mask(text, names=["홍길동", "Gildong Hong", "이준"])

    assert time.process_time() - started < 1
