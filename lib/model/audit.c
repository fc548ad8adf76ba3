#include "model/audit.h"

#include "queries.h"

enum { DETAIL_MAX = 512, ADDRESS_MAX = 45 };

static struct str cut(const char *text, size_t max)
{
    const struct str s = text ? str_of(text) : STR("");
    return (struct str){s.p, s.n < max ? s.n : max};
}

enum err audit_add(struct ctx *ctx, const char *action, const char *kind, uint64_t id, const char *detail)
{
    const char *object = id ? arena_printf(ctx->arena, "%s:%llu", kind, (unsigned long long)id)
                            : arena_printf(ctx->arena, "%s", kind);
    struct q_audit_insert_in in = {
        .app_id = ctx->actor.app_id,
        .actor_id = ctx->actor.user_id,
        .session_id = ctx->actor.session_id,
        .address = cut(ctx->actor.address, ADDRESS_MAX),
        .action = str_of(action),
        .object = str_of(object),
        .detail = cut(detail, DETAIL_MAX),
    };

    TRY(ctx_id(ctx, &in.id));
    return q_audit_insert(ctx, &in, NULL);
}
