/* Many filters in several layers: each layer's trees are as good as if it were alone. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include <fwpmu.h>

#include "classify/compile.h"
#include "classify/statistics.h"
#include "random_policy.h"

#define FILTERS 3000 /* a layer */
#define LONGEST 64   /* filters that one key may have to look at */

struct many {
    struct model_view_filter view[3 * FILTERS];
    FWPM_FILTER0 filters[3 * FILTERS];
    FWPM_FILTER_CONDITION0 conditions[3 * FILTERS];
    size_t count;
};

/* Blocks one port each. */
static void add_layer(struct many *many, const GUID *layer)
{
    for (uint32_t i = 0; i < FILTERS; i++) {
        size_t n = many->count++;

        many->conditions[n] = (FWPM_FILTER_CONDITION0){
            .fieldKey = FWPM_CONDITION_IP_REMOTE_PORT,
            .conditionValue = {.type = FWP_UINT16, .uint16 = (UINT16)(1024 + i)}};
        many->filters[n] = (FWPM_FILTER0){.layerKey = *layer,
                                          .filterId = n + 1,
                                          .numFilterConditions = 1,
                                          .filterCondition = &many->conditions[n],
                                          .action.type = FWP_ACTION_BLOCK};
        many->view[n] =
            (struct model_view_filter){.filter = &many->filters[n], .weight = FILTERS - i};
    }
}

static void test_layers_do_not_share_a_budget(void **state)
{
    struct many *many = calloc(1, sizeof *many);
    struct classify_statistics *statistics = calloc(1, sizeof *statistics);
    struct classify_image *image;
    struct model_error error = {0};

    assert_non_null(many);
    assert_non_null(statistics);
    add_layer(many, &FWPM_LAYER_ALE_AUTH_RECV_ACCEPT_V4);
    add_layer(many, &FWPM_LAYER_ALE_AUTH_CONNECT_V4);
    add_layer(many, &FWPM_LAYER_ALE_AUTH_CONNECT_V6);
    assert_int_equal(ERROR_SUCCESS,
                     classify_compile(many->view, many->count, &random_intern, &image, &error));
    classify_statistics(image, statistics);
    assert_int_equal(3, statistics->layer_count);
    for (size_t i = 0; i < statistics->layer_count; i++) {
        assert_int_equal(FILTERS, statistics->layers[i].filters);
        assert_in_range(statistics->layers[i].longest, 1, LONGEST);
    }
    classify_image_free(image);
    free(statistics);
    free(many);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_layers_do_not_share_a_budget),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
