/* Waiting in tests. */
#include "lib/until.h"

#include <time.h>

#include "base/clock.h"

enum { DEADLINE_MS = 10000, STEP_NS = 500000 };

void until_step(void)
{
    nanosleep(&(const struct timespec){.tv_nsec = STEP_NS}, NULL);
}

bool until(bool (*is)(void))
{
    const int64_t deadline = clock_mono_ms() + DEADLINE_MS;

    while (!is() && clock_mono_ms() < deadline)
        until_step();
    return is();
}
