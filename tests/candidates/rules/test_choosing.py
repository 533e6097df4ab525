from app.candidates.rules.choosing import Draft, Part, choose, company_rank


def chosen(*texts: str) -> tuple[str | None, str | None]:
    parts = [Part(text=text, order=at, near=0) for at, text in enumerate(texts)]
    draft = Draft(parts=parts, period=None)
    choose(draft)
    return (draft.company and draft.company.text, draft.title and draft.title.text)


def test_the_best_of_each_is_chosen_in_any_order() -> None:
    assert chosen("Platform Team", "Acme Labs", "Data Engineer") == ("Acme Labs", "Data Engineer")
    assert chosen("과장", "백엔드 개발자", "가람페이") == ("가람페이", "백엔드 개발자")


def test_a_deed_is_no_employer_and_a_number_of_people_no_job() -> None:
    assert chosen("Waiting times held within the month") == (None, None)
    assert chosen("개발조직 220명 담당")[1] is None


def test_who_worked_on_his_own_has_no_other_employer() -> None:
    assert chosen("브랜드 디자이너", "프리랜서") == ("프리랜서", "브랜드 디자이너")


def test_what_lies_within_a_firm_ranks_below_it() -> None:
    firm, faculty = (
        Part(text=text, order=0, near=0) for text in ("Ashby University", "Faculty of Arts")
    )

    assert company_rank(firm) > company_rank(faculty)
