#include "statistics.h"

#include <string.h>

#include "image.h"
#include "records.h"

/* The most tests that a record of the layer has. */
static uint32_t most_tests(const struct classify_image *image, const struct image_layer *layer)
{
    const struct classify_filter *record;
    struct records records = {image->memory, layer->first, layer->end};
    uint32_t most = 0;
    while ((record = records_next(&records)) != NULL) {
        if (record->units > most)
            most = record->units;
    }
    return most;
}

static void describe_base(const struct classify_image *image, const struct image_layer *layer,
                          struct classify_layer_statistics *into)
{
    into->records = layer->records;
    into->depth = layer->trees.depth;
    into->longest = layer->trees.longest;
    into->worst_tests = layer->trees.depth + layer->trees.longest * (1 + most_tests(image, layer));
    into->record_bytes = (uint64_t)(layer->end - layer->first) * CLASSIFY_UNIT;
    into->tree_bytes = (uint64_t)layer->tree_units * CLASSIFY_UNIT;
}

static void describe_layer(const struct classify_image *image, uint16_t id,
                           struct classify_layer_statistics *into)
{
    const struct image_private *private = image->private;
    const struct classify_layer *layer = classify_image_layer(image, id);
    const struct image_layer *base = image_layer(private, id);
    *into = (struct classify_layer_statistics){
        .layer = id, .filters = layer->filters, .trees = layer->trees};
    for (uint32_t i = 0; i < private->overlay.count; i++)
        into->overlay += private->overlay.filters[i].layer == id;
    if (base != NULL)
        describe_base(image, base, into);
}

void classify_statistics(const struct classify_image *image, struct classify_statistics *statistics)
{
    const struct image_private *private = image->private;
    *statistics = (struct classify_statistics){
        .generation = classify_image_version(image)->generation,
        .size = image->size,
        .reserve = (uint64_t)(private->end - private->reserve) * CLASSIFY_UNIT,
        .reserve_used = (uint64_t)(private->overlay.at - private->reserve) * CLASSIFY_UNIT,
        .build_ns = private->build_ns,
        .commits = private->overlay.commits,
        .deleted = private->overlay.death_count,
        .overlay = private->overlay.count};
    for (uint16_t id = 0; id < CLASSIFY_LAYERS; id++) {
        if (classify_image_layer(image, id) != NULL)
            describe_layer(image, id, &statistics->layers[statistics->layer_count++]);
    }
}
