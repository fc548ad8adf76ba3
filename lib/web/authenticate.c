/* Who asks: a token, without I/O. */
#include "web/authenticate.h"

#include <strings.h>

#include "base/clock.h"
#include "model/token.h"

/* The token of `?t=`, as it stands there: it has no letters that would be encoded. */
static struct str query_token(const struct request *q)
{
    struct str query = q->in.params[FCGI_QUERY_STRING], pair;

    while (str_cut(&query, '&', &pair))
        if (str_starts(pair, STR("t=")))
            return (struct str){pair.p + 2, pair.n - 2};
    return STR_NONE;
}

/* What is shown: an access token in the header or, where that will do, a file token in the query. */
static enum err shown_token(struct request *q, enum token_kind *kind, struct str *token)
{
    const struct str header = q->in.params[FCGI_HTTP_AUTHORIZATION];

    *kind = TOKEN_ACCESS;
    if (header.n >= 8 && strncasecmp(header.p, "Bearer ", 7) == 0) {
        *token = (struct str){header.p + 7, header.n - 7};
        return OK;
    }
    *kind = TOKEN_FILE;
    *token = q->match.route->flags & ROUTE_FILE_TOKEN ? query_token(q) : STR_NONE;
    if (token->p)
        return OK;
    return problem_set(&q->problem, ERR_UNAUTHENTICATED, "the header `Authorization: Bearer …` is missing");
}

enum err authenticate(struct request *q)
{
    struct house *house = q->site->house;
    struct actor *actor = &q->ctx.actor;
    enum token_kind kind;
    struct str token;

    if (q->match.route->flags & ROUTE_OPEN)
        return OK;
    if (!house_is_current(house))
        return problem_set(&q->problem, ERR_UNAVAILABLE, "sign-outs could not be read for a while");
    TRY(shown_token(q, &kind, &token));
    TRY(token_check(house_token_keys(house), house_revoked(house), kind, token, clock_wall_ms(), actor));
    q->trail.user_id = actor->user_id;
    q->trail.session_id = actor->session_id;
    return OK;
}
