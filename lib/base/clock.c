/* Time, read from the two clocks of POSIX. */
#include "base/clock.h"

#include <time.h>

static int64_t read_us(clockid_t clock)
{
    struct timespec t;

    clock_gettime(clock, &t);
    return (int64_t)t.tv_sec * 1000000 + t.tv_nsec / 1000;
}

int64_t clock_wall_ms(void)
{
    return read_us(CLOCK_REALTIME) / 1000;
}

int64_t clock_mono_ms(void)
{
    return read_us(CLOCK_MONOTONIC) / 1000;
}

int64_t clock_mono_us(void)
{
    return read_us(CLOCK_MONOTONIC);
}

static char *put_digits(char *at, unsigned n, unsigned digits, char after)
{
    for (unsigned i = digits; i--; n /= 10)
        at[i] = (char)('0' + n % 10);
    at[digits] = after;
    return at + digits + 1;
}

/* The date of a day since 1970: civil_from_days of https://howardhinnant.github.io/date_algorithms.html,
 * whose years begin in March, so that a leap day is the last of its year. */
static char *put_date(char *at, unsigned days)
{
    const unsigned z = days + 719468, era = z / 146097, of_era = z % 146097;
    const unsigned year_of_era = (of_era - of_era / 1460 + of_era / 36524 - of_era / 146096) / 365;
    const unsigned of_year = of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    const unsigned from_march = (5 * of_year + 2) / 153, day = of_year - (153 * from_march + 2) / 5 + 1;
    const unsigned month = from_march < 10 ? from_march + 3 : from_march - 9;

    at = put_digits(at, year_of_era + era * 400 + (month <= 2), 4, '-');
    at = put_digits(at, month, 2, '-');
    return put_digits(at, day, 2, 'T');
}

void clock_text(int64_t wall_ms, char out[CLOCK_TEXT_BYTES])
{
    const unsigned ms = (unsigned)(wall_ms % 86400000);
    char *at = put_date(out, (unsigned)(wall_ms / 86400000));

    at = put_digits(at, ms / 3600000, 2, ':');
    at = put_digits(at, ms / 60000 % 60, 2, ':');
    at = put_digits(at, ms / 1000 % 60, 2, '.');
    put_digits(at, ms % 1000, 3, 'Z');
}
