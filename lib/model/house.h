/*
 * The house: what all threads of one process share. The id lease, the token
 * keys, the set of revoked sessions, the ringer, the house epoch.
 *
 * house_open() starts one thread, the watch: it renews the id lease, reads new
 * revocations every 500 ms and the token keys every few seconds, each by its
 * own connection. What the watch could not read for 5 s fails closed:
 * house_is_current() is false and authenticated requests are answered 503.
 */
#ifndef MODEL_HOUSE_H
#define MODEL_HOUSE_H

#include <stdbool.h>
#include <stdint.h>

#include "base/conf.h"
#include "base/err.h"
#include "base/id.h"

struct house;
struct ringer;
struct token_keys;  /* model/token.h */
struct revoked_set; /* model/revocation.h */

/*
 * `name` is the process's, as in "messages". Waits up to 30 s for the database. `conf` is borrowed.
 * On failure `problem` says what is wrong: the secret file, the database, the migrations.
 */
enum err house_open(const struct conf *conf, const char *name, struct problem *problem,
                    struct house **out) MUST_CHECK;
/* Stops the watch and the ringer, gives the id lease back. */
void house_close(struct house *house);

/* All borrowed, for as long as the house is open. */
const struct conf *house_conf(const struct house *house);
struct id_maker *house_ids(struct house *house);
struct ringer *house_ringer(struct house *house);
struct token_keys *house_token_keys(struct house *house);
struct revoked_set *house_revoked(struct house *house);
/* False when revocations were not read for 5 s: fail closed. */
bool house_is_current(const struct house *house);
/*
 * Calls `fn(arg, session_id, user_id)` in the watch's thread for each session newly
 * seen as revoked. One listener, set before serving (the poll handler ends parked polls). `fn` NULL takes it
 * back: no call of it is running when this returns.
 */
void house_on_revoked(struct house *house, void (*fn)(void *arg, uint64_t session_id, uint64_t user_id),
                      void *arg);

#endif
