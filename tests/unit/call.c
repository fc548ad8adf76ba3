/*
 * A call to a provider, with streams and a clock of the test's own: what is asked again and what is not, when
 * a provider is left alone, when a wait is over.
 */
#include "model/call.h"

#include <CUnit/Basic.h>
#include <stdlib.h>

#include "base/clock.h"
#include "lib/fixture.h"

/* ---- what stands in for time and the network ---- */

struct stream {
    struct stream_ask ask;
    enum stream_state state;
    int status, retry_after_s;
};

static int64_t now_ms = 1000;
static struct stream *open_one; /* NULL: none is open */
static int opened;

int64_t clock_mono_ms(void)
{
    return now_ms;
}

int64_t clock_mono_us(void)
{
    return now_ms * 1000;
}

int64_t clock_wall_ms(void)
{
    return now_ms;
}

void clock_text(int64_t wall_ms, char out[CLOCK_TEXT_BYTES])
{
    (void)wall_ms;
    memset(out, '0', CLOCK_TEXT_BYTES);
}

struct stream *stream_open(struct streams *all, const struct stream_ask *ask)
{
    (void)all;
    open_one = calloc(1, sizeof *open_one);
    CU_ASSERT_PTR_NOT_NULL_FATAL(open_one);
    open_one->ask = *ask;
    opened++;
    return open_one;
}

void stream_close(struct stream *s)
{
    CU_ASSERT_PTR_EQUAL(s, open_one);
    open_one = NULL;
    free(s);
}

enum stream_state stream_state(const struct stream *s)
{
    return s->state;
}

int stream_status(const struct stream *s)
{
    return s->status;
}

int stream_retry_after_s(const struct stream *s)
{
    return s->retry_after_s;
}

/* ---- the scene ---- */

static const struct provider provider = {.name = "p",
                                         .url = "http://p",
                                         .connect_s = 5,
                                         .first_token_s = 10,
                                         .between_tokens_s = 3,
                                         .answer_s = 60};
static struct health health;
static struct call *call;

static void begin(void)
{
    opened = 0;
    call = call_new(NULL, &provider, &health, STR("{}"));
    call_tick(call);
}

static void after(int64_t ms)
{
    now_ms += ms;
    call_tick(call);
}

static void end_with(enum stream_state state, int status, int retry_after_s)
{
    CU_ASSERT_PTR_NOT_NULL_FATAL(open_one);
    open_one->state = state;
    open_one->status = status;
    open_one->retry_after_s = retry_after_s;
    call_tick(call);
}

static void hear(const char *text)
{
    CU_ASSERT_PTR_NOT_NULL_FATAL(open_one);
    open_one->status = 200;
    (void)open_one->ask.on_bytes(open_one->ask.arg, text, strlen(text));
    call_tick(call);
}

static void hear_word(void)
{
    hear("data: {\"choices\":[{\"delta\":{\"content\":\"word\"}}]}\n\n");
}

static void failed_with(const char *reason)
{
    CU_ASSERT_EQUAL_FATAL(call_state(call), CALL_FAILED);
    CU_ASSERT_STRING_EQUAL(call_reason(call), reason);
}

static void finish(void)
{
    call_free(call);
    CU_ASSERT_PTR_NULL(open_one);
}

/* ---- the tests ---- */

static void test_asked_again_before_the_first_token(void)
{
    health = (struct health){0};
    begin();
    end_with(STREAM_DONE, 500, 0);
    CU_ASSERT_EQUAL(opened, 1);
    after(100); /* the pause is longer */
    CU_ASSERT_EQUAL(opened, 1);
    after(1000);
    CU_ASSERT_EQUAL(opened, 2);
    end_with(STREAM_UNREACHABLE, 0, 0);
    after(2000);
    CU_ASSERT_EQUAL(opened, 3);
    hear_word();
    hear("data: [DONE]\n\n");
    CU_ASSERT_EQUAL(call_state(call), CALL_DONE);
    CU_ASSERT_TRUE(str_eq(call_text(call), STR("word")));
    CU_ASSERT_EQUAL(health.failures, 0);
    finish();
    begin();
    for (int i = 0; i < 3; i++) {
        end_with(STREAM_DONE, 500, 0);
        after(2000);
    }
    failed_with("provider_unavailable");
    CU_ASSERT_EQUAL(opened, 3);
    finish();
}

static void test_never_asked_again_after_it(void)
{
    health = (struct health){0};
    begin();
    hear_word();
    end_with(STREAM_BROKEN, 200, 0);
    failed_with("cut_off");
    CU_ASSERT_EQUAL(opened, 1);
    CU_ASSERT_TRUE(call_has_begun(call));
    finish();
    begin();
    end_with(STREAM_DONE, 401, 0); /* it would say the same again */
    failed_with("provider_refused");
    CU_ASSERT_EQUAL(opened, 1);
    finish();
}

static void test_a_pause_that_is_asked_for(void)
{
    health = (struct health){0};
    begin();
    end_with(STREAM_DONE, 429, 7);
    after(6900);
    CU_ASSERT_EQUAL(opened, 1);
    after(500);
    CU_ASSERT_EQUAL(opened, 2);
    end_with(STREAM_DONE, 429, 600); /* nobody waits so long */
    failed_with("provider_busy");
    finish();
}

static void test_each_wait_has_an_end(void)
{
    health = (struct health){0};
    begin();
    for (int i = 0; i < 3; i++) {
        after(9900);
        CU_ASSERT_EQUAL(opened, i + 1);
        after(200);
        after(2000);
    }
    failed_with("timeout");
    finish();
    begin();
    hear_word();
    after(2900);
    CU_ASSERT_EQUAL(call_state(call), CALL_RUNS);
    after(200);
    failed_with("timeout");
    finish();
    begin();
    for (int i = 0; i < 30; i++) {
        hear_word();
        after(1990);
        CU_ASSERT_EQUAL(call_state(call), CALL_RUNS);
    }
    after(1000);
    failed_with("timeout");
    finish();
}

static void test_who_fails_is_left_alone(void)
{
    health = (struct health){0};
    for (int i = 0; i < 2; i++) {
        begin();
        for (int j = 0; j < 3 && call_state(call) == CALL_RUNS; j++) {
            if (open_one)
                end_with(STREAM_DONE, 503, 0);
            after(2000);
        }
        failed_with("provider_unavailable");
        finish();
    }
    CU_ASSERT_EQUAL(health.failures, 5);
    begin();
    failed_with("provider_unavailable");
    CU_ASSERT_EQUAL(opened, 0);
    finish();
    now_ms += 30 * 1000;
    begin(); /* one is let through; should it fail, all is as before */
    CU_ASSERT_EQUAL(opened, 1);
    end_with(STREAM_DONE, 503, 0);
    after(2000);
    failed_with("provider_unavailable");
    CU_ASSERT_EQUAL(opened, 1);
    finish();
    now_ms += 30 * 1000;
    begin();
    hear_word();
    hear("data: [DONE]\n\n");
    CU_ASSERT_EQUAL(health.failures, 0);
    finish();
}

int main(void)
{
    static const struct fixture_test tests[] = {
        {"asked again before the first token", test_asked_again_before_the_first_token},
        {"never asked again after it", test_never_asked_again_after_it},
        {"a pause that is asked for", test_a_pause_that_is_asked_for},
        {"each wait has an end", test_each_wait_has_an_end},
        {"who fails is left alone", test_who_fails_is_left_alone},
    };
    return FIXTURE_RUN("call", tests);
}
