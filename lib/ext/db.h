/*
 * The database: libmariadb, and the only file that includes its header.
 *
 * One `struct db` is one connection, owned by one thread, opened when it is
 * first needed and again after it broke. Statements are prepared once per
 * connection, on first use. The typed functions that call them are generated
 * from sql/queries/ by tools/sqlgen.py into build/gen/queries.h; nothing but that
 * generated code and the log writer calls db_run() and db_batch().
 *
 * Errors: ERR_DUPLICATE (1062), ERR_RETRY (1213, 1205, 1020, TiDB 9007: roll back
 * and do it all again), ERR_UNAVAILABLE (cannot connect, connection lost before
 * COMMIT, anything else), ERR_OUTCOME_UNKNOWN (COMMIT sent, no answer).
 * db_error() has the words, for the log, never for the caller. A connection that broke inside a
 * transaction answers ERR_UNAVAILABLE until db_rollback(): nothing is ever run outside by mistake.
 */
#ifndef EXT_DB_H
#define EXT_DB_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/conf.h"
#include "base/err.h"
#include "base/str.h"

struct db;

enum db_type { DB_U64, DB_I64, DB_STR, DB_BYTES };

/* A parameter or a column. NULL is `is_null`. */
struct db_value {
    enum db_type type;
    bool is_null;
    uint64_t u64;
    int64_t i64;
    struct str str; /* DB_STR is utf8mb4 text, DB_BYTES is binary; results live in the arena of the call */
};

/* A statement, made by the generator: `index` is unique and small. */
struct db_statement {
    unsigned index;
    const char *name;
    const char *sql;
    unsigned n_params, n_columns;
    const enum db_type *columns, *params;
};

/* Does not connect. `conf` is borrowed for the life of the connection. */
struct db *db_new(const struct conf *conf);
void db_free(struct db *db);
/* Connects if it is not connected. */
enum err db_open(struct db *db) MUST_CHECK;
void db_close(struct db *db);
const char *db_error(const struct db *db);
/* No statement may wait longer than this (monotonic ms; 0: the default of 10 s). */
void db_deadline(struct db *db, int64_t until_mono_ms);

enum err db_begin(struct db *db) MUST_CHECK; /* READ COMMITTED */
enum err db_commit(struct db *db) MUST_CHECK;
void db_rollback(struct db *db);
bool db_in_transaction(const struct db *db);

/*
 * Prepares the statement as db_run() would, and compares its parameters and columns with the
 * database's: ERR_UNAVAILABLE when number or kind (number, text, bytes) differ. For the test of all
 * statements.
 */
enum err db_prepare(struct db *db, const struct db_statement *st) MUST_CHECK;

/* Calls `row(columns, arg)` for each row; `affected` may be NULL. A row error ends it. */
enum err db_run(struct db *db, const struct db_statement *st, const struct db_value *params,
                struct arena *arena, enum err (*row)(const struct db_value *columns, void *arg), void *arg,
                uint64_t *affected) MUST_CHECK;

/*
 * The log writer's door: several statements as text in one round trip, made of
 * numbers and hex literals only. `row(statement number, columns as text, n, arg)`.
 * On an error `failed` says which statement it was, from 0; those after it did not run.
 * ERR_OUTCOME_UNKNOWN when the connection broke and the text ends in COMMIT. A transaction that
 * the text begins and does not end is the caller's, as after db_begin().
 */
enum err db_batch(struct db *db, struct str sql,
                  enum err (*row)(unsigned statement, const struct str *columns, unsigned n, void *arg),
                  void *arg, unsigned *failed) MUST_CHECK;

#endif
