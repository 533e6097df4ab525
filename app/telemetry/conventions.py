"""Every name that a trace or metrics dashboard sees.

OpenTelemetry's semantic conventions where they have a name; `naru.` where they have none.
"""

from enum import StrEnum


class SpanName(StrEnum):
    """The first word of a span's name; the second is its target, of few values (never an id)."""

    SEND = "send"
    PROCESS = "process"
    STAGE = "stage"
    CHAT = "chat"
    EMBEDDINGS = "embeddings"
    RETRIEVAL = "retrieval"
    EXECUTE_TOOL = "execute_tool"
    CALL = "call"
    """A logical call of a dependency: its tries, waits and fallbacks are inside."""
    HTTP = "http"
    """A request served. Its span is named by the target alone, `POST /v1/resumes`, as is usual."""


class EventName(StrEnum):
    """Points in time within a span."""

    EXCEPTION = "exception"
    RETRY_SCHEDULED = "naru.retry.scheduled"
    BREAKER_STATE_CHANGE = "naru.breaker.state_change"
    FALLBACK = "naru.fallback"


class Attribute(StrEnum):
    """Keys of spans, events, metrics and the resource."""

    SERVICE_NAME = "service.name"
    SERVICE_VERSION = "service.version"
    SERVICE_INSTANCE_ID = "service.instance.id"
    DEPLOYMENT_ENVIRONMENT_NAME = "deployment.environment.name"

    ERROR_TYPE = "error.type"
    EXCEPTION_TYPE = "exception.type"
    SERVER_ADDRESS = "server.address"
    SERVER_PORT = "server.port"

    HTTP_REQUEST_METHOD = "http.request.method"
    HTTP_REQUEST_RESEND_COUNT = "http.request.resend_count"
    HTTP_RESPONSE_STATUS_CODE = "http.response.status_code"
    HTTP_ROUTE = "http.route"
    URL_PATH = "url.path"
    URL_SCHEME = "url.scheme"

    MESSAGING_SYSTEM = "messaging.system"
    MESSAGING_OPERATION_NAME = "messaging.operation.name"
    MESSAGING_OPERATION_TYPE = "messaging.operation.type"
    MESSAGING_DESTINATION_NAME = "messaging.destination.name"
    MESSAGING_MESSAGE_ID = "messaging.message.id"
    MESSAGING_MESSAGE_CONVERSATION_ID = "messaging.message.conversation_id"
    MESSAGING_MESSAGE_BODY_SIZE = "messaging.message.body.size"
    MESSAGING_CLIENT_ID = "messaging.client.id"

    GEN_AI_OPERATION_NAME = "gen_ai.operation.name"
    GEN_AI_PROVIDER_NAME = "gen_ai.provider.name"
    GEN_AI_CONVERSATION_ID = "gen_ai.conversation.id"
    GEN_AI_OUTPUT_TYPE = "gen_ai.output.type"
    GEN_AI_REQUEST_MODEL = "gen_ai.request.model"
    GEN_AI_REQUEST_MAX_TOKENS = "gen_ai.request.max_tokens"
    GEN_AI_REQUEST_TEMPERATURE = "gen_ai.request.temperature"
    GEN_AI_REQUEST_TOP_P = "gen_ai.request.top_p"
    GEN_AI_REQUEST_SEED = "gen_ai.request.seed"
    GEN_AI_REQUEST_ENCODING_FORMATS = "gen_ai.request.encoding_formats"
    GEN_AI_RESPONSE_ID = "gen_ai.response.id"
    GEN_AI_RESPONSE_MODEL = "gen_ai.response.model"
    GEN_AI_RESPONSE_FINISH_REASONS = "gen_ai.response.finish_reasons"
    GEN_AI_USAGE_INPUT_TOKENS = "gen_ai.usage.input_tokens"
    GEN_AI_USAGE_OUTPUT_TOKENS = "gen_ai.usage.output_tokens"
    GEN_AI_TOKEN_TYPE = "gen_ai.token.type"  # noqa: S105 - the kind of a model's tokens
    GEN_AI_EMBEDDINGS_DIMENSION_COUNT = "gen_ai.embeddings.dimension.count"
    GEN_AI_DATA_SOURCE_ID = "gen_ai.data_source.id"
    GEN_AI_TOOL_NAME = "gen_ai.tool.name"
    GEN_AI_TOOL_TYPE = "gen_ai.tool.type"
    GEN_AI_TOOL_CALL_ID = "gen_ai.tool.call.id"

    RUN_ID = "naru.run.id"
    RUN_STATUS = "naru.run.status"
    JOB_FUNCTION = "naru.job.function"
    JOB_ATTEMPT = "naru.job.attempt"
    JOB_MAX_ATTEMPTS = "naru.job.max_attempts"
    JOB_QUEUE_WAIT = "naru.job.queue_wait"
    JOB_OUTCOME = "naru.job.outcome"
    JOB_DEFER_SECONDS = "naru.job.defer_seconds"
    JOB_DEDUPLICATED = "naru.job.deduplicated"
    LINK_TYPE = "naru.link.type"
    STAGE_NAME = "naru.stage.name"
    STAGE_ATTEMPT = "naru.stage.attempt"
    STAGE_STATUS = "naru.stage.status"
    STAGE_SKIPPED_REASON = "naru.stage.skipped_reason"
    DOCUMENT_FORMAT = "naru.document.format"
    DOCUMENT_PAGES = "naru.document.pages"
    DOCUMENT_SIZE = "naru.document.size"
    OCR_USED = "naru.ocr.used"
    DEPENDENCY = "naru.dependency"
    CALL_OUTCOME = "naru.call.outcome"
    CALL_TRIES = "naru.call.tries"
    ORDERED_TOPIC = "naru.ordered.topic"
    ORDERED_OUTCOME = "naru.ordered.outcome"
    RETRY_DELAY = "naru.retry.delay"
    RETRY_REASON = "naru.retry.reason"
    FALLBACK_FROM = "naru.fallback.from"
    FALLBACK_TO = "naru.fallback.to"
    BREAKER_NAME = "naru.breaker.name"
    BREAKER_STATE = "naru.breaker.state"
    BREAKER_FROM = "naru.breaker.from"
    BREAKER_TO = "naru.breaker.to"
    BREAKER_REASON = "naru.breaker.reason"
    BREAKER_FAILURE_RATIO = "naru.breaker.failure_ratio"
    BREAKER_OPEN_UNTIL = "naru.breaker.open_until"
    BREAKER_REJECTED = "naru.breaker.rejected"
    ROLLOUT_NAME = "naru.rollout.name"
    ROLLOUT_RESULT = "naru.rollout.result"
    ROLLOUT_CAUSE = "naru.rollout.cause"


class Metric(StrEnum):
    """Instruments. Durations are in seconds."""

    SENT_MESSAGES = "messaging.client.sent.messages"
    CONSUMED_MESSAGES = "messaging.client.consumed.messages"
    PROCESS_DURATION = "messaging.process.duration"
    GEN_AI_OPERATION_DURATION = "gen_ai.client.operation.duration"
    GEN_AI_TOKEN_USAGE = "gen_ai.client.token.usage"  # noqa: S105 - a model's tokens
    HTTP_SERVER_REQUEST_DURATION = "http.server.request.duration"
    STAGE_DURATION = "naru.stage.duration"
    CALL_DURATION = "naru.call.duration"
    CALL_RETRIES = "naru.call.retries"
    ORDERED_MESSAGES = "naru.ordered.messages"
    BREAKER_STATE = "naru.breaker.state"
    BREAKER_TRANSITIONS = "naru.breaker.transitions"
    JOB_RETRIES = "naru.job.retries"
    RUNS = "naru.runs"
    ROLLOUT_COMPARISONS = "naru.rollout.comparisons"
    ROLLOUT_SWITCHES = "naru.rollout.switches"
