/* How the compiled policy is doing. */
#include "dispatch.h"

#include "classify/change.h"
#include "classify/statistics.h"
#include "service.h"

static void describe_rebuild(const struct engine *engine, OPENWFP_CLASSIFIER *classifier)
{
    const struct engine_rebuild *rebuild = &engine->rebuild;

    classifier->rebuild = rebuild->work    ? OPENWFP_REBUILD_RUNNING
                          : rebuild->since ? OPENWFP_REBUILD_PENDING
                                           : OPENWFP_REBUILD_NONE;
    classifier->rebuildTime = rebuild->since ? rebuild_now() - rebuild->since : rebuild->took;
}

static void describe_image(const struct classify_statistics *statistics,
                           OPENWFP_CLASSIFIER *classifier)
{
    classifier->generation = statistics->generation;
    classifier->size = statistics->size;
    classifier->reserve = statistics->reserve;
    classifier->reserveUsed = statistics->reserve_used;
    classifier->buildTime = statistics->build_ns;
    classifier->imageChanges = statistics->commits;
    classifier->overlay = statistics->overlay;
    classifier->deleted = statistics->deleted;
}

static bool describe_layers(struct client *client, const struct classify_statistics *statistics,
                            OPENWFP_CLASSIFIER *classifier)
{
    classifier->numLayers = statistics->layer_count;
    classifier->layers =
        arena_array(&client->arena, statistics->layer_count, sizeof(*classifier->layers));
    if (!classifier->layers)
        return false;
    for (UINT32 i = 0; i < classifier->numLayers; i++) {
        const struct classify_layer_statistics *layer = &statistics->layers[i];

        classifier->layers[i] = (OPENWFP_CLASSIFIER_LAYER){
            .layerId = layer->layer,
            .filters = layer->filters,
            .overlay = layer->overlay,
            .trees = layer->trees,
            .records = layer->records,
            .depth = layer->depth,
            .longest = layer->longest,
            .worst = layer->worst_tests,
            .recordBytes = layer->record_bytes,
            .treeBytes = layer->tree_bytes,
        };
    }
    return true;
}

uint32_t call_classifier(struct client *client, const Rpc__Request *request)
{
    const struct engine *engine = &client->service->engine;
    struct classify_statistics *statistics = arena_alloc(&client->arena, sizeof(*statistics));
    OPENWFP_CLASSIFIER classifier = {
        .changes = engine->changes, .images = engine->images, .rebuilds = engine->rebuilds};
    uint32_t code;

    code =
        model_access_check(client->session, MODEL_ENGINE, FWPM_ACTRL_READ, &client->convert.error);
    if (code != ERROR_SUCCESS)
        return code;
    if (!statistics)
        return client_no_memory(client);
    if (engine->image) {
        classify_statistics(engine->image, statistics);
        describe_image(statistics, &classifier);
        describe_rebuild(engine, &classifier);
        if (!describe_layers(client, statistics, &classifier))
            return client_no_memory(client);
    }
    client->reply.classifier = encode_classifier(&client->convert, &classifier);
    if (!client->reply.classifier)
        return client->convert.error.code;
    client->reply.result_case = RPC__REPLY__RESULT_CLASSIFIER;
    return ERROR_SUCCESS;
}
