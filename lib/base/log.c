/* The log: a line is built on the stack and written with one write(2), so lines of threads never mix. */
#include "base/log.h"

#include <fcntl.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/clock.h"

enum { LINE_BYTES = 4096, TEXT_BYTES = 1024 };

static const char *const level_names[] = {"debug", "info", "warn", "error"};
static const char *process_name = "?";
static enum log_level least_level = LOG_INFO;

/* Where lines go. A rotation puts the new file under the same descriptor, so writers need no lock. */
static struct {
    int fd;
    const char *path; /* NULL: standard error */
    int64_t max_bytes;
    _Atomic int64_t bytes;
    pthread_mutex_t rotation;
} sink = {.fd = STDERR_FILENO, .rotation = PTHREAD_MUTEX_INITIALIZER};

struct line {
    char p[LINE_BYTES];
    size_t n;
};

void log_init(const char *process, enum log_level least)
{
    process_name = process;
    least_level = least;
}

static int open_append(const char *path)
{
    return open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0640);
}

bool log_open(const char *path, int64_t max_bytes)
{
    struct stat st;
    const int fd = open_append(path);

    if (fd < 0 || fstat(fd, &st) != 0)
        return false;
    sink.fd = fd;
    sink.path = path;
    sink.max_bytes = max_bytes;
    sink.bytes = st.st_size;
    return true;
}

/* A failed rename or open leaves everything as it is: a log that grows is better than none. */
static void rotate(void)
{
    char old[4096];

    if (pthread_mutex_trylock(&sink.rotation) != 0)
        return; /* somebody is at it */
    if (sink.bytes > sink.max_bytes && snprintf(old, sizeof old, "%s.1", sink.path) < (int)sizeof old &&
        rename(sink.path, old) == 0) {
        const int fd = open_append(sink.path);
        if (fd >= 0) {
            dup3(fd, sink.fd, O_CLOEXEC);
            close(fd);
        }
        sink.bytes = 0;
    }
    pthread_mutex_unlock(&sink.rotation);
}

static void emit(const struct line *l)
{
    const ssize_t written = write(sink.fd, l->p, l->n);

    if (!sink.path || written <= 0) /* a full disk must not stop the service */
        return;
    sink.bytes += written;
    if (sink.max_bytes && sink.bytes > sink.max_bytes)
        rotate();
}

static void put(struct line *l, const char *bytes, size_t n)
{
    if (n > sizeof l->p - 2 - l->n) /* room for the closing brace and the newline */
        n = sizeof l->p - 2 - l->n;
    memcpy(l->p + l->n, bytes, n);
    l->n += n;
}

static void put_c(struct line *l, const char *cstr)
{
    put(l, cstr, strlen(cstr));
}

static void put_text(struct line *l, struct str s)
{
    const bool is_utf8 = s.n <= TEXT_BYTES && utf8_check(s, NULL);

    put_c(l, "\"");
    for (size_t i = 0; i < s.n && i < TEXT_BYTES; i++) {
        const unsigned char c = (unsigned char)s.p[i];
        char escaped[8];
        if (l->n > sizeof l->p - 24 && !(is_utf8 && (c & 0xc0) == 0x80))
            break; /* between characters: the line stays UTF-8 */
        if (c < 0x20 || c == '"' || c == '\\' || c == 0x7f || (c >= 0x80 && !is_utf8)) {
            snprintf(escaped, sizeof escaped, "\\u%04x", c);
            put(l, escaped, 6);
        } else {
            l->p[l->n++] = (char)c;
        }
    }
    put_c(l, "\"");
}

static void put_number(struct line *l, uint64_t v)
{
    char digits[20];

    put(l, digits, u64_text(v, digits));
}

static void put_value(struct line *l, const struct log_field *f)
{
    switch (f->type) {
    case LOG_TEXT:
        put_text(l, f->text);
        break;
    case LOG_NUMBER:
        if (f->number < 0)
            put_c(l, "-");
        put_number(l, f->number < 0 ? 0 - (uint64_t)f->number : (uint64_t)f->number);
        break;
    case LOG_ID:
        put_c(l, "\"");
        put_number(l, f->id);
        put_c(l, "\"");
        break;
    }
}

static void put_head(struct line *l, enum log_level level, const char *msg)
{
    char at[CLOCK_TEXT_BYTES];

    clock_text(clock_wall_ms(), at);
    put_c(l, "{\"at\":\"");
    put(l, at, sizeof at);
    put_c(l, "\",\"level\":\"");
    put_c(l, level_names[level]);
    put_c(l, "\",\"process\":");
    put_text(l, str_of(process_name));
    put_c(l, ",\"msg\":");
    put_text(l, str_of(msg));
}

void log_write(enum log_level level, const char *msg, const struct log_field *fields, size_t n)
{
    struct line l;

    if (level < least_level)
        return;
    l.n = 0; /* the rest is written before it is read, and clearing 4 KiB costs as much as the line */
    put_head(&l, level, msg);
    for (size_t i = 0; i < n && l.n < sizeof l.p - 256; i++) {
        put_c(&l, ",\"");
        put_c(&l, fields[i].name);
        put_c(&l, "\":");
        put_value(&l, &fields[i]);
    }
    memcpy(l.p + l.n, "}\n", 2);
    l.n += 2;
    emit(&l);
}
