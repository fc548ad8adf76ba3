/*
 * The inside of the answerer: one answer from its beginning to its end. Of the
 * answerer's thread alone.
 */
#ifndef MODEL_REPLYING_H
#define MODEL_REPLYING_H

#include <pthread.h>
#include <stdatomic.h>

#include "model/answerer.h"
#include "model/call.h"
#include "model/ctx.h"
#include "model/glance.h"
#include "model/replies.h"

/* One reply that is being written. */
struct replying {
    struct replying *next;
    struct ai_reply_row reply;
    const struct provider *provider; /* that is asked now; NULL: nobody was yet */
    int64_t room_tokens;             /* for the prompt, as they were reserved */
    struct call *call;
    struct glance *glance; /* the pictures that it is shown; NULL: none */
    uint64_t prompt_tokens;
    bool has_reserved, is_cancelled, has_told, has_fallen_back, has_looked;
    bool is_early; /* others of the same person come first: to be given back */
    bool is_lost;  /* another process has taken it, since we were too slow */
    bool is_over;
    struct reply_end end; /* when it is over; its text is the call's */
    int64_t next_ms;      /* not before: beginning, or ending */
    int64_t tell_ms;
    size_t told, told_chars;
};

struct answerer {
    struct house *house;
    const struct providers *providers;
    struct health health[PROVIDERS_MAX];
    struct streams *streams;
    struct glances *glances;
    struct arena *arena;
    struct db *db;
    struct redis *redis;
    struct problem problem;
    uint64_t process;
    struct replying *first;
    size_t n;
    int64_t claim_ms, look_ms, renew_ms, expire_ms;
    _Atomic uint64_t *running, *done, *failed;
    atomic_bool stopping;
    pthread_t thread;
};

/* For one step, of who asked (NULL: of nobody): what it takes from the arena is gone after the next one. */
struct ctx replying_ctx(struct answerer *a, const struct ai_reply_row *reply);
/* Begins it, or moves it on, if it is time to. */
void replying_step(struct answerer *a, struct replying *answer);
/* It ends so. */
void replying_over(struct replying *answer, enum reply_state state, const char *reason);
/* Gives back what is too early. True: it is no more ours. */
bool replying_postpone(struct answerer *a, struct replying *answer);
/* Writes the end of what is over. True: it is no more ours. */
bool replying_end(struct answerer *a, struct replying *answer);

#endif
