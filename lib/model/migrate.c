#include "model/migrate.h"

#include "base/clock.h"
#include "ext/crypt.h"
#include "migrations.h"
#include "model/token.h"
#include "queries.h"

enum { LOCK_WAIT_S = 120, STATEMENT_MS = 60 * 60 * 1000 };

#define LOCK "LEFT(SHA2(CONCAT('posthouse migrate ', DATABASE()), 256), 32)"

/* ---- splitting ---- */

/* Copies up to the end of a quoted text, its quotes included. */
static size_t quoted(struct str s, size_t at, struct buf *b)
{
    const char quote = s.p[at];
    size_t i = at + 1;

    while (i < s.n && s.p[i] != quote)
        i += s.p[i] == '\\' ? 2 : 1;
    i = i < s.n ? i + 1 : s.n;
    buf_add(b, s.p + at, i - at);
    return i;
}

bool migrate_statement(struct str *rest, struct arena *arena, struct str *out)
{
    struct buf b = buf_in(arena);
    size_t i = 0;
    bool some = false;

    while (i < rest->n && !(rest->p[i] == ';' && some)) {
        const char c = rest->p[i];
        if (c == '-' && i + 1 < rest->n && rest->p[i + 1] == '-') {
            while (i < rest->n && rest->p[i] != '\n')
                i++;
        } else if (c == '\'' || c == '"' || c == '`') {
            i = quoted(*rest, i, &b);
            some = true;
        } else {
            const bool blank = c == ' ' || c == '\n' || c == '\t' || c == '\r' || c == ';';
            some = some || !blank;
            if (some)
                buf_char(&b, c);
            i++;
        }
    }
    if (i < rest->n)
        i++;
    *rest = (struct str){rest->p + i, rest->n - i};
    *out = buf_done(&b);
    return some;
}

/* ---- applying ---- */

static enum err run_text(struct ctx *ctx, struct str sql,
                         enum err (*row)(unsigned, const struct str *, unsigned, void *), void *arg)
{
    unsigned failed = 0;

    db_deadline(ctx->db, clock_mono_ms() + STATEMENT_MS);
    const enum err err = db_batch(ctx->db, sql, row, arg, &failed);
    db_deadline(ctx->db, 0);
    return err;
}

static enum err take_flag(unsigned statement, const struct str *columns, unsigned n, void *arg)
{
    (void)statement;
    *(bool *)arg = n == 1 && str_eq(columns[0], STR("1"));
    return OK;
}

static enum err apply(struct ctx *ctx, const struct migration *m, uint64_t done)
{
    struct str rest = {m->sql, m->len}, sql;

    for (uint64_t i = 1; migrate_statement(&rest, ctx->arena, &sql); i++) {
        if (i <= done)
            continue;
        if (run_text(ctx, sql, NULL, NULL) != OK)
            return fail(ctx, ERR_UNAVAILABLE, "migration %04u_%s, statement %u: %s", m->number, m->name,
                        (unsigned)i, db_error(ctx->db));
        TRY(q_migration_step(ctx, m->number, i, NULL));
    }
    return q_migration_end(ctx, m->number, NULL);
}

static const struct migration_row *applied(const struct migration_row *rows, size_t n, unsigned number)
{
    for (size_t i = 0; i < n; i++)
        if (rows[i].number == number)
            return &rows[i];
    return NULL;
}

static enum err bring_up(struct ctx *ctx, const struct migration *m, const struct migration_row *row,
                         bool *did)
{
    unsigned char hash[CRYPT_SHA256_BYTES];
    const struct str checksum = {(const char *)hash, sizeof hash};

    crypt_sha256(&(struct str){m->sql, m->len}, 1, hash);
    *did = !row || !row->applied_at;
    if (row && !str_eq(row->checksum, checksum))
        return fail(ctx, ERR_CONFLICT, "migration %04u_%s was changed after it was applied", m->number,
                    m->name);
    if (!row)
        TRY(q_migration_begin(ctx, m->number, str_of(m->name), checksum, NULL));
    return *did ? apply(ctx, m, row ? row->statements : 0) : OK;
}

struct applying {
    void (*said)(void *arg, const char *file);
    void *arg;
};

static enum err bring_up_all(struct ctx *ctx, const struct applying *a)
{
    struct migration_row *rows;
    size_t n;
    bool did;

    TRY(q_migrations_get(ctx, &rows, &n));
    for (size_t i = 0; i < migrations_count; i++) {
        const struct migration *m = &migrations[i];
        TRY(bring_up(ctx, m, applied(rows, n, m->number), &did));
        if (did && a->said)
            a->said(a->arg, arena_printf(ctx->arena, "%04u_%s", m->number, m->name));
    }
    return OK;
}

/* ---- the first key ---- */

enum err token_key_rotate(struct ctx *ctx, int64_t grace_ms, unsigned *id)
{
    struct token_key_id_row newest = {0};
    char salt[TOKEN_SALT_BYTES];

    const enum err err = q_token_key_newest(ctx, &newest);
    if (err != OK && err != ERR_NOT_FOUND)
        return err;
    crypt_random(salt, sizeof salt);
    *id = (unsigned)newest.id + 1;
    TRY(q_token_key_insert(ctx, *id, (struct str){salt, sizeof salt}, NULL));
    return q_token_keys_retire(ctx, *id, grace_ms, NULL);
}

static enum err first_key(struct ctx *ctx, void *arg)
{
    struct token_key_id_row newest;
    unsigned id;

    (void)arg;
    const enum err err = q_token_key_newest(ctx, &newest);
    return err == ERR_NOT_FOUND ? token_key_rotate(ctx, 0, &id) : err;
}

static enum err run_locked(struct ctx *ctx, const struct applying *a)
{
    TRY(run_text(
        ctx,
        STR("CREATE TABLE IF NOT EXISTS schema_migrations (number INT UNSIGNED NOT NULL PRIMARY KEY,"
            " name VARCHAR(64) NOT NULL, checksum BINARY(32) NOT NULL, statements INT UNSIGNED NOT NULL,"
            " applied_at BIGINT NULL) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin"),
        NULL, NULL));
    TRY(bring_up_all(ctx, a));
    return tx_run(ctx, first_key, NULL);
}

enum err migrate_run(struct ctx *ctx, void (*said)(void *arg, const char *file), void *arg)
{
    const struct applying a = {said, arg};
    const struct str lock = str_of(arena_printf(ctx->arena, "SELECT GET_LOCK(" LOCK ", %d)", LOCK_WAIT_S));
    bool got = false;

    if (run_text(ctx, lock, take_flag, &got) != OK)
        return fail(ctx, ERR_UNAVAILABLE, "the database cannot be reached: %s", db_error(ctx->db));
    if (!got)
        return fail(ctx, ERR_UNAVAILABLE, "another migration has been running for %d s", LOCK_WAIT_S);
    const enum err err = run_locked(ctx, &a);
    db_close(ctx->db); /* and with it the lock */
    if (err != OK && ctx->problem && !ctx->problem->detail[0])
        return fail(ctx, err, "%s", db_error(ctx->db));
    return err;
}
