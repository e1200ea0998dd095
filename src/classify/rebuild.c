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
        if (!overlay_copy(&overlay->filters[i], &rebuild->overlay[rebuild->overlay_count++]))
            return false;
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

static void end_sublayer(struct merge *merge)
{
    if (merge->sublayer != NULL)
        image_end_sublayer(merge->private, merge->sublayer, &merge->memory);
    merge->sublayer = NULL;
}

static void end_layer(struct merge *merge)
{
    end_sublayer(merge);
    if (merge->layer != NULL)
        merge->layer->end = merge->memory.at;
}

/* Turns to the filter's layer and sublayer, where what is added from now on belongs. */
static void enter(struct merge *merge, const struct overlay_filter *filter)
{
    if (merge->layer == NULL || merge->layer->id != filter->layer) {
        end_layer(merge);
        merge->layer = &merge->private->layers[merge->private->layer_count++];
        *merge->layer = (struct image_layer){.id = filter->layer, .first = merge->memory.at};
    }
    if (merge->sublayer != NULL && guid_equal(&merge->sublayer->key, &filter->sublayer))
        return;
    end_sublayer(merge);
    merge->sublayer = image_begin_sublayer(merge->private, merge->layer, &merge->memory,
                                           filter->sublayer_weight, &filter->sublayer);
    merge->failed = merge->sublayer == NULL;
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

static void add_filter(struct merge *merge, const struct overlay_filter *filter, uint32_t unit,
                       uint32_t records)
{
    struct image_private *private = merge->private;
    private->filters[private->filter_count++] =
        (struct image_filter){.weight = filter->weight,
                              .id = filter->id,
                              .sublayer = private->sublayer_count - 1,
                              .unit = unit,
                              .records = records};
    merge->layer->filters++;
}

static void take_base(struct merge *merge, uint32_t i, const struct overlay_filter *base)
{
    const struct classify_image *old = merge->rebuild->old;
    const struct image_filter *filter = &old->private->filters[i];
    struct records records = {old->memory, filter->unit, old->private->records_end};
    uint32_t first = 0;
    enter(merge, base);
    for (uint32_t j = 0; j < filter->records && !merge->failed; j++) {
        uint32_t copy = add_record(merge, records_next(&records));
        first = j == 0 ? copy : first;
    }
    if (!merge->failed)
        add_filter(merge, base, first, filter->records);
}

static void take_overlay(struct merge *merge, const struct overlay_filter *filter)
{
    uint32_t first = 0, records = 0;
    enter(merge, filter);
    for (uint32_t at = 0; at < filter->units && !merge->failed; records++) {
        const struct classify_filter *record = (const void *)(filter->records + at);
        uint32_t copy = add_record(merge, record);
        first = at == 0 ? copy : first;
        at += records_units(record);
    }
    if (!merge->failed)
        add_filter(merge, filter, first, records);
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
        struct overlay_filter base = overlay_of_base(rebuild->old->private, i);
        for (; range.first < range.last && !merge->failed; range.first++) {
            if (overlay_compare(&base, &rebuild->overlay[range.first]) < 0)
                break;
            take_overlay(merge, &rebuild->overlay[range.first]);
        }
        if (alive(rebuild, i) && !merge->failed)
            take_base(merge, i, &base);
    }
    for (; range.first < range.last && !merge->failed; range.first++)
        take_overlay(merge, &rebuild->overlay[range.first]);
}

/* The base's order of layers leads; those that only the overlay has come last. */
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

void classify_rebuild_run(struct classify_rebuild *rebuild)
{
    const struct image_private *old = rebuild->old->private;
    size_t filters = old->filter_count + rebuild->overlay_count;
    struct merge merge = {.rebuild = rebuild};
    struct classify_image *image = image_new(filters, &merge.memory);
    if (image == NULL)
        return;
    merge.private = image->private;
    merge_base_layers(&merge);
    merge_new_layers(&merge);
    end_layer(&merge);
    if (!merge.failed && image_finish(image, &merge.memory))
        rebuild->image = image;
    else
        classify_image_free(image);
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
        struct overlay_filter dead = overlay_of_base(old->private, now->deaths[i].filter);
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
        struct overlay_filter added;
        if (has(rebuild->overlay, rebuild->overlay_count, &now->filters[i]))
            continue;
        if (!overlay_copy(&now->filters[i], &added))
            return false;
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
