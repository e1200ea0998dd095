/* Object lifetimes (rules 8.1 to 8.8). */
#include "support.h"

static uint32_t add_owned_filter(struct model_session *session, uint32_t n, uint32_t provider,
                                 uint32_t sublayer, uint32_t flags)
{
    FWPM_FILTER0 filter = a_filter(n);
    GUID provider_key = key_of(provider);

    filter.flags = flags;
    filter.providerKey = provider ? &provider_key : NULL;
    if (sublayer)
        filter.subLayerKey = key_of(sublayer);
    return model_filter_add(session, &filter, NULL, NULL, NULL, NULL);
}

static uint32_t add_owned_sublayer(struct model_session *session, uint32_t n, uint32_t provider,
                                   uint16_t flags)
{
    FWPM_SUBLAYER0 sublayer = a_sublayer(n, 7);
    GUID provider_key = key_of(provider);

    sublayer.flags = flags;
    sublayer.providerKey = provider ? &provider_key : NULL;
    return model_sublayer_add(session, &sublayer, NULL, NULL, NULL);
}

static void test_8_1_dynamic_objects_end_with_their_session(void **state)
{
    WORLD;
    struct model_session *dynamic = open_root(w, FWPM_SESSION_FLAG_DYNAMIC);

    assert_works(w, add_sublayer(dynamic, 1, 1));
    assert_works(w, add_owned_filter(dynamic, 2, 0, 1, 0));
    assert_works(w, add_filter(w->root, 3));
    assert_true(sees(w->root, MODEL_FILTER, 2));
    assert_int_equal(w->in_force, 2);
    model_session_close(dynamic);
    assert_false(sees(w->root, MODEL_FILTER, 2));
    assert_false(sees(w->root, MODEL_SUBLAYER, 1));
    assert_true(sees(w->root, MODEL_FILTER, 3));
    assert_int_equal(w->in_force, 1); /* the engine was told */
}

static void test_8_1_static_objects_stay(void **state)
{
    WORLD;
    struct model_session *session = open_root(w, 0);

    assert_works(w, add_filter(session, 1));
    model_session_close(session);
    assert_true(sees(w->root, MODEL_FILTER, 1));
}

static int count_stored(void *ctx, const struct model_stored *stored)
{
    unsigned *kinds = ctx;

    kinds[stored->object.kind]++;
    /* What is named comes before what names it. */
    for (unsigned later = stored->object.kind + 1u; later < MODEL_KINDS; later++)
        assert_int_equal(kinds[later], 0);
    return 0;
}

static void test_8_1_persistent_objects_can_be_enumerated(void **state)
{
    WORLD;
    unsigned kinds[MODEL_KINDS] = {0};

    assert_works(w, add_provider(w->root, 1, FWPM_PROVIDER_FLAG_PERSISTENT));
    assert_works(w, add_owned_sublayer(w->root, 2, 1, FWPM_SUBLAYER_FLAG_PERSISTENT));
    assert_works(w, add_owned_filter(w->root, 3, 1, 2, FWPM_FILTER_FLAG_PERSISTENT));
    assert_works(w, add_owned_filter(w->root, 4, 0, 0, 0));
    assert_int_equal(model_each(w->model, MODEL_PERSISTENT, count_stored, kinds), 0);
    assert_int_equal(kinds[MODEL_PROVIDER], 1);
    assert_int_equal(kinds[MODEL_SUBLAYER], 1);
    assert_int_equal(kinds[MODEL_FILTER], 1);
}

static int count_filters(void *ctx, const struct model_view_filter *filter)
{
    ++*(unsigned *)ctx;
    return 0;
}

static void test_8_3_boottime_filters_are_not_in_force_while_the_engine_runs(void **state)
{
    WORLD;
    unsigned boottime = 0;

    assert_works(w, add_owned_filter(w->root, 1, 0, 0, FWPM_FILTER_FLAG_BOOTTIME));
    assert_works(w, add_filter(w->root, 2));
    assert_int_equal(w->in_force, 1);
    model_view_boottime(model_view_now(w->model), FWPS_LAYER_ALE_AUTH_CONNECT_V4, count_filters,
                        &boottime);
    assert_int_equal(boottime, 1);
}

static struct model_session *open_kernel(struct world *w)
{
    const struct model_caller caller = {.kernel = true};
    struct model_session *session = NULL;

    assert_works(w, model_session_open(w->model, NULL, &caller, NULL, &session, &w->error));
    return session;
}

static void restore(struct world *w, struct model_session *kernel, enum model_lifetime lifetime,
                    struct model_object object)
{
    const struct model_stored stored = {
        .object = object, .lifetime = lifetime, .creator = MODEL_BY_ADMINISTRATORS};

    assert_works(w, model_restore(kernel, &stored, &w->error));
}

static void restore_filter(struct world *w, struct model_session *kernel,
                           enum model_lifetime lifetime, uint32_t n, GUID *provider)
{
    FWPM_FILTER0 filter = a_filter(n);

    filter.flags = lifetime == MODEL_PERSISTENT ? FWPM_FILTER_FLAG_PERSISTENT : 0;
    filter.providerKey = provider;
    restore(w, kernel, lifetime, (struct model_object){MODEL_FILTER, .filter = &filter});
}

static uint32_t flags_of_filter(struct world *w, uint32_t n)
{
    struct model_object object;
    GUID key = key_of(n);

    assert_works(w, model_get_by_key(w->root, MODEL_FILTER, &key, &object, &w->error));
    return object.filter->flags;
}

/* A persistent provider that names a service, with a persistent and a static filter of it. */
static void restore_owned(struct world *w, uint32_t flags)
{
    struct model_session *kernel = open_kernel(w);
    WCHAR name[] = u"provider", service[] = u"service";
    FWPM_PROVIDER0 provider = {
        .providerKey = key_of(1), .displayData.name = name, .flags = flags, .serviceName = service};

    restore(w, kernel, MODEL_PERSISTENT,
            (struct model_object){MODEL_PROVIDER, .provider = &provider});
    restore_filter(w, kernel, MODEL_PERSISTENT, 2, &provider.providerKey);
    restore_filter(w, kernel, MODEL_STATIC, 3, &provider.providerKey);
    restore_filter(w, kernel, MODEL_PERSISTENT, 4, NULL);
    model_session_close(kernel);
}

static void test_8_4_idle_service_disables_its_provider_and_filters(void **state)
{
    WORLD;

    w->service_idle = true;
    restore_owned(w, FWPM_PROVIDER_FLAG_PERSISTENT);
    assert_int_equal(flags_of_filter(w, 2),
                     FWPM_FILTER_FLAG_PERSISTENT | FWPM_FILTER_FLAG_DISABLED);
    assert_int_equal(flags_of_filter(w, 3), 0);
    assert_int_equal(flags_of_filter(w, 4), FWPM_FILTER_FLAG_PERSISTENT);
    assert_int_equal(w->in_force, 2); /* not the disabled one */
}

static void test_8_4_service_that_starts_enables_what_was_disabled(void **state)
{
    WORLD;
    struct model_object object;
    GUID provider = key_of(1);

    restore_owned(w, FWPM_PROVIDER_FLAG_PERSISTENT | FWPM_PROVIDER_FLAG_DISABLED);
    assert_works(w, model_get_by_key(w->root, MODEL_PROVIDER, &provider, &object, &w->error));
    assert_int_equal(object.provider->flags, FWPM_PROVIDER_FLAG_PERSISTENT);
    assert_int_equal(flags_of_filter(w, 2), FWPM_FILTER_FLAG_PERSISTENT);
    assert_int_equal(w->in_force, 3);
}

static void test_8_2_indexed_are_filters_with_conditions(void **state)
{
    WORLD;
    FWPM_FILTER_CONDITION0 condition = {.fieldKey = FWPM_CONDITION_IP_REMOTE_PORT,
                                        .matchType = FWP_MATCH_EQUAL,
                                        .conditionValue = {.type = FWP_UINT16, .uint16 = 80}};
    FWPM_FILTER0 filter = a_filter(1);

    filter.numFilterConditions = 1;
    filter.filterCondition = &condition;
    assert_works(w, model_filter_add(w->root, &filter, NULL, NULL, NULL, &w->error));
    filter.filterKey = key_of(2);
    filter.flags = FWPM_FILTER_FLAG_BOOTTIME;
    assert_works(w, model_filter_add(w->root, &filter, NULL, NULL, NULL, &w->error));
    assert_works(w, add_filter(w->root, 3));
    assert_int_equal(flags_of_filter(w, 1), FWPM_FILTER_FLAG_INDEXED);
    assert_int_equal(flags_of_filter(w, 2), FWPM_FILTER_FLAG_BOOTTIME);
    assert_int_equal(flags_of_filter(w, 3), 0);
}

static void test_8_5_dynamic_names_own_dynamic_and_what_lasts(void **state)
{
    WORLD;
    struct model_session *one = open_root(w, FWPM_SESSION_FLAG_DYNAMIC);
    struct model_session *two = open_root(w, FWPM_SESSION_FLAG_DYNAMIC);

    assert_works(w, add_sublayer(one, 1, 1));
    assert_works(w, add_sublayer(w->root, 2, 1));
    assert_works(w, add_owned_filter(one, 3, 0, 1, 0));
    assert_works(w, add_owned_filter(one, 4, 0, 2, 0));
    assert_int_equal(add_owned_filter(two, 5, 0, 1, 0), FWP_E_LIFETIME_MISMATCH);
}

static void test_8_5_static_does_not_name_dynamic(void **state)
{
    WORLD;
    struct model_session *dynamic = open_root(w, FWPM_SESSION_FLAG_DYNAMIC);
    FWPM_FILTER0 filter = a_filter(2);

    assert_works(w, add_sublayer(dynamic, 1, 1));
    filter.subLayerKey = key_of(1);
    assert_fails(w, model_filter_add(w->root, &filter, NULL, NULL, NULL, &w->error),
                 FWP_E_LIFETIME_MISMATCH);
    assert_works(w, add_provider(dynamic, 1, 0));
    assert_int_equal(add_owned_sublayer(w->root, 3, 1, 0), FWP_E_LIFETIME_MISMATCH);
}

static void test_8_5_persistent_names_persistent_and_builtin(void **state)
{
    WORLD;

    assert_works(w, add_sublayer(w->root, 1, 1));
    assert_int_equal(add_owned_filter(w->root, 2, 0, 1, FWPM_FILTER_FLAG_PERSISTENT),
                     FWP_E_LIFETIME_MISMATCH);
    assert_int_equal(add_owned_filter(w->root, 2, 0, 1, FWPM_FILTER_FLAG_BOOTTIME),
                     FWP_E_LIFETIME_MISMATCH);
    assert_works(w, add_owned_sublayer(w->root, 3, 0, FWPM_SUBLAYER_FLAG_PERSISTENT));
    assert_works(w, add_owned_filter(w->root, 4, 0, 3, FWPM_FILTER_FLAG_PERSISTENT));
    assert_works(w, add_owned_filter(w->root, 5, 0, 0, FWPM_FILTER_FLAG_PERSISTENT));
}

static void test_8_5_persistent_does_not_name_another_providers(void **state)
{
    WORLD;

    assert_works(w, add_provider(w->root, 1, FWPM_PROVIDER_FLAG_PERSISTENT));
    assert_works(w, add_provider(w->root, 2, FWPM_PROVIDER_FLAG_PERSISTENT));
    assert_works(w, add_owned_sublayer(w->root, 3, 1, FWPM_SUBLAYER_FLAG_PERSISTENT));
    assert_works(w, add_owned_filter(w->root, 4, 1, 3, FWPM_FILTER_FLAG_PERSISTENT));
    assert_int_equal(add_owned_filter(w->root, 5, 2, 3, FWPM_FILTER_FLAG_PERSISTENT),
                     FWP_E_LIFETIME_MISMATCH);
    assert_int_equal(add_owned_filter(w->root, 5, 0, 3, FWPM_FILTER_FLAG_PERSISTENT),
                     FWP_E_LIFETIME_MISMATCH);
    assert_works(w, add_owned_filter(w->root, 6, 2, 3, 0)); /* static may */
}

static void test_8_6_named_objects_are_not_deleted(void **state)
{
    WORLD;
    GUID provider = key_of(1), sublayer = key_of(2), filter = key_of(3);

    assert_works(w, add_provider(w->root, 1, 0));
    assert_works(w, add_owned_sublayer(w->root, 2, 1, 0));
    assert_works(w, add_owned_filter(w->root, 3, 0, 2, 0));
    assert_fails(w, model_delete_by_key(w->root, MODEL_PROVIDER, &provider, &w->error),
                 FWP_E_IN_USE);
    assert_fails(w, model_delete_by_key(w->root, MODEL_SUBLAYER, &sublayer, &w->error),
                 FWP_E_IN_USE);
    assert_works(w, model_delete_by_key(w->root, MODEL_FILTER, &filter, &w->error));
    assert_works(w, model_delete_by_key(w->root, MODEL_SUBLAYER, &sublayer, &w->error));
    assert_works(w, model_delete_by_key(w->root, MODEL_PROVIDER, &provider, &w->error));
}

static void test_8_6_builtin_objects_are_not_deleted(void **state)
{
    WORLD;

    assert_fails(w,
                 model_delete_by_key(w->root, MODEL_SUBLAYER, &FWPM_SUBLAYER_UNIVERSAL, &w->error),
                 FWP_E_BUILTIN_OBJECT);
    assert_fails(w,
                 model_delete_by_key(w->root, MODEL_CALLOUT,
                                     &FWPM_CALLOUT_WFP_TRANSPORT_LAYER_V4_SILENT_DROP, &w->error),
                 FWP_E_BUILTIN_OBJECT);
}

static void test_8_6_session_end_removes_in_dependency_order(void **state)
{
    WORLD;
    struct model_session *dynamic = open_root(w, FWPM_SESSION_FLAG_DYNAMIC);
    FWPM_PROVIDER_CONTEXT0 context = a_context(3);
    static const enum model_kind order[] = {MODEL_FILTER, MODEL_CALLOUT, MODEL_PROVIDER_CONTEXT,
                                            MODEL_SUBLAYER, MODEL_PROVIDER};
    GUID provider = key_of(1);
    uint64_t subscription;

    assert_works(w, add_provider(dynamic, 1, 0));
    assert_works(w, add_owned_sublayer(dynamic, 2, 1, 0));
    context.providerKey = &provider;
    assert_works(w, model_provider_context_add(dynamic, &context, NULL, NULL, NULL, &w->error));
    assert_works(w, add_callout(dynamic, 4));
    assert_works(w, add_owned_filter(dynamic, 5, 1, 2, 0));
    for (size_t i = 0; i < 5; i++)
        assert_works(w, model_subscribe(w->root, order[i], NULL,
                                        FWPM_SUBSCRIPTION_FLAG_NOTIFY_ON_DELETE, &subscription,
                                        &w->error));
    model_session_close(dynamic);
    assert_int_equal(w->told_count, 5);
    for (unsigned kind = 0; kind < MODEL_LAYER; kind++)
        assert_false(sees(w->root, kind, 1));
}

static void test_8_8_persistent_objects_in_a_dynamic_session(void **state)
{
    WORLD;
    struct model_session *dynamic = open_root(w, FWPM_SESSION_FLAG_DYNAMIC);

    assert_int_equal(add_provider(dynamic, 1, FWPM_PROVIDER_FLAG_PERSISTENT),
                     FWP_E_DYNAMIC_SESSION_IN_PROGRESS);
    assert_int_equal(add_owned_filter(dynamic, 1, 0, 0, FWPM_FILTER_FLAG_PERSISTENT),
                     FWP_E_DYNAMIC_SESSION_IN_PROGRESS);
    assert_int_equal(add_owned_filter(dynamic, 1, 0, 0, FWPM_FILTER_FLAG_BOOTTIME),
                     FWP_E_DYNAMIC_SESSION_IN_PROGRESS);
}

static void test_dynamic_session_ends_while_another_writes(void **state)
{
    WORLD;
    struct model_session *dynamic = open_root(w, FWPM_SESSION_FLAG_DYNAMIC);
    GUID first = key_of(1);

    assert_works(w, add_filter(dynamic, 1));
    assert_works(w, add_filter(dynamic, 2));
    assert_works(w, model_txn_begin(w->root, 0, &w->error));
    assert_works(w, model_delete_by_key(w->root, MODEL_FILTER, &first, &w->error));
    assert_works(w, add_filter(w->root, 3));
    model_session_close(dynamic);
    assert_int_equal(w->in_force, 0); /* at once, and without what is not committed */
    assert_works(w, model_txn_commit(w->root, &w->error));
    assert_int_equal(w->in_force, 1);
    assert_int_equal(model_count(w->model, MODEL_FILTER), 1);
}

static void test_dynamic_session_ends_and_the_writer_aborts(void **state)
{
    WORLD;
    struct model_session *dynamic = open_root(w, FWPM_SESSION_FLAG_DYNAMIC);
    GUID filter = key_of(2), sublayer = key_of(1);

    assert_works(w, add_sublayer(w->root, 1, 1));
    assert_works(w, add_owned_filter(dynamic, 2, 0, 1, 0));
    assert_works(w, model_txn_begin(w->root, 0, &w->error));
    assert_works(w, model_delete_by_key(w->root, MODEL_FILTER, &filter, &w->error));
    assert_works(w, model_delete_by_key(w->root, MODEL_SUBLAYER, &sublayer, &w->error));
    model_session_close(dynamic);
    assert_works(w, model_txn_abort(w->root, &w->error));
    assert_true(sees(w->root, MODEL_SUBLAYER, 1));
    assert_false(sees(w->root, MODEL_FILTER, 2));
    assert_works(w, model_delete_by_key(w->root, MODEL_SUBLAYER, &sublayer, &w->error));
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, world_setup, world_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_8_1_dynamic_objects_end_with_their_session),
        TEST(test_8_1_static_objects_stay),
        TEST(test_8_1_persistent_objects_can_be_enumerated),
        TEST(test_8_3_boottime_filters_are_not_in_force_while_the_engine_runs),
        TEST(test_8_4_idle_service_disables_its_provider_and_filters),
        TEST(test_8_4_service_that_starts_enables_what_was_disabled),
        TEST(test_8_2_indexed_are_filters_with_conditions),
        TEST(test_8_5_dynamic_names_own_dynamic_and_what_lasts),
        TEST(test_8_5_static_does_not_name_dynamic),
        TEST(test_8_5_persistent_names_persistent_and_builtin),
        TEST(test_8_5_persistent_does_not_name_another_providers),
        TEST(test_8_6_named_objects_are_not_deleted),
        TEST(test_8_6_builtin_objects_are_not_deleted),
        TEST(test_8_6_session_end_removes_in_dependency_order),
        TEST(test_8_8_persistent_objects_in_a_dynamic_session),
        TEST(test_dynamic_session_ends_while_another_writes),
        TEST(test_dynamic_session_ends_and_the_writer_aborts),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
