/* How the service's classifier is doing. */
#include "rpc/convert_private.h"

static bool encode_layers(struct converter *c, const OPENWFP_CLASSIFIER *classifier,
                          Rpc__Classifier *message)
{
    message->layers = take_pointers(c, classifier->numLayers);
    if (!message->layers)
        return false;
    for (UINT32 i = 0; i < classifier->numLayers; i++) {
        const OPENWFP_CLASSIFIER_LAYER *from = &classifier->layers[i];
        Rpc__ClassifierLayer *layer =
            NEW_MESSAGE(c, Rpc__ClassifierLayer, rpc__classifier_layer__init);

        if (!layer)
            return false;
        layer->id = from->layerId;
        layer->filters = from->filters;
        layer->overlay = from->overlay;
        layer->trees = from->trees;
        layer->records = from->records;
        layer->depth = from->depth;
        layer->longest = from->longest;
        layer->worst = from->worst;
        layer->record_bytes = from->recordBytes;
        layer->tree_bytes = from->treeBytes;
        message->layers[message->n_layers++] = layer;
    }
    return true;
}

Rpc__Classifier *encode_classifier(struct converter *c, const OPENWFP_CLASSIFIER *classifier)
{
    Rpc__Classifier *message = NEW_MESSAGE(c, Rpc__Classifier, rpc__classifier__init);

    if (!message || !encode_layers(c, classifier, message))
        return NULL;
    message->generation = classifier->generation;
    message->size = classifier->size;
    message->reserve = classifier->reserve;
    message->reserve_used = classifier->reserveUsed;
    message->build_time = classifier->buildTime;
    message->image_changes = classifier->imageChanges;
    message->overlay = classifier->overlay;
    message->deleted = classifier->deleted;
    message->rebuild = classifier->rebuild;
    message->rebuild_time = classifier->rebuildTime;
    message->changes = classifier->changes;
    message->images = classifier->images;
    message->rebuilds = classifier->rebuilds;
    return message;
}

static bool decode_layers(struct converter *c, const Rpc__Classifier *message,
                          OPENWFP_CLASSIFIER *classifier)
{
    classifier->numLayers = (UINT32)message->n_layers;
    classifier->layers = take_array(c, message->n_layers, sizeof(*classifier->layers));
    if (!classifier->layers)
        return false;
    for (UINT32 i = 0; i < classifier->numLayers; i++) {
        const Rpc__ClassifierLayer *layer = message->layers[i];

        if (!check_fits(c, "layerId", layer->id, UINT16_MAX))
            return false;
        classifier->layers[i] = (OPENWFP_CLASSIFIER_LAYER){
            .layerId = (UINT16)layer->id,
            .filters = layer->filters,
            .overlay = layer->overlay,
            .trees = layer->trees,
            .records = layer->records,
            .depth = layer->depth,
            .longest = layer->longest,
            .worst = layer->worst,
            .recordBytes = layer->record_bytes,
            .treeBytes = layer->tree_bytes,
        };
    }
    return true;
}

bool decode_classifier(struct converter *c, const Rpc__Classifier *message,
                       OPENWFP_CLASSIFIER *classifier)
{
    if (!check_enum(c, "rebuild", message->rebuild, OPENWFP_REBUILD_RUNNING))
        return false;
    *classifier = (OPENWFP_CLASSIFIER){
        .generation = message->generation,
        .size = message->size,
        .reserve = message->reserve,
        .reserveUsed = message->reserve_used,
        .buildTime = message->build_time,
        .imageChanges = message->image_changes,
        .overlay = message->overlay,
        .deleted = message->deleted,
        .rebuild = (OPENWFP_REBUILD)message->rebuild,
        .rebuildTime = message->rebuild_time,
        .changes = message->changes,
        .images = message->images,
        .rebuilds = message->rebuilds,
    };
    return decode_layers(c, message, classifier);
}
