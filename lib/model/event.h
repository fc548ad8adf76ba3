/*
 * Durable events: what changed, for whom. References, never content: what an
 * event says is read from the database when it is delivered, with the reader's
 * rights then; but for what the log writer wrote, which goes out with the bell.
 *
 * They are collected in the ctx of a transaction, written as one outbox row in
 * it, and rung after its commit (ringer.h). event.c packs them for the outbox
 * row and the box.
 */
#ifndef MODEL_EVENT_H
#define MODEL_EVENT_H

#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/str.h"

/* Never renumber: the numbers are stored. */
enum event_kind {
    EVENT_ENTRY = 1,             /* id conversation, seq; to: its members who may see seq */
    EVENT_CONVERSATION = 2,      /* id conversation; to: to_id */
    EVENT_CONVERSATION_READ = 3, /* id conversation, other_id reader, seq read_seq; to: to_id */
    EVENT_FRIEND = 4,            /* id the friend; to: to_id */
    EVENT_FRIEND_REMOVED = 5,    /* id who was a friend; to: to_id */
    EVENT_FRIEND_REQUEST = 6,    /* id the request; to: to_id */
    EVENT_BLOCK = 7,             /* id the other; to: to_id */
    EVENT_ME = 8,                /* to: to_id */
    EVENT_USER = 9,              /* id whose profile changed; to: the friends of id, found when it is rung */
    EVENT_SESSION_REVOKED = 10,  /* id the session; to: to_id */
    EVENT_ENTRY_HIDDEN = 11,     /* id conversation, seq; to: to_id */
    EVENT_CONVERSATION_REMOVED = 12, /* id conversation; to: to_id, who cleared it */
    EVENT_GROUP = 13,        /* id the group; to: to_id, or if 0 all who are in it, found when it is rung */
    EVENT_GROUP_LEFT = 14,   /* id the group, other_id enum group_left_reason; to: to_id */
    EVENT_JOIN_REQUEST = 15, /* id the request; to: to_id */
    EVENT_AI_FINISHED =
        16, /* id conversation, other_id the reply, seq its entry; to: its members who may see seq */
    EVENT_AI_BEGUN =
        17, /* id conversation, other_id the reply, seq the entry that asks; to: to_id, who asked */
};

/* Never renumber: the numbers are stored. */
enum group_left_reason { GROUP_LEFT, GROUP_REMOVED, GROUP_DISMISSED };

struct event {
    enum event_kind kind;
    uint64_t to_id;          /* the recipient; 0 where the kind says otherwise */
    uint64_t id;             /* the object */
    uint64_t other_id;       /* 0, or as the kind says */
    uint64_t seq;            /* 0, or as the kind says */
    uint64_t version;        /* of the object */
    uint64_t origin_session; /* the session that caused it: not rung for EVENT_ENTRY; 0: none */
};

/* Grows in an arena. */
struct event_list {
    struct event *items;
    size_t n, cap;
};

/* All of ctx->events is written with the transaction: whoever must hear of a change is added in it. */
void event_add(struct event_list *list, struct arena *arena, struct event event);

enum { EVENT_PACKED_BYTES = 49 }; /* one kind byte and six big-endian numbers */

/* The payload of an outbox row: EVENT_PACKED_BYTES each. */
struct str event_pack(const struct event *events, size_t n, struct arena *arena);
/* ERR_INVALID_REQUEST for what event_pack() did not make. */
enum err event_unpack(struct str packed, struct arena *arena, struct event_list *out) MUST_CHECK;

#endif
