#include "change.h"

#include <stdlib.h>
#include <string.h>

#include "compiler.h"
#include "overlay.h"

/* ---- adding ---- */

/* compiler->filter as it is in the overlay, without records. */
static struct overlay_filter identify(const struct compiler *compiler)
{
    const struct model_view_filter *filter = compiler->filter;
    return (struct overlay_filter){.weight = filter->weight,
                                   .id = filter->filter->filterId,
                                   .sublayer = filter->sublayer,
                                   .layer = compiler->layer->id,
                                   .sublayer_weight = filter->sublayer_weight};
}

/* The records' sublayer is known when they are written. */
static uint32_t add(struct classify_image *image, struct compiler *compiler)
{
    struct overlay_filter added = identify(compiler);
    uint32_t code = compile_filter(compiler, 0);
    if (code != ERROR_SUCCESS)
        return code;
    if (image->private->overlay.next_count + 1 > OVERLAY_MOST)
        return CLASSIFY_NO_ROOM;
    added.records = overlay_copy_records(compiler->memory->bytes, compiler->first,
                                         compiler->record_count, &added.units);
    if (added.records == NULL)
        return compile_fail(compiler, ERROR_NOT_ENOUGH_MEMORY, "out of memory");
    overlay_add(image, &added);
    return ERROR_SUCCESS;
}

/* ---- deleting ---- */

static uint32_t take_out(struct classify_image *image, struct compiler *compiler)
{
    struct overlay_filter deleted = identify(compiler);
    return overlay_remove(image, &deleted) ? ERROR_SUCCESS : CLASSIFY_NO_ROOM;
}

/* ---- a change ---- */

static uint32_t each(struct classify_image *image, struct compiler *compiler,
                     const struct model_view_filter *filters, size_t count,
                     uint32_t (*make)(struct classify_image *, struct compiler *))
{
    uint32_t code = ERROR_SUCCESS;
    for (size_t i = 0; i < count && code == ERROR_SUCCESS; i++) {
        code = compile_begin(compiler, &filters[i]);
        if (code == ERROR_SUCCESS)
            code = make(image, compiler);
    }
    return code;
}

static uint32_t apply(struct classify_image *image, const struct classify_change *change,
                      struct compiler *compiler)
{
    uint32_t code = each(image, compiler, change->deleted, change->deleted_count, take_out);
    return code != ERROR_SUCCESS ? code
                                 : each(image, compiler, change->added, change->added_count, add);
}

static uint32_t middle(const struct image_private *private)
{
    return private->reserve + (private->end - private->reserve) / 2;
}

/* 0: not in the reserve, in the base. */
static unsigned half_of(const struct image_private *private, uint32_t unit)
{
    if (unit < private->reserve || unit >= private->end)
        return 0;
    return unit < middle(private) ? 1 : 2;
}

/*
 * Goes on in the other half, where nobody reads any more: no version in force stands there, and
 * lookups that began with one are over, which classify_change_publish() had the grace period begun
 * for.
 */
static bool turn(struct image_private *private)
{
    struct overlay *overlay = &private->overlay;
    uint32_t other = overlay->at < middle(private) ? middle(private) : private->reserve;
    if (half_of(private, private->version) == half_of(private, other) ||
        !grace_end(&private->grace))
        return false;
    overlay->at = other;
    return true;
}

/* In what is left of this half of the reserve, or else in the other. */
static uint32_t write_overlay(struct classify_image *image)
{
    struct image_private *private = image->private;
    uint32_t before = private->overlay.at;
    if (overlay_write(image))
        return ERROR_SUCCESS;
    private->pending = 0;
    if (turn(private) && overlay_write(image))
        return ERROR_SUCCESS;
    private->overlay.at = before;
    return CLASSIFY_NO_ROOM;
}

static uint32_t prepare(struct classify_image *image, const struct classify_change *change,
                        struct compiler *compiler)
{
    /* A deletion may bring others back, so there is room for as many as there may be at all. */
    if (!overlay_begin(image, OVERLAY_MOST + change->added_count))
        return CLASSIFY_NO_ROOM;
    uint32_t code = apply(image, change, compiler);
    if (code == ERROR_SUCCESS)
        code = write_overlay(image);
    if (code != ERROR_SUCCESS)
        overlay_cancel(image);
    return code;
}

uint32_t classify_change_prepare(struct classify_image *image, const struct classify_change *change,
                                 const struct classify_intern *intern, struct model_error *error)
{
    struct model_error ignored;
    struct memory memory = memory_new((uint32_t)change->added_count * 16);
    struct compiler compiler = {.intern = intern,
                                .error = error != NULL ? error : &ignored,
                                .group_count = &image->group_count,
                                .groups = image->groups,
                                .memory = &memory};
    uint32_t code = memory.bytes == NULL ? CLASSIFY_NO_ROOM : prepare(image, change, &compiler);
    free(compiler.tests.list);
    free(memory.bytes);
    return code;
}

void classify_change_publish(struct classify_image *image)
{
    struct image_private *private = image->private;
    unsigned left = half_of(private, private->version);
    overlay_publish(image);
    if (private->release != NULL && left != 0 && left != half_of(private, private->version))
        grace_begin(&private->grace);
}

void classify_change_cancel(struct classify_image *image)
{
    overlay_cancel(image);
}

bool classify_wants_rebuild(const struct classify_image *image)
{
    const struct overlay *overlay = &image->private->overlay;
    return overlay->count > OVERLAY_MOST / 4 ||
           overlay->death_count > 1000 + image->private->filter_count / 8;
}
