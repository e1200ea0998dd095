/* What a compiler sees of the policy (rules 7.2, 7.6). */
#include "support.h"

static int keep(void *ctx, const struct model_view_filter *filter)
{
    *(struct model_view_filter *)ctx = *filter;
    return 1;
}

static struct model_view_filter only_filter(struct world *w)
{
    struct model_view_filter filter = {0};

    assert_int_equal(
        model_view_filters(model_view_now(w->model), FWPS_LAYER_ALE_AUTH_CONNECT_V4, keep, &filter),
        1);
    return filter;
}

static void test_7_2_a_callouts_code_comes_and_goes(void **state)
{
    WORLD;
    FWPM_FILTER0 filter = a_filter(1);
    GUID key = key_of(5);
    uint32_t id;

    filter.action.type = FWP_ACTION_CALLOUT_TERMINATING;
    filter.action.calloutKey = key;
    assert_works(w, add_callout(w->root, 5));
    assert_works(w, model_filter_add(w->root, &filter, NULL, NULL, NULL, &w->error));
    assert_true(only_filter(w).callout_slot == MODEL_CALLOUT_UNREGISTERED);
    assert_int_equal(w->applied, 1);
    assert_works(w, model_callout_register(w->model, &key, 3, &id, &w->error));
    assert_int_equal(only_filter(w).callout_slot, 3);
    assert_int_equal(only_filter(w).callout_id, id);
    assert_int_equal(w->applied, 2); /* the policy means something else now */
    w->apply_answer = ERROR_NOT_SUPPORTED;
    assert_fails(
        w, model_callout_register(w->model, &key, MODEL_CALLOUT_UNREGISTERED, NULL, &w->error),
        ERROR_NOT_SUPPORTED);
    assert_int_equal(only_filter(w).callout_slot, 3);
}

static void test_7_6_context_is_raw_or_the_provider_contexts_id(void **state)
{
    WORLD;
    FWPM_PROVIDER_CONTEXT0 context = a_context(4);
    FWPM_FILTER0 filter = a_filter(1);
    GUID key = key_of(1);
    uint64_t id;

    filter.rawContext = 77;
    assert_works(w, model_filter_add(w->root, &filter, NULL, NULL, NULL, &w->error));
    assert_int_equal(only_filter(w).context, 77);
    assert_works(w, model_delete_by_key(w->root, MODEL_FILTER, &key, &w->error));
    assert_works(w, model_provider_context_add(w->root, &context, NULL, NULL, &id, &w->error));
    filter.flags = FWPM_FILTER_FLAG_HAS_PROVIDER_CONTEXT;
    filter.providerContextKey = key_of(4);
    assert_works(w, model_filter_add(w->root, &filter, NULL, NULL, NULL, &w->error));
    assert_int_equal(only_filter(w).context, id);
}

static void test_5_1_view_tells_the_sublayer(void **state)
{
    WORLD;
    FWPM_FILTER0 filter = a_filter(1);
    GUID sublayer = key_of(8), nobody = key_of(9);

    assert_works(w, add_sublayer(w->root, 8, 4321));
    filter.subLayerKey = sublayer;
    assert_works(w, model_filter_add(w->root, &filter, NULL, NULL, NULL, &w->error));
    struct model_view_filter seen = only_filter(w);
    assert_int_equal(seen.sublayer_weight, 4321);
    assert_true(guid_equal(&seen.sublayer, &sublayer));
    assert_int_equal(model_view_sublayer(model_view_now(w->model), &sublayer)->weight, 4321);
    assert_null(model_view_sublayer(model_view_now(w->model), &nobody));
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, world_setup, world_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_7_2_a_callouts_code_comes_and_goes),
        TEST(test_7_6_context_is_raw_or_the_provider_contexts_id),
        TEST(test_5_1_view_tells_the_sublayer),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
