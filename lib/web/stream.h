/*
 * Streams: parked requests that are told many things, as server-sent events, before
 * they end. Park.c lets them wait, front.c brings what happens to their connections.
 *
 * All of it happens under conns.lock, sending too, since a send here never waits: so
 * pieces leave in the order in which they are told. What the client does not take waits in
 * memory, one piece and the last words at most, and a client that takes nothing for
 * output_timeout_s, or has not taken all so long after the deadline, is cut off: its
 * cursor stands where it was.
 */
#ifndef WEB_STREAM_H
#define WEB_STREAM_H

#include "web/serve.h"

/* Before the first; `site` is borrowed. */
void streams_init(const struct site *site);

/* All below under conns.lock; those that may end the stream or call its park_fn release it. */

/* From BUSY; `until_mono_ms`: its deadline. */
void stream_park(struct conn *c, ticket t, int64_t until_mono_ms);
/* This stream, and not at its end. */
bool stream_is(const struct conn *c, ticket t);
/* Its head was sent: it cannot be answered otherwise any more. */
bool stream_has_begun(const struct conn *c);
/* What park_tell() says. True. Releases the lock. */
bool stream_tell(struct conn *c, struct str piece, bool goes_on);
/* The loop: the connection is ready, or broken. Releases the lock. */
void stream_event(struct conn *c, uint32_t events);
/* The loop: its timer. Releases the lock. */
void stream_tick(struct conn *c, int64_t now_mono_ms);
/* Its deadline is now. */
void stream_stop(struct conn *c);
/* It is one no more: BUSY, the caller's. */
void stream_free(struct conn *c);

#endif
