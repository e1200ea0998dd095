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

/* ---- what a commit changes; shadow.c compares it with the whole at every commit ---- */

static uint32_t delete_filter(struct world *w, struct model_session *session, uint32_t n)
{
    GUID key = key_of(n);

    return model_delete_by_key(session, MODEL_FILTER, &key, &w->error);
}

static void assert_changed(const struct world *w, size_t added, size_t deleted)
{
    assert_true(w->shadow.had_delta);
    assert_int_equal(w->shadow.added, added);
    assert_int_equal(w->shadow.deleted, deleted);
}

static void test_changes_are_those_of_the_transaction(void **state)
{
    WORLD;

    assert_works(w, add_filter(w->root, 1));
    assert_changed(w, 1, 0);
    assert_works(w, model_txn_begin(w->root, 0, &w->error));
    assert_works(w, delete_filter(w, w->root, 1));
    assert_works(w, add_filter(w->root, 2));
    assert_works(w, add_filter(w->root, 3));
    assert_works(w, model_txn_commit(w->root, &w->error));
    assert_changed(w, 2, 1);
    assert_works(w, delete_filter(w, w->root, 2));
    assert_changed(w, 0, 1);
}

static void test_added_and_deleted_again_is_no_change(void **state)
{
    WORLD;

    assert_works(w, model_txn_begin(w->root, 0, &w->error));
    assert_works(w, add_filter(w->root, 1));
    assert_works(w, add_filter(w->root, 2));
    assert_works(w, delete_filter(w, w->root, 1));
    assert_works(w, model_txn_commit(w->root, &w->error));
    assert_changed(w, 1, 0);
}

static void test_replaced_under_its_key_is_deleted_and_added(void **state)
{
    WORLD;

    assert_works(w, add_filter(w->root, 1));
    assert_works(w, model_txn_begin(w->root, 0, &w->error));
    assert_works(w, delete_filter(w, w->root, 1));
    assert_works(w, add_filter(w->root, 1));
    assert_works(w, model_txn_commit(w->root, &w->error));
    assert_changed(w, 1, 1);
}

static void test_8_3_boottime_filters_are_no_change(void **state)
{
    WORLD;
    FWPM_FILTER0 filter = a_filter(1);

    filter.flags = FWPM_FILTER_FLAG_BOOTTIME;
    assert_works(w, model_filter_add(w->root, &filter, NULL, NULL, NULL, &w->error));
    assert_changed(w, 0, 0);
}

static void test_a_refused_commit_leaves_no_change_behind(void **state)
{
    WORLD;

    FWPM_FILTER0 filter = a_filter(1);

    w->apply_answer = ERROR_NOT_SUPPORTED;
    assert_fails(w, model_filter_add(w->root, &filter, NULL, NULL, NULL, &w->error),
                 ERROR_NOT_SUPPORTED);
    w->apply_answer = ERROR_SUCCESS;
    assert_works(w, add_filter(w->root, 2));
    assert_changed(w, 1, 0);
}

static void test_8_6_what_falls_with_its_session_is_deleted(void **state)
{
    WORLD;
    struct model_session *dynamic = open_root(w, FWPM_SESSION_FLAG_DYNAMIC);
    FWPM_FILTER0 filter = a_filter(1);

    filter.action.type = FWP_ACTION_CALLOUT_TERMINATING;
    filter.action.calloutKey = key_of(5);
    assert_works(w, add_callout(dynamic, 5));
    assert_works(w, add_filter(w->root, 2));
    assert_works(w, model_filter_add(dynamic, &filter, NULL, NULL, NULL, &w->error));
    model_session_close(dynamic);
    assert_changed(w, 0, 1);
}

static void test_code_and_reapply_change_more_than_filters(void **state)
{
    WORLD;
    FWPM_FILTER0 filter = a_filter(1);
    GUID key = key_of(5);

    filter.action.type = FWP_ACTION_CALLOUT_TERMINATING;
    filter.action.calloutKey = key;
    assert_works(w, add_callout(w->root, 5));
    assert_works(w, model_filter_add(w->root, &filter, NULL, NULL, NULL, &w->error));
    assert_works(w, model_callout_register(w->model, &key, 3, NULL, &w->error));
    assert_false(w->shadow.had_delta);
    assert_works(w, add_filter(w->root, 2));
    assert_changed(w, 1, 0);
    assert_works(w, model_reapply(w->model, &w->error));
    assert_false(w->shadow.had_delta);
    assert_false(model_view_has_delta(model_view_now(w->model)));
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, world_setup, world_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_7_2_a_callouts_code_comes_and_goes),
        TEST(test_7_6_context_is_raw_or_the_provider_contexts_id),
        TEST(test_5_1_view_tells_the_sublayer),
        TEST(test_changes_are_those_of_the_transaction),
        TEST(test_added_and_deleted_again_is_no_change),
        TEST(test_replaced_under_its_key_is_deleted_and_added),
        TEST(test_8_3_boottime_filters_are_no_change),
        TEST(test_a_refused_commit_leaves_no_change_behind),
        TEST(test_8_6_what_falls_with_its_session_is_deleted),
        TEST(test_code_and_reapply_change_more_than_filters),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
