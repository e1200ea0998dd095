/* Filter weights (rules 4.x). */
#include "support.h"

#include "model/weight.h"

static uint64_t automatic(size_t count, const FWPM_FILTER_CONDITION0 *conditions)
{
    return weight_automatic(conditions, count);
}

static FWPM_FILTER_CONDITION0 network(FWP_V4_ADDR_AND_MASK *at, uint32_t address, unsigned bits)
{
    *at = (FWP_V4_ADDR_AND_MASK){address, bits ? ~0u << (32 - bits) : 0};
    return condition(&FWPM_CONDITION_IP_REMOTE_ADDRESS, FWP_MATCH_EQUAL,
                     (FWP_CONDITION_VALUE0){.type = FWP_V4_ADDR_MASK, .v4AddrMask = at});
}

static FWPM_FILTER_CONDITION0 port(uint16_t number)
{
    return condition(&FWPM_CONDITION_IP_REMOTE_PORT, FWP_MATCH_EQUAL, u16(number));
}

static uint32_t effective(FWP_VALUE0 weight, uint64_t *result)
{
    FWPM_FILTER0 filter = a_filter(1);

    filter.weight = weight;
    return weight_effective(&filter, result, NULL);
}

static void test_4_1_exact_weight_is_used_as_is(void **state)
{
    UINT64 exact = 0xfedcba9876543210;
    uint64_t weight = 0;

    assert_int_equal(effective((FWP_VALUE0){.type = FWP_UINT64, .uint64 = &exact}, &weight), 0);
    assert_true(weight == exact);
    assert_int_equal(effective((FWP_VALUE0){.type = FWP_UINT64}, &weight), FWP_E_NULL_POINTER);
}

static void test_4_1_range_is_the_top_four_bits(void **state)
{
    uint64_t empty = 0, weight = 0;

    assert_int_equal(effective((FWP_VALUE0){.type = FWP_EMPTY}, &empty), 0);
    for (unsigned range = 0; range < 16; range++) {
        assert_int_equal(effective((FWP_VALUE0){.type = FWP_UINT8, .uint8 = (UINT8)range}, &weight),
                         0);
        assert_true(weight == ((uint64_t)range << 60 | empty));
    }
}

static void test_4_1_other_weights_are_invalid(void **state)
{
    uint64_t weight;

    assert_int_equal(effective((FWP_VALUE0){.type = FWP_UINT8, .uint8 = 16}, &weight),
                     FWP_E_INVALID_WEIGHT);
    assert_int_equal(effective((FWP_VALUE0){.type = FWP_UINT32, .uint32 = 1}, &weight),
                     FWP_E_INVALID_WEIGHT);
    assert_int_equal(effective((FWP_VALUE0){.type = FWP_INT8, .int8 = 1}, &weight),
                     FWP_E_INVALID_WEIGHT);
}

static void test_4_2_automatic_weight_fits_60_bits(void **state)
{
    FWPM_FILTER_CONDITION0 many[64];
    FWP_BYTE_ARRAY16 address = {{1}};

    /* More fields, each fixing more bits, than any layer has. */
    for (uint32_t i = 0; i < 64; i++) {
        GUID key = key_of(i);

        many[i] = condition(
            &key, FWP_MATCH_EQUAL,
            (FWP_CONDITION_VALUE0){.type = FWP_BYTE_ARRAY16_TYPE, .byteArray16 = &address});
    }
    assert_true(automatic(64, many) < UINT64_C(1) << 60);
    assert_true(automatic(0, NULL) == 0);
}

static void test_4_3_more_conditions_weigh_more(void **state)
{
    FWP_V4_ADDR_AND_MASK at;
    FWPM_FILTER_CONDITION0 list[] = {port(80),
                                     condition(&FWPM_CONDITION_IP_PROTOCOL, FWP_MATCH_EQUAL, u8(6)),
                                     network(&at, 0, 0)};

    for (size_t n = 0; n < 3; n++)
        assert_true(automatic(n, list) < automatic(n + 1, list));
}

static void test_4_3_narrower_networks_weigh_more(void **state)
{
    FWP_V4_ADDR_AND_MASK at;
    uint64_t before = 0;

    for (unsigned bits = 0; bits <= 32; bits++) {
        FWPM_FILTER_CONDITION0 one = network(&at, 0x0a000000, bits);
        uint64_t weight = automatic(1, &one);

        assert_true(weight > before);
        before = weight;
    }
}

static void test_4_3_narrower_ranges_weigh_more(void **state)
{
    FWP_RANGE0 range = {{.type = FWP_UINT16}, {.type = FWP_UINT16, .uint16 = 65535}};
    FWPM_FILTER_CONDITION0 one =
        condition(&FWPM_CONDITION_IP_REMOTE_PORT, FWP_MATCH_RANGE,
                  (FWP_CONDITION_VALUE0){.type = FWP_RANGE_TYPE, .rangeValue = &range});
    FWPM_FILTER_CONDITION0 single = port(7);
    uint64_t before = 0, weight;

    for (unsigned high = 65535; high > 0; high -= 257 - (high == 65535)) {
        range.valueHigh.uint16 = (UINT16)high;
        weight = automatic(1, &one);
        assert_true(weight >= before);
        before = weight;
        if (high <= 257)
            break;
    }
    assert_true(automatic(1, &single) > before);
}

static void test_4_3_alternatives_weigh_less_than_one_of_them(void **state)
{
    FWPM_FILTER_CONDITION0 ports[] = {port(1), port(2), port(3), port(4)};

    assert_true(automatic(1, ports) > automatic(2, ports));
    assert_true(automatic(2, ports) > automatic(4, ports));
    assert_true(automatic(4, ports) > 0);
}

static void test_4_3_equal_beats_compare_beats_not_equal(void **state)
{
    FWPM_FILTER_CONDITION0 equal = port(80), above = port(1024), other = port(80);

    above.matchType = FWP_MATCH_GREATER;
    other.matchType = FWP_MATCH_NOT_EQUAL;
    assert_true(automatic(1, &equal) > automatic(1, &above));
    assert_true(automatic(1, &above) > automatic(1, &other));
    assert_true(automatic(1, &other) > 0);
}

static void test_4_3_only_the_conditions_count(void **state)
{
    FWP_V4_ADDR_AND_MASK at, elsewhere;
    FWPM_FILTER_CONDITION0 here = network(&at, 0x0a000000, 8);
    FWPM_FILTER_CONDITION0 there = network(&elsewhere, 0xc0000000, 8);

    assert_true(automatic(1, &here) == automatic(1, &there));
}

static void test_4_4_effective_weight_comes_back(void **state)
{
    WORLD;
    FWPM_FILTER_CONDITION0 one = port(80);
    FWPM_FILTER0 filter = a_filter(1);
    struct model_object object;
    uint64_t id;

    filter.numFilterConditions = 1;
    filter.filterCondition = &one;
    filter.weight = (FWP_VALUE0){.type = FWP_UINT8, .uint8 = 3};
    assert_works(w, model_filter_add(w->root, &filter, NULL, NULL, &id, &w->error));
    assert_works(w, model_get_by_id(w->root, MODEL_FILTER, id, &object, &w->error));
    assert_int_equal(object.filter->weight.type, FWP_UINT8);
    assert_int_equal(object.filter->effectiveWeight.type, FWP_UINT64);
    assert_true(*object.filter->effectiveWeight.uint64 == (UINT64_C(3) << 60 | automatic(1, &one)));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_4_1_exact_weight_is_used_as_is),
        cmocka_unit_test(test_4_1_range_is_the_top_four_bits),
        cmocka_unit_test(test_4_1_other_weights_are_invalid),
        cmocka_unit_test(test_4_2_automatic_weight_fits_60_bits),
        cmocka_unit_test(test_4_3_more_conditions_weigh_more),
        cmocka_unit_test(test_4_3_narrower_networks_weigh_more),
        cmocka_unit_test(test_4_3_narrower_ranges_weigh_more),
        cmocka_unit_test(test_4_3_alternatives_weigh_less_than_one_of_them),
        cmocka_unit_test(test_4_3_equal_beats_compare_beats_not_equal),
        cmocka_unit_test(test_4_3_only_the_conditions_count),
        cmocka_unit_test_setup_teardown(test_4_4_effective_weight_comes_back, world_setup,
                                        world_teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
