/* Contexts of flows: rules 16.2 to 16.5. */
#include <pthread.h>
#include <stdatomic.h>
#include <unistd.h>

#include "rig.h"

#define LAYER   FWPS_LAYER_ALE_FLOW_ESTABLISHED_V4
#define CONTEXT 0x1111

static struct {
    _Atomic bool done;
    UINT16 layer;
    UINT32 callout;
    UINT64 context;
    unsigned count;
} deleted;

static UINT64 given;
static _Atomic bool entered, released;

static void NTAPI on_delete(UINT16 layerId, UINT32 calloutId, UINT64 flowContext)
{
    deleted.layer = layerId;
    deleted.callout = calloutId;
    deleted.context = flowContext;
    deleted.count++;
    deleted.done = true;
}

static void take_context(const struct shown *shown)
{
    given = shown->flow;
}

static void hold_context(const struct shown *shown)
{
    given = shown->flow;
    entered = true;
    while (!released)
        usleep(1000);
}

static void begin(rig_classify *classify, bool with_delete)
{
    const struct rig_callout callout = {.classify = classify,
                                        .flow_delete = with_delete ? on_delete : NULL};

    memset(&deleted, 0, sizeof(deleted));
    given = 0;
    entered = released = false;
    rig_start(&callout);
}

static struct driver_flow_associate told(uint32_t kind)
{
    struct driver_flow_associate message;

    rig_expect(kind, 0, &message, sizeof(message));
    return message;
}

static void associate(void)
{
    assert_int_equal(FwpsFlowAssociateContext0(RIG_COOKIE, LAYER, rig_id, CONTEXT), STATUS_SUCCESS);
    assert_int_equal(told(DRIVER_FLOW_ASSOCIATE).context, CONTEXT);
}

static void ask(void)
{
    struct driver_classify question = rig_question(LAYER, 1);

    rig_ask(&question);
}

static void test_16_2_what_can_be_associated(void **state)
{
    begin(take_context, true);
    assert_int_equal(FwpsFlowAssociateContext0(RIG_COOKIE, LAYER, rig_id, 0),
                     STATUS_INVALID_PARAMETER);
    assert_int_equal(FwpsFlowAssociateContext0(RIG_COOKIE, LAYER, 999, CONTEXT),
                     STATUS_INVALID_PARAMETER);
    associate();
    assert_int_equal(FwpsFlowAssociateContext0(RIG_COOKIE, LAYER, rig_id, 2),
                     STATUS_OBJECT_NAME_EXISTS);
    assert_true(NT_SUCCESS(STATUS_OBJECT_NAME_EXISTS));
    assert_int_equal(FwpsFlowAssociateContext0(RIG_COOKIE, LAYER + 1, rig_id, 3), STATUS_SUCCESS);
    assert_int_equal(FwpsFlowAssociateContext0(RIG_COOKIE + 1, LAYER, rig_id, 4), STATUS_SUCCESS);
    rig_stop();
}

static void test_16_2_a_callout_needs_a_flow_delete_function(void **state)
{
    begin(take_context, false);
    assert_int_equal(FwpsFlowAssociateContext0(RIG_COOKIE, LAYER, rig_id, CONTEXT),
                     STATUS_INVALID_PARAMETER);
    rig_stop();
}

static void test_16_3_classifies_get_the_context(void **state)
{
    begin(take_context, true);
    ask();
    rig_answer(1);
    assert_int_equal(given, 0);
    associate();
    ask();
    rig_answer(1);
    assert_int_equal(given, CONTEXT);
    rig_stop();
}

static void test_16_4_removing_an_idle_one_calls_the_callout_at_once(void **state)
{
    begin(take_context, true);
    assert_int_equal(FwpsFlowRemoveContext0(RIG_COOKIE, LAYER, rig_id), STATUS_UNSUCCESSFUL);
    associate();
    assert_int_equal(FwpsFlowRemoveContext0(RIG_COOKIE, LAYER, rig_id), STATUS_SUCCESS);
    assert_int_equal(deleted.count, 1);
    assert_int_equal(deleted.context, CONTEXT);
    assert_int_equal(told(DRIVER_FLOW_REMOVE).flow, RIG_COOKIE);
    rig_stop();
}

static void test_16_4_removing_one_in_use_is_pending(void **state)
{
    begin(hold_context, true);
    associate();
    ask();
    rig_wait(&entered);
    assert_int_equal(FwpsFlowRemoveContext0(RIG_COOKIE, LAYER, rig_id), STATUS_PENDING);
    assert_int_equal(deleted.count, 0);
    released = true;
    rig_wait(&deleted.done);
    assert_int_equal(deleted.count, 1);
    rig_stop();
}

static void test_16_5_the_end_of_a_flow(void **state)
{
    struct driver_flow_delete message;

    begin(take_context, true);
    associate();
    for (int i = 0; i < 2; i++) { /* the second finds none */
        message = (struct driver_flow_delete){
            .flow = RIG_COOKIE, .context = CONTEXT, .callout_id = rig_id, .layer = LAYER};
        rig_send(&message, DRIVER_FLOW_DELETE, 0, sizeof(message));
    }
    rig_wait(&deleted.done);
    ask();
    rig_answer(1);
    assert_int_equal(given, 0);
    assert_int_equal(deleted.count, 1);
    assert_int_equal(deleted.layer, LAYER);
    assert_int_equal(deleted.callout, rig_id);
    rig_stop();
}

static void test_7_8_a_callout_with_a_context_is_busy(void **state)
{
    begin(take_context, true);
    associate();
    assert_int_equal(FwpsCalloutUnregisterById0(rig_id), STATUS_DEVICE_BUSY);
    FwpsFlowRemoveContext0(RIG_COOKIE, LAYER, rig_id);
    assert_int_equal(FwpsCalloutUnregisterById0(rig_id), STATUS_SUCCESS);
    rig_stop();
}

/* A callout may remove its context while one of its functions has it. */
static void remove_mine(const struct shown *shown)
{
    given = (UINT64)FwpsFlowRemoveContext0(RIG_COOKIE, LAYER, rig_id);
}

static void test_16_4_removing_it_inside_a_classify(void **state)
{
    begin(remove_mine, true);
    associate();
    ask();
    told(DRIVER_FLOW_REMOVE);
    rig_answer(1);
    rig_wait(&deleted.done);
    assert_int_equal(given, STATUS_PENDING);
    rig_stop();
}

static void test_16_5_a_flow_is_aborted(void **state)
{
    struct driver_flow_abort message;

    begin(take_context, true);
    assert_int_equal(FwpsFlowAbort0(0), STATUS_INVALID_PARAMETER);
    assert_int_equal(FwpsFlowAbort0(RIG_COOKIE), STATUS_SUCCESS);
    rig_expect(DRIVER_FLOW_ABORT, 0, &message, sizeof(message));
    assert_int_equal(message.flow, RIG_COOKIE);
    rig_stop();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_16_2_what_can_be_associated),
        cmocka_unit_test(test_16_2_a_callout_needs_a_flow_delete_function),
        cmocka_unit_test(test_16_3_classifies_get_the_context),
        cmocka_unit_test(test_16_4_removing_an_idle_one_calls_the_callout_at_once),
        cmocka_unit_test(test_16_4_removing_one_in_use_is_pending),
        cmocka_unit_test(test_16_5_the_end_of_a_flow),
        cmocka_unit_test(test_16_5_a_flow_is_aborted),
        cmocka_unit_test(test_7_8_a_callout_with_a_context_is_busy),
        cmocka_unit_test(test_16_4_removing_it_inside_a_classify),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
