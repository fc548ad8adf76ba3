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
enum entry_type {
    ENTRY_TEXT = 0,
    ENTRY_SYSTEM = 1,
    ENTRY_IMAGE = 2,
    ENTRY_FILE = 3,
    ENTRY_VOICE = 4,
    ENTRY_VIDEO = 5,
    ENTRY_LOCATION = 6,
    ENTRY_CARD = 7,
    ENTRY_MERGED = 8,
    ENTRY_CUSTOM = 9,
    /* Operations on an earlier entry: not shown by themselves, not counted. Stored: {"target_seq":N}. */
    ENTRY_RECALL = 32,
    ENTRY_EDIT = 33,
    ENTRY_REACTION = 34,
};

enum { TEXT_MAX = 8000, SUMMARY_MAX = 100 }; /* characters */

/* The schema Entry. */
struct entry {
    uint64_t conversation_id;
    int64_t seq;
    int type;           /* enum entry_type */
    int wire_type;      /* its place in the list of names */
    uint64_t sender_id; /* 0: the house */
    unsigned char client_msg_id[16];
    unsigned char has_client_msg_id;
    struct str content, summary;
    int64_t reply_to_seq; /* 0: none */
    struct str mentions;  /* JSON */
    struct list reactions;
    int64_t created_at, edited_at, recalled_at; /* 0: never */
    int64_t changed_seq;                        /* of the last operation on it; 0: none */
    bool hidden;                                /* not on the wire: this reader sees its place alone */
};

extern const struct shape entry_shape;

/* /conversations/{id}/…/{seq}, where the struct that has it keeps a struct entry_ref at `base`. */
#define ENTRY_PATH_FIELDS(base)                                                                              \
    {.name = "id",                                                                                           \
     .type = FIELD_ID,                                                                                       \
     .flags = F_PATH | F_REQUIRED,                                                                           \
     .at = (base) + offsetof(struct entry_ref, conversation_id)},                                            \
    {                                                                                                        \
        .name = "seq", .type = FIELD_INT, .flags = F_PATH | F_REQUIRED,                                      \
        .at = (base) + offsetof(struct entry_ref, seq), .min = 1, .max = 0                                   \
    }

/* {"text":…} of valid UTF-8. */
struct str entry_text_content(struct arena *arena, struct str text);
/* {"code":…,"params":…}; `params` is a JSON object. */
struct str entry_system_content(struct arena *arena, struct str code, struct str params);
/* {"target_seq":…} of an operation. */
struct str entry_operation_content(struct arena *arena, uint64_t target_seq);
static inline bool entry_is_operation(int type)
{
    return type >= ENTRY_RECALL;
}
const char *entry_type_name(int type);
/* One line of at most SUMMARY_MAX characters. */
struct str entry_summary(struct arena *arena, int type, struct str content);

/* From a row, for no reader in particular: without reactions, of an operation its stored content. The slices
 * are those of the row. */
void entry_from_row(struct arena *arena, const struct entry_row *row, struct entry *out);
/*
 * Rows as ctx->actor sees them, up to 256: what he hid as its place alone, with reactions, and operations
 * with what they changed as it is now. That he may see the rows themselves is the caller's matter. A few
 * statements, however many rows.
 */
enum err entries_show(struct ctx *ctx, const struct entry_row *rows, size_t n, struct entry *out) MUST_CHECK;
/* The wire form; of one that is hidden from this reader only its place. */
void entry_encode(struct buf *b, const struct entry *entry);

/* Single entries as the actor sees them, up to 256, in the order of `refs`; out[i].seq is 0 for one that is
 * not there. Rights are the caller's matter, but what he hid is hidden. */
enum err entries_load(struct ctx *ctx, const struct entry_ref *refs, size_t n, struct entry *out) MUST_CHECK;

#endif
