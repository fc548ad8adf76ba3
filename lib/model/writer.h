/*
 * The log writer: one thread per process that writes what people send, many at
 * once: all that waits, as one transaction in two round trips, without any
 * artificial delay (the commit is the wait).
 *
 * Invariants: an answer is given after the commit, never before; who may write is
 * decided from the locked row; the same client_msg_id is written once and
 * answers the first result, whatever dies in between; seq has no holes.
 * It knows no request: the sender waits by a callback.
 */
#ifndef MODEL_WRITER_H
#define MODEL_WRITER_H

#include <stdbool.h>
#include <stdint.h>

#include "base/conf.h"
#include "base/err.h"
#include "base/str.h"
#include "model/fileuse.h"

struct house;
struct writer;

/* What somebody says. The slices must live until `done`. */
struct send {
    uint64_t app_id, user_id, session_id;
    uint64_t conversation_id;
    unsigned char client_msg_id[16];
    unsigned char request_hash[16]; /* of all that the request says: the same id with another is a conflict */
    int type;
    struct str content;    /* JSON, as stored */
    uint64_t reply_to_seq; /* 0: none */
    struct str mentions;   /* JSON array, as stored; empty: none */
    const uint64_t *mention_ids;
    size_t n_mentions;
    bool mentions_all;
    struct file_ref files[FILE_REFS_MAX]; /* that it names: whoever reads it may read them */
    size_t n_files;
    int64_t deadline_mono_ms;
};

/*
 * Called exactly once per accepted send, from a thread of the writer. OK: `entry_json` is the entry (borrowed
 * for the call), `repeated` if it was there before. Else ERR_NOT_FOUND, ERR_NOT_FRIENDS, ERR_BLOCKED,
 * ERR_MUTED, ERR_GROUP_MUTED, ERR_FORBIDDEN (to mention all), ERR_INVALID_REQUEST (reply_to_seq, mentions),
 * ERR_CONFLICT, ERR_UNAVAILABLE (nothing was stored), ERR_OUTCOME_UNKNOWN, with `problem`.
 */
typedef void (*send_done)(void *arg, enum err err, struct str entry_json, bool repeated,
                          const struct problem *problem);

enum err writer_new(struct house *house, struct writer **out) MUST_CHECK;
/* Writes and answers what is queued, then stops. */
void writer_free(struct writer *writer);

/* LATER: `done` will be called. ERR_UNAVAILABLE: the queue is full or closed, and `done` will not be.
 * Thread-safe. */
enum err writer_send(struct writer *writer, const struct send *send, send_done done, void *arg) MUST_CHECK;

#endif
