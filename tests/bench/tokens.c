/*
 * Access tokens of made-up people, as the house itself makes them.
 *
 *   tokens FIRST_USER FIRST_SESSION COUNT
 *
 * One a line; user and session rise together. Finds its services by POSTHOUSE_*.
 */
#include <stdio.h>
#include <stdlib.h>

#include "base/clock.h"
#include "model/house.h"
#include "model/token.h"

enum { LIFE_MS = 3600 * 1000 };

int main(int argc, char **argv)
{
    static struct conf conf;
    struct problem problem = {0};
    struct house *house;

    if (argc != 4 || conf_load(&conf, NULL, &problem) != OK ||
        house_open(&conf, "bench", &problem, &house) != OK) {
        fprintf(stderr, "tokens FIRST_USER FIRST_SESSION COUNT: %s\n", problem.detail);
        return 1;
    }
    const uint64_t user_id = strtoull(argv[1], NULL, 10), session_id = strtoull(argv[2], NULL, 10),
                   count = strtoull(argv[3], NULL, 10);
    const int64_t until_ms = clock_wall_ms() + LIFE_MS;
    struct arena *arena = arena_new();
    enum err err = OK;
    for (uint64_t i = 0; i < count && err == OK; i++) {
        const struct actor who = {.app_id = 1, .user_id = user_id + i, .session_id = session_id + i};
        struct str token;
        err = token_make(house_token_keys(house), TOKEN_ACCESS, &who, until_ms, arena, &token);
        if (err == OK)
            printf("%.*s\n", STR_ARG(token));
    }
    arena_free(arena);
    house_close(house);
    return err != OK;
}
