/* What an answer with another peer makes of an operation at CONNECT_REDIRECT. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

#include <fwps_layers.h>
#include <fwptypes.h>

#include "fake.h"

#define REDIRECT FWPS_LAYER_ALE_CONNECT_REDIRECT_V4
#define SIZE     60u

static const struct driver_redirect elsewhere = {
    .address = {[10] = 0xff, 0xff, 192, 0, 2, 9}, .port = 8080, .redirected = 1};

static int host;

static int setup(void **state)
{
    static const struct hold_limits limits = {.packets = 8,
                                              .packets_app = 6,
                                              .bytes = 4096,
                                              .packets_operation = 4,
                                              .pends = 2,
                                              .classify_ms = 500,
                                              .pend_ms = 5000};
    uint32_t number;

    fake_open(&limits);
    host = fake_host(&number);
    return 0;
}

static int teardown(void **state)
{
    close(host);
    fake_close();
    return 0;
}

static void ask(const struct ale_ask *ask)
{
    struct driver_classify told;

    fake_question(ask);
    fake_packet(ask, (uint32_t)ask->operation, SIZE);
    fake_round(0);
    assert_int_equal(sizeof(told), recv(host, &told, sizeof(told), MSG_DONTWAIT));
    assert_int_equal(ask->operation, told.header.operation);
}

static void say(const void *message, size_t size)
{
    assert_int_equal((ssize_t)size, send(host, message, size, MSG_DONTWAIT | MSG_NOSIGNAL));
    fake_round(0);
}

/* What the kernel side is given for an answer that leads elsewhere. */
static struct ale_answer redirected(const struct ale_ask *question, uint32_t action)
{
    struct driver_answer message = {{DRIVER_ANSWER, sizeof(message), question->operation},
                                    .round = 1,
                                    .action = action,
                                    .absorb = 1,
                                    .redirect = elsewhere};

    ask(question);
    say(&message, sizeof(message));
    return fake.operations[question->operation].last;
}

static struct ale_ask question(uint64_t number)
{
    return fake_ask(number, REDIRECT, IPPROTO_TCP);
}

static void test_21_3_a_permit_may_lead_elsewhere(void **state)
{
    struct ale_ask asked = question(1);
    struct ale_answer answer = redirected(&asked, FWP_ACTION_PERMIT);

    assert_int_equal(1, answer.redirected);
    assert_int_equal(8080, answer.redirect_port);
    assert_memory_equal(elsewhere.address, answer.redirect, sizeof(answer.redirect));
}

static void test_a_block_leads_nowhere(void **state)
{
    struct ale_ask asked = question(1);
    struct ale_answer answer = redirected(&asked, FWP_ACTION_BLOCK);

    assert_int_equal(0, answer.redirected);
    assert_int_equal(0, answer.rights);
    assert_int_equal(1, answer.absorb);
    assert_int_equal(1, fake.operations[1].blocks);
}

static void test_17_7_a_completed_block_is_hard_and_leads_nowhere(void **state)
{
    struct driver_answer pended = {
        {DRIVER_ANSWER, sizeof(pended), 1}, .round = 1, .pended = 1, .deadline_ms = 1000};
    struct driver_complete completed = {
        {DRIVER_COMPLETE, sizeof(completed), 1}, FWP_ACTION_BLOCK, .redirect = elsewhere};
    struct ale_ask asked = question(1);

    ask(&asked);
    say(&pended, sizeof(pended));
    say(&completed, sizeof(completed));
    assert_int_equal(0, fake.operations[1].last.redirected);
    assert_int_equal(0, fake.operations[1].last.rights);
    assert_int_equal(1, fake.operations[1].blocks);
}

static void test_6_9_who_may_not_decide_redirects_nothing(void **state)
{
    struct ale_ask late = question(1), inspection = question(2);
    struct ale_ask connect = fake_ask(3, FWPS_LAYER_ALE_AUTH_CONNECT_V4, IPPROTO_TCP);

    late.rights = 0;
    inspection.filter_type = FWP_ACTION_CALLOUT_INSPECTION;
    assert_int_equal(0, redirected(&late, FWP_ACTION_PERMIT).redirected);
    assert_int_equal(0, redirected(&inspection, FWP_ACTION_PERMIT).redirected);
    assert_int_equal(0, redirected(&connect, FWP_ACTION_PERMIT).redirected);
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        CASE(test_21_3_a_permit_may_lead_elsewhere),
        CASE(test_a_block_leads_nowhere),
        CASE(test_17_7_a_completed_block_is_hard_and_leads_nowhere),
        CASE(test_6_9_who_may_not_decide_redirects_nothing),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
