/*
 * How fast the log writer is by itself: no network, no nginx, each answer sends the next.
 *
 *   bench-writer SENDERS CONVERSATIONS SECONDS
 *
 * Finds its services by POSTHOUSE_*. Prints one JSON object.
 */
#include <inttypes.h>
#include <poll.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/clock.h"
#include "ext/crypt.h"
#include "model/conversations.h"
#include "model/house.h"
#include "model/writer.h"

enum { SAMPLES_MAX = 4 * 1000 * 1000 };

static struct writer *writer;
static atomic_bool stopping;
static atomic_size_t open_sends;
static uint32_t *samples; /* µs; written by the answering thread alone */
static size_t n_samples, n_failed;

struct sender {
    struct send send;
    int64_t sent_us;
};

static void send_next(struct sender *s);

static void done(void *arg, enum err err, struct str json, bool repeated, const struct problem *problem)
{
    struct sender *s = arg;

    (void)json;
    (void)repeated;
    (void)problem;
    n_failed += err != OK;
    if (n_samples < SAMPLES_MAX)
        samples[n_samples++] = (uint32_t)(clock_mono_us() - s->sent_us);
    if (!stopping)
        send_next(s);
    open_sends--;
}

static void send_next(struct sender *s)
{
    crypt_random(s->send.client_msg_id, sizeof s->send.client_msg_id);
    s->send.deadline_mono_ms = clock_mono_ms() + 10000;
    s->sent_us = clock_mono_us();
    open_sends++;
    if (writer_send(writer, &s->send, done, s) != LATER) {
        n_failed++;
        open_sends--;
    }
}

static int by_size(const void *a, const void *b)
{
    return (*(const uint32_t *)a > *(const uint32_t *)b) - (*(const uint32_t *)a < *(const uint32_t *)b);
}

static enum err make_conversation(struct ctx *ctx, void *arg)
{
    uint64_t *ids = arg;
    struct conversation_row conv;

    TRY(conversation_pair_lock(ctx, ids[0], ids[1], &conv));
    TRY(conversation_open_pair(ctx, &conv));
    TRY(conversation_set_flags(ctx, &conv, PAIR_FRIENDS));
    ids[2] = conv.id;
    return OK;
}

int main(int argc, char **argv)
{
    static struct conf conf;
    struct problem problem = {0};
    struct house *house;

    if (argc != 4 || conf_load(&conf, NULL, &problem) != OK ||
        house_open(&conf, "bench", &problem, &house) != OK || writer_new(house, &writer) != OK) {
        fprintf(stderr, "bench-writer SENDERS CONVERSATIONS SECONDS: %s\n", problem.detail);
        return 1;
    }
    const size_t n_senders = strtoul(argv[1], NULL, 10), n_conversations = strtoul(argv[2], NULL, 10);
    const int seconds = atoi(argv[3]);
    struct ctx ctx = {.arena = arena_new(),
                      .db = db_new(&conf),
                      .house = house,
                      .problem = &problem,
                      .actor = {.app_id = 1, .user_id = 1}};
    struct sender *senders = calloc(n_senders, sizeof *senders);
    samples = calloc(SAMPLES_MAX, sizeof *samples);
    uint64_t(*pairs)[3] = calloc(n_conversations, sizeof *pairs);
    for (size_t i = 0; i < n_conversations; i++) {
        if (ctx_id(&ctx, &pairs[i][0]) != OK || ctx_id(&ctx, &pairs[i][1]) != OK ||
            tx_run(&ctx, make_conversation, pairs[i]) != OK) {
            fprintf(stderr, "no conversation: %s\n", db_error(ctx.db));
            return 1;
        }
    }
    const int64_t from_us = clock_mono_us();
    for (size_t i = 0; i < n_senders; i++) {
        const uint64_t *pair = pairs[i % n_conversations];
        senders[i].send =
            (struct send){.app_id = 1,
                          .user_id = pair[i / n_conversations % 2],
                          .session_id = i + 1,
                          .conversation_id = pair[2],
                          .content = STR("{\"text\":\"你好, this is a message of the usual length. 👍\"}")};
        send_next(&senders[i]);
    }
    poll(NULL, 0, seconds * 1000);
    stopping = true;
    while (open_sends)
        poll(NULL, 0, 1);
    const double took_s = (double)(clock_mono_us() - from_us) / 1e6;
    qsort(samples, n_samples, sizeof *samples, by_size);
    printf("{\"senders\":%zu,\"conversations\":%zu,\"sends_per_s\":%.0f,\"p50_ms\":%.2f,\"p99_ms\":%.2f,"
           "\"failed\":%zu}\n",
           n_senders, n_conversations, (double)n_samples / took_s, samples[n_samples / 2] / 1e3,
           samples[n_samples * 99 / 100] / 1e3, n_failed);
    writer_free(writer);
    house_close(house);
    db_free(ctx.db);
    arena_free(ctx.arena);
    return n_failed != 0;
}
