/*
 * The answerer: one thread of an `ai` process that writes many answers at once. It
 * takes replies that wait by a lease, asks their providers, tells readers what has come
 * so far, a few times a second, and ends each with one entry.
 *
 * Invariants: who holds the lease ends the reply, in one transaction with its entry; a
 * reply whose process died is ended as interrupted by any other; so none hangs for ever
 * and none is answered twice.
 */
#ifndef MODEL_ANSWERER_H
#define MODEL_ANSWERER_H

#include "base/err.h"
#include "model/providers.h"

struct house;
struct answerer;

/* `providers` are borrowed. */
struct answerer *answerer_new(struct house *house, const struct providers *providers);
/* What was not begun is given back; what was is ended as interrupted. */
void answerer_free(struct answerer *a);

#endif
