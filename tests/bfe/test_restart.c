/* What outlives the service (decision 8): static objects with keys and ids, options, descriptors.
 */
#include "place.h"

#include <string.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

static const GUID key_static = {0x11111111, 1, 1, {1}};
static const GUID key_dynamic = {0x22222222, 1, 1, {1}};
static const GUID key_deleted = {0x33333333, 1, 1, {1}};
static const GUID key_sublayer = {0x44444444, 1, 1, {1}};
static const GUID key_provider = {0x55555555, 1, 1, {1}};

static UINT64 id_of(HANDLE engine, const GUID *key)
{
    FWPM_FILTER0 *filter = NULL;
    UINT64 id;

    assert_ok(FwpmFilterGetByKey0(engine, key, &filter));
    id = filter->filterId;
    FwpmFreeMemory0((void **)&filter);
    return id;
}

static void add_all(HANDLE engine)
{
    WCHAR name[] = u"a test's object";
    const FWPM_SUBLAYER0 sublayer = {
        .subLayerKey = key_sublayer, .displayData.name = name, .weight = 77};
    const FWPM_PROVIDER0 provider = {.providerKey = key_provider, .displayData.name = name};

    assert_ok(FwpmProviderAdd0(engine, &provider, NULL));
    assert_ok(FwpmSubLayerAdd0(engine, &sublayer, NULL));
    assert_ok(add_filter(engine, 1, 0, &key_static, NULL));
    assert_ok(add_filter(engine, 2, 0, &key_deleted, NULL));
    assert_ok(FwpmFilterDeleteByKey0(engine, &key_deleted));
}

static void delete_all(HANDLE engine)
{
    assert_ok(FwpmFilterDeleteByKey0(engine, &key_static));
    assert_ok(FwpmSubLayerDeleteByKey0(engine, &key_sublayer));
    assert_ok(FwpmProviderDeleteByKey0(engine, &key_provider));
}

static void expect_all(HANDLE engine, UINT64 id)
{
    FWPM_SUBLAYER0 *sublayer = NULL;
    FWPM_PROVIDER0 *provider = NULL;

    assert_int_equal(id_of(engine, &key_static), id);
    assert_false(has_filter(engine, &key_deleted));
    assert_false(has_filter(engine, &key_dynamic));
    assert_ok(FwpmSubLayerGetByKey0(engine, &key_sublayer, &sublayer));
    assert_int_equal(sublayer->weight, 77);
    FwpmFreeMemory0((void **)&sublayer);
    assert_ok(FwpmProviderGetByKey0(engine, &key_provider, &provider));
    FwpmFreeMemory0((void **)&provider);
}

static void test_kill_9_keeps_static_objects_with_their_ids(void **state)
{
    HANDLE engine = engine_open(0), dynamic = engine_open(FWPM_SESSION_FLAG_DYNAMIC);
    UINT64 id;

    add_all(engine);
    assert_ok(add_filter(dynamic, 3, 0, &key_dynamic, NULL));
    id = id_of(engine, &key_static);
    bfe_kill();
    FwpmEngineClose0(engine);
    FwpmEngineClose0(dynamic);
    bfe_start();
    engine = engine_open(0);
    expect_all(engine, id);
    delete_all(engine);
    FwpmEngineClose0(engine);
}

static void test_orderly_stop_keeps_static_objects_too(void **state)
{
    HANDLE engine = engine_open(0);
    UINT64 id;

    add_all(engine);
    id = id_of(engine, &key_static);
    FwpmEngineClose0(engine);
    assert_int_equal(bfe_stop(), 0);
    bfe_start();
    engine = engine_open(0);
    expect_all(engine, id);
    delete_all(engine);
    FwpmEngineClose0(engine);
}

static void test_ids_are_not_used_again_after_a_restart(void **state)
{
    HANDLE engine = engine_open(FWPM_SESSION_FLAG_DYNAMIC);
    UINT64 before, after;

    assert_ok(add_filter(engine, 1, 0, NULL, &before));
    bfe_kill();
    FwpmEngineClose0(engine);
    bfe_start();
    engine = engine_open(FWPM_SESSION_FLAG_DYNAMIC);
    assert_ok(add_filter(engine, 1, 0, NULL, &after));
    assert_true(after > before);
    FwpmEngineClose0(engine);
}

static void test_uncommitted_transaction_is_not_kept(void **state)
{
    HANDLE engine = engine_open(0);

    assert_ok(FwpmTransactionBegin0(engine, 0));
    assert_ok(add_filter(engine, 1, 0, &key_static, NULL));
    bfe_kill();
    FwpmEngineClose0(engine);
    bfe_start();
    engine = engine_open(0);
    assert_false(has_filter(engine, &key_static));
    FwpmEngineClose0(engine);
}

static void test_deleted_and_added_again_in_one_transaction(void **state)
{
    HANDLE engine = engine_open(0);
    UINT64 id;

    assert_ok(add_filter(engine, 1, 0, &key_static, NULL));
    assert_ok(FwpmTransactionBegin0(engine, 0));
    assert_ok(FwpmFilterDeleteByKey0(engine, &key_static));
    assert_ok(add_filter(engine, 9, 0, &key_static, &id));
    assert_ok(FwpmTransactionCommit0(engine));
    bfe_kill();
    FwpmEngineClose0(engine);
    bfe_start();
    engine = engine_open(0);
    assert_int_equal(id_of(engine, &key_static), id);
    assert_ok(FwpmFilterDeleteByKey0(engine, &key_static));
    FwpmEngineClose0(engine);
}

static void test_engine_option_is_kept(void **state)
{
    const FWP_VALUE0 allows = {.type = FWP_UINT32, .uint32 = FWPM_NET_EVENT_KEYWORD_CLASSIFY_ALLOW};
    const FWP_VALUE0 none = {.type = FWP_UINT32};
    HANDLE engine = engine_open(0);
    FWP_VALUE0 *value = NULL;

    assert_ok(FwpmEngineSetOption0(engine, FWPM_ENGINE_NET_EVENT_MATCH_ANY_KEYWORDS, &allows));
    bfe_kill();
    FwpmEngineClose0(engine);
    bfe_start();
    engine = engine_open(0);
    assert_ok(FwpmEngineGetOption0(engine, FWPM_ENGINE_NET_EVENT_MATCH_ANY_KEYWORDS, &value));
    assert_int_equal(value->uint32, FWPM_NET_EVENT_KEYWORD_CLASSIFY_ALLOW);
    FwpmFreeMemory0((void **)&value);
    assert_ok(FwpmEngineSetOption0(engine, FWPM_ENGINE_NET_EVENT_MATCH_ANY_KEYWORDS, &none));
    FwpmEngineClose0(engine);
}

static off_t state_size(void)
{
    struct stat st;

    assert_int_equal(stat(place.state, &st), 0);
    return st.st_size;
}

/* One add writes what it adds, not all that is there; history is cleared away. */
static void test_journal_grows_by_the_change_and_is_rewritten(void **state)
{
    HANDLE engine = engine_open(0);
    off_t before, one, largest = 0;

    for (UINT16 i = 0; i < 200; i++)
        assert_ok(add_filter(engine, i, 0, NULL, NULL));
    before = state_size();
    assert_ok(add_filter(engine, 200, 0, &key_static, NULL));
    one = state_size() - before;
    assert_in_range(one, 1, 4096);
    for (int i = 0; i < 8000; i++) {
        assert_ok(FwpmFilterDeleteByKey0(engine, &key_static));
        assert_ok(add_filter(engine, 200, 0, &key_static, NULL));
        if (state_size() > largest)
            largest = state_size();
    }
    assert_true(largest < 3 << 20);
    bfe_kill();
    FwpmEngineClose0(engine);
    bfe_start();
    engine = engine_open(0);
    assert_int_equal(count_filters(engine), 201);
    FwpmEngineClose0(engine);
}

static void test_second_bfe_on_the_same_socket_is_refused(void **state)
{
    char command[256];

    snprintf(command, sizeof(command), "%s --no-kernel --socket %s 2>/dev/null", BFE_PROGRAM,
             place.socket);
    assert_int_equal(WEXITSTATUS(system(command)), 4);
    FwpmEngineClose0(engine_open(0));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_kill_9_keeps_static_objects_with_their_ids),
        cmocka_unit_test(test_orderly_stop_keeps_static_objects_too),
        cmocka_unit_test(test_ids_are_not_used_again_after_a_restart),
        cmocka_unit_test(test_uncommitted_transaction_is_not_kept),
        cmocka_unit_test(test_deleted_and_added_again_in_one_transaction),
        cmocka_unit_test(test_engine_option_is_kept),
        cmocka_unit_test(test_journal_grows_by_the_change_and_is_rewritten),
        cmocka_unit_test(test_second_bfe_on_the_same_socket_is_refused),
    };

    return cmocka_run_group_tests(tests, place_setup, place_teardown);
}
