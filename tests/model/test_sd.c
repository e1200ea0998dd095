/* SIDs, security descriptors, SDDL and the access check (rules 3.10, 24.x). */
#include "support.h"

static struct sid sid_from(const char *text)
{
    const char *end;
    struct sid sid;

    assert_true(sid_parse(text, &end, &sid));
    assert_string_equal(end, "");
    return sid;
}

static bool passes(const char *sddl, uint32_t uid, uint32_t gid, uint32_t wanted)
{
    struct sid sids[] = {sid_of_uid(uid), sid_of_gid(gid)};
    struct sd_token token = {sids, 2};
    FWP_BYTE_BLOB blob = sd_of(sddl);
    struct sd sd;

    assert_true(sd_open(&sd, blob.data, blob.size, NULL));
    bool passed = sd_check(&sd, &token, wanted, NULL);
    free(blob.data);
    return passed;
}

static void test_sid_text(void **state)
{
    char text[SID_TEXT_SIZE];
    struct sid sid = sid_of_uid(1000);
    uint32_t id;

    assert_string_equal(sid_format(&sid, text), "S-1-22-1-1000");
    assert_true(sid_to_uid(&sid, &id));
    assert_int_equal(id, 1000);
    assert_false(sid_to_gid(&sid, &id));
    sid = sid_from("S-1-22-2-33");
    assert_true(sid_to_gid(&sid, &id));
    assert_int_equal(id, 33);
    sid = sid_from("BA");
    assert_string_equal(sid_format(&sid, text), "S-1-5-32-544");
    sid = sid_from("S-1-0x123456789abc-1");
    assert_string_equal(sid_format(&sid, text), "S-1-0x123456789abc-1");
}

static void test_sid_refuses_nonsense(void **state)
{
    static const char *const bad[] = {
        "",         "S-1",    "S-1-",
        "S-1-5",    "S-1-5-", "S-1-5-4294967296",
        "S-1-5--1", "QQ",     "S-1-5-1-2-3-4-5-6-7-8-9-10-11-12-13-14-15-16"};
    const char *end;
    struct sid sid;

    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
        assert_false(sid_parse(bad[i], &end, &sid));
    assert_int_equal(sid_size("\x01\x02\0\0\0\0\0\x05", 8), 0); /* two parts, none there */
    assert_int_equal(sid_size("\x02\x00\0\0\0\0\0\x05", 8), 0); /* revision */
}

static void test_sddl_round_trip(void **state)
{
    static const char *const texts[] = {"O:S-1-22-1-0G:S-1-22-2-0D:(A;;0x1;;;S-1-22-1-1000)",
                                        "D:P(D;OICI;0x40;;;S-1-1-0)(A;OICIIO;0x7ff;;;S-1-5-32-544)",
                                        "S:PAI(AU;SAFA;0x1;;;S-1-1-0)", "D:", "O:S-1-5-18"};

    for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
        FWP_BYTE_BLOB blob = sd_of(texts[i]);
        struct sd sd;

        assert_true(sd_open(&sd, blob.data, blob.size, NULL));
        char *text = sddl_format(&sd);
        assert_string_equal(text, texts[i]);
        free(text);
        free(blob.data);
    }
}

static void test_sddl_says_what_is_wrong_and_where(void **state)
{
    static const struct {
        const char *text;
        size_t at;
    } bad[] = {{"X:", 0},
               {"D:(Q;;CC;;;WD)", 3},
               {"D:(A;;QQ;;;WD)", 6},
               {"D:(A;;CC;;;)", 11},
               {"D:(A;;CC;;;WD", 13},
               {"O:nobody", 2},
               {"D:(A;;0x100000000;;;WD)", 6},
               {"D:(OA;;CC;;;WD)", 3}};

    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        const char *at = NULL, *why = NULL;
        FWP_BYTE_BLOB blob;

        assert_false(sddl_parse(bad[i].text, &blob, &at, &why));
        assert_non_null(why);
        assert_int_equal(at - bad[i].text, bad[i].at);
    }
}

static void test_3_10_a_user_matches_when_the_access_check_passes(void **state)
{
    const char *alice = "O:BAD:(A;;CC;;;S-1-22-1-1000)";

    assert_true(passes(alice, 1000, 5, FWP_ACTRL_MATCH_FILTER));
    assert_false(passes(alice, 1001, 5, FWP_ACTRL_MATCH_FILTER));
    assert_true(passes("O:BAD:(A;;CC;;;S-1-22-2-5)", 1001, 5, FWP_ACTRL_MATCH_FILTER));
    assert_true(passes("O:BAD:(A;;CC;;;WD)", 1001, 5, FWP_ACTRL_MATCH_FILTER));
}

static void test_3_10_entries_count_in_their_order(void **state)
{
    assert_false(passes("O:BAD:(D;;CC;;;S-1-22-1-7)(A;;CC;;;WD)", 7, 5, 1));
    assert_true(passes("O:BAD:(A;;CC;;;WD)(D;;CC;;;S-1-22-1-7)", 7, 5, 1));
    assert_true(passes("O:BAD:(D;;CC;;;S-1-22-1-7)(A;;CC;;;WD)", 8, 5, 1));
    assert_false(passes("O:BAD:(A;IO;CC;;;WD)", 8, 5, 1)); /* only for what inherits it */
}

static void test_24_3_owner_keeps_the_dacl(void **state)
{
    assert_true(passes("O:S-1-22-1-7D:", 7, 5, SD_RIGHT_WRITE_DAC | SD_RIGHT_READ_CONTROL));
    assert_false(passes("O:S-1-22-1-7D:", 7, 5, 1));
    assert_false(passes("O:S-1-22-1-7D:", 8, 5, SD_RIGHT_WRITE_DAC));
    assert_true(passes("O:S-1-22-1-7D:(A;;CC;;;OW)", 7, 5, 1));
    assert_false(passes("O:S-1-22-1-7D:(A;;CC;;;OW)", 8, 5, 1));
}

static void test_no_dacl_grants_an_empty_one_refuses(void **state)
{
    assert_true(passes("O:BA", 7, 5, 1));
    assert_false(passes("O:BAD:", 7, 5, 1));
}

static void test_generic_rights_are_mapped(void **state)
{
    struct sd_generic generic = {.read = 0x80, .write = 0x400, .execute = 0x20, .all = 0xfff};
    struct sid user = sid_of_uid(1);
    struct sd_token token = {&user, 1};
    FWP_BYTE_BLOB blob = sd_of("O:BAD:(A;;GRGX;;;WD)");
    struct sd sd;

    assert_true(sd_open(&sd, blob.data, blob.size, NULL));
    assert_true(sd_check(&sd, &token, 0xa0, &generic));
    assert_false(sd_check(&sd, &token, 0x400, &generic));
    free(blob.data);
}

/* Whatever bytes come, opening says no or everything in it can be read. */
static void test_hostile_descriptors_are_refused_or_sound(void **state)
{
    FWP_BYTE_BLOB blob = sd_of("O:BAG:BAD:(A;;CC;;;WD)(D;;CC;;;S-1-22-1-9)S:(AU;SA;CC;;;WD)");
    uint8_t *copy = malloc(blob.size);
    struct sid user = sid_of_uid(9);
    struct sd_token token = {&user, 1};

    for (uint32_t at = 0; at < blob.size; at++) {
        for (unsigned flip = 1; flip < 256; flip <<= 1) {
            struct sd sd;

            memcpy(copy, blob.data, blob.size);
            copy[at] ^= (uint8_t)flip;
            if (sd_open(&sd, copy, blob.size, NULL)) {
                sd_check(&sd, &token, 1, NULL);
                free(sddl_format(&sd));
            }
        }
    }
    for (uint32_t size = 0; size < blob.size; size++) {
        struct sd sd;
        uint8_t *exact = malloc(size + !size);

        memcpy(exact, blob.data, size);
        if (sd_open(&sd, exact, size, NULL))
            sd_check(&sd, &token, 1, NULL);
        free(exact);
    }
    free(copy);
    free(blob.data);
}

static void test_absolute_descriptors_are_refused(void **state)
{
    uint8_t absolute[20] = {1, 0, 0x04, 0};
    const char *why = NULL;
    struct sd sd;

    assert_false(sd_open(&sd, absolute, sizeof(absolute), &why));
    assert_non_null(strstr(why, "absolute"));
    assert_false(sd_open(&sd, NULL, 0, &why));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_sid_text),
        cmocka_unit_test(test_sid_refuses_nonsense),
        cmocka_unit_test(test_sddl_round_trip),
        cmocka_unit_test(test_sddl_says_what_is_wrong_and_where),
        cmocka_unit_test(test_3_10_a_user_matches_when_the_access_check_passes),
        cmocka_unit_test(test_3_10_entries_count_in_their_order),
        cmocka_unit_test(test_24_3_owner_keeps_the_dacl),
        cmocka_unit_test(test_no_dacl_grants_an_empty_one_refuses),
        cmocka_unit_test(test_generic_rights_are_mapped),
        cmocka_unit_test(test_hostile_descriptors_are_refused_or_sound),
        cmocka_unit_test(test_absolute_descriptors_are_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
