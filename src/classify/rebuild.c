#include "rebuild.h"

#include <stdlib.h>
#include <string.h>

#include "change.h"
#include "model/guid.h"
#include "overlay.h"
#include "records.h"

struct classify_rebuild {
    const struct classify_image *old;
    uint32_t number;                /* of the version that the new image begins with */
    struct overlay_filter *overlay; /* as of that version; the records are copies */
    uint32_t overlay_count;
    uint32_t death_count;
    struct classify_image *image; /* NULL: out of memory */
};

/* ---- begin ---- */

static bool copy_overlay(struct classify_rebuild *rebuild, const struct overlay *overlay)
{
    rebuild->overlay = calloc(overlay->count + 1, sizeof *rebuild->overlay);
    if (rebuild->overlay == NULL)
        return false;
    for (uint32_t i = 0; i < overlay->count; i++) {
        struct overlay_filter *copy = &rebuild->overlay[rebuild->overlay_count++];
        *copy = overlay->filters[i];
        copy->records = malloc(copy->units * sizeof *copy->records);
        if (copy->records == NULL)
            return false;
        memcpy(copy->records, overlay->filters[i].records, copy->units * sizeof *copy->records);
    }
    return true;
}

struct classify_rebuild *classify_rebuild_begin(struct classify_image *image)
{
    struct classify_rebuild *rebuild = calloc(1, sizeof *rebuild);
    if (rebuild == NULL)
        return NULL;
    rebuild->old = image;
    rebuild->number = classify_image_version(image)->number;
    rebuild->death_count = image->private->overlay.death_count;
    if (copy_overlay(rebuild, &image->private->overlay))
        return rebuild;
    classify_rebuild_free(rebuild);
    return NULL;
}

/* ---- run: base and overlay, merged in their order ---- */

struct merge {
    const struct classify_rebuild *rebuild;
    struct image_private *private; /* of the new image */
    struct memory memory;
    struct image_layer *layer;       /* that records are being added to */
    struct image_sublayer *sublayer; /* likewise */
    bool failed;
};

/* What a filter of either part is in the order of all. */
struct source {
    uint64_t weight, id;
    const GUID *sublayer;
    uint16_t layer, sublayer_weight;
};

static struct source source_of_base(const struct image_private *private, uint32_t i)
{
    const struct image_filter *filter = &private->filters[i];
    const struct image_sublayer *sublayer = &private->sublayers[filter->sublayer];
    return (struct source){filter->weight, filter->id, &sublayer->key, sublayer->layer,
                           sublayer->weight};
}

static struct source source_of_overlay(const struct overlay_filter *filter)
{
    return (struct source){filter->weight, filter->id, &filter->sublayer, filter->layer,
                           filter->sublayer_weight};
}

/* Layers are in the order of their keys in the base, in that of their ids in the overlay: so the
 * base's order leads, and layers that only the overlay has come last. */
static int compare(const struct source *base, const struct source *overlay)
{
    int sublayers = image_compare_sublayers(base->sublayer_weight, base->sublayer,
                                            overlay->sublayer_weight, overlay->sublayer);
    if (sublayers != 0)
        return sublayers;
    return image_compare_filters(base->weight, base->id, overlay->weight, overlay->id);
}

static void end_sublayer(struct merge *merge)
{
    struct classify_filter *record;
    if (merge->sublayer == NULL)
        return;
    merge->sublayer->end = merge->memory.at;
    merge->sublayer->filter_count = merge->private->filter_count - merge->sublayer->first_filter;
    struct records records = {merge->memory.bytes, merge->sublayer->first, merge->memory.at};
    while ((record = records_next(&records)) != NULL)
        record->end = merge->memory.at;
    merge->sublayer = NULL;
}

static void enter(struct merge *merge, const struct source *source)
{
    if (merge->layer == NULL || merge->layer->id != source->layer) {
        end_sublayer(merge);
        merge->layer = &merge->private->layers[merge->private->layer_count++];
        *merge->layer = (struct image_layer){.id = source->layer, .first = merge->memory.at};
    }
    if (merge->sublayer != NULL && guid_equal(&merge->sublayer->key, source->sublayer))
        return;
    end_sublayer(merge);
    merge->sublayer = image_add_sublayer(merge->private);
    if (merge->sublayer == NULL) {
        merge->failed = true;
        return;
    }
    *merge->sublayer = (struct image_sublayer){.key = *source->sublayer,
                                               .layer = source->layer,
                                               .weight = source->sublayer_weight,
                                               .number = (uint16_t)merge->layer->sublayers++,
                                               .first = merge->memory.at,
                                               .first_filter = merge->private->filter_count};
}

/* Copies one record; returns its unit. */
static uint32_t add_record(struct merge *merge, const struct classify_filter *record)
{
    uint32_t size = records_units(record), unit = memory_take_record(&merge->memory, size);
    if (unit == MEMORY_FULL) {
        merge->failed = true;
        return MEMORY_FULL;
    }
    struct classify_filter *copy = memory_at(&merge->memory, unit);
    /* All but `died`, which changes may write meanwhile. */
    copy->died = CLASSIFY_ALIVE;
    memcpy(&copy->id, &record->id, size * CLASSIFY_UNIT - offsetof(struct classify_filter, id));
    copy->sublayer = merge->sublayer->number;
    return unit;
}

static void add_filter(struct merge *merge, const struct source *source, uint32_t unit,
                       uint32_t records)
{
    struct image_private *private = merge->private;
    private->filters[private->filter_count++] =
        (struct image_filter){.weight = source->weight,
                              .id = source->id,
                              .sublayer = private->sublayer_count - 1,
                              .unit = unit,
                              .records = records};
    merge->layer->filters++;
}

static void take_base(struct merge *merge, uint32_t i)
{
    const struct classify_image *old = merge->rebuild->old;
    const struct image_filter *filter = &old->private->filters[i];
    struct source source = source_of_base(old->private, i);
    struct records records = {old->memory, filter->unit, old->private->records_end};
    uint32_t first = 0;
    enter(merge, &source);
    for (uint32_t j = 0; j < filter->records && !merge->failed; j++) {
        uint32_t copy = add_record(merge, records_next(&records));
        first = j == 0 ? copy : first;
    }
    if (!merge->failed)
        add_filter(merge, &source, first, filter->records);
}

static void take_overlay(struct merge *merge, const struct overlay_filter *filter)
{
    struct source source = source_of_overlay(filter);
    uint32_t first = 0, records = 0;
    enter(merge, &source);
    for (uint32_t at = 0; at < filter->units && !merge->failed; records++) {
        const struct classify_filter *record = (const void *)(filter->records + at);
        uint32_t copy = add_record(merge, record);
        first = at == 0 ? copy : first;
        at += records_units(record);
    }
    if (!merge->failed)
        add_filter(merge, &source, first, records);
}

static bool alive(const struct classify_rebuild *rebuild, uint32_t i)
{
    const struct classify_filter *record = overlay_base_record(rebuild->old, i);
    return __atomic_load_n(&record->died, __ATOMIC_RELAXED) > rebuild->number;
}

/* The overlay's filters of one layer. */
struct range {
    uint32_t first, last;
};

static struct range overlay_of(const struct classify_rebuild *rebuild, uint16_t layer)
{
    struct range range = {0, 0};
    while (range.first < rebuild->overlay_count && rebuild->overlay[range.first].layer != layer)
        range.first++;
    range.last = range.first;
    while (range.last < rebuild->overlay_count && rebuild->overlay[range.last].layer == layer)
        range.last++;
    return range;
}

/* The filters [first, last) of the base are all there are of one layer. */
static void merge_layer(struct merge *merge, uint32_t first, uint32_t last, uint16_t layer)
{
    const struct classify_rebuild *rebuild = merge->rebuild;
    struct range range = overlay_of(rebuild, layer);
    for (uint32_t i = first; i < last && !merge->failed; i++) {
        struct source base = source_of_base(rebuild->old->private, i);
        for (; range.first < range.last && !merge->failed; range.first++) {
            struct source overlay = source_of_overlay(&rebuild->overlay[range.first]);
            if (compare(&base, &overlay) < 0)
                break;
            take_overlay(merge, &rebuild->overlay[range.first]);
        }
        if (alive(rebuild, i) && !merge->failed)
            take_base(merge, i);
    }
    for (; range.first < range.last && !merge->failed; range.first++)
        take_overlay(merge, &rebuild->overlay[range.first]);
}

static void merge_base_layers(struct merge *merge)
{
    const struct image_private *old = merge->rebuild->old->private;
    for (uint32_t first = 0, last; first < old->filter_count; first = last) {
        uint16_t layer = old->sublayers[old->filters[first].sublayer].layer;
        last = first;
        while (last < old->filter_count &&
               old->sublayers[old->filters[last].sublayer].layer == layer)
            last++;
        merge_layer(merge, first, last, layer);
    }
}

static void merge_new_layers(struct merge *merge)
{
    const struct classify_rebuild *rebuild = merge->rebuild;
    for (uint32_t i = 0; i < rebuild->overlay_count; i++) {
        uint16_t layer = rebuild->overlay[i].layer;
        if ((i == 0 || rebuild->overlay[i - 1].layer != layer) &&
            image_layer(rebuild->old->private, layer) == NULL)
            merge_layer(merge, 0, 0, layer);
    }
}

static void end_layers(struct image_private *private)
{
    for (uint32_t i = 0; i < private->layer_count; i++)
    private->layers[i].end =
        i + 1 < private->layer_count ? private->layers[i + 1].first : private->records_end;
}

void classify_rebuild_run(struct classify_rebuild *rebuild)
{
    const struct image_private *old = rebuild->old->private;
    size_t filters = old->filter_count + rebuild->overlay_count;
    struct classify_image *image = image_new(filters);
    struct merge merge = {.rebuild = rebuild, .memory = image_memory(filters)};
    merge.failed = image == NULL || merge.memory.bytes == NULL;
    if (!merge.failed) {
        merge.private = image->private;
        merge_base_layers(&merge);
        merge_new_layers(&merge);
        end_sublayer(&merge);
        image->private->records_end = merge.memory.at;
        end_layers(image->private);
    }
    if (!merge.failed && image_finish(image, &merge.memory, filters)) {
        rebuild->image = image;
    } else {
        classify_image_free(image);
    }
    free(merge.memory.bytes);
}

/* ---- end: what has changed since ---- */

static bool has(const struct overlay_filter *list, uint32_t count,
                const struct overlay_filter *filter)
{
    for (uint32_t i = 0; i < count; i++) {
        if (list[i].id == filter->id && list[i].layer == filter->layer)
            return true;
    }
    return false;
}

static bool delete_since(const struct classify_rebuild *rebuild, const struct classify_image *old,
                         struct classify_image *image)
{
    const struct overlay *now = &old->private->overlay;
    for (uint32_t i = rebuild->death_count; i < now->death_count; i++) {
        struct source source = source_of_base(old->private, now->deaths[i].filter);
        struct overlay_filter dead = {.weight = source.weight,
                                      .id = source.id,
                                      .sublayer = *source.sublayer,
                                      .layer = source.layer,
                                      .sublayer_weight = source.sublayer_weight};
        if (!overlay_remove(image, &dead))
            return false;
    }
    for (uint32_t i = 0; i < rebuild->overlay_count; i++) {
        if (!has(now->filters, now->count, &rebuild->overlay[i]) &&
            !overlay_remove(image, &rebuild->overlay[i]))
            return false;
    }
    return true;
}

static bool add_since(const struct classify_rebuild *rebuild, const struct classify_image *old,
                      struct classify_image *image)
{
    const struct overlay *now = &old->private->overlay;
    for (uint32_t i = 0; i < now->count; i++) {
        struct overlay_filter added = now->filters[i];
        if (has(rebuild->overlay, rebuild->overlay_count, &added))
            continue;
        added.records = malloc(added.units * sizeof *added.records);
        if (added.records == NULL)
            return false;
        memcpy(added.records, now->filters[i].records, added.units * sizeof *added.records);
        overlay_add(image, &added);
    }
    return true;
}

static bool catch_up(const struct classify_rebuild *rebuild, const struct classify_image *old,
                     struct classify_image *image)
{
    image->group_count = old->group_count;
    memcpy(image->groups, old->groups, sizeof image->groups);
    classify_image_version(image)->group_bits = old->group_count;
    if (!overlay_begin(image, OVERLAY_MOST + old->private->overlay.count))
        return false;
    if (delete_since(rebuild, old, image) && add_since(rebuild, old, image) &&
        overlay_write(image)) {
        overlay_publish(image);
        return true;
    }
    overlay_cancel(image);
    return false;
}

uint32_t classify_rebuild_end(struct classify_rebuild *rebuild, struct classify_image *old,
                              struct classify_image **image, struct model_error *error)
{
    if (rebuild->image == NULL) {
        if (error != NULL)
            *error = (struct model_error){ERROR_NOT_ENOUGH_MEMORY,
                                          "out of memory while rebuilding the compiled policy"};
        return ERROR_NOT_ENOUGH_MEMORY;
    }
    if (!catch_up(rebuild, old, rebuild->image))
        return CLASSIFY_NO_ROOM;
    *image = rebuild->image;
    rebuild->image = NULL;
    return ERROR_SUCCESS;
}

void classify_rebuild_free(struct classify_rebuild *rebuild)
{
    if (rebuild == NULL)
        return;
    for (uint32_t i = 0; i < rebuild->overlay_count; i++)
        free(rebuild->overlay[i].records);
    free(rebuild->overlay);
    classify_image_free(rebuild->image);
    free(rebuild);
}
