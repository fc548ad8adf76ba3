/*
 * One event for many people at once, by the fan-out that the handlers use: what a
 * message to a large group costs behind its commit.
 *
 *   ring FIRST_USER STEP COUNT
 *
 * Prints when it began (monotonic µs). Finds Redis by POSTHOUSE_*.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/clock.h"
#include "model/event.h"
#include "model/fanout.h"

int main(int argc, char **argv)
{
    static struct conf conf;
    struct problem problem = {0};

    if (argc != 4 || conf_load(&conf, NULL, &problem) != OK) {
        fprintf(stderr, "ring FIRST_USER STEP COUNT: %s\n", problem.detail);
        return 1;
    }
    const uint64_t user_id = strtoull(argv[1], NULL, 10), step = strtoull(argv[2], NULL, 10);
    const size_t count = strtoul(argv[3], NULL, 10);
    const struct event entry = {.kind = EVENT_ENTRY, .id = 1, .seq = 1};
    struct arena *arena = arena_new();
    struct fanout *fanout = fanout_new(&conf);
    struct fan_event event = {
        .reference = event_pack(&entry, 1, arena),
        .json = STR("{\"type\":\"entry\",\"entry\":{\"conversation_id\":\"1\",\"seq\":1,\"sender_id\":\"1\","
                    "\"client_msg_id\":\"00000000-0000-4000-8000-000000000001\",\"type\":\"text\","
                    "\"content\":{\"text\":\"A letter of common length, 你好\"},\"reply_to\":null,"
                    "\"created_at\":\"2026-01-01T00:00:00.000Z\"}}"),
    };
    struct fan_target *targets = arena_array(arena, count, sizeof *targets);
    for (size_t i = 0; i < count; i++)
        targets[i] = (struct fan_target){user_id + i * step, &event};
    printf("{\"began_us\":%" PRId64 "}\n", clock_mono_us());
    fanout_run(fanout, arena, targets, count);
    fanout_free(fanout);
    arena_free(arena);
    return event.left != 0;
}
