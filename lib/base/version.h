/* The version of this house, as in openapi.yaml, and of the oldest client that it still serves. */
#ifndef BASE_VERSION_H
#define BASE_VERSION_H

#define POSTHOUSE_VERSION "0.1.0"
#define POSTHOUSE_OLDEST_CLIENT "0.1.0"

#endif
