/*
 * The waiting room of a poll process: the table of sessions (model/waiting.h) under
 * one lock, and the threads around it.
 *
 *   event loop    a poll enters, hangs up, is due          room.c
 *   bellman       one connection that takes bells          bellman.c
 *   readers       registrations, boxes, events             reader.c
 *   lookout       news by the database, without Redis      lookout.c
 *   keeper        retries, renewals, idle sessions, seen   keeper.c
 *
 * Killed at any moment it loses nothing: what is parked reconnects with its cursor,
 * bells that nobody takes die with their list, and the boxes are elsewhere.
 */
#ifndef WEB_ROOM_H
#define WEB_ROOM_H

#include <stdint.h>

#include "base/conf.h"
#include "base/err.h"
#include "model/inbox.h"
#include "model/replytext.h"
#include "web/park.h"

struct room;

/* Starts the threads. `conf` and `house` are borrowed. */
struct room *room_new(struct house *house, const struct conf *conf);
/* After the last answer. */
void room_free(struct room *room);

/* A poll that is parked already. */
struct room_guest {
    uint64_t app_id, user_id, session_id;
    struct cursor cursor;
    int64_t due_mono_ms;
    ticket ticket;
    bool stream;
    struct reply_ask asks[REPLY_ASKS_MAX]; /* also answered when one of these has more text */
    size_t n_asks;
};

/* In the event loop's thread: never blocks. `park_fn`s of these polls are room_parked() with the session as
 * argument. */
void room_enter(struct room *room, const struct room_guest *guest);
/* Answers at once with what there is; registers nothing, supersedes nothing. */
void room_look(struct room *room, const struct room_guest *guest);
/* What happens to a poll that entered. */
void room_parked(struct room *room, uint64_t session_id, ticket t, enum park_event what);
/* From any thread: the session is over. */
void room_revoked(struct room *room, uint64_t session_id);

#endif
