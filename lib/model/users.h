/*
 * People as they are seen: the public profile, the own account, finding others.
 *
 * Everything is seen by ctx->actor: people of another app do not exist, and
 * presence is shown to friends alone. A deleted person stays as a row without
 * content, so that what was said keeps a sender.
 */
#ifndef MODEL_USERS_H
#define MODEL_USERS_H

#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"
#include "base/field.h"
#include "base/str.h"
#include "model/ctx.h"

/* Never renumber: the numbers are stored. */
enum user_kind { KIND_HUMAN, KIND_ASSISTANT, KIND_BOT, KIND_SYSTEM };
enum user_state { STATE_ACTIVE, STATE_SUSPENDED, STATE_DELETED };
enum user_role { ROLE_USER, ROLE_AUDITOR, ROLE_MODERATOR, ROLE_ADMIN };

/* Longest of each, in characters, as in openapi.yaml. */
enum {
    NICKNAME_MAX = 64,
    SIGNATURE_MAX = 200,
    LOCALE_MAX = 16,
    TIMEZONE_MAX = 64,
    SEARCH_MAX = 64,
    USERS_BY_ID_MAX = 100,
    NICKNAME_KEY_MAX = 256,
};

/* What anybody may see of a person: the schema User. A deleted one has an empty username and nickname. */
struct user {
    uint64_t id;
    struct str username, nickname, signature;
    uint64_t avatar_file_id; /* 0: none */
    int gender, kind;
    bool online;
    int64_t last_seen_at; /* 0: never, or not shown */
    int64_t version;
};

struct settings {
    bool strangers_may_write, findable, show_last_seen;
};

/* The own account: the schema Me. */
struct me {
    struct user user;
    int role, state;
    struct str locale, timezone;
    struct settings settings;
    int64_t created_at;
};

extern const struct shape user_shape, me_shape, me_change_shape;
extern const char *const user_genders[];

/* As ctx->actor sees them, in the order of `ids`; out[i].id is 0 for one that does not exist in the actor's
 * app. */
enum err users_load(struct ctx *ctx, const uint64_t *ids, size_t n, struct user *out) MUST_CHECK;
/* One of them; ERR_NOT_FOUND. Deleted people are found. */
enum err user_load(struct ctx *ctx, uint64_t id, struct user *out) MUST_CHECK;
/* The public profiles of those of `ids` who are there: not the deleted, and each once. */
enum err users_profiles(struct ctx *ctx, const uint64_t *ids, size_t n, struct list *out) MUST_CHECK;
/* One of them; ERR_NOT_FOUND for a deleted person too. */
enum err user_profile(struct ctx *ctx, uint64_t id, struct user *out) MUST_CHECK;
/*
 * A page of those who may be found: who has this username, then whose username begins so, then whose
 * nickname. Case and width don't matter. `next` is absent at the end.
 */
enum err users_find(struct ctx *ctx, struct str text, struct str cursor, size_t limit, struct list *out,
                    struct str *next) MUST_CHECK;

/* The actor's own account. */
enum err me_load(struct ctx *ctx, struct me *out) MUST_CHECK;

/* What a person may change of himself: me_change_shape. `has_…` is enum has. */
struct settings_change {
    bool strangers_may_write, findable, show_last_seen;
    unsigned char has_strangers_may_write, has_findable, has_show_last_seen;
};
struct me_change {
    struct str nickname, signature, locale, timezone;
    uint64_t avatar_file_id;
    int gender;
    struct settings_change settings;
    unsigned char has_nickname, has_signature, has_locale, has_timezone, has_avatar, has_gender;
};
/* Inside a transaction. What changes nothing writes nothing; friends hear of what they can see. */
enum err me_update(struct ctx *ctx, const struct me_change *change) MUST_CHECK;
/* ERR_INVALID_REQUEST, the field named, unless it is one visible line. */
enum err nickname_check(struct ctx *ctx, struct str nickname) MUST_CHECK;
/* Case-folded, for finding: at most NICKNAME_KEY_MAX characters. */
struct str nickname_key(struct arena *arena, struct str nickname);

/* Raises users.version and gives the new one. Inside a transaction; holds the row's lock. ERR_NOT_FOUND if
 * deleted. */
enum err user_touch(struct ctx *ctx, uint64_t id, uint64_t *version) MUST_CHECK;

#endif
