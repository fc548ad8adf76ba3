/* Helps: asked for, found again, shown. */
#include "model/helps.h"

#include "base/clock.h"
#include "model/conversations.h"
#include "model/spending.h"

/* ---- wire form ---- */

static const char *const kinds[] = {"summary", "translation", "suggestions", NULL};

static const struct field point_fields[] = {
    {.name = "text", .type = FIELD_STR, .at = offsetof(struct help_point, text)},
    {.name = "seqs", .type = FIELD_INTS, .at = offsetof(struct help_point, seqs)},
};
static const struct shape point_shape = SHAPE("AiPoint", struct help_point, point_fields);

#define AT(member) .at = offsetof(struct help, member)
static const struct field help_fields[] = {
    {.name = "id", .type = FIELD_ID, AT(id)},
    {.name = "kind", .type = FIELD_ENUM, AT(kind), .names = kinds},
    {.name = "conversation_id", .type = FIELD_ID, AT(conversation_id)},
    {.name = "from_seq", .type = FIELD_INT, AT(from_seq)},
    {.name = "to_seq", .type = FIELD_INT, AT(to_seq)},
    {.name = "target_language", .type = FIELD_STR, .flags = F_NULLABLE, AT(language)},
    {.name = "state", .type = FIELD_ENUM, AT(state), .names = reply_states},
    {.name = "reason", .type = FIELD_STR, .flags = F_NULLABLE, AT(reason)},
    {.name = "text", .type = FIELD_STR, .flags = F_NULLABLE, AT(text)},
    {.name = "points", .type = FIELD_LIST, AT(points), .shape = &point_shape},
    {.name = "suggestions", .type = FIELD_STRS, AT(suggestions)},
    {.name = "input_tokens", .type = FIELD_INT, AT(input_tokens)},
    {.name = "output_tokens", .type = FIELD_INT, AT(output_tokens)},
    {.name = "cost_micros", .type = FIELD_INT, AT(cost)},
    {.name = "created_at", .type = FIELD_TIME, AT(created_at)},
    {.name = "finished_at", .type = FIELD_TIME, .flags = F_NULLABLE, AT(finished_at)},
};
#undef AT
const struct shape help_shape = SHAPE("AiHelp", struct help, help_fields);

static void show(struct ctx *ctx, const struct help_row *row, uint64_t first_seq, struct help *out)
{
    const bool is_done = row->state == REPLY_DONE;

    *out = (struct help){.id = row->id,
                         .conversation_id = row->conversation_id,
                         .kind = (int)row->kind - HELP_SUMMARY,
                         .state = (int)row->state,
                         .from_seq = (int64_t)first_seq,
                         .to_seq = (int64_t)row->ask_seq,
                         .language = row->language.n ? row->language : STR_NONE,
                         .reason = row->reason.n ? row->reason : STR_NONE,
                         .input_tokens = (int64_t)row->input_tokens,
                         .output_tokens = (int64_t)row->output_tokens,
                         .cost = (int64_t)row->cost,
                         .created_at = row->created_at,
                         .finished_at = row->finished_at};
    if (is_done && row->kind == HELP_TRANSLATION)
        out->text = row->result;
    if (is_done && row->kind == HELP_SUMMARY)
        out->points = help_points(ctx->arena, row->result, first_seq - 1, row->ask_seq);
    if (is_done && row->kind == HELP_SUGGESTIONS)
        out->suggestions = help_suggestions(ctx->arena, row->result);
}

/* ---- asking ---- */

static struct help_about about_of(const struct help_row *row)
{
    return (struct help_about){(int)row->kind, row->conversation_id, row->after_seq, row->ask_seq,
                               row->language};
}

static struct str digest_of(const struct help_words *words)
{
    return (struct str){(const char *)words->digest, sizeof words->digest};
}

static enum err insert(struct ctx *ctx, const struct help_about *about, struct str digest, uint64_t *id)
{
    TRY(ctx_id(ctx, id));
    const struct q_help_insert_in help = {*id, ctx->actor.user_id, digest, about->after_seq, about->language};
    const enum err err = q_help_insert(ctx, &help, NULL);
    if (err == ERR_DUPLICATE)
        return ERR_RETRY; /* he has just asked the same by another way */
    TRY(err);
    const struct q_help_job_insert_in job = {.id = *id,
                                             .app_id = ctx->actor.app_id,
                                             .conversation_id = about->conversation_id,
                                             .asker_id = ctx->actor.user_id,
                                             .ask_seq = about->to_seq,
                                             .kind = (uint64_t)about->kind,
                                             .created_at = clock_wall_ms()};
    return q_help_job_insert(ctx, &job, NULL);
}

enum err help_ask(struct ctx *ctx, const struct help_about *wanted, const struct provider *provider,
                  struct help *out)
{
    struct conversation_access access = {0};
    struct help_about about = *wanted;
    struct help_words words;
    struct help_row row;

    TRY(conversation_for_reader(ctx, about.conversation_id, &access));
    if (!about.to_seq)
        about.to_seq = conversation_visible_to(&access);
    TRY(help_words(ctx, &about, provider, &words));
    const struct str digest = digest_of(&words);
    enum err err = q_help_same(ctx, ctx->actor.user_id, digest, &row);
    if (err == OK && row.state > REPLY_DONE) {
        TRY(q_help_delete(ctx, ctx->actor.user_id, digest, NULL));
        err = ERR_NOT_FOUND;
    }
    if (err == ERR_NOT_FOUND) {
        uint64_t id;
        err = spending_check(ctx, ctx->actor.user_id);
        if (err != OK && err != ERR_RATE_LIMITED) /* it waits for its turn */
            return err;
        TRY(insert(ctx, &about, digest, &id));
        err = q_help_get(ctx, id, &row);
    }
    TRY(err);
    show(ctx, &row, words.first_seq, out);
    return OK;
}

enum err help_load(struct ctx *ctx, uint64_t id, const struct provider *provider, struct help *out)
{
    struct help_words words;
    struct help_row row;

    const enum err err = q_help_get(ctx, id, &row);
    if (err == ERR_NOT_FOUND || (err == OK && row.asker_id != ctx->actor.user_id))
        return fail(ctx, ERR_NOT_FOUND, "no such help");
    TRY(err);
    const struct help_about about = about_of(&row);
    TRY(help_words(ctx, &about, provider, &words));
    if (!str_eq(row.digest, digest_of(&words)))
        return fail(ctx, ERR_NOT_FOUND, "what it was made of has changed");
    show(ctx, &row, words.first_seq, out);
    return OK;
}

/* ---- writing ---- */

enum err help_prompt(struct ctx *ctx, const struct ai_reply_row *job, const struct provider *provider,
                     struct prompt *out)
{
    struct help_words words;
    struct help_row row;

    TRY(q_help_get(ctx, job->id, &row));
    const struct help_about about = about_of(&row);
    TRY(help_words(ctx, &about, provider, &words));
    *out = words.prompt;
    return OK;
}
