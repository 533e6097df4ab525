"""The stage that reads a résumé: by the model, by the rules, or by both to compare them."""

from functools import partial

from pydantic import TypeAdapter

from app.candidates.analysis import (
    Analysis,
    Analyst,
    History,
    analyze_by_model,
    analyze_by_rules,
    comparable,
)
from app.candidates.prompts.analysis import ANALYSIS_V2, ANALYSIS_VERSION, ResumeAnswer
from app.candidates.reading import Reading
from app.candidates.tools import ResumeTools
from app.modelchain import Model, ModelChain
from app.pipeline.run import Run
from app.pipeline.stage import stage
from app.providers.answers import Answer
from app.resilience.policies import FallbackName, PolicyName
from app.resilience.rollout import Path
from app.resilience.rollout_config import EVERYONE_BP
from app.resilience.spending import Purse

_ANSWER = TypeAdapter(Answer)


async def analyze(reading: Reading, run: Run, tools: ResumeTools) -> Analysis:
    """By the model for the runs that the rollout of it takes in, by the rules for the others."""
    rollout, aside = tools.model_analyst, tools.shadow_models
    path = Path.OLD if tools.models is None else rollout.choose(str(run.id))
    if path is Path.NEW:
        analysis = await run.need(analyze_with_fallback, reading, run, tools)
        if analysis.analyst is Analyst.MODEL and rollout.extent.share_bp < EVERYONE_BP:
            rollout.compare(comparable(await analyze_by_rules(reading)), comparable(analysis))
        return analysis
    analysis = await run.need(analyze_by_rules_alone, reading, run, tools)
    if path is Path.BOTH and aside is not None:
        rollout.shadow(analysis, partial(_read_aside, reading, aside, tools), comparable)
    return analysis


async def _read_aside(reading: Reading, models: ModelChain, tools: ResumeTools) -> Analysis:
    """The model's reading for comparison alone: nothing is saved, and other slots are used."""

    async def read(model: Model) -> Analysis:
        async def ask(item: str, user: str, history: History) -> Answer:
            del item
            return await _question(model, user, history, spent=0)

        return await analyze_by_model(reading, ask, parse_tries=tools.parse_tries)

    return await models.first(read)


async def _rules(reading: Reading, run: Run, tools: ResumeTools) -> Analysis:
    del run, tools  # the arguments of the stage that this stands in for
    return await analyze_by_rules(reading)


async def _models(reading: Reading, run: Run, tools: ResumeTools) -> Analysis:
    models = tools.models
    if models is None:
        return await analyze_by_rules(reading)

    purse = await run.purse(models)

    async def read(model: Model) -> Analysis:
        async def ask(item: str, user: str, history: History) -> Answer:
            question = partial(
                _question, model, user, history, spent=run.spent.get("analyze", 0), purse=purse
            )
            # By model: what one of them answered is no answer of the next one.
            return await run.once("analyze", f"{model.name}/{item}", _ANSWER, question)

        return await analyze_by_model(reading, ask, parse_tries=tools.parse_tries)

    with tools.model_analyst.observing():
        return await models.first(read)


async def _question(
    model: Model, user: str, history: History, *, spent: int, purse: Purse | None = None
) -> Answer:
    return await model.ask(
        system=ANALYSIS_V2,
        user=user,
        schema=ResumeAnswer,
        schema_name="resume",
        history=history,
        spent=spent,
        purse=purse,
    )


analyze_by_rules_alone = stage("analyze", policy=PolicyName.PARSER, version=ANALYSIS_VERSION)(
    _rules
)
analyze_with_fallback = stage("analyze", policy=PolicyName.ANALYSIS, version=ANALYSIS_VERSION)(
    _models
).falling_back_to(FallbackName.RULES, _rules)
