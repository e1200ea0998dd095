/* openwfp.h: many filters, explain, callout code, the engine's report, flows. */
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <fwpsu.h>

#include "place.h"

#define MANY 3000u

static WCHAR name[] = u"one of many";

static FWPM_FILTER0 *make_many(UINT32 count)
{
    FWPM_FILTER0 *filters = calloc(count, sizeof(*filters));
    FWPM_FILTER_CONDITION0 *conditions = calloc(count, sizeof(*conditions));

    for (UINT32 i = 0; i < count; i++) {
        conditions[i] = (FWPM_FILTER_CONDITION0){
            .fieldKey = FWPM_CONDITION_IP_REMOTE_ADDRESS,
            .conditionValue = {.type = FWP_UINT32, .uint32 = 0x0a000000 + i}};
        filters[i] = (FWPM_FILTER0){.displayData.name = name,
                                    .layerKey = FWPM_LAYER_ALE_AUTH_CONNECT_V4,
                                    .action.type = FWP_ACTION_BLOCK,
                                    .numFilterConditions = 1,
                                    .filterCondition = &conditions[i]};
    }
    return filters;
}

static void free_many(FWPM_FILTER0 *filters)
{
    free(filters[0].filterCondition);
    free(filters);
}

static void test_many_filters_in_few_messages(void **state)
{
    HANDLE engine = engine_open(FWPM_SESSION_FLAG_DYNAMIC);
    FWPM_FILTER0 *filters = make_many(MANY), *got = NULL;
    UINT64 *ids = calloc(MANY, sizeof(*ids));
    UINT32 added = 99;

    assert_int_equal(OpenWfpFilterAddMany(engine, filters, MANY, ids, &added),
                     FWP_E_NO_TXN_IN_PROGRESS);
    assert_int_equal(added, 0);
    assert_ok(FwpmTransactionBegin0(engine, 0));
    assert_ok(OpenWfpFilterAddMany(engine, filters, 0, NULL, &added));
    assert_ok(OpenWfpFilterAddMany(engine, filters, MANY, ids, &added));
    assert_int_equal(added, MANY);
    assert_ok(FwpmTransactionCommit0(engine));
    assert_int_equal(count_filters(engine), MANY);
    assert_ok(FwpmFilterGetById0(engine, ids[MANY - 1], &got));
    assert_int_equal(got->filterCondition[0].conditionValue.uint32, 0x0a000000 + MANY - 1);
    FwpmFreeMemory0((void **)&got);
    free(ids);
    free_many(filters);
    assert_ok(FwpmEngineClose0(engine));
}

static void test_many_filters_stop_at_the_first_that_fails(void **state)
{
    HANDLE engine = engine_open(FWPM_SESSION_FLAG_DYNAMIC);
    FWPM_FILTER0 *filters = make_many(1000);
    UINT64 *ids = calloc(1000, sizeof(*ids));
    UINT32 added = 0;

    filters[700].displayData.name = NULL; /* the service refuses this one */
    assert_ok(FwpmTransactionBegin0(engine, 0));
    assert_int_equal(OpenWfpFilterAddMany(engine, filters, 1000, ids, &added),
                     FWP_E_NULL_DISPLAY_NAME);
    assert_int_equal(added, 700);
    assert_true(ids[699] != 0 && ids[700] == 0);
    filters[0].numFilterConditions = 2;
    filters[0].filterCondition = NULL; /* the library refuses this one */
    assert_int_equal(OpenWfpFilterAddMany(engine, filters, 1, ids, &added), FWP_E_NULL_POINTER);
    assert_int_equal(added, 0);
    filters[699].numFilterConditions = 2; /* so does it this one, before the service the next */
    filters[699].filterCondition = NULL;
    assert_int_equal(OpenWfpFilterAddMany(engine, filters + 1, 999, ids, &added),
                     FWP_E_NULL_POINTER);
    assert_int_equal(added, 698);
    filters[500].displayData.name = NULL; /* and now the service is first */
    assert_int_equal(OpenWfpFilterAddMany(engine, filters + 1, 999, ids, &added),
                     FWP_E_NULL_DISPLAY_NAME);
    assert_int_equal(added, 499);
    assert_ok(FwpmTransactionAbort0(engine));
    assert_int_equal(count_filters(engine), 0);
    free(filters[1].filterCondition - 1);
    free(filters);
    free(ids);
    assert_ok(FwpmEngineClose0(engine));
}

static void test_many_filters_are_deleted(void **state)
{
    HANDLE engine = engine_open(FWPM_SESSION_FLAG_DYNAMIC);
    FWPM_FILTER0 *filters = make_many(MANY);
    UINT64 *ids = calloc(3 * MANY, sizeof(*ids));
    UINT32 deleted = 99;

    assert_int_equal(OpenWfpFilterDeleteMany(engine, ids, MANY, &deleted),
                     FWP_E_NO_TXN_IN_PROGRESS);
    assert_int_equal(deleted, 0);
    assert_int_equal(OpenWfpFilterDeleteMany(engine, NULL, 1, NULL), FWP_E_NULL_POINTER);
    assert_ok(FwpmTransactionBegin0(engine, 0));
    for (unsigned i = 0; i < 3; i++)
        assert_ok(OpenWfpFilterAddMany(engine, filters, MANY, ids + i * MANY, NULL));
    assert_ok(FwpmTransactionCommit0(engine));
    assert_ok(FwpmTransactionBegin0(engine, 0));
    assert_ok(OpenWfpFilterDeleteMany(engine, ids, 3 * MANY, &deleted));
    assert_int_equal(deleted, 3 * MANY);
    assert_ok(FwpmTransactionAbort0(engine));
    assert_int_equal(count_filters(engine), 3 * MANY);
    assert_ok(FwpmTransactionBegin0(engine, 0));
    ids[MANY + 5] = ids[3]; /* gone by then */
    assert_int_equal(OpenWfpFilterDeleteMany(engine, ids, 3 * MANY, &deleted),
                     FWP_E_FILTER_NOT_FOUND);
    assert_int_equal(deleted, MANY + 5);
    assert_ok(FwpmTransactionCommit0(engine));
    assert_int_equal(count_filters(engine), 2 * MANY - 5);
    free(ids);
    free_many(filters);
    assert_ok(FwpmEngineClose0(engine));
}

static void test_explain_a_connect(void **state)
{
    OPENWFP_FIELD_VALUE fields[] = {
        {FWPM_CONDITION_IP_PROTOCOL, {.type = FWP_UINT8, .uint8 = 6}},
        {FWPM_CONDITION_IP_REMOTE_ADDRESS, {.type = FWP_UINT32, .uint32 = 0x0a000001}},
        {FWPM_CONDITION_IP_REMOTE_PORT, {.type = FWP_UINT16, .uint16 = 4444}},
    };
    OPENWFP_EXPLAIN_REQUEST request = {.layerId = FWPS_LAYER_ALE_AUTH_CONNECT_V4,
                                       .numFields = 3,
                                       .fields = fields,
                                       .hasUser = TRUE,
                                       .uid = 33,
                                       .gid = 33};
    HANDLE engine = engine_open(FWPM_SESSION_FLAG_DYNAMIC);
    OPENWFP_EXPLANATION *explanation = NULL;
    UINT64 id;

    assert_ok(add_filter(engine, 4444, 0, NULL, &id));
    assert_ok(OpenWfpExplain(engine, &request, &explanation));
    assert_int_equal(explanation->action, FWP_ACTION_BLOCK);
    assert_int_equal(explanation->filterId, id);
    assert_int_equal(explanation->numSteps, 1);
    assert_int_equal(explanation->steps[0].filterId, id);
    assert_int_equal(explanation->steps[0].outcome, OPENWFP_OUTCOME_STOOD);
    assert_non_null(explanation->steps[0].filterName);
    FwpmFreeMemory0((void **)&explanation);
    fields[2].value.uint16 = 4445;
    assert_ok(OpenWfpExplain(engine, &request, &explanation));
    assert_int_equal(explanation->action, FWP_ACTION_PERMIT);
    assert_int_equal(explanation->filterId, 0);
    FwpmFreeMemory0((void **)&explanation);
    request.eventId = 123456789;
    assert_int_equal(OpenWfpExplain(engine, &request, &explanation), FWP_E_NOT_FOUND);
    assert_ok(FwpmEngineClose0(engine));
}

static void test_report_names_every_hook(void **state)
{
    HANDLE engine = engine_open(0);
    OPENWFP_ENGINE_REPORT *report = NULL;

    assert_ok(OpenWfpEngineReport(engine, &report));
    assert_false(report->enforcing); /* --no-kernel */
    assert_true(report->sessions >= 1);
    assert_non_null(report->version);
    assert_int_not_equal(report->summary[0], 0);
    for (UINT32 i = 0; i < report->numHooks; i++)
        assert_int_not_equal(report->hooks[i].name[0], 0);
    FwpmFreeMemory0((void **)&report);
    assert_ok(FwpmEngineClose0(engine));
}

static void test_callout_code_without_a_kernel(void **state)
{
    const GUID key = {5, 5, 5, {0}};
    HANDLE engine = engine_open(0);
    OPENWFP_LOADED_CALLOUT **entries = NULL;
    UINT32 count = 99, id;

    assert_ok(OpenWfpCalloutList(engine, &entries, &count));
    assert_int_equal(count, 0);
    FwpmFreeMemory0((void **)&entries);
    assert_int_equal(OpenWfpCalloutLoad(engine, &key, "/no/such/object.o", &id),
                     ERROR_FILE_NOT_FOUND);
    assert_non_null(strstr(OpenWfpLastErrorText(), "/no/such/object.o"));
    assert_int_equal(OpenWfpCalloutLoad(engine, &key, "/dev/null", &id), ERROR_INVALID_PARAMETER);
    /* Without a kernel nothing looks into the file. */
    assert_ok(OpenWfpCalloutLoad(engine, &key, "/bin/sh", &id));
    assert_ok(OpenWfpCalloutList(engine, &entries, &count));
    assert_int_equal(count, 1);
    assert_memory_equal(&entries[0]->calloutKey, &key, sizeof(key));
    assert_int_equal(entries[0]->calloutId, id);
    FwpmFreeMemory0((void **)&entries);
    assert_ok(OpenWfpCalloutUnload(engine, &key));
    assert_int_equal(OpenWfpCalloutUnload(engine, &key), FWP_E_CALLOUT_NOT_FOUND);
    assert_ok(FwpmEngineClose0(engine));
}

static void no_event(void *context, const OPENWFP_NET_EVENT *event)
{
}

static void test_flows_and_events_without_a_kernel(void **state)
{
    FWPM_NET_EVENT_SUBSCRIPTION0 subscription = {0};
    HANDLE engine = engine_open(0), handle = NULL;
    OPENWFP_FLOW **flows = NULL;
    UINT32 count = 99;

    assert_ok(OpenWfpCollect(engine, OPENWFP_COLLECT_DROPS | OPENWFP_COLLECT_ALLOWS));
    assert_ok(OpenWfpCollect(engine, 0));
    assert_int_not_equal(OpenWfpCollect(engine, 0x80000000), ERROR_SUCCESS);
    assert_ok(OpenWfpFlowEnum(engine, 0, 100, &flows, &count));
    assert_int_equal(count, 0);
    FwpmFreeMemory0((void **)&flows);
    assert_ok(OpenWfpNetEventSubscribe(engine, &subscription, no_event, NULL, &handle));
    assert_ok(FwpmNetEventUnsubscribe0(engine, handle));
    assert_ok(FwpmEngineClose0(engine));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_many_filters_in_few_messages),
        cmocka_unit_test(test_many_filters_stop_at_the_first_that_fails),
        cmocka_unit_test(test_many_filters_are_deleted),
        cmocka_unit_test(test_explain_a_connect),
        cmocka_unit_test(test_report_names_every_hook),
        cmocka_unit_test(test_callout_code_without_a_kernel),
        cmocka_unit_test(test_flows_and_events_without_a_kernel),
    };

    return cmocka_run_group_tests(tests, place_setup, place_teardown);
}
