/*
 * Deleting. The trees leave out of a leaf what a filter before it covers there; when that filter is
 * deleted, those it may have covered move to the overlay, where they are found again.
 */
#include <stdlib.h>

#include "box.h"
#include "overlay.h"
#include "records.h"

#define UNCOVER_MOST 256u /* filters that one deletion brings back */

static bool boxes_meet(const struct box_shape *shape, const struct box *a, const struct box *b)
{
    for (uint32_t i = 0; i < shape->count; i++) {
        if (a->range[i].lo > b->range[i].hi || b->range[i].lo > a->range[i].hi)
            return false;
    }
    for (uint32_t i = 0; i < BOX_BITS; i++) {
        if ((a->ones[i] & b->zeros[i]) != 0 || (b->ones[i] & a->zeros[i]) != 0)
            return false;
    }
    return true;
}

static bool records_meet(const struct classify_filter *a, const struct classify_filter *b)
{
    _Alignas(struct box)
        uint8_t left[sizeof(struct box) + CLASSIFY_SLOTS * sizeof(struct box_range)];
    _Alignas(struct box) uint8_t right[sizeof left];
    struct box_shape shape = box_shape_new();
    box_shape_add(&shape, a);
    box_shape_add(&shape, b);
    return box_of(&shape, a, 0, (struct box *)left) && box_of(&shape, b, 0, (struct box *)right) &&
           boxes_meet(&shape, (struct box *)left, (struct box *)right);
}

/* Whether any record of the one filter can match what some record of the other can. */
static bool filters_meet(const struct classify_image *image, const struct image_filter *a,
                         const struct image_filter *b)
{
    uint32_t end = image->private->records_end;
    struct records left = {image->memory, a->unit, end};
    for (uint32_t i = 0; i < a->records; i++) {
        const struct classify_filter *record = records_next(&left);
        struct records right = {image->memory, b->unit, end};
        for (uint32_t j = 0; j < b->records; j++) {
            if (records_meet(record, records_next(&right)))
                return true;
        }
    }
    return false;
}

/* Moves a filter of the base to the overlay. */
static bool move(struct classify_image *image, uint32_t number)
{
    const struct image_filter *filter = &image->private->filters[number];
    struct overlay_filter moved = overlay_of_base(image->private, number);
    if (image->private->overlay.next_count + 1 > OVERLAY_MOST || !overlay_delete(image, &moved))
        return false;
    moved.records =
        overlay_copy_records(image->memory, filter->unit, filter->records, &moved.units);
    if (moved.records == NULL)
        return false;
    overlay_add(image, &moved);
    return true;
}

/* Filters that stand behind the deleted one and were left out of leaves for its sake. */
static bool uncover(struct classify_image *image, uint32_t dead)
{
    const struct image_private *private = image->private;
    const struct image_filter *filter = &private->filters[dead];
    const struct image_sublayer *sublayer = &private->sublayers[filter->sublayer];
    uint32_t moved = 0, end = sublayer->first_filter + sublayer->filter_count;
    for (uint32_t i = dead + 1; i < end; i++) {
        const struct image_filter *other = &private->filters[i];
        if (!(other->notes & TREE_COVERED) ||
            overlay_base_record(image, i)->died != CLASSIFY_ALIVE ||
            !filters_meet(image, filter, other))
            continue;
        if (++moved > UNCOVER_MOST || !move(image, i))
            return false;
    }
    return true;
}

bool overlay_remove(struct classify_image *image, const struct overlay_filter *filter)
{
    uint32_t dead;
    if (!overlay_delete(image, filter))
        return false;
    /* The base may have had it even when it was in the overlay: moved there by an uncovering. */
    return !overlay_find_base(image, filter, &dead) ||
           !(image->private->filters[dead].notes & TREE_COVERS) || uncover(image, dead);
}
