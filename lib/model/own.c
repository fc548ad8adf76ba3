/* A member's own side of a conversation. */
#include "model/own.h"

#include "ext/unicode.h"
#include "model/conversations.h"
#include "model/reads.h"

const char *const notify_names[] = {"all", "mentions", "none", NULL};

/* ---- settings ---- */

static struct str said(unsigned char has, struct str text, struct str before)
{
    if (has == HAS_NOT)
        return before;
    return has == HAS_VALUE && text.n ? text : STR("");
}

/* `*changed` if the draft is another one now. */
static enum err set_draft(struct ctx *ctx, uint64_t id, const struct own_change *c, bool *changed)
{
    const uint64_t me = ctx->actor.user_id;
    struct draft_row row = {.draft = STR("")};

    *changed = false;
    if (c->has_draft == HAS_NOT)
        return OK;
    const enum err found = q_draft_get(ctx, id, me, &row);
    if (found != OK && found != ERR_NOT_FOUND)
        return found;
    const struct str draft = said(c->has_draft, c->draft, row.draft);
    *changed = !str_eq(draft, row.draft);
    if (!*changed)
        return OK;
    return draft.n ? q_draft_set(ctx, id, me, draft, NULL) : q_draft_delete(ctx, id, me, NULL);
}

enum err own_update(struct ctx *ctx, uint64_t conversation_id, const struct own_change *c)
{
    struct acting a;
    bool is_other_draft;

    if (c->remark.n && !unicode_is_plain(c->remark, false))
        return fail_field(ctx, "remark", "must be one line without control characters");
    TRY(conversation_act(ctx, conversation_id, &a));
    const struct member_row *m = &a.me;
    const struct q_member_set_own_in in = {
        .conversation_id = conversation_id,
        .user_id = ctx->actor.user_id,
        .pinned = c->has_pinned ? c->pinned : m->pinned,
        .notify = c->has_notify ? (uint64_t)c->notify : m->notify,
        .remark = said(c->has_remark, c->remark, m->remark),
        .marked_unread = c->has_marked_unread ? c->marked_unread : m->marked_unread,
    };
    TRY(set_draft(ctx, conversation_id, c, &is_other_draft));
    if (!is_other_draft && in.pinned == m->pinned && in.notify == m->notify && str_eq(in.remark, m->remark) &&
        in.marked_unread == m->marked_unread)
        return OK;
    TRY(q_member_set_own(ctx, &in, NULL));
    conversation_tell(ctx, &a.conv, ctx->actor.user_id);
    return OK;
}

/* ---- clearing ---- */

enum err own_clear(struct ctx *ctx, uint64_t conversation_id)
{
    const uint64_t me = ctx->actor.user_id;
    struct acting a;

    TRY(conversation_act(ctx, conversation_id, &a));
    const uint64_t last = a.me.left_seq && a.me.left_seq < a.conv.last_seq ? a.me.left_seq : a.conv.last_seq;
    if (a.me.hidden_seq == last && a.me.visible_from_seq > last)
        return OK;
    TRY(q_member_clear(ctx, conversation_id, me, last, NULL));
    if (a.me.read_seq < last)
        TRY(read_mark_moved(ctx, &a.conv, last));
    event_add(&ctx->events, ctx->arena,
              (struct event){.kind = EVENT_CONVERSATION_REMOVED,
                             .to_id = me,
                             .id = conversation_id,
                             .version = a.conv.version + a.me.version + 1});
    return OK;
}
