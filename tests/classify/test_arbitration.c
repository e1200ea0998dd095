/* Arbitration, rule by rule: each scene is decided by the reference and by the compiled lookup. */
#include "scene.h"

#define PERMIT      FWP_ACTION_PERMIT
#define BLOCK       FWP_ACTION_BLOCK
#define UNKNOWN     FWP_ACTION_CALLOUT_UNKNOWN
#define TERMINATING FWP_ACTION_CALLOUT_TERMINATING
#define INSPECTION  FWP_ACTION_CALLOUT_INSPECTION
#define HARD        FWPM_FILTER_FLAG_CLEAR_ACTION_RIGHT

static struct scene scene;

static int begin(void **state)
{
    scene_begin(&scene, &FWPM_LAYER_ALE_AUTH_CONNECT_V4);
    return 0;
}

static uint64_t add(uint16_t sublayer, uint64_t weight, FWP_ACTION_TYPE action)
{
    return scene_filter(&scene, sublayer, weight, action);
}

static uint64_t add_callout(uint16_t sublayer, FWP_ACTION_TYPE action, uint64_t script)
{
    uint64_t id = add(sublayer, 1, action);
    scene_script(&scene, id, script);
    return id;
}

static void assert_stands(uint32_t action, uint64_t id, bool right)
{
    struct classify_result result = scene_decide(&scene);
    assert_int_equal(result.action, action);
    assert_int_equal(result.filter_id, id);
    assert_int_equal(result.rights != 0, right);
}

static void assert_outcome(uint64_t id, enum classify_outcome outcome)
{
    assert_true(scene.seen[id]);
    assert_int_equal(scene.outcome[id], outcome);
}

static void test_6_1_lighter_sublayers_are_visited_after_a_block(void **state)
{
    add(9, 1, BLOCK);
    uint64_t lighter = add_callout(5, UNKNOWN, SCRIPT_NONE);
    uint64_t lightest = add(1, 1, PERMIT);
    assert_stands(BLOCK, 1, false);
    assert_outcome(lighter, CLASSIFY_CONTINUED);
    assert_outcome(lightest, CLASSIFY_OVERRULED);
}

static void test_6_2_heaviest_match_of_a_sublayer_decides(void **state)
{
    add(1, 1, BLOCK);
    uint64_t heavier = add(1, 2, PERMIT);
    assert_stands(PERMIT, heavier, true);
}

static void test_6_2_continue_asks_the_next_filter(void **state)
{
    uint64_t callout = add_callout(1, UNKNOWN, SCRIPT_CONTINUE);
    uint64_t lighter = add(1, 0, BLOCK);
    assert_stands(BLOCK, lighter, false);
    assert_outcome(callout, CLASSIFY_CONTINUED);
}

static void test_6_2_decision_of_a_callout_ends_the_sublayer(void **state)
{
    uint64_t callout = add_callout(5, UNKNOWN, SCRIPT_PERMIT);
    uint64_t same = add(5, 0, BLOCK);
    assert_stands(PERMIT, callout, true);
    assert_outcome(same, CLASSIFY_SKIPPED);
}

static void test_6_3_only_a_heavier_decision_of_its_sublayer_skips_a_filter(void **state)
{
    add(5, 9, PERMIT);
    uint64_t same = add(5, 8, BLOCK), other = add(4, 1, PERMIT);
    assert_stands(PERMIT, other, true);
    assert_outcome(same, CLASSIFY_SKIPPED);
    assert_outcome(other, CLASSIFY_DECIDED);
}

static void test_6_4_lighter_block_overrides_permit(void **state)
{
    add(9, 1, PERMIT);
    uint64_t block = add(1, 1, BLOCK);
    assert_stands(BLOCK, block, false);
}

static void test_6_4_block_without_the_right_is_final(void **state)
{
    uint64_t block = add(9, 1, BLOCK);
    uint64_t permit = add(1, 1, PERMIT);
    scene_flags(&scene, permit, HARD);
    assert_stands(BLOCK, block, false);
}

static void test_6_5_soft_permit_is_blocked_by_lighter(void **state)
{
    add_callout(9, UNKNOWN, SCRIPT_PERMIT);
    uint64_t block = add(1, 1, BLOCK);
    assert_stands(BLOCK, block, false);
}

static void test_6_5_hard_permit_stands_against_a_filter(void **state)
{
    uint64_t permit = add(9, 1, PERMIT);
    scene_flags(&scene, permit, HARD);
    uint64_t block = add(1, 1, BLOCK);
    assert_stands(PERMIT, permit, false);
    assert_outcome(block, CLASSIFY_OVERRULED);
}

static void test_6_5_soft_block_is_permitted_by_lighter(void **state)
{
    add_callout(9, UNKNOWN, SCRIPT_BLOCK);
    uint64_t permit = add(1, 1, PERMIT);
    assert_stands(PERMIT, permit, true);
}

static void test_6_5_hard_block_of_a_callout_is_final(void **state)
{
    uint64_t block = add_callout(9, UNKNOWN, SCRIPT_BLOCK | SCRIPT_HARDEN);
    add(1, 1, PERMIT);
    assert_stands(BLOCK, block, false);
}

static void test_6_6_defaults_of_the_right(void **state)
{
    static const struct {
        FWP_ACTION_TYPE type;
        uint64_t script;
        uint32_t action;
        bool right;
    } cases[] = {{PERMIT, 0, PERMIT, true},
                 {BLOCK, 0, BLOCK, false},
                 {UNKNOWN, SCRIPT_PERMIT, PERMIT, true},
                 {UNKNOWN, SCRIPT_BLOCK, BLOCK, true},
                 {TERMINATING, SCRIPT_BLOCK, BLOCK, true}};
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        begin(state);
        add_callout(1, cases[i].type, cases[i].script);
        assert_stands(cases[i].action, 1, cases[i].right);
    }
}

static void test_6_7_flag_makes_a_permit_hard(void **state)
{
    scene_flags(&scene, add(1, 1, PERMIT), HARD);
    assert_stands(PERMIT, 1, false);
}

static void test_6_7_callout_clears_the_right_itself(void **state)
{
    scene_flags(&scene, add_callout(1, UNKNOWN, SCRIPT_PERMIT), HARD);
    assert_stands(PERMIT, 1, true);
}

static void test_6_8_veto_overrides_a_hard_permit(void **state)
{
    scene_flags(&scene, add(9, 1, PERMIT), HARD);
    uint64_t veto = add_callout(1, UNKNOWN, SCRIPT_BLOCK);
    assert_stands(BLOCK, veto, false);
    assert_int_equal(scene_decide(&scene).flags & CLASSIFY_RESULT_VETO, CLASSIFY_RESULT_VETO);
    assert_outcome(veto, CLASSIFY_DECIDED);
}

static void test_6_8_block_after_a_hard_block_is_no_veto(void **state)
{
    uint64_t block = add(9, 1, BLOCK);
    uint64_t late = add_callout(1, UNKNOWN, SCRIPT_BLOCK);
    assert_stands(BLOCK, block, false);
    assert_int_equal(scene_decide(&scene).flags, 0);
    assert_outcome(late, CLASSIFY_OVERRULED);
}

static void test_6_9_permit_without_the_right_is_ignored(void **state)
{
    uint64_t block = add(9, 1, BLOCK);
    uint64_t permit = add_callout(1, UNKNOWN, SCRIPT_PERMIT);
    assert_stands(BLOCK, block, false);
    assert_outcome(permit, CLASSIFY_OVERRULED);
}

static void test_6_10_callout_sees_that_the_right_is_gone(void **state)
{
    scene_flags(&scene, add(9, 1, PERMIT), HARD);
    uint64_t callout = add_callout(1, UNKNOWN, SCRIPT_BLOCK | SCRIPT_POLITE);
    assert_stands(PERMIT, 1, false);
    assert_outcome(callout, CLASSIFY_CONTINUED);
}

static void test_6_10_right_given_up_without_a_decision_stays(void **state)
{
    add_callout(9, UNKNOWN, SCRIPT_NONE | SCRIPT_HARDEN);
    uint64_t permit = add(1, 1, PERMIT);
    assert_stands(PERMIT, permit, true);
}

static void test_6_11_nothing_matched(void **state)
{
    assert_stands(FWP_ACTION_NONE_NO_MATCH, 0, true);
    add_callout(1, UNKNOWN, SCRIPT_NONE);
    assert_stands(FWP_ACTION_NONE_NO_MATCH, 0, true);
}

static void test_6_13_inspection_never_decides(void **state)
{
    add_callout(9, INSPECTION, SCRIPT_BLOCK | SCRIPT_HARDEN);
    uint64_t permit = add(9, 0, PERMIT);
    assert_stands(PERMIT, permit, true);
    assert_outcome(1, CLASSIFY_CONTINUED);
}

static void test_6_13_inspection_does_not_veto(void **state)
{
    scene_flags(&scene, add(9, 1, PERMIT), HARD);
    add_callout(1, INSPECTION, SCRIPT_BLOCK);
    assert_stands(PERMIT, 1, false);
}

static void test_6_13_terminating_without_a_decision_blocks(void **state)
{
    add_callout(1, TERMINATING, SCRIPT_CONTINUE);
    assert_stands(BLOCK, 1, true);
}

static void test_6_14_layers_do_not_arbitrate_with_each_other(void **state)
{
    const struct layer_info *connect = scene.layer;
    scene.layer = layer_by_key(&FWPM_LAYER_ALE_AUTH_CONNECT_V6);
    scene_flags(&scene, add(9, 1, PERMIT), HARD);
    scene.layer = connect;
    uint64_t block = add(1, 1, BLOCK);
    assert_stands(BLOCK, block, false);
}

static void test_6_15_none_is_no_opinion(void **state)
{
    add_callout(9, UNKNOWN, SCRIPT_NONE);
    uint64_t lighter = add(9, 0, PERMIT);
    assert_stands(PERMIT, lighter, true);
}

static void unregistered(FWP_ACTION_TYPE type, uint32_t flags, uint32_t action, uint64_t id,
                         bool right)
{
    begin(NULL);
    uint64_t callout = add_callout(1, type, SCRIPT_PERMIT);
    scene_flags(&scene, callout, flags);
    scene_unregister(&scene, callout);
    assert_stands(action, id, right);
}

static void test_7_2_unregistered_callout(void **state)
{
    uint32_t permit = FWPM_FILTER_FLAG_PERMIT_IF_CALLOUT_UNREGISTERED;
    unregistered(TERMINATING, 0, BLOCK, 1, false);
    unregistered(UNKNOWN, 0, BLOCK, 1, false);
    unregistered(INSPECTION, 0, FWP_ACTION_NONE_NO_MATCH, 0, true);
    unregistered(TERMINATING, permit, PERMIT, 1, true);
    unregistered(UNKNOWN, permit | HARD, PERMIT, 1, false);
}

static void test_7_2_unregistered_callout_does_not_veto(void **state)
{
    scene_flags(&scene, add(9, 1, PERMIT), HARD);
    scene_unregister(&scene, add_callout(1, UNKNOWN, 0));
    assert_stands(PERMIT, 1, false);
}

static void test_13_5_absorbed_block_is_silent(void **state)
{
    add_callout(9, UNKNOWN, SCRIPT_BLOCK | SCRIPT_ABSORB);
    assert_int_equal(scene_decide(&scene).flags, CLASSIFY_RESULT_SILENT);
    uint64_t block = add(1, 1, BLOCK); /* somebody else's block is not silent */
    assert_stands(BLOCK, block, false);
    assert_int_equal(scene_decide(&scene).flags, 0);
}

static void test_13_5_only_a_block_is_absorbed(void **state)
{
    add_callout(1, UNKNOWN, SCRIPT_PERMIT | SCRIPT_ABSORB);
    assert_int_equal(scene_decide(&scene).flags, 0);
}

static void test_choice_equal_weights_go_by_filter_id(void **state)
{
    add(1, 7, PERMIT);
    add(1, 7, BLOCK);
    assert_stands(PERMIT, 1, true);
}

static void test_choice_sublayers_of_equal_weight_stay_apart(void **state)
{
    uint64_t permit = add(2, 1, PERMIT), block = add(1, 9, BLOCK);
    scene.view[permit - 1].sublayer_weight = scene.reference[permit - 1].sublayer_weight = 1;
    assert_stands(BLOCK, block, false);
    assert_outcome(permit, CLASSIFY_OVERRULED); /* the smaller GUID was asked first */
}

#define TEST(name) cmocka_unit_test_setup(name, begin)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_6_1_lighter_sublayers_are_visited_after_a_block),
        TEST(test_6_2_heaviest_match_of_a_sublayer_decides),
        TEST(test_6_2_continue_asks_the_next_filter),
        TEST(test_6_2_decision_of_a_callout_ends_the_sublayer),
        TEST(test_6_3_only_a_heavier_decision_of_its_sublayer_skips_a_filter),
        TEST(test_6_4_lighter_block_overrides_permit),
        TEST(test_6_4_block_without_the_right_is_final),
        TEST(test_6_5_soft_permit_is_blocked_by_lighter),
        TEST(test_6_5_hard_permit_stands_against_a_filter),
        TEST(test_6_5_soft_block_is_permitted_by_lighter),
        TEST(test_6_5_hard_block_of_a_callout_is_final),
        TEST(test_6_6_defaults_of_the_right),
        TEST(test_6_7_flag_makes_a_permit_hard),
        TEST(test_6_7_callout_clears_the_right_itself),
        TEST(test_6_8_veto_overrides_a_hard_permit),
        TEST(test_6_8_block_after_a_hard_block_is_no_veto),
        TEST(test_6_9_permit_without_the_right_is_ignored),
        TEST(test_6_10_callout_sees_that_the_right_is_gone),
        TEST(test_6_10_right_given_up_without_a_decision_stays),
        TEST(test_6_11_nothing_matched),
        TEST(test_6_13_inspection_never_decides),
        TEST(test_6_13_inspection_does_not_veto),
        TEST(test_6_13_terminating_without_a_decision_blocks),
        TEST(test_6_14_layers_do_not_arbitrate_with_each_other),
        TEST(test_6_15_none_is_no_opinion),
        TEST(test_7_2_unregistered_callout),
        TEST(test_7_2_unregistered_callout_does_not_veto),
        TEST(test_13_5_absorbed_block_is_silent),
        TEST(test_13_5_only_a_block_is_absorbed),
        TEST(test_choice_equal_weights_go_by_filter_id),
        TEST(test_choice_sublayers_of_equal_weight_stay_apart),
    };
    return cmocka_run_group_tests_name("arbitration", tests, NULL, NULL);
}
