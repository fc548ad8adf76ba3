/*
 * Every statement of sql/queries against the migrated schema: it can be prepared, its parameters and columns
 * are what it says, and on tables with many rows none reads a whole table or index that is not listed here.
 */
#include <CUnit/Basic.h>
#include <stdio.h>
#include <stdlib.h>

#include "lib/fixture.h"

enum { ROWS = 3000, TABLES_MAX = 64, COLUMNS_MAX = 64 };

/* Statements that may read a whole table, each with the reason beside it. None does. */
static const char *const may_read_all[] = {NULL};

static struct conf conf;
static struct db *db;
static struct arena *arena;

/* ---- filling every table with different rows ---- */

struct columns {
    char table[64], name[COLUMNS_MAX][64], type[COLUMNS_MAX][64];
    int length[COLUMNS_MAX];
    size_t n;
};

struct tables {
    char name[TABLES_MAX][64];
    size_t n;
};

static enum err on_table(unsigned statement, const struct str *columns, unsigned n, void *arg)
{
    struct tables *t = arg;

    (void)statement;
    (void)n;
    if (t->n < TABLES_MAX)
        snprintf(t->name[t->n++], sizeof t->name[0], "%.*s", STR_ARG(columns[0]));
    return OK;
}

static enum err on_column(unsigned statement, const struct str *columns, unsigned n, void *arg)
{
    struct columns *c = arg;
    uint64_t length = 0;

    (void)statement;
    (void)n;
    if (c->n >= COLUMNS_MAX || (columns[2].p && !str_u64(columns[2], &length)))
        return ERR_UNAVAILABLE;
    snprintf(c->name[c->n], sizeof c->name[0], "%.*s", STR_ARG(columns[0]));
    snprintf(c->type[c->n], sizeof c->type[0], "%.*s", STR_ARG(columns[1]));
    c->length[c->n++] = (int)(length < 30 ? length : 30);
    return OK;
}

static enum err no_row(unsigned statement, const struct str *columns, unsigned n, void *arg)
{
    (void)statement;
    (void)columns;
    (void)n;
    (void)arg;
    return OK;
}

static void sql(struct str text, enum err (*row)(unsigned, const struct str *, unsigned, void *), void *arg)
{
    if (db_batch(db, text, row, arg, NULL) == OK)
        return;
    fprintf(stderr, "%.*s\n%s\n", STR_ARG(text), db_error(db));
    exit(2);
}

/* Row i has i, or the text of i, in each column: as selective as a column can be. */
static void fill(const char *table)
{
    struct buf b = buf_in(arena);
    struct columns c = {0};

    buf_printf(&b,
               "SELECT column_name, data_type, character_maximum_length FROM information_schema.columns"
               " WHERE table_schema = DATABASE() AND table_name = '%s' ORDER BY ordinal_position",
               table);
    sql(buf_done(&b), on_column, &c);
    b = buf_in(arena);
    buf_printf(&b, "INSERT IGNORE INTO %s SELECT ", table);
    for (size_t i = 0; i < c.n; i++) {
        const bool is_number = strstr(c.type[i], "int") != NULL;
        const int length = c.length[i];
        buf_c(&b, i ? ", " : "");
        if (is_number)
            buf_printf(&b, "seq %% %d", strcmp(c.type[i], "tinyint") == 0 ? 2 : ROWS);
        else
            buf_printf(&b, "LPAD(seq, %d, '0')", length);
    }
    buf_printf(&b, " FROM seq_1_to_%d;ANALYZE TABLE %s", ROWS, table);
    sql(buf_done(&b), no_row, NULL);
}

static void fill_all(void)
{
    struct tables tables = {0};

    sql(STR("SELECT table_name FROM information_schema.tables WHERE table_schema = DATABASE()"
            " AND table_name <> 'schema_migrations'"),
        on_table, &tables);
    for (size_t i = 0; i < tables.n; i++)
        fill(tables.name[i]);
}

/* ---- the checks ---- */

static void test_all_can_be_prepared(void)
{
    CU_ASSERT_TRUE(queries_count > 0);
    for (size_t i = 0; i < queries_count; i++) {
        if (db_prepare(db, queries_all[i]) == OK)
            continue;
        printf("\n    %s: %s", queries_all[i]->name, db_error(db));
        CU_FAIL("a statement cannot be prepared");
    }
}

static bool is_listed(const char *name)
{
    for (size_t i = 0; may_read_all[i]; i++)
        if (strcmp(may_read_all[i], name) == 0)
            return true;
    return false;
}

/* A plan's row: id, select_type, table, type, possible_keys, key, key_len, ref, rows, Extra. */
static enum err on_plan(unsigned statement, const struct str *columns, unsigned n, void *arg)
{
    const struct db_statement *st = arg;
    const struct str table = columns[2], type = columns[3];
    /* No derived table, and not what an INSERT writes to. */
    const bool is_table = table.p && table.n && *table.p != '<' && !str_eq(columns[1], STR("INSERT"));

    (void)statement;
    (void)n;
    if (!is_table || !type.p || is_listed(st->name) ||
        !(str_eq(type, STR("ALL")) || str_eq(type, STR("index"))))
        return OK;
    /* An index in its order, up to a LIMIT, is no scan. */
    if (str_eq(type, STR("index")) && strstr(st->sql, " LIMIT "))
        return OK;
    printf("\n    %s reads all of %.*s", st->name, STR_ARG(table));
    CU_FAIL("an unlisted scan");
    return OK;
}

/* With values like those of the rows in the places of the parameters. */
static void explain(const struct db_statement *st)
{
    struct buf b = buf_in(arena);
    unsigned i = 0;

    buf_c(&b, "EXPLAIN ");
    for (const char *c = st->sql; *c; c++) {
        if (*c != '?') {
            buf_char(&b, *c);
            continue;
        }
        if (st->params[i] == DB_U64 || st->params[i] == DB_I64)
            buf_u64(&b, 7 + i);
        else
            buf_printf(&b, "'%030u'", 7 + i);
        i++;
    }
    sql(buf_done(&b), on_plan, (void *)st);
}

static void test_none_reads_a_whole_table(void)
{
    /* Small lists only: what is right for one is right for 256, and a list as long as the table is a scan. */
    for (size_t i = 0; i < queries_count; i++)
        if (queries_all[i]->n_params < 32)
            explain(queries_all[i]);
}

int main(void)
{
    static const struct fixture_test tests[] = {
        {"all can be prepared, and fit", test_all_can_be_prepared},
        {"none reads a whole table", test_none_reads_a_whole_table},
    };
    struct problem problem = {0};

    if (conf_load(&conf, NULL, &problem) != OK) {
        fprintf(stderr, "%s\n", problem.detail);
        return 2;
    }
    db = db_new(&conf);
    arena = arena_new();
    fill_all();
    const int failed = FIXTURE_RUN("queries", tests);
    db_free(db);
    arena_free(arena);
    return failed;
}
