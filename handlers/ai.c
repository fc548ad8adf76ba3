/*
 * ai: assistants, their replies, helps for one person alone, and what it all costs.
 *
 * Surprising: nothing here asks a model. A message to an assistant leaves a job in its
 * own transaction (model/asked.h), a help another; the process's answerer, a thread of its own, takes
 * the jobs of all and writes the answers (model/answerer.h). Without a provider in the
 * configuration every route answers ai_off.
 */
#include <ctype.h>

#include "base/log.h"
#include "model/answerer.h"
#include "model/assistants.h"
#include "model/helps.h"
#include "model/page.h"
#include "model/replies.h"
#include "model/spending.h"
#include "model/users.h"
#include "web/web.h"

enum { OFFSET_MAX = 100000 };

static struct providers *providers; /* of the process */
static struct answerer *answerer;

/* ---- what comes and goes ---- */

static const struct field users_out_fields[] = {PAGE_OUT_FIELDS(&user_shape)};
static const struct shape assistants_out = SHAPE("AssistantList", struct page_out, users_out_fields);

#define REPLY_PATH                                                                                           \
    {.name = "id",                                                                                           \
     .type = FIELD_ID,                                                                                       \
     .flags = F_PATH | F_REQUIRED,                                                                           \
     .at = offsetof(struct reply_ref, conversation_id)},                                                     \
    {                                                                                                        \
        .name = "reply_id", .type = FIELD_ID, .flags = F_PATH | F_REQUIRED,                                  \
        .at = offsetof(struct reply_ref, reply_id)                                                           \
    }
static const struct field reply_get_fields[] = {
    REPLY_PATH,
    {.name = "offset",
     .type = FIELD_INT,
     .flags = F_QUERY,
     .at = offsetof(struct reply_ref, offset),
     .min = 0,
     .max = OFFSET_MAX},
};
static const struct shape reply_get_in = SHAPE("ReplyQuery", struct reply_ref, reply_get_fields);
static const struct field reply_path_fields[] = {REPLY_PATH};
static const struct shape reply_path_in = SHAPE("ReplyPath", struct reply_ref, reply_path_fields);

struct help_in {
    uint64_t conversation_id;
    int64_t after_seq, seq;
    struct str language;
};
#define HELP_IN(member) .at = offsetof(struct help_in, member)
#define HELP_CONVERSATION                                                                                    \
    {                                                                                                        \
        .name = "conversation_id", .type = FIELD_ID, .flags = F_REQUIRED, HELP_IN(conversation_id)           \
    }
#define HELP_LANGUAGE(more)                                                                                  \
    {                                                                                                        \
        .name = "target_language", .type = FIELD_STR, .flags = (more), HELP_IN(language), .min = 2,          \
        .max = HELP_LANGUAGE_MAX                                                                             \
    }
static const struct field summary_fields[] = {
    HELP_CONVERSATION,
    {.name = "after_seq", .type = FIELD_INT, .flags = F_REQUIRED, HELP_IN(after_seq), .min = 0, .max = -1},
    HELP_LANGUAGE(0),
};
static const struct shape summary_in = SHAPE("AiSummaryIn", struct help_in, summary_fields);
static const struct field translate_fields[] = {
    HELP_CONVERSATION,
    {.name = "seq", .type = FIELD_INT, .flags = F_REQUIRED, HELP_IN(seq), .min = 1, .max = 0},
    HELP_LANGUAGE(F_REQUIRED),
};
static const struct shape translate_in = SHAPE("AiTranslateIn", struct help_in, translate_fields);
static const struct field suggestions_fields[] = {HELP_CONVERSATION};
static const struct shape suggestions_in = SHAPE("AiSuggestionsIn", struct help_in, suggestions_fields);

struct help_path {
    uint64_t help_id;
};
static const struct field help_path_fields[] = {
    {.name = "help_id",
     .type = FIELD_ID,
     .flags = F_PATH | F_REQUIRED,
     .at = offsetof(struct help_path, help_id)},
};
static const struct shape help_path_in = SHAPE("HelpPath", struct help_path, help_path_fields);

/* ---- functions ---- */

static enum err check_on(struct req *r)
{
    return providers_count(providers) ? OK : fail(r->ctx, ERR_AI_OFF, "no provider is configured");
}

static enum err assistants_get(struct req *r)
{
    const struct page_in *in = r->in;
    struct page_out *out = r->out;

    TRY(check_on(r));
    return assistants_list(r->ctx, in->cursor, page_limit(in), &out->items, &out->next_cursor);
}

static enum err usage_get(struct req *r)
{
    struct ai_usage *out = r->out;

    TRY(check_on(r));
    TRY(ai_usage_load(r->ctx, out));
    out->currency = providers_currency(providers);
    return OK;
}

static enum err reply_get(struct req *r)
{
    TRY(check_on(r));
    return reply_load(r->ctx, r->in, r->out);
}

static enum err reply_cancel_post(struct req *r)
{
    TRY(check_on(r));
    return reply_cancel(r->ctx, r->in, r->out);
}

static enum err reply_regenerate_post(struct req *r)
{
    TRY(check_on(r));
    return reply_regenerate(r->ctx, r->in, r->out);
}

/* A tag like zh-CN: it stands in what the model is told. */
static enum err check_language(struct req *r, struct str language)
{
    for (size_t i = 0; i < language.n; i++)
        if (!isalnum((unsigned char)language.p[i]) && language.p[i] != '-')
            return fail_field(r->ctx, "target_language", "must be a language tag, as zh-CN");
    return OK;
}

static enum err ask_help(struct req *r, const struct help_about *about)
{
    TRY(check_on(r));
    TRY(check_language(r, about->language));
    return help_ask(r->ctx, about, providers_helper(providers), r->out);
}

static enum err summary_post(struct req *r)
{
    const struct help_in *in = r->in;

    return ask_help(r, &(struct help_about){.kind = HELP_SUMMARY,
                                            .conversation_id = in->conversation_id,
                                            .after_seq = (uint64_t)in->after_seq,
                                            .language = in->language});
}

static enum err translate_post(struct req *r)
{
    const struct help_in *in = r->in;

    return ask_help(r, &(struct help_about){.kind = HELP_TRANSLATION,
                                            .conversation_id = in->conversation_id,
                                            .after_seq = (uint64_t)in->seq - 1,
                                            .to_seq = (uint64_t)in->seq,
                                            .language = in->language});
}

static enum err suggestions_post(struct req *r)
{
    const struct help_in *in = r->in;

    return ask_help(r,
                    &(struct help_about){.kind = HELP_SUGGESTIONS, .conversation_id = in->conversation_id});
}

static enum err help_get(struct req *r)
{
    const struct help_path *in = r->in;

    TRY(check_on(r));
    return help_load(r->ctx, in->help_id, providers_helper(providers), r->out);
}

/* ---- the service ---- */

#define REPLY "/conversations/{id}/ai/replies/{reply_id}"
static const struct route routes[] = {
    {GET, "/ai/assistants", "listAssistants", assistants_get, &page_in_shape, &assistants_out, 200, 0},
    {GET, "/ai/usage", "getAiUsage", usage_get, NULL, &ai_usage_shape, 200, 0},
    {POST, "/ai/summary", "askAiSummary", summary_post, &summary_in, &help_shape, 200, ROUTE_TX},
    {POST, "/ai/translate", "askAiTranslation", translate_post, &translate_in, &help_shape, 200, ROUTE_TX},
    {POST, "/ai/suggestions", "askAiSuggestions", suggestions_post, &suggestions_in, &help_shape, 200,
     ROUTE_TX},
    {GET, "/ai/helps/{help_id}", "getAiHelp", help_get, &help_path_in, &help_shape, 200, 0},
    {GET, REPLY, "getAiReply", reply_get, &reply_get_in, &reply_shape, 200, 0},
    {POST, REPLY "/cancel", "cancelAiReply", reply_cancel_post, &reply_path_in, &reply_shape, 200, ROUTE_TX},
    {POST, REPLY "/regenerate", "regenerateAiReply", reply_regenerate_post, &reply_path_in, &reply_shape, 201,
     ROUTE_IDEMPOTENT},
};

/* The answerer runs without providers too: what asks an assistant of former days is told that there is none.
 */
static enum err open_answerer(struct house *house, const struct conf *conf)
{
    struct problem problem = {0};

    const enum err err = providers_open(conf, &problem, &providers);
    if (err != OK) {
        log_error("the providers cannot be used", log_c("detail", problem.detail));
        return err;
    }
    answerer = answerer_new(house, providers);
    return OK;
}

static void close_answerer(void)
{
    answerer_free(answerer);
    providers_free(providers);
}

const struct service service = {SERVICE("ai", routes), .open = open_answerer, .close = close_answerer};
