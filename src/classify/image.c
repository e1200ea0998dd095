#include "image.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "box.h"
#include "overlay.h"
#include "model/guid.h"
#include "records.h"

#define RESERVE_LEAST  8192u      /* units: 64 KiB */
#define RESERVE_MOST   (1u << 19) /* 4 MiB */
#define UNITS_EXPECTED 12u        /* of a filter with its part of the trees */

static void free_tables(struct image_private *private)
{
    if (private == NULL)
        return;
    free(private->filters);
    free(private->sublayers);
    free(private->layers);
    overlay_free(&private->overlay);
    grace_forget(&private->grace);
    free(private);
}

void classify_image_free(struct classify_image *image)
{
    if (image == NULL)
        return;
    if (image->private == NULL || image->private->release == NULL)
        free(image->memory);
    else
        image->private->release(image->memory, image->size);
    free_tables(image->private);
    free(image);
}

static uint32_t reserve_units(size_t filters)
{
    size_t share = filters * UNITS_EXPECTED / 2;
    return share < RESERVE_LEAST  ? RESERVE_LEAST
           : share > RESERVE_MOST ? RESERVE_MOST
                                  : (uint32_t)share;
}

static bool make_tables(struct image_private *private, size_t filters, struct memory *memory)
{
    private->filters = calloc(filters + 1, sizeof *private->filters);
    private->layers = calloc(CLASSIFY_LAYERS, sizeof *private->layers);
    if (private->filters == NULL || private->layers == NULL)
        return false;
    uint32_t reserve = reserve_units(filters);
    *memory = memory_new((uint32_t)filters * UNITS_EXPECTED + reserve);
    private->reserve = memory->at;
    memory->at += reserve;
    private->end = memory->at;
    return memory->bytes != NULL;
}

struct classify_image *image_new(size_t filters, struct memory *memory)
{
    struct classify_image *image = calloc(1, sizeof *image);
    if (image == NULL)
        return NULL;
    image->private = calloc(1, sizeof *image->private);
    if (image->private != NULL && make_tables(image->private, filters, memory))
        return image;
    classify_image_free(image);
    return NULL;
}

static struct image_sublayer *add_sublayer(struct image_private *private)
{
    uint32_t count = private->sublayer_count;
    if ((count & (count - 1)) == 0) { /* at powers of two there is room for as many again */
        void *grown =
            realloc(private->sublayers, (count > 0 ? count * 2 : 1) * sizeof *private->sublayers);
        if (grown == NULL)
            return NULL;
        private->sublayers = grown;
    }
    private->sublayer_count++;
    return &private->sublayers[count];
}

struct image_sublayer *image_begin_sublayer(struct image_private *private,
                                            struct image_layer *layer, const struct memory *memory,
                                            uint16_t weight, const GUID *key)
{
    struct image_sublayer *sublayer = add_sublayer(private);
    if (sublayer != NULL)
        *sublayer = (struct image_sublayer){.key = *key,
                                            .layer = layer->id,
                                            .weight = weight,
                                            .number = (uint16_t)layer->sublayers++,
                                            .first = memory->at,
                                            .first_filter = private->filter_count};
    return sublayer;
}

/* A decision ends a sublayer, so its records say where it ends. */
void image_end_sublayer(struct image_private *private, struct image_sublayer *sublayer,
                        const struct memory *memory)
{
    struct classify_filter *filter;
    struct records records = {memory->bytes, sublayer->first, memory->at};
    while ((filter = records_next(&records)) != NULL)
        filter->end = memory->at;
    sublayer->end = memory->at;
    sublayer->filter_count = private->filter_count - sublayer->first_filter;
}

void classify_image_adopt(struct classify_image *image, void *mapping,
                          void (*release)(void *mapping, size_t size))
{
    free(image->memory);
    image->memory = mapping;
    image->private->release = release;
}

struct classify_version *classify_image_version(const struct classify_image *image)
{
    uint32_t unit = image->private->pending ? image->private->pending : image->private->version;
    return (struct classify_version *)(void *)(image->memory + (size_t)unit * CLASSIFY_UNIT);
}

const struct classify_layer *classify_image_layer(const struct classify_image *image,
                                                  uint16_t layer)
{
    const struct classify_version *version = classify_image_version(image);
    if (layer >= CLASSIFY_LAYERS || version->layer[layer] == 0)
        return NULL;
    return (const void *)(image->memory + (size_t)version->layer[layer] * CLASSIFY_UNIT);
}

struct image_layer *image_layer(const struct image_private *private, uint16_t id)
{
    for (uint32_t i = 0; i < private->layer_count; i++) {
        if (private->layers[i].id == id)
            return &private->layers[i];
    }
    return NULL;
}

struct image_sublayer *image_sublayer(const struct image_private *private, uint16_t layer,
                                      uint16_t weight, const GUID *key)
{
    for (uint32_t i = 0; i < private->sublayer_count; i++) {
        struct image_sublayer *sublayer = &private->sublayers[i];
        if (sublayer->layer == layer && sublayer->weight == weight &&
            guid_equal(&sublayer->key, key))
            return sublayer;
    }
    return NULL;
}

uint16_t classify_sublayer_weight(const struct classify_image *image, uint16_t layer,
                                  const struct classify_filter *filter)
{
    const struct image_private *private = image->private;
    for (uint32_t i = 0; i < private->sublayer_count; i++) {
        const struct image_sublayer *sublayer = &private->sublayers[i];
        if (sublayer->layer == layer && sublayer->number == filter->sublayer)
            return sublayer->weight;
    }
    for (uint32_t i = 0; i < private->overlay.count; i++) {
        const struct overlay_filter *changed = &private->overlay.filters[i];
        if (changed->layer == layer && changed->number == filter->sublayer)
            return changed->sublayer_weight;
    }
    return 0;
}

int image_compare_sublayers(uint16_t weight_a, const GUID *a, uint16_t weight_b, const GUID *b)
{
    if (weight_a != weight_b)
        return weight_a > weight_b ? -1 : 1;
    return memcmp(a, b, sizeof *a);
}

int image_compare_filters(uint64_t weight_a, uint64_t id_a, uint64_t weight_b, uint64_t id_b)
{
    if (weight_a != weight_b)
        return weight_a > weight_b ? -1 : 1;
    return (id_a > id_b) - (id_a < id_b);
}

/* ---- summaries ---- */

static uint32_t protocols_between(uint64_t lo, uint64_t hi)
{
    bool tcp = lo <= 6 && 6 <= hi, udp = lo <= 17 && 17 <= hi;
    return (tcp ? CLASSIFY_PROTOCOLS_TCP : 0) | (udp ? CLASSIFY_PROTOCOLS_UDP : 0) |
           (hi - lo >= (uint64_t)tcp + udp ? CLASSIFY_PROTOCOLS_OTHER : 0);
}

/* Which of TCP, UDP and the others a test of the protocol lets through. */
static uint32_t protocols_of_test(const struct classify_test *test)
{
    struct box_range range;
    return box_range_of(test, &range)
               ? protocols_between(range.lo, range.hi)
               : CLASSIFY_PROTOCOLS_TCP | CLASSIFY_PROTOCOLS_UDP | CLASSIFY_PROTOCOLS_OTHER;
}

void image_summarise(const struct classify_filter *filter, uint64_t *slots, uint32_t *protocols)
{
    const uint64_t *units = records_tests(filter);
    uint32_t mine = 0;
    for (uint32_t at = 0; at < filter->units;) {
        const struct classify_test *test = (const struct classify_test *)&units[at];
        at += classify_test_units(test);
        if (test->op == CLASSIFY_TRY)
            continue;
        *slots |= (uint64_t)1 << test->slot;
        if (test->slot == CLASSIFY_PROTOCOL && test->op != CLASSIFY_ALWAYS &&
            test->op != CLASSIFY_NEVER)
            mine |= protocols_of_test(test);
    }
    *protocols |= mine != 0
                      ? mine
                      : CLASSIFY_PROTOCOLS_TCP | CLASSIFY_PROTOCOLS_UDP | CLASSIFY_PROTOCOLS_OTHER;
}

/* ---- versions ---- */

struct classify_layer image_base_layer(const struct image_layer *layer)
{
    struct classify_layer into = {.slots = layer->slots,
                                  .protocols = layer->protocols,
                                  .filters = layer->filters,
                                  .base_trees = (uint16_t)layer->trees.count,
                                  .trees = (uint16_t)layer->trees.count,
                                  .last = layer->sublayers - 1};
    memcpy(into.tree, layer->trees.tree, sizeof layer->trees.tree);
    return into;
}

uint32_t image_write_version(struct memory *memory, const struct classify_version *version,
                             const struct classify_layer *layers, const uint16_t *ids,
                             uint32_t count)
{
    uint32_t size = sizeof *version / CLASSIFY_UNIT, each = sizeof *layers / CLASSIFY_UNIT;
    uint32_t unit = memory_take(memory, size, size);
    if (unit == MEMORY_FULL)
        return MEMORY_FULL;
    *(struct classify_version *)memory_at(memory, unit) = *version;
    for (uint32_t i = 0; i < count; i++) {
        uint32_t at = memory_take(memory, each, each);
        if (at == MEMORY_FULL)
            return MEMORY_FULL;
        *(struct classify_layer *)memory_at(memory, at) = layers[i];
        ((struct classify_version *)memory_at(memory, unit))->layer[ids[i]] = at;
    }
    return unit;
}

void image_publish(struct classify_image *image, uint32_t version)
{
    struct classify_header *header = (struct classify_header *)(void *)image->memory;
    __atomic_store_n(&header->root, version, __ATOMIC_RELEASE);
    image->private->version = version;
    image->private->pending = 0;
}

/* ---- a whole image ---- */

static void note_filters(struct image_private *private, const struct image_layer *layer,
                         const uint8_t *notes)
{
    uint32_t record = 0;
    for (uint32_t i = 0; i < private->filter_count; i++) {
        struct image_filter *filter = &private->filters[i];
        if (private->sublayers[filter->sublayer].layer != layer->id)
            continue;
        for (uint32_t j = 0; j < filter->records; j++)
            filter->notes |= notes[record++] & 3;
    }
}

static bool finish_layer(struct image_private *private, struct image_layer *layer,
                         struct memory *memory)
{
    const struct classify_filter *filter;
    struct records records = {memory->bytes, layer->first, layer->end};
    uint32_t before = memory->at;
    while ((filter = records_next(&records)) != NULL) {
        image_summarise(filter, &layer->slots, &layer->protocols);
        layer->records++;
    }
    uint8_t *notes = calloc(layer->records + 1, 1);
    bool built = notes != NULL && trees_build(memory, layer->first, layer->end, CLASSIFY_BASE_TREES,
                                              notes, &layer->trees);
    if (built)
        note_filters(private, layer, notes);
    free(notes);
    layer->tree_units = memory->at - before;
    return built;
}

/* The first version, at the beginning of the room for changes. */
static bool finish_version(struct classify_image *image, struct memory *memory)
{
    struct image_private *private = image->private;
    struct classify_version version = {.generation = 1, .number = 1};
    struct classify_layer layers[CLASSIFY_LAYERS];
    uint16_t ids[CLASSIFY_LAYERS];
    version.group_bits = image->group_count;
    for (uint32_t i = 0; i < private->layer_count; i++) {
        layers[i] = image_base_layer(&private->layers[i]);
        ids[i] = private->layers[i].id;
    }
    struct memory part = memory_part(memory->bytes, private->reserve, private->end);
    private->version = image_write_version(&part, &version, layers, ids, private->layer_count);
    private->overlay.at = part.at;
    return private->version != MEMORY_FULL;
}

bool image_finish(struct classify_image *image, struct memory *memory)
{
    struct image_private *private = image->private;
    struct timespec before, after;
    clock_gettime(CLOCK_MONOTONIC, &before);
    private->records_end = memory->at;
    for (uint32_t i = 0; i < private->layer_count; i++) {
        if (!finish_layer(private, &private->layers[i], memory))
            return false;
    }
    if (!finish_version(image, memory))
        return false;
    memory_trim(memory);
    image->memory = memory->bytes;
    image->size = memory_size(memory);
    image->used = (size_t)memory->at * CLASSIFY_UNIT;
    memory->bytes = NULL;
    image_publish(image, private->version);
    clock_gettime(CLOCK_MONOTONIC, &after);
    private->build_ns = (uint64_t)(after.tv_sec - before.tv_sec) * 1000000000u +
                        (uint64_t)(after.tv_nsec - before.tv_nsec);
    return true;
}
