/* Time: the wall clock for what people see, the monotonic one for waiting. Milliseconds. */
#ifndef BASE_CLOCK_H
#define BASE_CLOCK_H

#include <stdint.h>

int64_t clock_wall_ms(void); /* since the Unix epoch */
int64_t clock_mono_ms(void); /* never goes back */
int64_t clock_mono_us(void);

#endif
