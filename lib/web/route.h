/*
 * Routes: finding the one that a method and a path name, and printing the table.
 *
 * A route's path stands below PREFIX, as in openapi.yaml. One with ROUTE_BARE is
 * also answered without the prefix.
 */
#ifndef WEB_ROUTE_H
#define WEB_ROUTE_H

#include <stdio.h>

#include "web/web.h"

enum { ROUTE_VALUES_MAX = 4, ROUTES_MAX = 60, ROUTE_FIELDS_MAX = 64 };

struct route_match {
    const struct route *route;
    unsigned index;
    unsigned n;
    struct {
        struct str name, value; /* of a {parameter}; the value is as it came, percent-encoded */
    } values[ROUTE_VALUES_MAX];
};

/* `name` as in "GET"; -1 for one that no route has. */
int route_method(struct str name);
const char *route_method_name(enum method method);

/* `path` is what stands before the question mark. */
bool route_find(const struct service *of, enum method method, struct str path, struct route_match *out);

/* Says what is wrong with a table (a programming error): a path parameter without a field, flags that exclude
 * each other. */
enum err route_check(const struct service *of, struct problem *problem) MUST_CHECK;

/* The table as JSON: for nginx's map, and for the comparison with openapi.yaml. */
void route_print(const struct service *of, FILE *out);

#endif
