/* Contexts of flows, and their end. */
#include <errno.h>

#include "talk.h"

static void flow(int from, uint32_t kind, uint64_t flow, uint64_t context)
{
    struct driver_flow_associate message = {
        {kind, sizeof(message), 0}, flow, context, FAKE_CALLOUT, CONNECT};

    say(from, &message, sizeof(message));
    fake_round(0);
}

static void test_16_2_one_context_for_a_flow_layer_and_callout(void **state)
{
    flow(host, DRIVER_FLOW_ASSOCIATE, 1, 0);
    flow(other, DRIVER_FLOW_ASSOCIATE, 1, 5);
    flow(host, DRIVER_FLOW_ASSOCIATE, 1, 6);
    flow(host, DRIVER_FLOW_ASSOCIATE, 1, 7);
    assert_int_equal(3, fake.hold->statistics.ignored);
    asked(1, CONNECT, IPPROTO_TCP, 1); /* 16.3 */
    assert_int_equal(6, told.classify.flow_context);
    flow(other, DRIVER_FLOW_REMOVE, 1, 0);
    assert_int_equal(4, fake.hold->statistics.ignored);
    assert_int_equal(-EBUSY, hold_callout_remove(fake.hold, FAKE_CALLOUT)); /* 7.8 */
    flow_closed(fake.hold, 1);
    assert_int_equal(DRIVER_FLOW_DELETE, hear(host)); /* 16.5 */
    assert_int_equal(6, told.deleted.context);
    flow_closed(fake.hold, 1);
    assert_int_equal(0, hear(host));
}

static void test_16_5_a_flow_whose_end_would_not_be_told_gets_no_context(void **state)
{
    fake.no_watch = true;
    flow(host, DRIVER_FLOW_ASSOCIATE, 1, 6);
    assert_int_equal(1, fake.hold->statistics.ignored);
    assert_int_equal(0, flow_context(fake.hold, 1, FAKE_CALLOUT, CONNECT));
}

static void test_7_7_who_is_conditional_on_flow_is_asked_only_with_a_context(void **state)
{
    struct ale_ask ask = fake_ask(1, CONNECT, IPPROTO_TCP);

    callout_find(fake.hold, FAKE_CALLOUT)->flags |= HOLD_CALLOUT_CONDITIONAL;
    fake_question(&ask);
    fake_packet(&ask, 1, SIZE);
    fake_round(0);
    assert_int_equal(0, hear(host));
    assert_int_equal(1, fake.operations[1].passed_over);
    flow(host, DRIVER_FLOW_ASSOCIATE, 2, 5);
    asked(2, CONNECT, IPPROTO_TCP, 2);
    answer(host, 2, 1, FWP_ACTION_NONE_NO_MATCH); /* its context has gone meanwhile */
    assert_int_equal(1, fake.operations[2].passed_over);
    callout_find(fake.hold, FAKE_CALLOUT)->flags = 0;
    asked(3, CONNECT, IPPROTO_TCP, 3);
    answer(host, 3, 1, FWP_ACTION_NONE_NO_MATCH);
    assert_int_equal(0, fake.operations[3].passed_over);
}

static void test_16_5_aborted_flows_have_a_bound(void **state)
{
    struct driver_flow_abort message = {{DRIVER_FLOW_ABORT, sizeof(message), 0}, 1};

    for (message.flow = 1; message.flow <= HOLD_ABORTS + 1; message.flow++) {
        say(host, &message, sizeof(message));
        fake_round(0);
    }
    flow_end_aborted(fake.hold);
    assert_int_equal(HOLD_ABORTS, fake.aborted);
    assert_int_equal(1, fake.hold->statistics.ignored);
}

static void test_contexts_have_a_bound(void **state)
{
    fake.hold->contexts_now = HOLD_CONTEXTS - 1;
    flow(host, DRIVER_FLOW_ASSOCIATE, 1, 6);
    flow(host, DRIVER_FLOW_ASSOCIATE, 2, 6);
    assert_int_equal(1, fake.hold->statistics.ignored);
    flow(host, DRIVER_FLOW_REMOVE, 1, 0);
    flow(host, DRIVER_FLOW_ASSOCIATE, 2, 6);
    assert_int_equal(1, fake.hold->statistics.ignored);
    assert_int_equal(6, flow_context(fake.hold, 2, FAKE_CALLOUT, CONNECT));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        CASE(test_16_2_one_context_for_a_flow_layer_and_callout),
        CASE(test_16_5_a_flow_whose_end_would_not_be_told_gets_no_context),
        CASE(test_7_7_who_is_conditional_on_flow_is_asked_only_with_a_context),
        CASE(test_16_5_aborted_flows_have_a_bound),
        CASE(test_contexts_have_a_bound),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
