/* Handles, errors and memory, without and with a service that misbehaves. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include <sddl.h>

#include "fake.h"

static DWORD open_engine(PCWSTR path, HANDLE *engine)
{
    return FwpmEngineOpen0(path, RPC_C_AUTHN_DEFAULT, NULL, NULL, engine);
}

static void test_s4_no_service_is_rpc_server_unavailable(void **state)
{
    HANDLE engine = (HANDLE)1;

    assert_int_equal(open_engine(u"/nonexistent/bfe.sock", &engine), RPC_S_SERVER_UNAVAILABLE);
    assert_null(engine);
    assert_non_null(strstr(OpenWfpLastErrorText(), "/nonexistent/bfe.sock"));
}

static void test_8_9_close_of_null_is_harmless(void **state)
{
    assert_int_equal(FwpmEngineClose0(NULL), ERROR_SUCCESS);
    assert_string_equal(OpenWfpLastErrorText(), "");
}

static void test_handles_that_are_none(void **state)
{
    UINT64 not_a_handle[64] = {0};

    assert_int_equal(FwpmTransactionBegin0(NULL, 0), ERROR_INVALID_HANDLE);
    assert_int_equal(FwpmTransactionBegin0(not_a_handle, 0), ERROR_INVALID_HANDLE);
    assert_int_equal(FwpmEngineClose0(not_a_handle), ERROR_INVALID_HANDLE);
    assert_int_equal(FwpmEngineOpen0(NULL, RPC_C_AUTHN_WINNT, NULL, NULL, NULL),
                     FWP_E_NULL_POINTER);
}

static void test_9_9_other_authentication_is_refused(void **state)
{
    HANDLE engine;

    assert_int_equal(FwpmEngineOpen0(NULL, 16, NULL, NULL, &engine), ERROR_NOT_SUPPORTED);
}

static void test_null_pointers_are_named(void **state)
{
    struct fake fake = {0};
    HANDLE engine;

    fake_start(&fake);
    engine = fake_engine();
    assert_int_equal(FwpmFilterAdd0(engine, NULL, NULL, NULL), FWP_E_NULL_POINTER);
    assert_int_equal(FwpmFilterDeleteByKey0(engine, NULL), FWP_E_NULL_POINTER);
    assert_non_null(strstr(OpenWfpLastErrorText(), "key"));
    assert_int_equal(FwpmFilterGetById0(engine, 1, NULL), FWP_E_NULL_POINTER);
    assert_int_equal(FwpmFilterCreateEnumHandle0(engine, NULL, NULL), FWP_E_NULL_POINTER);
    assert_int_equal(FwpmFilterSubscribeChanges0(engine, NULL, NULL, NULL, NULL),
                     FWP_E_NULL_POINTER);
    assert_int_equal(FwpmEngineSetOption0(engine, FWPM_ENGINE_COLLECT_NET_EVENTS, NULL),
                     FWP_E_NULL_POINTER);
    FwpmEngineClose0(engine);
    fake_stop(&fake);
}

static bool hang_up(struct fake *fake, const Rpc__Request *request, Rpc__Reply *reply)
{
    return false;
}

static void test_9_10_lost_connection_aborts_the_session(void **state)
{
    struct fake fake = {.answer = hang_up};
    HANDLE engine;

    fake_start(&fake);
    engine = fake_engine();
    assert_int_equal(FwpmTransactionBegin0(engine, 0), FWP_E_SESSION_ABORTED);
    assert_int_equal(FwpmTransactionBegin0(engine, 0), FWP_E_SESSION_ABORTED);
    assert_int_equal(FwpmEngineClose0(engine), ERROR_SUCCESS);
    fake_stop(&fake);
}

static bool answer_another(struct fake *fake, const Rpc__Request *request, Rpc__Reply *reply)
{
    reply->id = request->id + 1;
    return true;
}

static bool answer_nothing(struct fake *fake, const Rpc__Request *request, Rpc__Reply *reply)
{
    return true;
}

static void test_replies_that_do_not_fit(void **state)
{
    struct fake fake = {.answer = answer_another};
    FWPM_FILTER0 *filter = NULL;
    HANDLE engine;

    fake_start(&fake);
    engine = fake_engine();
    assert_int_equal(FwpmTransactionBegin0(engine, 0), FWP_E_SESSION_ABORTED);
    FwpmEngineClose0(engine);
    fake.answer = answer_nothing; /* ERROR_SUCCESS, but no filter */
    engine = fake_engine();
    assert_int_equal(FwpmFilterGetById0(engine, 1, &filter), FWP_E_SESSION_ABORTED);
    assert_null(filter);
    FwpmEngineClose0(engine);
    fake_stop(&fake);
}

static bool answer_odd_classifier(struct fake *fake, const Rpc__Request *request, Rpc__Reply *reply)
{
    static Rpc__Classifier odd = RPC__CLASSIFIER__INIT;

    odd.rebuild = OPENWFP_REBUILD_RUNNING + 1;
    reply->result_case = RPC__REPLY__RESULT_CLASSIFIER;
    reply->classifier = &odd;
    return true;
}

static void test_a_classifier_in_no_known_state(void **state)
{
    struct fake fake = {.answer = answer_odd_classifier};
    OPENWFP_CLASSIFIER *classifier = NULL;
    HANDLE engine;

    fake_start(&fake);
    engine = fake_engine();
    assert_int_equal(OpenWfpClassifierGet(engine, &classifier), FWP_E_INVALID_ENUMERATOR);
    assert_null(classifier);
    FwpmEngineClose0(engine);
    fake_stop(&fake);
}

static bool refuse_all(struct fake *fake, const Rpc__Request *request, Rpc__Reply *reply)
{
    static char text[] = "filter 7 is not there";

    reply->code = FWP_E_FILTER_NOT_FOUND;
    reply->text = text;
    return true;
}

static void test_text_of_the_last_error(void **state)
{
    struct fake fake = {.answer = refuse_all};
    HANDLE engine;

    fake_start(&fake);
    engine = fake_engine();
    assert_int_equal(FwpmFilterDeleteById0(engine, 7), FWP_E_FILTER_NOT_FOUND);
    assert_string_equal(OpenWfpLastErrorText(), "filter 7 is not there");
    FwpmEngineClose0(engine);
    assert_string_equal(OpenWfpLastErrorText(), "");
    fake_stop(&fake);
}

/* ---- memory */

static void test_9_11_free_memory_nulls_the_pointer(void **state)
{
    FWP_BYTE_BLOB *blob = NULL;

    FwpmFreeMemory0(NULL);
    FwpmFreeMemory0((void **)&blob);
    assert_int_equal(FwpmGetAppIdFromFileName0(u"/proc/self/exe", &blob), ERROR_SUCCESS);
    FwpmFreeMemory0((void **)&blob);
    assert_null(blob);
}

/* ---- application ids */

static void test_3_9_app_id_is_the_canonical_path(void **state)
{
    FWP_BYTE_BLOB *through = NULL, *direct = NULL;
    const WCHAR *text;

    assert_int_equal(FwpmGetAppIdFromFileName0(u"/bin/../bin/sh", &through), ERROR_SUCCESS);
    text = (const WCHAR *)through->data;
    assert_int_equal(text[0], '/');
    assert_int_equal(text[through->size / sizeof(WCHAR) - 1], 0);
    assert_int_equal(FwpmGetAppIdFromFileName0(text, &direct), ERROR_SUCCESS);
    assert_int_equal(direct->size, through->size);
    assert_memory_equal(direct->data, through->data, direct->size);
    FwpmFreeMemory0((void **)&through);
    FwpmFreeMemory0((void **)&direct);
}

static void test_3_9_missing_file_has_no_app_id(void **state)
{
    FWP_BYTE_BLOB *blob = NULL;

    assert_int_equal(FwpmGetAppIdFromFileName0(u"/no/such/program", &blob), ERROR_FILE_NOT_FOUND);
    assert_non_null(strstr(OpenWfpLastErrorText(), "/no/such/program"));
    assert_int_equal(FwpmGetAppIdFromFileName0(NULL, &blob), FWP_E_NULL_POINTER);
    assert_int_equal(FwpmGetAppIdFromFileName0(u"/bin/sh", NULL), FWP_E_NULL_POINTER);
}

/* ---- security descriptors and identifiers as text */

static bool same_text(const WCHAR *a, const WCHAR *b)
{
    while (*a && *a == *b)
        a++, b++;
    return *a == *b;
}

static void test_24_1_sddl_round_trip(void **state)
{
    static const WCHAR text[] = u"D:(A;;0x1;;;S-1-22-1-1000)";
    PSECURITY_DESCRIPTOR sd = NULL;
    LPWSTR again = NULL;
    ULONG size = 0, length = 0;

    assert_true(
        ConvertStringSecurityDescriptorToSecurityDescriptorW(text, SDDL_REVISION_1, &sd, &size));
    assert_true(size > sizeof(SECURITY_DESCRIPTOR_RELATIVE));
    assert_true(ConvertSecurityDescriptorToStringSecurityDescriptorW(
        sd, SDDL_REVISION_1, DACL_SECURITY_INFORMATION, &again, &length));
    assert_true(same_text(again, text));
    assert_int_equal(length, sizeof(text) / sizeof(text[0]));
    assert_null(LocalFree(again));
    LocalFree(sd);
    assert_false(
        ConvertStringSecurityDescriptorToSecurityDescriptorW(u"D:(nonsense", 1, &sd, NULL));
    assert_int_equal(GetLastError(), ERROR_INVALID_PARAMETER);
    assert_false(ConvertStringSecurityDescriptorToSecurityDescriptorW(text, 2, &sd, NULL));
    assert_int_equal(GetLastError(), ERROR_UNKNOWN_REVISION);
}

static void test_24_1_sid_round_trip(void **state)
{
    LPWSTR text = NULL;
    PSID sid = NULL;

    assert_true(ConvertStringSidToSidW(u"S-1-22-2-33", &sid));
    assert_true(ConvertSidToStringSidW(sid, &text));
    assert_true(same_text(text, u"S-1-22-2-33"));
    LocalFree(text);
    LocalFree(sid);
    assert_false(ConvertStringSidToSidW(u"S-1-22-2-33x", &sid));
    assert_int_equal(GetLastError(), ERROR_INVALID_SID);
}

static void test_uuids_are_fresh(void **state)
{
    UUID a, b, nil;

    assert_int_equal(UuidCreate(&a), RPC_S_OK);
    assert_int_equal(UuidCreate(&b), RPC_S_OK);
    assert_memory_not_equal(&a, &b, sizeof(a));
    assert_int_equal(UuidCreateNil(&nil), RPC_S_OK);
    assert_int_equal(nil.Data1, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_s4_no_service_is_rpc_server_unavailable),
        cmocka_unit_test(test_8_9_close_of_null_is_harmless),
        cmocka_unit_test(test_handles_that_are_none),
        cmocka_unit_test(test_9_9_other_authentication_is_refused),
        cmocka_unit_test(test_null_pointers_are_named),
        cmocka_unit_test(test_9_10_lost_connection_aborts_the_session),
        cmocka_unit_test(test_replies_that_do_not_fit),
        cmocka_unit_test(test_a_classifier_in_no_known_state),
        cmocka_unit_test(test_text_of_the_last_error),
        cmocka_unit_test(test_9_11_free_memory_nulls_the_pointer),
        cmocka_unit_test(test_3_9_app_id_is_the_canonical_path),
        cmocka_unit_test(test_3_9_missing_file_has_no_app_id),
        cmocka_unit_test(test_24_1_sddl_round_trip),
        cmocka_unit_test(test_24_1_sid_round_trip),
        cmocka_unit_test(test_uuids_are_fresh),
    };

    alarm(60);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
