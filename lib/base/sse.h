/*
 * Server-sent events, read: bytes in pieces of any size become events
 * (https://html.spec.whatwg.org/multipage/server-sent-events.html, section 9.2.6).
 *
 * Of an event only its data counts here; its name, its id and comments are passed
 * over. Lines may end in LF, CR or CRLF, and a piece may end anywhere, also inside
 * a character. What is held is bounded: whoever sends an endless line is cut off.
 */
#ifndef BASE_SSE_H
#define BASE_SSE_H

#include <stdbool.h>
#include <stddef.h>

#include "base/str.h"

struct sse;

/* The data of one event, borrowed for the call; its lines are joined by LF. False: nothing more is wanted. */
typedef bool (*sse_event)(void *arg, struct str data);

/* A line, and the data of an event, have at most `max` bytes. */
struct sse *sse_new(size_t max, sse_event fn, void *arg);
void sse_free(struct sse *sse);
/* False: something is too long, or `fn` wants no more; nothing may be fed after it. */
bool sse_feed(struct sse *sse, const char *bytes, size_t n);

#endif
