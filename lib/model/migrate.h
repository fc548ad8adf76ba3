/*
 * Migrations: the numbered files of sql/schema/, embedded in the program and
 * applied in order, each once; forward only.
 *
 * DDL is not transactional, so the table schema_migrations counts the statements
 * of a file that ran: what broke off in the middle goes on there. A file that was
 * changed after it was applied is refused. Two at the same moment are one after
 * the other, by a lock of the database.
 */
#ifndef MODEL_MIGRATE_H
#define MODEL_MIGRATE_H

#include "base/err.h"
#include "model/ctx.h"

/*
 * Applies what is missing, then makes the first token key if there is none. Outside a
 * transaction; ctx->house may be NULL. `said(arg, file)` is called after each file that was applied.
 * On failure the problem names the file, the statement and the database's words.
 */
enum err migrate_run(struct ctx *ctx, void (*said)(void *arg, const char *file), void *arg) MUST_CHECK;

/* The next statement of `rest`, without comments and its semicolon; false at the end. */
bool migrate_statement(struct str *rest, struct arena *arena, struct str *out);

/* A new token key signs soon; older ones are accepted for `grace_ms` more. Inside a transaction. */
enum err token_key_rotate(struct ctx *ctx, int64_t grace_ms, unsigned *id) MUST_CHECK;

#endif
