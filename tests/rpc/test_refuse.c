/* What is wrong in a structure or message is refused, with a code that says what. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "rpc/convert.h"

struct fixture {
    struct arena arena;
    struct converter c;
};

static int setup(void **state)
{
    struct fixture *f = calloc(1, sizeof(*f));

    arena_init(&f->arena, 64u << 20);
    f->c.arena = &f->arena;
    *state = f;
    return 0;
}

static int teardown(void **state)
{
    struct fixture *f = *state;

    arena_free(&f->arena);
    free(f);
    return 0;
}

/* The error of the last conversion, which it also clears. */
static uint32_t code_of(void **state)
{
    struct fixture *f = *state;
    uint32_t code = f->c.error.code;

    if (code)
        assert_true(f->c.error.text[0]);
    f->c.error = (struct model_error){0};
    return code;
}

static struct converter *converter_of(void **state)
{
    return &((struct fixture *)*state)->c;
}

static uint32_t encode_one_value(void **state, FWP_VALUE0 value)
{
    Rpc__Value *message = encode_value(converter_of(state), &value);
    uint32_t code = code_of(state);

    assert_int_equal(!message, code != 0);
    return code;
}

static uint32_t decode_one_value(void **state, uint32_t type, uint64_t number, size_t length)
{
    static uint8_t bytes[70000];
    Rpc__Value message = RPC__VALUE__INIT;
    FWP_VALUE0 value;
    uint32_t code;

    message.type = type;
    message.number = number;
    message.data = (ProtobufCBinaryData){length, length ? bytes : NULL};
    decode_value(converter_of(state), &message, &value);
    code = code_of(state);
    return code;
}

static void test_3_5_unknown_types_are_refused(void **state)
{
    assert_int_equal(encode_one_value(state, (FWP_VALUE0){.type = 19}), FWP_E_TYPE_MISMATCH);
    assert_int_equal(decode_one_value(state, 19, 0, 0), FWP_E_TYPE_MISMATCH);
    assert_int_equal(decode_one_value(state, 0xffffffff, 0, 0), FWP_E_TYPE_MISMATCH);
    /* Only a condition's value can be a mask or a range. */
    assert_int_equal(decode_one_value(state, FWP_V4_ADDR_MASK, 0, 0), FWP_E_TYPE_MISMATCH);
    assert_int_equal(decode_one_value(state, FWP_RANGE_TYPE, 0, 0), FWP_E_TYPE_MISMATCH);
}

static void test_null_pointers_in_values_are_refused(void **state)
{
    static const FWP_DATA_TYPE types[] = {
        FWP_UINT64,
        FWP_INT64,
        FWP_DOUBLE,
        FWP_BYTE_ARRAY16_TYPE,
        FWP_BYTE_BLOB_TYPE,
        FWP_SID,
        FWP_SECURITY_DESCRIPTOR_TYPE,
        FWP_TOKEN_INFORMATION_TYPE,
        FWP_TOKEN_ACCESS_INFORMATION_TYPE,
        FWP_UNICODE_STRING_TYPE,
        FWP_BYTE_ARRAY6_TYPE,
    };
    static const FWP_DATA_TYPE absent[] = {FWP_BYTE_ARRAY16_TYPE, FWP_SID,
                                           FWP_TOKEN_INFORMATION_TYPE, FWP_UNICODE_STRING_TYPE,
                                           FWP_BYTE_ARRAY6_TYPE};

    for (size_t i = 0; i < sizeof(types) / sizeof(types[0]); i++)
        assert_int_equal(encode_one_value(state, (FWP_VALUE0){.type = types[i]}),
                         FWP_E_NULL_POINTER);
    for (size_t i = 0; i < sizeof(absent) / sizeof(absent[0]); i++)
        assert_int_equal(decode_one_value(state, absent[i], 0, 0), FWP_E_NULL_POINTER);
}

static void test_numbers_that_do_not_fit_are_refused(void **state)
{
    assert_int_equal(decode_one_value(state, FWP_UINT8, 255, 0), ERROR_SUCCESS);
    assert_int_equal(decode_one_value(state, FWP_UINT8, 256, 0), FWP_E_INVALID_PARAMETER);
    assert_int_equal(decode_one_value(state, FWP_UINT16, 65536, 0), FWP_E_INVALID_PARAMETER);
    assert_int_equal(decode_one_value(state, FWP_UINT32, 1ull << 32, 0), FWP_E_INVALID_PARAMETER);
    assert_int_equal(decode_one_value(state, FWP_INT8, (uint64_t)-128, 0), ERROR_SUCCESS);
    assert_int_equal(decode_one_value(state, FWP_INT8, (uint64_t)-129, 0), FWP_E_INVALID_PARAMETER);
    assert_int_equal(decode_one_value(state, FWP_INT32, 1ull << 31, 0), FWP_E_INVALID_PARAMETER);
}

static void test_wrong_lengths_are_refused(void **state)
{
    assert_int_equal(decode_one_value(state, FWP_BYTE_ARRAY16_TYPE, 0, 15), RPC_X_BAD_STUB_DATA);
    assert_int_equal(decode_one_value(state, FWP_BYTE_ARRAY6_TYPE, 0, 7), RPC_X_BAD_STUB_DATA);
    assert_int_equal(decode_one_value(state, FWP_SID, 0, 7), ERROR_INVALID_SID);
    assert_int_equal(decode_one_value(state, FWP_UNICODE_STRING_TYPE, 0, 3), RPC_X_BAD_STUB_DATA);
    assert_int_equal(decode_one_value(state, FWP_UNICODE_STRING_TYPE, 0, 2), ERROR_SUCCESS);
    assert_int_equal(decode_one_value(state, FWP_BYTE_BLOB_TYPE, 0, RPC_MAX_BLOB), ERROR_SUCCESS);
    assert_int_equal(decode_one_value(state, FWP_BYTE_BLOB_TYPE, 0, RPC_MAX_BLOB + 1),
                     FWP_E_INVALID_PARAMETER);
}

static void test_strings_without_terminator_are_refused(void **state)
{
    static uint8_t text[] = {'a', 0, 'b', 0};
    Rpc__Value message = RPC__VALUE__INIT;
    FWP_VALUE0 value;

    message.type = FWP_UNICODE_STRING_TYPE;
    message.data = (ProtobufCBinaryData){sizeof(text), text};
    assert_false(decode_value(converter_of(state), &message, &value));
    assert_int_equal(code_of(state), RPC_X_BAD_STUB_DATA);
}

static void test_3_7_prefix_above_128_is_refused(void **state)
{
    static uint8_t address[16];
    Rpc__Condition condition = RPC__CONDITION__INIT, *conditions = &condition;
    Rpc__ConditionValue value = RPC__CONDITION_VALUE__INIT;
    FWPM_FILTER_CONDITION0 *decoded;
    UINT32 count;

    value.type = FWP_V6_ADDR_MASK;
    value.data = (ProtobufCBinaryData){16, address};
    value.mask = 129;
    condition.value = &value;
    assert_false(decode_conditions(converter_of(state), 1, &conditions, &count, &decoded));
    assert_int_equal(code_of(state), FWP_E_INVALID_NET_MASK);
}

static void test_3_4_unknown_match_type_is_refused(void **state)
{
    FWPM_FILTER_CONDITION0 condition = {.matchType = FWP_MATCH_TYPE_MAX};
    Rpc__Condition message = RPC__CONDITION__INIT, *messages = &message, **encoded;
    FWPM_FILTER_CONDITION0 *decoded;
    UINT32 count;
    size_t n;

    assert_false(encode_conditions(converter_of(state), 1, &condition, &n, &encoded));
    assert_int_equal(code_of(state), FWP_E_INVALID_ENUMERATOR);
    message.match_type = FWP_MATCH_TYPE_MAX;
    assert_false(decode_conditions(converter_of(state), 1, &messages, &count, &decoded));
    assert_int_equal(code_of(state), FWP_E_INVALID_ENUMERATOR);
}

static void test_condition_counts_are_bounded(void **state)
{
    FWPM_FILTER_CONDITION0 one = {0};
    Rpc__Condition **encoded;
    FWPM_FILTER0 filter = {.numFilterConditions = 3};
    size_t n;

    assert_false(
        encode_conditions(converter_of(state), RPC_MAX_CONDITIONS + 1, &one, &n, &encoded));
    assert_int_equal(code_of(state), FWP_E_INVALID_PARAMETER);
    assert_null(encode_filter(converter_of(state), &filter));
    assert_int_equal(code_of(state), FWP_E_NULL_POINTER);
}

static void test_null_blob_data_is_refused(void **state)
{
    FWPM_PROVIDER0 provider = {.providerData = {.size = 4}};

    assert_null(encode_provider(converter_of(state), &provider));
    assert_int_equal(code_of(state), FWP_E_NULL_POINTER);
}

static void test_guid_of_another_length_is_refused(void **state)
{
    static uint8_t bytes[17];
    Rpc__Provider message = RPC__PROVIDER__INIT;
    FWPM_PROVIDER0 provider;

    message.key = (ProtobufCBinaryData){17, bytes};
    assert_false(decode_provider(converter_of(state), &message, &provider));
    assert_int_equal(code_of(state), RPC_X_BAD_STUB_DATA);
}

static void test_5_1_sublayer_weight_above_16_bits_is_refused(void **state)
{
    Rpc__Sublayer message = RPC__SUBLAYER__INIT;
    FWPM_SUBLAYER0 sublayer;

    message.weight = 65536;
    assert_false(decode_sublayer(converter_of(state), &message, &sublayer));
    assert_int_equal(code_of(state), FWP_E_INVALID_PARAMETER);
}

static void test_overlong_name_is_refused(void **state)
{
    static WCHAR name[RPC_MAX_STRING + 1];
    FWPM_PROVIDER0 provider = {.displayData.name = name};

    for (size_t i = 0; i < RPC_MAX_STRING; i++)
        name[i] = 'x';
    assert_null(encode_provider(converter_of(state), &provider));
    assert_int_equal(code_of(state), FWP_E_INVALID_PARAMETER);
    name[RPC_MAX_STRING - 1] = 0;
    assert_non_null(encode_provider(converter_of(state), &provider));
}

static void test_24_1_malformed_descriptors_are_refused(void **state)
{
    struct {
        SECURITY_DESCRIPTOR_RELATIVE head;
        ACL acl;
    } sd = {{.Revision = 1, .Control = SE_SELF_RELATIVE | SE_DACL_PRESENT, .Dacl = 20},
            {.AclRevision = ACL_REVISION, .AclSize = sizeof(ACL)}};
    ProtobufCBinaryData bytes;

    assert_true(encode_sd(converter_of(state), &sd, &bytes));
    assert_int_equal(bytes.len, sizeof(sd));
    assert_true(encode_sd(converter_of(state), NULL, &bytes));
    assert_int_equal(bytes.len, 0);
    sd.head.Dacl = 0x7fffffff;
    assert_false(encode_sd(converter_of(state), &sd, &bytes));
    assert_int_equal(code_of(state), ERROR_INVALID_SECURITY_DESCR);
    sd.head.Control = SE_DACL_PRESENT;
    assert_false(encode_sd(converter_of(state), &sd, &bytes));
    assert_int_equal(code_of(state), ERROR_INVALID_SECURITY_DESCR);
}

static void test_unknown_kinds_are_refused(void **state)
{
    enum model_kind kind;

    assert_true(decode_kind(converter_of(state), RPC__KIND__ENGINE, &kind));
    assert_false(decode_kind(converter_of(state), (Rpc__Kind)9, &kind));
    assert_int_equal(code_of(state), FWP_E_INVALID_ENUMERATOR);
    assert_false(decode_kind(converter_of(state), (Rpc__Kind)-1, &kind));
    assert_int_equal(code_of(state), FWP_E_INVALID_ENUMERATOR);
}

static void test_classifier_of_unknown_layers_and_states_is_refused(void **state)
{
    OPENWFP_CLASSIFIER_LAYER layer = {.layerId = 7};
    OPENWFP_CLASSIFIER classifier = {.numLayers = 1, .layers = &layer};
    Rpc__Classifier *message = encode_classifier(converter_of(state), &classifier);

    assert_non_null(message);
    assert_true(decode_classifier(converter_of(state), message, &classifier));
    message->layers[0]->id = 0x10000;
    assert_false(decode_classifier(converter_of(state), message, &classifier));
    assert_int_not_equal(code_of(state), ERROR_SUCCESS);
    message->rebuild = OPENWFP_REBUILD_RUNNING + 1;
    assert_false(decode_classifier(converter_of(state), message, &classifier));
    assert_int_equal(code_of(state), FWP_E_INVALID_ENUMERATOR);
}

static void test_questions_with_unknown_answers_are_refused(void **state)
{
    OPENWFP_HELD_NOTICE notice = {.held.defaultAction = FWP_ACTION_BLOCK};
    OPENWFP_HELD_NOTICE decoded; /* the message's strings are still `notice`'s */
    Rpc__HeldNotice *message = encode_held_notice(converter_of(state), &notice);
    Rpc__Held *held;

    assert_non_null(message);
    held = message->held;
    assert_true(decode_held_notice(converter_of(state), message, &decoded));
    message->change = OPENWFP_HELD_GONE + 1;
    assert_false(decode_held_notice(converter_of(state), message, &decoded));
    assert_int_equal(code_of(state), FWP_E_INVALID_ENUMERATOR);
    message->change = 0;
    held->default_action = FWP_ACTION_CONTINUE;
    assert_false(decode_held_notice(converter_of(state), message, &decoded));
    assert_int_equal(code_of(state), FWP_E_INVALID_ACTION_TYPE);
    held->default_action = FWP_ACTION_PERMIT;
    held->remote_port = 0x10000;
    assert_false(decode_held_notice(converter_of(state), message, &decoded));
    message->held = NULL;
    assert_false(decode_held_notice(converter_of(state), message, &decoded));
    assert_int_equal(code_of(state), RPC_X_BAD_STUB_DATA);
}

static void test_garbage_is_no_message(void **state)
{
    static const uint8_t garbage[] = {0xff, 0xff, 0xff, 0xff, 0xff, 0xff};

    assert_null(unpack_request(converter_of(state), garbage, sizeof(garbage)));
    assert_int_equal(code_of(state), RPC_X_BAD_STUB_DATA);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_3_5_unknown_types_are_refused),
        TEST(test_null_pointers_in_values_are_refused),
        TEST(test_numbers_that_do_not_fit_are_refused),
        TEST(test_wrong_lengths_are_refused),
        TEST(test_strings_without_terminator_are_refused),
        TEST(test_3_7_prefix_above_128_is_refused),
        TEST(test_3_4_unknown_match_type_is_refused),
        TEST(test_condition_counts_are_bounded),
        TEST(test_null_blob_data_is_refused),
        TEST(test_guid_of_another_length_is_refused),
        TEST(test_5_1_sublayer_weight_above_16_bits_is_refused),
        TEST(test_overlong_name_is_refused),
        TEST(test_24_1_malformed_descriptors_are_refused),
        TEST(test_unknown_kinds_are_refused),
        TEST(test_classifier_of_unknown_layers_and_states_is_refused),
        TEST(test_questions_with_unknown_answers_are_refused),
        TEST(test_garbage_is_no_message),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
