/*
 * Files in the model: names, quotas, who may read, what a message says of one, and that nothing is left
 * behind.
 */
#include "model/fileuse.h"

#include <CUnit/Basic.h>
#include <dirent.h>
#include <inttypes.h>
#include <stdlib.h>
#include <sys/stat.h>

#include "lib/fixture.h"
#include "model/filenames.h"

static struct conf conf;
static struct house *house;
static struct store *store;

/* ---- names ---- */

static void expect_name(struct person *p, const char *name, const char *want)
{
    struct str got;
    const enum err err = file_name_check(&p->ctx, "f", str_of(name), &got);

    CU_ASSERT_EQUAL(err, want ? OK : ERR_INVALID_REQUEST);
    if (err == OK)
        CU_ASSERT_TRUE(str_eq(got, str_of(want)));
}

static void test_names(void)
{
    struct person *p = person_new(house, 1);
    /* Characters that turn the direction of text, byte by byte: in a text they would turn this one. */
    static const char override[] = {(char)0xe2, (char)0x80, (char)0xae, 'x', '\0'},
                      isolate[] = {'x', (char)0xe2, (char)0x81, (char)0xa6, '\0'},
                      arabic[] = {(char)0xd8, (char)0x9c, '\0'},
                      mark[] = {(char)0xe2, (char)0x80, (char)0x8f, '\0'};
    const char *const bad[] = {".",        "..",   "a/b",    "\\",    "a\nb", "\x7f",
                               "\xc2\x85", "\xff", override, isolate, arabic, mark};
    char longest[FILE_NAME_MAX + 2];

    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        expect_name(p, bad[i], NULL);
    expect_name(p, "", "file");
    expect_name(p, "...", "...");
    expect_name(p, "\xe9\xa9\xbf.txt", "\xe9\xa9\xbf.txt");
    expect_name(p, "\xe2\x80\x93\xc2\xa0",
                "\xe2\x80\x93\xc2\xa0"); /* a dash and a space that are like the bad ones */
    memset(longest, 'a', sizeof longest);
    longest[FILE_NAME_MAX] = '\0';
    expect_name(p, longest, longest);
    longest[FILE_NAME_MAX] = 'a';
    longest[FILE_NAME_MAX + 1] = '\0';
    expect_name(p, longest, NULL);
    CU_ASSERT_STRING_EQUAL(
        str_c(p->ctx.arena, file_disposition(p->ctx.arena, STR("image/png"), STR("a\"b;%\xe9\xa9\xbf.png"))),
        "inline; filename=\"a_b___.png\"; filename*=UTF-8''a%22b%3B%25%E9%A9%BF.png");
    CU_ASSERT_TRUE(
        str_starts(file_disposition(p->ctx.arena, STR("text/html"), STR("a")), STR("attachment;")));
    CU_ASSERT_TRUE(
        str_starts(file_disposition(p->ctx.arena, STR("image/svg+xml"), STR("a")), STR("attachment;")));
    person_free(p);
}

/* ---- one that is there ---- */

static void put(struct file_new *f, const char *bytes)
{
    struct store_bytes source = {str_of(bytes)};
    struct problem problem = {0};

    CU_ASSERT_EQUAL(
        store->ops->put(store, str_of(f->store_key), f->size, store_bytes_read, &source, &problem), OK);
}

static struct file file_of(struct person *p, const char *bytes, const char *type, unsigned side)
{
    struct file_new f = {.name = STR("n"), .size = (int64_t)strlen(bytes), .width = side, .height = side};
    struct file out = {0};

    CU_ASSERT_EQUAL_FATAL(file_begin(&p->ctx, &f), OK);
    put(&f, bytes);
    snprintf(f.content_type, sizeof f.content_type, "%s", type);
    CU_ASSERT_EQUAL_FATAL(file_finish(&p->ctx, &f, &out), OK);
    return out;
}

static uint64_t usage_of(struct person *p)
{
    return fixture_number(p, "SELECT COALESCE(SUM(bytes), 0) FROM file_usage WHERE user_id = %" PRIu64,
                          p->id);
}

static unsigned objects(void)
{
    unsigned n = 0;
    char path[CONF_TEXT_BYTES + 300];
    DIR *top = opendir(conf.store_dir);

    for (struct dirent *e; top && (e = readdir(top));) {
        if (*e->d_name == '.')
            continue;
        snprintf(path, sizeof path, "%s/%s", conf.store_dir, e->d_name);
        DIR *folder = opendir(path);
        for (struct dirent *f; folder && (f = readdir(folder));)
            n += *f->d_name != '.';
        if (folder)
            closedir(folder);
    }
    if (top)
        closedir(top);
    return n;
}

/* ---- receiving ---- */

static void test_limits(void)
{
    struct person *p = person_new(house, 1);
    struct file_new f = {.name = STR("n"), .size = 0};
    struct file_new many[FILE_RECEIVING_MAX];
    const int64_t quota = (int64_t)conf.file_quota_mib << 20;

    CU_ASSERT_EQUAL(file_begin(&p->ctx, &f), ERR_INVALID_REQUEST);
    f.size = ((int64_t)conf.file_max_mib << 20) + 1;
    CU_ASSERT_EQUAL(file_begin(&p->ctx, &f), ERR_TOO_LARGE);
    CU_ASSERT_EQUAL(usage_of(p), 0);
    for (int i = 0; i < FILE_RECEIVING_MAX; i++) {
        many[i] = (struct file_new){.name = STR("n"), .size = 10};
        CU_ASSERT_EQUAL(file_begin(&p->ctx, &many[i]), OK);
    }
    f.size = 1;
    CU_ASSERT_EQUAL(file_begin(&p->ctx, &f), ERR_RATE_LIMITED);
    CU_ASSERT_EQUAL(usage_of(p), 10 * FILE_RECEIVING_MAX);
    for (int i = 0; i < FILE_RECEIVING_MAX; i++)
        CU_ASSERT_EQUAL(file_give_up(&p->ctx, &many[i]), OK);
    CU_ASSERT_EQUAL(file_give_up(&p->ctx, &many[0]), OK); /* twice gives nothing back twice */
    CU_ASSERT_EQUAL(usage_of(p), 0);
    fixture_number(p, "UPDATE file_usage SET bytes = %" PRId64 " WHERE user_id = %" PRIu64, quota - 1, p->id);
    CU_ASSERT_EQUAL(file_begin(&p->ctx, &f), OK);
    CU_ASSERT_EQUAL(file_begin(&p->ctx, &f), ERR_QUOTA_EXCEEDED);
    CU_ASSERT_EQUAL(usage_of(p), (uint64_t)quota);
    person_free(p);
}

static void test_nothing_is_left(void)
{
    struct person *p = person_new(house, 1);
    const unsigned before = objects();
    struct file_new dead = {.name = STR("n"), .size = 4}, alive = {.name = STR("n"), .size = 4};
    struct file out;
    size_t n;

    CU_ASSERT_EQUAL(file_begin(&p->ctx, &dead), OK);
    CU_ASSERT_EQUAL(file_begin(&p->ctx, &alive), OK);
    put(&dead, "dead");
    put(&alive, "live");
    CU_ASSERT_EQUAL(objects(), before + 2);
    CU_ASSERT_EQUAL(files_sweep(&p->ctx, store, &n), OK);
    CU_ASSERT_EQUAL(objects(), before + 2);
    fixture_number(p, "UPDATE files SET touched_at = touched_at - %d WHERE owner_id = %" PRIu64,
                   FILE_DEAD_MS + 1000, p->id);
    CU_ASSERT_EQUAL(file_touch(&p->ctx, &alive), OK);
    CU_ASSERT_EQUAL(files_sweep(&p->ctx, store, &n), OK);
    CU_ASSERT_EQUAL(n, 1);
    CU_ASSERT_EQUAL(objects(), before + 1);
    CU_ASSERT_EQUAL(usage_of(p), 4);
    CU_ASSERT_EQUAL(file_finish(&p->ctx, &dead, &out),
                    ERR_UNAVAILABLE); /* who was taken for dead may not come back */
    CU_ASSERT_EQUAL(file_finish(&p->ctx, &alive, &out), OK);
    person_free(p);
}

/* ---- messages ---- */

static struct file_used used;
static enum err use(struct person *p, enum file_kind kind, uint64_t id, uint64_t poster)
{
    const struct file_use said = {.file_id = id, .poster_file_id = poster, .duration_ms = 1500};

    p->problem = (struct problem){0};
    used = (struct file_used){0};
    return fileuse_check(&p->ctx, kind, &said, &used);
}

static void expect_json(struct person *p, const char *fmt, uint64_t id, uint64_t poster)
{
    char want[256];
    char id_text[24], poster_text[24];

    snprintf(id_text, sizeof id_text, "%" PRIu64, id);
    snprintf(poster_text, sizeof poster_text, "%" PRIu64, poster);
    struct buf b = buf_in(p->ctx.arena);
    for (const char *c = fmt; *c; c++) {
        if (*c == '#')
            buf_c(&b, id_text);
        else if (*c == '@')
            buf_c(&b, poster_text);
        else
            buf_char(&b, *c == '\'' ? '"' : *c);
    }
    snprintf(want, sizeof want, "%.*s", STR_ARG(buf_done(&b)));
    CU_ASSERT_STRING_EQUAL(str_c(p->ctx.arena, used.json), want);
}

static void test_contents(void)
{
    struct person *p = person_new(house, 1), *other = person_new(house, 1);
    const struct file png = file_of(p, "png.", "image/png", 7), html = file_of(p, "html", "text/html", 0),
                      webm = file_of(p, "webm!", "video/webm", 0),
                      svg = file_of(p, "svg", "image/svg+xml", 0);

    CU_ASSERT_EQUAL(use(p, FILE_IMAGE, png.id, 0), OK);
    expect_json(p, "{'file_id':'#','name':'n','size':4,'width':7,'height':7}", png.id, 0);
    CU_ASSERT_EQUAL(used.n_refs, 1);
    CU_ASSERT_EQUAL(use(p, FILE_FILE, html.id, 0), OK);
    expect_json(p, "{'file_id':'#','name':'n','size':4,'content_type':'text/html'}", html.id, 0);
    CU_ASSERT_EQUAL(use(p, FILE_VOICE, webm.id, 0), OK);
    expect_json(p, "{'file_id':'#','duration_ms':1500,'size':5}", webm.id, 0);
    CU_ASSERT_EQUAL(use(p, FILE_VIDEO, webm.id, png.id), OK);
    expect_json(p, "{'file_id':'#','poster_file_id':'@','duration_ms':1500,'size':5,'width':7,'height':7}",
                webm.id, png.id);
    CU_ASSERT_EQUAL(used.n_refs, 2);
    CU_ASSERT_EQUAL(used.refs[1].kind, FILE_POSTER);
    CU_ASSERT_EQUAL(use(p, FILE_VIDEO, webm.id, 0), OK);
    expect_json(
        p, "{'file_id':'#','poster_file_id':null,'duration_ms':1500,'size':5,'width':null,'height':null}",
        webm.id, 0);

    CU_ASSERT_EQUAL(use(p, FILE_IMAGE, html.id, 0), ERR_INVALID_REQUEST);
    CU_ASSERT_EQUAL(use(p, FILE_IMAGE, svg.id, 0), ERR_INVALID_REQUEST);
    CU_ASSERT_EQUAL(use(p, FILE_VOICE, png.id, 0), ERR_INVALID_REQUEST);
    CU_ASSERT_EQUAL(use(p, FILE_VIDEO, webm.id, html.id), ERR_INVALID_REQUEST);
    CU_ASSERT_STRING_EQUAL(p->problem.fields[0].field, "content.poster_file_id");
    CU_ASSERT_EQUAL(use(other, FILE_IMAGE, png.id, 0), ERR_NOT_FOUND);
    CU_ASSERT_STRING_EQUAL(other->problem.fields[0].field, "content.file_id");
    CU_ASSERT_EQUAL(use(p, FILE_FILE, 7, 0), ERR_NOT_FOUND);
    p->ctx.actor.app_id = 2;
    CU_ASSERT_EQUAL(use(p, FILE_IMAGE, png.id, 0), ERR_NOT_FOUND);
    person_free(p);
    person_free(other);
}

/* The batch's text, and the copies of a forward. */
static void test_refs(void)
{
    struct person *a = person_new(house, 1), *b = person_new(house, 1), *c = person_new(house, 1);
    const uint64_t ab = fixture_friends(a, b), bc = fixture_friends(b, c);
    const struct file png = file_of(a, "png.", "image/png", 7);
    const struct file_ref refs[] = {{png.id, FILE_IMAGE}, {png.id + 1, FILE_POSTER}};
    struct buf sql = buf_in(a->ctx.arena);
    bool first = true;

    buf_c(&sql, "SELECT 1");
    fileuse_text(&sql, &first, ab, 1, refs, 0);
    CU_ASSERT_TRUE(first);
    fileuse_text(&sql, &first, ab, 1, refs, 2);
    fileuse_text(&sql, &first, ab, 2, refs, 1);
    fixture_number(a, "%.*s", STR_ARG(buf_done(&sql)));
    CU_ASSERT_EQUAL(fixture_number(a, "SELECT COUNT(*) FROM file_refs WHERE conversation_id = %" PRIu64, ab),
                    3);
    CU_ASSERT_EQUAL(use(b, FILE_IMAGE, png.id, 0), ERR_NOT_FOUND); /* there is no such entry */
    fixture_number(a,
                   "INSERT INTO entries (conversation_id, seq, sender_id, client_msg_id, part, request_hash, "
                   "type, counts,"
                   " content, created_at) SELECT id, 1, %" PRIu64 ", UNHEX(REPEAT('00', 16)), 0,"
                   " UNHEX(REPEAT('00', 16)), 0, 1, '{}', 1 FROM conversations WHERE id IN (%" PRIu64
                   ",%" PRIu64 ")",
                   a->id, ab, bc);
    CU_ASSERT_EQUAL(use(b, FILE_IMAGE, png.id, 0), OK);
    CU_ASSERT_EQUAL(use(c, FILE_IMAGE, png.id, 0), ERR_NOT_FOUND);
    CU_ASSERT_EQUAL(q_file_refs_copy(&b->ctx, ab, 1, bc, 1, NULL), OK);
    CU_ASSERT_EQUAL(q_file_refs_merge(&b->ctx, ab, 1, bc, 1, NULL), OK); /* they are there already */
    CU_ASSERT_EQUAL(use(c, FILE_IMAGE, png.id, 0), OK);
    CU_ASSERT_EQUAL(q_file_refs_merge(&b->ctx, ab, 1, bc, 2, NULL), OK);
    CU_ASSERT_EQUAL(fixture_number(a,
                                   "SELECT COUNT(*) FROM file_refs WHERE conversation_id = %" PRIu64
                                   " AND seq = 2 AND kind = 5",
                                   bc),
                    2);
    fixture_number(a, "UPDATE entries SET recalled_at = 1 WHERE conversation_id = %" PRIu64, bc);
    CU_ASSERT_EQUAL(use(c, FILE_IMAGE, png.id, 0), ERR_NOT_FOUND);
    person_free(a);
    person_free(b);
    person_free(c);
}

int main(void)
{
    static const struct fixture_test tests[] = {
        {"names", test_names},
        {"limits before the bytes", test_limits},
        {"nothing is left", test_nothing_is_left},
        {"contents", test_contents},
        {"references", test_refs},
    };
    struct problem problem = {0};

    house = fixture_open(&conf);
    snprintf(conf.store_dir, sizeof conf.store_dir, "%.900s/files", conf.run_dir);
    store = store_new(&conf);
    if (store_ready(store, &problem) != OK) {
        fprintf(stderr, "%s\n", problem.detail);
        return 2;
    }
    const int failed = FIXTURE_RUN("files", tests);
    store_free(store);
    house_close(house);
    return failed;
}
