/* openwfp.h: questions of hold filters, where nothing is ever held. */
#include <stdatomic.h>
#include <unistd.h>

#include "place.h"

static atomic_int ends;

static void on_notice(void *context, const OPENWFP_HELD_NOTICE *notice)
{
    if (!notice)
        atomic_fetch_add(&ends, 1);
}

static void test_there_are_no_questions(void **state)
{
    HANDLE engine = engine_open(0);
    OPENWFP_HELD **entries = NULL;
    UINT32 count = 7;

    assert_ok(OpenWfpHeldEnum0(engine, &entries, &count));
    assert_int_equal(count, 0);
    FwpmFreeMemory0((void **)&entries);
    assert_int_equal(OpenWfpHeldEnum0(engine, NULL, &count), FWP_E_NULL_POINTER);
    assert_int_equal(OpenWfpHeldAnswer0(engine, 1, FWP_ACTION_PERMIT), FWP_E_NOT_FOUND);
    assert_int_equal(OpenWfpHeldAnswer0(engine, 1, FWP_ACTION_CONTINUE), FWP_E_INVALID_ACTION_TYPE);
    assert_ok(FwpmEngineClose0(engine));
    assert_int_equal(OpenWfpHeldAnswer0(NULL, 1, FWP_ACTION_PERMIT), ERROR_INVALID_HANDLE);
}

static void test_subscribing_and_unsubscribing(void **state)
{
    HANDLE engine = engine_open(0), first, second;

    assert_int_equal(OpenWfpHeldSubscribe0(engine, NULL, NULL, &first), FWP_E_NULL_POINTER);
    assert_ok(FwpmTransactionBegin0(engine, 0));
    assert_int_equal(OpenWfpHeldSubscribe0(engine, on_notice, NULL, &first), FWP_E_TXN_IN_PROGRESS);
    assert_ok(FwpmTransactionAbort0(engine));
    assert_ok(OpenWfpHeldSubscribe0(engine, on_notice, NULL, &first));
    assert_ok(OpenWfpHeldSubscribe0(engine, on_notice, NULL, &second));
    assert_ok(OpenWfpHeldUnsubscribe0(engine, first));
    assert_int_equal(OpenWfpHeldUnsubscribe0(engine, first), FWP_E_NOT_FOUND);
    assert_ok(FwpmEngineClose0(engine));
}

static int as_a_user(void *ctx)
{
    HANDLE engine = engine_open(0), subscription;
    OPENWFP_HELD **entries;
    UINT32 count;

    return OpenWfpHeldSubscribe0(engine, on_notice, NULL, &subscription) == ERROR_ACCESS_DENIED &&
           OpenWfpHeldEnum0(engine, &entries, &count) == ERROR_ACCESS_DENIED &&
           OpenWfpHeldAnswer0(engine, 1, FWP_ACTION_PERMIT) == ERROR_ACCESS_DENIED;
}

static void test_users_may_neither_see_nor_answer(void **state)
{
    if (getuid())
        skip();
    assert_int_equal(run_as(65534, as_a_user, NULL), 1);
}

static void test_the_service_s_end_is_told(void **state)
{
    HANDLE engine = engine_open(0), subscription;

    atomic_store(&ends, 0);
    assert_ok(OpenWfpHeldSubscribe0(engine, on_notice, NULL, &subscription));
    bfe_kill();
    for (int i = 0; i < 500 && !atomic_load(&ends); i++)
        usleep(10000);
    assert_int_equal(atomic_load(&ends), 1);
    FwpmEngineClose0(engine);
    bfe_start();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_there_are_no_questions),
        cmocka_unit_test(test_subscribing_and_unsubscribing),
        cmocka_unit_test(test_users_may_neither_see_nor_answer),
        cmocka_unit_test(test_the_service_s_end_is_told),
    };

    return cmocka_run_group_tests(tests, place_setup, place_teardown);
}
