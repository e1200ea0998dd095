/* The table of layers and its lookups. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>
#include <fwpmu.h>
#include <fwpsu.h>

#include "src/classify/abi.h"
#include "src/model/layers.h"
#include "src/shims/bpf/kernel/layers.h"

/* The kernel programs can't include fwptypes.h; their copies of its numbers. */
_Static_assert(FLAG_LOOPBACK == FWP_CONDITION_FLAG_IS_LOOPBACK, "flag");
_Static_assert(FLAG_REAUTHORIZE == FWP_CONDITION_FLAG_IS_REAUTHORIZE, "flag");
_Static_assert(FLAG_WILDCARD_BIND == FWP_CONDITION_FLAG_IS_WILDCARD_BIND, "flag");
_Static_assert(FLAG_RAW_ENDPOINT == FWP_CONDITION_FLAG_IS_RAW_ENDPOINT, "flag");
_Static_assert(FLAG_IMPLICIT_BIND == FWP_CONDITION_FLAG_IS_IMPLICIT_BIND, "flag");
_Static_assert(REASON_POLICY_CHANGE == FWP_CONDITION_REAUTHORIZE_REASON_POLICY_CHANGE, "reason");
_Static_assert((int)DIRECTION_OUTBOUND == (int)FWP_DIRECTION_OUTBOUND, "direction");
_Static_assert((int)DIRECTION_INBOUND == (int)FWP_DIRECTION_INBOUND, "direction");
_Static_assert(ALE_V6(ALE_AUTH_CONNECT) == (int)FWPS_LAYER_ALE_AUTH_CONNECT_V6, "twin");
_Static_assert(ALE_V6(ALE_RESOURCE_RELEASE) == (int)FWPS_LAYER_ALE_RESOURCE_RELEASE_V6, "twin");
_Static_assert(ALE_V6(ALE_ENDPOINT_CLOSURE) == (int)FWPS_LAYER_ALE_ENDPOINT_CLOSURE_V6, "twin");

static const struct layer_info *by_id(uint16_t id)
{
    const struct layer_info *layer = layer_by_id(id);

    assert_non_null(layer);
    return layer;
}

static void test_1_1_ids_are_dense_and_name_the_same_layer_as_the_guid(void **state)
{
    assert_int_equal(layer_count(), FWPS_BUILTIN_LAYER_MAX);
    for (size_t i = 0; i < layer_count(); i++) {
        const struct layer_info *layer = layer_at(i);

        assert_int_equal(layer->id, i);
        assert_ptr_equal(layer_by_name(layer->name), layer);
        if (layer->id != FWPS_LAYER_RESERVED_LAYER_9 && layer->id != FWPS_LAYER_RESERVED_LAYER_10)
            assert_ptr_equal(layer_by_key(&layer->key), layer);
    }
    assert_ptr_equal(layer_by_key(&FWPM_LAYER_ALE_AUTH_CONNECT_V4),
                     by_id(FWPS_LAYER_ALE_AUTH_CONNECT_V4));
    assert_null(layer_by_id(FWPS_BUILTIN_LAYER_MAX));
    assert_null(layer_by_key(&(GUID){0}));
}

static void test_1_3_kernel_layers_come_first(void **state)
{
    for (size_t i = 0; i < layer_count(); i++) {
        bool kernel = (layer_at(i)->flags & FWPM_LAYER_FLAG_KERNEL) != 0;

        assert_int_equal(kernel, i < FWPS_BUILTIN_KM_LAYER_MAX);
    }
}

static void test_1_6_only_enforced_layers_take_filters(void **state)
{
    assert_int_equal(layer_refusal(by_id(FWPS_LAYER_ALE_AUTH_LISTEN_V6)), ERROR_SUCCESS);
    assert_int_equal(layer_refusal(by_id(FWPS_LAYER_STREAM_V4)), ERROR_NOT_SUPPORTED);
    assert_int_equal(layer_refusal(by_id(FWPS_LAYER_INBOUND_TRANSPORT_FAST)),
                     FWP_E_LAYER_NOT_FOUND);
    assert_int_equal(layer_refusal(by_id(FWPS_LAYER_RPC_UM)), FWP_E_LAYER_NOT_FOUND);
}

static void test_2_1_discard_layers_have_the_fields_of_their_layer(void **state)
{
    for (size_t i = 0; i < layer_count(); i++) {
        const struct layer_info *layer = layer_at(i);
        const char *suffix = strstr(layer->name, "_DISCARD");
        char base[64];

        if (!suffix)
            continue;
        snprintf(base, sizeof(base), "%.*s", (int)(suffix - layer->name), layer->name);
        const struct layer_info *of = layer_by_name(base);

        assert_non_null(of);
        assert_int_equal(layer->field_count, of->field_count);
        for (size_t f = 0; f < of->field_count; f++)
            assert_ptr_equal(layer->fields[f].condition, of->fields[f].condition);
    }
}

static void test_2_fields_stand_where_the_headers_say(void **state)
{
    const struct layer_info *connect = by_id(FWPS_LAYER_ALE_AUTH_CONNECT_V4);
    const struct layer_info *listen = by_id(FWPS_LAYER_ALE_AUTH_LISTEN_V6);

    assert_int_equal(connect->field_count, FWPS_FIELD_ALE_AUTH_CONNECT_V4_MAX);
    assert_int_equal(listen->field_count, FWPS_FIELD_ALE_AUTH_LISTEN_V6_MAX);
    assert_memory_equal(connect->fields[FWPS_FIELD_ALE_AUTH_CONNECT_V4_IP_REMOTE_PORT].condition,
                        &FWPM_CONDITION_IP_REMOTE_PORT, sizeof(GUID));
    assert_int_equal(FWPS_FIELD_ALE_AUTH_CONNECT_V4_ICMP_CODE,
                     FWPS_FIELD_ALE_AUTH_CONNECT_V4_IP_REMOTE_PORT);
}

static void test_2_5_addresses_have_the_type_of_their_family(void **state)
{
    const GUID *key = &FWPM_CONDITION_IP_REMOTE_ADDRESS;
    const struct layer_field *v4 = layer_find_field(by_id(FWPS_LAYER_ALE_AUTH_CONNECT_V4), key);
    const struct layer_field *v6 = layer_find_field(by_id(FWPS_LAYER_ALE_AUTH_CONNECT_V6), key);

    assert_int_equal(v4->data_type, FWP_UINT32);
    assert_int_equal(v6->data_type, FWP_BYTE_ARRAY16_TYPE);
    assert_int_equal(v4->field_type, FWPM_FIELD_IP_ADDRESS);
    assert_int_equal(v4->slot, CLASSIFY_REMOTE_ADDRESS);
}

static void test_3_1_listen_has_no_protocol_and_no_peer(void **state)
{
    const struct layer_info *listen = by_id(FWPS_LAYER_ALE_AUTH_LISTEN_V4);

    assert_null(layer_find_field(listen, &FWPM_CONDITION_IP_PROTOCOL));
    assert_null(layer_find_field(listen, &FWPM_CONDITION_IP_REMOTE_PORT));
    assert_non_null(layer_find_field(listen, &FWPM_CONDITION_IP_LOCAL_PORT));
}

static void test_3_6_a_user_is_classified_as_a_token(void **state)
{
    const struct layer_field *user =
        layer_find_field(by_id(FWPS_LAYER_ALE_AUTH_CONNECT_V4), &FWPM_CONDITION_ALE_USER_ID);

    assert_int_equal(user->data_type, FWP_TOKEN_ACCESS_INFORMATION_TYPE);
    assert_int_equal(user->cls, CONDITION_SD);
}

static void test_reserved_fields_take_no_condition(void **state)
{
    const struct layer_info *connect = by_id(FWPS_LAYER_ALE_AUTH_CONNECT_V4);

    assert_null(layer_find_field(connect, &FWPM_CONDITION_RESERVED0));
}

static void test_short_names_mean_both_families(void **state)
{
    static const char *const names[] = {"bind",        "listen",  "accept", "connect",
                                        "established", "closure", "release"};

    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        const struct layer_info *v4 = layer_by_short_name(names[i], 4);
        const struct layer_info *v6 = layer_by_short_name(names[i], 6);

        assert_non_null(v4);
        assert_non_null(v6);
        assert_int_equal(v4->support, LAYER_ENFORCED);
        assert_non_null(v4->hook);
        assert_int_equal(v4->field_count, v6->field_count);
    }
    assert_null(layer_by_short_name("stream", 4));
}

static void test_names_with_prefix_alias_and_any_case(void **state)
{
    assert_int_equal(layer_by_name("fwpm_layer_ale_auth_connect_v4")->id,
                     FWPS_LAYER_ALE_AUTH_CONNECT_V4);
    assert_null(layer_by_name("ALE_AUTH_CONNECT"));
    assert_ptr_equal(condition_by_name("FWPM_CONDITION_ICMP_CODE"),
                     condition_by_key(&FWPM_CONDITION_IP_REMOTE_PORT));
    assert_null(condition_by_name("NONSENSE"));
}

static void test_30_1_universal_lies_in_the_middle_and_inspection_is_lightest(void **state)
{
    for (size_t i = 0; i < table_sublayers_count; i++) {
        const struct builtin_info *sublayer = &table_sublayers[i];

        if (strcmp(sublayer->name, "UNIVERSAL") == 0)
            assert_int_equal(sublayer->weight, 0x8000);
        else if (strcmp(sublayer->name, "INSPECTION") == 0)
            assert_int_equal(sublayer->weight, 0);
        else
            assert_in_range(sublayer->weight, 1, 0x7fff);
    }
}

static void test_10_error_names_and_sentences(void **state)
{
    uint32_t code = 0;

    assert_string_equal(fwp_error_name(FWP_E_FILTER_NOT_FOUND), "FWP_E_FILTER_NOT_FOUND");
    assert_non_null(fwp_error_text(FWP_E_FILTER_NOT_FOUND));
    assert_string_equal(fwp_error_name(ERROR_ACCESS_DENIED), "ERROR_ACCESS_DENIED");
    assert_null(fwp_error_name(0x12345678));
    assert_true(fwp_error_by_name("FWP_E_IN_USE", &code));
    assert_int_equal(code, FWP_E_IN_USE);
    assert_false(fwp_error_by_name("FWP_E_NONSENSE", &code));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_1_1_ids_are_dense_and_name_the_same_layer_as_the_guid),
        cmocka_unit_test(test_1_3_kernel_layers_come_first),
        cmocka_unit_test(test_1_6_only_enforced_layers_take_filters),
        cmocka_unit_test(test_2_1_discard_layers_have_the_fields_of_their_layer),
        cmocka_unit_test(test_2_fields_stand_where_the_headers_say),
        cmocka_unit_test(test_2_5_addresses_have_the_type_of_their_family),
        cmocka_unit_test(test_3_1_listen_has_no_protocol_and_no_peer),
        cmocka_unit_test(test_3_6_a_user_is_classified_as_a_token),
        cmocka_unit_test(test_reserved_fields_take_no_condition),
        cmocka_unit_test(test_short_names_mean_both_families),
        cmocka_unit_test(test_names_with_prefix_alias_and_any_case),
        cmocka_unit_test(test_30_1_universal_lies_in_the_middle_and_inspection_is_lightest),
        cmocka_unit_test(test_10_error_names_and_sentences),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
