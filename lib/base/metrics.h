/*
 * The counters of all processes of this machine as Prometheus text: every
 * `*.counters` file of a folder (count.h), and what the kernel says of those processes.
 * The file of a process that is gone is told once more and removed.
 */
#ifndef BASE_METRICS_H
#define BASE_METRICS_H

#include "base/arena.h"
#include "base/str.h"

struct str metrics_text(const char *dir, struct arena *arena);

#endif
