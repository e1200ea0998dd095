/* GUIDs and UTF-16. */
#include "support.h"

static void test_guid_text_round_trip(void **state)
{
    char text[GUID_TEXT_SIZE];
    GUID guid;

    assert_true(guid_parse("c38d57d1-05a7-4c33-904f-7fbceee60e82", &guid));
    assert_true(guid_equal(&guid, &FWPM_LAYER_ALE_AUTH_CONNECT_V4));
    assert_true(guid_parse("{C38D57D1-05A7-4C33-904F-7FBCEEE60E82}", &guid));
    assert_true(guid_equal(&guid, &FWPM_LAYER_ALE_AUTH_CONNECT_V4));
    assert_string_equal(guid_format(&guid, text), "c38d57d1-05a7-4c33-904f-7fbceee60e82");
}

static void test_guid_parse_refuses_other_text(void **state)
{
    static const char *const bad[] = {"",
                                      "c38d57d1",
                                      "c38d57d1-05a7-4c33-904f-7fbceee60e8",
                                      "c38d57d1-05a7-4c33-904f-7fbceee60e822",
                                      "{c38d57d1-05a7-4c33-904f-7fbceee60e82",
                                      "c38d57d1-05a7-4c33-904f-7fbceee60e82}",
                                      "c38d57d1x05a7-4c33-904f-7fbceee60e82",
                                      "g38d57d1-05a7-4c33-904f-7fbceee60e82"};
    GUID guid;

    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
        assert_false(guid_parse(bad[i], &guid));
}

static void test_guid_random_is_version_4(void **state)
{
    GUID a, b;

    assert_true(guid_random(&a));
    assert_true(guid_random(&b));
    assert_false(guid_equal(&a, &b));
    assert_int_equal(a.Data3 >> 12, 4);
    assert_int_equal(a.Data4[0] >> 6, 2);
    assert_false(guid_is_zero(&a));
}

static void round_trip(const char *utf8)
{
    WCHAR *wide = utf16_from_utf8(utf8);
    char *back = utf16_to_utf8(wide);

    assert_string_equal(back, utf8);
    free(back);
    free(wide);
}

static void test_utf16_round_trip(void **state)
{
    round_trip("");
    round_trip("/usr/bin/curl");
    round_trip("\xc3\xbc\xe2\x82\xac\xf0\x9f\x98\x80"); /* ü € and a character outside the BMP */
    assert_null(utf16_to_utf8(NULL));
    assert_null(utf16_from_utf8(NULL));
}

static void test_utf16_replaces_what_is_not_valid(void **state)
{
    static const WCHAR lone[] = {0xd800, 'a', 0xdc00, 0};
    static const char *const bad[] = {
        "\xff", "\xc3", "\xc0\xaf", "\xed\xa0\x80", "\xf5\x80\x80\x80", "\xe2\x82"};
    char *utf8 = utf16_to_utf8(lone);

    assert_string_equal(utf8, "\xef\xbf\xbd"
                              "a"
                              "\xef\xbf\xbd");
    free(utf8);
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        WCHAR *wide = utf16_from_utf8(bad[i]);

        assert_int_equal(wide[0], 0xfffd);
        free(wide);
    }
}

static void test_utf16_print_cuts_at_a_character(void **state)
{
    static const WCHAR text[] = u"ab\u20ac";
    char buffer[8];

    assert_string_equal(utf16_print(text, buffer, 5), "ab");
    assert_string_equal(utf16_print(text, buffer, 6), "ab\xe2\x82\xac");
    assert_string_equal(utf16_print(NULL, buffer, 8), "");
}

static void test_utf16_fold_makes_letters_small(void **state)
{
    assert_int_equal(utf16_fold('A'), 'a');
    assert_int_equal(utf16_fold('z'), 'z');
    assert_int_equal(utf16_fold('['), '[');
    assert_int_equal(utf16_fold(0xc4), 0xe4);   /* Ä */
    assert_int_equal(utf16_fold(0x3a9), 0x3c9); /* Omega */
    assert_int_equal(utf16_fold(0x416), 0x436); /* Zhe */
    assert_int_equal(utf16_fold(0x401), 0x451); /* Io */
    assert_int_equal(utf16_fold(0x160), 0x161); /* S with caron */
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_guid_text_round_trip),
        cmocka_unit_test(test_guid_parse_refuses_other_text),
        cmocka_unit_test(test_guid_random_is_version_4),
        cmocka_unit_test(test_utf16_round_trip),
        cmocka_unit_test(test_utf16_replaces_what_is_not_valid),
        cmocka_unit_test(test_utf16_print_cuts_at_a_character),
        cmocka_unit_test(test_utf16_fold_makes_letters_small),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
