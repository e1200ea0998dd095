/* Security descriptors of the engine, containers and objects (rules 24.x). */
#include "support.h"

static uint32_t set(struct world *w, struct model_session *session, enum model_kind kind,
                    const GUID *key, uint32_t information, const char *sddl)
{
    FWP_BYTE_BLOB sd = sd_of(sddl);

    w->error = (struct model_error){0};
    uint32_t rc = model_security_set(session, kind, key, information, &sd, &w->error);
    free(sd.data);
    return rc;
}

static char *get(struct world *w, struct model_session *session, enum model_kind kind,
                 const GUID *key, uint32_t information)
{
    FWP_BYTE_BLOB blob;
    struct sd sd;

    assert_works(w, model_security_get(session, kind, key, information, &blob, &w->error));
    assert_true(sd_open(&sd, blob.data, blob.size, NULL));
    char *text = sddl_format(&sd);
    free(blob.data);
    return text;
}

static void test_24_2_a_user_reads_and_changes_nothing(void **state)
{
    WORLD;
    struct model_session *user = open_as(w, 1000, 0);
    FWP_VALUE0 value = {.type = FWP_UINT32, .uint32 = 0};
    FWPM_FILTER0 filter = a_filter(2);
    GUID key = key_of(1);
    uint64_t handle;

    assert_works(w, add_filter(w->root, 1));
    assert_true(sees(user, MODEL_FILTER, 1));
    assert_works(w, model_enum_create(user, MODEL_FILTER, NULL, &handle, &w->error));
    assert_fails(w, model_filter_add(user, &filter, NULL, NULL, NULL, &w->error),
                 ERROR_ACCESS_DENIED);
    assert_fails(w, model_delete_by_key(user, MODEL_FILTER, &key, &w->error), ERROR_ACCESS_DENIED);
    assert_fails(w, model_txn_begin(user, 0, &w->error), ERROR_ACCESS_DENIED);
    assert_fails(w, model_txn_begin(user, FWPM_TXN_READ_ONLY, &w->error), ERROR_ACCESS_DENIED);
    assert_fails(w,
                 model_engine_set_option(user, FWPM_ENGINE_COLLECT_NET_EVENTS, &value, &w->error),
                 ERROR_ACCESS_DENIED);
    assert_fails(w, model_access_check(user, MODEL_NET_EVENT, FWPM_ACTRL_ENUM, &w->error),
                 ERROR_ACCESS_DENIED);
    assert_int_equal(set(w, user, MODEL_FILTER, NULL, DACL_SECURITY_INFORMATION, "D:"),
                     ERROR_ACCESS_DENIED);
}

static void test_24_2_open_needs_open(void **state)
{
    WORLD;
    struct model_caller user = {.uid = 1000, .gid = 1000};
    struct model_session *session;

    assert_works(
        w, set(w, w->root, MODEL_ENGINE, NULL, DACL_SECURITY_INFORMATION, "D:(A;OICI;GA;;;BA)"));
    assert_fails(w, model_session_open(w->model, NULL, &user, NULL, &session, &w->error),
                 ERROR_ACCESS_DENIED);
}

static void test_24_2_add_needs_add_and_add_link(void **state)
{
    WORLD;
    struct model_session *user = open_as(w, 1000, 0);
    FWPM_FILTER0 filter = a_filter(1);

    assert_works(w, set(w, w->root, MODEL_FILTER, NULL, DACL_SECURITY_INFORMATION,
                        "D:(A;OICI;0x1;;;S-1-22-1-1000)"));
    assert_fails(w, model_filter_add(user, &filter, NULL, NULL, NULL, &w->error),
                 ERROR_ACCESS_DENIED);
    assert_non_null(strstr(w->error.text, "ADD_LINK"));
    assert_works(w, set(w, w->root, MODEL_LAYER, NULL, DACL_SECURITY_INFORMATION,
                        "D:(A;OICI;0x2;;;S-1-22-1-1000)"));
    assert_works(w, set(w, w->root, MODEL_SUBLAYER, NULL, DACL_SECURITY_INFORMATION,
                        "D:(A;OICI;0x2;;;S-1-22-1-1000)"));
    assert_works(w, model_filter_add(user, &filter, NULL, NULL, NULL, &w->error));
}

static void test_24_2_objects_that_may_not_be_read(void **state)
{
    WORLD;
    struct model_session *user = open_as(w, 1000, 0);
    FWP_BYTE_BLOB secret = sd_of("O:BAD:P(A;;GA;;;BA)");
    FWPM_FILTER0 filter = a_filter(1);
    struct model_object object;
    uint64_t handle;
    size_t given;
    GUID key = key_of(1);

    assert_works(w, model_filter_add(w->root, &filter, &secret, NULL, NULL, &w->error));
    assert_fails(w, model_get_by_key(user, MODEL_FILTER, &key, &object, &w->error),
                 ERROR_ACCESS_DENIED);
    assert_works(w, model_enum_create(user, MODEL_FILTER, NULL, &handle, &w->error));
    assert_works(w, model_enum_next(user, handle, &object, 1, &given, &w->error));
    assert_int_equal(given, 0); /* rule 11.2 */
    free(secret.data);
}

static void test_24_3_dacls_are_inherited(void **state)
{
    WORLD;
    struct model_session *user = open_as(w, 1000, 0);
    GUID key = key_of(1);

    assert_works(w, add_filter(w->root, 1));
    assert_works(w, set(w, w->root, MODEL_FILTER, NULL, DACL_SECURITY_INFORMATION,
                        "D:(D;OICI;0x80;;;S-1-22-1-1000)"));
    assert_false(sees(user, MODEL_FILTER, 1));
    char *text = get(w, w->root, MODEL_FILTER, &key, DACL_SECURITY_INFORMATION);
    assert_non_null(strstr(text, "(D;OICIID;0x80;;;S-1-22-1-1000)"));
    free(text);
    /* An entry without inheritance is for the container alone. */
    assert_works(w, set(w, w->root, MODEL_FILTER, NULL, DACL_SECURITY_INFORMATION,
                        "D:(D;;0x80;;;S-1-22-1-1000)"));
    assert_true(sees(user, MODEL_FILTER, 1));
    /* The object's own entries come first; a protected DACL inherits nothing. */
    assert_works(w,
                 set(w, w->root, MODEL_FILTER, &key, DACL_SECURITY_INFORMATION, "D:P(A;;GA;;;BA)"));
    assert_false(sees(user, MODEL_FILTER, 1));
    assert_true(sees(w->root, MODEL_FILTER, 1));
}

static void test_24_3_groups_count(void **state)
{
    WORLD;
    struct model_session *user = open_as(w, 1000, 0); /* in group 100 */

    assert_works(w, add_filter(w->root, 1));
    assert_works(w, set(w, w->root, MODEL_FILTER, NULL, DACL_SECURITY_INFORMATION,
                        "D:(D;OICI;0x80;;;S-1-22-2-100)"));
    assert_false(sees(user, MODEL_FILTER, 1));
}

static void test_24_3_kernel_callers_bypass_every_check(void **state)
{
    WORLD;
    struct model_caller kernel = {.uid = 5, .kernel = true};
    struct model_session *session;

    assert_works(w, set(w, w->root, MODEL_ENGINE, NULL, DACL_SECURITY_INFORMATION, "D:"));
    assert_works(w, model_session_open(w->model, NULL, &kernel, NULL, &session, &w->error));
    assert_works(w, add_filter(session, 1));
}

static void test_24_3_administrators_keep_open_and_come_back(void **state)
{
    WORLD;

    assert_works(w, set(w, w->root, MODEL_ENGINE, NULL, DACL_SECURITY_INFORMATION, "D:"));
    struct model_session *again = open_root(w, 0);
    assert_int_equal(add_filter(again, 1), ERROR_ACCESS_DENIED);
    assert_works(w, set(w, again, MODEL_ENGINE, NULL, OWNER_SECURITY_INFORMATION, "O:BA"));
    assert_works(
        w, set(w, again, MODEL_ENGINE, NULL, DACL_SECURITY_INFORMATION, "D:(A;OICI;GA;;;BA)"));
    assert_works(w, add_filter(again, 1));
}

static void test_24_3_creator_owns(void **state)
{
    WORLD;
    struct model_session *user = open_as(w, 1000, 0), *other = open_as(w, 1001, 0);
    GUID key = key_of(1);

    assert_works(
        w, set(w, w->root, MODEL_PROVIDER, NULL, DACL_SECURITY_INFORMATION, "D:(A;;0x1;;;WD)"));
    assert_works(w, add_provider(user, 1, 0));
    assert_int_equal(set(w, other, MODEL_PROVIDER, &key, DACL_SECURITY_INFORMATION, "D:"),
                     ERROR_ACCESS_DENIED);
    assert_works(w, set(w, user, MODEL_PROVIDER, &key, DACL_SECURITY_INFORMATION,
                        "D:(A;;SD;;;S-1-22-1-1000)"));
    char *text = get(w, user, MODEL_PROVIDER, &key, OWNER_SECURITY_INFORMATION);
    assert_string_equal(text, "O:S-1-22-1-1000");
    free(text);
    assert_works(w, model_delete_by_key(user, MODEL_PROVIDER, &key, &w->error));
}

static void test_24_4_default_dacl(void **state)
{
    WORLD;
    char *text =
        get(w, w->root, MODEL_ENGINE, NULL, OWNER_SECURITY_INFORMATION | DACL_SECURITY_INFORMATION);

    assert_string_equal(text, "O:S-1-5-32-544D:(A;OICI;0x10000000;;;S-1-5-32-544)"
                              "(A;OICI;0x203f0;;;S-1-1-0)");
    free(text);
}

static void test_24_5_dynamic_sessions_set_their_own_only(void **state)
{
    WORLD;
    struct model_session *dynamic = open_root(w, FWPM_SESSION_FLAG_DYNAMIC);
    GUID own = key_of(1), other = key_of(2);

    assert_works(w, add_filter(dynamic, 1));
    assert_works(w, add_filter(w->root, 2));
    assert_works(w, set(w, dynamic, MODEL_FILTER, &own, DACL_SECURITY_INFORMATION, "D:"));
    assert_int_equal(set(w, dynamic, MODEL_FILTER, &other, DACL_SECURITY_INFORMATION, "D:"),
                     FWP_E_DYNAMIC_SESSION_IN_PROGRESS);
    assert_int_equal(set(w, dynamic, MODEL_FILTER, NULL, DACL_SECURITY_INFORMATION, "D:"),
                     FWP_E_DYNAMIC_SESSION_IN_PROGRESS);
}

static void test_sacls_are_for_administrators(void **state)
{
    WORLD;
    struct model_session *user = open_as(w, 1000, 0);
    FWP_BYTE_BLOB blob;

    assert_works(
        w, set(w, w->root, MODEL_FILTER, NULL, SACL_SECURITY_INFORMATION, "S:(AU;SAFA;0x1;;;WD)"));
    char *text = get(w, w->root, MODEL_FILTER, NULL, SACL_SECURITY_INFORMATION);
    assert_string_equal(text, "S:(AU;SAFA;0x1;;;S-1-1-0)");
    free(text);
    assert_fails(
        w,
        model_security_get(user, MODEL_FILTER, NULL, SACL_SECURITY_INFORMATION, &blob, &w->error),
        ERROR_ACCESS_DENIED);
}

static void test_layers_have_descriptors(void **state)
{
    WORLD;
    struct model_session *user = open_as(w, 1000, 0);
    struct model_object object;

    assert_works(w, model_get_by_key(user, MODEL_LAYER, &FWPM_LAYER_ALE_AUTH_CONNECT_V4, &object,
                                     &w->error));
    assert_int_equal(object.layer->layerId, FWPS_LAYER_ALE_AUTH_CONNECT_V4);
    assert_works(w, set(w, w->root, MODEL_LAYER, &FWPM_LAYER_ALE_AUTH_CONNECT_V4,
                        DACL_SECURITY_INFORMATION, "D:P(A;;GA;;;BA)"));
    assert_fails(
        w, model_get_by_key(user, MODEL_LAYER, &FWPM_LAYER_ALE_AUTH_CONNECT_V4, &object, &w->error),
        ERROR_ACCESS_DENIED);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, world_setup, world_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_24_2_a_user_reads_and_changes_nothing),
        TEST(test_24_2_open_needs_open),
        TEST(test_24_2_add_needs_add_and_add_link),
        TEST(test_24_2_objects_that_may_not_be_read),
        TEST(test_24_3_dacls_are_inherited),
        TEST(test_24_3_groups_count),
        TEST(test_24_3_kernel_callers_bypass_every_check),
        TEST(test_24_3_administrators_keep_open_and_come_back),
        TEST(test_24_3_creator_owns),
        TEST(test_24_4_default_dacl),
        TEST(test_24_5_dynamic_sessions_set_their_own_only),
        TEST(test_sacls_are_for_administrators),
        TEST(test_layers_have_descriptors),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
