/* What outlasts a restart of the machine (rule 8.1), through the API: all of it, with its ids. */
#include "place.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static const GUID key_static = {0x11111111, 3, 1, {1}}, key_dynamic = {0x22222222, 3, 1, {1}};
static const GUID key_persistent = {0x33333333, 3, 1, {1}}, key_boottime = {0x44444444, 3, 1, {1}};
static const GUID key = {0x55555555, 3, 1, {1}}, key_other = {0x66666666, 3, 1, {1}};
static WCHAR text[] = u"an object of a test";

static UINT64 id_of(HANDLE engine, const GUID *of)
{
    FWPM_FILTER0 *filter = NULL;
    UINT64 id;

    assert_ok(FwpmFilterGetByKey0(engine, of, &filter));
    id = filter->filterId;
    FwpmFreeMemory0((void **)&filter);
    return id;
}

static void test_8_1_each_lifetime(void **state)
{
    HANDLE engine = engine_open(0), dynamic = engine_open(FWPM_SESSION_FLAG_DYNAMIC);
    UINT64 persistent, boottime, fresh;

    assert_ok(add_filter(engine, 1, 0, &key_static, NULL));
    assert_ok(add_filter(dynamic, 2, 0, &key_dynamic, NULL));
    assert_ok(add_filter(engine, 3, FWPM_FILTER_FLAG_PERSISTENT, &key_persistent, &persistent));
    assert_ok(add_filter(engine, 4, FWPM_FILTER_FLAG_BOOTTIME, &key_boottime, &boottime));
    for (int restart = 0; restart < 2; restart++) {
        FwpmEngineClose0(engine);
        bfe_reboot();
        engine = engine_open(0);
        assert_false(has_filter(engine, &key_static));
        assert_false(has_filter(engine, &key_dynamic));
        assert_int_equal(id_of(engine, &key_persistent), persistent);
        assert_int_equal(id_of(engine, &key_boottime), boottime);
    }
    assert_ok(add_filter(engine, 5, 0, NULL, &fresh));
    assert_true(fresh > boottime && fresh > persistent);
    assert_ok(FwpmFilterDeleteByKey0(engine, &key_persistent));
    assert_ok(FwpmFilterDeleteByKey0(engine, &key_boottime));
    FwpmEngineClose0(engine);
    FwpmEngineClose0(dynamic);
    bfe_reboot();
    engine = engine_open(0);
    assert_false(has_filter(engine, &key_persistent));
    assert_false(has_filter(engine, &key_boottime));
    FwpmEngineClose0(engine);
}

/* ---- the other kinds ---- */

static void add_objects(HANDLE engine, const GUID *as, bool persistent)
{
    UINT8 bytes[] = {1, 2, 3, 0, 5};
    FWP_BYTE_BLOB data = {sizeof(bytes), bytes};
    FWPM_PROVIDER0 provider = {.providerKey = *as,
                               .displayData = {text, text},
                               .flags = persistent ? FWPM_PROVIDER_FLAG_PERSISTENT : 0,
                               .providerData = data};
    FWPM_SUBLAYER0 sublayer = {.subLayerKey = *as,
                               .displayData.name = text,
                               .flags = persistent ? FWPM_SUBLAYER_FLAG_PERSISTENT : 0,
                               .providerKey = (GUID *)as,
                               .weight = 99};
    FWPM_PROVIDER_CONTEXT0 context = {.providerContextKey = *as,
                                      .displayData.name = text,
                                      .flags =
                                          persistent ? FWPM_PROVIDER_CONTEXT_FLAG_PERSISTENT : 0,
                                      .providerKey = (GUID *)as,
                                      .type = FWPM_GENERAL_CONTEXT,
                                      .dataBuffer = &data};
    FWPM_CALLOUT0 callout = {.calloutKey = *as,
                             .displayData.name = text,
                             .flags = persistent ? FWPM_CALLOUT_FLAG_PERSISTENT : 0,
                             .providerKey = (GUID *)as,
                             .applicableLayer = FWPM_LAYER_ALE_AUTH_CONNECT_V4};
    FWPM_FILTER0 filter = {.filterKey = *as,
                           .displayData.name = text,
                           .flags = persistent ? FWPM_FILTER_FLAG_PERSISTENT : 0,
                           .providerKey = (GUID *)as,
                           .layerKey = FWPM_LAYER_ALE_AUTH_CONNECT_V4,
                           .subLayerKey = *as,
                           .weight = {.type = FWP_UINT8, .uint8 = 7},
                           .action = {.type = FWP_ACTION_CALLOUT_TERMINATING, .calloutKey = *as}};

    assert_ok(FwpmTransactionBegin0(engine, 0));
    assert_ok(FwpmProviderAdd0(engine, &provider, NULL));
    assert_ok(FwpmSubLayerAdd0(engine, &sublayer, NULL));
    assert_ok(FwpmProviderContextAdd0(engine, &context, NULL, NULL));
    assert_ok(FwpmCalloutAdd0(engine, &callout, NULL, NULL));
    assert_ok(FwpmFilterAdd0(engine, &filter, NULL, NULL));
    assert_ok(FwpmTransactionCommit0(engine));
}

static void delete_objects(HANDLE engine)
{
    assert_ok(FwpmTransactionBegin0(engine, 0));
    assert_ok(FwpmFilterDeleteByKey0(engine, &key));
    assert_ok(FwpmCalloutDeleteByKey0(engine, &key));
    assert_ok(FwpmProviderContextDeleteByKey0(engine, &key));
    assert_ok(FwpmSubLayerDeleteByKey0(engine, &key));
    assert_ok(FwpmProviderDeleteByKey0(engine, &key));
    assert_ok(FwpmTransactionCommit0(engine));
}

/* The objects as one text, to be compared with what they are later. */
static void describe(HANDLE engine, char *into, size_t room)
{
    FWPM_PROVIDER0 *provider = NULL;
    FWPM_SUBLAYER0 *sublayer = NULL;
    FWPM_PROVIDER_CONTEXT0 *context = NULL;
    FWPM_CALLOUT0 *callout = NULL;
    FWPM_FILTER0 *filter = NULL;

    assert_ok(FwpmProviderGetByKey0(engine, &key, &provider));
    assert_ok(FwpmSubLayerGetByKey0(engine, &key, &sublayer));
    assert_ok(FwpmProviderContextGetByKey0(engine, &key, &context));
    assert_ok(FwpmCalloutGetByKey0(engine, &key, &callout));
    assert_ok(FwpmFilterGetByKey0(engine, &key, &filter));
    assert_memory_equal(context->dataBuffer->data, provider->providerData.data, 5);
    snprintf(
        into, room, "%u %u %u | %u %u | %llu %u | %u %x | %llu %llu %x %x",
        (unsigned)provider->flags, provider->providerData.size, provider->providerData.data[4],
        (unsigned)sublayer->flags, sublayer->weight, (unsigned long long)context->providerContextId,
        context->dataBuffer->size, (unsigned)callout->calloutId, (unsigned)callout->flags,
        (unsigned long long)filter->filterId, (unsigned long long)*filter->effectiveWeight.uint64,
        (unsigned)filter->flags, (unsigned)filter->action.type);
    FwpmFreeMemory0((void **)&provider);
    FwpmFreeMemory0((void **)&sublayer);
    FwpmFreeMemory0((void **)&context);
    FwpmFreeMemory0((void **)&callout);
    FwpmFreeMemory0((void **)&filter);
}

static void test_8_1_all_kinds_come_back_as_they_were(void **state)
{
    char before[256], after[256];
    FWPM_PROVIDER0 *provider = NULL;
    HANDLE engine = engine_open(0);

    add_objects(engine, &key, true);
    add_objects(engine, &key_other, false);
    describe(engine, before, sizeof(before));
    FwpmEngineClose0(engine);
    bfe_reboot();
    engine = engine_open(0);
    describe(engine, after, sizeof(after));
    assert_string_equal(before, after);
    assert_int_equal(FwpmProviderGetByKey0(engine, &key_other, &provider),
                     FWP_E_PROVIDER_NOT_FOUND);
    delete_objects(engine);
    FwpmEngineClose0(engine);
}

/* ---- callouts' code ---- */

static unsigned loaded(HANDLE engine, GUID *first)
{
    OPENWFP_LOADED_CALLOUT **entries = NULL;
    UINT32 count;

    assert_ok(OpenWfpCalloutList(engine, &entries, &count));
    if (count)
        *first = entries[0]->calloutKey;
    FwpmFreeMemory0((void **)&entries);
    return count;
}

/* Loaded before or after the callout was added: the code is as persistent as the callout. */
static void test_7_9_code_of_persistent_callouts_comes_back(void **state)
{
    HANDLE engine = engine_open(0);
    GUID which;

    for (int first = 0; first < 2; first++) {
        if (first)
            assert_ok(OpenWfpCalloutLoad(engine, &key, "/bin/true", NULL));
        add_objects(engine, &key, true);
        if (!first)
            assert_ok(OpenWfpCalloutLoad(engine, &key, "/bin/true", NULL));
        assert_ok(OpenWfpCalloutLoad(engine, &key_other, "/bin/false", NULL));
        assert_int_equal(loaded(engine, &which), 2);
        FwpmEngineClose0(engine);
        bfe_reboot();
        engine = engine_open(0);
        assert_int_equal(loaded(engine, &which), 1);
        assert_memory_equal(&which, &key, sizeof(key));
        delete_objects(engine);
        FwpmEngineClose0(engine);
        bfe_reboot();
        engine = engine_open(0);
        assert_int_equal(loaded(engine, &which), 0);
    }
    FwpmEngineClose0(engine);
}

static void test_7_9_unloaded_code_does_not_come_back(void **state)
{
    HANDLE engine = engine_open(0);
    GUID which;

    add_objects(engine, &key, true);
    assert_ok(OpenWfpCalloutLoad(engine, &key, "/bin/true", NULL));
    assert_ok(OpenWfpCalloutUnload(engine, &key));
    FwpmEngineClose0(engine);
    bfe_reboot();
    engine = engine_open(0);
    assert_int_equal(loaded(engine, &which), 0);
    delete_objects(engine);
    FwpmEngineClose0(engine);
}

/* ---- security and options ---- */

/* Entries of the list of the engine, or of the provider. */
static unsigned aces(HANDLE engine, bool of_engine)
{
    PSECURITY_DESCRIPTOR sd = NULL;
    PACL dacl = NULL;
    unsigned count;

    if (of_engine)
        assert_ok(FwpmEngineGetSecurityInfo0(engine, DACL_SECURITY_INFORMATION, NULL, NULL, &dacl,
                                             NULL, &sd));
    else
        assert_ok(FwpmProviderGetSecurityInfoByKey0(engine, &key, DACL_SECURITY_INFORMATION, NULL,
                                                    NULL, &dacl, NULL, &sd));
    count = dacl ? dacl->AceCount : 0;
    FwpmFreeMemory0(&sd);
    return count;
}

/* The engine's list without its last entry, for both. */
static void shorten(HANDLE engine)
{
    PSECURITY_DESCRIPTOR sd = NULL;
    PACL dacl = NULL;

    assert_ok(FwpmEngineGetSecurityInfo0(engine, DACL_SECURITY_INFORMATION, NULL, NULL, &dacl, NULL,
                                         &sd));
    assert_true(dacl->AceCount > 1);
    dacl->AceCount--;
    assert_ok(FwpmProviderSetSecurityInfoByKey0(engine, &key, DACL_SECURITY_INFORMATION, NULL, NULL,
                                                dacl, NULL));
    assert_ok(
        FwpmEngineSetSecurityInfo0(engine, DACL_SECURITY_INFORMATION, NULL, NULL, dacl, NULL));
    FwpmFreeMemory0(&sd);
}

static void test_24_3_descriptors_come_back(void **state)
{
    HANDLE engine = engine_open(0);
    unsigned before = aces(engine, true), object;

    add_objects(engine, &key, true);
    shorten(engine);
    object = aces(engine, false);
    assert_int_equal(aces(engine, true), before - 1);
    FwpmEngineClose0(engine);
    bfe_reboot();
    engine = engine_open(0);
    assert_int_equal(aces(engine, true), before - 1);
    assert_int_equal(aces(engine, false), object);
    delete_objects(engine);
    FwpmEngineClose0(engine);
}

static void test_14_2_options_come_back(void **state)
{
    const FWP_VALUE0 wanted = {.type = FWP_UINT32, .uint32 = FWPM_NET_EVENT_KEYWORD_CLASSIFY_ALLOW};
    HANDLE engine = engine_open(0);
    FWP_VALUE0 *value = NULL;

    assert_ok(FwpmEngineSetOption0(engine, FWPM_ENGINE_NET_EVENT_MATCH_ANY_KEYWORDS, &wanted));
    FwpmEngineClose0(engine);
    bfe_reboot();
    engine = engine_open(0);
    assert_ok(FwpmEngineGetOption0(engine, FWPM_ENGINE_NET_EVENT_MATCH_ANY_KEYWORDS, &value));
    assert_int_equal(value->uint32, FWPM_NET_EVENT_KEYWORD_CLASSIFY_ALLOW);
    FwpmFreeMemory0((void **)&value);
    FwpmEngineClose0(engine);
}

/* ---- removing ---- */

static int run_removal(const char *option)
{
    char command[512];

    snprintf(command, sizeof(command), "%s %s --socket %s --pin-dir %s/pins 2>/dev/null",
             BFE_PROGRAM, option, place.socket, place.directory);
    return WEXITSTATUS(system(command));
}

static void expect_after(const char *option, bool persistent)
{
    HANDLE engine = engine_open(0);

    if (!has_filter(engine, &key_persistent))
        assert_ok(add_filter(engine, 3, FWPM_FILTER_FLAG_PERSISTENT, &key_persistent, NULL));
    assert_ok(add_filter(engine, 1, 0, &key_static, NULL));
    FwpmEngineClose0(engine);
    assert_int_equal(bfe_stop(), 0);
    assert_int_equal(run_removal(option), 0);
    bfe_start();
    engine = engine_open(0);
    assert_int_equal(has_filter(engine, &key_persistent), persistent);
    assert_false(has_filter(engine, &key_static));
    FwpmEngineClose0(engine);
}

static void test_remove_keeps_what_is_persistent_and_forget_does_not(void **state)
{
    expect_after("--remove", true);
    expect_after("--forget", false);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_8_1_each_lifetime),
        cmocka_unit_test(test_8_1_all_kinds_come_back_as_they_were),
        cmocka_unit_test(test_7_9_code_of_persistent_callouts_comes_back),
        cmocka_unit_test(test_7_9_unloaded_code_does_not_come_back),
        cmocka_unit_test(test_24_3_descriptors_come_back),
        cmocka_unit_test(test_14_2_options_come_back),
        cmocka_unit_test(test_remove_keeps_what_is_persistent_and_forget_does_not),
    };

    return cmocka_run_group_tests(tests, place_setup, place_teardown);
}
