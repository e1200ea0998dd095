/* Registration, notification and the end of callouts. */
#include <pthread.h>
#include <unistd.h>

#include "rig.h"

static const GUID other = {0x1d5f0f03, 0, 0, {0}};
static _Atomic bool entered, released, unregistered;
static NTSTATUS seen;

static void permit(const struct shown *shown)
{
    shown->out->actionType = FWP_ACTION_PERMIT;
}

static const struct rig_callout permitting = {.classify = permit};

static void test_7_1_registration_gives_the_id_of_the_callout(void **state)
{
    UINT32 id = 0;

    rig_start(&permitting);
    assert_int_equal(rig_id, 101);
    assert_int_equal(rig_register(&other, &id), STATUS_SUCCESS);
    assert_int_equal(id, 102);
    rig_stop();
}

static void test_7_8_a_second_registration_exists_already(void **state)
{
    rig_start(&permitting);
    rig_register_code = FWP_E_ALREADY_EXISTS;
    assert_int_equal(rig_register(&other, NULL), STATUS_FWP_ALREADY_EXISTS);
    rig_stop();
}

static void test_registration_is_checked(void **state)
{
    FWPS_CALLOUT0 callout = {.calloutKey = other};

    rig_start(&permitting);
    assert_int_equal(FwpsCalloutRegister0(NULL, NULL, NULL), STATUS_FWP_NULL_POINTER);
    assert_int_equal(FwpsCalloutRegister0(NULL, &callout, NULL), STATUS_INVALID_PARAMETER);
    rig_stop();
}

static void test_7_8_unregistering_what_is_not_there(void **state)
{
    rig_start(&permitting);
    assert_int_equal(FwpsCalloutUnregisterById0(4), STATUS_FWP_CALLOUT_NOT_FOUND);
    assert_int_equal(FwpsCalloutUnregisterByKey0(&other), STATUS_FWP_CALLOUT_NOT_FOUND);
    assert_int_equal(FwpsCalloutUnregisterByKey0(NULL), STATUS_FWP_NULL_POINTER);
    assert_int_equal(FwpsCalloutUnregisterById0(rig_id), STATUS_SUCCESS);
    assert_int_equal(FwpsCalloutUnregisterById0(rig_id), STATUS_FWP_CALLOUT_NOT_FOUND);
    rig_stop();
}

static void test_7_8_the_engine_finds_it_busy(void **state)
{
    rig_start(&permitting);
    rig_unregister_code = ERROR_BUSY;
    assert_int_equal(FwpsCalloutUnregisterById0(rig_id), STATUS_DEVICE_BUSY);
    rig_unregister_code = 0;
    assert_int_equal(FwpsCalloutUnregisterById0(rig_id), STATUS_SUCCESS);
    rig_stop();
}

static void hold_up(const struct shown *shown)
{
    entered = true;
    while (!released)
        usleep(1000);
    shown->out->actionType = FWP_ACTION_PERMIT;
}

static void *unregister(void *nothing)
{
    seen = FwpsCalloutUnregisterById0(rig_id);
    unregistered = true;
    return NULL;
}

static void test_7_8_unregistering_waits_for_a_classify_that_runs(void **state)
{
    const struct rig_callout callout = {.classify = hold_up};
    struct driver_classify question;
    pthread_t thread;

    entered = released = unregistered = false;
    rig_start(&callout);
    question = rig_question(FWPS_LAYER_ALE_AUTH_CONNECT_V4, 1);
    rig_ask(&question);
    rig_wait(&entered);
    assert_int_equal(pthread_create(&thread, NULL, unregister, NULL), 0);
    usleep(50000);
    assert_false(unregistered);
    released = true;
    pthread_join(thread, NULL);
    assert_int_equal(seen, STATUS_SUCCESS);
    assert_int_equal(rig_answer(1).action, FWP_ACTION_PERMIT);
    rig_stop();
}

static void unregister_myself(const struct shown *shown)
{
    seen = FwpsCalloutUnregisterById0(rig_id);
}

static void test_7_8_unregistering_from_the_callout_itself_is_refused(void **state)
{
    const struct rig_callout callout = {.classify = unregister_myself};
    struct driver_classify question;

    rig_start(&callout);
    question = rig_question(FWPS_LAYER_ALE_AUTH_CONNECT_V4, 1);
    rig_ask(&question);
    rig_answer(1);
    assert_int_equal(seen, STATUS_DEVICE_BUSY);
    rig_stop();
}

/* ---- notification ---- */

static struct {
    _Atomic bool done;
    FWPS_CALLOUT_NOTIFY_TYPE type;
    bool has_key;
    UINT64 filter, context;
} notified;

static NTSTATUS NTAPI on_notify(FWPS_CALLOUT_NOTIFY_TYPE type, const GUID *key,
                                FWPS_FILTER3 *filter)
{
    notified.type = type;
    notified.has_key = key && key->Data1 == 0xabcd;
    notified.filter = filter->filterId;
    notified.context = filter->context;
    notified.done = true;
    return STATUS_UNSUCCESSFUL;
}

static void notify(uint32_t what)
{
    struct driver_notify_filter message = {.what = what,
                                           .callout_id = rig_id,
                                           .filter_id = 12,
                                           .filter_context = 34,
                                           .filter_key = {0xcd, 0xab}};

    notified.done = false;
    rig_send(&message, DRIVER_NOTIFY, 0, sizeof(message));
    rig_wait(&notified.done);
}

static void test_7_4_notifications_of_filters(void **state)
{
    const struct rig_callout callout = {.classify = permit, .notify = on_notify};

    rig_start(&callout);
    notify(DRIVER_FILTER_ADDED);
    assert_int_equal(notified.type, FWPS_CALLOUT_NOTIFY_ADD_FILTER);
    assert_true(notified.has_key);
    assert_int_equal(notified.filter, 12);
    assert_int_equal(notified.context, 34);
    notify(DRIVER_FILTER_DELETED);
    assert_int_equal(notified.type, FWPS_CALLOUT_NOTIFY_DELETE_FILTER);
    assert_false(notified.has_key);
    rig_stop();
}

/* ---- versions ---- */

static unsigned called;

static void NTAPI classify0(const FWPS_INCOMING_VALUES0 *fixed,
                            const FWPS_INCOMING_METADATA_VALUES0 *meta, void *data,
                            const FWPS_FILTER0 *filter, UINT64 flow, FWPS_CLASSIFY_OUT0 *out)
{
    called |= filter->filterId == RIG_FILTER && out->rights ? 1 : 0;
}

static void NTAPI classify1(const FWPS_INCOMING_VALUES0 *fixed,
                            const FWPS_INCOMING_METADATA_VALUES0 *meta, void *data,
                            const void *context, const FWPS_FILTER1 *filter, UINT64 flow,
                            FWPS_CLASSIFY_OUT0 *out)
{
    called |= context && filter->filterId == RIG_FILTER && out->rights ? 2 : 0;
}

static void NTAPI classify2(const FWPS_INCOMING_VALUES0 *fixed,
                            const FWPS_INCOMING_METADATA_VALUES0 *meta, void *data,
                            const void *context, const FWPS_FILTER2 *filter, UINT64 flow,
                            FWPS_CLASSIFY_OUT0 *out)
{
    called |= context && filter->filterId == RIG_FILTER && out->rights ? 4 : 0;
}

static void test_26_1_every_version_is_called_as_it_is_declared(void **state)
{
    const FWPS_CALLOUT0 zero = {.classifyFn = classify0};
    const FWPS_CALLOUT1 one = {.classifyFn = classify1};
    const FWPS_CALLOUT2 two = {.classifyFn = classify2};
    UINT32 ids[3];

    called = 0;
    rig_start(&permitting);
    assert_int_equal(FwpsCalloutRegister0(NULL, &zero, &ids[0]), STATUS_SUCCESS);
    assert_int_equal(FwpsCalloutRegister1(NULL, &one, &ids[1]), STATUS_SUCCESS);
    assert_int_equal(FwpsCalloutRegister2(NULL, &two, &ids[2]), STATUS_SUCCESS);
    for (int i = 0; i < 3; i++) {
        struct driver_classify question = rig_question(FWPS_LAYER_ALE_AUTH_CONNECT_V4, 1);

        question.ask.callout_id = ids[i];
        rig_ask(&question);
        rig_answer(1);
    }
    assert_int_equal(called, 7);
    rig_stop();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_7_1_registration_gives_the_id_of_the_callout),
        cmocka_unit_test(test_7_8_a_second_registration_exists_already),
        cmocka_unit_test(test_registration_is_checked),
        cmocka_unit_test(test_7_8_unregistering_what_is_not_there),
        cmocka_unit_test(test_7_8_the_engine_finds_it_busy),
        cmocka_unit_test(test_7_8_unregistering_waits_for_a_classify_that_runs),
        cmocka_unit_test(test_7_8_unregistering_from_the_callout_itself_is_refused),
        cmocka_unit_test(test_7_4_notifications_of_filters),
        cmocka_unit_test(test_26_1_every_version_is_called_as_it_is_declared),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
