/*
 * One call to a provider: asked again with growing pauses until the first token comes,
 * never after it; each wait has an end. What fails is told by a word that clients know.
 *
 * Of one thread. A provider that failed several times in a row is not asked for a
 * while (struct health), so that its failures are quick.
 */
#ifndef MODEL_CALL_H
#define MODEL_CALL_H

#include <stdbool.h>
#include <stdint.h>

#include "base/str.h"
#include "ext/stream.h"
#include "model/providers.h"

enum call_state { CALL_RUNS, CALL_DONE, CALL_FAILED };

/* Of one provider in this process. */
struct health {
    int failures; /* in a row */
    int64_t closed_until_ms;
};

struct call;

/* The body is copied. */
struct call *call_new(struct streams *streams, const struct provider *provider, struct health *health,
                      struct str body);
void call_free(struct call *call);
/* After streams_wait(), and now and then: opens, ends, asks again. */
void call_tick(struct call *call);
enum call_state call_state(const struct call *call);
/* Of CALL_FAILED: provider_unavailable, provider_busy, provider_refused, provider_error, timeout, cut_off. */
const char *call_reason(const struct call *call);
/* The text so far, of whole characters, at most TEXT_MAX of them; borrowed until the next tick. */
struct str call_text(const struct call *call);
/* Whether anything of an answer came: then nobody else may be asked. */
bool call_has_begun(const struct call *call);
/* Whether the provider has begun to answer, or may have: what was asked is paid for, whatever came of it. */
bool call_may_cost(const struct call *call);
/* As the provider counts them; 0: it did not say. */
void call_tokens(const struct call *call, uint64_t *input, uint64_t *output);

#endif
