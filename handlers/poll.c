/*
 * poll: news, by long-polling and as a stream of server-sent events.
 *
 * Surprising: the handler's function never waits and never reads. Every poll is
 * parked at once; if the process already knows that nothing is above its cursor,
 * that is all. Otherwise the waiting room's readers register it and read its box.
 * The cursor is the acknowledgement: what was answered and got lost comes again.
 * A stream is a poll that comes back by itself, until its time or its token is over.
 */
#include <stdlib.h>

#include "base/clock.h"
#include "model/house.h"
#include "web/room.h"
#include "web/web.h"

enum {
    CURSOR_MAX = 128,
    TIMEOUT_MAX_S = 280,
    TIMEOUT_S = 25,
    LOOK_MS = 10 * 1000, /* timeout 0: the answer comes at once, or never */
};

static struct room *room;

struct poll_in {
    struct str cursor;
    int64_t timeout;
    unsigned char has_timeout;
    struct list replies; /* of struct str */
};

/* Named again for each. */
#define REPLY_FIELD(in)                                                                                      \
    {                                                                                                        \
        .name = "reply", .type = FIELD_STRS, .flags = F_QUERY, .at = offsetof(struct in, replies), .min = 1, \
        .max = REPLY_ASKS_MAX                                                                                \
    }

static const struct field poll_in_fields[] = {
    {.name = "cursor",
     .type = FIELD_STR,
     .flags = F_QUERY,
     .at = offsetof(struct poll_in, cursor),
     .min = 1,
     .max = CURSOR_MAX},
    {.name = "timeout",
     .type = FIELD_INT,
     .flags = F_QUERY,
     .at = offsetof(struct poll_in, timeout),
     .has_at = offsetof(struct poll_in, has_timeout),
     .min = 0,
     .max = TIMEOUT_MAX_S},
    REPLY_FIELD(poll_in),
};
static const struct shape poll_in = SHAPE("PollQuery", struct poll_in, poll_in_fields);

struct stream_in {
    struct str cursor;
    struct list replies;
};

static const struct field stream_in_fields[] = {
    {.name = "cursor",
     .type = FIELD_STR,
     .flags = F_QUERY,
     .at = offsetof(struct stream_in, cursor),
     .min = 1,
     .max = CURSOR_MAX},
    REPLY_FIELD(stream_in),
};
static const struct shape stream_in = SHAPE("StreamQuery", struct stream_in, stream_in_fields);

/* Shortened by a random tenth, so that polls that began together don't end together. */
static int64_t shortened(int64_t ms)
{
    return ms - random() % (ms / 10 + 1);
}

static int64_t wait_ms(const struct poll_in *in, const struct conf *conf)
{
    const int64_t asked_s = in->has_timeout == HAS_VALUE ? in->timeout : TIMEOUT_S;

    return shortened(1000 * (asked_s < conf->poll_max_s ? asked_s : conf->poll_max_s));
}

/* Nobody is told anything on a token that is over. */
static int64_t stream_ms(const struct actor *who, const struct conf *conf)
{
    const int64_t ms = shortened(1000 * (int64_t)conf->stream_max_s);
    const int64_t left_ms = who->expires_ms - clock_wall_ms();

    return left_ms < ms ? left_ms : ms;
}

static void on_parked(void *session, ticket t, enum park_event what)
{
    room_parked(room, (uint64_t)(uintptr_t)session, t, what);
}

/* It is read already, and answered by the reader. */
static void on_look(void *nobody, ticket t, enum park_event what)
{
    (void)nobody;
    if (what == PARK_DUE)
        park_fail(t, ERR_UNAVAILABLE, NULL);
}

static struct room_guest guest_of(const struct actor *who, struct str cursor, int64_t wait)
{
    return (struct room_guest){
        .app_id = who->app_id,
        .user_id = who->user_id,
        .session_id = who->session_id,
        .cursor = cursor_parse(cursor),
        .due_mono_ms = clock_mono_ms() + wait,
    };
}

static enum err set_asks(struct req *r, const struct list *replies, struct room_guest *guest)
{
    const struct str *texts = replies->items;

    for (size_t i = 0; i < replies->n; i++)
        if (!reply_ask_parse(texts[i], &guest->asks[guest->n_asks++]))
            return fail_field(r->ctx, "reply",
                              "must be the id of a reply, a colon, and a number of characters");
    return OK;
}

static enum err poll_news(struct req *r)
{
    const struct poll_in *in = r->in;
    const int64_t wait = wait_ms(in, house_conf(r->ctx->house));
    struct room_guest guest = guest_of(&r->ctx->actor, in->cursor, wait ? wait : LOOK_MS);
    void *session = (void *)(uintptr_t)guest.session_id;

    TRY(set_asks(r, &in->replies, &guest));
    const enum err err = req_park(r, guest.due_mono_ms, wait ? on_parked : on_look, session, &guest.ticket);

    if (err != LATER)
        return err;
    if (wait)
        room_enter(room, &guest);
    else
        room_look(room, &guest);
    return LATER;
}

static enum err stream_news(struct req *r)
{
    const struct stream_in *in = r->in;
    const struct actor *who = &r->ctx->actor;
    struct room_guest guest = guest_of(who, in->cursor, stream_ms(who, house_conf(r->ctx->house)));

    guest.stream = true;
    TRY(set_asks(r, &in->replies, &guest));
    const enum err err =
        req_park(r, guest.due_mono_ms, on_parked, (void *)(uintptr_t)guest.session_id, &guest.ticket);
    if (err == LATER)
        room_enter(room, &guest);
    return err;
}

static const struct route routes[] = {
    {GET, "/poll", "poll", poll_news, &poll_in, NULL, 200, ROUTE_INLINE | ROUTE_LATER},
    {GET, "/stream", "stream", stream_news, &stream_in, NULL, 200, ROUTE_INLINE | ROUTE_LATER | ROUTE_STREAM},
};

static enum err open_room(struct house *house, const struct conf *conf)
{
    room = room_new(house, conf);
    return OK;
}

static void close_room(void)
{
    room_free(room);
}

const struct service service = {SERVICE("poll", routes), .open = open_room, .close = close_room};
