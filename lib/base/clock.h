/* Time: the wall clock for what people see, the monotonic one for waiting. Milliseconds. */
#ifndef BASE_CLOCK_H
#define BASE_CLOCK_H

#include <stdint.h>

int64_t clock_wall_ms(void); /* since the Unix epoch */
int64_t clock_mono_ms(void); /* never goes back */
int64_t clock_mono_us(void);

enum { CLOCK_TEXT_BYTES = 24 };
/* As in 2026-11-22T09:30:00.125Z, no NUL; of the years 1970 to 9999. Cheaper than gmtime(), which takes a
 * lock of the whole process. */
void clock_text(int64_t wall_ms, char out[CLOCK_TEXT_BYTES]);

#endif
