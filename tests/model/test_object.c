/* Adding, getting and deleting objects: keys, ids, flags, sublayers, callouts (5.x, 7.x, 8.x). */
#include "support.h"

static uint32_t add_with(struct world *w, const FWPM_FILTER0 *filter)
{
    w->error = (struct model_error){0};
    return model_filter_add(w->root, filter, NULL, NULL, NULL, &w->error);
}

/* ---- rule 8.7: keys, ids, names ---- */

static void test_8_7_zero_key_is_generated(void **state)
{
    WORLD;
    FWPM_FILTER0 filter = a_filter(1);
    GUID first, second;

    filter.filterKey = (GUID){0};
    assert_works(w, model_filter_add(w->root, &filter, NULL, &first, NULL, &w->error));
    assert_works(w, model_filter_add(w->root, &filter, NULL, &second, NULL, &w->error));
    assert_false(guid_is_zero(&first));
    assert_false(guid_equal(&first, &second));
}

static void test_8_7_keys_are_unique_per_type(void **state)
{
    WORLD;

    assert_works(w, add_provider(w->root, 1, 0));
    assert_works(w, add_sublayer(w->root, 1, 5));
    assert_works(w, add_callout(w->root, 1));
    assert_works(w, add_filter(w->root, 1));
    FWPM_FILTER0 again = a_filter(1);
    assert_fails(w, add_with(w, &again), FWP_E_ALREADY_EXISTS);
    assert_int_equal(add_provider(w->root, 1, 0), FWP_E_ALREADY_EXISTS);
    assert_int_equal(add_sublayer(w->root, 1, 5), FWP_E_ALREADY_EXISTS);
    assert_int_equal(add_callout(w->root, 1), FWP_E_ALREADY_EXISTS);
}

static void test_8_7_ids_are_given_by_the_engine(void **state)
{
    WORLD;
    FWPM_FILTER0 filter = a_filter(1);
    struct model_object object;
    uint64_t first, second;

    filter.filterId = 77;
    assert_works(w, model_filter_add(w->root, &filter, NULL, NULL, &first, &w->error));
    filter.filterKey = key_of(2);
    assert_works(w, model_filter_add(w->root, &filter, NULL, NULL, &second, &w->error));
    assert_true(second > first);
    assert_works(w, model_get_by_id(w->root, MODEL_FILTER, second, &object, &w->error));
    assert_int_equal(object.filter->filterId, second);
    assert_true(guid_equal(&object.filter->filterKey, &filter.filterKey));
    assert_fails(w, model_get_by_id(w->root, MODEL_FILTER, second + 1, &object, &w->error),
                 FWP_E_FILTER_NOT_FOUND);
    assert_works(w, model_delete_by_id(w->root, MODEL_FILTER, first, &w->error));
    assert_false(sees(w->root, MODEL_FILTER, 1));
}

static void test_8_7_display_name_is_required(void **state)
{
    WORLD;
    FWPM_FILTER0 filter = a_filter(1);
    FWPM_PROVIDER0 provider = a_provider(1);

    filter.displayData.name = NULL;
    provider.displayData.name = NULL;
    assert_fails(w, add_with(w, &filter), FWP_E_NULL_DISPLAY_NAME);
    assert_fails(w, model_provider_add(w->root, &provider, NULL, NULL, &w->error),
                 FWP_E_NULL_DISPLAY_NAME);
}

static void test_objects_are_copied_deeply(void **state)
{
    WORLD;
    GUID provider_key = key_of(9);
    uint8_t bytes[] = "private";
    WCHAR name[] = u"changes";
    FWPM_FILTER_CONDITION0 port =
        condition(&FWPM_CONDITION_IP_REMOTE_PORT, FWP_MATCH_EQUAL, u16(80));
    FWPM_FILTER0 filter = a_filter(1);
    struct model_object object;
    GUID key = key_of(1);

    assert_works(w, add_provider(w->root, 9, 0));
    filter.displayData.name = name;
    filter.providerKey = &provider_key;
    filter.providerData = (FWP_BYTE_BLOB){.size = sizeof(bytes), .data = bytes};
    filter.numFilterConditions = 1;
    filter.filterCondition = &port;
    assert_works(w, add_with(w, &filter));
    memset(bytes, 0, sizeof(bytes));
    memset(name, 0, sizeof(name));
    memset(&provider_key, 0, sizeof(provider_key));
    port.conditionValue.uint16 = 81;
    assert_works(w, model_get_by_key(w->root, MODEL_FILTER, &key, &object, &w->error));
    assert_int_equal(utf16_compare(object.filter->displayData.name, u"changes"), 0);
    assert_string_equal((char *)object.filter->providerData.data, "private");
    assert_int_equal(object.filter->providerKey->Data1, 9);
    assert_int_equal(object.filter->filterCondition[0].conditionValue.uint16, 80);
}

static void test_not_found_has_its_code_for_each_kind(void **state)
{
    WORLD;
    static const uint32_t codes[] = {[MODEL_PROVIDER] = FWP_E_PROVIDER_NOT_FOUND,
                                     [MODEL_SUBLAYER] = FWP_E_SUBLAYER_NOT_FOUND,
                                     [MODEL_PROVIDER_CONTEXT] = FWP_E_PROVIDER_CONTEXT_NOT_FOUND,
                                     [MODEL_CALLOUT] = FWP_E_CALLOUT_NOT_FOUND,
                                     [MODEL_FILTER] = FWP_E_FILTER_NOT_FOUND,
                                     [MODEL_LAYER] = FWP_E_LAYER_NOT_FOUND};
    struct model_object object;
    GUID key = key_of(1);

    for (unsigned kind = 0; kind <= MODEL_LAYER; kind++)
        assert_fails(w, model_get_by_key(w->root, kind, &key, &object, &w->error), codes[kind]);
    for (unsigned kind = 0; kind < MODEL_LAYER; kind++)
        assert_fails(w, model_delete_by_key(w->root, kind, &key, &w->error), codes[kind]);
}

/* ---- rule 8.2: flags ---- */

static void test_8_2_output_only_and_unknown_flags_are_refused(void **state)
{
    WORLD;
    static const uint32_t filter_flags[] = {
        FWPM_FILTER_FLAG_DISABLED, FWPM_FILTER_FLAG_INDEXED, 0x80000000,
        FWPM_FILTER_FLAG_PERSISTENT | FWPM_FILTER_FLAG_BOOTTIME};
    FWPM_PROVIDER0 provider = a_provider(1);
    FWPM_SUBLAYER0 sublayer = a_sublayer(1, 1);
    FWPM_CALLOUT0 callout = a_callout(1, &FWPM_LAYER_ALE_AUTH_CONNECT_V4);

    for (size_t i = 0; i < sizeof(filter_flags) / sizeof(filter_flags[0]); i++) {
        FWPM_FILTER0 filter = a_filter(1);

        filter.flags = filter_flags[i];
        assert_fails(w, add_with(w, &filter), FWP_E_INVALID_FLAGS);
    }
    provider.flags = FWPM_PROVIDER_FLAG_DISABLED;
    assert_fails(w, model_provider_add(w->root, &provider, NULL, NULL, &w->error),
                 FWP_E_INVALID_FLAGS);
    sublayer.flags = 0x10;
    assert_fails(w, model_sublayer_add(w->root, &sublayer, NULL, NULL, &w->error),
                 FWP_E_INVALID_FLAGS);
    callout.flags = FWPM_CALLOUT_FLAG_REGISTERED;
    assert_fails(w, model_callout_add(w->root, &callout, NULL, NULL, NULL, &w->error),
                 FWP_E_INVALID_FLAGS);
}

/* ---- layers and actions ---- */

static void test_1_6_reserved_and_unknown_layers_refuse_filters(void **state)
{
    WORLD;
    FWPM_FILTER0 filter = a_filter(1);

    filter.layerKey = key_of(3);
    assert_fails(w, add_with(w, &filter), FWP_E_LAYER_NOT_FOUND);
    filter.layerKey = FWPM_LAYER_INBOUND_TRANSPORT_FAST;
    assert_fails(w, add_with(w, &filter), FWP_E_LAYER_NOT_FOUND);
}

static void test_layers_known_by_name_only_refuse_filters(void **state)
{
    WORLD;
    unsigned named = 0;

    for (size_t i = 0; i < layer_count(); i++) {
        const struct layer_info *layer = layer_at(i);
        FWPM_FILTER0 filter = a_filter((uint32_t)i + 100);

        if (guid_is_zero(&layer->key))
            continue;
        filter.layerKey = layer->key;
        uint32_t rc = add_with(w, &filter);
        assert_int_equal(rc, layer_refusal(layer));
        if (rc == ERROR_NOT_SUPPORTED) {
            assert_non_null(strstr(w->error.text, layer->name));
            named++;
        }
    }
    assert_true(named > 0);
}

static void test_6_13_actions_a_filter_may_have(void **state)
{
    WORLD;
    static const uint32_t bad[] = {FWP_ACTION_CONTINUE, FWP_ACTION_NONE, FWP_ACTION_NONE_NO_MATCH,
                                   0, 0x5004};

    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        FWPM_FILTER0 filter = a_filter(1);

        filter.action.type = bad[i];
        assert_fails(w, add_with(w, &filter), FWP_E_INVALID_ACTION_TYPE);
    }
}

/* ---- sublayers ---- */

static void test_5_2_null_sublayer_is_the_layers_default(void **state)
{
    WORLD;
    struct model_object object;
    GUID key = key_of(1);

    assert_works(w, add_filter(w->root, 1));
    assert_works(w, model_get_by_key(w->root, MODEL_FILTER, &key, &object, &w->error));
    assert_true(guid_equal(&object.filter->subLayerKey, &FWPM_SUBLAYER_UNIVERSAL));
}

static void test_5_3_at_most_65536_sublayers(void **state)
{
    WORLD;
    uint32_t there = (uint32_t)model_count(w->model, MODEL_SUBLAYER);
    FWPM_SUBLAYER0 sublayer;

    assert_works(w, model_txn_begin(w->root, 0, &w->error));
    for (uint32_t i = there; i < MODEL_MAX_SUBLAYERS; i++)
        assert_works(w, add_sublayer(w->root, i, (uint16_t)i));
    sublayer = a_sublayer(MODEL_MAX_SUBLAYERS, 1);
    assert_fails(w, model_sublayer_add(w->root, &sublayer, NULL, NULL, &w->error),
                 FWP_E_TOO_MANY_SUBLAYERS);
    assert_works(w, model_txn_commit(w->root, &w->error));
    assert_int_equal(model_count(w->model, MODEL_SUBLAYER), MODEL_MAX_SUBLAYERS);
}

static void test_5_4_inspection_sublayer_takes_inspection_filters_only(void **state)
{
    WORLD;
    FWPM_FILTER0 filter = a_filter(1);
    struct model_object object;

    filter.subLayerKey = FWPM_SUBLAYER_INSPECTION;
    assert_fails(w, add_with(w, &filter), FWP_E_ACTION_INCOMPATIBLE_WITH_SUBLAYER);
    assert_works(w, add_callout(w->root, 5));
    filter.action.calloutKey = key_of(5);
    filter.action.type = FWP_ACTION_CALLOUT_UNKNOWN;
    assert_fails(w, add_with(w, &filter), FWP_E_ACTION_INCOMPATIBLE_WITH_SUBLAYER);
    filter.action.type = FWP_ACTION_CALLOUT_INSPECTION;
    assert_works(w, add_with(w, &filter));
    assert_works(w, model_get_by_key(w->root, MODEL_SUBLAYER, &FWPM_SUBLAYER_INSPECTION, &object,
                                     &w->error));
    assert_int_equal(object.sublayer->weight, 0);
}

static void test_5_5_sublayers_may_share_a_weight(void **state)
{
    WORLD;

    assert_works(w, add_sublayer(w->root, 1, FWP_EMPTY));
    assert_works(w, add_sublayer(w->root, 2, FWP_EMPTY));
}

/* ---- callouts ---- */

static void test_7_1_register_and_add_give_one_id_in_either_order(void **state)
{
    WORLD;
    FWPM_CALLOUT0 callout = a_callout(1, &FWPM_LAYER_ALE_AUTH_CONNECT_V4);
    uint32_t registered, added;
    GUID key = key_of(1);

    assert_works(w, model_callout_register(w->model, &key, 0, &registered, &w->error));
    assert_works(w, model_callout_add(w->root, &callout, NULL, NULL, &added, &w->error));
    assert_int_equal(added, registered);
    callout.calloutKey = key = key_of(2);
    assert_works(w, model_callout_add(w->root, &callout, NULL, NULL, &added, &w->error));
    assert_int_not_equal(added, registered);
    assert_works(w, model_callout_register(w->model, &key, 1, &registered, &w->error));
    assert_int_equal(added, registered);
}

static void test_7_2_permit_if_unregistered_goes_with_deciding_callouts(void **state)
{
    WORLD;
    static const struct {
        uint32_t action, rc;
    } rows[] = {{FWP_ACTION_BLOCK, FWP_E_INVALID_FLAGS},
                {FWP_ACTION_CALLOUT_INSPECTION, FWP_E_INVALID_FLAGS},
                {FWP_ACTION_CALLOUT_TERMINATING, ERROR_SUCCESS},
                {FWP_ACTION_CALLOUT_UNKNOWN, ERROR_SUCCESS}};

    assert_works(w, add_callout(w->root, 9));
    for (uint32_t i = 0; i < 4; i++) {
        FWPM_FILTER0 filter = a_filter(i);

        filter.action.type = rows[i].action;
        filter.action.calloutKey = key_of(9);
        filter.flags = FWPM_FILTER_FLAG_PERMIT_IF_CALLOUT_UNREGISTERED;
        assert_int_equal(add_with(w, &filter), rows[i].rc);
    }
}

static void test_7_3_callout_is_for_its_layer(void **state)
{
    WORLD;
    FWPM_FILTER0 filter = a_filter(1);

    filter.action.type = FWP_ACTION_CALLOUT_TERMINATING;
    filter.action.calloutKey = key_of(5);
    assert_fails(w, add_with(w, &filter), FWP_E_CALLOUT_NOT_FOUND);
    assert_works(w, add_callout(w->root, 5));
    filter.layerKey = FWPM_LAYER_ALE_AUTH_CONNECT_V6;
    assert_fails(w, add_with(w, &filter), FWP_E_INCOMPATIBLE_LAYER);
    filter.layerKey = FWPM_LAYER_ALE_AUTH_CONNECT_V4;
    assert_works(w, add_with(w, &filter));
}

static void test_7_3_callout_needs_a_layer(void **state)
{
    WORLD;
    GUID nowhere = key_of(77);
    FWPM_CALLOUT0 callout = a_callout(1, &nowhere);

    assert_fails(w, model_callout_add(w->root, &callout, NULL, NULL, NULL, &w->error),
                 FWP_E_LAYER_NOT_FOUND);
}

static void test_7_8_register_twice_and_unregister_nothing(void **state)
{
    WORLD;
    GUID key = key_of(1);

    assert_fails(
        w, model_callout_register(w->model, &key, MODEL_CALLOUT_UNREGISTERED, NULL, &w->error),
        FWP_E_CALLOUT_NOT_FOUND);
    assert_works(w, model_callout_register(w->model, &key, 0, NULL, &w->error));
    assert_fails(w, model_callout_register(w->model, &key, 1, NULL, &w->error),
                 FWP_E_ALREADY_EXISTS);
    assert_works(
        w, model_callout_register(w->model, &key, MODEL_CALLOUT_UNREGISTERED, NULL, &w->error));
}

static void test_7_9_registered_flag_follows_the_code(void **state)
{
    WORLD;
    struct model_object object;
    GUID key = key_of(1);

    assert_works(w, add_callout(w->root, 1));
    assert_works(w, model_get_by_key(w->root, MODEL_CALLOUT, &key, &object, &w->error));
    assert_int_equal(object.callout->flags & FWPM_CALLOUT_FLAG_REGISTERED, 0);
    assert_works(w, model_callout_register(w->model, &key, 0, NULL, &w->error));
    assert_int_not_equal(object.callout->flags & FWPM_CALLOUT_FLAG_REGISTERED, 0);
    assert_works(
        w, model_callout_register(w->model, &key, MODEL_CALLOUT_UNREGISTERED, NULL, &w->error));
    assert_int_equal(object.callout->flags & FWPM_CALLOUT_FLAG_REGISTERED, 0);
}

static void test_7_9_callout_in_use_is_not_deleted(void **state)
{
    WORLD;
    FWPM_FILTER0 filter = a_filter(1);
    GUID callout = key_of(5), key = key_of(1);

    assert_works(w, add_callout(w->root, 5));
    filter.action.type = FWP_ACTION_CALLOUT_UNKNOWN;
    filter.action.calloutKey = callout;
    assert_works(w, add_with(w, &filter));
    assert_fails(w, model_delete_by_key(w->root, MODEL_CALLOUT, &callout, &w->error), FWP_E_IN_USE);
    assert_works(w, model_delete_by_key(w->root, MODEL_FILTER, &key, &w->error));
    assert_works(w, model_delete_by_key(w->root, MODEL_CALLOUT, &callout, &w->error));
}

static void test_25_at_most_100000_callouts(void **state)
{
    WORLD;
    uint32_t there = (uint32_t)model_count(w->model, MODEL_CALLOUT);
    FWPM_CALLOUT0 callout = a_callout(MODEL_MAX_CALLOUTS, &FWPM_LAYER_ALE_AUTH_CONNECT_V4);

    assert_works(w, model_txn_begin(w->root, 0, &w->error));
    for (uint32_t i = there; i < MODEL_MAX_CALLOUTS; i++)
        assert_works(w, add_callout(w->root, i));
    assert_fails(w, model_callout_add(w->root, &callout, NULL, NULL, NULL, &w->error),
                 FWP_E_TOO_MANY_CALLOUTS);
    assert_works(w, model_txn_abort(w->root, &w->error));
    assert_int_equal(model_count(w->model, MODEL_CALLOUT), there);
}

/* ---- provider contexts ---- */

static void test_provider_contexts_of_the_supported_types(void **state)
{
    WORLD;
    FWPM_CLASSIFY_OPTION0 option = {.type = FWP_CLASSIFY_OPTION_UNICAST_LIFETIME,
                                    .value = {.type = FWP_UINT32, .uint32 = 30}};
    FWPM_CLASSIFY_OPTIONS0 options = {.numOptions = 1, .options = &option};
    FWPM_PROVIDER_CONTEXT0 context = a_context(1);
    struct model_object object;
    uint64_t id;

    assert_works(w, model_provider_context_add(w->root, &context, NULL, NULL, &id, &w->error));
    assert_works(w, model_get_by_id(w->root, MODEL_PROVIDER_CONTEXT, id, &object, &w->error));
    assert_memory_equal(object.provider_context->dataBuffer->data, "data", 4);
    context = a_context(2);
    context.type = FWPM_CLASSIFY_OPTIONS_CONTEXT;
    context.classifyOptions = &options;
    assert_works(w, model_provider_context_add(w->root, &context, NULL, NULL, &id, &w->error));
    option.value.uint32 = 31;
    assert_works(w, model_get_by_id(w->root, MODEL_PROVIDER_CONTEXT, id, &object, &w->error));
    assert_int_equal(object.provider_context->classifyOptions->options[0].value.uint32, 30);
    context = a_context(3);
    context.type = FWPM_IPSEC_KEYING_CONTEXT;
    assert_fails(w, model_provider_context_add(w->root, &context, NULL, NULL, NULL, &w->error),
                 ERROR_NOT_SUPPORTED);
    context.type = 99;
    assert_fails(w, model_provider_context_add(w->root, &context, NULL, NULL, NULL, &w->error),
                 FWP_E_OUT_OF_BOUNDS);
}

static void test_filter_names_a_provider_context(void **state)
{
    WORLD;
    FWPM_PROVIDER_CONTEXT0 context = a_context(4);
    FWPM_FILTER0 filter = a_filter(1);
    GUID key = key_of(4);

    filter.flags = FWPM_FILTER_FLAG_HAS_PROVIDER_CONTEXT;
    filter.providerContextKey = key;
    assert_fails(w, add_with(w, &filter), FWP_E_PROVIDER_CONTEXT_NOT_FOUND);
    assert_works(w, model_provider_context_add(w->root, &context, NULL, NULL, NULL, &w->error));
    assert_works(w, add_with(w, &filter));
    assert_fails(w, model_delete_by_key(w->root, MODEL_PROVIDER_CONTEXT, &key, &w->error),
                 FWP_E_IN_USE);
}

/* ---- the rest ---- */

static void test_pointers_to_nothing_are_refused(void **state)
{
    WORLD;
    FWPM_FILTER0 filter = a_filter(1);
    FWPM_PROVIDER_CONTEXT0 context = a_context(1);
    FWP_BYTE_BLOB no_sd = {.size = 4, .data = (UINT8 *)"junk"};

    filter.numFilterConditions = 3;
    assert_fails(w, add_with(w, &filter), FWP_E_NULL_POINTER);
    filter = a_filter(1);
    filter.providerData.size = 8;
    assert_fails(w, add_with(w, &filter), FWP_E_NULL_POINTER);
    context.dataBuffer = NULL;
    assert_fails(w, model_provider_context_add(w->root, &context, NULL, NULL, NULL, &w->error),
                 FWP_E_NULL_POINTER);
    filter = a_filter(1);
    assert_fails(w, model_filter_add(w->root, &filter, &no_sd, NULL, NULL, &w->error),
                 ERROR_INVALID_SECURITY_DESCR);
}

static void test_14_2_engine_options(void **state)
{
    WORLD;
    FWP_VALUE0 value = {.type = FWP_UINT32, .uint32 = 0};

    assert_works(
        w, model_engine_set_option(w->root, FWPM_ENGINE_COLLECT_NET_EVENTS, &value, &w->error));
    assert_int_equal(model_engine_option(w->model, FWPM_ENGINE_COLLECT_NET_EVENTS), 0);
    value.type = FWP_UINT16;
    assert_fails(
        w, model_engine_set_option(w->root, FWPM_ENGINE_COLLECT_NET_EVENTS, &value, &w->error),
        FWP_E_TYPE_MISMATCH);
    assert_fails(w, model_engine_get_option(w->root, 99, &value, &w->error), FWP_E_OUT_OF_BOUNDS);
    assert_works(
        w, model_engine_get_option(w->root, FWPM_ENGINE_COLLECT_NET_EVENTS, &value, &w->error));
    assert_int_equal(value.type, FWP_UINT32);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, world_setup, world_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_8_7_zero_key_is_generated),
        TEST(test_8_7_keys_are_unique_per_type),
        TEST(test_8_7_ids_are_given_by_the_engine),
        TEST(test_8_7_display_name_is_required),
        TEST(test_objects_are_copied_deeply),
        TEST(test_not_found_has_its_code_for_each_kind),
        TEST(test_8_2_output_only_and_unknown_flags_are_refused),
        TEST(test_1_6_reserved_and_unknown_layers_refuse_filters),
        TEST(test_layers_known_by_name_only_refuse_filters),
        TEST(test_6_13_actions_a_filter_may_have),
        TEST(test_5_2_null_sublayer_is_the_layers_default),
        TEST(test_5_3_at_most_65536_sublayers),
        TEST(test_5_4_inspection_sublayer_takes_inspection_filters_only),
        TEST(test_5_5_sublayers_may_share_a_weight),
        TEST(test_7_1_register_and_add_give_one_id_in_either_order),
        TEST(test_7_2_permit_if_unregistered_goes_with_deciding_callouts),
        TEST(test_7_3_callout_is_for_its_layer),
        TEST(test_7_3_callout_needs_a_layer),
        TEST(test_7_8_register_twice_and_unregister_nothing),
        TEST(test_7_9_registered_flag_follows_the_code),
        TEST(test_7_9_callout_in_use_is_not_deleted),
        TEST(test_25_at_most_100000_callouts),
        TEST(test_provider_contexts_of_the_supported_types),
        TEST(test_filter_names_a_provider_context),
        TEST(test_pointers_to_nothing_are_refused),
        TEST(test_14_2_engine_options),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
