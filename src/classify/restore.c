#include "restore.h"

#include <stdlib.h>
#include <string.h>

#include "image.h"

#define UNITS_MOST CLASSIFY_REF_AT(~0u) /* what a reference can name */

static bool inside(size_t size, uint32_t unit, size_t wanted)
{
    size_t offset = (size_t)unit * CLASSIFY_UNIT;
    return unit != 0 && offset <= size && wanted <= size - offset &&
           offset % CLASSIFY_BLOCK <= CLASSIFY_BLOCK - wanted;
}

static bool layer_sound(const uint8_t *bytes, size_t size, uint32_t unit)
{
    if (unit == 0)
        return true;
    if (!inside(size, unit, sizeof(struct classify_layer)))
        return false;
    const struct classify_layer *layer = (const void *)(bytes + (size_t)unit * CLASSIFY_UNIT);
    return layer->base_trees <= layer->trees && layer->trees <= CLASSIFY_TREES;
}

bool classify_image_sound(const uint8_t *bytes, size_t size)
{
    const struct classify_header *header = (const void *)bytes;
    if (size < sizeof *header || size % CLASSIFY_UNIT != 0 || size / CLASSIFY_UNIT > UNITS_MOST ||
        header->block != 0 || !inside(size, header->root, sizeof(struct classify_version)))
        return false;
    const struct classify_version *version =
        (const void *)(bytes + (size_t)header->root * CLASSIFY_UNIT);
    for (size_t i = 0; i < CLASSIFY_LAYERS; i++) {
        if (!layer_sound(bytes, size, version->layer[i]))
            return false;
    }
    return true;
}

static bool fill(struct classify_image *image, const uint8_t *bytes, size_t size)
{
    image->private = calloc(1, sizeof *image->private);
    image->memory = malloc(size);
    if (image->private == NULL || image->memory == NULL)
        return false;
    memcpy(image->memory, bytes, size);
    image->private->version = ((const struct classify_header *)(const void *)bytes)->root;
    image->used = size;
    image->size = (size + CLASSIFY_BLOCK - 1) / CLASSIFY_BLOCK * CLASSIFY_BLOCK;
    return true;
}

struct classify_image *classify_image_restore(const uint8_t *bytes, size_t size,
                                              const struct classify_group *groups, size_t count)
{
    struct classify_image *image = calloc(1, sizeof *image);
    if (image == NULL)
        return NULL;
    if (!classify_image_sound(bytes, size) || count > sizeof image->groups / sizeof *groups ||
        !fill(image, bytes, size)) {
        classify_image_free(image);
        return NULL;
    }
    image->group_count = (uint32_t)count;
    if (count > 0)
        memcpy(image->groups, groups, count * sizeof *groups);
    return image;
}
