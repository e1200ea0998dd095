/* Conditions, rule by rule, as the reference and the compiled lookup read them; and the compiler.
 */
#include "scene.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "model/sd.h"

static struct scene scene;
static struct model_error error;

static int begin(void **state)
{
    scene_begin(&scene, &FWPM_LAYER_ALE_AUTH_CONNECT_V4);
    scene_filter(&scene, 1, 1, FWP_ACTION_PERMIT);
    return 0;
}

static int begin_v6(void **state)
{
    scene_begin(&scene, &FWPM_LAYER_ALE_AUTH_CONNECT_V6);
    scene_filter(&scene, 1, 1, FWP_ACTION_PERMIT);
    return 0;
}

static void port_condition(FWP_MATCH_TYPE match, uint16_t port)
{
    scene_condition(&scene, 1, &FWPM_CONDITION_IP_REMOTE_PORT, match,
                    (FWP_CONDITION_VALUE0){.type = FWP_UINT16, .uint16 = port});
}

static void set_port(uint16_t port)
{
    scene.field_count = 0;
    scene_set(&scene, &FWPM_CONDITION_IP_REMOTE_PORT,
              (FWP_VALUE0){.type = FWP_UINT16, .uint16 = port});
}

static void test_3_3_comparisons(void **state)
{
    static const struct {
        FWP_MATCH_TYPE match;
        bool below, equal, above;
    } cases[] = {{FWP_MATCH_EQUAL, false, true, false},
                 {FWP_MATCH_NOT_EQUAL, true, false, true},
                 {FWP_MATCH_GREATER, false, false, true},
                 {FWP_MATCH_LESS, true, false, false},
                 {FWP_MATCH_GREATER_OR_EQUAL, false, true, true},
                 {FWP_MATCH_LESS_OR_EQUAL, true, true, false}};
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        begin(state);
        port_condition(cases[i].match, 443);
        set_port(442);
        assert_int_equal(scene_matches(&scene), cases[i].below);
        set_port(443);
        assert_int_equal(scene_matches(&scene), cases[i].equal);
        set_port(444);
        assert_int_equal(scene_matches(&scene), cases[i].above);
    }
}

static void test_3_3_nothing_is_beyond_the_edge_of_a_type(void **state)
{
    port_condition(FWP_MATCH_GREATER, UINT16_MAX);
    set_port(UINT16_MAX);
    assert_false(scene_matches(&scene));
    begin(state);
    port_condition(FWP_MATCH_LESS, 0);
    set_port(0);
    assert_false(scene_matches(&scene));
}

static void test_3_3_range_includes_both_ends(void **state)
{
    FWP_RANGE0 range = {{.type = FWP_UINT16, .uint16 = 80}, {.type = FWP_UINT16, .uint16 = 90}};
    scene_condition(&scene, 1, &FWPM_CONDITION_IP_REMOTE_PORT, FWP_MATCH_RANGE,
                    (FWP_CONDITION_VALUE0){.type = FWP_RANGE_TYPE, .rangeValue = &range});
    static const uint16_t inside[] = {80, 85, 90}, outside[] = {79, 91, 0, UINT16_MAX};
    for (size_t i = 0; i < 3; i++) {
        set_port(inside[i]);
        assert_true(scene_matches(&scene));
    }
    for (size_t i = 0; i < 4; i++) {
        set_port(outside[i]);
        assert_false(scene_matches(&scene));
    }
}

static void test_3_3_flags(void **state)
{
    static const struct {
        FWP_MATCH_TYPE match;
        bool none, one, both;
    } cases[] = {{FWP_MATCH_FLAGS_ALL_SET, false, false, true},
                 {FWP_MATCH_FLAGS_ANY_SET, false, true, true},
                 {FWP_MATCH_FLAGS_NONE_SET, true, false, false}};
    static const uint32_t values[] = {0x4, 0x1, 0x7};
    for (size_t i = 0; i < 3; i++) {
        const bool expected[] = {cases[i].none, cases[i].one, cases[i].both};
        begin(state);
        scene_condition(&scene, 1, &FWPM_CONDITION_FLAGS, cases[i].match,
                        (FWP_CONDITION_VALUE0){.type = FWP_UINT32, .uint32 = 0x3});
        for (size_t v = 0; v < 3; v++) {
            scene.field_count = 0;
            scene_set(&scene, &FWPM_CONDITION_FLAGS,
                      (FWP_VALUE0){.type = FWP_UINT32, .uint32 = values[v]});
            assert_int_equal(scene_matches(&scene), expected[v]);
        }
    }
}

static void test_choice_absent_field_matches_only_empty(void **state)
{
    port_condition(FWP_MATCH_NOT_EQUAL, 443);
    assert_false(scene_matches(&scene));
    begin(state);
    scene_condition(&scene, 1, &FWPM_CONDITION_IP_REMOTE_PORT, FWP_MATCH_EQUAL,
                    (FWP_CONDITION_VALUE0){.type = FWP_EMPTY});
    assert_true(scene_matches(&scene));
    set_port(443);
    assert_false(scene_matches(&scene));
}

static void set_remote_v4(uint32_t address)
{
    scene.field_count = 0;
    scene_set(&scene, &FWPM_CONDITION_IP_REMOTE_ADDRESS,
              (FWP_VALUE0){.type = FWP_UINT32, .uint32 = address});
}

static void test_3_7_v4_mask_is_in_host_order(void **state)
{
    FWP_V4_ADDR_AND_MASK net = {.addr = 0x0a010203, .mask = 0xffff0000};
    scene_condition(&scene, 1, &FWPM_CONDITION_IP_REMOTE_ADDRESS, FWP_MATCH_EQUAL,
                    (FWP_CONDITION_VALUE0){.type = FWP_V4_ADDR_MASK, .v4AddrMask = &net});
    set_remote_v4(0x0a01ffff);
    assert_true(scene_matches(&scene));
    set_remote_v4(0x0a020000);
    assert_false(scene_matches(&scene));
    net = (FWP_V4_ADDR_AND_MASK){0};
    assert_true(scene_matches(&scene));
}

static void set_remote_v6(FWP_BYTE_ARRAY16 *address)
{
    scene.field_count = 0;
    scene_set(&scene, &FWPM_CONDITION_IP_REMOTE_ADDRESS,
              (FWP_VALUE0){.type = FWP_BYTE_ARRAY16_TYPE, .byteArray16 = address});
}

static void test_3_7_v6_prefix_of_every_length(void **state)
{
    FWP_V6_ADDR_AND_MASK net = {.addr = {0x20, 0x01, 0x0d, 0xb8, [9] = 0x5a, [15] = 0xa5}};
    scene_condition(&scene, 1, &FWPM_CONDITION_IP_REMOTE_ADDRESS, FWP_MATCH_EQUAL,
                    (FWP_CONDITION_VALUE0){.type = FWP_V6_ADDR_MASK, .v6AddrMask = &net});
    for (unsigned length = 0; length <= 128; length++) {
        net.prefixLength = (uint8_t)length;
        for (unsigned bit = 0; bit < 128; bit++) {
            FWP_BYTE_ARRAY16 address;
            memcpy(address.byteArray16, net.addr, 16);
            address.byteArray16[bit / 8] ^= (uint8_t)(0x80 >> bit % 8);
            set_remote_v6(&address);
            assert_int_equal(scene_matches(&scene), bit >= length);
        }
    }
}

static void test_3_8_conditions_on_one_field_are_alternatives(void **state)
{
    port_condition(FWP_MATCH_EQUAL, 80);
    port_condition(FWP_MATCH_EQUAL, 443);
    set_port(80);
    assert_true(scene_matches(&scene));
    set_port(443);
    assert_true(scene_matches(&scene));
    set_port(81);
    assert_false(scene_matches(&scene));
}

static void test_3_8_different_fields_must_all_hold(void **state)
{
    port_condition(FWP_MATCH_EQUAL, 443);
    scene_condition(&scene, 1, &FWPM_CONDITION_IP_PROTOCOL, FWP_MATCH_EQUAL,
                    (FWP_CONDITION_VALUE0){.type = FWP_UINT8, .uint8 = 6});
    set_port(443);
    assert_false(scene_matches(&scene));
    scene_set(&scene, &FWPM_CONDITION_IP_PROTOCOL, (FWP_VALUE0){.type = FWP_UINT8, .uint8 = 17});
    assert_false(scene_matches(&scene));
    set_port(443);
    scene_set(&scene, &FWPM_CONDITION_IP_PROTOCOL, (FWP_VALUE0){.type = FWP_UINT8, .uint8 = 6});
    assert_true(scene_matches(&scene));
}

static void test_3_8_no_condition_matches_all(void **state)
{
    assert_true(scene_matches(&scene));
}

/* ---- programs ---- */

static FWP_BYTE_BLOB blob_of(const WCHAR *text, size_t units)
{
    return (FWP_BYTE_BLOB){(uint32_t)(units * sizeof(WCHAR)), (uint8_t *)(uintptr_t)text};
}

#define CURL        u"/usr/bin/curl" /* number 1 of random_intern */
#define WHOLE(text) blob_of(text, sizeof(text) / sizeof(WCHAR))

static void app_condition(FWP_MATCH_TYPE match, FWP_BYTE_BLOB *blob)
{
    scene_condition(&scene, 1, &FWPM_CONDITION_ALE_APP_ID, match,
                    (FWP_CONDITION_VALUE0){.type = FWP_BYTE_BLOB_TYPE, .byteBlob = blob});
}

static void test_3_9_program_is_compared_whole_and_by_case(void **state)
{
    FWP_BYTE_BLOB curl = WHOLE(CURL), other = WHOLE(u"/usr/bin/CURL");
    app_condition(FWP_MATCH_EQUAL, &curl);
    scene_set_program(&scene, &curl, 1);
    assert_true(scene_matches(&scene));
    scene.field_count = 0;
    scene_set_program(&scene, &other, 3);
    assert_false(scene_matches(&scene));
    scene.filters[0].filterCondition->matchType = FWP_MATCH_NOT_EQUAL;
    assert_true(scene_matches(&scene));
}

static void test_3_9_blob_that_is_no_terminated_path_equals_no_program(void **state)
{
    static const WCHAR curl[] = CURL, hidden[] = CURL u"\0hidden";
    FWP_BYTE_BLOB program = WHOLE(CURL);
    FWP_BYTE_BLOB blobs[] = {blob_of(curl, sizeof curl / sizeof *curl - 1),
                             blob_of(hidden, sizeof hidden / sizeof *hidden),
                             {sizeof curl - 1, (uint8_t *)(uintptr_t)curl},
                             {0, NULL}};
    for (size_t i = 0; i < sizeof blobs / sizeof blobs[0]; i++) {
        begin(state);
        app_condition(FWP_MATCH_EQUAL, &blobs[i]);
        scene_set_program(&scene, &program, 1);
        assert_false(scene_matches(&scene));
        scene.filters[0].filterCondition->matchType = FWP_MATCH_NOT_EQUAL;
        assert_true(scene_matches(&scene));
    }
}

static void test_3_3_order_and_suffix_of_programs_are_refused(void **state)
{
    static const FWP_MATCH_TYPE refused[] = {FWP_MATCH_PREFIX, FWP_MATCH_NOT_PREFIX,
                                             FWP_MATCH_GREATER, FWP_MATCH_LESS};
    FWP_BYTE_BLOB curl = WHOLE(CURL);
    app_condition(FWP_MATCH_EQUAL, &curl);
    for (size_t i = 0; i < sizeof refused / sizeof refused[0]; i++) {
        scene.filters[0].filterCondition->matchType = refused[i];
        assert_int_equal(scene_refusal(&scene, &error), ERROR_NOT_SUPPORTED);
        assert_non_null(strstr(error.text, "filter 1: ALE_APP_ID"));
    }
}

static void test_full_program_table_names_the_program(void **state)
{
    FWP_BYTE_BLOB unknown = WHOLE(u"/opt/unknown");
    app_condition(FWP_MATCH_EQUAL, &unknown);
    assert_int_equal(scene_refusal(&scene, &error), FWP_E_OUT_OF_BOUNDS);
    assert_non_null(strstr(error.text, "\"/opt/unknown\""));
}

/* ---- users ---- */

static void user_condition(const char *sddl, FWP_BYTE_BLOB *sd)
{
    const char *at, *why;
    assert_true(sddl_parse(sddl, sd, &at, &why));
    scene_condition(&scene, 1, &FWPM_CONDITION_ALE_USER_ID, FWP_MATCH_EQUAL,
                    (FWP_CONDITION_VALUE0){.type = FWP_SECURITY_DESCRIPTOR_TYPE, .sd = sd});
}

static bool grants(const char *sddl, uint32_t uid, const uint32_t *groups, size_t count)
{
    FWP_BYTE_BLOB sd;
    begin(NULL);
    user_condition(sddl, &sd);
    scene_set_user(&scene, uid, groups, count);
    bool matches = scene_matches(&scene);
    free(sd.data);
    return matches;
}

static void test_3_10_entries_count_in_their_order(void **state)
{
    static const uint32_t staff[] = {100}, both[] = {101, 100};
    assert_true(grants("D:(A;;CC;;;S-1-22-1-1000)", 1000, NULL, 0));
    assert_false(grants("D:(A;;CC;;;S-1-22-1-1000)", 1001, NULL, 0));
    assert_true(grants("D:(A;;CC;;;S-1-22-2-100)", 1001, both, 2));
    assert_false(grants("D:(D;;CC;;;S-1-22-1-1000)(A;;CC;;;S-1-22-2-100)", 1000, staff, 1));
    assert_true(grants("D:(A;;CC;;;S-1-22-2-100)(D;;CC;;;S-1-22-1-1000)", 1000, staff, 1));
    assert_true(grants("D:(D;;CC;;;S-1-22-2-101)(A;;CC;;;WD)", 1000, staff, 1));
    assert_false(grants("D:(D;;CC;;;S-1-22-2-101)(A;;CC;;;WD)", 1000, both, 2));
}

static void test_3_10_other_rights_and_empty_lists_grant_nothing(void **state)
{
    assert_false(grants("D:(A;;0x80;;;WD)", 0, NULL, 0));
    assert_false(grants("D:", 0, NULL, 0));
    assert_true(grants("D:(D;;0x80;;;WD)(A;;CC;;;WD)", 0, NULL, 0));
}

static void test_sixty_five_groups_are_one_too_many(void **state)
{
    char text[65 * 32] = "D:";
    for (unsigned gid = 0; gid < 65; gid++)
        sprintf(text + strlen(text), "(A;;CC;;;S-1-22-2-%u)", gid);
    FWP_BYTE_BLOB sd;
    user_condition(text, &sd);
    assert_int_equal(scene_refusal(&scene, &error), FWP_E_OUT_OF_BOUNDS);
    assert_non_null(strstr(error.text, "group 64 "));
    free(sd.data);
}

/* ---- what the image says of a layer ---- */

static uint32_t protocols_of(FWP_MATCH_TYPE match, int protocol)
{
    struct classify_image *image;
    begin(NULL);
    if (protocol >= 0)
        scene_condition(&scene, 1, &FWPM_CONDITION_IP_PROTOCOL, match,
                        (FWP_CONDITION_VALUE0){.type = FWP_UINT8, .uint8 = (uint8_t)protocol});
    assert_int_equal(classify_compile(scene.view, scene.count, &random_intern, &image, &error),
                     ERROR_SUCCESS);
    uint32_t protocols = classify_image_layer(image, scene.layer->id)->protocols;
    classify_image_free(image);
    return protocols;
}

static void test_layer_tells_which_protocols_it_can_match(void **state)
{
    const uint32_t all = CLASSIFY_PROTOCOLS_TCP | CLASSIFY_PROTOCOLS_UDP | CLASSIFY_PROTOCOLS_OTHER;
    assert_int_equal(protocols_of(FWP_MATCH_EQUAL, -1), all);
    assert_int_equal(protocols_of(FWP_MATCH_EQUAL, 6), CLASSIFY_PROTOCOLS_TCP);
    assert_int_equal(protocols_of(FWP_MATCH_EQUAL, 17), CLASSIFY_PROTOCOLS_UDP);
    assert_int_equal(protocols_of(FWP_MATCH_EQUAL, 132), CLASSIFY_PROTOCOLS_OTHER);
    assert_int_equal(protocols_of(FWP_MATCH_LESS, 17),
                     CLASSIFY_PROTOCOLS_TCP | CLASSIFY_PROTOCOLS_OTHER);
    assert_int_equal(protocols_of(FWP_MATCH_NOT_EQUAL, 6), all);
}

#define TEST(name) cmocka_unit_test_setup(name, begin)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_3_3_comparisons),
        TEST(test_3_3_nothing_is_beyond_the_edge_of_a_type),
        TEST(test_3_3_range_includes_both_ends),
        TEST(test_3_3_flags),
        TEST(test_choice_absent_field_matches_only_empty),
        TEST(test_3_7_v4_mask_is_in_host_order),
        cmocka_unit_test_setup(test_3_7_v6_prefix_of_every_length, begin_v6),
        TEST(test_3_8_conditions_on_one_field_are_alternatives),
        TEST(test_3_8_different_fields_must_all_hold),
        TEST(test_3_8_no_condition_matches_all),
        TEST(test_3_9_program_is_compared_whole_and_by_case),
        TEST(test_3_9_blob_that_is_no_terminated_path_equals_no_program),
        TEST(test_3_3_order_and_suffix_of_programs_are_refused),
        TEST(test_full_program_table_names_the_program),
        TEST(test_3_10_entries_count_in_their_order),
        TEST(test_3_10_other_rights_and_empty_lists_grant_nothing),
        TEST(test_sixty_five_groups_are_one_too_many),
        TEST(test_layer_tells_which_protocols_it_can_match),
    };
    return cmocka_run_group_tests_name("compile", tests, NULL, NULL);
}
