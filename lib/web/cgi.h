/*
 * Plain CGI: one request from the environment and standard input, answered on
 * standard output. For trying a handler in a shell; a request may also be parked.
 */
#ifndef WEB_CGI_H
#define WEB_CGI_H

#include "web/serve.h"

/* True when the environment holds a request. */
bool cgi_is_here(void);
/* Serves it, and returns when it is answered. False: it could not be read. */
bool cgi_serve(const struct site *site);

/* What serve.c and park.c call for a request that has no connection; from any thread. */
void cgi_answer(struct str http);
void cgi_park(struct request *q, int64_t due_mono_ms, park_fn fn, void *arg, ticket t);
/* The parked request, once; NULL afterwards. */
struct request *cgi_unpark(void);

#endif
