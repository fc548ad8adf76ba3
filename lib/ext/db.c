/*
 * libmariadb, and the traps it has: its time-outs are set on the connection's
 * I/O layer before each call (the option is only read while connecting); a
 * connection that the server closed while it was idle is noticed before it is
 * used; a prepared statement that the server forgot is prepared again.
 */
#include "ext/db.h"

#include <mysql.h>

#include <errmsg.h>
#include <limits.h>
#include <ma_pvio.h> /* needs mysql.h before it */
#include <mysqld_error.h>
#include <poll.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/clock.h"

enum {
    DEFAULT_TIMEOUT_MS = 10 * 1000,
    TEXT_BYTES = 512, /* of a column's buffer; longer ones are fetched again at their length */
    COLUMNS_MAX = 64,
    ER_TIDB_WRITE_CONFLICT = 9007,
    ER_RECORD_CHANGED = 1020,
};

struct db {
    const struct conf *conf;
    MYSQL *mysql; /* NULL: not connected */
    MYSQL_STMT **prepared;
    size_t n_prepared;
    bool in_transaction;
    int64_t until_mono_ms;
    char error[256];
};

static void library_init(void)
{
    if (mysql_library_init(0, NULL, NULL))
        abort();
}

struct db *db_new(const struct conf *conf)
{
    static pthread_once_t once = PTHREAD_ONCE_INIT;

    pthread_once(&once, library_init);
    struct db *db = calloc(1, sizeof *db);
    if (!db)
        abort();
    db->conf = conf;
    return db;
}

void db_close(struct db *db)
{
    for (size_t i = 0; i < db->n_prepared; i++)
        if (db->prepared[i])
            mysql_stmt_close(db->prepared[i]);
    free(db->prepared);
    db->prepared = NULL;
    db->n_prepared = 0;
    if (db->mysql)
        mysql_close(db->mysql);
    db->mysql = NULL;
}

void db_free(struct db *db)
{
    if (!db)
        return;
    db_close(db);
    free(db);
}

const char *db_error(const struct db *db)
{
    return db->error;
}

void db_deadline(struct db *db, int64_t until_mono_ms)
{
    db->until_mono_ms = until_mono_ms;
}

bool db_in_transaction(const struct db *db)
{
    return db->in_transaction;
}

/* ---- errors ---- */

static enum err broken(struct db *db, const char *why)
{
    snprintf(db->error, sizeof db->error, "%s", why);
    return ERR_UNAVAILABLE;
}

/* What an error number of the server or the client library means. A connection that is no more is closed. */
static enum err failure(struct db *db, unsigned number, const char *why)
{
    snprintf(db->error, sizeof db->error, "%u %s", number, why);
    switch (number) {
    case ER_DUP_ENTRY:
        return ERR_DUPLICATE;
    case ER_LOCK_DEADLOCK:
    case ER_LOCK_WAIT_TIMEOUT:
    case ER_RECORD_CHANGED:
    case ER_TIDB_WRITE_CONFLICT:
        return ERR_RETRY;
    case ER_SERVER_SHUTDOWN:
    case ER_CONNECTION_KILLED:
    case ER_QUERY_INTERRUPTED:
        db_close(db);
        return ERR_UNAVAILABLE;
    default:
        if (number >= CR_MIN_ERROR && number <= CR_MAX_ERROR)
            db_close(db);
        return ERR_UNAVAILABLE;
    }
}

static enum err failed(struct db *db)
{
    return failure(db, mysql_errno(db->mysql), mysql_error(db->mysql));
}

/* ---- connection ---- */

static int64_t left_ms(const struct db *db)
{
    return db->until_mono_ms ? db->until_mono_ms - clock_mono_ms() : DEFAULT_TIMEOUT_MS;
}

/* Bounds each wait of the next call by what is left until the deadline. */
static enum err limit(struct db *db)
{
    const int64_t left = left_ms(db);
    if (left <= 0)
        return broken(db, "the deadline has passed");
    const int ms = left < INT_MAX ? (int)left : INT_MAX;
    db->mysql->net.pvio->timeout[PVIO_READ_TIMEOUT] = ms;
    db->mysql->net.pvio->timeout[PVIO_WRITE_TIMEOUT] = ms;
    return OK;
}

static enum err query(struct db *db, const char *sql)
{
    TRY(limit(db));
    return mysql_real_query(db->mysql, sql, strlen(sql)) ? failed(db) : OK;
}

static enum err set_up(struct db *db)
{
    TRY(query(db, "SET NAMES utf8mb4 COLLATE utf8mb4_bin"));
    TRY(query(db, "SET SESSION TRANSACTION ISOLATION LEVEL READ COMMITTED"));
    return query(
        db, "SET SESSION sql_mode = 'STRICT_ALL_TABLES,NO_ENGINE_SUBSTITUTION,ERROR_FOR_DIVISION_BY_ZERO',"
            " innodb_lock_wait_timeout = 5, autocommit = 1");
}

static enum err connect_now(struct db *db)
{
    const struct conf *c = db->conf;
    const bool local = c->db_socket[0] != 0;
    const int64_t left = left_ms(db);
    const unsigned seconds =
        left < DEFAULT_TIMEOUT_MS ? (unsigned)(left + 999) / 1000 : DEFAULT_TIMEOUT_MS / 1000;

    if (left <= 0)
        return broken(db, "the deadline has passed");
    db->mysql = mysql_init(NULL);
    if (!db->mysql)
        abort();
    mysql_options(db->mysql, MYSQL_OPT_CONNECT_TIMEOUT, &seconds);
    mysql_options(db->mysql, MYSQL_OPT_READ_TIMEOUT, &seconds);
    mysql_options(db->mysql, MYSQL_OPT_WRITE_TIMEOUT, &seconds);
    mysql_options(db->mysql, MYSQL_SET_CHARSET_NAME, "utf8mb4");
    if (!mysql_real_connect(db->mysql, local ? NULL : c->db_host, c->db_user, c->db_password, c->db_name,
                            (unsigned)c->db_port, local ? c->db_socket : NULL, CLIENT_MULTI_STATEMENTS)) {
        const enum err err = failed(db);
        db_close(db);
        return err;
    }
    const enum err err = set_up(db);
    if (err != OK)
        db_close(db);
    return err;
}

/* The server says nothing unasked: what can be read between calls is its good-bye. */
static bool is_stale(struct db *db)
{
    struct pollfd p = {.fd = (int)mysql_get_socket(db->mysql), .events = POLLIN};
    return poll(&p, 1, 0) != 0;
}

enum err db_open(struct db *db)
{
    if (db->in_transaction)
        return db->mysql ? OK : broken(db, "the connection broke inside the transaction");
    if (db->mysql && is_stale(db))
        db_close(db);
    return db->mysql ? OK : connect_now(db);
}

/* ---- transactions ---- */

enum err db_begin(struct db *db)
{
    TRY(db_open(db));
    TRY(query(db, "START TRANSACTION"));
    db->in_transaction = true;
    return OK;
}

enum err db_commit(struct db *db)
{
    enum err err = db_open(db);

    if (err == OK)
        err = limit(db);
    if (err != OK) {
        db_rollback(db);
        return err;
    }
    if (!mysql_real_query(db->mysql, "COMMIT", 6)) {
        db->in_transaction = false;
        return OK;
    }
    err = failed(db);
    if (!db->mysql)
        err = ERR_OUTCOME_UNKNOWN;
    db_rollback(db);
    return err;
}

void db_rollback(struct db *db)
{
    db->in_transaction = false;
    if (!db->mysql)
        return;
    /* Without an answer only the end of the connection is sure to roll back. */
    db->mysql->net.pvio->timeout[PVIO_READ_TIMEOUT] = DEFAULT_TIMEOUT_MS;
    if (mysql_real_query(db->mysql, "ROLLBACK", 8))
        db_close(db);
}

/* ---- prepared statements ---- */

static bool is_number(enum enum_field_types type)
{
    switch (type) {
    case MYSQL_TYPE_TINY:
    case MYSQL_TYPE_SHORT:
    case MYSQL_TYPE_INT24:
    case MYSQL_TYPE_LONG:
    case MYSQL_TYPE_LONGLONG:
        return true;
    default:
        return false;
    }
}

/* Do the columns that the database gives have the kinds that the statement says? */
static enum err check_columns(struct db *db, MYSQL_STMT *stmt, const struct db_statement *st)
{
    MYSQL_RES *meta = mysql_stmt_result_metadata(stmt);
    bool fits = mysql_stmt_param_count(stmt) == st->n_params &&
                mysql_stmt_field_count(stmt) == st->n_columns && st->n_columns <= COLUMNS_MAX;

    for (unsigned i = 0; fits && meta && i < st->n_columns; i++) {
        const MYSQL_FIELD *f = mysql_fetch_field_direct(meta, i);
        const bool wants_number = st->columns[i] == DB_U64 || st->columns[i] == DB_I64;
        const bool is_binary = f->charsetnr == 63;
        if (is_number(f->type) != wants_number || (st->columns[i] == DB_BYTES && !is_binary) ||
            (st->columns[i] == DB_STR && is_binary))
            fits = false;
    }
    if (meta)
        mysql_free_result(meta);
    if (fits)
        return OK;
    snprintf(db->error, sizeof db->error, "%s does not fit what the database has", st->name);
    return ERR_UNAVAILABLE;
}

static enum err prepare(struct db *db, const struct db_statement *st, MYSQL_STMT **out)
{
    if (st->index >= db->n_prepared) {
        const size_t n = st->index + 32;
        MYSQL_STMT **grown = realloc(db->prepared, n * sizeof(MYSQL_STMT *));
        if (!grown)
            abort();
        memset(grown + db->n_prepared, 0, (n - db->n_prepared) * sizeof(MYSQL_STMT *));
        db->prepared = grown;
        db->n_prepared = n;
    }
    *out = db->prepared[st->index];
    if (*out)
        return OK;
    MYSQL_STMT *stmt = mysql_stmt_init(db->mysql);
    if (!stmt)
        abort();
    enum err err = OK;
    if (mysql_stmt_prepare(stmt, st->sql, strlen(st->sql)))
        err = failure(db, mysql_stmt_errno(stmt), mysql_stmt_error(stmt));
    else
        err = check_columns(db, stmt, st);
    if (err != OK) {
        mysql_stmt_close(stmt);
        return err;
    }
    *out = db->prepared[st->index] = stmt;
    return OK;
}

static void forget(struct db *db, const struct db_statement *st)
{
    mysql_stmt_close(db->prepared[st->index]);
    db->prepared[st->index] = NULL;
}

enum err db_prepare(struct db *db, const struct db_statement *st)
{
    MYSQL_STMT *stmt;

    TRY(db_open(db));
    TRY(limit(db));
    return prepare(db, st, &stmt);
}

static void bind_params(MYSQL_BIND *bind, const struct db_value *params, unsigned n)
{
    for (unsigned i = 0; i < n; i++) {
        const struct db_value *v = &params[i];
        if (v->is_null) {
            bind[i].buffer_type = MYSQL_TYPE_NULL;
        } else if (v->type == DB_U64 || v->type == DB_I64) {
            bind[i].buffer_type = MYSQL_TYPE_LONGLONG;
            bind[i].is_unsigned = v->type == DB_U64;
            bind[i].buffer = v->type == DB_U64 ? (void *)&v->u64 : (void *)&v->i64;
        } else {
            bind[i].buffer_type = v->type == DB_STR ? MYSQL_TYPE_STRING : MYSQL_TYPE_BLOB;
            bind[i].buffer = (void *)(v->str.p ? v->str.p : "");
            bind[i].buffer_length = v->str.n;
        }
    }
}

/* The buffers that one row is fetched into. */
struct fetch {
    MYSQL_BIND *bind;
    struct db_value *columns;
    unsigned long *lengths;
    my_bool *nulls, *cut;
    char *text; /* TEXT_BYTES for each column */
};

static struct fetch fetch_new(const struct db_statement *st, struct arena *arena)
{
    const unsigned n = st->n_columns;
    struct fetch f = {
        .bind = arena_array(arena, n, sizeof *f.bind),
        .columns = arena_array(arena, n, sizeof *f.columns),
        .lengths = arena_array(arena, n, sizeof *f.lengths),
        .nulls = arena_array(arena, n, sizeof *f.nulls),
        .cut = arena_array(arena, n, sizeof *f.cut),
        .text = arena_array(arena, n, TEXT_BYTES),
    };
    for (unsigned i = 0; i < n; i++) {
        MYSQL_BIND *b = &f.bind[i];
        f.columns[i].type = st->columns[i];
        b->is_null = &f.nulls[i];
        b->error = &f.cut[i];
        b->length = &f.lengths[i];
        if (st->columns[i] == DB_U64 || st->columns[i] == DB_I64) {
            b->buffer_type = MYSQL_TYPE_LONGLONG;
            b->is_unsigned = st->columns[i] == DB_U64;
            b->buffer = b->is_unsigned ? (void *)&f.columns[i].u64 : (void *)&f.columns[i].i64;
        } else {
            b->buffer_type = st->columns[i] == DB_STR ? MYSQL_TYPE_STRING : MYSQL_TYPE_BLOB;
            b->buffer = f.text + (size_t)i * TEXT_BYTES;
            b->buffer_length = TEXT_BYTES;
        }
    }
    return f;
}

/* Copies a text column of the present row into the arena, at whatever length it has. */
static bool take_text(MYSQL_STMT *stmt, struct fetch *f, unsigned i, struct arena *arena)
{
    struct db_value *v = &f->columns[i];

    v->str = STR_NONE;
    if (f->nulls[i])
        return true;
    const unsigned long n = f->lengths[i];
    if (n <= TEXT_BYTES) {
        v->str = (struct str){arena_copy(arena, f->bind[i].buffer, n), n};
        return true;
    }
    char *whole = arena_alloc(arena, n + 1);
    MYSQL_BIND b = f->bind[i];
    b.buffer = whole;
    b.buffer_length = n;
    v->str = (struct str){whole, n};
    return !mysql_stmt_fetch_column(stmt, &b, i, 0);
}

static enum err take_row(struct db *db, MYSQL_STMT *stmt, const struct db_statement *st, struct fetch *f,
                         struct arena *arena)
{
    for (unsigned i = 0; i < st->n_columns; i++) {
        struct db_value *v = &f->columns[i];
        v->is_null = f->nulls[i];
        if (v->type == DB_STR || v->type == DB_BYTES) {
            if (!take_text(stmt, f, i, arena))
                return failure(db, mysql_stmt_errno(stmt), mysql_stmt_error(stmt));
        } else if (v->is_null) {
            v->u64 = 0;
            v->i64 = 0;
        } else if (f->cut[i]) {
            return broken(db, "a number does not fit its column's type");
        }
    }
    return OK;
}

static enum err fetch_rows(struct db *db, MYSQL_STMT *stmt, const struct db_statement *st,
                           struct arena *arena, enum err (*row)(const struct db_value *columns, void *arg),
                           void *arg)
{
    struct fetch f = fetch_new(st, arena);

    if (mysql_stmt_bind_result(stmt, f.bind))
        return failure(db, mysql_stmt_errno(stmt), mysql_stmt_error(stmt));
    for (;;) {
        const int got = mysql_stmt_fetch(stmt);
        if (got == MYSQL_NO_DATA)
            return OK;
        if (got == 1)
            return failure(db, mysql_stmt_errno(stmt), mysql_stmt_error(stmt));
        TRY(take_row(db, stmt, st, &f, arena));
        TRY(row(f.columns, arg));
    }
}

/* 1243: the server no longer knows the statement; 1615: it wants it prepared again. */
static bool is_forgotten(unsigned number)
{
    return number == ER_UNKNOWN_STMT_HANDLER || number == ER_NEED_REPREPARE;
}

enum err db_run(struct db *db, const struct db_statement *st, const struct db_value *params,
                struct arena *arena, enum err (*row)(const struct db_value *columns, void *arg), void *arg,
                uint64_t *affected)
{
    MYSQL_BIND *bind = arena_array(arena, st->n_params, sizeof *bind);
    MYSQL_STMT *stmt = NULL;

    bind_params(bind, params, st->n_params);
    TRY(db_open(db));
    TRY(limit(db));
    for (bool again = false;; again = true) {
        TRY(prepare(db, st, &stmt));
        if (!mysql_stmt_bind_param(stmt, bind) && !mysql_stmt_execute(stmt))
            break;
        const unsigned number = mysql_stmt_errno(stmt);
        if (!is_forgotten(number) || again)
            return failure(db, number, mysql_stmt_error(stmt));
        forget(db, st);
    }
    if (!st->n_columns) {
        if (affected)
            *affected = mysql_stmt_affected_rows(stmt);
        return OK;
    }
    const enum err err = fetch_rows(db, stmt, st, arena, row, arg);
    if (db->mysql && mysql_stmt_free_result(stmt)) {
        const enum err lost = failure(db, mysql_stmt_errno(stmt), mysql_stmt_error(stmt));
        return err != OK ? err : lost;
    }
    return err;
}

/* ---- text in one round trip ---- */

static enum err batch_rows(struct db *db, unsigned statement,
                           enum err (*row)(unsigned statement, const struct str *columns, unsigned n,
                                           void *arg),
                           void *arg)
{
    const unsigned n = mysql_field_count(db->mysql);
    if (!n)
        return OK;
    MYSQL_RES *result = mysql_use_result(db->mysql);
    if (!result)
        return failed(db);
    struct str columns[COLUMNS_MAX];
    enum err err = n <= COLUMNS_MAX ? OK : broken(db, "too many columns");
    MYSQL_ROW r;
    while (err == OK && (r = mysql_fetch_row(result))) {
        const unsigned long *lengths = mysql_fetch_lengths(result);
        for (unsigned i = 0; i < n; i++)
            columns[i] = (struct str){r[i], r[i] ? lengths[i] : 0};
        err = row(statement, columns, n, arg);
    }
    const bool lost = err == OK && mysql_errno(db->mysql);
    if (lost)
        err = failure(db, mysql_errno(db->mysql), mysql_error(db->mysql));
    mysql_free_result(result);
    return err;
}

static bool ends_in_commit(struct str sql)
{
    static const struct str commit = {"COMMIT", 6};
    return sql.n >= commit.n && memcmp(sql.p + sql.n - commit.n, commit.p, commit.n) == 0;
}

/* All answers up to the first error; those behind it are not there. */
static enum err batch_answers(struct db *db,
                              enum err (*row)(unsigned statement, const struct str *columns, unsigned n,
                                              void *arg),
                              void *arg, unsigned *statement)
{
    for (;;) {
        const enum err err = batch_rows(db, *statement, row, arg);
        if (err != OK) {
            /* The rest of the answers is of no use, and would be in the way of the next question. */
            db_close(db);
            return err;
        }
        if (!mysql_more_results(db->mysql))
            return OK;
        ++*statement;
        if (mysql_next_result(db->mysql) > 0)
            return failed(db);
    }
}

enum err db_batch(struct db *db, struct str sql,
                  enum err (*row)(unsigned statement, const struct str *columns, unsigned n, void *arg),
                  void *arg, unsigned *failed_statement)
{
    unsigned statement = 0;

    TRY(db_open(db));
    TRY(limit(db));
    enum err err =
        mysql_real_query(db->mysql, sql.p, sql.n) ? failed(db) : batch_answers(db, row, arg, &statement);
    if (failed_statement)
        *failed_statement = statement;
    if (db->mysql)
        db->in_transaction = db->mysql->server_status & SERVER_STATUS_IN_TRANS;
    else if (ends_in_commit(sql))
        db->in_transaction = false;
    if (err == ERR_UNAVAILABLE && !db->mysql && ends_in_commit(sql))
        err = ERR_OUTCOME_UNKNOWN;
    return err;
}
