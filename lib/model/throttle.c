#include "model/throttle.h"

#include <arpa/inet.h>

#include "ext/crypt.h"
#include "queries.h"

int throttle_wait_s(uint64_t failures, unsigned free_failures, int64_t age_ms)
{
    const int64_t age = age_ms > 0 ? age_ms : 0;
    const uint64_t forgiven = (uint64_t)(age / THROTTLE_FORGIVE_MS);

    if (failures < free_failures + forgiven)
        return 0;
    const uint64_t over = failures - forgiven - free_failures;
    const int64_t delay_s = over < 5 ? INT64_C(1) << over : THROTTLE_DELAY_MAX_S;
    const int64_t left_ms = delay_s * 1000 - age;
    return left_ms > 0 ? (int)((left_ms + 999) / 1000) : 0;
}

/* Who shares a network is one: an IPv4 address (also as ::ffff:192.0.2.1), or the first 64 bits of an IPv6
 * one. */
static struct str network(struct arena *arena, const char *address)
{
    static const unsigned char mapped[12] = {[10] = 0xff, [11] = 0xff};
    unsigned char bytes[16];
    char text[INET_ADDRSTRLEN];

    if (!address)
        return STR("");
    if (inet_pton(AF_INET6, address, bytes) != 1)
        return str_copy(arena, str_of(address));
    if (memcmp(bytes, mapped, sizeof mapped) != 0)
        return (struct str){arena_copy(arena, bytes, 8), 8};
    inet_ntop(AF_INET, bytes + sizeof mapped, text, sizeof text);
    return str_copy(arena, str_of(text));
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

/* What one counter says, after it has counted this attempt. */
static enum err count_one(struct ctx *ctx, const unsigned char subject[32], unsigned free_failures,
                          int *wait_s)
{
    const struct str key = {(const char *)subject, 32};
    struct throttle_row row;

    const enum err err = q_throttle_get(ctx, key, &row);
    if (err != OK && err != ERR_NOT_FOUND)
        return err;
    TRY(q_throttle_fail(ctx, key, THROTTLE_FORGIVE_MS, NULL));
    if (err == ERR_NOT_FOUND) { /* others may have begun to count at the same moment */
        TRY(q_throttle_get(ctx, key, &row));
        row.failures--;
    }
    const int wait = throttle_wait_s(row.failures, free_failures, row.age_ms);
    *wait_s = wait > *wait_s ? wait : *wait_s;
    return OK;
}

struct attempt {
    const struct throttle *throttle;
    int wait_s;
};

/* Ends in an error when the attempt has to wait, so that it was not counted. */
static enum err count(struct ctx *ctx, void *arg)
{
    struct attempt *a = arg;

    a->wait_s = 0;
    TRY(count_one(ctx, a->throttle->account, THROTTLE_ACCOUNT_FREE, &a->wait_s));
    if (a->throttle->has_address)
        TRY(count_one(ctx, a->throttle->address, THROTTLE_ADDRESS_FREE, &a->wait_s));
    return a->wait_s ? ERR_RATE_LIMITED : OK;
}

enum err throttle_enter(struct ctx *ctx, struct str username_key, uint64_t user_id, struct throttle *out)
{
    const struct str here = network(ctx->arena, ctx->actor.address);
    const struct str app = {(const char *)&ctx->actor.app_id, sizeof ctx->actor.app_id};
    struct attempt a = {.throttle = out};
    bool known;

    TRY(is_known(ctx, user_id, here, &known));
    out->has_address = !known;
    crypt_sha256((const struct str[]){STR("account"), app, username_key, known ? here : STR("")}, 4,
                 out->account);
    crypt_sha256((const struct str[]){STR("address"), here}, 2, out->address);
    const enum err err = tx_run(ctx, count, &a);
    if (err != ERR_RATE_LIMITED)
        return err;
    if (ctx->problem)
        ctx->problem->retry_after_s = a.wait_s;
    return fail(ctx, err, "too many failed attempts; try again in %d s", a.wait_s);
}

enum err throttle_passed(struct ctx *ctx, const struct throttle *t)
{
    TRY(q_throttle_forget(ctx, (struct str){(const char *)t->account, sizeof t->account}, NULL));
    return t->has_address
               ? q_throttle_undo(ctx, (struct str){(const char *)t->address, sizeof t->address}, NULL)
               : OK;
}
