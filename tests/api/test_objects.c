/* Every function of every kind of object. */
#include <stdlib.h>
#include <string.h>

#include <fwpsu.h>
#include <sddl.h>

#include "place.h"

static WCHAR name[] = u"a name", description[] = u"what it is for";
static const FWPM_DISPLAY_DATA0 display = {.name = name, .description = description};
static UINT8 bytes[] = {1, 2, 3, 4, 5};
static const FWP_BYTE_BLOB blob = {.size = sizeof(bytes), .data = bytes};
static const GUID key = {0x11111111, 2, 3, {4, 5, 6, 7, 8, 9, 10, 11}};
static GUID provider_key = {0x22222222, 2, 3, {4, 5, 6, 7, 8, 9, 10, 11}};

#define BOTH (FWPM_SUBSCRIPTION_FLAG_NOTIFY_ON_ADD | FWPM_SUBSCRIPTION_FLAG_NOTIFY_ON_DELETE)

static void same_blob(const FWP_BYTE_BLOB *got)
{
    assert_int_equal(got->size, blob.size);
    assert_memory_equal(got->data, blob.data, blob.size);
}

static void same_text(const WCHAR *got, const WCHAR *wanted)
{
    size_t i;

    assert_non_null(got);
    for (i = 0; wanted[i]; i++)
        assert_int_equal(got[i], wanted[i]);
    assert_int_equal(got[i], 0);
}

/* The security descriptor that an object has is taken, and set again. */
typedef DWORD get_security(HANDLE, const GUID *, SECURITY_INFORMATION, PSID *, PSID *, PACL *,
                           PACL *, PSECURITY_DESCRIPTOR *);
typedef DWORD set_security(HANDLE, const GUID *, SECURITY_INFORMATION, const SID *, const SID *,
                           const ACL *, const ACL *);

static void check_security(HANDLE engine, get_security *get, set_security *set)
{
    PSECURITY_DESCRIPTOR sd = NULL;
    PSID owner = NULL;
    PACL dacl = NULL;

    assert_ok(get(engine, NULL, DACL_SECURITY_INFORMATION, NULL, NULL, &dacl, NULL, &sd));
    assert_non_null(dacl); /* of the container */
    FwpmFreeMemory0(&sd);
    assert_ok(get(engine, &key, OWNER_SECURITY_INFORMATION | DACL_SECURITY_INFORMATION, &owner,
                  NULL, &dacl, NULL, &sd));
    assert_non_null(sd);
    assert_non_null(owner);
    if (dacl)
        assert_ok(set(engine, &key, DACL_SECURITY_INFORMATION, NULL, NULL, dacl, NULL));
    FwpmFreeMemory0(&sd);
}

static void ignore_provider(void *context, const FWPM_PROVIDER_CHANGE0 *change)
{
}

static void test_providers(void **state)
{
    FWPM_PROVIDER0 provider = {.providerKey = key, .displayData = display, .providerData = blob},
                   *got = NULL, **entries = NULL;
    FWPM_PROVIDER_SUBSCRIPTION0 subscription = {.flags = BOTH}, **subscriptions = NULL;
    HANDLE engine = engine_open(0), handle = NULL;
    PSECURITY_DESCRIPTOR sd = NULL;
    UINT32 count;
    bool found = false;

    assert_true(
        ConvertStringSecurityDescriptorToSecurityDescriptorW(u"O:BAD:(A;;GA;;;WD)", 1, &sd, NULL));
    assert_ok(FwpmProviderAdd0(engine, &provider, sd));
    LocalFree(sd);
    assert_int_equal(FwpmProviderAdd0(engine, &provider, NULL), FWP_E_ALREADY_EXISTS);
    assert_ok(FwpmProviderGetByKey0(engine, &key, &got));
    same_text(got->displayData.name, name);
    same_text(got->displayData.description, description);
    same_blob(&got->providerData);
    FwpmFreeMemory0((void **)&got);
    assert_ok(FwpmProviderCreateEnumHandle0(engine, NULL, &handle));
    assert_ok(FwpmProviderEnum0(engine, handle, 100, &entries, &count));
    for (UINT32 i = 0; i < count; i++)
        found |= !memcmp(&entries[i]->providerKey, &key, sizeof(key));
    assert_true(found);
    FwpmFreeMemory0((void **)&entries);
    assert_ok(FwpmProviderDestroyEnumHandle0(engine, handle));
    check_security(engine, FwpmProviderGetSecurityInfoByKey0, FwpmProviderSetSecurityInfoByKey0);
    assert_ok(FwpmProviderSubscribeChanges0(engine, &subscription, ignore_provider, NULL, &handle));
    assert_ok(FwpmProviderSubscriptionsGet0(engine, &subscriptions, &count));
    assert_int_equal(count, 1);
    FwpmFreeMemory0((void **)&subscriptions);
    assert_ok(FwpmProviderUnsubscribeChanges0(engine, handle));
    assert_ok(FwpmProviderDeleteByKey0(engine, &key));
    assert_int_equal(FwpmProviderGetByKey0(engine, &key, &got), FWP_E_PROVIDER_NOT_FOUND);
    assert_ok(FwpmEngineClose0(engine));
}

static void ignore_context(void *context, const FWPM_PROVIDER_CONTEXT_CHANGE0 *change)
{
}

static void test_7_6_provider_contexts(void **state)
{
    FWPM_PROVIDER_CONTEXT0 context = {.providerContextKey = key,
                                      .displayData = display,
                                      .type = FWPM_GENERAL_CONTEXT,
                                      .dataBuffer = (FWP_BYTE_BLOB *)&blob},
                           *got = NULL, **entries = NULL;
    FWPM_PROVIDER_CONTEXT1 *got1 = NULL, context1 = {.displayData = display,
                                                     .type = FWPM_GENERAL_CONTEXT,
                                                     .dataBuffer = (FWP_BYTE_BLOB *)&blob};
    FWPM_PROVIDER_CONTEXT2 *got2 = NULL, context2 = {.displayData = display,
                                                     .type = FWPM_GENERAL_CONTEXT,
                                                     .dataBuffer = (FWP_BYTE_BLOB *)&blob};
    FWPM_PROVIDER_CONTEXT_ENUM_TEMPLATE0 template_ = {.providerContextType = FWPM_GENERAL_CONTEXT};
    FWPM_PROVIDER_CONTEXT_SUBSCRIPTION0 subscription = {.enumTemplate = &template_, .flags = BOTH};
    HANDLE engine = engine_open(0), handle = NULL;
    UINT64 id = 0, id1 = 0, id2 = 0;
    UINT32 count;

    assert_ok(
        FwpmProviderContextSubscribeChanges0(engine, &subscription, ignore_context, NULL, &handle));
    assert_ok(FwpmProviderContextUnsubscribeChanges0(engine, handle));
    assert_ok(FwpmProviderContextAdd0(engine, &context, NULL, &id));
    assert_ok(FwpmProviderContextAdd1(engine, &context1, NULL, &id1));
    assert_ok(FwpmProviderContextAdd2(engine, &context2, NULL, &id2));
    assert_true(id && id1 && id2 && id != id1 && id1 != id2);
    assert_ok(FwpmProviderContextGetById0(engine, id, &got));
    assert_memory_equal(&got->providerContextKey, &key, sizeof(key));
    same_blob(got->dataBuffer);
    FwpmFreeMemory0((void **)&got);
    assert_ok(FwpmProviderContextGetByKey1(engine, &key, &got1));
    same_blob(got1->dataBuffer);
    FwpmFreeMemory0((void **)&got1);
    assert_ok(FwpmProviderContextGetById2(engine, id, &got2));
    assert_int_equal(got2->providerContextId, id);
    FwpmFreeMemory0((void **)&got2);
    assert_ok(FwpmProviderContextCreateEnumHandle0(engine, &template_, &handle));
    assert_ok(FwpmProviderContextEnum0(engine, handle, 100, &entries, &count));
    assert_int_equal(count, 3);
    FwpmFreeMemory0((void **)&entries);
    assert_ok(FwpmProviderContextDestroyEnumHandle0(engine, handle));
    check_security(engine, FwpmProviderContextGetSecurityInfoByKey0,
                   FwpmProviderContextSetSecurityInfoByKey0);
    assert_ok(FwpmProviderContextDeleteByKey0(engine, &key));
    assert_ok(FwpmProviderContextDeleteById0(engine, id1));
    assert_ok(FwpmProviderContextDeleteById0(engine, id2));
    assert_int_equal(FwpmProviderContextDeleteById0(engine, id2), FWP_E_PROVIDER_CONTEXT_NOT_FOUND);
    assert_ok(FwpmEngineClose0(engine));
}

static void ignore_sublayer(void *context, const FWPM_SUBLAYER_CHANGE0 *change)
{
}

static void test_5_1_sublayers(void **state)
{
    FWPM_SUBLAYER0 sublayer = {.subLayerKey = key,
                               .displayData = display,
                               .providerKey = &provider_key,
                               .providerData = blob,
                               .weight = 0x1234},
                   *got = NULL, **entries = NULL;
    FWPM_PROVIDER0 provider = {.providerKey = provider_key, .displayData = display};
    FWPM_SUBLAYER_ENUM_TEMPLATE0 template_ = {.providerKey = &provider_key};
    FWPM_SUBLAYER_SUBSCRIPTION0 subscription = {.flags = BOTH};
    HANDLE engine = engine_open(FWPM_SESSION_FLAG_DYNAMIC), handle = NULL;
    UINT32 count;

    assert_int_equal(FwpmSubLayerAdd0(engine, &sublayer, NULL), FWP_E_PROVIDER_NOT_FOUND);
    assert_ok(FwpmProviderAdd0(engine, &provider, NULL));
    assert_ok(FwpmSubLayerAdd0(engine, &sublayer, NULL));
    assert_ok(FwpmSubLayerGetByKey0(engine, &key, &got));
    assert_int_equal(got->weight, 0x1234);
    assert_memory_equal(got->providerKey, &provider_key, sizeof(provider_key));
    FwpmFreeMemory0((void **)&got);
    assert_ok(FwpmSubLayerCreateEnumHandle0(engine, &template_, &handle));
    assert_ok(FwpmSubLayerEnum0(engine, handle, 100, &entries, &count));
    assert_int_equal(count, 1);
    FwpmFreeMemory0((void **)&entries);
    assert_ok(FwpmSubLayerDestroyEnumHandle0(engine, handle));
    check_security(engine, FwpmSubLayerGetSecurityInfoByKey0, FwpmSubLayerSetSecurityInfoByKey0);
    assert_ok(FwpmSubLayerSubscribeChanges0(engine, &subscription, ignore_sublayer, NULL, &handle));
    assert_ok(FwpmSubLayerUnsubscribeChanges0(engine, handle));
    assert_int_equal(FwpmProviderDeleteByKey0(engine, &provider_key), FWP_E_IN_USE);
    assert_ok(FwpmSubLayerDeleteByKey0(engine, &key));
    assert_ok(FwpmEngineClose0(engine));
}

static void ignore_callout(void *context, const FWPM_CALLOUT_CHANGE0 *change)
{
}

static void test_7_1_callouts(void **state)
{
    FWPM_CALLOUT0 callout = {.calloutKey = key,
                             .displayData = display,
                             .applicableLayer = FWPM_LAYER_ALE_AUTH_CONNECT_V4},
                  *got = NULL, **entries = NULL;
    FWPM_CALLOUT_ENUM_TEMPLATE0 template_ = {.layerKey = FWPM_LAYER_ALE_AUTH_CONNECT_V4};
    FWPM_CALLOUT_SUBSCRIPTION0 subscription = {.enumTemplate = &template_, .flags = BOTH};
    HANDLE engine = engine_open(FWPM_SESSION_FLAG_DYNAMIC), handle = NULL;
    UINT32 id = 0, count;

    assert_ok(FwpmCalloutAdd0(engine, &callout, NULL, &id));
    assert_int_not_equal(id, 0);
    assert_ok(FwpmCalloutGetById0(engine, id, &got));
    assert_memory_equal(&got->calloutKey, &key, sizeof(key));
    FwpmFreeMemory0((void **)&got);
    assert_ok(FwpmCalloutGetByKey0(engine, &key, &got));
    assert_int_equal(got->calloutId, id);
    assert_false(got->flags & FWPM_CALLOUT_FLAG_REGISTERED);
    FwpmFreeMemory0((void **)&got);
    assert_ok(FwpmCalloutCreateEnumHandle0(engine, &template_, &handle));
    assert_ok(FwpmCalloutEnum0(engine, handle, 100, &entries, &count));
    assert_true(count >= 1);
    FwpmFreeMemory0((void **)&entries);
    assert_ok(FwpmCalloutDestroyEnumHandle0(engine, handle));
    check_security(engine, FwpmCalloutGetSecurityInfoByKey0, FwpmCalloutSetSecurityInfoByKey0);
    assert_ok(FwpmCalloutSubscribeChanges0(engine, &subscription, ignore_callout, NULL, &handle));
    assert_ok(FwpmCalloutUnsubscribeChanges0(engine, handle));
    assert_ok(FwpmCalloutDeleteById0(engine, id));
    assert_ok(FwpmCalloutAdd0(engine, &callout, NULL, NULL));
    assert_ok(FwpmCalloutDeleteByKey0(engine, &key));
    assert_int_equal(FwpmCalloutDeleteByKey0(engine, &key), FWP_E_CALLOUT_NOT_FOUND);
    assert_ok(FwpmEngineClose0(engine));
}

/* Conditions of several kinds, as a program would write them. */
static void fill_conditions(FWPM_FILTER_CONDITION0 *conditions, FWP_BYTE_BLOB *app,
                            FWP_V4_ADDR_AND_MASK *net, FWP_RANGE0 *range)
{
    *net = (FWP_V4_ADDR_AND_MASK){.addr = 0x0a000000, .mask = 0xff000000};
    *range = (FWP_RANGE0){.valueLow = {.type = FWP_UINT16, .uint16 = 80},
                          .valueHigh = {.type = FWP_UINT16, .uint16 = 443}};
    conditions[0] =
        (FWPM_FILTER_CONDITION0){.fieldKey = FWPM_CONDITION_ALE_APP_ID,
                                 .conditionValue = {.type = FWP_BYTE_BLOB_TYPE, .byteBlob = app}};
    conditions[1] =
        (FWPM_FILTER_CONDITION0){.fieldKey = FWPM_CONDITION_IP_REMOTE_ADDRESS,
                                 .conditionValue = {.type = FWP_V4_ADDR_MASK, .v4AddrMask = net}};
    conditions[2] =
        (FWPM_FILTER_CONDITION0){.fieldKey = FWPM_CONDITION_IP_REMOTE_PORT,
                                 .matchType = FWP_MATCH_RANGE,
                                 .conditionValue = {.type = FWP_RANGE_TYPE, .rangeValue = range}};
}

static void check_filter(const FWPM_FILTER0 *got, UINT64 id, const FWP_BYTE_BLOB *app)
{
    assert_memory_equal(&got->filterKey, &key, sizeof(key));
    assert_int_equal(got->filterId, id);
    assert_int_equal(got->effectiveWeight.type, FWP_UINT64);
    assert_int_equal(*got->effectiveWeight.uint64 >> 60, 7); /* 4.1 */
    assert_int_equal(got->numFilterConditions, 3);
    assert_memory_equal(got->filterCondition[0].conditionValue.byteBlob->data, app->data,
                        app->size);
    assert_int_equal(got->filterCondition[1].conditionValue.v4AddrMask->addr, 0x0a000000);
    assert_int_equal(got->filterCondition[2].matchType, FWP_MATCH_RANGE);
    assert_int_equal(got->filterCondition[2].conditionValue.rangeValue->valueHigh.uint16, 443);
    assert_int_equal(got->action.type, FWP_ACTION_PERMIT);
    assert_int_equal(got->rawContext, 99);
}

static void ignore_filter(void *context, const FWPM_FILTER_CHANGE0 *change)
{
}

static void test_4_4_filters(void **state)
{
    FWP_V4_ADDR_AND_MASK net;
    FWP_RANGE0 range;
    FWPM_FILTER_CONDITION0 conditions[3];
    FWPM_FILTER0 filter = {.filterKey = key,
                           .displayData = display,
                           .layerKey = FWPM_LAYER_ALE_AUTH_CONNECT_V4,
                           .weight = {.type = FWP_UINT8, .uint8 = 7},
                           .numFilterConditions = 3,
                           .filterCondition = conditions,
                           .action.type = FWP_ACTION_PERMIT,
                           .rawContext = 99},
                 *got = NULL;
    FWPM_FILTER_SUBSCRIPTION0 subscription = {.flags = BOTH};
    HANDLE engine = engine_open(FWPM_SESSION_FLAG_DYNAMIC), handle = NULL;
    FWP_BYTE_BLOB *app = NULL;
    UINT64 id = 0;

    assert_ok(FwpmGetAppIdFromFileName0(u"/bin/sh", &app));
    fill_conditions(conditions, app, &net, &range);
    assert_ok(FwpmFilterAdd0(engine, &filter, NULL, &id));
    assert_ok(FwpmFilterGetById0(engine, id, &got));
    check_filter(got, id, app);
    FwpmFreeMemory0((void **)&got);
    assert_ok(FwpmFilterGetByKey0(engine, &key, &got));
    check_filter(got, id, app);
    FwpmFreeMemory0((void **)&got);
    check_security(engine, FwpmFilterGetSecurityInfoByKey0, FwpmFilterSetSecurityInfoByKey0);
    assert_ok(FwpmFilterSubscribeChanges0(engine, &subscription, ignore_filter, NULL, &handle));
    assert_ok(FwpmFilterUnsubscribeChanges0(engine, handle));
    assert_ok(FwpmFilterDeleteById0(engine, id));
    assert_ok(FwpmFilterAdd0(engine, &filter, NULL, NULL));
    assert_ok(FwpmFilterDeleteByKey0(engine, &key));
    assert_int_equal(FwpmFilterDeleteByKey0(engine, &key), FWP_E_FILTER_NOT_FOUND);
    assert_int_not_equal(OpenWfpLastErrorText()[0], 0);
    FwpmFreeMemory0((void **)&app);
    assert_ok(FwpmEngineClose0(engine));
}

static void test_11_3_filters_of_a_layer_and_an_action(void **state)
{
    FWPM_FILTER_ENUM_TEMPLATE0 template_ = {.layerKey = FWPM_LAYER_ALE_AUTH_CONNECT_V4,
                                            .actionMask = FWP_ACTION_PERMIT & 0xff};
    HANDLE engine = engine_open(FWPM_SESSION_FLAG_DYNAMIC), handle = NULL;
    FWPM_FILTER0 **entries = NULL;
    UINT32 count;

    for (UINT16 port = 1; port <= 20; port++)
        assert_ok(add_filter(engine, port, 0, NULL, NULL));
    assert_ok(FwpmFilterCreateEnumHandle0(engine, &template_, &handle));
    assert_ok(FwpmFilterEnum0(engine, handle, 100, &entries, &count));
    assert_int_equal(count, 0);
    FwpmFreeMemory0((void **)&entries);
    assert_ok(FwpmFilterDestroyEnumHandle0(engine, handle));
    template_.actionMask = 0xffffffff;
    assert_ok(FwpmFilterCreateEnumHandle0(engine, &template_, &handle));
    for (int round = 0; round < 3; round++) { /* 8, 8, 4: fewer than asked is the end */
        assert_ok(FwpmFilterEnum0(engine, handle, 8, &entries, &count));
        assert_int_equal(count, round < 2 ? 8 : 4);
        FwpmFreeMemory0((void **)&entries);
    }
    assert_ok(FwpmFilterDestroyEnumHandle0(engine, handle));
    assert_int_not_equal(FwpmFilterEnum0(engine, handle, 8, &entries, &count), ERROR_SUCCESS);
    assert_ok(FwpmEngineClose0(engine));
}

static void test_1_1_layers(void **state)
{
    HANDLE engine = engine_open(0), handle = NULL;
    FWPM_LAYER0 *got = NULL, **entries = NULL;
    PSECURITY_DESCRIPTOR sd = NULL;
    UINT32 count;

    assert_ok(FwpmLayerGetById0(engine, FWPS_LAYER_ALE_AUTH_CONNECT_V4, &got));
    assert_memory_equal(&got->layerKey, &FWPM_LAYER_ALE_AUTH_CONNECT_V4, sizeof(GUID));
    assert_true(got->numFields > FWPS_FIELD_ALE_AUTH_CONNECT_V4_IP_REMOTE_PORT);
    assert_memory_equal(got->field[FWPS_FIELD_ALE_AUTH_CONNECT_V4_IP_REMOTE_PORT].fieldKey,
                        &FWPM_CONDITION_IP_REMOTE_PORT, sizeof(GUID));
    FwpmFreeMemory0((void **)&got);
    assert_ok(FwpmLayerGetByKey0(engine, &FWPM_LAYER_ALE_AUTH_LISTEN_V6, &got));
    assert_int_equal(got->layerId, FWPS_LAYER_ALE_AUTH_LISTEN_V6);
    FwpmFreeMemory0((void **)&got);
    assert_int_equal(FwpmLayerGetByKey0(engine, &key, &got), FWP_E_LAYER_NOT_FOUND);
    assert_ok(FwpmLayerCreateEnumHandle0(engine, NULL, &handle));
    assert_ok(FwpmLayerEnum0(engine, handle, 1000, &entries, &count));
    assert_true(count > 80);
    FwpmFreeMemory0((void **)&entries);
    assert_ok(FwpmLayerDestroyEnumHandle0(engine, handle));
    assert_ok(FwpmLayerGetSecurityInfoByKey0(engine, NULL, DACL_SECURITY_INFORMATION, NULL, NULL,
                                             NULL, NULL, &sd));
    FwpmFreeMemory0(&sd);
    assert_ok(FwpmEngineClose0(engine));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_providers),
        cmocka_unit_test(test_7_6_provider_contexts),
        cmocka_unit_test(test_5_1_sublayers),
        cmocka_unit_test(test_7_1_callouts),
        cmocka_unit_test(test_4_4_filters),
        cmocka_unit_test(test_11_3_filters_of_a_layer_and_an_action),
        cmocka_unit_test(test_1_1_layers),
    };

    return cmocka_run_group_tests(tests, place_setup, place_teardown);
}
