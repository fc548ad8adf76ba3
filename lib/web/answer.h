/*
 * FastCGI output: our own records. Nothing here blocks; what a socket does not
 * take at once is kept by the caller until EPOLLOUT.
 */
#ifndef WEB_ANSWER_H
#define WEB_ANSWER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/str.h"

/* Bytes that wait to be sent, from `at` to `n`. Heap. */
struct answer_rest {
    size_t n, at;
    unsigned char bytes[];
};

enum answer_end { ANSWER_COMPLETE = 0, ANSWER_CANT_MULTIPLEX = 1, ANSWER_UNKNOWN_ROLE = 3 };

/*
 * Sends an HTTP text (headers as of CGI, and body) as the whole answer to a request.
 * False: the connection is broken. `*rest` is what is still to be sent, or NULL.
 */
bool answer_send(int fd, uint16_t request_id, struct str http, struct answer_rest **rest);
/*
 * The same for a piece of an answer; `ends`: the last. What an earlier piece left in
 * `*rest` goes first.
 */
bool answer_piece(int fd, uint16_t request_id, struct str text, bool ends, struct answer_rest **rest);
/* Goes on with it; frees it and sets it to NULL when all is sent. False: the connection is broken. */
bool answer_continue(int fd, struct answer_rest **rest);
/* Ends a request without an answer. Best effort: such a connection is closed next. */
void answer_end(int fd, uint16_t request_id, enum answer_end status);
/* Answers one management record, given whole. False: the connection is broken. */
bool answer_values(int fd, const unsigned char *record, size_t n);

#endif
