/* Values of every type: soundness, deep copies, order (rules 3.5, 3.6). */
#include "support.h"

#include "model/pack.h"

struct pair {
    FWP_VALUE0 value;
};

static void pack_pair(struct pack *pack, void *copy)
{
    pack_value(pack, &((struct pair *)copy)->value);
}

static void pack_condition_only(struct pack *pack, void *copy)
{
    pack_condition_value(pack, copy);
}

static UINT64 big = 0x123456789abcdef0;
static INT64 small = -5;
static double real = 2.5;
static FWP_BYTE_ARRAY16 array16 = {{0x20, 1, [15] = 9}};
static FWP_BYTE_ARRAY6 array6 = {{1, 2, 3, 4, 5, 6}};
static FWP_BYTE_BLOB blob = {.size = 3, .data = (UINT8 *)"abc"};
static FWP_BYTE_BLOB empty_blob;

static size_t all_values(FWP_VALUE0 values[32], FWP_BYTE_BLOB *sd, struct sid *sid,
                         SID_AND_ATTRIBUTES *member, FWP_TOKEN_INFORMATION *token)
{
    size_t n = 0;

    *member = (SID_AND_ATTRIBUTES){.Sid = (void *)sid->bytes, .Attributes = 4};
    *token = (FWP_TOKEN_INFORMATION){.sidCount = 1, .sids = member};
    values[n++] = (FWP_VALUE0){.type = FWP_EMPTY};
    values[n++] = (FWP_VALUE0){.type = FWP_UINT8, .uint8 = 200};
    values[n++] = (FWP_VALUE0){.type = FWP_UINT16, .uint16 = 60000};
    values[n++] = (FWP_VALUE0){.type = FWP_UINT32, .uint32 = 4000000000u};
    values[n++] = (FWP_VALUE0){.type = FWP_UINT64, .uint64 = &big};
    values[n++] = (FWP_VALUE0){.type = FWP_INT8, .int8 = -1};
    values[n++] = (FWP_VALUE0){.type = FWP_INT16, .int16 = -2};
    values[n++] = (FWP_VALUE0){.type = FWP_INT32, .int32 = -3};
    values[n++] = (FWP_VALUE0){.type = FWP_INT64, .int64 = &small};
    values[n++] = (FWP_VALUE0){.type = FWP_FLOAT, .float32 = 1.5f};
    values[n++] = (FWP_VALUE0){.type = FWP_DOUBLE, .double64 = &real};
    values[n++] = (FWP_VALUE0){.type = FWP_BYTE_ARRAY16_TYPE, .byteArray16 = &array16};
    values[n++] = (FWP_VALUE0){.type = FWP_BYTE_ARRAY6_TYPE, .byteArray6 = &array6};
    values[n++] = (FWP_VALUE0){.type = FWP_BYTE_BLOB_TYPE, .byteBlob = &blob};
    values[n++] = (FWP_VALUE0){.type = FWP_BYTE_BLOB_TYPE, .byteBlob = &empty_blob};
    values[n++] = (FWP_VALUE0){.type = FWP_UNICODE_STRING_TYPE, .unicodeString = (WCHAR *)u"text"};
    values[n++] = (FWP_VALUE0){.type = FWP_SECURITY_DESCRIPTOR_TYPE, .sd = sd};
    values[n++] = (FWP_VALUE0){.type = FWP_SID, .sid = (void *)sid->bytes};
    values[n++] = (FWP_VALUE0){.type = FWP_TOKEN_INFORMATION_TYPE, .tokenInformation = token};
    values[n++] =
        (FWP_VALUE0){.type = FWP_TOKEN_ACCESS_INFORMATION_TYPE, .tokenAccessInformation = &blob};
    return n;
}

static void test_3_5_every_type_is_copied_deeply(void **state)
{
    FWP_BYTE_BLOB sd = sd_of("O:BAD:(A;;CC;;;WD)");
    struct sid sid = sid_of_uid(7);
    FWP_TOKEN_INFORMATION token;
    SID_AND_ATTRIBUTES member;
    FWP_VALUE0 values[32];
    size_t count = all_values(values, &sd, &sid, &member, &token);

    for (size_t i = 0; i < count; i++) {
        struct pair original = {values[i]};

        assert_int_equal(value_check(&values[i], NULL), ERROR_SUCCESS);
        struct pair *copy = pack_copy(&original, sizeof(original), 0, pack_pair);
        assert_non_null(copy);
        assert_true(value_equal(&copy->value, &values[i]));
        if (values[i].type == FWP_UINT64 || values[i].type > FWP_DOUBLE)
            assert_ptr_not_equal(copy->value.uint64, values[i].uint64);
        for (size_t j = 0; j < count; j++)
            assert_int_equal(value_equal(&values[i], &values[j]), i == j);
        free(copy);
    }
    free(sd.data);
}

static void test_3_5_condition_only_types_are_copied_deeply(void **state)
{
    FWP_V4_ADDR_AND_MASK v4 = {0x0a000000, 0xff000000};
    FWP_V6_ADDR_AND_MASK v6 = {.addr = {0xfe, 0x80}, .prefixLength = 10};
    FWP_RANGE0 range = {{.type = FWP_UINT64, .uint64 = &big}, {.type = FWP_UINT64, .uint64 = &big}};
    FWP_CONDITION_VALUE0 value = {.type = FWP_V4_ADDR_MASK, .v4AddrMask = &v4};

    FWP_CONDITION_VALUE0 *copy = pack_copy(&value, sizeof(value), 0, pack_condition_only);
    assert_ptr_not_equal(copy->v4AddrMask, &v4);
    assert_memory_equal(copy->v4AddrMask, &v4, sizeof(v4));
    free(copy);
    value = (FWP_CONDITION_VALUE0){.type = FWP_V6_ADDR_MASK, .v6AddrMask = &v6};
    copy = pack_copy(&value, sizeof(value), 0, pack_condition_only);
    assert_memory_equal(copy->v6AddrMask, &v6, sizeof(v6));
    free(copy);
    value = (FWP_CONDITION_VALUE0){.type = FWP_RANGE_TYPE, .rangeValue = &range};
    copy = pack_copy(&value, sizeof(value), 0, pack_condition_only);
    assert_ptr_not_equal(copy->rangeValue->valueHigh.uint64, &big);
    assert_int_equal(*copy->rangeValue->valueHigh.uint64, big);
    free(copy);
}

static void test_values_that_point_nowhere_are_refused(void **state)
{
    static const FWP_DATA_TYPE pointers[] = {FWP_UINT64,
                                             FWP_INT64,
                                             FWP_DOUBLE,
                                             FWP_BYTE_ARRAY16_TYPE,
                                             FWP_BYTE_ARRAY6_TYPE,
                                             FWP_BYTE_BLOB_TYPE,
                                             FWP_SID,
                                             FWP_SECURITY_DESCRIPTOR_TYPE,
                                             FWP_TOKEN_INFORMATION_TYPE,
                                             FWP_TOKEN_ACCESS_INFORMATION_TYPE,
                                             FWP_UNICODE_STRING_TYPE,
                                             FWP_V4_ADDR_MASK,
                                             FWP_V6_ADDR_MASK,
                                             FWP_RANGE_TYPE};
    struct model_error error = {0};

    for (size_t i = 0; i < sizeof(pointers) / sizeof(pointers[0]); i++) {
        FWP_CONDITION_VALUE0 value = {.type = pointers[i]};

        assert_int_equal(condition_value_check(&value, &error), FWP_E_NULL_POINTER);
        assert_non_null(strstr(error.text, value_type_name(pointers[i])));
    }
}

static void test_malformed_contents_are_refused(void **state)
{
    FWP_BYTE_BLOB no_data = {.size = 5};
    FWP_BYTE_BLOB no_sd = {.size = 3, .data = (UINT8 *)"abc"};
    uint8_t no_sid[SID_MAX_SIZE] = {9};
    FWP_TOKEN_INFORMATION token = {.sidCount = 3};

    assert_int_equal(
        value_check(&(FWP_VALUE0){.type = FWP_BYTE_BLOB_TYPE, .byteBlob = &no_data}, NULL),
        FWP_E_NULL_POINTER);
    assert_int_equal(
        value_check(&(FWP_VALUE0){.type = FWP_SECURITY_DESCRIPTOR_TYPE, .sd = &no_sd}, NULL),
        ERROR_INVALID_SECURITY_DESCR);
    assert_int_equal(value_check(&(FWP_VALUE0){.type = FWP_SID, .sid = (void *)no_sid}, NULL),
                     FWP_E_INVALID_PARAMETER);
    assert_int_equal(
        value_check(&(FWP_VALUE0){.type = FWP_TOKEN_INFORMATION_TYPE, .tokenInformation = &token},
                    NULL),
        FWP_E_NULL_POINTER);
    assert_int_equal(value_check(&(FWP_VALUE0){.type = 77}, NULL), FWP_E_TYPE_MISMATCH);
}

static void test_values_have_an_order(void **state)
{
    UINT64 one = 1, two = 2;
    INT64 minus = -1;
    FWP_BYTE_BLOB a = {.size = 1, .data = (UINT8 *)"a"}, ab = {.size = 2, .data = (UINT8 *)"ab"};
    FWP_BYTE_ARRAY16 low = {{0, 1}}, high = {{1}};
    FWP_VALUE0 pairs[][2] = {
        {{.type = FWP_UINT8, .uint8 = 1}, {.type = FWP_UINT8, .uint8 = 255}},
        {{.type = FWP_INT8, .int8 = -1}, {.type = FWP_INT8, .int8 = 1}},
        {{.type = FWP_UINT64, .uint64 = &one}, {.type = FWP_UINT64, .uint64 = &two}},
        {{.type = FWP_INT64, .int64 = &minus}, {.type = FWP_INT64, .int64 = (INT64 *)&one}},
        {{.type = FWP_BYTE_BLOB_TYPE, .byteBlob = &a},
         {.type = FWP_BYTE_BLOB_TYPE, .byteBlob = &ab}},
        {{.type = FWP_BYTE_ARRAY16_TYPE, .byteArray16 = &low},
         {.type = FWP_BYTE_ARRAY16_TYPE, .byteArray16 = &high}},
        {{.type = FWP_UNICODE_STRING_TYPE, .unicodeString = (WCHAR *)u"a"},
         {.type = FWP_UNICODE_STRING_TYPE, .unicodeString = (WCHAR *)u"b"}},
    };

    for (size_t i = 0; i < sizeof(pairs) / sizeof(pairs[0]); i++) {
        assert_true(value_compare(&pairs[i][0], &pairs[i][1]) < 0);
        assert_true(value_compare(&pairs[i][1], &pairs[i][0]) > 0);
        assert_int_equal(value_compare(&pairs[i][0], &pairs[i][0]), 0);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_3_5_every_type_is_copied_deeply),
        cmocka_unit_test(test_3_5_condition_only_types_are_copied_deeply),
        cmocka_unit_test(test_values_that_point_nowhere_are_refused),
        cmocka_unit_test(test_malformed_contents_are_refused),
        cmocka_unit_test(test_values_have_an_order),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
