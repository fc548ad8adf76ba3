/*
 * posthousectl: what the operator does with a house, from a terminal.
 *
 * Each command is a row of the table below: its words, its arguments, its help,
 * its function. Exit 0: done; 1: it failed, and why is on standard error; 2: it was
 * called wrongly. Passwords come from the terminal or standard input, never from arguments.
 */
#include <errno.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <termios.h>
#include <time.h>
#include <unistd.h>

#include "base/log.h"
#include "ext/crypt.h"
#include "model/accounts.h"
#include "model/admin.h"
#include "model/assistants.h"
#include "model/filenames.h"
#include "model/house.h"
#include "model/migrate.h"
#include "model/providers.h"
#include "model/receive.h"
#include "model/revocation.h"

enum { EXIT_USAGE = 2, LINE_BYTES = 1024, USERS_PER_READ = 200 };

/* What a command works with. */
struct job {
    const struct conf *conf;
    struct ctx *ctx;
    char **args; /* after the command's words and without the options that were read; NULL-terminated */
    bool misused;
};

enum needs { NEEDS_NOTHING, NEEDS_DATABASE, NEEDS_HOUSE };

struct command {
    const char *words, *args, *help;
    enum err (*run)(struct job *job);
    enum needs needs;
};

/* ---- arguments ---- */

/* Takes this option out of the arguments; true if it was there. With `value`, the word after it too. */
static bool option(struct job *job, const char *name, char **value)
{
    const int width = value ? 2 : 1;

    for (char **a = job->args; *a; a++) {
        if (strcmp(*a, name) != 0)
            continue;
        if (value)
            *value = a[1];
        if (value && !a[1])
            return false; /* what is left over is refused */
        for (; (a[0] = a[width]); a++)
            ;
        return true;
    }
    return false;
}

static enum err misused(struct job *job, const char *why)
{
    job->misused = true;
    return fail(job->ctx, ERR_INVALID_REQUEST, "%s", why);
}

/* A whole number of an option; `standard` where it is not said. */
static enum err number(struct job *job, const char *name, unsigned standard, unsigned max, unsigned *out)
{
    char *text = NULL;
    uint64_t v = standard;

    if (option(job, name, &text) && (!str_u64(str_of(text), &v) || v < 1 || v > max)) {
        job->misused = true;
        return fail(job->ctx, ERR_INVALID_REQUEST, "%s must be 1 to %u", name, max);
    }
    *out = (unsigned)v;
    return OK;
}

static enum err no_more(struct job *job)
{
    return *job->args ? misused(job, "there are arguments too many") : OK;
}

static enum err one_name(struct job *job, struct str *out)
{
    if (!job->args[0] || job->args[1])
        return misused(job, "one username is needed");
    *out = str_of(job->args[0]);
    return utf8_check(*out, NULL) ? OK : misused(job, "the username is not valid UTF-8");
}

static void wipe_line(void *line)
{
    crypt_wipe(line, LINE_BYTES);
}

/* One line of standard input, without echo on a terminal. */
static enum err read_password(struct job *job, const char *prompt, struct str *out)
{
    char *line = arena_alloc(job->ctx->arena, LINE_BYTES);
    struct termios before, silent;

    arena_defer(job->ctx->arena, wipe_line, line);
    const bool terminal = tcgetattr(STDIN_FILENO, &before) == 0;

    if (terminal) {
        silent = before;
        silent.c_lflag &= ~(tcflag_t)ECHO;
        fputs(prompt, stderr);
        tcsetattr(STDIN_FILENO, TCSAFLUSH, &silent);
    }
    const bool got = fgets(line, LINE_BYTES, stdin) != NULL;
    if (terminal) {
        tcsetattr(STDIN_FILENO, TCSAFLUSH, &before);
        fputc('\n', stderr);
    }
    *out = (struct str){line, got ? strcspn(line, "\r\n") : 0};
    return got ? OK : fail(job->ctx, ERR_INVALID_REQUEST, "no password was given");
}

/* ---- the house ---- */

static void say_applied(void *arg, const char *file)
{
    (void)arg;
    printf("applied %s\n", file);
}

static enum err do_migrate(struct job *job)
{
    TRY(no_more(job));
    TRY(migrate_run(job->ctx, say_applied, NULL));
    puts("the schema is up to date");
    return OK;
}

static enum err do_config(struct job *job)
{
    const bool json = option(job, "--json", NULL);

    TRY(no_more(job));
    if (json)
        conf_print_json(job->conf, stdout);
    else
        conf_print_docs(stdout);
    return OK;
}

static enum err do_rotate_key(struct job *job)
{
    const bool now = option(job, "--now", NULL);
    const int64_t grace_ms = now ? 0 : revocations_kept_ms(job->conf);
    unsigned id = 0;

    TRY(no_more(job));
    TRY(admin_rotate_key(job->ctx, grace_ms, &id));
    if (now)
        printf(
            "key %u signs from now on; every access token made before is void, and clients fetch new ones "
            "by their refresh tokens; `revoke` ends sessions. Polls and streams that are open already go on "
            "for %d s at the most; a restart of poll ends them at once\n",
            id,
            job->conf->stream_max_s > job->conf->poll_max_s ? job->conf->stream_max_s
                                                            : job->conf->poll_max_s);
    else
        printf("key %u signs within a minute; those before are accepted for %d minutes more\n", id,
               (int)(grace_ms / 60000));
    return OK;
}

static enum err do_invite(struct job *job)
{
    unsigned uses = 0, days = 0;
    struct str code = STR_NONE;

    TRY(number(job, "--uses", 1, 100000, &uses));
    TRY(number(job, "--days", 7, 3650, &days));
    TRY(no_more(job));
    TRY(admin_invite(job->ctx, uses, days, &code));
    printf("%.*s\n", STR_ARG(code));
    return OK;
}

/* ---- people ---- */

static enum err do_admin_create(struct job *job)
{
    struct str name = STR_NONE, password = STR_NONE, again = STR_NONE;

    TRY(one_name(job, &name));
    TRY(read_password(job, "password: ", &password));
    if (isatty(STDIN_FILENO)) {
        TRY(read_password(job, "again: ", &again));
        if (!str_eq(password, again))
            return fail(job->ctx, ERR_INVALID_REQUEST, "the two passwords differ");
    }
    TRY(admin_create(job->ctx, name, password));
    printf("%.*s is an administrator\n", STR_ARG(name));
    return OK;
}

static const char *when(int64_t ms, char out[32])
{
    const time_t s = (time_t)(ms / 1000);
    struct tm tm;

    return ms && gmtime_r(&s, &tm) && strftime(out, 32, "%F %TZ", &tm) ? out : "never";
}

static void print_user(const struct listed_row *u)
{
    static const char *const states[] = {"active", "suspended", "deleted"};
    static const char *const roles[] = {"user", "auditor", "moderator", "admin"};
    char created[32], seen[32];

    printf("%" PRIu64 "\t%.*s\t%s\t%s\t%" PRIu64 "\t%s\t%s\n", u->id, STR_ARG(u->username),
           u->state < 3 ? states[u->state] : "", u->role < 4 ? roles[u->role] : "", u->friend_count,
           when(u->created_at, created), when(u->last_seen_at, seen));
}

static enum err do_users(struct job *job)
{
    struct listed_row *rows;
    uint64_t after = 0;
    size_t n;

    TRY(no_more(job));
    puts("id\tusername\tstate\trole\tfriends\tcreated\tlast seen");
    do {
        TRY(admin_users(job->ctx, after, USERS_PER_READ, &rows, &n));
        for (size_t i = 0; i < n; i++)
            print_user(&rows[i]);
        after = n ? rows[n - 1].id : after;
        arena_reset(job->ctx->arena);
    } while (n == USERS_PER_READ);
    return OK;
}

static enum err do_named(struct job *job, enum err (*fn)(struct ctx *, struct str), const char *done)
{
    struct str name = STR_NONE;

    TRY(one_name(job, &name));
    TRY(fn(job->ctx, name));
    printf("%.*s %s\n", STR_ARG(name), done);
    return OK;
}

static enum err do_suspend(struct job *job)
{
    return do_named(job, admin_suspend, "is suspended and signed out everywhere");
}

static enum err do_resume(struct job *job)
{
    return do_named(job, admin_resume, "may sign in again");
}

static enum err do_revoke(struct job *job)
{
    return do_named(job, admin_revoke, "is signed out everywhere");
}

static enum err do_reset_link(struct job *job)
{
    struct str name = STR_NONE, token = STR_NONE;

    TRY(one_name(job, &name));
    TRY(admin_reset_link(job->ctx, name, &token));
    printf("works once, for a day: %s/reset/%.*s\n", job->conf->public_url, STR_ARG(token));
    return OK;
}

/* ---- assistants ---- */

/* The names of a comma-separated option. */
static size_t names_of(struct job *job, const char *name, struct str **out)
{
    char *text = NULL;
    struct str rest, one;
    size_t n = 0;

    *out = arena_array(job->ctx->arena, ASSISTANT_ALLOWED_MAX + 1, sizeof **out);
    if (!option(job, name, &text))
        return 0;
    for (rest = str_of(text); n <= ASSISTANT_ALLOWED_MAX && str_cut(&rest, ',', &one);)
        (*out)[n++] = one;
    return n;
}

static enum err group_ids(struct job *job, struct assistant_new *in)
{
    struct str *names;
    const size_t n = names_of(job, "--groups", &names);
    uint64_t *ids = arena_array(job->ctx->arena, n, sizeof *ids);

    for (size_t i = 0; i < n; i++)
        if (!str_u64(names[i], &ids[i]))
            return misused(job, "--groups takes ids of groups, separated by commas");
    in->group_ids = ids;
    in->n_groups = n;
    return OK;
}

static enum err read_prompt(struct job *job, struct str *out)
{
    enum { BYTES = 4 * ASSISTANT_PROMPT_MAX };
    char *path = NULL, *text = arena_alloc(job->ctx->arena, BYTES + 1);

    *out = STR("");
    if (!option(job, "--prompt-file", &path))
        return OK;
    FILE *file = fopen(path, "re");
    if (!file)
        return fail(job->ctx, ERR_INVALID_REQUEST, "%s: %s", path, strerror(errno));
    *out = (struct str){text, fread(text, 1, BYTES + 1, file)};
    const bool good = !ferror(file) && out->n <= BYTES;
    (void)fclose(file); /* it was only read */
    return good ? OK : fail(job->ctx, ERR_INVALID_REQUEST, "%s cannot be read, or is too long", path);
}

static enum err do_assistant_add(struct job *job)
{
    struct assistant_new in = {0};
    struct providers *providers;
    char *nickname = NULL, *provider = NULL;
    struct str *usernames;

    (void)option(job, "--nickname", &nickname);
    if (!option(job, "--provider", &provider))
        return misused(job, "--provider NAME is needed");
    in.pictures = option(job, "--pictures", NULL);
    in.n_usernames = names_of(job, "--for", &usernames);
    in.usernames = usernames;
    TRY(group_ids(job, &in));
    TRY(read_prompt(job, &in.prompt));
    TRY(one_name(job, &in.username));
    in.nickname = nickname ? str_of(nickname) : in.username;
    in.provider = str_of(provider);
    TRY(providers_open(job->conf, job->ctx->problem, &providers));
    const bool is_known = providers_find(providers, in.provider) != NULL;
    providers_free(providers);
    if (!is_known)
        return fail(job->ctx, ERR_INVALID_REQUEST, "the setting `providers` names no file with a provider %s",
                    provider);
    TRY(assistant_add(job->ctx, &in));
    printf("%.*s answers\n", STR_ARG(in.username));
    return OK;
}

/* A store_source. */
static long read_picture(void *file, char *out, size_t max)
{
    const size_t n = fread(out, 1, max, file);
    return ferror(file) ? -1 : (long)n;
}

static enum err run_here(void *ctx, enum err (*fn)(struct ctx *ctx, void *arg), void *arg)
{
    return fn(ctx, arg);
}

static enum err receive_picture(struct job *job, const char *path, FILE *file, struct file *out)
{
    struct file_new f = {.size = 0};
    struct stat facts;

    if (fstat(fileno(file), &facts) != 0 || !S_ISREG(facts.st_mode))
        return fail(job->ctx, ERR_INVALID_REQUEST, "%s is no file", path);
    f.size = facts.st_size;
    struct store *store = store_new(job->conf);
    struct upload_io io = {.store = store,
                           .source = read_picture,
                           .arg = file,
                           .with_db = run_here,
                           .with_db_arg = job->ctx,
                           .ctx = job->ctx};
    enum err err = file_name_check(job->ctx, "FILE", STR("avatar"), &f.name);
    if (err == OK)
        err = store_ready(store, job->ctx->problem);
    if (err == OK)
        err = file_receive(&io, &f, out);
    store_free(store);
    return err;
}

static enum err do_assistant_avatar(struct job *job)
{
    char **args = job->args;
    struct file picture = {0};

    if (!args[0] || !args[1] || args[2] || !utf8_check(str_of(args[0]), NULL))
        return misused(job, "a username and a file with a picture are needed");
    (void)signal(SIGPIPE, SIG_IGN); /* what looks at the picture may read no more of it */
    FILE *file = fopen(args[1], "re");
    if (!file)
        return fail(job->ctx, ERR_INVALID_REQUEST, "%s: %s", args[1], strerror(errno));
    enum err err = assistant_become(job->ctx, str_of(args[0]));
    if (err == OK)
        err = receive_picture(job, args[1], file, &picture);
    (void)fclose(file); /* it was only read */
    TRY(err);
    TRY(assistant_set_avatar(job->ctx, picture.id));
    printf("%s has a picture\n", args[0]);
    return OK;
}

static enum err do_assistant_list(struct job *job)
{
    struct assistant_listed_row *rows;
    uint64_t after = 0;
    size_t n;

    TRY(no_more(job));
    puts("id\tusername\tprovider\tfor");
    do {
        TRY(assistants_all(job->ctx, after, USERS_PER_READ, &rows, &n));
        for (size_t i = 0; i < n; i++)
            printf("%" PRIu64 "\t%.*s\t%.*s\t%s\n", rows[i].user_id, STR_ARG(rows[i].username),
                   STR_ARG(rows[i].provider), rows[i].listed ? "some" : "everybody");
        after = n ? rows[n - 1].user_id : after;
        arena_reset(job->ctx->arena);
    } while (n == USERS_PER_READ);
    return OK;
}

static enum err do_assistant_remove(struct job *job)
{
    return do_named(job, assistant_remove, "answers no more; what it said stays");
}

static const struct command commands[] = {
    {"migrate", "", "Bring the database to this version's schema. Safe to repeat.", do_migrate,
     NEEDS_DATABASE},
    {"config", "[--json]", "Every setting with its documentation; --json: the effective values.", do_config,
     NEEDS_NOTHING},
    {"admin create", "USERNAME", "Make an administrator; the password is asked, or read from standard input.",
     do_admin_create, NEEDS_HOUSE},
    {"users", "", "List everybody, by tabs.", do_users, NEEDS_DATABASE},
    {"suspend", "USERNAME", "Sign a person out everywhere and refuse to let him in.", do_suspend,
     NEEDS_HOUSE},
    {"resume", "USERNAME", "Let a suspended person in again.", do_resume, NEEDS_HOUSE},
    {"revoke", "USERNAME", "Sign a person out everywhere.", do_revoke, NEEDS_HOUSE},
    {"reset-link", "USERNAME", "An address where the person sets a new password.", do_reset_link,
     NEEDS_HOUSE},
    {"invite", "[--uses N] [--days N]",
     "A code for signing up where registration is by invitation (1 use, 7 days).", do_invite, NEEDS_HOUSE},
    {"assistant add",
     "USERNAME --provider NAME [--nickname TEXT] [--prompt-file FILE] [--for NAME,NAME] [--groups ID,ID] "
     "[--pictures]",
     "Make an assistant of a provider; for everybody, or for some people and members of groups.",
     do_assistant_add, NEEDS_HOUSE},
    {"assistant avatar", "USERNAME FILE", "Give an assistant a picture.", do_assistant_avatar, NEEDS_HOUSE},
    {"assistant list", "", "List the assistants, by tabs.", do_assistant_list, NEEDS_DATABASE},
    {"assistant remove", "USERNAME", "Take an assistant away.", do_assistant_remove, NEEDS_HOUSE},
    {"rotate-key", "[--now]", "A new key for access tokens; --now: the old one may be known to others.",
     do_rotate_key, NEEDS_HOUSE},
};

/* ---- running ---- */

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

static void complain(const struct ctx *ctx, enum err err)
{
    const struct problem *p = ctx->problem;

    if (p->n_fields)
        fprintf(stderr, "posthousectl: %s %s\n", p->fields[0].field, p->fields[0].reason);
    else if (p->detail[0])
        fprintf(stderr, "posthousectl: %s\n", p->detail);
    else
        fprintf(stderr, "posthousectl: %s %s\n", err_title(err), db_error(ctx->db));
}

static int run(const struct command *c, const struct conf *conf, char **args)
{
    struct problem problem = {0};
    struct arena *arena = arena_new();
    struct ctx ctx = {
        .arena = arena, .db = db_new(conf), .problem = &problem, .actor = {.app_id = APP_HOUSE}};
    struct job job = {.conf = conf, .ctx = &ctx, .args = args};
    enum err err = OK;

    if (c->needs == NEEDS_HOUSE)
        err = house_open(conf, "posthousectl", &problem, &ctx.house);
    if (err == OK)
        err = c->run(&job);
    if (err != OK)
        complain(&ctx, err);
    if (job.misused)
        fprintf(stderr, "usage: posthousectl %s %s\n", c->words, c->args);
    if (ctx.house)
        house_close(ctx.house);
    db_free(ctx.db);
    arena_free(arena);
    return err == OK ? EXIT_SUCCESS : job.misused ? EXIT_USAGE : EXIT_FAILURE;
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
        return EXIT_USAGE;
    }
    if (conf_load(&conf, path, &problem) != OK) {
        fprintf(stderr, "posthousectl: %s\n", problem.detail);
        return EXIT_FAILURE;
    }
    log_init("posthousectl", LOG_ERROR);
    return run(c, &conf, args + n);
}
