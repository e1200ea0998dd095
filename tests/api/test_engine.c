/* The engine itself: sessions, options, transactions, security, net events. */
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "place.h"

static void test_9_9_own_session_is_listed(void **state)
{
    WCHAR session_name[] = u"the test's session";
    FWPM_SESSION0 session = {.displayData.name = session_name, .txnWaitTimeoutInMSec = 777},
                  **entries = NULL;
    HANDLE engine = NULL, handle = NULL;
    UINT32 count, found = 0;

    assert_ok(FwpmEngineOpen0(NULL, RPC_C_AUTHN_WINNT, NULL, &session, &engine));
    assert_ok(FwpmSessionCreateEnumHandle0(engine, NULL, &handle));
    assert_ok(FwpmSessionEnum0(engine, handle, 100, &entries, &count));
    for (UINT32 i = 0; i < count; i++) {
        if (entries[i]->txnWaitTimeoutInMSec != 777)
            continue;
        found++;
        assert_int_equal(entries[i]->processId, getpid());
        assert_non_null(entries[i]->sid);
        assert_int_equal(entries[i]->sid->SubAuthority[1], getuid());
        assert_false(entries[i]->kernelMode);
        assert_memory_equal(entries[i]->displayData.name, session_name, sizeof(session_name));
    }
    assert_int_equal(found, 1);
    FwpmFreeMemory0((void **)&entries);
    assert_ok(FwpmSessionDestroyEnumHandle0(engine, handle));
    assert_ok(FwpmEngineClose0(engine));
}

static void test_14_2_options(void **state)
{
    FWP_VALUE0 value = {.type = FWP_UINT32, .uint32 = 1}, *got = NULL;
    HANDLE engine = engine_open(0);

    assert_ok(FwpmEngineSetOption0(engine, FWPM_ENGINE_COLLECT_NET_EVENTS, &value));
    assert_ok(FwpmEngineGetOption0(engine, FWPM_ENGINE_COLLECT_NET_EVENTS, &got));
    assert_int_equal(got->type, FWP_UINT32);
    assert_int_equal(got->uint32, 1);
    FwpmFreeMemory0((void **)&got);
    value.type = FWP_UINT16;
    assert_int_not_equal(FwpmEngineSetOption0(engine, FWPM_ENGINE_COLLECT_NET_EVENTS, &value),
                         ERROR_SUCCESS);
    assert_int_not_equal(FwpmEngineGetOption0(engine, (FWPM_ENGINE_OPTION)99, &got), ERROR_SUCCESS);
    assert_ok(FwpmEngineClose0(engine));
}

static void test_9_6_failing_call_does_not_poison_the_transaction(void **state)
{
    HANDLE engine = engine_open(FWPM_SESSION_FLAG_DYNAMIC);
    const GUID key = {7, 7, 7, {0}};

    assert_ok(FwpmTransactionBegin0(engine, 0));
    assert_ok(add_filter(engine, 1, 0, &key, NULL));
    assert_int_equal(add_filter(engine, 1, 0, &key, NULL), FWP_E_ALREADY_EXISTS);
    assert_ok(FwpmTransactionCommit0(engine));
    assert_true(has_filter(engine, &key));
    assert_ok(FwpmTransactionBegin0(engine, 0));
    assert_ok(FwpmFilterDeleteByKey0(engine, &key));
    assert_ok(FwpmTransactionAbort0(engine));
    assert_true(has_filter(engine, &key));
    assert_ok(FwpmEngineClose0(engine));
}

static void test_9_3_read_only_transaction_refuses_writes(void **state)
{
    HANDLE engine = engine_open(FWPM_SESSION_FLAG_DYNAMIC);

    assert_ok(FwpmTransactionBegin0(engine, FWPM_TXN_READ_ONLY));
    assert_int_equal(add_filter(engine, 1, 0, NULL, NULL), FWP_E_INCOMPATIBLE_TXN);
    assert_ok(FwpmTransactionAbort0(engine));
    assert_ok(FwpmEngineClose0(engine));
}

static void test_9_8_not_in_a_transaction(void **state)
{
    FWP_VALUE0 value = {.type = FWP_UINT32, .uint32 = 1};
    HANDLE engine = engine_open(0);

    assert_ok(FwpmTransactionBegin0(engine, 0));
    assert_int_equal(FwpmEngineSetOption0(engine, FWPM_ENGINE_COLLECT_NET_EVENTS, &value),
                     FWP_E_TXN_IN_PROGRESS);
    assert_ok(FwpmTransactionAbort0(engine));
    assert_ok(FwpmEngineClose0(engine));
}

static void test_24_3_security_of_engine_and_net_events(void **state)
{
    HANDLE engine = engine_open(0);
    PSECURITY_DESCRIPTOR sd = NULL;
    PACL dacl = NULL;

    assert_ok(FwpmEngineGetSecurityInfo0(engine, DACL_SECURITY_INFORMATION, NULL, NULL, &dacl, NULL,
                                         &sd));
    assert_true(dacl->AceCount >= 2);
    assert_ok(
        FwpmEngineSetSecurityInfo0(engine, DACL_SECURITY_INFORMATION, NULL, NULL, dacl, NULL));
    FwpmFreeMemory0(&sd);
    assert_ok(FwpmNetEventsGetSecurityInfo0(engine, DACL_SECURITY_INFORMATION, NULL, NULL, &dacl,
                                            NULL, &sd));
    assert_ok(
        FwpmNetEventsSetSecurityInfo0(engine, DACL_SECURITY_INFORMATION, NULL, NULL, dacl, NULL));
    FwpmFreeMemory0(&sd);
    assert_ok(FwpmEngineClose0(engine));
}

static void no_event(void *context, const FWPM_NET_EVENT5 *event)
{
}

static void set_collect(HANDLE engine, UINT32 on)
{
    FWP_VALUE0 value = {.type = FWP_UINT32, .uint32 = on};

    assert_ok(FwpmEngineSetOption0(engine, FWPM_ENGINE_COLLECT_NET_EVENTS, &value));
}

static void test_13_4_net_events_must_be_collected(void **state)
{
    FWPM_NET_EVENT_ENUM_TEMPLATE0 template_ = {.endTime = {0xffffffff, 0x7fffffff}};
    FWPM_NET_EVENT_SUBSCRIPTION0 subscription = {.enumTemplate = &template_}, **subscriptions;
    HANDLE engine = engine_open(0), handle = NULL;
    FWPM_NET_EVENT0 **v0;
    FWPM_NET_EVENT5 **v5;
    UINT32 count = 99;
    DWORD code;

    set_collect(engine, 0);
    code = FwpmNetEventCreateEnumHandle0(engine, &template_, &handle);
    if (!code)
        code = FwpmNetEventEnum5(engine, handle, 10, &v5, &count);
    assert_int_equal(code, FWP_E_NET_EVENTS_DISABLED);
    set_collect(engine, 1);
    assert_ok(FwpmNetEventCreateEnumHandle0(engine, &template_, &handle));
    assert_ok(FwpmNetEventEnum0(engine, handle, 10, &v0, &count));
    assert_int_equal(count, 0);
    FwpmFreeMemory0((void **)&v0);
    assert_ok(FwpmNetEventEnum5(engine, handle, 10, &v5, &count));
    assert_int_equal(count, 0);
    FwpmFreeMemory0((void **)&v5);
    assert_ok(FwpmNetEventDestroyEnumHandle0(engine, handle));
    assert_ok(FwpmNetEventSubscribe4(engine, &subscription, no_event, NULL, &handle));
    assert_ok(FwpmNetEventSubscriptionsGet0(engine, &subscriptions, &count));
    assert_int_equal(count, 1);
    FwpmFreeMemory0((void **)&subscriptions);
    assert_ok(FwpmNetEventUnsubscribe0(engine, handle));
    assert_ok(FwpmEngineClose0(engine));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_9_9_own_session_is_listed),
        cmocka_unit_test(test_14_2_options),
        cmocka_unit_test(test_9_6_failing_call_does_not_poison_the_transaction),
        cmocka_unit_test(test_9_3_read_only_transaction_refuses_writes),
        cmocka_unit_test(test_9_8_not_in_a_transaction),
        cmocka_unit_test(test_24_3_security_of_engine_and_net_events),
        cmocka_unit_test(test_13_4_net_events_must_be_collected),
    };

    return cmocka_run_group_tests(tests, place_setup, place_teardown);
}
