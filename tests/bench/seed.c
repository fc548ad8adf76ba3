/*
 * Fills conversations with what people might have said, and files it for searches as the courier does.
 *
 *   seed FIRST_SENDER FIRST_CONVERSATION CONVERSATIONS ENTRIES
 *
 * Words come by Zipf's law from 20,000 made-up ones, every fifth entry is Chinese, and each 50,000th speaks
 * of a "lighthouse". Entries of all conversations alternate, a second apart. Prints the made-up words that
 * the rows look for, and how long filing took. Finds its services by POSTHOUSE_*.
 */
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/clock.h"
#include "ext/unicode.h"
#include "model/entries.h"
#include "model/house.h"
#include "model/terms.h"

enum { WORDS = 20000, HAN = 2000, PIECE = 512, WORDS_EACH = 9, HAN_EACH = 10, RARE_EVERY = 50000 };

static char words[WORDS][24];
static double up_to[WORDS]; /* the share of all that is said of the words up to this one */
static uint64_t state = 88172645463325252U;

/* xorshift: the same words each time. */
static double chance(void)
{
    state ^= state << 13;
    state ^= state >> 7;
    state ^= state << 17;
    return (double)(state >> 11) / 9007199254740992.0;
}

static size_t by_zipf(size_t n)
{
    const double wanted = chance() * up_to[n - 1];
    size_t low = 0, high = n - 1;

    while (low < high) {
        const size_t middle = (low + high) / 2;
        if (up_to[middle] < wanted)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

/* Common ones are short. Syllables spell the number, so that no two are the same. */
static void make_words(void)
{
    static const char *const syllables[] = {"ka",  "to",  "mi",  "re",  "so",  "na",  "lu",
                                            "pe",  "vi",  "dor", "gan", "hel", "sta", "ter",
                                            "lin", "mar", "ben", "cho", "fu",  "wex"};
    for (size_t i = 0; i < WORDS; i++) {
        for (size_t rest = i;;) {
            snprintf(words[i] + strlen(words[i]), sizeof words[i] - strlen(words[i]), "%s",
                     syllables[rest % 20]);
            if (rest < 20)
                break;
            rest = rest / 20 - 1;
        }
        up_to[i] = (i ? up_to[i - 1] : 0) + 1 / ((double)i + 2.7);
    }
}

static struct str made_up(struct arena *arena, uint64_t number)
{
    struct buf b = buf_in(arena);

    if (number % 5 == 4)
        for (int i = 0; i < HAN_EACH; i++)
            unicode_put(&b, 0x4e00 + (int32_t)by_zipf(HAN));
    else
        for (int i = 0; i < WORDS_EACH; i++) {
            buf_c(&b, i ? " " : "");
            buf_c(&b, words[by_zipf(WORDS)]);
        }
    if (number % RARE_EVERY == 77)
        buf_c(&b, " lighthouse");
    return buf_done(&b);
}

static enum err no_row(unsigned statement, const struct str *columns, unsigned n, void *arg)
{
    (void)statement;
    (void)columns;
    (void)n;
    (void)arg;
    return OK;
}

/* Some entries of one conversation, in one transaction. */
struct piece {
    uint64_t conversation_id, number, conversations, sender_id, first_seq, last_seq;
};

static enum err write_entries(struct ctx *ctx, const struct piece *p)
{
    struct buf sql = buf_in(ctx->arena);

    for (uint64_t seq = p->first_seq; seq <= p->last_seq; seq++) {
        const uint64_t number = seq * p->conversations + p->number;
        const struct str content = entry_text_content(ctx->arena, made_up(ctx->arena, number));
        buf_c(&sql, seq == p->first_seq
                        ? "INSERT INTO entries (conversation_id, seq, sender_id, client_msg_id, part,"
                          " request_hash, type, counts, content, created_at) VALUES "
                        : ",");
        buf_printf(&sql, "(%" PRIu64 ",%" PRIu64 ",%" PRIu64 ",0x%032" PRIx64 ",0,0x%032x,0,1,0x",
                   p->conversation_id, seq, p->sender_id + seq % 2, number, 0);
        buf_hex(&sql, content.p, content.n);
        buf_printf(&sql, ",%" PRIu64 ")", 1700000000000U + number * 1000);
    }
    buf_printf(&sql,
               ";UPDATE conversations SET last_seq = %" PRIu64 ", last_shown_seq = %" PRIu64
               ", last_at = %" PRIu64 " WHERE id = %" PRIu64,
               p->last_seq, p->last_seq, 1700000000000U + (p->last_seq * p->conversations + p->number) * 1000,
               p->conversation_id);
    return db_batch(ctx->db, buf_done(&sql), no_row, NULL, NULL);
}

static enum err file_piece(struct ctx *ctx, void *arg)
{
    const struct piece *p = arg;
    struct entry_ref refs[PIECE];
    size_t n = 0;

    for (uint64_t seq = p->first_seq; seq <= p->last_seq; seq++)
        refs[n++] = (struct entry_ref){p->conversation_id, seq};
    return terms_file(ctx, refs, n);
}

static void fill(struct ctx *ctx, struct piece p, uint64_t entries, int64_t *filing_us)
{
    for (p.first_seq = 1; p.first_seq <= entries; p.first_seq = p.last_seq + 1) {
        p.last_seq = p.first_seq + PIECE - 1 < entries ? p.first_seq + PIECE - 1 : entries;
        db_deadline(ctx->db, clock_mono_ms() + 60000);
        const bool is_written = write_entries(ctx, &p) == OK;
        const int64_t from_us = clock_mono_us();
        if (!is_written || tx_run(ctx, file_piece, &p) != OK) {
            fprintf(stderr, "conversation %" PRIu64 ": %s\n", p.conversation_id, db_error(ctx->db));
            exit(EXIT_FAILURE);
        }
        *filing_us += clock_mono_us() - from_us;
        arena_reset(ctx->arena);
    }
}

int main(int argc, char **argv)
{
    static struct conf conf;
    struct problem problem = {0};
    struct house *house;
    int64_t filing_us = 0;

    if (argc != 5 || conf_load(&conf, NULL, &problem) != OK ||
        house_open(&conf, "seed", &problem, &house) != OK) {
        fprintf(stderr, "seed FIRST_SENDER FIRST_CONVERSATION CONVERSATIONS ENTRIES: %s\n", problem.detail);
        return 1;
    }
    struct ctx ctx = {.arena = arena_new(), .db = db_new(&conf), .house = house, .problem = &problem};
    const uint64_t sender_id = strtoull(argv[1], NULL, 10), first_id = strtoull(argv[2], NULL, 10);
    const uint64_t conversations = strtoull(argv[3], NULL, 10), entries = strtoull(argv[4], NULL, 10);
    make_words();
    for (uint64_t i = 0; i < conversations; i++)
        fill(&ctx, (struct piece){first_id + i, i, conversations, sender_id + 2 * i, 0, 0}, entries,
             &filing_us);
    printf("{\"common\":\"%s\",\"middle\":\"%s\",\"filing_s\":%.1f}\n", words[0], words[400],
           (double)filing_us / 1e6);
    db_free(ctx.db);
    house_close(house);
    arena_free(ctx.arena);
    return 0;
}
