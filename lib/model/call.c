/* A call: its tries, its waits, and what comes in its stream. */
#include "model/call.h"

#include <stdlib.h>

#include "base/arena.h"
#include "base/clock.h"
#include "base/sse.h"
#include "ext/json.h"
#include "model/entries.h"

enum {
    EVENT_BYTES_MAX = 256 * 1024,
    TRIES_MAX = 3,
    PAUSE_MS = 250, /* before the second try; then twice as long each time */
    RETRY_AFTER_MAX_S = 20,
    FAILURES_MAX = 5,
    CLOSED_MS = 30 * 1000,
};

struct call {
    struct streams *streams;
    const struct provider *provider;
    struct health *health;
    char *body;
    size_t body_n;
    struct arena *arena; /* of one event */
    struct stream *stream;
    struct sse *sse;
    enum call_state state;
    const char *reason;
    int tries;
    int64_t began_ms, asked_ms, token_ms, again_ms; /* token_ms 0: none came */
    bool is_over;                                   /* the stream said that it was all */
    bool has_finished; /* the model did; the server may not say that it was all */
    const char *wrong; /* what is wrong with the stream; NULL: nothing */
    char *text;
    size_t n, cap, chars;
    uint64_t input_tokens, output_tokens;
};

/* ---- what comes ---- */

struct delta {
    struct str content;
};
struct choice_in {
    struct delta delta;
    struct str finish_reason;
};
struct usage_in {
    int64_t prompt_tokens, completion_tokens;
};
struct chunk {
    struct list choices;
    struct usage_in usage;
    struct str error; /* JSON */
    unsigned char has_usage;
};

static const struct field delta_fields[] = {
    {.name = "content", .type = FIELD_STR, .flags = F_NULLABLE, .at = offsetof(struct delta, content)},
};
static const struct shape delta_shape = SHAPE("Delta", struct delta, delta_fields);
static const struct field choice_fields[] = {
    {.name = "delta",
     .type = FIELD_OBJECT,
     .flags = F_NULLABLE,
     .at = offsetof(struct choice_in, delta),
     .shape = &delta_shape},
    {.name = "finish_reason",
     .type = FIELD_STR,
     .flags = F_NULLABLE,
     .at = offsetof(struct choice_in, finish_reason)},
};
static const struct shape choice_shape = SHAPE("Choice", struct choice_in, choice_fields);
static const struct field usage_fields[] = {
    {.name = "prompt_tokens",
     .type = FIELD_INT,
     .at = offsetof(struct usage_in, prompt_tokens),
     .min = 0,
     .max = 1000000000},
    {.name = "completion_tokens",
     .type = FIELD_INT,
     .at = offsetof(struct usage_in, completion_tokens),
     .min = 0,
     .max = 1000000000},
};
static const struct shape usage_shape = SHAPE("Usage", struct usage_in, usage_fields);
static const struct field chunk_fields[] = {
    {.name = "choices",
     .type = FIELD_LIST,
     .flags = F_NULLABLE,
     .at = offsetof(struct chunk, choices),
     .shape = &choice_shape},
    {.name = "usage",
     .type = FIELD_OBJECT,
     .flags = F_NULLABLE,
     .at = offsetof(struct chunk, usage),
     .has_at = offsetof(struct chunk, has_usage),
     .shape = &usage_shape},
    {.name = "error", .type = FIELD_JSON, .flags = F_NULLABLE, .at = offsetof(struct chunk, error)},
};
static const struct shape chunk_shape = SHAPE("Chunk", struct chunk, chunk_fields);

/* Up to TEXT_MAX characters: what would be past them is no part of the answer, and it is over. */
static void add_text(struct call *call, struct str text)
{
    size_t n = 0;

    for (; n < text.n; n++) {
        if (((unsigned char)text.p[n] & 0xc0) == 0x80)
            continue;
        if (call->chars == TEXT_MAX)
            break;
        call->chars++;
    }
    call->is_over = n < text.n;
    if (call->n + n > call->cap) {
        call->cap = 2 * (call->n + n);
        call->text = realloc(call->text, call->cap);
        if (!call->text)
            abort();
    }
    if (n)
        memcpy(call->text + call->n, text.p, n);
    call->n += n;
}

static void take_chunk(struct call *call, const struct chunk *chunk)
{
    const struct choice_in *choice = chunk->choices.items;

    if (chunk->has_usage == HAS_VALUE) {
        call->input_tokens = (uint64_t)chunk->usage.prompt_tokens;
        call->output_tokens = (uint64_t)chunk->usage.completion_tokens;
    }
    if (!chunk->choices.n)
        return;
    call->token_ms = clock_mono_ms();
    call->health->failures = 0;
    call->has_finished |= choice->finish_reason.n > 0;
    if (choice->delta.content.n)
        add_text(call, choice->delta.content);
}

static bool on_event(void *arg, struct str data)
{
    struct call *call = arg;
    struct chunk chunk = {0};
    struct problem problem = {0};

    if (str_eq(data, STR("[DONE]"))) {
        call->is_over = true;
        return false;
    }
    arena_reset(call->arena);
    if (json_decode(data, &chunk_shape, &chunk, call->arena, &problem) != OK || chunk.error.n)
        call->wrong = "provider_error";
    else
        take_chunk(call, &chunk);
    return !call->wrong && !call->is_over;
}

static bool on_bytes(void *arg, const char *bytes, size_t n)
{
    struct call *call = arg;

    if (sse_feed(call->sse, bytes, n))
        return true;
    if (!call->is_over && !call->wrong)
        call->wrong = "provider_error"; /* a line without end */
    return false;
}

/* ---- tries ---- */

static void hang_up(struct call *call)
{
    if (call->stream)
        stream_close(call->stream);
    if (call->sse)
        sse_free(call->sse);
    call->stream = NULL;
    call->sse = NULL;
}

static void fail_with(struct call *call, const char *reason)
{
    hang_up(call);
    call->state = CALL_FAILED;
    call->reason = reason;
}

static void finish(struct call *call)
{
    hang_up(call);
    call->state = CALL_DONE;
}

static void ask(struct call *call)
{
    const struct provider *p = call->provider;
    const char *headers[] = {"Content-Type: application/json", "Accept: text/event-stream", p->authorization,
                             NULL};

    call->sse = sse_new(EVENT_BYTES_MAX, on_event, call);
    call->stream = stream_open(call->streams, &(struct stream_ask){.url = p->url,
                                                                   .headers = headers,
                                                                   .body = {call->body, call->body_n},
                                                                   .may_be_private = p->may_be_private,
                                                                   .connect_ms = (int)p->connect_s * 1000,
                                                                   .on_bytes = on_bytes,
                                                                   .arg = call});
    call->asked_ms = clock_mono_ms();
    call->tries++;
}

/* Something that may be better next time. */
static void again_or_fail(struct call *call, const char *reason, int after_s)
{
    const int64_t now = clock_mono_ms();
    const int64_t pause = ((int64_t)PAUSE_MS << call->tries) / 2, asked = (int64_t)after_s * 1000;

    if (++call->health->failures >= FAILURES_MAX)
        call->health->closed_until_ms = now + CLOSED_MS;
    if (call->token_ms || call->tries >= TRIES_MAX || after_s > RETRY_AFTER_MAX_S) {
        fail_with(call, reason);
        return;
    }
    hang_up(call);
    call->again_ms = now + (asked > pause ? asked : pause) + random() % PAUSE_MS;
}

/* The stream is at its end, of whatever kind. */
static void take_end(struct call *call)
{
    const enum stream_state end = stream_state(call->stream);
    const int status = stream_status(call->stream), after_s = stream_retry_after_s(call->stream);

    if (status == 429)
        again_or_fail(call, "provider_busy", after_s);
    else if (status >= 500)
        again_or_fail(call, "provider_unavailable", after_s);
    else if (status && status != 200)
        fail_with(call, "provider_refused");
    else if (end == STREAM_DONE && call->has_finished)
        finish(call);
    else if (call->token_ms)
        fail_with(call, "cut_off");
    else
        again_or_fail(call, "provider_unavailable", 0);
}

static void check_time(struct call *call, int64_t now)
{
    const struct provider *p = call->provider;

    if (now - call->began_ms > p->answer_s * 1000 ||
        (call->token_ms && now - call->token_ms > p->between_tokens_s * 1000))
        fail_with(call, "timeout");
    else if (!call->token_ms && now - call->asked_ms > p->first_token_s * 1000)
        again_or_fail(call, "timeout", 0);
}

void call_tick(struct call *call)
{
    const int64_t now = clock_mono_ms();

    if (call->state != CALL_RUNS)
        return;
    if (!call->stream) {
        if (now < call->health->closed_until_ms)
            fail_with(call, "provider_unavailable");
        else if (now >= call->again_ms)
            ask(call);
    } else if (call->wrong) {
        fail_with(call, call->wrong);
    } else if (call->is_over) {
        finish(call);
    } else if (stream_state(call->stream) != STREAM_RUNS) {
        take_end(call);
    } else {
        check_time(call, now);
    }
}

/* ---- the whole ---- */

struct call *call_new(struct streams *streams, const struct provider *provider, struct health *health,
                      struct str body)
{
    struct call *call = calloc(1, sizeof *call);

    if (!call || !(call->body = malloc(body.n + 1)))
        abort();
    memcpy(call->body, body.p, body.n);
    call->body_n = body.n;
    call->streams = streams;
    call->provider = provider;
    call->health = health;
    call->arena = arena_new();
    call->began_ms = clock_mono_ms();
    return call;
}

void call_free(struct call *call)
{
    hang_up(call);
    arena_free(call->arena);
    free(call->text);
    free(call->body);
    free(call);
}

enum call_state call_state(const struct call *call)
{
    return call->state;
}

const char *call_reason(const struct call *call)
{
    return call->reason;
}

struct str call_text(const struct call *call)
{
    return (struct str){call->text ? call->text : "", call->n};
}

bool call_has_begun(const struct call *call)
{
    return call->n > 0;
}

bool call_may_cost(const struct call *call)
{
    return call->token_ms || call->stream;
}

void call_tokens(const struct call *call, uint64_t *input, uint64_t *output)
{
    *input = call->input_tokens;
    *output = call->output_tokens;
}
