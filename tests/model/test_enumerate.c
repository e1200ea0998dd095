/* Enumeration (rules 11.x) and what a store reads and restores. */
#include "support.h"

/* Which of the test keys the enumeration returns, in its order, as digits. */
static const char *enumerate(struct world *w, const FWPM_FILTER_ENUM_TEMPLATE0 *template_)
{
    static char text[64];
    struct model_object objects[16];
    uint64_t handle;
    size_t given;

    assert_works(w, model_enum_create(w->root, MODEL_FILTER, template_, &handle, &w->error));
    assert_works(w, model_enum_next(w->root, handle, objects, 16, &given, &w->error));
    for (size_t i = 0; i < given; i++)
        text[i] = (char)('0' + objects[i].filter->filterKey.Data1);
    text[given] = '\0';
    assert_works(w, model_enum_destroy(w->root, handle, &w->error));
    return text;
}

static FWPM_FILTER_ENUM_TEMPLATE0 connect_filters(void)
{
    return (FWPM_FILTER_ENUM_TEMPLATE0){.layerKey = FWPM_LAYER_ALE_AUTH_CONNECT_V4,
                                        .enumType = FWP_FILTER_ENUM_OVERLAPPING,
                                        .actionMask = 0xffffffff};
}

static void add_ports(struct world *w, uint32_t n, uint16_t low, uint16_t high)
{
    FWP_RANGE0 range = {{.type = FWP_UINT16, .uint16 = low}, {.type = FWP_UINT16, .uint16 = high}};
    FWPM_FILTER_CONDITION0 port =
        condition(&FWPM_CONDITION_IP_REMOTE_PORT, FWP_MATCH_RANGE,
                  (FWP_CONDITION_VALUE0){.type = FWP_RANGE_TYPE, .rangeValue = &range});
    FWPM_FILTER0 filter = a_filter(n);

    filter.numFilterConditions = 1;
    filter.filterCondition = &port;
    assert_works(w, model_filter_add(w->root, &filter, NULL, NULL, NULL, &w->error));
}

static void test_11_1_no_template_is_all_in_pages(void **state)
{
    WORLD;
    struct model_object objects[2];
    uint64_t handle;
    size_t given;

    for (uint32_t n = 1; n <= 5; n++)
        assert_works(w, add_filter(w->root, n));
    assert_works(w, model_enum_create(w->root, MODEL_FILTER, NULL, &handle, &w->error));
    for (size_t page = 0; page < 4; page++) {
        assert_works(w, model_enum_next(w->root, handle, objects, 2, &given, &w->error));
        assert_int_equal(given, page < 2 ? 2 : page == 2 ? 1 : 0);
    }
}

static void test_11_1_the_enumeration_is_a_snapshot(void **state)
{
    WORLD;
    struct model_object objects[8];
    uint64_t handle;
    GUID key = key_of(1);
    size_t given;

    assert_works(w, add_filter(w->root, 1));
    assert_works(w, model_enum_create(w->root, MODEL_FILTER, NULL, &handle, &w->error));
    assert_works(w, model_delete_by_key(w->root, MODEL_FILTER, &key, &w->error));
    assert_works(w, add_filter(w->root, 2));
    assert_works(w, model_enum_next(w->root, handle, objects, 8, &given, &w->error));
    assert_int_equal(given, 1);
    assert_int_equal(objects[0].filter->filterKey.Data1, 1);
}

static void test_11_2_only_what_the_caller_may_read(void **state)
{
    WORLD;
    struct model_session *user = open_as(w, 1000, 0);
    FWP_BYTE_BLOB secret = sd_of("O:BAD:P(A;;GA;;;BA)");
    FWPM_FILTER0 filter = a_filter(1);
    struct model_object objects[4];
    uint64_t handle;
    size_t given;

    assert_works(w, model_filter_add(w->root, &filter, &secret, NULL, NULL, &w->error));
    assert_works(w, add_filter(w->root, 2));
    assert_works(w, model_enum_create(user, MODEL_FILTER, NULL, &handle, &w->error));
    assert_works(w, model_enum_next(user, handle, objects, 4, &given, &w->error));
    assert_int_equal(given, 1);
    assert_int_equal(objects[0].filter->filterKey.Data1, 2);
    free(secret.data);
}

static void test_11_3_by_layer_provider_and_action(void **state)
{
    WORLD;
    FWPM_FILTER_ENUM_TEMPLATE0 t = connect_filters();
    FWPM_FILTER0 filter = a_filter(2);
    GUID provider = key_of(9);

    assert_works(w, add_provider(w->root, 9, 0));
    assert_works(w, add_filter(w->root, 1));
    filter.providerKey = &provider;
    filter.action.type = FWP_ACTION_PERMIT;
    assert_works(w, model_filter_add(w->root, &filter, NULL, NULL, NULL, &w->error));
    filter = a_filter(3);
    filter.layerKey = FWPM_LAYER_ALE_AUTH_CONNECT_V6;
    assert_works(w, model_filter_add(w->root, &filter, NULL, NULL, NULL, &w->error));
    assert_string_equal(enumerate(w, &t), "12");
    t.providerKey = &provider;
    assert_string_equal(enumerate(w, &t), "2");
    t.providerKey = NULL;
    t.layerKey = (GUID){0};
    assert_string_equal(enumerate(w, &t), "123");
    t.actionMask = FWP_ACTION_FLAG_CALLOUT;
    assert_string_equal(enumerate(w, &t), "");
}

static void test_11_3_sorted_and_best(void **state)
{
    WORLD;
    FWPM_FILTER_ENUM_TEMPLATE0 t = connect_filters();
    static const struct {
        uint32_t n, sublayer;
        uint64_t weight;
    } rows[] = {{1, 8, 10}, {2, 9, 5}, {3, 8, 20}, {4, 9, 5}};

    assert_works(w, add_sublayer(w->root, 8, 100));
    assert_works(w, add_sublayer(w->root, 9, 200));
    for (size_t i = 0; i < 4; i++) {
        FWPM_FILTER0 filter = a_filter(rows[i].n);

        filter.subLayerKey = key_of(rows[i].sublayer);
        filter.weight =
            (FWP_VALUE0){.type = FWP_UINT64, .uint64 = (UINT64 *)(uintptr_t)&rows[i].weight};
        assert_works(w, model_filter_add(w->root, &filter, NULL, NULL, NULL, &w->error));
    }
    assert_string_equal(enumerate(w, &t), "1234");
    t.flags = FWP_FILTER_ENUM_FLAG_SORTED;
    assert_string_equal(enumerate(w, &t), "2431");
    t.flags = FWP_FILTER_ENUM_FLAG_BEST_TERMINATING_MATCH;
    assert_string_equal(enumerate(w, &t), "2");
}

static void test_11_3_boottime_filters_are_asked_for(void **state)
{
    WORLD;
    FWPM_FILTER_ENUM_TEMPLATE0 t = connect_filters();
    FWPM_FILTER0 filter = a_filter(2);

    filter.flags = FWPM_FILTER_FLAG_BOOTTIME;
    assert_works(w, add_filter(w->root, 1));
    assert_works(w, model_filter_add(w->root, &filter, NULL, NULL, NULL, &w->error));
    assert_string_equal(enumerate(w, NULL), "1");
    assert_string_equal(enumerate(w, &t), "1");
    t.flags = FWP_FILTER_ENUM_FLAG_INCLUDE_BOOTTIME;
    assert_string_equal(enumerate(w, &t), "12");
    t.flags = FWP_FILTER_ENUM_FLAG_BOOTTIME_ONLY;
    assert_string_equal(enumerate(w, &t), "2");
}

static void test_11_3_overlapping_and_contained(void **state)
{
    WORLD;
    FWPM_FILTER_ENUM_TEMPLATE0 t = connect_filters();
    FWP_RANGE0 range = {{.type = FWP_UINT16, .uint16 = 100}, {.type = FWP_UINT16, .uint16 = 200}};
    FWPM_FILTER_CONDITION0 ports =
        condition(&FWPM_CONDITION_IP_REMOTE_PORT, FWP_MATCH_RANGE,
                  (FWP_CONDITION_VALUE0){.type = FWP_RANGE_TYPE, .rangeValue = &range});

    add_ports(w, 1, 120, 130); /* inside */
    add_ports(w, 2, 190, 210); /* across the end */
    add_ports(w, 3, 201, 300); /* outside */
    add_ports(w, 4, 100, 200); /* the same */
    add_filter(w->root, 5);    /* any port */
    t.numFilterConditions = 1;
    t.filterCondition = &ports;
    assert_string_equal(enumerate(w, &t), "1245");
    t.enumType = FWP_FILTER_ENUM_FULLY_CONTAINED;
    assert_string_equal(enumerate(w, &t), "14");
}

static void test_11_4_templates_that_never_match(void **state)
{
    WORLD;
    FWPM_FILTER_ENUM_TEMPLATE0 t = connect_filters();
    GUID callout = key_of(1);
    uint64_t handle;

    t.actionMask = 0;
    assert_fails(w, model_enum_create(w->root, MODEL_FILTER, &t, &handle, &w->error),
                 FWP_E_NEVER_MATCH);
    t.actionMask = FWP_ACTION_FLAG_TERMINATING;
    t.calloutKey = &callout;
    assert_fails(w, model_enum_create(w->root, MODEL_FILTER, &t, &handle, &w->error),
                 FWP_E_NEVER_MATCH);
    t = connect_filters();
    t.layerKey = key_of(4);
    assert_fails(w, model_enum_create(w->root, MODEL_FILTER, &t, &handle, &w->error),
                 FWP_E_LAYER_NOT_FOUND);
    t = connect_filters();
    t.enumType = 7;
    assert_fails(w, model_enum_create(w->root, MODEL_FILTER, &t, &handle, &w->error),
                 FWP_E_OUT_OF_BOUNDS);
}

static size_t count_of(struct world *w, enum model_kind kind, const void *template_)
{
    struct model_object objects[256];
    uint64_t handle;
    size_t given;

    assert_works(w, model_enum_create(w->root, kind, template_, &handle, &w->error));
    assert_works(w, model_enum_next(w->root, handle, objects, 256, &given, &w->error));
    assert_works(w, model_enum_destroy(w->root, handle, &w->error));
    return given;
}

static void test_11_4_other_kinds(void **state)
{
    WORLD;
    FWPM_CALLOUT_ENUM_TEMPLATE0 callouts = {.layerKey = FWPM_LAYER_ALE_AUTH_CONNECT_V4};
    FWPM_PROVIDER_CONTEXT_ENUM_TEMPLATE0 contexts = {.providerContextType = FWPM_GENERAL_CONTEXT};
    FWPM_PROVIDER_CONTEXT0 context = a_context(1);
    size_t before = count_of(w, MODEL_CALLOUT, &callouts);

    assert_works(w, add_callout(w->root, 1));
    assert_int_equal(count_of(w, MODEL_CALLOUT, &callouts), before + 1);
    assert_works(w, model_provider_context_add(w->root, &context, NULL, NULL, NULL, &w->error));
    assert_int_equal(count_of(w, MODEL_PROVIDER_CONTEXT, &contexts), 1);
    contexts.providerContextType = FWPM_CLASSIFY_OPTIONS_CONTEXT;
    assert_int_equal(count_of(w, MODEL_PROVIDER_CONTEXT, &contexts), 0);
    open_as(w, 1000, 0);
    assert_int_equal(count_of(w, MODEL_SESSION, NULL), 2);
    assert_true(count_of(w, MODEL_LAYER, NULL) > 80);
    assert_true(count_of(w, MODEL_PROVIDER, NULL) > 0);
}

static void test_sessions_may_end_while_enumerated(void **state)
{
    WORLD;
    struct model_session *other = open_as(w, 1000, 0);
    struct model_object objects[4];
    uint64_t handle;
    size_t given;

    assert_works(w, model_enum_create(w->root, MODEL_SESSION, NULL, &handle, &w->error));
    model_session_close(other);
    assert_works(w, model_enum_next(w->root, handle, objects, 4, &given, &w->error));
    assert_int_equal(given, 2);
    assert_int_equal(objects[0].session->processId, 5000);
}

/* ---- restoring ---- */

static void test_restored_objects_keep_key_id_and_owner(void **state)
{
    WORLD;
    struct model_caller kernel = {.kernel = true};
    struct model_session *session;
    FWPM_FILTER0 filter = a_filter(1);
    struct model_stored stored = {.object = {.kind = MODEL_FILTER, .filter = &filter},
                                  .lifetime = MODEL_STATIC,
                                  .creator = 1000};
    struct model_stored back;
    GUID key = key_of(1);
    uint64_t id;

    filter.filterId = 700;
    assert_fails(w, model_restore(w->root, &stored, &w->error), FWP_E_KM_CLIENTS_ONLY);
    assert_works(w, model_session_open(w->model, NULL, &kernel, NULL, &session, &w->error));
    assert_works(w, model_restore(session, &stored, &w->error));
    assert_works(w, model_stored_get(w->model, MODEL_FILTER, &key, &back, &w->error));
    assert_int_equal(back.object.filter->filterId, 700);
    assert_int_equal(back.creator, 1000);
    filter.filterKey = key_of(2);
    assert_works(w, model_filter_add(w->root, &filter, NULL, NULL, &id, &w->error));
    assert_int_equal(id, 701);
    model_reserve_ids(w->model, MODEL_FILTER, 1000);
    filter.filterKey = key_of(3);
    assert_works(w, model_filter_add(w->root, &filter, NULL, NULL, &id, &w->error));
    assert_int_equal(id, 1001);
    stored.lifetime = MODEL_DYNAMIC;
    assert_fails(w, model_restore(session, &stored, &w->error), FWP_E_LIFETIME_MISMATCH);
}

static void test_a_hundred_thousand_filters(void **state)
{
    WORLD;
    struct model_object object;

    assert_works(w, model_txn_begin(w->root, 0, &w->error));
    for (uint32_t n = 0; n < 100000; n++)
        assert_int_equal(add_filter(w->root, n), ERROR_SUCCESS);
    assert_works(w, model_txn_commit(w->root, &w->error));
    assert_int_equal(w->in_force, 100000);
    for (uint32_t n = 0; n < 100000; n += 997) {
        GUID key = key_of(n);

        assert_works(w, model_get_by_key(w->root, MODEL_FILTER, &key, &object, &w->error));
        assert_int_equal(object.filter->filterKey.Data1, n);
    }
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, world_setup, world_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_11_1_no_template_is_all_in_pages),
        TEST(test_11_1_the_enumeration_is_a_snapshot),
        TEST(test_11_2_only_what_the_caller_may_read),
        TEST(test_11_3_by_layer_provider_and_action),
        TEST(test_11_3_sorted_and_best),
        TEST(test_11_3_boottime_filters_are_asked_for),
        TEST(test_11_3_overlapping_and_contained),
        TEST(test_11_4_templates_that_never_match),
        TEST(test_11_4_other_kinds),
        TEST(test_sessions_may_end_while_enumerated),
        TEST(test_restored_objects_keep_key_id_and_owner),
        TEST(test_a_hundred_thousand_filters),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
