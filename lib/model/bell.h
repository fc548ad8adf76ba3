/*
 * The bell: what is put on the list of a poll process to wake its parked polls.
 *
 * One element, binary, numbers big-endian:
 *   kind 1 byte | ringer 8 | number 8 | rung at 8 | session 8 | epoch 32 | pairs 2 | pairs × (user 8, n 8)
 *   | JSON, the rest
 *
 * `number` counts what one ringer put on one list: 1, 2, 3, …; a jump tells the
 * poll process that elements were lost, and it reads its boxes. Should nothing more
 * come, the ringer's last number stands in `ph:rung:` (inbox.h): it is set after
 * the push, so once the list was found empty everything up to it must have been
 * heard. 0 is not counted.
 */
#ifndef MODEL_BELL_H
#define MODEL_BELL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/err.h"
#include "base/str.h"
#include "model/epoch.h"

enum bell_kind {
    BELL_EVENT = 1,      /* for each pair: the box of `user` has got number n. n 0: read the box */
    BELL_WHISPER = 2,    /* for each pair: tell `user` this, if he is parked now; n is 0 */
    BELL_SUPERSEDED = 3, /* `session` polls elsewhere; the one pair is its user and the generation there */
};

enum { BELL_PAIRS_MAX = 1000, BELL_JSON_MAX = 256 * 1024 };

struct bell_pair {
    uint64_t user_id, n;
};

struct bell {
    enum bell_kind kind;
    uint64_t ringer, number;
    int64_t rung_at_ms;  /* wall clock, for measuring */
    uint64_t session_id; /* the one that caused it and is not told: 0 for none; BELL_SUPERSEDED: which */
    struct epoch epoch;  /* BELL_EVENT: of the boxes */
    struct bell_pair *pairs;
    size_t n_pairs;
    struct str json; /* the event as on the wire; empty: fetch it */
};

/* At most BELL_PAIRS_MAX pairs and BELL_JSON_MAX bytes: more is refused by bell_unpack(). */
struct str bell_pack(const struct bell *bell, struct arena *arena);
/* ERR_INVALID_REQUEST for what bell_pack() did not make. The JSON is borrowed from `packed`. */
enum err bell_unpack(struct str packed, struct arena *arena, struct bell *out) MUST_CHECK;

/*
 * The last number per peer: of each ringer (for a poll process), of each process
 * (for a ringer). When there are too many it forgets the one unheard for longest:
 * its next element is a jump then, which costs one reading of the boxes.
 */
enum { BELL_ORDER_MAX = 512 };
struct bell_order {
    struct bell_last {
        uint64_t key, number, heard;
        bool forgotten; /* perhaps: it took another one's place */
    } last[BELL_ORDER_MAX];
    size_t n;
    uint64_t heard;
};
/* True if nothing is missing before this element. */
bool bell_follows(struct bell_order *order, uint64_t ringer, uint64_t number);
/*
 * True if everything up to `number` was heard. Whoever asks knows that it was put on
 * the list, and that the list was empty later: what is missing is lost, once.
 */
bool bell_heard(struct bell_order *order, uint64_t ringer, uint64_t number);
/* The next number for a process: 1, 2, 3, …; never again one that it had before. */
uint64_t bell_next(struct bell_order *order, uint64_t process);

#endif
