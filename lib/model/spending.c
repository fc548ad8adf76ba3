/* Spending: four rows per answer, always taken in the same order, so that no two wait for each other. */
#include "model/spending.h"

#include "base/clock.h"
#include "model/house.h"
#include "queries.h"

enum { DAY_MS = 24 * 3600 * 1000 };

/* Never renumber: the numbers are stored. */
enum scope { SCOPE_USER, SCOPE_ASSISTANT, SCOPE_APP, SCOPE_SITE, SCOPES };

#define AT(member) .at = offsetof(struct ai_usage, member)
static const struct field usage_fields[] = {
    {.name = "day_at", .type = FIELD_TIME, AT(day_at)},
    {.name = "used", .type = FIELD_INT, AT(used)},
    {.name = "limit", .type = FIELD_INT, .flags = F_NULLABLE, AT(limit)},
    {.name = "left",
     .type = FIELD_INT,
     .flags = F_NULLABLE,
     AT(left),
     .has_at = offsetof(struct ai_usage, has_left)},
    {.name = "cost_micros", .type = FIELD_INT, AT(cost)},
    {.name = "currency", .type = FIELD_STR, .flags = F_NULLABLE, AT(currency)},
};
#undef AT
const struct shape ai_usage_shape = SHAPE("AiUsage", struct ai_usage, usage_fields);

uint64_t ai_day(void)
{
    return (uint64_t)(clock_wall_ms() / DAY_MS);
}

/* One row and what it allows. */
struct limit {
    uint64_t subject_id, tokens, at_once;
};

static uint64_t or_any(int limit)
{
    return limit ? (uint64_t)limit : INT64_MAX;
}

static void set_limits(const struct ctx *ctx, const struct spender *who, struct limit out[SCOPES])
{
    const struct conf *conf = house_conf(ctx->house);

    out[SCOPE_USER] =
        (struct limit){who->user_id, or_any(conf->ai_user_tokens_per_day), (uint64_t)conf->ai_user_answers};
    out[SCOPE_ASSISTANT] =
        (struct limit){who->assistant_id, or_any(conf->ai_assistant_tokens_per_day), INT64_MAX};
    out[SCOPE_APP] = (struct limit){who->app_id, or_any(conf->ai_app_tokens_per_day), INT64_MAX};
    out[SCOPE_SITE] = (struct limit){0, or_any(conf->ai_site_tokens_per_day), INT64_MAX};
}

static enum err load(struct ctx *ctx, enum scope scope, uint64_t subject_id, uint64_t day,
                     struct spending_row *out)
{
    const enum err err = q_spending_get(ctx, scope, subject_id, day, out);

    if (err == ERR_NOT_FOUND)
        *out = (struct spending_row){0};
    return err == ERR_NOT_FOUND ? OK : err;
}

enum err ai_usage_load(struct ctx *ctx, struct ai_usage *out)
{
    const int64_t limit = house_conf(ctx->house)->ai_user_tokens_per_day;
    const uint64_t day = ai_day();
    struct spending_row row;

    TRY(load(ctx, SCOPE_USER, ctx->actor.user_id, day, &row));
    const int64_t used = (int64_t)(row.used + row.reserved);
    *out = (struct ai_usage){.day_at = (int64_t)day * DAY_MS,
                             .used = used,
                             .limit = limit,
                             .has_left = limit ? HAS_VALUE : HAS_NULL,
                             .left = used < limit ? limit - used : 0,
                             .cost = (int64_t)row.cost};
    return OK;
}

static enum err used_up(struct ctx *ctx)
{
    return fail(ctx, ERR_AI_LIMIT, "the tokens of the day are used up");
}

static enum err too_many(struct ctx *ctx)
{
    return fail(ctx, ERR_RATE_LIMITED, "other answers are being written");
}

enum err spending_check(struct ctx *ctx, uint64_t user_id)
{
    struct limit limits[SCOPES];
    struct spending_row row;

    set_limits(ctx, &(struct spender){.user_id = user_id}, limits);
    TRY(load(ctx, SCOPE_USER, user_id, ai_day(), &row));
    if (row.running >= limits[SCOPE_USER].at_once)
        return too_many(ctx);
    return row.used + row.reserved < limits[SCOPE_USER].tokens ? OK : used_up(ctx);
}

enum err spending_reserve(struct ctx *ctx, const struct spender *who, uint64_t day, uint64_t tokens)
{
    struct limit limits[SCOPES];
    struct spending_row row;
    uint64_t changed;

    set_limits(ctx, who, limits);
    for (unsigned scope = 0; scope < SCOPES; scope++) {
        const struct limit *limit = &limits[scope];
        TRY(q_spending_begin(ctx, scope, limit->subject_id, day, NULL));
        const struct q_spending_reserve_in in = {scope,  limit->subject_id, day,
                                                 tokens, limit->tokens,     limit->at_once};
        TRY(q_spending_reserve(ctx, &in, &changed));
        if (changed)
            continue;
        TRY(load(ctx, scope, limit->subject_id, day, &row));
        return row.running >= limit->at_once ? too_many(ctx) : used_up(ctx);
    }
    return OK;
}

enum err spending_settle(struct ctx *ctx, const struct spender *who, uint64_t day, const struct spent *spent)
{
    struct limit limits[SCOPES];

    set_limits(ctx, who, limits);
    for (unsigned scope = 0; scope < SCOPES; scope++) {
        const struct q_spending_settle_in in = {
            scope, limits[scope].subject_id, day, spent->reserved, spent->used, spent->cost};
        TRY(q_spending_settle(ctx, &in, NULL));
    }
    return OK;
}
