/*
 * ai: assistants, their replies, and what they cost.
 *
 * Surprising: nothing here asks a model. A message to an assistant leaves a job in its
 * own transaction (model/asked.h); the process's answerer, a thread of its own, takes
 * the jobs of all and writes the answers (model/answerer.h). Without a provider in the
 * configuration every route answers ai_off.
 */
#include "base/log.h"
#include "model/answerer.h"
#include "model/assistants.h"
#include "model/page.h"
#include "model/replies.h"
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
    TRY(check_on(r));
    return ai_usage_load(r->ctx, r->out);
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

/* ---- the service ---- */

#define REPLY "/conversations/{id}/ai/replies/{reply_id}"
static const struct route routes[] = {
    {GET, "/ai/assistants", "listAssistants", assistants_get, &page_in_shape, &assistants_out, 200, 0},
    {GET, "/ai/usage", "getAiUsage", usage_get, NULL, &ai_usage_shape, 200, 0},
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
