/* Change subscriptions (rules 12.x). */
#include "support.h"

#define BOTH (FWPM_SUBSCRIPTION_FLAG_NOTIFY_ON_ADD | FWPM_SUBSCRIPTION_FLAG_NOTIFY_ON_DELETE)

static uint64_t subscribe(struct world *w, struct model_session *session, enum model_kind kind,
                          const void *template_, uint32_t flags)
{
    uint64_t subscription = 0;

    assert_works(w, model_subscribe(session, kind, template_, flags, &subscription, &w->error));
    return subscription;
}

static uint32_t delete_filter(struct model_session *session, uint32_t n)
{
    GUID key = key_of(n);

    return model_delete_by_key(session, MODEL_FILTER, &key, NULL);
}

static void test_12_1_adds_and_deletes_are_told(void **state)
{
    WORLD;
    struct model_session *other = open_root(w, 0);
    uint64_t subscription = subscribe(w, other, MODEL_FILTER, NULL, BOTH);
    FWPM_FILTER0 filter = a_filter(1);
    uint64_t id;

    assert_works(w, model_filter_add(w->root, &filter, NULL, NULL, &id, &w->error));
    assert_int_equal(w->told_count, 1);
    assert_ptr_equal(w->told[0].session, other);
    assert_int_equal(w->told[0].subscription, subscription);
    assert_int_equal(w->told[0].change.type, FWPM_CHANGE_ADD);
    assert_int_equal(w->told[0].change.id, id);
    assert_int_equal(w->told[0].change.key.Data1, 1);
    assert_works(w, delete_filter(w->root, 1));
    assert_int_equal(w->told_count, 2);
    assert_int_equal(w->told[1].change.type, FWPM_CHANGE_DELETE);
}

static void test_12_1_only_the_wanted_changes(void **state)
{
    WORLD;
    struct model_session *other = open_root(w, 0);

    subscribe(w, other, MODEL_FILTER, NULL, FWPM_SUBSCRIPTION_FLAG_NOTIFY_ON_DELETE);
    subscribe(w, other, MODEL_PROVIDER, NULL, FWPM_SUBSCRIPTION_FLAG_NOTIFY_ON_ADD);
    assert_works(w, add_filter(w->root, 1));
    assert_int_equal(w->told_count, 0);
    assert_works(w, add_provider(w->root, 1, 0));
    assert_int_equal(w->told_count, 1);
    assert_int_equal(w->told[0].change.kind, MODEL_PROVIDER);
    assert_works(w, delete_filter(w->root, 1));
    assert_int_equal(w->told_count, 2);
}

static void test_12_1_after_commit_and_not_for_what_was_aborted(void **state)
{
    WORLD;
    struct model_session *other = open_root(w, 0);

    subscribe(w, other, MODEL_FILTER, NULL, BOTH);
    assert_works(w, model_txn_begin(w->root, 0, &w->error));
    assert_works(w, add_filter(w->root, 1));
    assert_works(w, model_txn_abort(w->root, &w->error));
    assert_works(w, model_txn_begin(w->root, 0, &w->error));
    assert_works(w, add_filter(w->root, 2));
    assert_works(w, add_filter(w->root, 3));
    assert_works(w, delete_filter(w->root, 3));
    assert_int_equal(w->told_count, 0);
    assert_works(w, model_txn_commit(w->root, &w->error));
    assert_int_equal(w->told_count, 1);
    assert_int_equal(w->told[0].change.key.Data1, 2);
}

static void test_12_1_not_for_own_changes(void **state)
{
    WORLD;

    subscribe(w, w->root, MODEL_FILTER, NULL, BOTH);
    assert_works(w, add_filter(w->root, 1));
    assert_int_equal(w->told_count, 0);
}

static void test_12_1_by_template(void **state)
{
    WORLD;
    struct model_session *other = open_root(w, 0);
    GUID provider = key_of(9);
    FWPM_SUBLAYER_ENUM_TEMPLATE0 template_ = {.providerKey = &provider};
    FWPM_SUBLAYER0 sublayer = a_sublayer(1, 1);

    subscribe(w, other, MODEL_SUBLAYER, &template_, BOTH);
    memset(&provider, 0, sizeof(provider)); /* it was copied */
    assert_works(w, add_provider(w->root, 9, 0));
    assert_works(w, add_sublayer(w->root, 2, 1));
    assert_int_equal(w->told_count, 0);
    provider = key_of(9);
    sublayer.providerKey = &provider;
    assert_works(w, model_sublayer_add(w->root, &sublayer, NULL, NULL, &w->error));
    assert_int_equal(w->told_count, 1);
}

static void test_12_1_only_what_the_subscriber_may_read(void **state)
{
    WORLD;
    struct model_session *user = open_as(w, 1000, 0);
    FWP_BYTE_BLOB secret = sd_of("O:BAD:P(A;;GA;;;BA)");
    FWPM_FILTER0 filter = a_filter(1);

    subscribe(w, user, MODEL_FILTER, NULL, BOTH);
    assert_works(w, model_filter_add(w->root, &filter, &secret, NULL, NULL, &w->error));
    assert_int_equal(w->told_count, 0);
    assert_works(w, add_filter(w->root, 2));
    assert_int_equal(w->told_count, 1);
    free(secret.data);
}

static void test_12_2_subscriptions_end_with_the_session(void **state)
{
    WORLD;
    struct model_session *other = open_root(w, 0);

    subscribe(w, other, MODEL_FILTER, NULL, BOTH);
    model_session_close(other);
    assert_works(w, add_filter(w->root, 1));
    assert_int_equal(w->told_count, 0);
}

static void test_unsubscribe(void **state)
{
    WORLD;
    struct model_session *other = open_root(w, 0);
    uint64_t subscription = subscribe(w, other, MODEL_FILTER, NULL, BOTH);

    assert_works(w, model_unsubscribe(other, subscription, &w->error));
    assert_works(w, add_filter(w->root, 1));
    assert_int_equal(w->told_count, 0);
    assert_fails(w, model_unsubscribe(other, subscription, &w->error), FWP_E_NOT_FOUND);
}

static void test_flags_and_kinds_that_make_no_sense(void **state)
{
    WORLD;
    uint64_t subscription;

    assert_fails(w, model_subscribe(w->root, MODEL_FILTER, NULL, 0, &subscription, &w->error),
                 FWP_E_INVALID_FLAGS);
    assert_fails(w, model_subscribe(w->root, MODEL_FILTER, NULL, 8, &subscription, &w->error),
                 FWP_E_INVALID_FLAGS);
    assert_fails(w, model_subscribe(w->root, MODEL_LAYER, NULL, BOTH, &subscription, &w->error),
                 FWP_E_INVALID_PARAMETER);
}

/* Unlike an enumeration without a template, which leaves out boot-time and disabled filters. */
static void test_12_1_without_a_template_nothing_is_left_out(void **state)
{
    WORLD;
    struct model_session *writer = open_root(w, 0);
    FWPM_FILTER0 filter = a_filter(1);
    uint64_t subscription;

    assert_works(w,
                 model_subscribe(w->root, MODEL_FILTER, NULL, FWPM_SUBSCRIPTION_FLAG_NOTIFY_ON_ADD,
                                 &subscription, &w->error));
    filter.flags = FWPM_FILTER_FLAG_BOOTTIME;
    assert_works(w, model_filter_add(writer, &filter, NULL, NULL, NULL, &w->error));
    assert_int_equal(w->told_count, 1);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, world_setup, world_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_12_1_without_a_template_nothing_is_left_out),
        TEST(test_12_1_adds_and_deletes_are_told),
        TEST(test_12_1_only_the_wanted_changes),
        TEST(test_12_1_after_commit_and_not_for_what_was_aborted),
        TEST(test_12_1_not_for_own_changes),
        TEST(test_12_1_by_template),
        TEST(test_12_1_only_what_the_subscriber_may_read),
        TEST(test_12_2_subscriptions_end_with_the_session),
        TEST(test_unsubscribe),
        TEST(test_flags_and_kinds_that_make_no_sense),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
