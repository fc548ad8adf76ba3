/*
 * Terms: the search index on its way in and out. An entry is filed under the words of
 * its text (model/wording.h), its sender, its type, and the empty term, which says that
 * it was looked at. 64 entries in a row share one row per term, a bit each.
 *
 * The index knows nothing that entries does not say, is written a moment after it, and
 * may therefore lack something, or still have what has changed: whoever searches reads
 * each entry again.
 */
#ifndef MODEL_TERMS_H
#define MODEL_TERMS_H

#include "base/err.h"
#include "model/ctx.h"
#include "queries.h" /* struct entry_ref */

enum { TERMS_BLOCK = 64 /* entries of a row; the SQL knows it too */ };

/* Of what was said, the text that can be searched; "" for what has none. Nothing of a recalled one is left.
 */
struct str terms_text(struct arena *arena, int type, struct str content);
struct str terms_sender(struct arena *arena, uint64_t sender_id);
struct str terms_type(struct arena *arena, int type);

/*
 * Files entries, in a transaction of the caller's that ends soon: they stay locked until then. Twice is
 * harmless. Of an operation its target is filed too.
 */
enum err terms_file(struct ctx *ctx, const struct entry_ref *refs, size_t n) MUST_CHECK;

/* What `content` said is no longer found: in the transaction that recalls or edits the entry, after its row
 * was changed, with the text that it had. */
enum err terms_forget(struct ctx *ctx, const struct entry_ref *ref, int type, struct str content) MUST_CHECK;

#endif
