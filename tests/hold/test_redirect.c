/* What an answer with another peer makes of an operation at CONNECT_REDIRECT. */
#include "talk.h"

#define REDIRECT FWPS_LAYER_ALE_CONNECT_REDIRECT_V4

static const struct driver_redirect elsewhere = {
    .address = {[10] = 0xff, 0xff, 192, 0, 2, 9}, .port = 8080, .redirected = 1};

/* What the kernel side is given for an answer that leads elsewhere. */
static struct ale_answer redirected(const struct ale_ask *question, uint32_t action)
{
    struct driver_answer message = {{DRIVER_ANSWER, sizeof(message), question->operation},
                                    .round = 1,
                                    .action = action,
                                    .absorb = 1,
                                    .redirect = elsewhere};

    fake_question(question);
    fake_packet(question, (uint32_t)question->operation, SIZE);
    fake_round(0);
    assert_int_equal(DRIVER_CLASSIFY, hear(host));
    say(host, &message, sizeof(message));
    fake_round(0);
    return fake.operations[question->operation].last;
}

static struct ale_ask question(uint64_t number)
{
    return fake_ask(number, REDIRECT, IPPROTO_TCP);
}

static void test_21_3_a_permit_may_lead_elsewhere(void **state)
{
    struct ale_ask ask = question(1);
    struct ale_answer given = redirected(&ask, FWP_ACTION_PERMIT);

    assert_int_equal(1, given.redirected);
    assert_int_equal(8080, given.redirect_port);
    assert_memory_equal(elsewhere.address, given.redirect, sizeof(given.redirect));
}

static void test_a_block_leads_nowhere(void **state)
{
    struct ale_ask ask = question(1);
    struct ale_answer given = redirected(&ask, FWP_ACTION_BLOCK);

    assert_int_equal(0, given.redirected);
    assert_int_equal(0, given.rights);
    assert_int_equal(1, given.absorb);
    assert_int_equal(1, fake.operations[1].blocks);
}

static void test_17_7_a_completed_block_is_hard_and_leads_nowhere(void **state)
{
    struct driver_complete completed = {
        {DRIVER_COMPLETE, sizeof(completed), 1}, FWP_ACTION_BLOCK, .redirect = elsewhere};

    asked(1, REDIRECT, IPPROTO_TCP, 1);
    pend(host, 1, 1, 0, false);
    say(host, &completed, sizeof(completed));
    fake_round(0);
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
