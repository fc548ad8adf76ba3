/*
 * The main() of every handler: arguments, settings, the house, then serving.
 * What differs between handlers is the const struct service that each defines.
 */
#include <getopt.h>
#include <signal.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/count.h"
#include "base/log.h"
#include "web/bodies.h"
#include "web/cgi.h"
#include "web/front.h"
#include "web/pool.h"

enum { EXIT_USAGE = 2 };

struct arguments {
    const char *socket, *config;
    bool routes, help;
};

static void print_help(FILE *out)
{
    fprintf(
        out,
        "posthouse-%s: a FastCGI handler of Posthouse.\n\n"
        "  --socket PATH    serve FastCGI on a unix socket at PATH (0660)\n"
        "  --config FILE    settings (else POSTHOUSE_CONFIG, else ./posthouse.conf); the environment wins\n"
        "  --routes         print the route table as JSON\n"
        "  --help           this text\n\n"
        "Without --socket, and with a request in the environment, it answers that as plain CGI.\n"
        "SIGTERM stops it with grace.\n",
        service.name);
}

static bool read_arguments(int argc, char **argv, struct arguments *a)
{
    static const struct option options[] = {{"socket", required_argument, NULL, 's'},
                                            {"config", required_argument, NULL, 'c'},
                                            {"routes", no_argument, NULL, 'r'},
                                            {"help", no_argument, NULL, 'h'},
                                            {0}};
    int option;

    while ((option = getopt_long(argc, argv, "", options, NULL)) != -1) {
        if (option == 's')
            a->socket = optarg;
        else if (option == 'c')
            a->config = optarg;
        else if (option == 'r')
            a->routes = true;
        else if (option == 'h')
            a->help = true;
        else
            return false;
    }
    return optind == argc;
}

/* How many processes share the users' limits. */
static int pool_size(const struct conf *conf, const char *name)
{
    char want[64];

    snprintf(want, sizeof want, "pool_%s", name);
#define CONF_STR(setting, value, what)
#define CONF_SECRET(setting, value, what)
#define CONF_ENUM(setting, value, names, what)
#define CONF_INT(setting, value, min, max, what)                                                             \
    if (!strcmp(want, #setting))                                                                             \
        return conf->setting;
#include "base/conf.def"
#undef CONF_STR
#undef CONF_SECRET
#undef CONF_ENUM
#undef CONF_INT
    return 1;
}

/* Before any thread: they all inherit it, and the loop reads signals from a descriptor. */
static void block_signals(void)
{
    sigset_t stop;

    signal(SIGPIPE, SIG_IGN);
    sigemptyset(&stop);
    sigaddset(&stop, SIGTERM);
    sigaddset(&stop, SIGINT);
    pthread_sigmask(SIG_BLOCK, &stop, NULL);
}

static void count_routes(void)
{
    for (size_t i = 0; i < service.n_routes; i++)
        (void)count_route(route_method_name(service.routes[i].method), service.routes[i].path);
    (void)count_route("", ""); /* whatever found no route */
}

static bool has(unsigned flag)
{
    for (size_t i = 0; i < service.n_routes; i++)
        if (service.routes[i].flags & flag)
            return true;
    return false;
}

/* From listening to the last answer. */
static enum err serve_front(struct site *site, const char *path, struct problem *problem)
{
    site->pool = pool_new(site->conf, site->conf->workers, site->conf->queue, "posthouse_queue");
    if (has(ROUTE_HEAVY))
        site->heavy = pool_new(site->conf, site->conf->heavy_concurrent, site->conf->heavy_queue,
                               "posthouse_queue_heavy");
    if (has(ROUTE_BODY))
        site->bodies = bodies_new(site->conf);
    const enum err err = front_open(site, path, problem);
    if (err == OK) {
        log_info("started", log_c("socket", path), log_num("pid", getpid()),
                 log_num("workers", site->conf->workers));
        front_run();
    }
    if (site->bodies)
        bodies_free(site->bodies);
    pool_free(site->pool);
    if (site->heavy)
        pool_free(site->heavy);
    if (service.close)
        service.close(); /* its threads may still have answers to give: the connections are closed after it */
    front_close();
    return err;
}

static enum err serve_socket(struct site *site, const char *path, struct problem *problem)
{
    TRY(count_open(site->conf->run_dir, service.name, problem));
    count_routes();
    enum err err = service.open ? service.open(site->house, site->conf) : OK;
    if (err == OK)
        err = serve_front(site, path, problem);
    count_close();
    return err;
}

static enum err serve_cgi(struct site *site, struct problem *problem)
{
    if (service.open)
        TRY(service.open(site->house, site->conf));
    const bool served = cgi_serve(site);
    if (service.close)
        service.close();
    return served ? OK : problem_set(problem, ERR_INVALID_REQUEST, "the request could not be read");
}

static enum err run(const struct arguments *a, const struct conf *conf, struct problem *problem)
{
    struct site site = {.service = &service, .conf = conf};

    if (fcgi_init() != OK)
        return problem_set(problem, ERR_UNAVAILABLE, "libfcgi cannot be used");
    block_signals(); /* libfcgi has installed handlers of its own: ours come after */
    TRY(house_open(conf, service.name, problem, &site.house));
    site.rate = rate_new(conf->rate_user_per_s, conf->rate_user_burst, pool_size(conf, service.name));
    const enum err err = a->socket ? serve_socket(&site, a->socket, problem) : serve_cgi(&site, problem);
    rate_free(site.rate);
    house_close(site.house);
    return err;
}

int main(int argc, char **argv)
{
    static struct conf conf;
    struct arguments a = {0};
    struct problem problem = {0};

    if (!read_arguments(argc, argv, &a) || (!a.help && !a.routes && !a.socket && !cgi_is_here())) {
        print_help(stderr);
        return EXIT_USAGE;
    }
    if (a.help) {
        print_help(stdout);
        return EXIT_SUCCESS;
    }
    enum err err = route_check(&service, &problem);
    if (err == OK && a.routes) {
        route_print(&service, stdout);
        return EXIT_SUCCESS;
    }
    if (err == OK)
        err = conf_load(&conf, a.config, &problem);
    if (err != OK) {
        fprintf(stderr, "posthouse-%s: %s\n", service.name, problem.detail);
        return EXIT_USAGE;
    }
    log_init(service.name, (enum log_level)conf.log_level);
    if (conf.log_file[0] && !log_open(conf.log_file, (int64_t)conf.log_max_mib << 20)) {
        fprintf(stderr, "posthouse-%s: log_file %s cannot be written: %m\n", service.name, conf.log_file);
        return EXIT_FAILURE;
    }
    err = run(&a, &conf, &problem);
    if (err == OK)
        log_info("stopped", log_num("pid", getpid()));
    else
        log_error("cannot serve", log_c("detail", problem.detail[0] ? problem.detail : err_title(err)));
    return err == OK ? EXIT_SUCCESS : EXIT_FAILURE;
}
