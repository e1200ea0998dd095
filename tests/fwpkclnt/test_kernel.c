/* fwpmk.h: the management API as drivers have it, and the service's state. */
#include <pthread.h>
#include <unistd.h>

#include <fwpmk.h>

#include "rig.h"

static _Atomic FWPM_SERVICE_STATE told = FWPM_SERVICE_STATE_MAX;
static _Atomic bool done;

static void NTAPI on_state(void *context, FWPM_SERVICE_STATE state)
{
    told = state;
    done = true;
}

static void permit(const struct shown *shown)
{
    shown->out->actionType = FWP_ACTION_PERMIT;
}

static const struct rig_callout permitting = {.classify = permit};

static void test_10_codes_are_the_kernels(void **state)
{
    HANDLE engine = NULL, none = NULL;

    rig_start(&permitting);
    assert_int_equal(FwpmEngineOpen0(NULL, RPC_C_AUTHN_WINNT, NULL, NULL, &engine), STATUS_SUCCESS);
    assert_int_equal(FwpmTransactionBegin0(engine, 0), STATUS_FWP_TXN_IN_PROGRESS);
    assert_int_equal(FwpmSubLayerAdd0(engine, NULL, NULL), STATUS_FWP_NULL_POINTER);
    assert_int_equal(FwpmEngineClose0(engine), STATUS_SUCCESS);
    assert_int_equal(FwpmTransactionBegin0(NULL, 0), STATUS_INVALID_HANDLE);
    assert_int_equal(FwpmEngineOpen0(NULL, 16, NULL, NULL, &none), STATUS_NOT_SUPPORTED);
    FwpmFreeMemory0(NULL);
    rig_stop();
}

static void test_s4_no_engine_is_ept_nt_cant_perform_op(void **state)
{
    HANDLE engine = NULL;

    assert_int_equal(
        FwpmEngineOpen0(u"/nonexistent/bfe.sock", RPC_C_AUTHN_WINNT, NULL, NULL, &engine),
        EPT_NT_CANT_PERFORM_OP);
    assert_null(engine);
}

static void test_s4_the_state_is_told(void **state)
{
    struct driver_state message = {.state = FWPM_SERVICE_STOP_PENDING};
    HANDLE subscription;

    done = false;
    assert_int_equal(FwpmBfeStateGet0(), FWPM_SERVICE_STOPPED);
    rig_start(&permitting);
    assert_int_equal(FwpmBfeStateGet0(), FWPM_SERVICE_RUNNING);
    assert_int_equal(FwpmBfeStateSubscribeChanges0(NULL, on_state, NULL, &subscription),
                     STATUS_SUCCESS);
    rig_send(&message, DRIVER_STATE, 0, sizeof(message));
    rig_wait(&done);
    assert_int_equal(told, FWPM_SERVICE_STOP_PENDING);
    done = false;
    rig_hang_up();
    rig_wait(&done);
    assert_int_equal(told, FWPM_SERVICE_STOPPED);
    assert_int_equal(FwpmBfeStateUnsubscribeChanges0(subscription), STATUS_SUCCESS);
    assert_int_equal(FwpmBfeStateUnsubscribeChanges0(subscription), STATUS_INVALID_HANDLE);
    rig_stop();
}

static void tell(FWPM_SERVICE_STATE state)
{
    struct driver_state message = {.state = state};

    rig_send(&message, DRIVER_STATE, 0, sizeof(message));
}

static void test_s4_before_the_engine_runs_it_cannot_be_opened_and_then_it_can(void **state)
{
    HANDLE engine = NULL, subscription;

    rig_open(false);
    done = false;
    assert_int_equal(FwpmBfeStateSubscribeChanges0(NULL, on_state, NULL, &subscription),
                     STATUS_SUCCESS);
    assert_int_equal(FwpmBfeStateGet0(), FWPM_SERVICE_START_PENDING);
    assert_int_equal(FwpmEngineOpen0(NULL, RPC_C_AUTHN_WINNT, NULL, NULL, &engine),
                     EPT_NT_CANT_PERFORM_OP);
    assert_null(engine);
    tell(FWPM_SERVICE_RUNNING);
    rig_wait(&done);
    assert_int_equal(told, FWPM_SERVICE_RUNNING);
    assert_int_equal(FwpmBfeStateGet0(), FWPM_SERVICE_RUNNING);
    assert_int_equal(FwpmEngineOpen0(NULL, RPC_C_AUTHN_WINNT, NULL, NULL, &engine), STATUS_SUCCESS);
    assert_int_equal(FwpmEngineClose0(engine), STATUS_SUCCESS);
    assert_int_equal(FwpmBfeStateUnsubscribeChanges0(subscription), STATUS_SUCCESS);
    rig_stop();
}

static void *open_and_close(void *nothing)
{
    HANDLE engine = NULL;

    assert_int_equal(FwpmEngineOpen0(NULL, RPC_C_AUTHN_WINNT, NULL, NULL, &engine), STATUS_SUCCESS);
    assert_int_equal(FwpmBfeStateGet0(), FWPM_SERVICE_RUNNING);
    assert_int_equal(FwpmEngineClose0(engine), STATUS_SUCCESS);
    return NULL;
}

static void test_s4_who_would_not_be_told_waits_for_the_engine(void **state)
{
    pthread_t thread;

    rig_open(false);
    assert_int_equal(pthread_create(&thread, NULL, open_and_close, NULL), 0);
    usleep(50000);
    tell(FWPM_SERVICE_RUNNING);
    pthread_join(thread, NULL);
    rig_stop();
}

static void test_14_1_an_engine_that_stops_is_not_opened(void **state)
{
    HANDLE engine = NULL, subscription;

    rig_open(true);
    done = false;
    assert_int_equal(FwpmBfeStateSubscribeChanges0(NULL, on_state, NULL, &subscription),
                     STATUS_SUCCESS);
    tell(FWPM_SERVICE_STOP_PENDING);
    rig_wait(&done);
    assert_int_equal(FwpmEngineOpen0(NULL, RPC_C_AUTHN_WINNT, NULL, NULL, &engine),
                     EPT_NT_CANT_PERFORM_OP);
    assert_int_equal(FwpmBfeStateUnsubscribeChanges0(subscription), STATUS_SUCCESS);
    rig_stop();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_10_codes_are_the_kernels),
        cmocka_unit_test(test_s4_no_engine_is_ept_nt_cant_perform_op),
        cmocka_unit_test(test_s4_the_state_is_told),
        cmocka_unit_test(test_s4_before_the_engine_runs_it_cannot_be_opened_and_then_it_can),
        cmocka_unit_test(test_s4_who_would_not_be_told_waits_for_the_engine),
        cmocka_unit_test(test_14_1_an_engine_that_stops_is_not_opened),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
