"""The statements that every run takes, as SQL: one for each thing that happens to it.

Building a statement of expressions costs a worker more than sending it, and so does each round trip:
what belongs together is one statement, which is a transaction of its own where nothing else is.
"""

from typing import Final, cast

from sqlalchemy import Table, text

from app.pipeline.tables import EffectRow, RunRow

_HELD: Final = """
    SELECT id, attempt, tenant_id FROM runs
    WHERE id = :run_id AND attempt = :attempt AND status = 'running'
    FOR SHARE
"""
"""A run at this attempt, whose fence then stands until the transaction ends; else nothing."""

_END_STAGES: Final = """
    UPDATE run_stages SET status = 'failed', code = :why, ended_at = clock_timestamp()
    WHERE run_id = :run_id AND attempt = :attempt AND status = 'running'
"""
"""What was under way when the attempt ended did not finish; else it would look alive for ever."""

_END_ATTEMPT: Final = """
    UPDATE run_attempts SET ended_at = clock_timestamp(), outcome = :outcome, code = :code
    WHERE run_id = :run_id AND attempt = :attempt
"""

HOLD: Final = text(_HELD)

LOCK: Final = text(
    """
    SELECT id FROM runs
    WHERE id = :run_id AND attempt = :attempt AND status = :status
    FOR NO KEY UPDATE
    """
)

BEGIN: Final = text(
    """
    WITH taken AS (
        UPDATE runs
        SET status = 'running', attempt = :attempt, tries = tries + 1, worker = :worker,
            lease_until = now() + make_interval(secs => CAST(:lease_s AS double precision))
        WHERE id = :run_id AND attempt = :attempt - 1 AND status = 'queued'
        RETURNING *
    ), noted AS (
        INSERT INTO run_attempts (run_id, attempt, tenant_id, worker, due_at)
        SELECT id, attempt, tenant_id, worker, next_attempt_at FROM taken
    )
    SELECT * FROM taken
    """
).columns(*cast("Table", RunRow.__table__).columns)
"""Answers with the columns of the run."""

# The answer to an earlier commit may have been lost on the way, and a statement come again.
START_STAGE: Final = text(
    f"""
    WITH held AS ({_HELD})
    INSERT INTO run_stages (run_id, attempt, name, tenant_id, status, tries, started_at)
    SELECT id, attempt, :stage, tenant_id, 'running', 1,
           clock_timestamp() - make_interval(secs => CAST(:ago_s AS double precision))
    FROM held
    ON CONFLICT DO NOTHING
    """  # noqa: S608 - put together of constants
)

END_STAGE: Final = text(
    f"""
    WITH held AS ({_HELD}), noted AS (
        INSERT INTO run_stages
            (run_id, attempt, name, tenant_id, status, code, tries, started_at, ended_at)
        SELECT id, attempt, :stage, tenant_id, :status, :code, CAST(:tries AS bigint),
               clock_timestamp() - make_interval(secs => CAST(:ago_s AS double precision)),
               clock_timestamp()
        FROM held
        ON CONFLICT (run_id, attempt, name) DO UPDATE
        SET status = excluded.status, code = excluded.code, tries = excluded.tries,
            ended_at = excluded.ended_at
    ), saved AS (
        INSERT INTO checkpoints (run_id, stage, item, version, tenant_id, attempt, value_sealed)
        SELECT id, :stage, '', CAST(:version AS bigint), tenant_id, attempt, :value_sealed
        FROM held WHERE CAST(:value_sealed AS text) IS NOT NULL
        ON CONFLICT (run_id, stage, item, version) DO UPDATE
        SET value_sealed = excluded.value_sealed, attempt = excluded.attempt
    )
    SELECT id FROM held
    """  # noqa: S608 - put together of constants
)
"""The stage and its result, if it has one. Answers with nothing when the fence was raised."""

SAVE_ANSWER: Final = text(
    f"""
    WITH held AS ({_HELD}), saved AS (
        INSERT INTO checkpoints (run_id, stage, item, version, tenant_id, attempt, value_sealed)
        SELECT id, :stage, :item, CAST(:version AS bigint), tenant_id, attempt, :value_sealed
        FROM held
        ON CONFLICT (run_id, stage, item, version) DO UPDATE
        SET value_sealed = excluded.value_sealed, attempt = excluded.attempt
    ), paid AS (
        INSERT INTO model_calls
            (id, tenant_id, run_id, attempt, model, input_tokens, output_tokens, cost_micros)
        SELECT call.id, tenant_id, held.id, attempt, model, input_tokens, output_tokens, cost_micros
        FROM held, jsonb_to_recordset(CAST(:payments AS jsonb)) AS call
            (id uuid, model text, input_tokens bigint, output_tokens bigint, cost_micros bigint)
        ON CONFLICT DO NOTHING
    )
    SELECT id FROM held
    """  # noqa: S608 - put together of constants
)
"""An answer and what was paid for it. Answers with nothing when the fence was raised."""

END_ATTEMPT: Final = text(f"WITH stages AS ({_END_STAGES}) {_END_ATTEMPT}")

END_RUN: Final = text(
    f"""
    WITH ended AS (
        UPDATE runs
        SET status = :outcome, code = :code, partial_codes = CAST(:partial_codes AS text[]),
            message = :message, details = CAST(:details AS jsonb),
            private_sealed = :private_sealed, result = CAST(:result AS jsonb),
            lease_until = NULL, finished_at = now()
        WHERE id = :run_id AND attempt = :attempt AND status = :status
        RETURNING id, tenant_id
    ), attempts AS (
        {_END_ATTEMPT} AND run_id IN (SELECT id FROM ended)
    ), stages AS (
        {_END_STAGES} AND run_id IN (SELECT id FROM ended)
    ), dropped AS (
        DELETE FROM checkpoints WHERE run_id IN (SELECT id FROM ended) AND CAST(:drop AS boolean)
    ), owed AS (
        INSERT INTO effects (id, run_id, tenant_id, kind, idempotency_key, payload, tries)
        SELECT gen_random_uuid(), ended.id, tenant_id, kind, key, payload, 0
        FROM ended, jsonb_to_recordset(CAST(:effects AS jsonb)) AS effect
            (kind text, key text, payload jsonb)
        ON CONFLICT (idempotency_key) DO NOTHING
    )
    SELECT id FROM ended
    """  # noqa: S608 - put together of constants
)
"""The final state and what it owes. Answers with nothing when the run is no longer so."""

_EFFECTS: Final = cast("Table", EffectRow.__table__).c

TAKE_EFFECTS: Final = text(
    """
    UPDATE effects
    SET tries = tries + 1, next_attempt_at = now() + make_interval(secs => :hold_s)
    WHERE id IN (
        SELECT id FROM effects
        WHERE run_id = :run_id AND done_at IS NULL AND next_attempt_at <= now()
        ORDER BY created_at LIMIT :most
        FOR UPDATE SKIP LOCKED
    )
    RETURNING id, kind, idempotency_key, payload, tries
    """
).columns(_EFFECTS.id, _EFFECTS.kind, _EFFECTS.idempotency_key, _EFFECTS.payload, _EFFECTS.tries)

CLOSE_EFFECTS: Final = text(
    "UPDATE effects SET done_at = now() WHERE id = ANY(CAST(:done AS uuid[])) AND done_at IS NULL"
)

PUT_BACK_EFFECTS: Final = text(
    """
    UPDATE effects SET next_attempt_at = now() + make_interval(secs => wait_s)
    FROM unnest(CAST(:ids AS uuid[]), CAST(:waits_s AS float[])) AS back (id, wait_s)
    WHERE effects.id = back.id AND done_at IS NULL
    """
)
