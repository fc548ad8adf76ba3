/*
 * Files in messages: what is stored of a message that names a file, and the rows that let its readers read
 * it.
 *
 * Whoever writes an entry that names files writes file_refs in the same transaction: the log writer by
 * fileuse_text() in its batch, everything else by q_file_ref_insert(), q_file_refs_copy() (a forward of the
 * entry itself) or q_file_refs_merge() (one that becomes a part of a merged entry).
 */
#ifndef MODEL_FILEUSE_H
#define MODEL_FILEUSE_H

#include "model/files.h"

enum { FILE_REFS_MAX = 2 }; /* of one message: a video and its poster */

struct file_ref {
    uint64_t file_id;
    enum file_kind kind;
};

/* What the sender says of a picture, a document, a voice message or a video. */
struct file_use {
    uint64_t file_id;
    uint64_t poster_file_id; /* 0: none */
    int64_t duration_ms;     /* voice and video; within its bounds. What the bytes say counts more */
};

struct file_used {
    struct str json; /* the content to store and to send out */
    struct file_ref refs[FILE_REFS_MAX];
    size_t n_refs;
};

/*
 * ERR_NOT_FOUND for a file that the actor may not read, ERR_INVALID_REQUEST for one that is no picture, no
 * sound or no video; either names the field, as content.file_id. Needs the database; no transaction.
 */
enum err fileuse_check(struct ctx *ctx, enum file_kind kind, const struct file_use *use,
                       struct file_used *out) MUST_CHECK;

/* Adds the rows of one entry to a batch of numbers; `*first`: none were added before. Ends nothing. */
void fileuse_text(struct buf *sql, bool *first, uint64_t conversation_id, uint64_t seq,
                  const struct file_ref *refs, size_t n);

#endif
