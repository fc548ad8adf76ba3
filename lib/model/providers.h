/*
 * Providers: the servers of models that the operator has configured, from the JSON
 * file that the setting `providers` names. Without it there are none, and assistants
 * are off.
 *
 * A key comes from a file or a variable of the environment that is named there; it is
 * never said again, neither in a log nor in an error.
 */
#ifndef MODEL_PROVIDERS_H
#define MODEL_PROVIDERS_H

#include <stdbool.h>
#include <stdint.h>

#include "base/conf.h"
#include "base/err.h"
#include "base/str.h"

enum { PROVIDERS_MAX = 32, PROVIDER_NAME_MAX = 32 };

struct provider {
    const char *name, *url, *model; /* url: of the call, …/chat/completions */
    const char *authorization;      /* the header; NULL: none is sent */
    double temperature;
    bool has_temperature, may_be_private, takes_pictures;
    int64_t context_tokens, max_output_tokens;
    double input_price, output_price; /* of a million tokens; 0: none is known */
    int64_t connect_s, first_token_s, between_tokens_s, answer_s;
    const struct provider *fallback; /* is asked where this one cannot answer; NULL: nobody */
};

struct providers;

/* ERR_INVALID_REQUEST: `problem` names the file and the field. */
enum err providers_open(const struct conf *conf, struct problem *problem, struct providers **out) MUST_CHECK;
/* Wipes the keys. */
void providers_free(struct providers *p);
size_t providers_count(const struct providers *p);
const struct provider *providers_at(const struct providers *p, size_t i);
/* NULL: there is none of this name. */
const struct provider *providers_find(const struct providers *p, struct str name);

/* The one that helps people beside conversations; NULL: there are no providers. */
const struct provider *providers_helper(const struct providers *p);
/* Of the prices; absent: not said. */
struct str providers_currency(const struct providers *p);
/* What an answer of it costs, in millionths of the currency. */
uint64_t provider_cost(const struct provider *p, uint64_t input_tokens, uint64_t output_tokens);

#endif
