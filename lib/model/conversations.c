/* Conversations: the locked row, who may, and how a member sees them. */
#include "model/conversations.h"

#include "base/clock.h"
#include "model/assistants.h"
#include "model/own.h"
#include "model/reads.h"
#include "model/roster.h"

/* ---- wire form ---- */

static const char *const kinds[] = {"direct", "group", "notice", NULL};

#define AT(member) .at = offsetof(struct conversation, member)
#define MAYBE(member) AT(member), .has_at = offsetof(struct conversation, has_##member)
static const struct field conversation_fields[] = {
    {.name = "id", .type = FIELD_ID, AT(id)},
    {.name = "kind", .type = FIELD_ENUM, AT(kind), .names = kinds},
    {.name = "peer", .type = FIELD_OBJECT, .flags = F_NULLABLE, MAYBE(peer), .shape = &user_shape},
    {.name = "group", .type = FIELD_OBJECT, .flags = F_NULLABLE, MAYBE(group), .shape = &group_shape},
    {.name = "last_entry",
     .type = FIELD_OBJECT,
     .flags = F_NULLABLE,
     MAYBE(last_entry),
     .shape = &entry_shape},
    {.name = "last_seq", .type = FIELD_INT, AT(last_seq)},
    {.name = "first_seq", .type = FIELD_INT, AT(first_seq)},
    {.name = "read_seq", .type = FIELD_INT, AT(read_seq)},
    {.name = "peer_read_seq", .type = FIELD_INT, .flags = F_NULLABLE, MAYBE(peer_read_seq)},
    {.name = "unread", .type = FIELD_INT, AT(unread)},
    {.name = "mentioned", .type = FIELD_BOOL, AT(mentioned)},
    {.name = "pinned", .type = FIELD_BOOL, AT(pinned)},
    {.name = "notify", .type = FIELD_ENUM, AT(notify), .names = notify_names},
    {.name = "draft", .type = FIELD_STR, .flags = F_NULLABLE, AT(draft)},
    {.name = "remark", .type = FIELD_STR, .flags = F_NULLABLE, AT(remark)},
    {.name = "marked_unread", .type = FIELD_BOOL, AT(marked_unread)},
    {.name = "version", .type = FIELD_INT, AT(version)},
};
#undef AT
#undef MAYBE
const struct shape conversation_shape = SHAPE("Conversation", struct conversation, conversation_fields);

/* ---- locked ---- */

enum err conversation_pair_lock(struct ctx *ctx, uint64_t a, uint64_t b, struct conversation_row *out)
{
    const uint64_t low = a < b ? a : b, high = a < b ? b : a;
    const enum err found = q_conversation_by_pair(ctx, low, high, out);
    uint64_t id;

    if (found != ERR_NOT_FOUND)
        return found;
    TRY(ctx_id(ctx, &id));
    const struct q_conversation_insert_in row = {.id = id,
                                                 .app_id = ctx->actor.app_id,
                                                 .kind = CONVERSATION_DIRECT,
                                                 .low_id = low,
                                                 .high_id = high,
                                                 .at = clock_wall_ms()};
    TRY(q_conversation_insert(ctx, &row, NULL));
    return q_conversation_by_pair(ctx, low, high, out);
}

enum err conversation_lock(struct ctx *ctx, uint64_t id, struct conversation_row *out)
{
    const enum err err = q_conversation_by_id(ctx, ctx->actor.app_id, id, out);
    return err == ERR_NOT_FOUND ? fail(ctx, err, "no such conversation") : err;
}

enum err conversation_open_pair(struct ctx *ctx, struct conversation_row *conv)
{
    const int64_t now = clock_wall_ms();

    if (conv->flags & PAIR_OPEN)
        return OK;
    TRY(q_member_insert(ctx, conv->id, conv->low_id, 1, now, NULL));
    if (conv->high_id != conv->low_id)
        TRY(q_member_insert(ctx, conv->id, conv->high_id, 1, now, NULL));
    TRY(q_conversation_members_changed(ctx, conv->id, conv->flags | PAIR_OPEN, NULL));
    conv->flags |= PAIR_OPEN;
    conv->version++;
    conv->members_version++;
    return OK;
}

enum err conversation_set_flags(struct ctx *ctx, struct conversation_row *conv, unsigned flags)
{
    const uint64_t wanted = (flags & ~(unsigned)PAIR_OPEN) | (conv->flags & PAIR_OPEN);

    if (wanted == conv->flags)
        return OK;
    TRY(q_conversation_set_flags(ctx, conv->id, wanted, NULL));
    conv->flags = wanted;
    conv->version++;
    return OK;
}

void conversation_tell(struct ctx *ctx, const struct conversation_row *conv, uint64_t user_id)
{
    event_add(&ctx->events, ctx->arena,
              (struct event){
                  .kind = EVENT_CONVERSATION, .to_id = user_id, .id = conv->id, .version = conv->version});
}

uint64_t conversation_peer_id(const struct conversation_row *conv, uint64_t user_id)
{
    return conv->low_id == user_id ? conv->high_id : conv->low_id;
}

unsigned conversation_block_flag(const struct conversation_row *conv, uint64_t user_id)
{
    return conv->low_id == user_id ? PAIR_LOW_BLOCKS : PAIR_HIGH_BLOCKS;
}

/* ---- who may ---- */

enum err conversation_for_reader(struct ctx *ctx, uint64_t id, struct conversation_access *out)
{
    const enum err err = q_conversation_access_get(ctx, ctx->actor.app_id, id, ctx->actor.user_id, out);
    return err == ERR_NOT_FOUND ? fail(ctx, err, "no such conversation") : err;
}

enum err conversations_for_reader(struct ctx *ctx, uint64_t above, size_t max,
                                  struct conversation_access **out, size_t *n)
{
    return q_conversation_access_above(ctx, ctx->actor.app_id, ctx->actor.user_id, above, max, out, n);
}

uint64_t conversation_visible_to(const struct conversation_access *access)
{
    return access->left_seq && access->left_seq < access->last_seq ? access->left_seq : access->last_seq;
}

enum err conversation_for_writer(struct ctx *ctx, uint64_t id, struct conversation_access *out)
{
    TRY(conversation_for_reader(ctx, id, out));
    const struct place place = {out->kind, out->low_id, out->high_id, out->flags};
    const struct roster_member me = {ctx->actor.user_id, out->visible_from_seq, out->role, out->muted_until,
                                     false};
    return conversation_may_send(&place, ctx->actor.user_id, &me, clock_wall_ms());
}

enum err conversation_act(struct ctx *ctx, uint64_t id, struct acting *out)
{
    TRY(conversation_lock(ctx, id, &out->conv));
    const enum err err = q_member_get(ctx, id, ctx->actor.user_id, &out->me);
    if (err == ERR_NOT_FOUND || (err == OK && out->conv.kind == CONVERSATION_GROUP && out->me.left_seq))
        return fail(ctx, ERR_NOT_FOUND, "no such conversation");
    return err;
}

enum err conversation_act_may_send(struct ctx *ctx, const struct acting *a)
{
    const struct place place = {a->conv.kind, a->conv.low_id, a->conv.high_id, a->conv.flags};
    const struct roster_member me = {ctx->actor.user_id, a->me.visible_from_seq, a->me.role,
                                     a->me.muted_until, false};
    return conversation_may_send(&place, ctx->actor.user_id, &me, clock_wall_ms());
}

bool conversation_act_sees(const struct acting *a, uint64_t seq)
{
    return seq >= a->me.visible_from_seq && seq <= a->conv.last_seq &&
           (!a->me.left_seq || seq <= a->me.left_seq);
}

enum err entry_for_reader(struct ctx *ctx, const struct entry_ref *ref, struct entry *out)
{
    struct conversation_access access;

    TRY(conversation_for_reader(ctx, ref->conversation_id, &access));
    if (ref->seq < access.visible_from_seq || ref->seq > conversation_visible_to(&access))
        return fail(ctx, ERR_NOT_FOUND, "no such entry");
    TRY(entries_load(ctx, ref, 1, out));
    if (!out->seq || out->hidden || entry_is_operation(out->type))
        return fail(ctx, ERR_NOT_FOUND, "no such entry");
    return OK;
}

/* ---- for people ---- */

/* Whether somebody who is no friend may begin: the other one's setting, or that of a group of both. */
static enum err lets_strangers(struct ctx *ctx, uint64_t user_id, bool *out)
{
    struct lets_row other;
    struct shared_row shared;

    TRY(q_user_lets_strangers(ctx, user_id, &other));
    *out = other.strangers_may_write;
    if (*out)
        return OK;
    TRY(q_groups_shared_open(ctx, ctx->actor.user_id, user_id, &shared));
    *out = shared.n > 0;
    return OK;
}

/* Lets two who are no friends write, if that is allowed. A conversation that exists says so to both. */
static enum err admit_stranger(struct ctx *ctx, struct conversation_row *conv, uint64_t user_id)
{
    const unsigned barred = PAIR_FRIENDS | PAIR_STRANGERS | PAIR_LOW_BLOCKS | PAIR_HIGH_BLOCKS;
    bool lets;

    if ((conv->flags & barred) || conv->low_id == conv->high_id)
        return OK;
    TRY(lets_strangers(ctx, user_id, &lets));
    if (!lets)
        return OK;
    TRY(conversation_set_flags(ctx, conv, (unsigned)conv->flags | PAIR_STRANGERS));
    if (conv->flags & PAIR_OPEN) {
        conversation_tell(ctx, conv, conv->low_id);
        conversation_tell(ctx, conv, conv->high_id);
    }
    return OK;
}

/* With an assistant that he may use anybody begins, as no friend either. */
static enum err admit_to_assistant(struct ctx *ctx, struct conversation_row *conv, uint64_t id)
{
    struct assistant_row assistant;

    if (conv->flags & PAIR_ASSISTANT)
        return OK;
    TRY(assistant_for(ctx, id, &assistant));
    return conversation_set_flags(ctx, conv, (unsigned)conv->flags | PAIR_ASSISTANT);
}

enum err conversation_open(struct ctx *ctx, uint64_t user_id, uint64_t *id, bool *made)
{
    const uint64_t me = ctx->actor.user_id;
    struct conversation_row conv;
    struct account_row account;
    struct user peer;

    TRY(user_load(ctx, user_id, &peer));
    TRY(conversation_pair_lock(ctx, me, user_id, &conv));
    *id = conv.id;
    *made = !(conv.flags & PAIR_OPEN);
    TRY(q_user_lock(ctx, ctx->actor.app_id, user_id, &account));
    if (account.state == STATE_DELETED && *made) /* with who is gone nothing begins, no notebook either */
        return fail(ctx, ERR_NOT_FOUND, "no such person");
    if (account.state != STATE_DELETED)
        TRY(account.kind == KIND_ASSISTANT ? admit_to_assistant(ctx, &conv, user_id)
                                           : admit_stranger(ctx, &conv, user_id));
    if (!*made)
        return OK;
    const struct place place = {conv.kind, conv.low_id, conv.high_id, conv.flags | PAIR_OPEN};
    const enum err err = conversation_may_send(&place, me, NULL, 0);
    if (err != OK)
        return fail(ctx, err, "only friends can begin a conversation");
    TRY(conversation_open_pair(ctx, &conv));
    conversation_tell(ctx, &conv, me);
    if (user_id != me)
        conversation_tell(ctx, &conv, user_id);
    return OK;
}

/* What the reader may read of it. */
static struct conversation_access view_access(const struct conversation_view_row *v)
{
    return (struct conversation_access){.id = v->id,
                                        .last_seq = v->last_seq,
                                        .read_seq = v->read_seq,
                                        .visible_from_seq = v->visible_from_seq,
                                        .left_seq = v->left_seq};
}

static void view_fill(const struct conversation_view_row *v, const struct conversation_access *access,
                      struct conversation *out)
{
    const bool is_direct = v->kind == CONVERSATION_DIRECT;

    *out = (struct conversation){
        .id = v->id,
        .kind = (int)v->kind,
        .has_peer = is_direct ? HAS_VALUE : HAS_NULL,
        .has_last_entry = HAS_NULL,
        .has_group = v->kind == CONVERSATION_GROUP ? HAS_VALUE : HAS_NULL,
        .last_seq = (int64_t)conversation_visible_to(access),
        .first_seq = (int64_t)v->visible_from_seq,
        .read_seq = (int64_t)v->read_seq,
        .peer_read_seq = (int64_t)v->peer_read_seq,
        .has_peer_read_seq = is_direct ? HAS_VALUE : HAS_NULL,
        .pinned = v->pinned,
        .notify = (int)v->notify,
        .remark = v->remark.n ? v->remark : STR_NONE,
        .draft = v->draft,
        .marked_unread = v->marked_unread,
        .version = (int64_t)v->version,
        .last_at = v->last_at,
    };
}

/*
 * Peers, groups, last entries and unread counts: one question for each of these, however many conversations.
 * A group that he is put out of between two of them is not there any more: its id is 0.
 */
static enum err views_load(struct ctx *ctx, const struct conversation_view_row *views, size_t n,
                           struct conversation *out)
{
    const uint64_t me = ctx->actor.user_id;
    uint64_t *ids = arena_array(ctx->arena, n, sizeof *ids),
             *peer_ids = arena_array(ctx->arena, n, sizeof *ids);
    struct entry_ref *refs = arena_array(ctx->arena, n, sizeof *refs);
    struct conversation_access *access = arena_array(ctx->arena, n, sizeof *access);
    struct user *peers = arena_array(ctx->arena, n, sizeof *peers);
    struct group *groups = arena_array(ctx->arena, n, sizeof *groups);
    struct entry *entries = arena_array(ctx->arena, n, sizeof *entries);
    struct unread *unread = arena_array(ctx->arena, n, sizeof *unread);

    for (size_t i = 0; i < n; i++) {
        ids[i] = views[i].id;
        peer_ids[i] = views[i].low_id == me ? views[i].high_id : views[i].low_id;
        refs[i] = (struct entry_ref){views[i].id, views[i].shown_seq};
        access[i] = view_access(&views[i]);
    }
    TRY(users_load(ctx, peer_ids, n, peers));
    TRY(groups_load(ctx, ids, n, groups));
    TRY(entries_load(ctx, refs, n, entries));
    TRY(unread_load(ctx, access, n, unread));
    memset(out, 0, n * sizeof *out);
    for (size_t i = 0; i < n; i++) {
        if (views[i].kind == CONVERSATION_GROUP && !groups[i].id)
            continue;
        view_fill(&views[i], &access[i], &out[i]);
        out[i].peer = peers[i];
        out[i].group = groups[i];
        out[i].unread = unread[i].n;
        out[i].mentioned = unread[i].mentioned;
        if (entries[i].seq && !entries[i].hidden) {
            out[i].last_entry = entries[i];
            out[i].has_last_entry = HAS_VALUE;
        }
    }
    return OK;
}

enum err conversations_load(struct ctx *ctx, const uint64_t *ids, size_t n, struct conversation *out)
{
    struct conversation_view_row *views;
    size_t n_views;

    memset(out, 0, n * sizeof *out);
    TRY(q_conversation_views(ctx, ctx->actor.app_id, ctx->actor.user_id, ids, n, &views, &n_views));
    struct conversation *found = arena_array(ctx->arena, n_views, sizeof *found);
    TRY(views_load(ctx, views, n_views, found));
    for (size_t i = 0; i < n; i++)
        for (size_t j = 0; j < n_views && !out[i].id; j++)
            if (found[j].id == ids[i])
                out[i] = found[j];
    return OK;
}

enum err conversation_load(struct ctx *ctx, uint64_t id, struct conversation *out)
{
    struct conversation found;

    TRY(conversations_load(ctx, &id, 1, &found));
    if (!found.id)
        return fail(ctx, ERR_NOT_FOUND, "no such conversation");
    *out = found;
    return OK;
}

/* ---- the list ---- */

enum err conversations_page(struct ctx *ctx, struct page_mark before, size_t limit,
                            struct conversation **items, size_t *n, struct str *next_cursor)
{
    const struct q_conversation_views_page_in page = {
        .app_id = ctx->actor.app_id,
        .user_id = ctx->actor.user_id,
        .before_at = before.at,
        .before_id = before.id,
        .max = limit + 1,
    };
    struct conversation_view_row *views;
    size_t found;

    TRY(q_conversation_views_page(ctx, &page, &views, &found));
    const size_t n_views = found > limit ? limit : found;
    *items = arena_array(ctx->arena, n_views, sizeof **items);
    *next_cursor = STR_NONE;
    if (found > limit)
        *next_cursor =
            page_cursor(ctx->arena, (struct page_mark){views[limit - 1].last_at, views[limit - 1].id});
    TRY(views_load(ctx, views, n_views, *items));
    *n = 0;
    for (size_t i = 0; i < n_views; i++)
        if ((*items)[i].id)
            (*items)[(*n)++] = (*items)[i];
    return OK;
}
