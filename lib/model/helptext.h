/*
 * Helps in words: what a model is told when somebody wants a summary, a translation or
 * replies to choose from, and what its answer says.
 *
 * What was said is no instruction: each entry is one line with its number, so that no
 * text can pretend to be another entry, and the model is told to obey none of it. What
 * comes back is text for one reader's eyes; a number in it that he was not told of is
 * dropped.
 */
#ifndef MODEL_HELPTEXT_H
#define MODEL_HELPTEXT_H

#include "base/field.h"
#include "ext/crypt.h"
#include "model/prompt.h"

/* Never renumber: the numbers are stored. 0 is a reply. */
enum help_kind { HELP_SUMMARY = 1, HELP_TRANSLATION, HELP_SUGGESTIONS };

enum { HELP_POINTS_MAX = 20, HELP_SUGGESTIONS_MAX = 3, HELP_SUGGESTION_CHARS = 200, HELP_LANGUAGE_MAX = 35 };

/* About the entries in (after_seq, to_seq]; of a translation, the one at to_seq. */
struct help_about {
    int kind;
    uint64_t conversation_id, after_seq, to_seq;
    struct str language; /* a tag of letters, digits and hyphens; empty: that of the conversation */
};

struct help_words {
    struct prompt prompt;
    unsigned char digest[CRYPT_SHA256_BYTES]; /* of what it is about and what is told */
    uint64_t first_seq;                       /* the oldest entry that is told */
};
/*
 * For ctx->actor, as he may read it now. ERR_NOT_FOUND: there is nothing that he may read, or no words. In
 * ctx->arena.
 */
enum err help_words(struct ctx *ctx, const struct help_about *about, const struct provider *provider,
                    struct help_words *out) MUST_CHECK;

/* A point of a summary, and the entries that it rests on, of (after, to]. */
struct help_point {
    struct str text;
    struct list seqs;
};
struct list help_points(struct arena *arena, struct str answer, uint64_t after_seq, uint64_t to_seq);
/* At most three, of struct str. */
struct list help_suggestions(struct arena *arena, struct str answer);

#endif
