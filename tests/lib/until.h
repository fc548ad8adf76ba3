/* Waiting in tests: for a condition, with a deadline, never for time. */
#ifndef TESTS_LIB_UNTIL_H
#define TESTS_LIB_UNTIL_H

#include <stdbool.h>

/* True as soon as `is()` is; false when it was not within 10 s. */
bool until(bool (*is)(void));
/* The step of such a loop. */
void until_step(void);

#endif
