/* Which conditions are legal where (rules 3.1 to 3.8). */
#include "support.h"

#include "model/condition.h"

static struct model_error error;

static uint32_t check_at(const GUID *layer, const GUID *field, FWP_MATCH_TYPE match,
                         FWP_CONDITION_VALUE0 value)
{
    FWPM_FILTER_CONDITION0 one = condition(field, match, value);

    error = (struct model_error){0};
    return conditions_check(layer_by_key(layer), &one, 1, &error);
}

static uint32_t check(const GUID *field, FWP_MATCH_TYPE match, FWP_CONDITION_VALUE0 value)
{
    return check_at(&FWPM_LAYER_ALE_AUTH_CONNECT_V4, field, match, value);
}

static uint32_t check_v6(const GUID *field, FWP_MATCH_TYPE match, FWP_CONDITION_VALUE0 value)
{
    return check_at(&FWPM_LAYER_ALE_AUTH_CONNECT_V6, field, match, value);
}

static FWP_CONDITION_VALUE0 empty(void)
{
    return (FWP_CONDITION_VALUE0){.type = FWP_EMPTY};
}

static FWP_CONDITION_VALUE0 range(FWP_RANGE0 *at, FWP_VALUE0 low, FWP_VALUE0 high)
{
    *at = (FWP_RANGE0){low, high};
    return (FWP_CONDITION_VALUE0){.type = FWP_RANGE_TYPE, .rangeValue = at};
}

static void test_3_1_condition_must_be_a_field_of_the_layer(void **state)
{
    GUID nobody = key_of(1);

    assert_int_equal(check(&FWPM_CONDITION_IP_REMOTE_PORT, FWP_MATCH_EQUAL, u16(80)), 0);
    assert_int_equal(check_at(&FWPM_LAYER_ALE_AUTH_LISTEN_V4, &FWPM_CONDITION_IP_REMOTE_PORT,
                              FWP_MATCH_EQUAL, u16(80)),
                     FWP_E_CONDITION_NOT_FOUND);
    assert_non_null(strstr(error.text, "IP_REMOTE_PORT"));
    assert_non_null(strstr(error.text, "ALE_AUTH_LISTEN_V4"));
    assert_int_equal(check(&nobody, FWP_MATCH_EQUAL, u16(80)), FWP_E_CONDITION_NOT_FOUND);
    /* DESIGN S7: a listen has no protocol, it is always TCP. */
    assert_int_equal(check_at(&FWPM_LAYER_ALE_AUTH_LISTEN_V4, &FWPM_CONDITION_IP_PROTOCOL,
                              FWP_MATCH_EQUAL, u8(6)),
                     FWP_E_CONDITION_NOT_FOUND);
}

static void test_3_1_fields_linux_never_fills_in_take_only_empty(void **state)
{
    assert_int_equal(check(&FWPM_CONDITION_ORIGINAL_PROFILE_ID, FWP_MATCH_EQUAL, u32(1)),
                     ERROR_NOT_SUPPORTED);
    assert_int_equal(check(&FWPM_CONDITION_ORIGINAL_PROFILE_ID, FWP_MATCH_EQUAL, empty()), 0);
}

static void test_3_2_types_must_be_the_fields(void **state)
{
    FWP_V4_ADDR_AND_MASK mask = {0x0a000000, 0xff000000};
    FWP_CONDITION_VALUE0 network = {.type = FWP_V4_ADDR_MASK, .v4AddrMask = &mask};

    assert_int_equal(check(&FWPM_CONDITION_IP_PROTOCOL, FWP_MATCH_EQUAL, u8(6)), 0);
    assert_int_equal(check(&FWPM_CONDITION_IP_REMOTE_ADDRESS, FWP_MATCH_EQUAL, u32(1)), 0);
    assert_int_equal(check(&FWPM_CONDITION_IP_REMOTE_ADDRESS, FWP_MATCH_EQUAL, network), 0);
    assert_int_equal(check(&FWPM_CONDITION_FLAGS, FWP_MATCH_FLAGS_ALL_SET, u32(1)), 0);
    assert_int_equal(check(&FWPM_CONDITION_ALE_APP_ID, FWP_MATCH_EQUAL, u32(1)),
                     FWP_E_TYPE_MISMATCH);
}

static void test_3_6_types_are_never_converted(void **state)
{
    FWP_V4_ADDR_AND_MASK mask = {0x0a000000, 0xff000000};
    FWP_CONDITION_VALUE0 network = {.type = FWP_V4_ADDR_MASK, .v4AddrMask = &mask};

    assert_int_equal(check(&FWPM_CONDITION_IP_REMOTE_PORT, FWP_MATCH_EQUAL, u32(80)),
                     FWP_E_TYPE_MISMATCH);
    assert_non_null(strstr(error.text, "FWP_UINT16"));
    assert_non_null(strstr(error.text, "FWP_UINT32"));
    assert_int_equal(check(&FWPM_CONDITION_IP_PROTOCOL, FWP_MATCH_EQUAL, u16(6)),
                     FWP_E_TYPE_MISMATCH);
    assert_int_equal(check_v6(&FWPM_CONDITION_IP_REMOTE_ADDRESS, FWP_MATCH_EQUAL, network),
                     FWP_E_TYPE_MISMATCH);
    assert_int_equal(check_v6(&FWPM_CONDITION_IP_REMOTE_ADDRESS, FWP_MATCH_EQUAL, u32(1)),
                     FWP_E_TYPE_MISMATCH);
    assert_int_equal(check(&FWPM_CONDITION_IP_REMOTE_PORT, FWP_MATCH_EQUAL, network),
                     FWP_E_TYPE_MISMATCH);
}

static void test_3_6_a_descriptor_goes_with_a_user(void **state)
{
    FWP_BYTE_BLOB sd = sd_of("O:BAD:(A;;CC;;;WD)");
    FWP_CONDITION_VALUE0 value = {.type = FWP_SECURITY_DESCRIPTOR_TYPE, .sd = &sd};
    struct sid sid = sid_of_uid(1);
    FWP_CONDITION_VALUE0 user = {.type = FWP_SID, .sid = (void *)sid.bytes};

    assert_int_equal(check(&FWPM_CONDITION_ALE_USER_ID, FWP_MATCH_EQUAL, value), 0);
    assert_int_equal(check(&FWPM_CONDITION_ALE_USER_ID, FWP_MATCH_NOT_EQUAL, value),
                     FWP_E_MATCH_TYPE_MISMATCH);
    assert_int_equal(check(&FWPM_CONDITION_ALE_USER_ID, FWP_MATCH_EQUAL, user),
                     FWP_E_TYPE_MISMATCH);
    sd.data[2] = 0; /* no longer self-relative */
    sd.data[3] = 0;
    assert_int_equal(check(&FWPM_CONDITION_ALE_USER_ID, FWP_MATCH_EQUAL, value),
                     ERROR_INVALID_SECURITY_DESCR);
    free(sd.data);
}

/* Each match type against a value of each sort: the table of rule 3.3. */
static void test_3_3_match_types_by_operand(void **state)
{
    FWP_BYTE_BLOB app = {.size = 4, .data = (UINT8 *)"a\0\0\0"};
    FWP_V4_ADDR_AND_MASK mask = {0x0a000000, 0xff000000};
    FWP_CONDITION_VALUE0 blob = {.type = FWP_BYTE_BLOB_TYPE, .byteBlob = &app};
    FWP_CONDITION_VALUE0 network = {.type = FWP_V4_ADDR_MASK, .v4AddrMask = &mask};
    FWP_RANGE0 ports;
    FWP_CONDITION_VALUE0 between = range(&ports, (FWP_VALUE0){.type = FWP_UINT16, .uint16 = 1},
                                         (FWP_VALUE0){.type = FWP_UINT16, .uint16 = 2});
    const struct {
        const GUID *field;
        FWP_CONDITION_VALUE0 value;
        const char *legal; /* by match type, 0 to 12 and one unknown */
    } rows[] = {
        /*                                                             EGLgl RaysCN PN x */
        {&FWPM_CONDITION_IP_REMOTE_PORT, u16(80),
         "11111"
         "0111"
         "0"
         "1"
         "00"
         "0"},
        {&FWPM_CONDITION_FLAGS, u32(1),
         "11111"
         "0111"
         "0"
         "1"
         "00"
         "0"},
        {&FWPM_CONDITION_ALE_APP_ID, blob,
         "11111"
         "0000"
         "0"
         "1"
         "11"
         "0"},
        {&FWPM_CONDITION_IP_REMOTE_ADDRESS, network,
         "10000"
         "0000"
         "0"
         "0"
         "00"
         "0"},
        {&FWPM_CONDITION_IP_REMOTE_PORT, between,
         "00000"
         "1000"
         "0"
         "0"
         "00"
         "0"},
        {&FWPM_CONDITION_IP_REMOTE_PORT, empty(),
         "10000"
         "0000"
         "0"
         "0"
         "00"
         "0"},
    };

    for (size_t r = 0; r < sizeof(rows) / sizeof(rows[0]); r++) {
        for (unsigned match = 0; match < 14; match++) {
            uint32_t rc = check(rows[r].field, match, rows[r].value);

            assert_int_equal(rc, rows[r].legal[match] == '1' ? ERROR_SUCCESS
                                                             : FWP_E_MATCH_TYPE_MISMATCH);
        }
    }
}

static void test_3_7_bad_masks(void **state)
{
    FWP_V4_ADDR_AND_MASK v4 = {0x0a000000, 0xff00ff00};
    FWP_V6_ADDR_AND_MASK v6 = {.prefixLength = 129};
    FWP_CONDITION_VALUE0 value4 = {.type = FWP_V4_ADDR_MASK, .v4AddrMask = &v4};
    FWP_CONDITION_VALUE0 value6 = {.type = FWP_V6_ADDR_MASK, .v6AddrMask = &v6};

    assert_int_equal(check(&FWPM_CONDITION_IP_REMOTE_ADDRESS, FWP_MATCH_EQUAL, value4),
                     FWP_E_INVALID_NET_MASK);
    v4.mask = 0x000000ff; /* network order by mistake */
    assert_int_equal(check(&FWPM_CONDITION_IP_REMOTE_ADDRESS, FWP_MATCH_EQUAL, value4),
                     FWP_E_INVALID_NET_MASK);
    for (unsigned bits = 0; bits <= 32; bits++) {
        v4.mask = bits ? ~0u << (32 - bits) : 0;
        assert_int_equal(check(&FWPM_CONDITION_IP_REMOTE_ADDRESS, FWP_MATCH_EQUAL, value4), 0);
    }
    assert_int_equal(check_v6(&FWPM_CONDITION_IP_REMOTE_ADDRESS, FWP_MATCH_EQUAL, value6),
                     FWP_E_INVALID_NET_MASK);
    v6.prefixLength = 128;
    assert_int_equal(check_v6(&FWPM_CONDITION_IP_REMOTE_ADDRESS, FWP_MATCH_EQUAL, value6), 0);
}

static void test_3_7_bad_ranges(void **state)
{
    FWP_VALUE0 low = {.type = FWP_UINT16, .uint16 = 10}, high = {.type = FWP_UINT16, .uint16 = 9};
    FWP_VALUE0 wide = {.type = FWP_UINT32, .uint32 = 100};
    FWP_RANGE0 at;

    assert_int_equal(check(&FWPM_CONDITION_IP_REMOTE_PORT, FWP_MATCH_RANGE, range(&at, low, high)),
                     FWP_E_INVALID_RANGE);
    assert_int_equal(check(&FWPM_CONDITION_IP_REMOTE_PORT, FWP_MATCH_RANGE, range(&at, low, low)),
                     0);
    assert_int_equal(check(&FWPM_CONDITION_IP_REMOTE_PORT, FWP_MATCH_RANGE, range(&at, low, wide)),
                     FWP_E_TYPE_MISMATCH);
    assert_int_equal(check(&FWPM_CONDITION_IP_REMOTE_PORT, FWP_MATCH_RANGE, range(&at, wide, wide)),
                     FWP_E_TYPE_MISMATCH);
}

static void test_3_7_v6_ranges_compare_in_network_order(void **state)
{
    FWP_BYTE_ARRAY16 a = {{0x20, 0x01, [15] = 0xff}}, b = {{0x20, 0x02}};
    FWP_VALUE0 low = {.type = FWP_BYTE_ARRAY16_TYPE, .byteArray16 = &a};
    FWP_VALUE0 high = {.type = FWP_BYTE_ARRAY16_TYPE, .byteArray16 = &b};
    FWP_RANGE0 at;

    assert_int_equal(
        check_v6(&FWPM_CONDITION_IP_REMOTE_ADDRESS, FWP_MATCH_RANGE, range(&at, low, high)), 0);
    assert_int_equal(
        check_v6(&FWPM_CONDITION_IP_REMOTE_ADDRESS, FWP_MATCH_RANGE, range(&at, high, low)),
        FWP_E_INVALID_RANGE);
}

static void test_3_8_alternatives_stand_together(void **state)
{
    FWPM_FILTER_CONDITION0 list[] = {
        condition(&FWPM_CONDITION_IP_REMOTE_PORT, FWP_MATCH_EQUAL, u16(80)),
        condition(&FWPM_CONDITION_IP_REMOTE_PORT, FWP_MATCH_EQUAL, u16(443)),
        condition(&FWPM_CONDITION_IP_PROTOCOL, FWP_MATCH_EQUAL, u8(6)),
        condition(&FWPM_CONDITION_IP_REMOTE_PORT, FWP_MATCH_EQUAL, u16(8080)),
    };
    const struct layer_info *layer = layer_by_key(&FWPM_LAYER_ALE_AUTH_CONNECT_V4);

    assert_int_equal(conditions_check(layer, list, 3, &error), 0);
    assert_int_equal(conditions_check(layer, list, 4, &error), FWP_E_DUPLICATE_CONDITION);
    assert_int_equal(conditions_check(layer, NULL, 0, &error), 0);
    assert_int_equal(conditions_check(layer, NULL, 1, &error), FWP_E_NULL_POINTER);
}

static void test_3_8_templates_take_each_field_once(void **state)
{
    FWPM_FILTER_CONDITION0 list[] = {
        condition(&FWPM_CONDITION_IP_REMOTE_PORT, FWP_MATCH_EQUAL, u16(80)),
        condition(&FWPM_CONDITION_IP_REMOTE_PORT, FWP_MATCH_EQUAL, u16(443)),
    };
    const struct layer_info *layer = layer_by_key(&FWPM_LAYER_ALE_AUTH_CONNECT_V4);

    assert_int_equal(conditions_check_template(layer, list, 1, &error), 0);
    assert_int_equal(conditions_check_template(layer, list, 2, &error), FWP_E_DUPLICATE_CONDITION);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_3_1_condition_must_be_a_field_of_the_layer),
        cmocka_unit_test(test_3_1_fields_linux_never_fills_in_take_only_empty),
        cmocka_unit_test(test_3_2_types_must_be_the_fields),
        cmocka_unit_test(test_3_6_types_are_never_converted),
        cmocka_unit_test(test_3_6_a_descriptor_goes_with_a_user),
        cmocka_unit_test(test_3_3_match_types_by_operand),
        cmocka_unit_test(test_3_7_bad_masks),
        cmocka_unit_test(test_3_7_bad_ranges),
        cmocka_unit_test(test_3_7_v6_ranges_compare_in_network_order),
        cmocka_unit_test(test_3_8_alternatives_stand_together),
        cmocka_unit_test(test_3_8_templates_take_each_field_once),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
