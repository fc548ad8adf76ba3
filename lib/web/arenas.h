/* Arenas of requests, used again: a request takes none from the heap when one lies here. Thread-safe. */
#ifndef WEB_ARENAS_H
#define WEB_ARENAS_H

#include "base/arena.h"

struct arena *arenas_take(void);
/* Its memory is gone when this returns. */
void arenas_give(struct arena *arena);

#endif
