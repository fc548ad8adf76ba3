/*
 * Entries as people see them: their wire form, their one-line summary, reading
 * them. Writing is log.h's and writer.h's.
 *
 * The content is stored as the JSON that goes out. What a text says is made by
 * entry_text_content() alone, which lets the summary be read from it without a parser.
 */
#ifndef MODEL_ENTRIES_H
#define MODEL_ENTRIES_H

#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"
#include "base/field.h"
#include "model/ctx.h"
#include "queries.h" /* struct entry_row, struct entry_ref */

/* Never renumber: the numbers are stored. */
enum entry_type { ENTRY_TEXT, ENTRY_SYSTEM };

enum { TEXT_MAX = 8000, SUMMARY_MAX = 100 }; /* characters */

/* The schema Entry. */
struct entry {
    uint64_t conversation_id;
    int64_t seq;
    int type;
    uint64_t sender_id; /* 0: the house */
    unsigned char client_msg_id[16];
    unsigned char has_client_msg_id;
    struct str content, summary;
    int64_t reply_to_seq; /* 0: none */
    struct str mentions;  /* JSON */
    struct list reactions;
    int64_t created_at, edited_at, recalled_at; /* 0: never */
    bool hidden;                                /* not on the wire: this reader sees its place alone */
};

extern const struct shape entry_shape;

/* {"text":…} of valid UTF-8. */
struct str entry_text_content(struct arena *arena, struct str text);
/* {"code":…,"params":…}; `params` is a JSON object. */
struct str entry_system_content(struct arena *arena, struct str code, struct str params);
/* One line of at most SUMMARY_MAX characters. */
struct str entry_summary(struct arena *arena, int type, struct str content);

/* From a row; the slices are those of the row. */
void entry_from_row(struct arena *arena, const struct entry_row *row, struct entry *out);
/* The wire form; of one that is hidden from this reader only its place. */
void entry_encode(struct buf *b, const struct entry *entry);

/* Single entries, in the order of `refs`; out[i].seq is 0 for one that is not there. Rights are the caller's
 * matter. */
enum err entries_load(struct ctx *ctx, const struct entry_ref *refs, size_t n, struct entry *out) MUST_CHECK;

#endif
