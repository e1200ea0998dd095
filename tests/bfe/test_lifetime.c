/* Lifetimes over the life of the service (rules 8.2, 8.4), through the API. */
#include "place.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

static const GUID key_provider = {0x55555555, 2, 1, {1}};
static const GUID key_persistent = {0x66666666, 2, 1, {1}};
static const GUID key_static = {0x77777777, 2, 1, {1}};
static const GUID key_other = {0x88888888, 2, 1, {1}};

static char units[96], wants[128], wanted[160], unit[128];

static int set_up(void **state)
{
    int code = place_setup(state);
    FILE *file;

    snprintf(units, sizeof(units), "%s/units", place.directory);
    snprintf(unit, sizeof(unit), "%s/named.service", units);
    snprintf(wants, sizeof(wants), "%s/multi-user.target.wants", units);
    snprintf(wanted, sizeof(wanted), "%s/named.service", wants);
    if (code || mkdir(units, 0755) || mkdir(wants, 0755) || !(file = fopen(unit, "w")))
        return -1;
    fclose(file);
    return setenv("SYSTEMD_UNIT_PATH", units, 1);
}

static int tear_down(void **state)
{
    unlink(wanted);
    rmdir(wants);
    unlink(unit);
    rmdir(units);
    return place_teardown(state);
}

static void add_owned(HANDLE engine, const GUID *key, const GUID *provider, UINT32 flags)
{
    WCHAR name[] = u"a test's filter";
    GUID owner = provider ? *provider : key_provider;
    FWPM_FILTER0 filter = {.filterKey = *key,
                           .displayData.name = name,
                           .flags = flags,
                           .providerKey = provider ? &owner : NULL,
                           .layerKey = FWPM_LAYER_ALE_AUTH_CONNECT_V4,
                           .action.type = FWP_ACTION_BLOCK};

    assert_ok(FwpmFilterAdd0(engine, &filter, NULL, NULL));
}

static void add_all(HANDLE engine)
{
    WCHAR name[] = u"a test's provider", service[] = u"named";
    const FWPM_PROVIDER0 provider = {.providerKey = key_provider,
                                     .displayData.name = name,
                                     .flags = FWPM_PROVIDER_FLAG_PERSISTENT,
                                     .serviceName = service};

    assert_ok(FwpmProviderAdd0(engine, &provider, NULL));
    add_owned(engine, &key_persistent, &key_provider, FWPM_FILTER_FLAG_PERSISTENT);
    add_owned(engine, &key_static, &key_provider, 0);
    add_owned(engine, &key_other, NULL, FWPM_FILTER_FLAG_PERSISTENT);
}

static void delete_all(HANDLE engine)
{
    assert_ok(FwpmFilterDeleteByKey0(engine, &key_persistent));
    assert_ok(FwpmFilterDeleteByKey0(engine, &key_static));
    assert_ok(FwpmFilterDeleteByKey0(engine, &key_other));
    assert_ok(FwpmProviderDeleteByKey0(engine, &key_provider));
}

static UINT32 filter_flags(HANDLE engine, const GUID *key)
{
    FWPM_FILTER0 *filter = NULL;
    UINT32 flags;

    assert_ok(FwpmFilterGetByKey0(engine, key, &filter));
    flags = filter->flags;
    FwpmFreeMemory0((void **)&filter);
    return flags;
}

static UINT32 provider_flags(HANDLE engine)
{
    FWPM_PROVIDER0 *provider = NULL;
    UINT32 flags;

    assert_ok(FwpmProviderGetByKey0(engine, &key_provider, &provider));
    flags = provider->flags;
    FwpmFreeMemory0((void **)&provider);
    return flags;
}

static HANDLE restart(HANDLE engine)
{
    FwpmEngineClose0(engine);
    assert_int_equal(bfe_stop(), 0);
    bfe_start();
    return engine_open(0);
}

static void test_8_4_what_belongs_to_a_service_that_is_not_enabled_is_disabled(void **state)
{
    HANDLE engine = engine_open(0);

    add_all(engine);
    assert_int_equal(provider_flags(engine), FWPM_PROVIDER_FLAG_PERSISTENT);
    engine = restart(engine);
    assert_int_equal(provider_flags(engine),
                     FWPM_PROVIDER_FLAG_PERSISTENT | FWPM_PROVIDER_FLAG_DISABLED);
    assert_int_equal(filter_flags(engine, &key_persistent),
                     FWPM_FILTER_FLAG_PERSISTENT | FWPM_FILTER_FLAG_DISABLED);
    assert_int_equal(filter_flags(engine, &key_static), 0);
    assert_int_equal(filter_flags(engine, &key_other), FWPM_FILTER_FLAG_PERSISTENT);
    assert_true(bfe_logged("named is not enabled"));
    delete_all(engine);
    FwpmEngineClose0(engine);
}

static void test_8_4_what_belongs_to_an_enabled_service_comes_back(void **state)
{
    HANDLE engine = engine_open(0);

    add_all(engine);
    engine = restart(engine);
    assert_int_equal(symlink("../named.service", wanted), 0);
    engine = restart(engine);
    assert_int_equal(provider_flags(engine), FWPM_PROVIDER_FLAG_PERSISTENT);
    assert_int_equal(filter_flags(engine, &key_persistent), FWPM_FILTER_FLAG_PERSISTENT);
    assert_int_equal(unlink(wanted), 0);
    delete_all(engine);
    FwpmEngineClose0(engine);
}

static void test_8_2_disabled_filters_have_to_be_asked_for(void **state)
{
    FWPM_FILTER_ENUM_TEMPLATE0 template = {.layerKey = FWPM_LAYER_ALE_AUTH_CONNECT_V4,
                                           .flags = FWP_FILTER_ENUM_FLAG_INCLUDE_DISABLED,
                                           .actionMask = 0xffffffff};
    HANDLE engine = engine_open(0), enumeration;
    FWPM_FILTER0 **filters = NULL;
    UINT32 count;

    add_all(engine);
    engine = restart(engine);
    assert_int_equal(count_filters(engine), 2);
    assert_ok(FwpmFilterCreateEnumHandle0(engine, &template, &enumeration));
    assert_ok(FwpmFilterEnum0(engine, enumeration, 10, &filters, &count));
    assert_int_equal(count, 3);
    FwpmFreeMemory0((void **)&filters);
    assert_ok(FwpmFilterDestroyEnumHandle0(engine, enumeration));
    delete_all(engine);
    FwpmEngineClose0(engine);
}

static void test_8_2_indexed_tells_which_filters_are_found_by_their_conditions(void **state)
{
    HANDLE engine = engine_open(0);

    assert_ok(add_filter(engine, 7, 0, &key_static, NULL));
    add_owned(engine, &key_other, NULL, 0);
    assert_int_equal(filter_flags(engine, &key_static), FWPM_FILTER_FLAG_INDEXED);
    assert_int_equal(filter_flags(engine, &key_other), 0);
    engine = restart(engine);
    assert_int_equal(filter_flags(engine, &key_static), FWPM_FILTER_FLAG_INDEXED);
    assert_ok(FwpmFilterDeleteByKey0(engine, &key_static));
    assert_ok(FwpmFilterDeleteByKey0(engine, &key_other));
    FwpmEngineClose0(engine);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_8_4_what_belongs_to_a_service_that_is_not_enabled_is_disabled),
        cmocka_unit_test(test_8_4_what_belongs_to_an_enabled_service_comes_back),
        cmocka_unit_test(test_8_2_disabled_filters_have_to_be_asked_for),
        cmocka_unit_test(test_8_2_indexed_tells_which_filters_are_found_by_their_conditions),
    };

    return cmocka_run_group_tests(tests, set_up, tear_down);
}
