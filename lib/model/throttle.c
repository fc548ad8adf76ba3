#include "model/throttle.h"

#include <arpa/inet.h>

#include "ext/crypt.h"
#include "queries.h"

enum { FORGET_MS = 60 * 60 * 1000 };

int throttle_wait_s(uint64_t failures, unsigned free_failures, int64_t age_ms)
{
    if (failures < free_failures || age_ms > FORGET_MS)
        return 0;
    const uint64_t over = failures - free_failures;
    const int64_t delay_s = over < 5 ? INT64_C(1) << over : THROTTLE_DELAY_MAX_S;
    const int64_t left_ms = delay_s * 1000 - (age_ms > 0 ? age_ms : 0);
    return left_ms > 0 ? (int)((left_ms + 999) / 1000) : 0;
}

/* Who shares a network is one: an IPv4 address, or the first 64 bits of an IPv6 one. */
static struct str network(struct arena *arena, const char *address)
{
    unsigned char bytes[16];

    if (!address)
        return STR("");
    if (inet_pton(AF_INET6, address, bytes) == 1)
        return (struct str){arena_copy(arena, bytes, 8), 8};
    return str_of(arena_copy(arena, address, strlen(address)));
}

/* Has somebody signed in to this account from here before? Asked for unknown accounts too. */
static enum err is_known(struct ctx *ctx, uint64_t user_id, struct str here, bool *out)
{
    struct address_row *rows;
    size_t n;

    TRY(q_sessions_addresses(ctx, user_id, &rows, &n));
    *out = false;
    for (size_t i = 0; i < n && here.n; i++)
        *out = *out || str_eq(network(ctx->arena, str_c(ctx->arena, rows[i].address)), here);
    return OK;
}

struct attempt {
    const struct throttle *throttle;
    int wait_s;
};

static enum err count(struct ctx *ctx, void *arg)
{
    struct attempt *a = arg;

    a->wait_s = 0;
    for (unsigned i = 0; i < 2; i++) {
        const struct str subject = {(const char *)a->throttle->subjects[i], 32};
        const unsigned free_failures =
            i == a->throttle->account ? THROTTLE_ACCOUNT_FREE : THROTTLE_ADDRESS_FREE;
        struct throttle_row row = {0};
        const enum err err = q_throttle_get(ctx, subject, &row);
        if (err != OK && err != ERR_NOT_FOUND)
            return err;
        const int wait_s = throttle_wait_s(row.failures, free_failures, row.age_ms);
        a->wait_s = wait_s > a->wait_s ? wait_s : a->wait_s;
    }
    for (unsigned i = 0; i < 2 && !a->wait_s; i++)
        TRY(q_throttle_fail(ctx, (struct str){(const char *)a->throttle->subjects[i], 32}, FORGET_MS, NULL));
    return OK;
}

enum err throttle_enter(struct ctx *ctx, struct str username_key, uint64_t user_id, struct throttle *out)
{
    const struct str here = network(ctx->arena, ctx->actor.address);
    const struct str app = {(const char *)&ctx->actor.app_id, sizeof ctx->actor.app_id};
    unsigned char account[32], address[32];
    bool known;

    TRY(is_known(ctx, user_id, here, &known));
    crypt_sha256((const struct str[]){STR("account"), app, username_key, known ? here : STR("")}, 4, account);
    crypt_sha256((const struct str[]){STR("address"), here}, 2, address);
    out->account = memcmp(account, address, sizeof account) > 0;
    memcpy(out->subjects[out->account], account, sizeof account);
    memcpy(out->subjects[!out->account], address, sizeof address);
    struct attempt a = {.throttle = out};
    TRY(tx_run(ctx, count, &a));
    if (!a.wait_s)
        return OK;
    if (ctx->problem)
        ctx->problem->retry_after_s = a.wait_s;
    return fail(ctx, ERR_RATE_LIMITED, "too many failed attempts; try again in %d s", a.wait_s);
}

enum err throttle_passed(struct ctx *ctx, const struct throttle *t)
{
    for (unsigned i = 0; i < 2; i++) {
        const struct str subject = {(const char *)t->subjects[i], 32};
        TRY(i == t->account ? q_throttle_forget(ctx, subject, NULL) : q_throttle_undo(ctx, subject, NULL));
    }
    return OK;
}
