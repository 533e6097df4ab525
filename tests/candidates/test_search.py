"""Who is found for a query, in which order, and with which reasons."""

import asyncio
from datetime import UTC, datetime

import pytest
from sqlalchemy import text

from app.candidates.hits import MAX_TOP_K
from app.candidates.search import Hit, Meant, find
from app.candidates.search_records import Filters
from app.candidates.terms import question
from app.store.database import Database
from tests.candidates.people import MODEL, People, Person, towards

NOTHING_MEANT = Meant(vector=None, model=MODEL)


@pytest.fixture
def people(database: Database) -> People:
    return People(database)


async def hits(
    people: People,
    query: str,
    *axes: int,
    filters: Filters | None = None,
    top_k: int = 10,
) -> list[Hit]:
    return await find(
        people.database,
        people.tenant_id,
        question(query),
        Meant(vector=towards(*axes), model=MODEL) if axes else NOTHING_MEANT,
        filters=filters or Filters(),
        top_k=top_k,
    )


async def found(
    people: People, query: str, *axes: int, filters: Filters | None = None
) -> list[str]:
    got = await hits(people, query, *axes, filters=filters)
    return people.named([hit.candidate_id for hit in got])


async def test_more_and_rarer_words_come_first(people: People) -> None:
    await people.save(
        both=Person(text="Kafka pipelines in a bank"),
        rare=Person(text="Kafka in a shop"),
        common=Person(text="A bank in the town"),
        other=Person(text="A bank of flowers"),
        none=Person(text="Gardener"),
    )
    assert await found(people, "kafka bank") == [
        "both",
        "rare",
        *sorted_by_id(people, "common", "other"),
    ]


def sorted_by_id(people: People, *names: str) -> list[str]:
    return sorted(names, key=lambda name: str(people.ids[name]))


async def test_korean_words_are_found_in_any_form_and_compound(people: People) -> None:
    await people.save(
        inflected=Person(text="결제 서버를 파이썬으로 개발했습니다"),
        compound=Person(text="백엔드개발자"),
        other=Person(text="바리스타"),
    )
    assert await found(people, "파이썬 서버") == ["inflected"]
    assert (await found(people, "백엔드 개발자"))[0] == "compound"


async def test_a_skill_is_found_in_the_other_script(people: People) -> None:
    await people.save(ko=Person(text="쿠버네티스 운영"), other=Person(text="바리스타"))
    (hit,) = await hits(people, "Kubernetes")
    assert people.named([hit.candidate_id]) == ["ko"]
    assert hit.keyword > 0.2


async def test_words_and_meaning_both_count_and_each_finds_alone(people: People) -> None:
    await people.save(
        both=Person(text="Kafka engineer", axes=(1,)),
        words=Person(text="Kafka engineer"),
        meaning=Person(text="Streams of events", axes=(1,)),
        neither=Person(text="Cook", axes=(2,)),
    )
    got = await hits(people, "kafka engineer", 1)
    assert people.named([hit.candidate_id for hit in got[:1]]) == ["both"]
    assert set(people.named([hit.candidate_id for hit in got])) == {"both", "words", "meaning"}
    by_name = dict(zip(people.named([hit.candidate_id for hit in got]), got, strict=True))
    assert by_name["words"].meaning == 0
    assert by_name["meaning"].keyword == 0
    assert by_name["meaning"].meaning == pytest.approx(1, abs=0.01)


async def test_one_that_the_arm_of_meaning_missed_gets_its_own_cosine(people: People) -> None:
    crowd = {f"near{n}": Person(text=f"Cook {n}", axes=(1,)) for n in range(110)}
    await people.save(**crowd, far=Person(text="Kafka", axes=(1, 2, 3, 4)))
    got = await hits(people, "kafka", 1, top_k=200)
    (far,) = (hit for hit in got if hit.candidate_id == people.ids["far"])
    assert far.meaning == pytest.approx((0.5 - 0.1) / 0.9, abs=0.01)


async def test_a_hit_says_why(people: People) -> None:
    body = (
        "Worked in many places. " * 30 + "Ran Kafka and 파이썬 services at night. " + "More. " * 90
    )
    await people.save(one=Person(text=body, skills=("Python", "Kafka", "Go")))
    (hit,) = await hits(people, "파이썬으로 만든 kafka, missing")
    assert hit.words == ("파이썬", "kafka")
    assert hit.skills == ("Python", "Kafka")
    assert "Kafka and 파이썬" in hit.snippet
    assert len(hit.snippet) <= 160
    assert 0 < hit.score < hit.keyword < 1


FILTERED = {
    "junior": Person(text="engineer", skills=("Python", "Node.js"), years=2, language="ko"),
    "senior": Person(text="engineer", skills=("python", "C++"), years=12, axes=(1,)),
    "middle": Person(
        text="engineer", skills=("C#",), years=6, created_at=datetime(2024, 5, 1, tzinfo=UTC)
    ),
}


@pytest.mark.parametrize(
    ("filters", "expected"),
    [
        (Filters(all_skills=("PYTHON",)), {"junior", "senior"}),
        (Filters(all_skills=("파이썬", "c++")), {"senior"}),
        (Filters(any_skills=("nodejs", "c#")), {"junior", "middle"}),
        (Filters(all_skills=("Rust",)), set[str]()),
        (Filters(min_years=2, max_years=6), {"junior", "middle"}),
        (Filters(min_years=12), {"senior"}),
        (Filters(language="ko"), {"junior"}),
        (Filters(created_before=datetime(2024, 5, 2, tzinfo=UTC)), {"middle"}),
        (Filters(created_since=datetime(2024, 5, 2, tzinfo=UTC)), {"junior", "senior"}),
        (Filters(all_skills=("python",), min_years=5, language="en"), {"senior"}),
    ],
)
async def test_filters_hold_for_both_arms(
    people: People, filters: Filters, expected: set[str]
) -> None:
    await people.save(**FILTERED)
    assert set(await found(people, "engineer", 1, filters=filters)) == expected
    assert set(await found(people, "engineer", filters=filters)) == expected


async def test_a_filter_is_applied_before_the_best_are_taken(people: People) -> None:
    crowd = {f"en{n}": Person(text="engineer engineer kafka", axes=(1,)) for n in range(150)}
    few = {f"ko{n}": Person(text="engineer", axes=(1, 2), language="ko") for n in range(12)}
    await people.save(**crowd, **few)
    ours = Filters(language="ko")
    assert len(await found(people, "engineer kafka", 1, filters=ours)) == 10
    assert len(await found(people, "engineer kafka", filters=ours)) == 10


async def test_words_alone_find_as_many_as_are_asked_for(people: People) -> None:
    await people.save(**{f"p{n}": Person(text="kafka engineer") for n in range(120)})
    assert len(await hits(people, "kafka", top_k=MAX_TOP_K)) == MAX_TOP_K


async def test_the_vector_index_is_walked_until_enough_pass(people: People) -> None:
    nearer = {f"ko{n}": Person(text="a", axes=(1, 9 + n), language="ko") for n in range(300)}
    # More than are compared one by one. Equal vectors would be one place in the index.
    far = (1, *range(400, 412))
    passing = {f"en{n}": Person(text="b", axes=(*far, 9 + n % 300)) for n in range(710)}
    await people.save(**nearer, **passing)
    async with people.database.begin() as session:
        # What a large table leads to: the index, not a sort of all that pass.
        name = await session.scalar(text("SELECT current_database()"))
        await session.execute(text(f'ALTER DATABASE "{name}" SET enable_sort = off'))
    await people.database.engine.dispose()
    got = await hits(people, "nothing", 1, filters=Filters(language="en"))
    assert len(got) == 10
    assert {name[:2] for name in people.named([hit.candidate_id for hit in got])} == {"en"}


async def test_a_tenant_finds_only_its_own(people: People, database: Database) -> None:
    others = People(database)
    await others.save(one=Person(text="Kafka engineer", axes=(1,), skills=("Kafka",)))
    await people.save(ours=Person(text="Kafka engineer", axes=(1,), skills=("Kafka",)))
    got = await found(people, "kafka engineer", 1, filters=Filters(all_skills=("kafka",)))
    assert got == ["ours"]
    nobody = People(database)
    assert await found(nobody, "kafka engineer", 1) == []


async def test_vectors_of_another_model_are_not_compared(people: People) -> None:
    await people.save(
        same=Person(text="one", axes=(1,)), other=Person(text="two", axes=(1,), model="model-b")
    )
    assert await found(people, "nothing", 1) == ["same"]


async def test_only_the_live_version_is_found(people: People) -> None:
    await people.save(one=Person(text="Kafka engineer", axes=(1,), skills=("Kafka",)))
    await people.replace("one", Person(text="Baker", axes=(2,), skills=("Sourdough",)), version=2)
    assert await found(people, "kafka", 1) == []
    assert await found(people, "baker") == ["one"]
    assert await found(people, "baker", filters=Filters(all_skills=("Kafka",))) == []
    (hit,) = await hits(people, "baker", 2)
    assert hit.snippet == "Baker"


async def test_a_search_beside_a_new_version_sees_the_old_or_the_new(people: People) -> None:
    await people.save(one=Person(text="alpha", axes=(1,)))
    seen: set[tuple[tuple[str, ...], float, str]] = set()

    async def change() -> None:
        for version in range(2, 30):
            word, axis = ("beta", 2) if version % 2 == 0 else ("alpha", 1)
            await people.replace("one", Person(text=word, axes=(axis,)), version=version)

    async with asyncio.TaskGroup() as group:
        changing = group.create_task(change())
        while not changing.done():
            (hit,) = await hits(people, "alpha beta", 1, 2)
            seen.add((hit.words, hit.meaning, hit.snippet))
    assert {(words, snippet) for words, _, snippet in seen} <= {
        (("alpha",), "alpha"),
        (("beta",), "beta"),
    }


HOSTILE = [
    "' OR 1=1; DROP TABLE candidates; --",
    "kafka & !redis | (a:* <-> b)",
    "%_\\%",
    "을 를 은 는",
    "😀🚀",
    "\u200b\u200d\ufeff",
    "\x00kafka\x00",
    "\ud800",
    "(" * 5_000,
    "가" * 10_000,
    "kafka " * 1_700,
    " ".join(f"w{n}" for n in range(2_000)),
    "ａ\u0300" * 2_000,
    "{}[]()<>\"'`;:,.?/\\|",
]


@pytest.mark.parametrize("query", HOSTILE, ids=range(len(HOSTILE)))
async def test_no_query_is_an_error(people: People, query: str) -> None:
    await people.save(one=Person(text="Kafka engineer", axes=(1,)))
    expected = ["one"] if "kafka" in query else []
    assert await found(people, query) == expected
    assert len(await found(people, query, 9)) <= 1
