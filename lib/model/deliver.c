/*
 * Delivery: one function per kind of event. Each takes all events of its kind,
 * loads what they name in one go, and fills in their JSON.
 */
#include "model/deliver.h"

#include "ext/json.h"
#include "model/blocks.h"
#include "model/conversations.h"
#include "model/entries.h"
#include "model/friendrequests.h"
#include "model/friends.h"
#include "model/groups.h"
#include "model/joinrequests.h"
#include "model/reads.h"
#include "model/replytext.h"
#include "model/users.h"

/* The events of one kind, and where their JSON goes. */
struct some {
    const struct event **events;
    struct str **json;
    uint64_t *ids; /* of the objects */
    size_t n;
};

/* ---- JSON ---- */

static struct buf begin(struct arena *arena, const char *type)
{
    struct buf b = buf_in(arena);

    buf_printf(&b, "{\"type\":\"%s\"", type);
    return b;
}

static void put_id(struct buf *b, const char *name, uint64_t id)
{
    buf_printf(b, ",\"%s\":\"%llu\"", name, (unsigned long long)id);
}

static void put_number(struct buf *b, const char *name, uint64_t number)
{
    buf_printf(b, ",\"%s\":%llu", name, (unsigned long long)number);
}

static struct str finish(struct buf *b)
{
    buf_char(b, '}');
    return buf_done(b);
}

/* {"type":…,"name":object} */
static struct str object(struct arena *arena, const char *type, const char *name, const struct shape *shape,
                         const void *in)
{
    struct buf b = begin(arena, type);

    buf_printf(&b, ",\"%s\":", name);
    json_encode(&b, shape, in);
    return finish(&b);
}

struct str deliver_session_revoked(struct arena *arena, uint64_t session_id)
{
    struct buf b = begin(arena, "session.revoked");

    put_id(&b, "session_id", session_id);
    return finish(&b);
}

struct str deliver_presence(struct arena *arena, uint64_t user_id, bool online, int64_t last_seen_at)
{
    struct buf b = begin(arena, "presence");

    put_id(&b, "user_id", user_id);
    buf_printf(&b, ",\"online\":%s", online ? "true" : "false");
    if (last_seen_at)
        put_number(&b, "last_seen_at", (uint64_t)last_seen_at);
    else
        buf_c(&b, ",\"last_seen_at\":null");
    return finish(&b);
}

/* ---- what is said in conversations ---- */

/* The reader's access to the conversations of these events; id 0 where he has none. */
static enum err load_access(struct ctx *ctx, const struct some *s, struct conversation_access *out)
{
    for (size_t i = 0; i < s->n; i++) {
        size_t same = 0;
        while (same < i && s->ids[same] != s->ids[i])
            same++;
        if (same < i) {
            out[i] = out[same];
            continue;
        }
        const enum err err = conversation_for_reader(ctx, s->ids[i], &out[i]);
        if (err == ERR_NOT_FOUND)
            out[i] = (struct conversation_access){0};
        else
            TRY(err);
    }
    return OK;
}

static bool may_see(const struct conversation_access *a, uint64_t seq)
{
    return a->id && seq >= a->visible_from_seq && (!a->left_seq || seq <= a->left_seq);
}

static enum err tell_entries(struct ctx *ctx, const struct some *s)
{
    struct conversation_access *access = arena_array(ctx->arena, s->n, sizeof *access);
    struct entry_ref *refs = arena_array(ctx->arena, s->n, sizeof *refs);
    struct str **json = arena_array(ctx->arena, s->n, sizeof *json);
    size_t n = 0;

    TRY(load_access(ctx, s, access));
    for (size_t i = 0; i < s->n; i++) {
        if (!may_see(&access[i], s->events[i]->seq))
            continue;
        refs[n] = (struct entry_ref){.conversation_id = s->ids[i], .seq = s->events[i]->seq};
        json[n++] = s->json[i];
    }
    if (!n)
        return OK;
    struct entry *entries = arena_array(ctx->arena, n, sizeof *entries);
    TRY(entries_load(ctx, refs, n, entries));
    for (size_t i = 0; i < n; i++) {
        if (!entries[i].seq || entries[i].hidden)
            continue;
        struct buf b = begin(ctx->arena, "entry");
        buf_c(&b, ",\"entry\":");
        entry_encode(&b, &entries[i]);
        *json[i] = finish(&b);
    }
    return OK;
}

static enum err tell_replies(struct ctx *ctx, const struct some *s)
{
    struct conversation_access *access = arena_array(ctx->arena, s->n, sizeof *access);
    uint64_t *ids = arena_array(ctx->arena, s->n, sizeof *ids);
    struct ai_reply_row *rows;
    size_t n;

    for (size_t i = 0; i < s->n; i++)
        ids[i] = s->events[i]->other_id;
    TRY(load_access(ctx, s, access));
    TRY(q_ai_replies_get(ctx, ids, s->n, &rows, &n));
    for (size_t i = 0; i < s->n; i++) {
        const struct ai_reply_row *row = rows;
        while (row < rows + n && row->id != ids[i])
            row++;
        if (row == rows + n || !may_see(&access[i], s->events[i]->seq))
            continue;
        if (s->events[i]->kind == EVENT_AI_BEGUN)
            TRY(reply_begun(ctx, row, s->json[i]));
        else
            *s->json[i] = reply_finished(ctx->arena, row);
    }
    return OK;
}

static enum err tell_conversations(struct ctx *ctx, const struct some *s)
{
    struct conversation *found = arena_array(ctx->arena, s->n, sizeof *found);

    TRY(conversations_load(ctx, s->ids, s->n, found));
    for (size_t i = 0; i < s->n; i++)
        if (found[i].id)
            *s->json[i] = object(ctx->arena, "conversation", "conversation", &conversation_shape, &found[i]);
    return OK;
}

/* The version is the event's, not the newest: the reader's mark and the other's are two events of one object.
 */
static enum err tell_reads(struct ctx *ctx, const struct some *s)
{
    struct conversation_access *access = arena_array(ctx->arena, s->n, sizeof *access);
    struct unread *unread = arena_array(ctx->arena, s->n, sizeof *unread);

    TRY(load_access(ctx, s, access));
    TRY(unread_load(ctx, access, s->n, unread));
    for (size_t i = 0; i < s->n; i++) {
        const struct event *e = s->events[i];
        if (!access[i].id)
            continue;
        struct buf b = begin(ctx->arena, "conversation.read");
        put_id(&b, "conversation_id", e->id);
        put_id(&b, "user_id", e->other_id);
        put_number(&b, "read_seq", e->seq);
        if (e->other_id == ctx->actor.user_id)
            put_number(&b, "unread", (uint64_t)unread[i].n);
        put_number(&b, "version", e->version);
        *s->json[i] = finish(&b);
    }
    return OK;
}

static enum err tell_hidden(struct ctx *ctx, const struct some *s)
{
    for (size_t i = 0; i < s->n; i++) {
        struct buf b = begin(ctx->arena, "entry.hidden");
        put_id(&b, "conversation_id", s->ids[i]);
        put_number(&b, "seq", s->events[i]->seq);
        *s->json[i] = finish(&b);
    }
    return OK;
}

static enum err tell_cleared(struct ctx *ctx, const struct some *s)
{
    for (size_t i = 0; i < s->n; i++) {
        struct buf b = begin(ctx->arena, "conversation.removed");
        put_id(&b, "conversation_id", s->ids[i]);
        put_number(&b, "version", s->events[i]->version);
        *s->json[i] = finish(&b);
    }
    return OK;
}

/* ---- groups ---- */

static enum err tell_groups(struct ctx *ctx, const struct some *s)
{
    struct group *found = arena_array(ctx->arena, s->n, sizeof *found);

    TRY(groups_load(ctx, s->ids, s->n, found));
    for (size_t i = 0; i < s->n; i++)
        if (found[i].id)
            *s->json[i] = object(ctx->arena, "group", "group", &group_shape, &found[i]);
    return OK;
}

/* Said also to who is in it again: its version is lower than what comes after it. */
static enum err tell_groups_left(struct ctx *ctx, const struct some *s)
{
    static const char *const reasons[] = {"left", "removed", "dismissed"};

    for (size_t i = 0; i < s->n; i++) {
        const uint64_t reason = s->events[i]->other_id;
        struct buf b = begin(ctx->arena, "group.left");
        put_id(&b, "conversation_id", s->ids[i]);
        buf_printf(&b, ",\"reason\":\"%s\"", reasons[reason <= GROUP_DISMISSED ? reason : GROUP_LEFT]);
        put_number(&b, "version", s->events[i]->version);
        *s->json[i] = finish(&b);
    }
    return OK;
}

static enum err tell_join_requests(struct ctx *ctx, const struct some *s)
{
    struct join_request *found = arena_array(ctx->arena, s->n, sizeof *found);

    TRY(join_requests_load(ctx, s->ids, s->n, found));
    for (size_t i = 0; i < s->n; i++)
        if (found[i].id)
            *s->json[i] = object(ctx->arena, "join_request", "join_request", &join_request_shape, &found[i]);
    return OK;
}

/* ---- people ---- */

static enum err tell_friends(struct ctx *ctx, const struct some *s)
{
    struct friend *found = arena_array(ctx->arena, s->n, sizeof *found);

    TRY(friends_load(ctx, s->ids, s->n, found));
    for (size_t i = 0; i < s->n; i++)
        if (found[i].user.id)
            *s->json[i] = object(ctx->arena, "friend", "friend", &friend_shape, &found[i]);
    return OK;
}

static enum err tell_friends_removed(struct ctx *ctx, const struct some *s)
{
    for (size_t i = 0; i < s->n; i++) {
        struct buf b = begin(ctx->arena, "friend.removed");
        put_id(&b, "user_id", s->ids[i]);
        put_number(&b, "version", s->events[i]->version);
        *s->json[i] = finish(&b);
    }
    return OK;
}

static enum err tell_friend_requests(struct ctx *ctx, const struct some *s)
{
    struct friend_request *found = arena_array(ctx->arena, s->n, sizeof *found);

    TRY(friend_requests_load(ctx, s->ids, s->n, found));
    for (size_t i = 0; i < s->n; i++)
        if (found[i].id)
            *s->json[i] =
                object(ctx->arena, "friend_request", "friend_request", &friend_request_shape, &found[i]);
    return OK;
}

static enum err tell_blocks(struct ctx *ctx, const struct some *s)
{
    bool *blocked = arena_array(ctx->arena, s->n, sizeof *blocked);

    TRY(blocks_among(ctx, s->ids, s->n, blocked));
    for (size_t i = 0; i < s->n; i++) {
        struct buf b = begin(ctx->arena, "block");
        put_id(&b, "user_id", s->ids[i]);
        buf_printf(&b, ",\"blocked\":%s", blocked[i] ? "true" : "false");
        put_number(&b, "version", s->events[i]->version);
        *s->json[i] = finish(&b);
    }
    return OK;
}

static enum err tell_me(struct ctx *ctx, const struct some *s)
{
    struct me me;

    TRY(me_load(ctx, &me));
    for (size_t i = 0; i < s->n; i++)
        *s->json[i] = object(ctx->arena, "me", "user", &me_shape, &me);
    return OK;
}

static enum err tell_users(struct ctx *ctx, const struct some *s)
{
    struct user *found = arena_array(ctx->arena, s->n, sizeof *found);

    TRY(users_load(ctx, s->ids, s->n, found));
    for (size_t i = 0; i < s->n; i++)
        if (found[i].id)
            *s->json[i] = object(ctx->arena, "user", "user", &user_shape, &found[i]);
    return OK;
}

static enum err tell_revoked(struct ctx *ctx, const struct some *s)
{
    for (size_t i = 0; i < s->n; i++)
        *s->json[i] = deliver_session_revoked(ctx->arena, s->ids[i]);
    return OK;
}

/* ---- all of them ---- */

static enum err (*const tell[])(struct ctx *ctx, const struct some *s) = {
    [EVENT_ENTRY] = tell_entries,
    [EVENT_CONVERSATION] = tell_conversations,
    [EVENT_CONVERSATION_READ] = tell_reads,
    [EVENT_FRIEND] = tell_friends,
    [EVENT_FRIEND_REMOVED] = tell_friends_removed,
    [EVENT_FRIEND_REQUEST] = tell_friend_requests,
    [EVENT_BLOCK] = tell_blocks,
    [EVENT_ME] = tell_me,
    [EVENT_USER] = tell_users,
    [EVENT_SESSION_REVOKED] = tell_revoked,
    [EVENT_ENTRY_HIDDEN] = tell_hidden,
    [EVENT_CONVERSATION_REMOVED] = tell_cleared,
    [EVENT_GROUP] = tell_groups,
    [EVENT_GROUP_LEFT] = tell_groups_left,
    [EVENT_JOIN_REQUEST] = tell_join_requests,
    [EVENT_AI_FINISHED] = tell_replies,
    [EVENT_AI_BEGUN] = tell_replies,
};
enum { KINDS = sizeof tell / sizeof *tell };

/* A later one of the same object says all that this one could, unless it is older: a row that was rung once
 * more. */
static bool is_told_later(const struct event *events, size_t n, size_t i)
{
    for (size_t j = i + 1; j < n; j++)
        if (events[j].kind == events[i].kind && events[j].id == events[i].id &&
            events[j].other_id == events[i].other_id && events[j].version >= events[i].version)
            return events[i].kind != EVENT_ENTRY && events[i].kind != EVENT_ENTRY_HIDDEN;
    return false;
}

enum err deliver(struct ctx *ctx, const struct event *events, size_t n, struct str *json)
{
    for (size_t i = 0; i < n; i++)
        json[i] = STR_NONE;
    for (int kind = EVENT_ENTRY; kind < KINDS; kind++) {
        struct some s = {.n = 0};
        for (size_t i = 0; i < n; i++) {
            if ((int)events[i].kind != kind || is_told_later(events, n, i))
                continue;
            if (!s.n) {
                s.events = arena_array(ctx->arena, n, sizeof *s.events);
                s.json = arena_array(ctx->arena, n, sizeof *s.json);
                s.ids = arena_array(ctx->arena, n, sizeof *s.ids);
            }
            s.events[s.n] = &events[i];
            s.json[s.n] = &json[i];
            s.ids[s.n++] = events[i].id;
        }
        if (s.n)
            TRY(tell[kind](ctx, &s));
    }
    return OK;
}
