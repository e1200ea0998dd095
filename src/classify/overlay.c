#include "overlay.h"

#include <stdlib.h>
#include <string.h>

#include "model/guid.h"
#include "records.h"

#define OVERLAY_TREES (CLASSIFY_TREES - CLASSIFY_BASE_TREES)

/* ---- the list ---- */

int overlay_compare(const struct overlay_filter *a, const struct overlay_filter *b)
{
    if (a->layer != b->layer)
        return a->layer < b->layer ? -1 : 1;
    int sublayers =
        image_compare_sublayers(a->sublayer_weight, &a->sublayer, b->sublayer_weight, &b->sublayer);
    if (sublayers != 0)
        return sublayers;
    return image_compare_filters(a->weight, a->id, b->weight, b->id);
}

struct overlay_filter overlay_of_base(const struct image_private *private, uint32_t filter)
{
    const struct image_filter *base = &private->filters[filter];
    const struct image_sublayer *sublayer = &private->sublayers[base->sublayer];
    return (struct overlay_filter){.weight = base->weight,
                                   .id = base->id,
                                   .sublayer = sublayer->key,
                                   .layer = sublayer->layer,
                                   .sublayer_weight = sublayer->weight};
}

bool overlay_copy(const struct overlay_filter *filter, struct overlay_filter *copy)
{
    *copy = *filter;
    copy->records = malloc(filter->units * sizeof *copy->records);
    if (copy->records == NULL)
        return false;
    memcpy(copy->records, filter->records, filter->units * sizeof *copy->records);
    return true;
}

/* The first that is not before the filter. */
static uint32_t position(const struct overlay *overlay, const struct overlay_filter *filter)
{
    uint32_t low = 0, high = overlay->next_count;
    while (low < high) {
        uint32_t middle = (low + high) / 2;
        if (overlay_compare(&overlay->next[middle], filter) < 0)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

/* Frees the records of filters that the other list has not; both are in order. */
static void free_missing(struct overlay_filter *list, uint32_t count,
                         const struct overlay_filter *other, uint32_t other_count)
{
    for (uint32_t i = 0, j = 0; i < count; i++) {
        while (j < other_count && overlay_compare(&other[j], &list[i]) < 0)
            j++;
        if (j == other_count || other[j].records != list[i].records)
            free(list[i].records);
    }
}

void overlay_free(struct overlay *overlay)
{
    free_missing(overlay->next, overlay->next_count, overlay->filters, overlay->count);
    free_missing(overlay->filters, overlay->count, NULL, 0);
    free(overlay->next);
    free(overlay->filters);
    free(overlay->deaths);
}

bool overlay_begin(struct classify_image *image, size_t more)
{
    struct overlay *overlay = &image->private->overlay;
    overlay->old_groups = image->group_count;
    overlay->next = calloc(overlay->count + more + 1, sizeof *overlay->next);
    if (overlay->next == NULL)
        return false;
    if (overlay->count > 0)
        memcpy(overlay->next, overlay->filters, overlay->count * sizeof *overlay->next);
    overlay->next_count = overlay->count;
    overlay->next_death_count = overlay->death_count;
    return true;
}

/* ---- adding ---- */

/* The number of a sublayer that the base has not. */
static uint16_t new_number(const struct image_private *private, const struct overlay_filter *filter)
{
    const struct overlay *overlay = &private->overlay;
    const struct image_layer *layer = image_layer(private, filter->layer);
    uint32_t number = layer == NULL ? 0 : layer->sublayers;
    for (uint32_t i = 0; i < overlay->next_count; i++) {
        const struct overlay_filter *other = &overlay->next[i];
        if (other->layer != filter->layer)
            continue;
        if (guid_equal(&other->sublayer, &filter->sublayer))
            return other->number;
        if (other->number >= number)
            number = other->number + 1u;
    }
    return (uint16_t)number;
}

/* Where the base's next sublayer begins, in the filter's layer or behind it. */
static uint32_t next_sublayer(const struct image_private *private,
                              const struct overlay_filter *filter)
{
    const struct image_layer *layer = image_layer(private, filter->layer);
    for (uint32_t i = 0; i < private->sublayer_count; i++) {
        const struct image_sublayer *sublayer = &private->sublayers[i];
        if (sublayer->layer == filter->layer &&
            image_compare_sublayers(sublayer->weight, &sublayer->key, filter->sublayer_weight,
                                    &filter->sublayer) > 0)
            return sublayer->first;
    }
    return layer == NULL ? 1 : layer->end;
}

/* The first filter of the base's sublayer that is not before it. */
static uint32_t base_position(const struct image_private *private,
                              const struct image_sublayer *sublayer,
                              const struct overlay_filter *filter)
{
    uint32_t low = sublayer->first_filter, high = low + sublayer->filter_count;
    while (low < high) {
        uint32_t middle = low + (high - low) / 2;
        const struct image_filter *other = &private->filters[middle];
        if (image_compare_filters(other->weight, other->id, filter->weight, filter->id) < 0)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

static void place(const struct image_private *private, struct overlay_filter *filter)
{
    const struct image_sublayer *sublayer =
        image_sublayer(private, filter->layer, filter->sublayer_weight, &filter->sublayer);
    if (sublayer == NULL) {
        filter->number = new_number(private, filter);
        filter->before = filter->end = next_sublayer(private, filter);
        return;
    }
    uint32_t at = base_position(private, sublayer, filter);
    filter->number = sublayer->number;
    filter->end = sublayer->end;
    filter->before = at < sublayer->first_filter + sublayer->filter_count
                         ? private->filters[at].unit
                         : sublayer->end;
}

void overlay_add(struct classify_image *image, struct overlay_filter *filter)
{
    struct overlay *overlay = &image->private->overlay;
    place(image->private, filter);
    uint32_t at = position(overlay, filter);
    memmove(&overlay->next[at + 1], &overlay->next[at],
            (overlay->next_count - at) * sizeof *overlay->next);
    overlay->next[at] = *filter;
    overlay->next_count++;
}

/* ---- deleting ---- */

struct classify_filter *overlay_base_record(const struct classify_image *image, uint32_t filter)
{
    return (void *)(image->memory + (size_t)image->private->filters[filter].unit * CLASSIFY_UNIT);
}

static void mark(struct classify_image *image, uint32_t filter, uint32_t died)
{
    const struct image_filter *dead = &image->private->filters[filter];
    struct records records = {image->memory, dead->unit, image->private->records_end};
    for (uint32_t i = 0; i < dead->records; i++) {
        struct classify_filter *record = records_next(&records);
        if (record == NULL)
            return;
        __atomic_store_n(&record->died, died, __ATOMIC_RELAXED);
    }
}

static bool note_death(struct overlay *overlay, uint32_t filter, uint32_t number)
{
    if (overlay->next_death_count == overlay->death_capacity) {
        uint32_t capacity = overlay->death_capacity > 0 ? overlay->death_capacity * 2 : 16;
        void *grown = realloc(overlay->deaths, capacity * sizeof *overlay->deaths);
        if (grown == NULL)
            return false;
        overlay->deaths = grown;
        overlay->death_capacity = capacity;
    }
    overlay->deaths[overlay->next_death_count++] = (struct overlay_death){filter, number};
    return true;
}

bool overlay_find_base(const struct classify_image *image, const struct overlay_filter *filter,
                       uint32_t *found)
{
    const struct image_private *private = image->private;
    const struct image_sublayer *sublayer =
        image_sublayer(private, filter->layer, filter->sublayer_weight, &filter->sublayer);
    if (sublayer == NULL)
        return false;
    *found = base_position(private, sublayer, filter);
    return *found < sublayer->first_filter + sublayer->filter_count &&
           private->filters[*found].id == filter->id;
}

static bool delete_from_base(struct classify_image *image, const struct overlay_filter *filter)
{
    uint32_t number = classify_image_version(image)->number + 1, dead;
    if (!overlay_find_base(image, filter, &dead) ||
        overlay_base_record(image, dead)->died != CLASSIFY_ALIVE ||
        !note_death(&image->private->overlay, dead, number))
        return false;
    mark(image, dead, number);
    image_layer(image->private, filter->layer)->dead++;
    return true;
}

static bool has_records(const struct overlay_filter *list, uint32_t count, const uint64_t *records)
{
    for (uint32_t i = 0; i < count; i++) {
        if (list[i].records == records)
            return true;
    }
    return false;
}

bool overlay_delete(struct classify_image *image, const struct overlay_filter *filter)
{
    struct overlay *overlay = &image->private->overlay;
    uint32_t at = position(overlay, filter);
    if (at == overlay->next_count || overlay_compare(&overlay->next[at], filter) != 0)
        return delete_from_base(image, filter);
    if (!has_records(overlay->filters, overlay->count, overlay->next[at].records))
        free(overlay->next[at].records); /* it came in this very change */
    overlay->next_count--;
    memmove(&overlay->next[at], &overlay->next[at + 1],
            (overlay->next_count - at) * sizeof *overlay->next);
    return true;
}

/* ---- writing ---- */

uint64_t *overlay_copy_records(const uint8_t *memory, uint32_t unit, uint32_t count,
                               uint32_t *units)
{
    struct records records = {memory, unit, UINT32_MAX};
    uint64_t *copy = NULL;
    *units = 0;
    for (uint32_t i = 0; i < count; i++) {
        const struct classify_filter *record = records_next(&records);
        uint32_t size = records_units(record);
        uint64_t *grown = realloc(copy, (*units + size) * sizeof *copy);
        if (grown == NULL) {
            free(copy);
            return NULL;
        }
        copy = grown;
        memcpy(copy + *units, record, size * sizeof *copy);
        *units += size;
    }
    return copy;
}

static bool write_filter(struct memory *memory, const struct overlay_filter *filter)
{
    for (uint32_t at = 0; at < filter->units;) {
        const struct classify_filter *record = (const void *)(filter->records + at);
        uint32_t size = records_units(record), unit = memory_take_record(memory, size);
        if (unit == MEMORY_FULL)
            return false;
        struct classify_filter *copy = memory_at(memory, unit);
        memcpy(copy, record, size * CLASSIFY_UNIT);
        copy->before = filter->before;
        copy->end = filter->end;
        copy->sublayer = filter->number;
        at += size;
    }
    return true;
}

/* Whether the filter is behind all that the base has in its layer. */
static bool is_behind_base(const struct image_private *private, const struct overlay_filter *filter)
{
    const struct image_layer *base = image_layer(private, filter->layer);
    return base == NULL || filter->before == base->end;
}

/* The filters [first, last) are all of one layer. */
static bool write_layer(struct memory *memory, const struct image_private *private, uint32_t first,
                        uint32_t last, struct classify_layer *layer)
{
    const struct overlay *overlay = &private->overlay;
    const struct classify_filter *record;
    uint32_t start = memory->at, protocols = layer->protocols;
    uint64_t slots = layer->slots;
    struct trees trees;
    for (uint32_t i = first; i < last; i++) {
        if (!write_filter(memory, &overlay->next[i]))
            return false;
    }
    uint32_t end = memory->at;
    struct records records = {memory->bytes, start, end};
    while ((record = records_next(&records)) != NULL)
        image_summarise(record, &slots, &protocols);
    layer->slots = slots;
    layer->protocols = protocols;
    if (!trees_build(memory, start, end, OVERLAY_TREES, NULL, &trees))
        return false;
    memcpy(layer->tree + layer->base_trees, trees.tree, trees.count * sizeof *trees.tree);
    layer->trees = (uint16_t)(layer->base_trees + trees.count);
    layer->filters += last - first;
    if (is_behind_base(private, &overlay->next[last - 1]))
        layer->last = overlay->next[last - 1].number;
    return true;
}

/* The base's layers, and those that only the overlay has. */
static uint32_t gather_layers(const struct image_private *private, struct classify_layer *layers,
                              uint16_t *ids)
{
    const struct overlay *overlay = &private->overlay;
    uint32_t count = 0;
    for (; count < private->layer_count; count++) {
        layers[count] = image_base_layer(&private->layers[count]);
        layers[count].filters -= private->layers[count].dead;
        ids[count] = private->layers[count].id;
    }
    for (uint32_t i = 0; i < overlay->next_count; i++) {
        uint16_t id = overlay->next[i].layer;
        if (image_layer(private, id) != NULL || (i > 0 && overlay->next[i - 1].layer == id))
            continue;
        layers[count] = (struct classify_layer){.filters = 0};
        ids[count++] = id;
    }
    return count;
}

static struct classify_layer *layer_of(struct classify_layer *layers, const uint16_t *ids,
                                       uint16_t id)
{
    while (*ids != id) {
        ids++;
        layers++;
    }
    return layers;
}

static bool write_layers(const struct image_private *private, struct memory *memory,
                         struct classify_layer *layers, const uint16_t *ids)
{
    const struct overlay *overlay = &private->overlay;
    for (uint32_t first = 0, last; first < overlay->next_count; first = last) {
        uint16_t id = overlay->next[first].layer;
        for (last = first; last < overlay->next_count && overlay->next[last].layer == id; last++)
            continue;
        if (!write_layer(memory, private, first, last, layer_of(layers, ids, id)))
            return false;
    }
    return true;
}

/* Layers in which nothing is left are not there. */
static uint32_t drop_empty(struct classify_layer *layers, uint16_t *ids, uint32_t count)
{
    uint32_t kept = 0;
    for (uint32_t i = 0; i < count; i++) {
        if (layers[i].filters == 0)
            continue;
        layers[kept] = layers[i];
        ids[kept++] = ids[i];
    }
    return kept;
}

bool overlay_write(struct classify_image *image)
{
    struct image_private *private = image->private;
    struct overlay *overlay = &private->overlay;
    const struct classify_version *now = classify_image_version(image);
    struct classify_version version = {.generation = now->generation + 1,
                                       .number = now->number + 1,
                                       .group_bits = image->group_count};
    struct classify_layer layers[CLASSIFY_LAYERS];
    uint16_t ids[CLASSIFY_LAYERS];
    uint32_t middle = private->reserve + (private->end - private->reserve) / 2;
    uint32_t end = overlay->at < middle ? middle : private->end;
    struct memory memory = memory_part(image->memory, overlay->at, end);
    uint32_t count = gather_layers(private, layers, ids);
    if (!write_layers(private, &memory, layers, ids))
        return false;
    count = drop_empty(layers, ids, count);
    private->pending = image_write_version(&memory, &version, layers, ids, count);
    overlay->next_at = memory.at;
    return private->pending != MEMORY_FULL;
}

/* ---- the end ---- */

static void take_next(struct overlay *overlay)
{
    free_missing(overlay->filters, overlay->count, overlay->next, overlay->next_count);
    free(overlay->filters);
    overlay->filters = overlay->next;
    overlay->count = overlay->next_count;
    overlay->death_count = overlay->next_death_count;
    overlay->next = NULL;
    overlay->next_count = 0;
}

void overlay_publish(struct classify_image *image)
{
    struct overlay *overlay = &image->private->overlay;
    take_next(overlay);
    overlay->at = overlay->next_at;
    overlay->commits++;
    image_publish(image, image->private->pending);
}

void overlay_cancel(struct classify_image *image)
{
    struct overlay *overlay = &image->private->overlay;
    for (uint32_t i = overlay->death_count; i < overlay->next_death_count; i++) {
        uint32_t filter = overlay->deaths[i].filter;
        uint32_t sublayer = image->private->filters[filter].sublayer;
        mark(image, filter, CLASSIFY_ALIVE);
        image_layer(image->private, image->private->sublayers[sublayer].layer)->dead--;
    }
    free_missing(overlay->next, overlay->next_count, overlay->filters, overlay->count);
    free(overlay->next);
    overlay->next = NULL;
    overlay->next_count = 0;
    overlay->next_death_count = overlay->death_count;
    image->group_count = overlay->old_groups;
    image->private->pending = 0;
}
