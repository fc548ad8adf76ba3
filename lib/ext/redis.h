/*
 * Redis: hiredis, and the only file that includes its header.
 *
 * One `struct redis` is one connection of one thread: opened when needed, with
 * time-outs on connect and on every answer; after a failure it is closed and
 * stays down for a moment (ERR_UNAVAILABLE at once) so that a dead Redis does
 * not hold its callers. Commands are pipelined: redis_add() any number, then
 * redis_answer() in order. Keys and values are passed by length, never formatted.
 *
 * Whoever uses it ignores SIGPIPE. A failure loses the answers that were not
 * read yet: the commands may have run or not.
 */
#ifndef EXT_REDIS_H
#define EXT_REDIS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/conf.h"
#include "base/err.h"
#include "base/str.h"

struct redis;
struct script; /* build/gen/scripts.h: name, text, len */

enum redis_type { REDIS_NIL, REDIS_INT, REDIS_STR, REDIS_LIST, REDIS_ERROR };

/* An answer, copied into the arena that redis_answer() was given. */
struct redis_reply {
    enum redis_type type;
    int64_t number;
    struct str str; /* REDIS_STR, REDIS_ERROR, status replies */
    const struct redis_reply *items;
    size_t n;
};

/* `timeout_ms` bounds each answer (BLPOP: more than its own wait). */
struct redis *redis_new(const struct conf *conf, int timeout_ms);
void redis_free(struct redis *r);
enum err redis_open(struct redis *r) MUST_CHECK;
void redis_close(struct redis *r);
/* In words: the last failure, or the last error that the server answered. */
const char *redis_error(const struct redis *r);
/* Raised at each successful connect: whoever cached something per connection compares it. */
unsigned redis_connection(const struct redis *r);

/* Queues a command of `n` arguments. */
enum err redis_add(struct redis *r, const struct str *argv, size_t n) MUST_CHECK;
/* Sends what is queued and reads the next answer. A REDIS_ERROR answer is OK here: the caller looks at its
 * type. */
enum err redis_answer(struct redis *r, struct arena *arena, struct redis_reply *reply) MUST_CHECK;
/* Sends what is queued without waiting for an answer, so that the server works meanwhile. */
enum err redis_send(struct redis *r) MUST_CHECK;
/* One command, one answer; an error answer is ERR_UNAVAILABLE. Nothing may be queued. */
enum err redis_call(struct redis *r, struct arena *arena, struct redis_reply *reply, const struct str *argv,
                    size_t n) MUST_CHECK;
/*
 * Scripts in a pipeline: redis_script_ready() loads it once per connection (nothing may be
 * queued), then redis_script_add() queues an EVALSHA. Should the server have forgotten the script, that
 * answer is a REDIS_ERROR, and the next redis_script_ready() loads it again.
 */
enum err redis_script_ready(struct redis *r, const struct script *script) MUST_CHECK;
enum err redis_script_add(struct redis *r, const struct script *script, const struct str *keys, size_t n_keys,
                          const struct str *args, size_t n_args) MUST_CHECK;

#endif
