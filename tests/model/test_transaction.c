/* Transactions (rules 9.x). */
#include "support.h"

#define HOUR_MS 3600000u

static uint32_t begin(struct world *w, struct model_session *session, uint32_t flags)
{
    w->error = (struct model_error){0};
    return model_txn_begin(session, flags, &w->error);
}

static uint32_t commit(struct world *w, struct model_session *session)
{
    w->error = (struct model_error){0};
    return model_txn_commit(session, &w->error);
}

static uint32_t abort_txn(struct world *w, struct model_session *session)
{
    w->error = (struct model_error){0};
    return model_txn_abort(session, &w->error);
}

static uint32_t delete_filter(struct model_session *session, uint32_t n)
{
    GUID key = key_of(n);

    return model_delete_by_key(session, MODEL_FILTER, &key, NULL);
}

static void test_9_1_open_transaction_is_aborted_with_its_session(void **state)
{
    WORLD;
    struct model_session *session = open_root(w, 0);

    assert_works(w, begin(w, session, 0));
    assert_works(w, add_filter(session, 1));
    model_session_close(session);
    assert_false(sees(w->root, MODEL_FILTER, 1));
    assert_int_equal(model_count(w->model, MODEL_FILTER), 0);
    assert_int_equal(w->applied, 0);
    assert_int_equal(w->unlocked, 1);
    assert_works(w, begin(w, w->root, 0));
}

static void test_9_2_one_transaction_per_session(void **state)
{
    WORLD;

    assert_works(w, begin(w, w->root, 0));
    assert_fails(w, begin(w, w->root, 0), FWP_E_TXN_IN_PROGRESS);
    assert_fails(w, begin(w, w->root, FWPM_TXN_READ_ONLY), FWP_E_TXN_IN_PROGRESS);
    assert_true(model_txn_in_progress(w->root));
    assert_works(w, commit(w, w->root));
    assert_false(model_txn_in_progress(w->root));
}

static void test_9_2_end_without_a_transaction(void **state)
{
    WORLD;

    assert_fails(w, commit(w, w->root), FWP_E_NO_TXN_IN_PROGRESS);
    assert_fails(w, abort_txn(w, w->root), FWP_E_NO_TXN_IN_PROGRESS);
}

static void test_9_2_calls_outside_are_transactions_of_their_own(void **state)
{
    WORLD;

    assert_works(w, add_filter(w->root, 1));
    assert_int_equal(w->applied, 1);
    assert_works(w, add_filter(w->root, 2));
    assert_int_equal(w->applied, 2);
    assert_works(w, delete_filter(w->root, 1));
    assert_int_equal(w->applied, 3);
    assert_int_equal(w->in_force, 1);
}

static void test_9_3_flags_other_than_read_only_are_invalid(void **state)
{
    WORLD;

    assert_fails(w, begin(w, w->root, 2), FWP_E_INVALID_FLAGS);
}

static void test_9_3_writing_in_a_read_only_transaction(void **state)
{
    WORLD;
    FWPM_FILTER0 filter = a_filter(2);
    GUID key = key_of(1);

    assert_works(w, add_filter(w->root, 1));
    assert_works(w, begin(w, w->root, FWPM_TXN_READ_ONLY));
    assert_fails(w, model_filter_add(w->root, &filter, NULL, NULL, NULL, &w->error),
                 FWP_E_INCOMPATIBLE_TXN);
    assert_fails(w, model_delete_by_key(w->root, MODEL_FILTER, &key, &w->error),
                 FWP_E_INCOMPATIBLE_TXN);
    assert_true(sees(w->root, MODEL_FILTER, 1));
    assert_works(w, commit(w, w->root));
}

static void test_9_3_one_writer(void **state)
{
    WORLD;
    struct model_session *other = open_root(w, 0);

    assert_works(w, begin(w, w->root, 0));
    assert_int_equal(begin(w, other, 0), MODEL_WOULD_BLOCK);
    assert_int_equal(begin(w, other, FWPM_TXN_READ_ONLY), MODEL_WOULD_BLOCK);
    assert_int_equal(add_filter(other, 1), MODEL_WOULD_BLOCK);
    assert_int_equal(delete_filter(other, 1), MODEL_WOULD_BLOCK);
    unsigned before = w->unlocked;
    assert_works(w, commit(w, w->root));
    assert_int_equal(w->unlocked, before + 1);
    assert_works(w, begin(w, other, 0));
}

static void test_9_3_many_readers(void **state)
{
    WORLD;
    struct model_session *one = open_root(w, 0), *two = open_root(w, 0);

    assert_works(w, begin(w, one, FWPM_TXN_READ_ONLY));
    assert_works(w, begin(w, two, FWPM_TXN_READ_ONLY));
    assert_int_equal(begin(w, w->root, 0), MODEL_WOULD_BLOCK);
    assert_int_equal(add_filter(w->root, 1), MODEL_WOULD_BLOCK);
    assert_works(w, abort_txn(w, one));
    assert_int_equal(begin(w, w->root, 0), MODEL_WOULD_BLOCK);
    model_session_close(two);
    assert_works(w, begin(w, w->root, 0));
}

static void test_9_4_how_long_calls_wait(void **state)
{
    WORLD;
    FWPM_SESSION0 info = {.txnWaitTimeoutInMSec = 250};
    struct model_caller caller = {.privileged = true};
    struct model_session *session;

    assert_int_equal(model_session_wait_ms(w->root), 15000);
    assert_works(w, model_session_open(w->model, &info, &caller, NULL, &session, &w->error));
    assert_int_equal(model_session_wait_ms(session), 250);
    info.txnWaitTimeoutInMSec = UINT32_MAX;
    assert_works(w, model_session_open(w->model, &info, &caller, NULL, &session, &w->error));
    assert_true(model_session_wait_ms(session) == UINT32_MAX);
    assert_works(w, begin(w, w->root, 0));
    assert_int_equal(model_session_timed_out(session, &w->error), FWP_E_TIMEOUT);
    assert_non_null(strstr(w->error.text, "process 1"));
}

static void test_9_5_lock_is_taken_away_after_an_hour(void **state)
{
    WORLD;
    struct model_session *other = open_root(w, 0);

    assert_works(w, begin(w, w->root, 0));
    assert_works(w, add_filter(w->root, 1));
    w->now_ms += HOUR_MS - 1;
    assert_int_equal(model_tick(w->model), 1);
    assert_int_equal(add_filter(other, 2), MODEL_WOULD_BLOCK);
    w->now_ms += 1;
    assert_works(w, add_filter(other, 2)); /* the call itself finds the lock expired */
    assert_int_equal(model_count(w->model, MODEL_FILTER), 1);
    FWPM_FILTER0 filter = a_filter(3);
    assert_fails(w, model_filter_add(w->root, &filter, NULL, NULL, NULL, &w->error),
                 FWP_E_TXN_ABORTED);
    assert_false(sees(w->root, MODEL_FILTER, 2)); /* nor does it read, until it ends it */
    assert_fails(w, commit(w, w->root), FWP_E_TXN_ABORTED);
    assert_works(w, add_filter(w->root, 3));
}

static void test_9_5_readers_are_limited_too(void **state)
{
    WORLD;
    struct model_session *reader = open_root(w, 0);

    assert_works(w, begin(w, reader, FWPM_TXN_READ_ONLY));
    w->now_ms += HOUR_MS;
    assert_int_equal(model_tick(w->model), UINT64_MAX);
    assert_works(w, begin(w, w->root, 0));
    assert_fails(w, abort_txn(w, reader), FWP_E_TXN_ABORTED);
    assert_fails(w, abort_txn(w, reader), FWP_E_NO_TXN_IN_PROGRESS);
}

static void test_9_5_kernel_mode_may_hold_it(void **state)
{
    WORLD;
    struct model_caller kernel = {.kernel = true};
    struct model_session *session;

    assert_works(w, model_session_open(w->model, NULL, &kernel, NULL, &session, &w->error));
    assert_works(w, begin(w, session, 0));
    w->now_ms += 100 * (uint64_t)HOUR_MS;
    assert_int_equal(model_tick(w->model), UINT64_MAX);
    assert_int_equal(add_filter(w->root, 1), MODEL_WOULD_BLOCK);
    assert_works(w, commit(w, session));
}

static void test_9_6_a_failing_call_does_not_poison(void **state)
{
    WORLD;
    FWPM_FILTER0 bad = a_filter(2);

    bad.action.type = FWP_ACTION_CONTINUE;
    assert_works(w, begin(w, w->root, 0));
    assert_works(w, add_filter(w->root, 1));
    assert_fails(w, model_filter_add(w->root, &bad, NULL, NULL, NULL, &w->error),
                 FWP_E_INVALID_ACTION_TYPE);
    assert_works(w, add_filter(w->root, 3));
    assert_works(w, commit(w, w->root));
    assert_int_equal(w->in_force, 2);
    assert_int_equal(w->applied, 1);
}

static void test_9_7_only_the_writer_sees_what_is_not_committed(void **state)
{
    WORLD;
    struct model_session *other = open_root(w, 0);

    assert_works(w, add_filter(w->root, 1));
    assert_works(w, begin(w, w->root, 0));
    assert_works(w, delete_filter(w->root, 1));
    assert_works(w, add_filter(w->root, 2));
    assert_true(sees(other, MODEL_FILTER, 1));
    assert_false(sees(other, MODEL_FILTER, 2));
    assert_false(sees(w->root, MODEL_FILTER, 1));
    assert_true(sees(w->root, MODEL_FILTER, 2));
    assert_int_equal(model_view_count(model_view_now(w->model), FWPS_LAYER_ALE_AUTH_CONNECT_V4), 1);
    assert_int_equal(w->applied, 1);
    assert_works(w, commit(w, w->root));
    assert_false(sees(other, MODEL_FILTER, 1));
    assert_true(sees(other, MODEL_FILTER, 2));
    assert_int_equal(w->applied, 2);
}

static void test_9_7_abort_takes_everything_back(void **state)
{
    WORLD;
    FWPM_FILTER0 filter = a_filter(1);
    GUID sublayer = key_of(5);

    assert_works(w, add_sublayer(w->root, 5, 1));
    filter.subLayerKey = sublayer;
    assert_works(w, model_filter_add(w->root, &filter, NULL, NULL, NULL, &w->error));
    assert_works(w, begin(w, w->root, 0));
    assert_works(w, delete_filter(w->root, 1));
    assert_works(w, model_delete_by_key(w->root, MODEL_SUBLAYER, &sublayer, &w->error));
    assert_works(w, add_provider(w->root, 6, 0));
    assert_works(w, add_callout(w->root, 7));
    assert_works(w, abort_txn(w, w->root));
    assert_true(sees(w->root, MODEL_FILTER, 1));
    assert_true(sees(w->root, MODEL_SUBLAYER, 5));
    assert_false(sees(w->root, MODEL_PROVIDER, 6));
    assert_false(sees(w->root, MODEL_CALLOUT, 7));
    assert_int_equal(w->applied, 1);
    /* References count as before, too. */
    assert_fails(w, model_delete_by_key(w->root, MODEL_SUBLAYER, &sublayer, &w->error),
                 FWP_E_IN_USE);
}

static void test_9_7_a_key_can_be_deleted_and_added_again(void **state)
{
    WORLD;
    struct model_session *other = open_root(w, 0);
    struct model_object object;
    FWPM_FILTER0 permit = a_filter(1);
    GUID key = key_of(1);

    permit.action.type = FWP_ACTION_PERMIT;
    assert_works(w, add_filter(w->root, 1));
    for (int end = 0; end < 2; end++) {
        assert_works(w, begin(w, w->root, 0));
        assert_works(w, delete_filter(w->root, 1));
        assert_works(w, model_filter_add(w->root, &permit, NULL, NULL, NULL, &w->error));
        assert_works(w, model_get_by_key(w->root, MODEL_FILTER, &key, &object, &w->error));
        assert_int_equal(object.filter->action.type, FWP_ACTION_PERMIT);
        assert_works(w, model_get_by_key(other, MODEL_FILTER, &key, &object, &w->error));
        assert_int_equal(object.filter->action.type, FWP_ACTION_BLOCK);
        assert_works(w, end ? commit(w, w->root) : abort_txn(w, w->root));
    }
    assert_works(w, model_get_by_key(other, MODEL_FILTER, &key, &object, &w->error));
    assert_int_equal(object.filter->action.type, FWP_ACTION_PERMIT);
    assert_int_equal(model_count(w->model, MODEL_FILTER), 1);
}

static void test_9_7_added_and_deleted_in_one_transaction_is_nothing(void **state)
{
    WORLD;

    assert_works(w, begin(w, w->root, 0));
    assert_works(w, add_filter(w->root, 1));
    assert_works(w, delete_filter(w->root, 1));
    assert_works(w, add_filter(w->root, 1));
    assert_works(w, delete_filter(w->root, 1));
    assert_works(w, commit(w, w->root));
    assert_int_equal(w->applied, 0);
    assert_int_equal(model_count(w->model, MODEL_FILTER), 0);
}

static void test_9_7_an_engine_that_refuses_fails_the_commit(void **state)
{
    WORLD;
    FWPM_FILTER0 filter = a_filter(2);

    assert_works(w, add_filter(w->root, 1));
    w->apply_answer = ERROR_NOT_SUPPORTED;
    assert_fails(w, model_filter_add(w->root, &filter, NULL, NULL, NULL, &w->error),
                 ERROR_NOT_SUPPORTED);
    assert_false(sees(w->root, MODEL_FILTER, 2));
    assert_works(w, begin(w, w->root, 0));
    assert_works(w, delete_filter(w->root, 1));
    assert_works(w, add_filter(w->root, 3));
    assert_fails(w, commit(w, w->root), ERROR_NOT_SUPPORTED);
    assert_false(model_txn_in_progress(w->root));
    assert_true(sees(w->root, MODEL_FILTER, 1));
    assert_false(sees(w->root, MODEL_FILTER, 3));
    w->apply_answer = ERROR_SUCCESS;
    assert_works(w, add_filter(w->root, 3));
}

static void test_9_7_only_changed_layers_are_applied(void **state)
{
    WORLD;

    assert_works(w, add_provider(w->root, 1, 0));
    assert_works(w, add_sublayer(w->root, 1, 1));
    assert_int_equal(w->applied, 0); /* no filter changed */
    assert_works(w, add_filter(w->root, 1));
    const struct model_view *view = model_view_now(w->model);
    assert_true(model_view_layer_changed(view, FWPS_LAYER_ALE_AUTH_CONNECT_V4));
    assert_false(model_view_layer_changed(view, FWPS_LAYER_ALE_AUTH_CONNECT_V6));
    assert_works(w, model_reapply(w->model, &w->error));
    assert_true(model_view_layer_changed(view, FWPS_LAYER_ALE_AUTH_CONNECT_V6));
}

static void test_9_8_not_inside_an_explicit_transaction(void **state)
{
    WORLD;
    FWP_VALUE0 value = {.type = FWP_UINT32, .uint32 = 1};
    FWP_BYTE_BLOB sd = sd_of("D:(A;;GA;;;WD)");
    uint64_t subscription, other;

    assert_works(w,
                 model_subscribe(w->root, MODEL_FILTER, NULL, FWPM_SUBSCRIPTION_FLAG_NOTIFY_ON_ADD,
                                 &subscription, &w->error));
    assert_works(w, begin(w, w->root, 0));
    assert_fails(
        w, model_engine_set_option(w->root, FWPM_ENGINE_COLLECT_NET_EVENTS, &value, &w->error),
        FWP_E_TXN_IN_PROGRESS);
    assert_fails(
        w,
        model_security_set(w->root, MODEL_FILTER, NULL, DACL_SECURITY_INFORMATION, &sd, &w->error),
        FWP_E_TXN_IN_PROGRESS);
    assert_fails(w,
                 model_subscribe(w->root, MODEL_FILTER, NULL, FWPM_SUBSCRIPTION_FLAG_NOTIFY_ON_ADD,
                                 &other, &w->error),
                 FWP_E_TXN_IN_PROGRESS);
    assert_fails(w, model_unsubscribe(w->root, subscription, &w->error), FWP_E_TXN_IN_PROGRESS);
    free(sd.data);
}

/* Random adds and deletes in committed and aborted transactions, against a plain list. */
static void test_random_transactions_against_a_list(void **state)
{
    WORLD;
    bool there[64] = {false}, pending[64];
    unsigned seed = 7;

    for (int round = 0; round < 300; round++) {
        memcpy(pending, there, sizeof(there));
        assert_works(w, begin(w, w->root, 0));
        for (int i = 0; i < 20; i++) {
            uint32_t n = (uint32_t)rand_r(&seed) % 64;

            if (rand_r(&seed) & 1) {
                assert_int_equal(add_filter(w->root, n),
                                 pending[n] ? FWP_E_ALREADY_EXISTS : ERROR_SUCCESS);
                pending[n] = true;
            } else {
                assert_int_equal(delete_filter(w->root, n),
                                 pending[n] ? ERROR_SUCCESS : FWP_E_FILTER_NOT_FOUND);
                pending[n] = false;
            }
        }
        if (rand_r(&seed) % 3) {
            assert_works(w, commit(w, w->root));
            memcpy(there, pending, sizeof(there));
        } else {
            assert_works(w, abort_txn(w, w->root));
        }
        size_t count = 0;
        for (uint32_t n = 0; n < 64; n++) {
            assert_int_equal(sees(w->root, MODEL_FILTER, n), there[n]);
            count += there[n];
        }
        assert_int_equal(model_count(w->model, MODEL_FILTER), count);
    }
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, world_setup, world_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_9_1_open_transaction_is_aborted_with_its_session),
        TEST(test_9_2_one_transaction_per_session),
        TEST(test_9_2_end_without_a_transaction),
        TEST(test_9_2_calls_outside_are_transactions_of_their_own),
        TEST(test_9_3_flags_other_than_read_only_are_invalid),
        TEST(test_9_3_writing_in_a_read_only_transaction),
        TEST(test_9_3_one_writer),
        TEST(test_9_3_many_readers),
        TEST(test_9_4_how_long_calls_wait),
        TEST(test_9_5_lock_is_taken_away_after_an_hour),
        TEST(test_9_5_readers_are_limited_too),
        TEST(test_9_5_kernel_mode_may_hold_it),
        TEST(test_9_6_a_failing_call_does_not_poison),
        TEST(test_9_7_only_the_writer_sees_what_is_not_committed),
        TEST(test_9_7_abort_takes_everything_back),
        TEST(test_9_7_a_key_can_be_deleted_and_added_again),
        TEST(test_9_7_added_and_deleted_in_one_transaction_is_nothing),
        TEST(test_9_7_an_engine_that_refuses_fails_the_commit),
        TEST(test_9_7_only_changed_layers_are_applied),
        TEST(test_9_8_not_inside_an_explicit_transaction),
        TEST(test_random_transactions_against_a_list),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
