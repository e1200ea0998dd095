/* Sessions and their handles (rules 9.9, 8.9). */
#include "support.h"

static void test_9_9_session_tells_who_opened_it(void **state)
{
    WORLD;
    FWPM_SESSION0 given = {
        .sessionKey = key_of(5), .displayData = {.name = (WCHAR *)u"my session"}, .processId = 99};
    struct model_caller caller = {.uid = 1000, .gid = 1000, .pid = 4242, .username = "alice"};
    struct model_session *session;
    struct sid expected = sid_of_uid(1000);
    int user;

    assert_works(w, model_session_open(w->model, &given, &caller, &user, &session, &w->error));
    const FWPM_SESSION0 *info = model_session_info(session);
    assert_true(guid_equal(&info->sessionKey, &given.sessionKey));
    assert_int_equal(info->processId, 4242);
    assert_memory_equal(info->sid, expected.bytes, expected.size);
    assert_int_equal(utf16_compare(info->username, u"alice"), 0);
    assert_int_equal(utf16_compare(info->displayData.name, u"my session"), 0);
    assert_false(info->kernelMode);
    assert_ptr_equal(model_session_user(session), &user);
}

static void test_9_9_zero_session_key_is_generated(void **state)
{
    WORLD;
    struct model_session *other = open_root(w, 0);

    assert_false(guid_is_zero(&model_session_info(w->root)->sessionKey));
    assert_false(guid_equal(&model_session_info(w->root)->sessionKey,
                            &model_session_info(other)->sessionKey));
}

static void test_9_9_session_keys_are_unique(void **state)
{
    WORLD;
    FWPM_SESSION0 given = {.sessionKey = key_of(5)};
    struct model_caller caller = {.privileged = true};
    struct model_session *session, *second;

    assert_works(w, model_session_open(w->model, &given, &caller, NULL, &session, &w->error));
    assert_fails(w, model_session_open(w->model, &given, &caller, NULL, &second, &w->error),
                 FWP_E_ALREADY_EXISTS);
    model_session_close(session);
    assert_works(w, model_session_open(w->model, &given, &caller, NULL, &second, &w->error));
}

static void test_9_9_unknown_session_flags(void **state)
{
    WORLD;
    FWPM_SESSION0 given = {.flags = 4};
    struct model_caller caller = {.privileged = true};
    struct model_session *session;

    assert_fails(w, model_session_open(w->model, &given, &caller, NULL, &session, &w->error),
                 FWP_E_INVALID_FLAGS);
}

static void test_8_9_closing_nothing_is_harmless(void **state)
{
    model_session_close(NULL);
    model_free(NULL);
}

static void test_many_sessions_come_and_go(void **state)
{
    WORLD;

    for (int i = 0; i < 1000; i++) {
        struct model_session *session = open_root(w, FWPM_SESSION_FLAG_DYNAMIC);
        uint64_t handle;

        assert_works(w, model_enum_create(session, MODEL_SUBLAYER, NULL, &handle, &w->error));
        assert_works(w, add_filter(session, 1));
        if (i % 2)
            assert_works(w, model_txn_begin(session, 0, &w->error));
        model_session_close(session);
    }
    assert_int_equal(model_count(w->model, MODEL_FILTER), 0);
}

static void test_handles_belong_to_their_session(void **state)
{
    WORLD;
    struct model_session *other = open_root(w, 0);
    struct model_object object;
    uint64_t handle, subscription;
    size_t given;

    assert_works(w, model_enum_create(other, MODEL_SUBLAYER, NULL, &handle, &w->error));
    assert_fails(w, model_enum_next(w->root, handle, &object, 1, &given, &w->error),
                 FWP_E_WRONG_SESSION);
    assert_fails(w, model_enum_destroy(w->root, handle, &w->error), FWP_E_WRONG_SESSION);
    assert_fails(w, model_enum_destroy(w->root, 12345, &w->error), FWP_E_INVALID_ENUMERATOR);
    assert_works(w, model_subscribe(other, MODEL_FILTER, NULL, FWPM_SUBSCRIPTION_FLAG_NOTIFY_ON_ADD,
                                    &subscription, &w->error));
    assert_fails(w, model_unsubscribe(w->root, subscription, &w->error), FWP_E_WRONG_SESSION);
    assert_fails(w, model_unsubscribe(other, handle, &w->error), FWP_E_NOT_FOUND);
    assert_works(w, model_enum_destroy(other, handle, &w->error));
    assert_works(w, model_unsubscribe(other, subscription, &w->error));
}

static void test_25_handles_of_a_session_are_limited(void **state)
{
    WORLD;
    uint64_t handle;

    for (unsigned i = 0; i < MODEL_MAX_HANDLES; i++)
        assert_works(w, model_enum_create(w->root, MODEL_PROVIDER, NULL, &handle, &w->error));
    assert_fails(w, model_enum_create(w->root, MODEL_PROVIDER, NULL, &handle, &w->error),
                 ERROR_NOT_ENOUGH_MEMORY);
    assert_works(w, model_enum_destroy(w->root, handle, &w->error));
    assert_works(w, model_enum_create(w->root, MODEL_PROVIDER, NULL, &handle, &w->error));
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, world_setup, world_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_9_9_session_tells_who_opened_it),
        TEST(test_9_9_zero_session_key_is_generated),
        TEST(test_9_9_session_keys_are_unique),
        TEST(test_9_9_unknown_session_flags),
        cmocka_unit_test(test_8_9_closing_nothing_is_harmless),
        TEST(test_many_sessions_come_and_go),
        TEST(test_handles_belong_to_their_session),
        TEST(test_25_handles_of_a_session_are_limited),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
