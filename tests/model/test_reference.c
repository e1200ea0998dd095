/* Arbitration as the documentation has it (rules 6.x, 7.2), and the choices where it is silent. */
#include "support.h"

#include "model/reference.h"

#define MAX 8

/* What a callout answers, chosen by the filter's rawContext. */
struct answer {
    uint32_t action;
    bool gives_up_right;
    bool absorb;
};

struct policy {
    FWPM_FILTER0 filters[MAX];
    struct reference_filter list[MAX];
    struct answer answers[MAX];
    size_t count;
    bool right_seen[MAX];
    unsigned asked[MAX];
    size_t traced;
    enum reference_outcome outcomes[MAX];
};

static void callout(void *ctx, const struct reference_filter *filter, struct reference_out *out)
{
    struct policy *p = ctx;
    size_t n = (size_t)filter->filter->rawContext;

    assert_int_equal(out->action, FWP_ACTION_NONE);
    p->asked[n]++;
    p->right_seen[n] = out->right;
    out->action = p->answers[n].action;
    out->absorb = p->answers[n].absorb;
    if (p->answers[n].gives_up_right)
        out->right = false;
}

static void trace(void *ctx, const struct reference_filter *filter, enum reference_outcome outcome)
{
    struct policy *p = ctx;

    p->outcomes[p->traced++] = outcome;
}

/* A filter with id 1, 2, … in the sublayer of that weight. */
static size_t put(struct policy *p, uint16_t sublayer, uint64_t weight, uint32_t action,
                  uint32_t flags)
{
    size_t n = p->count++;

    p->filters[n] = a_filter((uint32_t)n + 1);
    p->filters[n].filterId = n + 1;
    p->filters[n].action.type = action;
    p->filters[n].flags = flags;
    p->filters[n].rawContext = n;
    p->list[n] = (struct reference_filter){.filter = &p->filters[n],
                                           .weight = weight,
                                           .sublayer = key_of(sublayer),
                                           .sublayer_weight = sublayer};
    return n;
}

static size_t put_callout(struct policy *p, uint16_t sublayer, uint64_t weight, uint32_t type,
                          struct answer answer)
{
    size_t n = put(p, sublayer, weight, type, 0);

    p->list[n].callout_registered = true;
    p->answers[n] = answer;
    return n;
}

static struct reference_result classify(struct policy *p)
{
    struct reference_query query = {.layer = &FWPM_LAYER_ALE_AUTH_CONNECT_V4,
                                    .callout = callout,
                                    .callout_ctx = p,
                                    .trace = trace,
                                    .trace_ctx = p};
    struct reference_result result;

    p->traced = 0;
    assert_true(reference_classify(p->list, p->count, &query, &result));
    return result;
}

static void expect(struct policy *p, uint32_t action, uint64_t filter_id)
{
    struct reference_result result = classify(p);

    assert_int_equal(result.action, action);
    assert_int_equal(result.filter_id, filter_id);
}

#define PERMIT FWP_ACTION_PERMIT
#define BLOCK  FWP_ACTION_BLOCK
#define HARD   FWPM_FILTER_FLAG_CLEAR_ACTION_RIGHT
#define TERM   FWP_ACTION_CALLOUT_TERMINATING
#define INSP   FWP_ACTION_CALLOUT_INSPECTION
#define UNKN   FWP_ACTION_CALLOUT_UNKNOWN

static void test_6_1_all_sublayers_are_visited(void **state)
{
    struct policy p = {0};

    put(&p, 9, 1, BLOCK, 0);
    size_t n = put_callout(&p, 5, 1, INSP, (struct answer){FWP_ACTION_CONTINUE, false, false});
    expect(&p, BLOCK, 1);
    assert_int_equal(p.asked[n], 1);
}

static void test_6_2_first_decision_in_a_sublayer_ends_it(void **state)
{
    struct policy p = {0};

    put(&p, 5, 10, PERMIT, 0);
    put(&p, 5, 20, BLOCK, 0);
    expect(&p, BLOCK, 2);
    assert_int_equal(p.traced, 1);
}

static void test_6_2_continue_goes_on_in_the_sublayer(void **state)
{
    struct policy p = {0};

    put(&p, 5, 10, PERMIT, 0);
    put_callout(&p, 5, 20, UNKN, (struct answer){FWP_ACTION_CONTINUE, false, false});
    expect(&p, PERMIT, 1);
    assert_int_equal(p.traced, 2);
}

static void test_6_3_only_heavier_filters_of_the_same_sublayer_hide(void **state)
{
    struct policy p = {0};

    put(&p, 5, 20, PERMIT, 0);
    put(&p, 5, 10, BLOCK, 0); /* hidden */
    expect(&p, PERMIT, 1);
    put(&p, 4, 1, BLOCK, 0);
    expect(&p, BLOCK, 3);
}

static void test_6_4_block_overrides_permit_whichever_is_heavier(void **state)
{
    struct policy p = {0}, q = {0};

    put(&p, 9, 1, PERMIT, 0);
    put(&p, 5, 1, BLOCK, 0);
    expect(&p, BLOCK, 2);
    put(&q, 5, 1, PERMIT, 0);
    put(&q, 9, 1, BLOCK, 0);
    expect(&q, BLOCK, 2);
}

static void test_6_5_soft_permit_is_blocked_by_lighter(void **state)
{
    struct policy p = {0};

    put(&p, 9, 1, PERMIT, 0);
    put(&p, 5, 1, BLOCK, 0);
    expect(&p, BLOCK, 2);
}

static void test_6_5_hard_permit_is_not_blocked_by_a_lighter_filter(void **state)
{
    struct policy p = {0};

    put(&p, 9, 1, PERMIT, HARD);
    put(&p, 5, 1, BLOCK, 0);
    expect(&p, PERMIT, 1);
    assert_int_equal(p.outcomes[1], REFERENCE_OVERRULED);
}

static void test_6_5_soft_block_is_permitted_by_lighter(void **state)
{
    struct policy p = {0};

    put_callout(&p, 9, 1, TERM, (struct answer){BLOCK, false, false});
    put(&p, 5, 1, PERMIT, 0);
    expect(&p, PERMIT, 2);
}

static void test_6_5_hard_block_is_final(void **state)
{
    struct policy p = {0};

    put_callout(&p, 9, 1, TERM, (struct answer){BLOCK, true, false});
    put(&p, 5, 1, PERMIT, HARD);
    expect(&p, BLOCK, 1);
}

static void test_6_6_defaults(void **state)
{
    struct policy permit = {0}, block = {0}, by_callout = {0}, blocked = {0};

    put(&permit, 9, 1, PERMIT, 0);
    assert_true(classify(&permit).right);
    put(&block, 9, 1, BLOCK, 0);
    assert_false(classify(&block).right);
    put_callout(&by_callout, 9, 1, TERM, (struct answer){PERMIT, false, false});
    assert_true(classify(&by_callout).right);
    put_callout(&blocked, 9, 1, TERM, (struct answer){BLOCK, false, false});
    assert_true(classify(&blocked).right);
}

static void test_6_7_the_flag_makes_a_filters_permit_hard(void **state)
{
    struct policy p = {0}, q = {0};

    put(&p, 9, 1, PERMIT, HARD);
    assert_false(classify(&p).right);
    /* A callout sees the flag and has to clear the right itself. */
    size_t n = put_callout(&q, 9, 1, TERM, (struct answer){PERMIT, false, false});
    q.filters[n].flags = HARD;
    assert_true(classify(&q).right);
}

static void test_6_8_veto_overrides_a_hard_permit(void **state)
{
    struct policy p = {0};

    put(&p, 9, 1, PERMIT, HARD);
    size_t n = put_callout(&p, 5, 1, TERM, (struct answer){BLOCK, false, false});
    struct reference_result result = classify(&p);
    assert_int_equal(result.action, BLOCK);
    assert_int_equal(result.filter_id, 2);
    assert_true(result.veto);
    assert_false(result.right);
    assert_false(p.right_seen[n]);
    assert_int_equal(p.outcomes[1], REFERENCE_VETOED);
}

static void test_6_8_blocking_what_is_blocked_is_no_veto(void **state)
{
    struct policy p = {0};

    put(&p, 9, 1, BLOCK, 0);
    put_callout(&p, 5, 1, TERM, (struct answer){BLOCK, false, false});
    struct reference_result result = classify(&p);
    assert_int_equal(result.filter_id, 1);
    assert_false(result.veto);
}

static void test_6_9_without_the_right_only_a_block_counts(void **state)
{
    struct policy p = {0};

    put(&p, 9, 1, BLOCK, 0);
    put_callout(&p, 5, 1, TERM, (struct answer){PERMIT, false, false});
    expect(&p, BLOCK, 1);
}

static void test_6_10_giving_up_the_right_without_deciding_is_nothing(void **state)
{
    struct policy p = {0};

    put_callout(&p, 9, 1, UNKN, (struct answer){FWP_ACTION_NONE, true, false});
    put(&p, 5, 1, BLOCK, 0);
    expect(&p, BLOCK, 2);
}

static void test_6_11_no_match_is_permitted_by_the_layer(void **state)
{
    struct policy p = {0};
    FWPM_FILTER_CONDITION0 port =
        condition(&FWPM_CONDITION_IP_REMOTE_PORT, FWP_MATCH_EQUAL, u16(80));

    expect(&p, FWP_ACTION_NONE_NO_MATCH, 0);
    size_t n = put(&p, 9, 1, BLOCK, 0);
    p.filters[n].filterCondition = &port;
    p.filters[n].numFilterConditions = 1;
    expect(&p, FWP_ACTION_NONE_NO_MATCH, 0);
}

static void test_6_13_inspection_never_decides(void **state)
{
    struct policy p = {0};

    size_t n = put_callout(&p, 9, 1, INSP, (struct answer){BLOCK, true, false});
    expect(&p, FWP_ACTION_NONE_NO_MATCH, 0);
    put(&p, 5, 1, PERMIT, 0);
    expect(&p, PERMIT, 2);
    assert_int_equal(p.asked[n], 2);
}

static void test_6_13_terminating_always_decides(void **state)
{
    struct policy p = {0};

    put_callout(&p, 9, 1, TERM, (struct answer){FWP_ACTION_CONTINUE, false, false});
    expect(&p, BLOCK, 1);
}

static void test_6_15_none_is_no_opinion(void **state)
{
    struct policy p = {0};

    put_callout(&p, 9, 2, UNKN, (struct answer){FWP_ACTION_NONE, false, false});
    put(&p, 9, 1, BLOCK, 0);
    expect(&p, BLOCK, 2);
}

static void test_6_14_other_layers_do_not_count(void **state)
{
    struct policy p = {0};

    size_t n = put(&p, 9, 1, BLOCK, 0);
    p.filters[n].layerKey = FWPM_LAYER_ALE_AUTH_CONNECT_V6;
    expect(&p, FWP_ACTION_NONE_NO_MATCH, 0);
}

static void test_7_2_unregistered_callouts(void **state)
{
    static const uint32_t types[] = {TERM, UNKN};

    for (size_t i = 0; i < 2; i++) {
        struct policy p = {0}, q = {0};

        put(&p, 9, 1, types[i], 0);
        put(&p, 5, 1, PERMIT, 0);
        expect(&p, BLOCK, 1);
        put(&q, 9, 1, types[i], FWPM_FILTER_FLAG_PERMIT_IF_CALLOUT_UNREGISTERED);
        expect(&q, PERMIT, 1);
    }
    struct policy p = {0};
    put(&p, 9, 2, INSP, 0);
    put(&p, 9, 1, PERMIT, 0);
    expect(&p, PERMIT, 2);
}

static void test_4_4_equal_weights_go_by_ascending_id(void **state)
{
    struct policy p = {0};

    put(&p, 9, 7, PERMIT, 0);
    put(&p, 9, 7, BLOCK, 0);
    expect(&p, PERMIT, 1);
    p.filters[0].filterId = 3;
    expect(&p, BLOCK, 2);
}

static void test_5_1_equal_sublayers_are_apart_and_go_by_key(void **state)
{
    struct policy p = {0};

    put(&p, 9, 1, PERMIT, HARD);
    put(&p, 9, 1, BLOCK, 0);
    p.list[0].sublayer = key_of(2);
    p.list[1].sublayer = key_of(1);
    expect(&p, BLOCK, 2); /* the smaller key comes first */
    p.list[1].sublayer = key_of(3);
    expect(&p, PERMIT, 1);
}

static void test_18_4_absorb_goes_with_block_only(void **state)
{
    struct policy p = {0}, q = {0};

    put_callout(&p, 9, 1, TERM, (struct answer){BLOCK, true, true});
    assert_true(classify(&p).absorb);
    put_callout(&q, 9, 1, TERM, (struct answer){PERMIT, true, true});
    assert_false(classify(&q).absorb);
}

/* ---- matching ---- */

static bool matches(const FWPM_FILTER_CONDITION0 *conditions, uint32_t count,
                    const struct reference_field *fields, size_t field_count)
{
    struct policy p = {0};
    struct reference_query query = {
        .layer = &FWPM_LAYER_ALE_AUTH_CONNECT_V4, .fields = fields, .field_count = field_count};
    struct reference_result result;

    put(&p, 1, 1, BLOCK, 0);
    p.filters[0].filterCondition = (FWPM_FILTER_CONDITION0 *)conditions;
    p.filters[0].numFilterConditions = count;
    assert_true(reference_classify(p.list, 1, &query, &result));
    return result.action == BLOCK;
}

static void test_3_8_fields_are_anded_alternatives_ored(void **state)
{
    FWPM_FILTER_CONDITION0 list[] = {
        condition(&FWPM_CONDITION_IP_REMOTE_PORT, FWP_MATCH_EQUAL, u16(80)),
        condition(&FWPM_CONDITION_IP_REMOTE_PORT, FWP_MATCH_EQUAL, u16(443)),
        condition(&FWPM_CONDITION_IP_PROTOCOL, FWP_MATCH_EQUAL, u8(6)),
    };
    struct reference_field fields[] = {
        {FWPM_CONDITION_IP_REMOTE_PORT, {.type = FWP_UINT16, .uint16 = 443}},
        {FWPM_CONDITION_IP_PROTOCOL, {.type = FWP_UINT8, .uint8 = 6}}};

    assert_true(matches(list, 3, fields, 2));
    fields[0].value.uint16 = 81;
    assert_false(matches(list, 3, fields, 2));
    fields[0].value.uint16 = 80;
    fields[1].value.uint8 = 17;
    assert_false(matches(list, 3, fields, 2));
    assert_true(matches(list, 0, fields, 2));
}

static void test_2_2_absent_fields_match_only_empty(void **state)
{
    FWPM_FILTER_CONDITION0 empty = condition(&FWPM_CONDITION_IP_REMOTE_PORT, FWP_MATCH_EQUAL,
                                             (FWP_CONDITION_VALUE0){.type = FWP_EMPTY});
    FWPM_FILTER_CONDITION0 other =
        condition(&FWPM_CONDITION_IP_REMOTE_PORT, FWP_MATCH_NOT_EQUAL, u16(80));
    struct reference_field port = {FWPM_CONDITION_IP_REMOTE_PORT,
                                   {.type = FWP_UINT16, .uint16 = 1}};

    assert_true(matches(&empty, 1, NULL, 0));
    assert_false(matches(&empty, 1, &port, 1));
    assert_false(matches(&other, 1, NULL, 0));
    assert_true(matches(&other, 1, &port, 1));
}

static void test_3_3_prefix_tests_the_suffix(void **state)
{
    FWP_BYTE_BLOB tail = {.size = sizeof(u"/curl"), .data = (UINT8 *)u"/curl"};
    FWP_BYTE_BLOB whole = {.size = sizeof(u"/usr/bin/curl"), .data = (UINT8 *)u"/usr/bin/curl"};
    FWP_BYTE_BLOB longer = {.size = sizeof(u"/usr/bin/curl2"), .data = (UINT8 *)u"/usr/bin/curl2"};
    FWPM_FILTER_CONDITION0 one =
        condition(&FWPM_CONDITION_ALE_APP_ID, FWP_MATCH_PREFIX,
                  (FWP_CONDITION_VALUE0){.type = FWP_BYTE_BLOB_TYPE, .byteBlob = &tail});
    FWP_VALUE0 value = {.type = FWP_BYTE_BLOB_TYPE, .byteBlob = &whole};

    assert_true(reference_condition_matches(&one, &value));
    value.byteBlob = &longer;
    assert_false(reference_condition_matches(&one, &value));
    one.matchType = FWP_MATCH_NOT_PREFIX;
    assert_true(reference_condition_matches(&one, &value));
}

static void test_3_3_integers(void **state)
{
    static const struct {
        FWP_MATCH_TYPE match;
        uint32_t operand, value;
        bool matches;
    } rows[] = {{FWP_MATCH_EQUAL, 5, 5, true},
                {FWP_MATCH_EQUAL, 5, 6, false},
                {FWP_MATCH_NOT_EQUAL, 5, 6, true},
                {FWP_MATCH_GREATER, 5, 5, false},
                {FWP_MATCH_GREATER, 5, 6, true},
                {FWP_MATCH_LESS, 5, 4, true},
                {FWP_MATCH_GREATER_OR_EQUAL, 5, 5, true},
                {FWP_MATCH_LESS_OR_EQUAL, 5, 6, false},
                {FWP_MATCH_FLAGS_ALL_SET, 6, 7, true},
                {FWP_MATCH_FLAGS_ALL_SET, 6, 5, false},
                {FWP_MATCH_FLAGS_ANY_SET, 6, 4, true},
                {FWP_MATCH_FLAGS_ANY_SET, 6, 9, false},
                {FWP_MATCH_FLAGS_NONE_SET, 6, 9, true},
                {FWP_MATCH_FLAGS_NONE_SET, 6, 2, false}};

    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        FWPM_FILTER_CONDITION0 one =
            condition(&FWPM_CONDITION_FLAGS, rows[i].match, u32(rows[i].operand));
        FWP_VALUE0 value = {.type = FWP_UINT32, .uint32 = rows[i].value};

        assert_int_equal(reference_condition_matches(&one, &value), rows[i].matches);
    }
}

static void test_3_7_networks(void **state)
{
    FWP_V4_ADDR_AND_MASK v4 = {0x0a010000, 0xffff0000};
    FWP_V6_ADDR_AND_MASK v6 = {.addr = {0x20, 0x01, 0x0d, 0xb8, 0x80}, .prefixLength = 33};
    FWP_BYTE_ARRAY16 address = {{0x20, 0x01, 0x0d, 0xb8, 0xff}};
    FWPM_FILTER_CONDITION0 one = {.conditionValue = {.type = FWP_V4_ADDR_MASK, .v4AddrMask = &v4}};
    FWP_VALUE0 value = {.type = FWP_UINT32, .uint32 = 0x0a01ffff};

    assert_true(reference_condition_matches(&one, &value));
    value.uint32 = 0x0a020000;
    assert_false(reference_condition_matches(&one, &value));
    one.conditionValue = (FWP_CONDITION_VALUE0){.type = FWP_V6_ADDR_MASK, .v6AddrMask = &v6};
    value = (FWP_VALUE0){.type = FWP_BYTE_ARRAY16_TYPE, .byteArray16 = &address};
    assert_true(reference_condition_matches(&one, &value));
    address.byteArray16[4] = 0x7f;
    assert_false(reference_condition_matches(&one, &value));
}

static void test_3_10_users_match_descriptors(void **state)
{
    FWP_BYTE_BLOB sd = sd_of("O:BAD:(D;;CC;;;S-1-22-1-7)(A;;CC;;;S-1-22-2-50)");
    struct sid sids[] = {sid_of_uid(7), sid_of_gid(50)};
    SID_AND_ATTRIBUTES members[] = {{.Sid = (void *)sids[0].bytes}, {.Sid = (void *)sids[1].bytes}};
    FWP_TOKEN_INFORMATION token = {.sidCount = 2, .sids = members};
    FWP_VALUE0 value = {.type = FWP_TOKEN_INFORMATION_TYPE, .tokenInformation = &token};
    FWPM_FILTER_CONDITION0 one =
        condition(&FWPM_CONDITION_ALE_USER_ID, FWP_MATCH_EQUAL,
                  (FWP_CONDITION_VALUE0){.type = FWP_SECURITY_DESCRIPTOR_TYPE, .sd = &sd});

    assert_false(reference_condition_matches(&one, &value));
    sids[0] = sid_of_uid(8);
    assert_true(reference_condition_matches(&one, &value));
    token.sidCount = 1;
    assert_false(reference_condition_matches(&one, &value));
    free(sd.data);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_6_1_all_sublayers_are_visited),
        cmocka_unit_test(test_6_2_first_decision_in_a_sublayer_ends_it),
        cmocka_unit_test(test_6_2_continue_goes_on_in_the_sublayer),
        cmocka_unit_test(test_6_3_only_heavier_filters_of_the_same_sublayer_hide),
        cmocka_unit_test(test_6_4_block_overrides_permit_whichever_is_heavier),
        cmocka_unit_test(test_6_5_soft_permit_is_blocked_by_lighter),
        cmocka_unit_test(test_6_5_hard_permit_is_not_blocked_by_a_lighter_filter),
        cmocka_unit_test(test_6_5_soft_block_is_permitted_by_lighter),
        cmocka_unit_test(test_6_5_hard_block_is_final),
        cmocka_unit_test(test_6_6_defaults),
        cmocka_unit_test(test_6_7_the_flag_makes_a_filters_permit_hard),
        cmocka_unit_test(test_6_8_veto_overrides_a_hard_permit),
        cmocka_unit_test(test_6_8_blocking_what_is_blocked_is_no_veto),
        cmocka_unit_test(test_6_9_without_the_right_only_a_block_counts),
        cmocka_unit_test(test_6_10_giving_up_the_right_without_deciding_is_nothing),
        cmocka_unit_test(test_6_11_no_match_is_permitted_by_the_layer),
        cmocka_unit_test(test_6_13_inspection_never_decides),
        cmocka_unit_test(test_6_13_terminating_always_decides),
        cmocka_unit_test(test_6_14_other_layers_do_not_count),
        cmocka_unit_test(test_6_15_none_is_no_opinion),
        cmocka_unit_test(test_7_2_unregistered_callouts),
        cmocka_unit_test(test_4_4_equal_weights_go_by_ascending_id),
        cmocka_unit_test(test_5_1_equal_sublayers_are_apart_and_go_by_key),
        cmocka_unit_test(test_18_4_absorb_goes_with_block_only),
        cmocka_unit_test(test_3_8_fields_are_anded_alternatives_ored),
        cmocka_unit_test(test_2_2_absent_fields_match_only_empty),
        cmocka_unit_test(test_3_3_prefix_tests_the_suffix),
        cmocka_unit_test(test_3_3_integers),
        cmocka_unit_test(test_3_7_networks),
        cmocka_unit_test(test_3_10_users_match_descriptors),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
