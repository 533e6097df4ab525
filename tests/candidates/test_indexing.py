"""Words that other rules have indexed are indexed again."""

from sqlalchemy import delete, select, update

from app.candidates.indexing import index_words
from app.candidates.morphemes import rules_name
from app.candidates.search import Meant, find
from app.candidates.search_records import Filters
from app.candidates.tables import WordsRow
from app.candidates.terms import question
from app.resilience.clock import SystemClock
from app.store.database import Database
from tests.candidates.people import MODEL, People, Person


async def test_candidates_without_words_or_with_those_of_other_rules_are_indexed_again(
    database: Database,
) -> None:
    people = People(database)
    crowd = {f"p{n}": Person(text=f"kafka engineer{n}", skills=("Go",)) for n in range(45)}
    await people.save(**crowd)
    async with database.begin() as session:
        await session.execute(
            delete(WordsRow).where(WordsRow.candidate_id.in_(list(people.ids.values())[:30]))
        )
        await session.execute(
            update(WordsRow)
            .where(WordsRow.candidate_id == people.ids["p40"])
            .values(rules="older", numbers=[1])
        )

    assert await index_words.call(database, SystemClock()) == 31
    assert await index_words.call(database, SystemClock()) == 0

    async with database.begin() as session:
        rules = set(await session.scalars(select(WordsRow.rules)))
    assert rules == {rules_name()}
    found = await find(
        database,
        people.tenant_id,
        question("kafka"),
        Meant(vector=None, model=MODEL),
        filters=Filters(all_skills=("golang",)),
        top_k=100,
    )
    assert len(found) == 45
