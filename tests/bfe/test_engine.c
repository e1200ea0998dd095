/* What is enforced follows the model, by changes of the image and by whole new ones. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <fwpsu.h>

#include "bfe/engine.h"
#include "classify/evaluate.h"

#define PORTS        4096u
#define MANY_CHANGES 200000u /* enough for any image to be made anew */

/* A model with an engine that enforces nothing; filters block one port each. */
struct base {
    struct model *model;
    struct engine engine;
    struct model_session *session;
    sd_event *event;
    uint64_t ids[PORTS]; /* 0: the port is not blocked */
    unsigned seed;
};

static uint32_t on_apply(void *ctx, const struct model_view *after, struct model_error *error)
{
    return engine_apply(&((struct base *)ctx)->engine, after, error);
}

static void on_event(void *ctx, const struct shim_event *event)
{
}

static void on_batch(void *ctx)
{
}

static int base_open(void **state)
{
    const struct bfe_options options = {.no_kernel = true};
    const struct model_caller root = {.privileged = true};
    struct base *base = calloc(1, sizeof(*base));
    const struct model_hooks hooks = {.ctx = base, .apply = on_apply};

    base->model = model_new(&hooks);
    base->engine.model = base->model;
    assert_int_equal(sd_event_new(&base->event), 0);
    assert_int_equal(engine_open(&base->engine, &options), -1);
    assert_int_equal(engine_start(&base->engine, base->event, on_event, on_batch, base), 0);
    assert_int_equal(model_session_open(base->model, NULL, &root, NULL, &base->session, NULL), 0);
    assert_int_equal(model_reapply(base->model, NULL), 0);
    *state = base;
    return 0;
}

static int base_close(void **state)
{
    struct base *base = *state;

    model_free(base->model);
    engine_close(&base->engine);
    sd_event_unref(base->event);
    free(base);
    return 0;
}

static void block(struct base *base, unsigned port)
{
    WCHAR name[] = u"port";
    FWPM_FILTER_CONDITION0 condition = {
        .fieldKey = FWPM_CONDITION_IP_REMOTE_PORT,
        .conditionValue = {.type = FWP_UINT16, .uint16 = (UINT16)port},
    };
    FWPM_FILTER0 filter = {
        .displayData.name = name,
        .layerKey = FWPM_LAYER_ALE_AUTH_CONNECT_V4,
        .action.type = FWP_ACTION_BLOCK,
        .numFilterConditions = 1,
        .filterCondition = &condition,
    };
    struct model_error error;

    assert_int_equal(model_filter_add(base->session, &filter, NULL, NULL, &base->ids[port], &error),
                     0);
}

static void unblock(struct base *base, unsigned port)
{
    assert_int_equal(model_delete_by_id(base->session, MODEL_FILTER, base->ids[port], NULL), 0);
    base->ids[port] = 0;
}

/* Blocks or frees a port, one of which 's turn comes by chance. */
static void change_one(struct base *base)
{
    unsigned port = (unsigned)rand_r(&base->seed) % PORTS;

    if (base->ids[port])
        unblock(base, port);
    else
        block(base, port);
}

static bool is_blocked(const struct base *base, unsigned port)
{
    struct classify_walk walk = {.layer = FWPS_LAYER_ALE_AUTH_CONNECT_V4};

    walk.key.present = UINT64_C(1) << CLASSIFY_REMOTE_PORT;
    walk.key.value[CLASSIFY_REMOTE_PORT] = port;
    classify_evaluate(base->engine.image, &walk, NULL);
    return walk.result.action == FWP_ACTION_BLOCK;
}

static void check(const struct base *base)
{
    for (unsigned port = 0; port < PORTS; port++)
        assert_int_equal(is_blocked(base, port), base->ids[port] != 0);
}

static void test_each_commit_is_in_force_at_once(void **state)
{
    struct base *base = *state;

    for (unsigned i = 0; i < 2000; i++) {
        unsigned port = i * 7 % PORTS;

        block(base, port);
        assert_true(is_blocked(base, port));
        if (i % 3 == 0) {
            unblock(base, port);
            assert_false(is_blocked(base, port));
        }
    }
    check(base);
}

static void test_a_change_keeps_the_image_and_a_long_transaction_makes_another(void **state)
{
    struct base *base = *state;
    const struct classify_image *image;

    for (unsigned port = 0; port < 1000; port++)
        block(base, port);
    image = base->engine.image;
    block(base, 1000);
    assert_ptr_equal(base->engine.image, image);
    assert_int_equal(model_txn_begin(base->session, 0, NULL), 0);
    for (unsigned port = 0; port < PORTS; port++)
        base->ids[port] ? unblock(base, port) : block(base, port);
    assert_int_equal(model_txn_commit(base->session, NULL), 0);
    assert_ptr_not_equal(base->engine.image, image);
    check(base);
}

static void test_added_and_deleted_in_one_transaction(void **state)
{
    struct base *base = *state;

    block(base, 1);
    assert_int_equal(model_txn_begin(base->session, 0, NULL), 0);
    unblock(base, 1);
    block(base, 2);
    block(base, 3);
    unblock(base, 3);
    assert_int_equal(model_txn_commit(base->session, NULL), 0);
    check(base);
}

static void test_what_falls_with_its_session_is_out_of_force(void **state)
{
    struct base *base = *state;
    const struct model_caller root = {.privileged = true};
    const FWPM_SESSION0 dynamic = {.flags = FWPM_SESSION_FLAG_DYNAMIC};
    struct model_session *keeper = base->session;

    block(base, 1);
    assert_int_equal(model_session_open(base->model, &dynamic, &root, NULL, &base->session, NULL),
                     0);
    block(base, 2);
    block(base, 3);
    check(base);
    model_session_close(base->session);
    base->session = keeper;
    base->ids[2] = base->ids[3] = 0;
    check(base);
}

/* The last is one that no classifier takes: nothing of the transaction is in force. */
static void test_a_refused_transaction_changes_nothing(void **state)
{
    struct base *base = *state;
    WCHAR name[] = u"prefix", path[] = u"/usr";
    FWP_BYTE_BLOB blob = {sizeof(path), (UINT8 *)path};
    FWPM_FILTER_CONDITION0 condition = {
        .fieldKey = FWPM_CONDITION_ALE_APP_ID,
        .matchType = FWP_MATCH_PREFIX,
        .conditionValue = {.type = FWP_BYTE_BLOB_TYPE, .byteBlob = &blob},
    };
    FWPM_FILTER0 filter = {
        .displayData.name = name,
        .layerKey = FWPM_LAYER_ALE_AUTH_CONNECT_V4,
        .action.type = FWP_ACTION_BLOCK,
        .numFilterConditions = 1,
        .filterCondition = &condition,
    };
    struct model_error error;

    block(base, 1);
    assert_int_equal(model_txn_begin(base->session, 0, NULL), 0);
    block(base, 2);
    assert_int_equal(model_filter_add(base->session, &filter, NULL, NULL, NULL, &error), 0);
    assert_int_not_equal(model_txn_commit(base->session, &error), 0);
    base->ids[2] = 0;
    check(base);
    block(base, 3);
    check(base);
}

/* ---- what explain tells of changed images ---- */

#define ANY_PORT_WEIGHTS 5

static void add_weighted(struct base *base, uint64_t weight)
{
    WCHAR name[] = u"any port";
    FWPM_FILTER0 filter = {
        .displayData.name = name,
        .layerKey = FWPM_LAYER_ALE_AUTH_CONNECT_V4,
        .action.type = FWP_ACTION_BLOCK,
        .weight = {.type = FWP_UINT64, .uint64 = &weight},
    };
    uint64_t id;

    assert_int_equal(model_filter_add(base->session, &filter, NULL, NULL, &id, NULL), 0);
    base->ids[weight] = id;
}

struct seen {
    uint64_t ids[ANY_PORT_WEIGHTS + 1];
    size_t count;
};

static void note_seen(void *ctx, const struct classify_filter *filter,
                      enum classify_outcome outcome, const struct classify_result *after)
{
    struct seen *seen = ctx;

    assert_true(seen->count < ANY_PORT_WEIGHTS);
    assert_int_equal(outcome, seen->count ? CLASSIFY_SKIPPED : CLASSIFY_DECIDED);
    seen->ids[seen->count++] = filter->id;
}

static void check_all_seen_in_order(const struct base *base, uint64_t heaviest)
{
    struct classify_walk walk = {.layer = FWPS_LAYER_ALE_AUTH_CONNECT_V4};
    struct seen seen = {.count = 0};
    const struct classify_trace trace = {.ctx = &seen, .matched = note_seen};

    classify_evaluate(base->engine.image, &walk, &trace);
    assert_int_equal(seen.count, heaviest);
    for (uint64_t weight = heaviest; weight > 0; weight--)
        assert_int_equal(seen.ids[heaviest - weight], base->ids[weight]);
}

/* Weights 1 and 3 as a whole image, the others as changes of it: among, behind and before them. */
static void test_trace_has_what_is_behind_in_order(void **state)
{
    struct base *base = *state;

    add_weighted(base, 1);
    add_weighted(base, 3);
    assert_int_equal(model_reapply(base->model, NULL), 0);
    add_weighted(base, 2);
    check_all_seen_in_order(base, 3);
    add_weighted(base, 5);
    add_weighted(base, 4);
    check_all_seen_in_order(base, 5);
    assert_int_equal(model_delete_by_id(base->session, MODEL_FILTER, base->ids[5], NULL), 0);
    check_all_seen_in_order(base, 4);
}

/* ---- made anew in the background ---- */

static void change_until_rebuilding(struct base *base)
{
    for (unsigned i = 0; i < MANY_CHANGES && !base->engine.rebuild.work; i++)
        change_one(base);
    assert_non_null(base->engine.rebuild.work);
}

static void await_rebuild(struct base *base)
{
    while (base->engine.rebuild.work)
        assert_true(sd_event_run(base->event, UINT64_MAX) >= 0);
}

static void test_rebuilt_image_has_what_was_changed_meanwhile(void **state)
{
    struct base *base = *state;

    for (unsigned round = 1; round <= 3; round++) {
        change_until_rebuilding(base);
        for (unsigned i = 0; i < 100; i++)
            change_one(base);
        check(base);
        await_rebuild(base);
        check(base);
        assert_int_equal(base->engine.rebuilds, round);
        for (unsigned i = 0; i < 100; i++)
            change_one(base);
        check(base);
    }
}

static void test_whole_new_image_outruns_the_rebuilt(void **state)
{
    struct base *base = *state;

    change_until_rebuilding(base);
    assert_int_equal(model_reapply(base->model, NULL), 0);
    change_one(base);
    await_rebuild(base);
    assert_int_equal(base->engine.rebuilds, 0);
    check(base);
}

static void test_engine_closes_while_it_rebuilds(void **state)
{
    change_until_rebuilding(*state);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, base_open, base_close)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_each_commit_is_in_force_at_once),
        TEST(test_a_change_keeps_the_image_and_a_long_transaction_makes_another),
        TEST(test_added_and_deleted_in_one_transaction),
        TEST(test_what_falls_with_its_session_is_out_of_force),
        TEST(test_a_refused_transaction_changes_nothing),
        TEST(test_trace_has_what_is_behind_in_order),
        TEST(test_rebuilt_image_has_what_was_changed_meanwhile),
        TEST(test_whole_new_image_outruns_the_rebuilt),
        TEST(test_engine_closes_while_it_rebuilds),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
