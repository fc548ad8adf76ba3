/* The inbox: keys, cursors, and the commands and scripts that work on one person's keys. */
#include "model/inbox.h"

#include <stdio.h>

#include "scripts.h"

enum { LIFE_MS = 7 * 24 * 3600 * 1000, HEX_DIGITS = 16 };

#define BOX_ITEMS "512"

/* ph:{u<id>}:<what> */
static struct inbox_key user_key(uint64_t user_id, struct str what)
{
    static const char head[] = "ph:{u", middle[] = "}:";
    struct inbox_key key;
    char *at = mempcpy(key.text, head, sizeof head - 1);

    at += u64_text(user_id, at);
    at = mempcpy(at, middle, sizeof middle - 1);
    at = mempcpy(at, what.p, what.n);
    key.n = (size_t)(at - key.text);
    return key;
}

struct inbox_key inbox_at_key(uint64_t user_id)
{
    return user_key(user_id, STR("at"));
}

struct inbox_key inbox_bell_key(uint64_t process)
{
    struct inbox_key key;
    key.n = (size_t)snprintf(key.text, sizeof key.text, "ph:bell:%016llx", (unsigned long long)process);
    return key;
}

struct inbox_key inbox_rung_key(uint64_t process)
{
    struct inbox_key key;
    key.n = (size_t)snprintf(key.text, sizeof key.text, "ph:rung:%016llx", (unsigned long long)process);
    return key;
}

struct inbox_key inbox_reply_key(uint64_t reply_id)
{
    struct inbox_key key;
    key.n = (size_t)snprintf(key.text, sizeof key.text, "ph:{r%llu}", (unsigned long long)reply_id);
    return key;
}

static struct str key_str(const struct inbox_key *key)
{
    return (struct str){key->text, key->n};
}

/* 16 digits, as %016llx writes them. */
static bool hex_u64(struct str hex, uint64_t *out)
{
    unsigned char bytes[HEX_DIGITS / 2];

    if (!hex_decode(hex, bytes, sizeof bytes))
        return false;
    *out = 0;
    for (size_t i = 0; i < sizeof bytes; i++)
        *out = *out << 8 | bytes[i];
    return true;
}

/* ---- cursors ---- */

static struct epoch epoch_from(struct str text)
{
    struct epoch e = {{0}};

    if (text.n == EPOCH_BYTES)
        memcpy(e.text, text.p, EPOCH_BYTES);
    return e;
}

struct cursor cursor_parse(struct str text)
{
    const struct cursor nowhere = {0};
    unsigned char checked[EPOCH_BYTES / 2];
    struct cursor c = {0};

    if (str_starts(text, STR("m."))) {
        const struct str digest = {text.p + 2, text.n - 2};
        return hex_u64(digest, &c.digest) ? c : nowhere;
    }
    if (text.n <= EPOCH_BYTES + 1 || text.p[EPOCH_BYTES] != '.')
        return nowhere;
    const struct str epoch = {text.p, EPOCH_BYTES};
    if (!hex_decode(epoch, checked, sizeof checked))
        return nowhere;
    c.epoch = epoch_from(epoch);
    /* Numbers are held by Lua as doubles; ours never come near this. */
    if (!str_u64((struct str){text.p + EPOCH_BYTES + 1, text.n - EPOCH_BYTES - 1}, &c.n) || c.n >= 1ULL << 53)
        return nowhere;
    return c;
}

struct str cursor_format(struct cursor c, char out[INBOX_CURSOR_BYTES])
{
    const struct str epoch = epoch_str(&c.epoch);

    if (c.digest)
        return (struct str){
            out, (size_t)snprintf(out, INBOX_CURSOR_BYTES, "m.%016llx", (unsigned long long)c.digest)};
    char *at = mempcpy(out, epoch.p, epoch.n);
    *at++ = '.';
    at += u64_text(c.n, at);
    return (struct str){out, (size_t)(at - out)};
}

/* ---- registrations ---- */

static bool registration_from(struct str session, struct str value, struct registration *out)
{
    struct str process, generation, expiry;
    uint64_t expires;

    if (!str_cut(&value, ':', &process) || !str_cut(&value, ':', &generation) ||
        !str_cut(&value, ':', &expiry))
        return false;
    if (!str_u64(session, &out->session_id) || !hex_u64(process, &out->process) ||
        !str_u64(generation, &out->generation) || !str_u64(expiry, &expires) || expires > INT64_MAX)
        return false;
    out->expires_ms = (int64_t)expires;
    return true;
}

size_t registrations_read(const struct redis_reply *reply, struct arena *arena, struct registration **out)
{
    size_t n = 0;

    *out = arena_array(arena, reply->n / 2, sizeof **out);
    for (size_t i = 0; i + 1 < reply->n; i += 2)
        n += registration_from(reply->items[i].str, reply->items[i + 1].str, &(*out)[n]);
    return n;
}

/* ---- what was rung ---- */

static struct str number(uint64_t v, char room[24])
{
    return (struct str){room, u64_text(v, room)};
}

static struct str hex_text(uint64_t v, char room[24])
{
    return (struct str){room, (size_t)snprintf(room, 24, "%016llx", (unsigned long long)v)};
}

enum err inbox_rung_add(struct redis *redis, uint64_t process, struct rung rung)
{
    const struct inbox_key key = inbox_rung_key(process);
    char ringer[24], last[24];

    TRY(redis_add(
        redis,
        (struct str[]){STR("HSET"), key_str(&key), hex_text(rung.ringer, ringer), number(rung.number, last)},
        4));
    return redis_add(redis, (struct str[]){STR("EXPIRE"), key_str(&key), STR("120")}, 3);
}

size_t rung_read(const struct redis_reply *reply, struct arena *arena, struct rung **out)
{
    size_t n = 0;

    *out = arena_array(arena, reply->n / 2, sizeof **out);
    for (size_t i = 0; i + 1 < reply->n; i += 2)
        n += hex_u64(reply->items[i].str, &(*out)[n].ringer) &&
             str_u64(reply->items[i + 1].str, &(*out)[n].number);
    return n;
}

/* ---- a poll opens ---- */

static enum err ask_open(struct redis *redis, uint64_t process, struct epoch epoch,
                         const struct inbox_ask *ask)
{
    const struct inbox_key box = user_key(ask->user_id, STR("box")),
                           meta = user_key(ask->user_id, STR("meta")), at = user_key(ask->user_id, STR("at"));
    char n[24], session[24], who[24], hold[24], most[24], life[24], holds[24];
    const struct str keys[] = {key_str(&box), key_str(&meta), key_str(&at)};
    const struct str args[] = {
        epoch_str(&epoch),
        epoch_str(&ask->cursor.epoch),
        number(ask->cursor.n, n),
        number(ask->session_id, session),
        hex_text(process, who),
        number((uint64_t)ask->hold_ms, hold),
        number(INBOX_ITEMS_MAX, most),
        number(LIFE_MS, life),
        number(ask->holds, holds),
    };
    return redis_script_add(redis, &script_poll_open, keys, 3, args, sizeof args / sizeof *args);
}

enum { HEAD_ITEMS = 6 };

static bool is_open_answer(const struct redis_reply *r)
{
    if (r->type != REDIS_LIST || r->n < HEAD_ITEMS)
        return false;
    for (size_t i = 0; i < HEAD_ITEMS; i++)
        if (r->items[i].type != (i == 4 ? REDIS_STR : REDIS_INT))
            return false;
    return true;
}

/* A reference that this release cannot read is left out: it means nothing to its clients either. */
static void read_items(const struct redis_reply *r, struct arena *arena, struct inbox_answer *out)
{
    out->items = arena_array(arena, r->n - HEAD_ITEMS, sizeof *out->items);
    for (size_t i = HEAD_ITEMS; i < r->n; i++) {
        struct event_list one = {0};
        const struct redis_reply *item = &r->items[i];
        if (item->type != REDIS_LIST || item->n != 2 || event_unpack(item->items[1].str, arena, &one) != OK ||
            one.n != 1)
            continue;
        out->items[out->n_items++] = (struct inbox_item){(uint64_t)item->items[0].number, one.items[0]};
    }
}

static void read_open(const struct redis_reply *r, struct arena *arena, uint64_t process,
                      struct inbox_answer *out)
{
    *out = (struct inbox_answer){.err = ERR_UNAVAILABLE};
    if (!is_open_answer(r))
        return;
    out->err = OK;
    out->resync = r->items[0].number != 0;
    out->n = (uint64_t)r->items[1].number;
    out->newest = (uint64_t)r->items[2].number;
    out->generation = (uint64_t)r->items[3].number;
    if (!hex_u64(r->items[4].str, &out->former) || out->former == process)
        out->former = 0;
    out->was_online = r->items[5].number != 0;
    read_items(r, arena, out);
}

enum err inbox_open(struct redis *redis, struct arena *arena, uint64_t process, struct epoch epoch,
                    const struct inbox_ask *asks, size_t n, struct inbox_answer *answers)
{
    TRY(redis_script_ready(redis, &script_poll_open));
    for (size_t i = 0; i < n; i++)
        TRY(ask_open(redis, process, epoch, &asks[i]));
    for (size_t i = 0; i < n; i++) {
        struct redis_reply reply;
        TRY(redis_answer(redis, arena, &reply));
        read_open(&reply, arena, process, &answers[i]);
    }
    return OK;
}

enum err inbox_close(struct redis *redis, struct arena *arena, uint64_t process, struct inbox_leave *leaves,
                     size_t n)
{
    TRY(redis_script_ready(redis, &script_poll_close));
    for (size_t i = 0; i < n; i++) {
        const struct inbox_key at = inbox_at_key(leaves[i].user_id);
        const struct str keys[] = {key_str(&at)};
        char session[24], who[24], generation[24];
        const struct str args[] = {number(leaves[i].session_id, session), hex_text(process, who),
                                   number(leaves[i].generation, generation)};
        TRY(redis_script_add(redis, &script_poll_close, keys, 1, args, 3));
    }
    for (size_t i = 0; i < n; i++) {
        struct redis_reply reply;
        TRY(redis_answer(redis, arena, &reply));
        leaves[i].was_last = reply.type == REDIS_INT && reply.number == 1;
    }
    return OK;
}

/* ---- somebody is told ---- */

enum err inbox_push(struct redis *redis, uint64_t user_id, struct str packed_event)
{
    const struct inbox_key box = user_key(user_id, STR("box")), meta = user_key(user_id, STR("meta")),
                           at = inbox_at_key(user_id);

    TRY(redis_add(redis,
                  (struct str[]){STR("XADD"), key_str(&box), STR("NOMKSTREAM"), STR("MAXLEN"), STR("~"),
                                 STR(BOX_ITEMS), STR("1-*"), STR("e"), packed_event},
                  9));
    TRY(redis_add(redis, (struct str[]){STR("HGET"), key_str(&meta), STR("epoch")}, 3));
    return redis_add(redis, (struct str[]){STR("HGETALL"), key_str(&at)}, 2);
}

enum err inbox_push_answer(struct redis *redis, struct arena *arena, struct inbox_pushed *out)
{
    struct redis_reply id, epoch, at;

    *out = (struct inbox_pushed){0};
    TRY(redis_answer(redis, arena, &id));
    TRY(redis_answer(redis, arena, &epoch));
    TRY(redis_answer(redis, arena, &at));
    out->refused = id.type == REDIS_ERROR || at.type == REDIS_ERROR;
    if (id.type == REDIS_STR && str_starts(id.str, STR("1-")))
        out->refused |= !str_u64((struct str){id.str.p + 2, id.str.n - 2}, &out->n);
    out->epoch = epoch_from(epoch.str);
    out->n_at = registrations_read(&at, arena, &out->at);
    return OK;
}
