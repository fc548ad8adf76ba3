/* Counters as Prometheus text: names grouped, histograms cumulative, the file of a dead process told once. */
#include "base/metrics.h"

#include <CUnit/Basic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/count.h"
#include "lib/fixture.h"

static char dir[] = "/tmp/posthouse-metrics.XXXXXX";

static bool says(struct str text, const char *line)
{
    return memmem(text.p, text.n, line, strlen(line)) != NULL;
}

static size_t times(struct str text, const char *line)
{
    size_t n = 0;

    for (const char *at = text.p; (at = strstr(at, line)); at++)
        n++;
    return n;
}

/* What a process counts, then ends without a word: as if it were killed. */
static void count_in_child(const char *name)
{
    const pid_t child = fork();

    if (child == 0) {
        struct problem problem;
        if (count_open(dir, name, &problem) != OK)
            _exit(1);
        const unsigned route = count_route("GET", "/me");
        count_request(route, 200, 90);
        count_request(route, 200, 700);
        count_request(route, 503, 70000000);
        count_add(count_cell("posthouse_bells_total"), 3);
        count_set(count_cell("posthouse_polls_parked"), 2);
        _exit(0);
    }
    int status = 1;
    waitpid(child, &status, 0);
    CU_ASSERT_EQUAL(status, 0);
}

static void two_dead_processes(void)
{
    struct arena *arena = arena_new();

    CU_ASSERT_PTR_NOT_NULL_FATAL(mkdtemp(dir));
    count_in_child("poll");
    count_in_child("login");
    const struct str text = metrics_text(dir, arena);
    CU_ASSERT_EQUAL(times(text, "# TYPE posthouse_bells_total counter\n"), 1);
    CU_ASSERT_EQUAL(times(text, "# TYPE posthouse_polls_parked gauge\n"), 1);
    CU_ASSERT_EQUAL(times(text, "\nposthouse_bells_total{process="), 2);
    CU_ASSERT_TRUE(says(text, "method=\"GET\",route=\"/me\",status=\"2xx\"} 2\n"));
    CU_ASSERT_TRUE(says(text, "method=\"GET\",route=\"/me\",status=\"5xx\"} 1\n"));
    CU_ASSERT_TRUE(says(text, "route=\"/me\",le=\"0.0001\"} 1\n"));
    CU_ASSERT_TRUE(says(text, "route=\"/me\",le=\"0.001\"} 2\n"));
    CU_ASSERT_TRUE(says(text, "route=\"/me\",le=\"10\"} 2\n"));
    CU_ASSERT_TRUE(says(text, "route=\"/me\",le=\"+Inf\"} 3\n"));
    CU_ASSERT_TRUE(says(text, "posthouse_resident_bytes{process=\"poll\""));
    const struct str again = metrics_text(dir, arena);
    CU_ASSERT_FALSE(says(again, "posthouse_bells_total"));
    CU_ASSERT_EQUAL(rmdir(dir), 0);
    CU_ASSERT_FALSE(says(metrics_text(dir, arena), "process=")); /* no folder: nothing to tell */
    arena_free(arena);
}

int main(void)
{
    static const struct fixture_test tests[] = {{"two dead processes", two_dead_processes}};
    return FIXTURE_RUN("metrics", tests);
}
