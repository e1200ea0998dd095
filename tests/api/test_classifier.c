/* openwfp.h: what OpenWfpClassifierGet tells of the policy in force. */
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <fwpsu.h>

#include "place.h"

#define BASE 500u

static WCHAR name[] = u"one of many";

static OPENWFP_CLASSIFIER *get(HANDLE engine)
{
    OPENWFP_CLASSIFIER *classifier = NULL;

    assert_ok(OpenWfpClassifierGet(engine, &classifier));
    assert_non_null(classifier);
    return classifier;
}

static void done(OPENWFP_CLASSIFIER *classifier)
{
    FwpmFreeMemory0((void **)&classifier);
}

/* NULL: the layer has no filters. */
static const OPENWFP_CLASSIFIER_LAYER *connect_layer(const OPENWFP_CLASSIFIER *classifier)
{
    for (UINT32 i = 0; i < classifier->numLayers; i++)
        if (classifier->layers[i].layerId == FWPS_LAYER_ALE_AUTH_CONNECT_V4)
            return &classifier->layers[i];
    return NULL;
}

static UINT64 add_one(HANDLE engine, UINT32 address)
{
    FWPM_FILTER_CONDITION0 condition = {.fieldKey = FWPM_CONDITION_IP_REMOTE_ADDRESS,
                                        .conditionValue = {.type = FWP_UINT32, .uint32 = address}};
    FWPM_FILTER0 filter = {.displayData.name = name,
                           .layerKey = FWPM_LAYER_ALE_AUTH_CONNECT_V4,
                           .action.type = FWP_ACTION_BLOCK,
                           .numFilterConditions = 1,
                           .filterCondition = &condition};
    UINT64 id;

    assert_ok(FwpmFilterAdd0(engine, &filter, NULL, &id));
    return id;
}

/* So many filters in one commit; the ids. */
static UINT64 *add_base(HANDLE engine)
{
    UINT64 *ids = calloc(BASE, sizeof(*ids));

    assert_non_null(ids);
    assert_ok(FwpmTransactionBegin0(engine, 0));
    for (UINT32 i = 0; i < BASE; i++)
        ids[i] = add_one(engine, 0x0a000000 + i);
    assert_ok(FwpmTransactionCommit0(engine));
    return ids;
}

static void test_no_filters_no_layers(void **state)
{
    HANDLE engine = engine_open(0);
    OPENWFP_CLASSIFIER *classifier = get(engine);

    assert_null(connect_layer(classifier));
    assert_int_equal(classifier->rebuild, OPENWFP_REBUILD_NONE);
    done(classifier);
    assert_int_equal(OpenWfpClassifierGet(engine, NULL), FWP_E_NULL_POINTER);
    assert_ok(FwpmEngineClose0(engine));
    assert_int_equal(OpenWfpClassifierGet(NULL, &classifier), ERROR_INVALID_HANDLE);
}

static void test_a_large_commit_is_a_whole_image(void **state)
{
    HANDLE engine = engine_open(FWPM_SESSION_FLAG_DYNAMIC);
    OPENWFP_CLASSIFIER *before = get(engine), *after;
    const OPENWFP_CLASSIFIER_LAYER *layer;

    free(add_base(engine));
    after = get(engine);
    layer = connect_layer(after);
    assert_non_null(layer);
    assert_int_equal(layer->filters, BASE);
    assert_true(layer->records >= BASE);
    assert_int_equal(layer->overlay, 0);
    assert_true(layer->trees > 0 && layer->depth > 0);
    assert_true(layer->longest < BASE && layer->worst >= layer->longest);
    assert_true(layer->recordBytes > 0 && layer->treeBytes > 0);
    assert_true(after->size >= layer->recordBytes + layer->treeBytes + after->reserve);
    assert_int_equal(after->images, before->images + 1);
    assert_int_equal(after->changes, before->changes);
    assert_int_equal(after->imageChanges, 0);
    assert_int_equal(after->overlay, 0);
    done(before);
    done(after);
    assert_ok(FwpmEngineClose0(engine));
}

static void test_small_commits_are_changes_in_place(void **state)
{
    HANDLE engine = engine_open(FWPM_SESSION_FLAG_DYNAMIC);
    UINT64 *ids = add_base(engine);
    OPENWFP_CLASSIFIER *before = get(engine), *after;

    add_one(engine, 0x0b000001);
    assert_ok(FwpmFilterDeleteById0(engine, ids[7]));
    after = get(engine);
    assert_int_equal(connect_layer(after)->filters, BASE);
    assert_int_equal(connect_layer(after)->overlay, 1);
    assert_int_equal(after->overlay, 1);
    assert_int_equal(after->deleted, 1);
    assert_int_equal(after->imageChanges, 2);
    assert_int_equal(after->changes, before->changes + 2);
    assert_int_equal(after->images, before->images);
    assert_true(after->generation > before->generation);
    assert_true(after->reserveUsed > 0 && after->reserveUsed <= after->reserve);
    assert_int_equal(after->size, before->size);
    done(before);
    done(after);
    free(ids);
    assert_ok(FwpmEngineClose0(engine));
}

static void test_many_changes_are_folded_in(void **state)
{
    HANDLE engine = engine_open(FWPM_SESSION_FLAG_DYNAMIC);
    UINT64 *ids = add_base(engine), rebuilds = 0;
    OPENWFP_CLASSIFIER *before = get(engine), *after;

    for (UINT32 i = 0; i < 600; i++)
        add_one(engine, 0x0b000000 + i);
    for (unsigned tries = 0; tries < 1000; tries++) {
        after = get(engine);
        rebuilds = after->rebuilds;
        if (rebuilds > before->rebuilds && after->rebuild == OPENWFP_REBUILD_NONE)
            break;
        done(after);
        usleep(10000);
    }
    assert_true(rebuilds > before->rebuilds);
    assert_int_equal(connect_layer(after)->filters, BASE + 600);
    assert_true(connect_layer(after)->overlay < 600);
    assert_true(after->rebuildTime > 0);
    assert_int_equal(after->images, before->images);
    done(before);
    done(after);
    free(ids);
    assert_ok(FwpmEngineClose0(engine));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_no_filters_no_layers),
        cmocka_unit_test(test_a_large_commit_is_a_whole_image),
        cmocka_unit_test(test_small_commits_are_changes_in_place),
        cmocka_unit_test(test_many_changes_are_folded_in),
    };

    return cmocka_run_group_tests(tests, place_setup, place_teardown);
}
