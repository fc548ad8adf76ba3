/*
 * Who asks, by the token that is shown: an access token in the header or, for routes with ROUTE_FILE_TOKEN, a
 * file token in the query. Nothing is asked of anybody; what was revoked is known to the process.
 */
#ifndef WEB_AUTHENTICATE_H
#define WEB_AUTHENTICATE_H

#include "web/serve.h"

/* Sets the actor, but for open routes. ERR_UNAUTHENTICATED, ERR_TOKEN_EXPIRED; ERR_UNAVAILABLE: nobody can
 * know. */
enum err authenticate(struct request *q) MUST_CHECK;

#endif
