/*
 * posthousectl: what the operator does with a house, from a terminal.
 *
 * Each command is a row of the table below: its words, its arguments, its help,
 * its function. Exit 0: done; 1: it failed, and why is on standard error; 2: it was
 * called wrongly. Secrets come from standard input, never from arguments.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/log.h"
#include "model/house.h"
#include "model/migrate.h"
#include "model/revocation.h"

enum { USAGE = 2, ARGS_MAX = 8 };

/* What a command works with. */
struct job {
    const struct conf *conf;
    struct ctx *ctx;
    char **args; /* after the command's words, NULL-terminated */
};

struct command {
    const char *words, *args, *help;
    enum err (*run)(struct job *job);
    bool offline; /* needs no database */
};

/* True if this option is among the arguments; it is taken out. */
static bool option(struct job *job, const char *name)
{
    for (char **a = job->args; *a; a++) {
        if (strcmp(*a, name) != 0)
            continue;
        for (; *a; a++)
            a[0] = a[1];
        return true;
    }
    return false;
}

/* ---- the house ---- */

static void say_applied(void *arg, const char *file)
{
    (void)arg;
    printf("applied %s\n", file);
}

static enum err do_migrate(struct job *job)
{
    TRY(migrate_run(job->ctx, say_applied, NULL));
    puts("the schema is up to date");
    return OK;
}

static enum err do_config(struct job *job)
{
    if (option(job, "--json"))
        conf_print_json(job->conf, stdout);
    else
        conf_print_docs(stdout);
    return OK;
}

struct rotation {
    int64_t grace_ms;
    unsigned id;
};

static enum err rotate(struct ctx *ctx, void *arg)
{
    struct rotation *r = arg;
    return token_key_rotate(ctx, r->grace_ms, &r->id);
}

static enum err do_rotate_key(struct job *job)
{
    const bool now = option(job, "--now");
    struct rotation r = {.grace_ms = now ? 0 : revocations_kept_ms(job->conf)};

    TRY(tx_run(job->ctx, rotate, &r));
    if (now)
        printf("key %u signs from now on; all other keys are void, and clients refresh\n", r.id);
    else
        printf("key %u signs within a minute; the one before is accepted for %d minutes more\n", r.id,
               (int)(r.grace_ms / 60000));
    return OK;
}

static const struct command commands[] = {
    {"migrate", "", "Bring the database to this version's schema. Safe to repeat.", do_migrate, false},
    {"config", "[--json]", "Every setting with its documentation; --json: the effective values.", do_config,
     true},
    {"rotate-key", "[--now]", "Make a new key for access tokens. --now: the old one may be known to others.",
     do_rotate_key, false},
};

static void help(FILE *out)
{
    fputs("usage: posthousectl [--config FILE] COMMAND\n\n", out);
    for (size_t i = 0; i < sizeof commands / sizeof *commands; i++)
        fprintf(out, "  %s %s\n      %s\n", commands[i].words, commands[i].args, commands[i].help);
}

/* How many of `args` are the words of the command; 0: it is another one. */
static size_t words_of(const struct command *c, char **args)
{
    struct str rest = str_of(c->words), word;
    size_t n = 0;

    for (; str_cut(&rest, ' ', &word); n++)
        if (!args[n] || !str_eq(str_of(args[n]), word))
            return 0;
    return n;
}

static const struct command *find(char **args, size_t *n)
{
    for (size_t i = 0; i < sizeof commands / sizeof *commands; i++)
        if ((*n = words_of(&commands[i], args)) > 0)
            return &commands[i];
    return NULL;
}

static int run(const struct command *c, const struct conf *conf, char **args)
{
    struct problem problem = {0};
    struct arena *arena = arena_new();
    struct ctx ctx = {.arena = arena, .db = db_new(conf), .problem = &problem, .actor = {.app_id = 1}};
    struct job job = {.conf = conf, .ctx = &ctx, .args = args};

    const enum err err = c->run(&job);
    if (err != OK)
        fprintf(stderr, "posthousectl: %s\n",
                problem.detail[0]   ? problem.detail
                : *db_error(ctx.db) ? db_error(ctx.db)
                                    : err_title(err));
    db_free(ctx.db);
    arena_free(arena);
    return err == OK ? EXIT_SUCCESS : EXIT_FAILURE;
}

int main(int argc, char **argv)
{
    static struct conf conf;
    struct problem problem = {0};
    const char *path = NULL;
    char **args = argv + 1;
    size_t n;

    (void)argc;
    if (args[0] && args[1] && strcmp(args[0], "--config") == 0) {
        path = args[1];
        args += 2;
    }
    if (args[0] && (strcmp(args[0], "--help") == 0 || strcmp(args[0], "help") == 0)) {
        help(stdout);
        return EXIT_SUCCESS;
    }
    const struct command *c = find(args, &n);
    if (!c) {
        help(stderr);
        return USAGE;
    }
    if (conf_load(&conf, path, &problem) != OK) {
        fprintf(stderr, "posthousectl: %s\n", problem.detail);
        return EXIT_FAILURE;
    }
    log_init("posthousectl", (enum log_level)conf.log_level);
    return run(c, &conf, args + n);
}
