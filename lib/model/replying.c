/* One answer: asked for, told while it comes, ended. */
#include "model/replying.h"

#include <stdlib.h>

#include "base/clock.h"
#include "base/count.h"
#include "base/log.h"
#include "model/assistants.h"
#include "model/helps.h"
#include "model/house.h"
#include "model/prompt.h"
#include "model/replytext.h"
#include "model/ringer.h"
#include "model/spending.h"

enum {
    TELL_EVERY_MS = 250,
    AGAIN_MS = 500, /* after trouble with the database */
    DATABASE_MS = 5000,
    POSTPONE_MS = 1000,
    READERS_MAX = 50,
};

struct ctx replying_ctx(struct answerer *a, const struct ai_reply_row *reply)
{
    arena_reset(a->arena);
    a->problem = (struct problem){0};
    db_deadline(a->db, clock_mono_ms() + DATABASE_MS);
    struct ctx ctx = {
        .arena = a->arena, .db = a->db, .redis = a->redis, .house = a->house, .problem = &a->problem};
    if (reply)
        ctx.actor = (struct actor){.app_id = reply->app_id, .user_id = reply->asker_id};
    return ctx;
}

void replying_over(struct replying *answer, enum reply_state state, const char *reason)
{
    answer->is_over = true;
    answer->end = (struct reply_end){.state = state, .reason = reason};
    answer->next_ms = 0;
}

/* ---- beginning ---- */

static struct health *health_of(struct answerer *a, const struct provider *provider)
{
    for (size_t i = 0; i < providers_count(a->providers); i++)
        if (providers_at(a->providers, i) == provider)
            return &a->health[i];
    abort();
}

/* The most that may come, of this provider or the one after it. */
static uint64_t most_output(const struct provider *p)
{
    const int64_t mine = p->max_output_tokens, next = p->fallback ? p->fallback->max_output_tokens : 0;
    return (uint64_t)(mine > next ? mine : next);
}

/* The provider, as far as tokens were reserved: one that is asked instead may have more room. */
static struct provider within(struct replying *answer)
{
    struct provider p = *answer->provider;
    const int64_t room = p.context_tokens - p.max_output_tokens;

    if (!answer->has_fallen_back)
        answer->room_tokens = room;
    else if (room > answer->room_tokens)
        p.context_tokens = answer->room_tokens + p.max_output_tokens;
    return p;
}

/* Who is asked, and what he is told. */
static enum err choose(struct answerer *a, struct ctx *ctx, struct replying *answer, struct prompt *prompt)
{
    struct assistant_row assistant = {.provider = STR("")};

    if (!answer->reply.kind)
        TRY(assistant_for(ctx, answer->reply.assistant_id, &assistant));
    if (!answer->provider)
        answer->provider = answer->reply.kind ? providers_helper(a->providers)
                                              : providers_find(a->providers, assistant.provider);
    if (!answer->provider)
        return ERR_AI_OFF;
    const struct provider p = within(answer);
    return answer->reply.kind ? help_prompt(ctx, &answer->reply, &p, prompt)
                              : prompt_make(ctx, &answer->reply, &assistant, &p,
                                            p.takes_pictures ? answer->glance : NULL, prompt);
}

/* Everything before the call. ERR_RATE_LIMITED: others of his come first. ERR_AI_LIMIT, ERR_NOT_FOUND,
 * ERR_AI_OFF say why there is none. */
static enum err prepare(struct answerer *a, struct replying *answer)
{
    struct ctx ctx = replying_ctx(a, &answer->reply);
    struct prompt prompt = {0};

    if (!answer->has_reserved)
        TRY(spending_check(&ctx, answer->reply.asker_id));
    TRY(choose(a, &ctx, answer, &prompt));
    if (!answer->has_reserved)
        TRY(reply_reserve(&ctx, &answer->reply, a->process, prompt.tokens + most_output(answer->provider)));
    answer->has_reserved = true;
    answer->prompt_tokens = prompt.tokens;
    answer->call = call_new(a->streams, answer->provider, health_of(a, answer->provider), prompt.json);
    return OK;
}

static bool is_trouble(enum err err)
{
    return err == ERR_UNAVAILABLE || err == ERR_OUTCOME_UNKNOWN || err == ERR_RETRY;
}

/* An assistant that is shown pictures: they are fetched first. What goes wrong here, prepare() will say. */
static void look_at_pictures(struct answerer *a, struct replying *answer)
{
    struct ctx ctx = replying_ctx(a, &answer->reply);
    struct assistant_row assistant = {.provider = STR("")};
    uint64_t ids[GLANCE_PICTURES_MAX];
    size_t n = 0;

    answer->has_looked = true;
    if (answer->reply.kind || spending_check(&ctx, ctx.actor.user_id) != OK ||
        assistant_for(&ctx, answer->reply.assistant_id, &assistant) != OK)
        return;
    const struct provider *p = providers_find(a->providers, assistant.provider);
    if (!assistant.pictures || !p || !p->takes_pictures ||
        prompt_pictures(&ctx, &answer->reply, ids, GLANCE_PICTURES_MAX, &n) != OK || !n)
        return;
    answer->glance = glance_new(a->glances, &ctx.actor, ids, n);
}

static void begin(struct answerer *a, struct replying *answer)
{
    if (!answer->has_looked)
        look_at_pictures(a, answer);
    if (answer->glance && !glance_is_done(answer->glance))
        return;
    const enum err err = prepare(a, answer);

    if (err == OK)
        return;
    if (is_trouble(err))
        answer->next_ms = clock_mono_ms() + AGAIN_MS;
    else if (err == ERR_RATE_LIMITED)
        answer->is_early = true;
    else
        replying_over(answer, REPLY_FAILED,
                      err == ERR_AI_LIMIT ? "limit"
                      : err == ERR_AI_OFF ? "off"
                                          : "not_allowed");
}

/* ---- telling ---- */

/* Who reads along: all who are in it now, or in a large group who asked. */
static enum err readers_of(struct ctx *ctx, const struct ai_reply_row *reply, uint64_t *ids, size_t *n)
{
    struct member_id_row *rows;
    size_t n_rows;

    TRY(q_members_present(ctx, reply->conversation_id, READERS_MAX + 1, &rows, &n_rows));
    *n = 0;
    for (size_t i = 0; i < n_rows && n_rows <= READERS_MAX; i++)
        ids[(*n)++] = rows[i].user_id;
    if (n_rows > READERS_MAX)
        ids[(*n)++] = reply->asker_id;
    return OK;
}

static size_t count_chars(struct str text)
{
    size_t n = 0;

    for (size_t i = 0; i < text.n; i++)
        n += ((unsigned char)text.p[i] & 0xc0) != 0x80;
    return n;
}

/* The first may say nothing yet, but whose reply begins. Best effort: who missed some reads the text so far,
 * or the entry at the end. That it began is told who asked durably as well; after the whisper, so that
 * whoever missed that one while he took this one finds its text here. */
static void tell(struct answerer *a, struct replying *answer)
{
    const struct ai_reply_row *reply = &answer->reply;
    const struct str text = call_text(answer->call);
    struct str news = {text.p + answer->told, text.n - answer->told};
    struct ctx ctx = replying_ctx(a, reply);
    uint64_t ids[READERS_MAX];
    size_t n;

    if ((!news.n && answer->has_told) || readers_of(&ctx, reply, ids, &n) != OK)
        return;
    if (reply_keep(&ctx, reply->id, text) != OK)
        return; /* a reader could not ask for what comes now */
    const struct str event = reply_delta(ctx.arena, reply, news, (int64_t)answer->told_chars);
    ringer_whisper(house_ringer(a->house), ids, n, event, 0);
    answer->has_told = answer->has_told || reply_say_begun(&ctx, reply) == OK;
    answer->told += news.n;
    answer->told_chars += count_chars(news);
}

/* ---- writing ---- */

/* Another provider may be asked, once, where this one gave nothing. */
static bool falls_back(struct replying *answer)
{
    const struct provider *other = answer->provider->fallback;

    if (call_has_begun(answer->call) || !other || answer->has_fallen_back)
        return false;
    answer->has_fallen_back = true;
    call_free(answer->call);
    answer->call = NULL;
    answer->provider = other;
    answer->next_ms = 0;
    return true;
}

static void write_on(struct answerer *a, struct replying *answer, int64_t now)
{
    call_tick(answer->call);
    const enum call_state state = call_state(answer->call);
    if (answer->is_cancelled) {
        replying_over(answer, REPLY_CANCELLED, "cancelled");
    } else if (state == CALL_FAILED) {
        if (!falls_back(answer))
            replying_over(answer, REPLY_FAILED, call_reason(answer->call));
    } else if (state == CALL_DONE) {
        if (call_has_begun(answer->call))
            replying_over(answer, REPLY_DONE, "");
        else
            replying_over(answer, REPLY_FAILED, "empty");
    } else if (!answer->reply.kind && now >= answer->tell_ms) {
        tell(a, answer);
        answer->tell_ms = now + TELL_EVERY_MS;
    }
}

void replying_step(struct answerer *a, struct replying *answer)
{
    const int64_t now = clock_mono_ms();

    if (answer->is_over || answer->is_early || now < answer->next_ms)
        return;
    if (answer->is_cancelled && !answer->call)
        replying_over(answer, REPLY_CANCELLED, "cancelled");
    else if (!answer->call)
        begin(a, answer);
    else
        write_on(a, answer, now);
}

/* ---- the end ---- */

/* What it cost: as the provider says, else as we reckon it. */
static void set_tokens(struct replying *answer)
{
    struct reply_end *end = &answer->end;

    if (!answer->call)
        return;
    end->text = call_text(answer->call);
    call_tokens(answer->call, &end->input_tokens, &end->output_tokens);
    if (!end->input_tokens && !end->output_tokens && call_may_cost(answer->call)) {
        end->input_tokens = answer->prompt_tokens;
        end->output_tokens = prompt_tokens(end->text);
    }
    end->cost = provider_cost(answer->provider, end->input_tokens, end->output_tokens);
}

bool replying_postpone(struct answerer *a, struct replying *answer)
{
    struct ctx ctx = replying_ctx(a, &answer->reply);
    const enum err err = reply_release(&ctx, &answer->reply, a->process, POSTPONE_MS);

    if (is_trouble(err))
        answer->next_ms = clock_mono_ms() + AGAIN_MS;
    return !is_trouble(err);
}

bool replying_end(struct answerer *a, struct replying *answer)
{
    struct ctx ctx = replying_ctx(a, &answer->reply);

    set_tokens(answer);
    const enum err err = reply_end(&ctx, &answer->reply, a->process, &answer->end);
    if (is_trouble(err)) {
        answer->next_ms = clock_mono_ms() + AGAIN_MS;
        return false;
    }
    if (err == OK)
        count_add(answer->end.state == REPLY_DONE ? a->done : a->failed, 1);
    else
        log_warn("a reply was not ended", log_id("reply_id", answer->reply.id),
                 log_c("detail", a->problem.detail));
    return true;
}
