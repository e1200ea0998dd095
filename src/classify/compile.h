/*
 * From filters to the compiled policy (abi.h).
 *
 * Conditions become tests on numbers. Conditions on one field stand together and are alternatives;
 * groups of them must all hold (3.8). A filter with many alternatives becomes several records, one
 * for each, of which at most one matches. A security descriptor on ALE_USER_ID becomes its access
 * control entries in order, each a test of a uid or of a group bit.
 *
 * Not representable, and refused with a message: order, prefix and suffix matches on program paths
 * (a program is a number in the kernel), more than 64 different groups in one policy.
 */
#ifndef OPENWFP_CLASSIFY_COMPILE_H
#define OPENWFP_CLASSIFY_COMPILE_H

#include <stddef.h>
#include <stdint.h>

#include "abi.h"
#include "model/model.h"

/* The number of a program by its canonical path, the same every time; 0: no numbers are left. */
struct classify_intern {
    void *ctx;
    uint32_t (*app)(void *ctx, const char *path);
};

/* A group that conditions name, and its bits in CLASSIFY_USER_BITS. */
struct classify_group {
    uint32_t gid;
    uint32_t pad;
    uint64_t bits;
};

/* A compiled policy, and beside it what only its changes need (image.h). */
struct classify_image {
    uint8_t *memory;
    size_t size; /* what it takes: a multiple of CLASSIFY_BLOCK; in an arena, of pages */
    size_t used; /* behind it all is zero */
    uint32_t group_count;
    struct classify_group groups[64];
    struct image_private *private;
};

/*
 * Compiles the filters of all layers, given in any order. On success *image is the caller's, freed
 * with classify_image_free(); on failure error says which filter and why, and nothing is left.
 */
uint32_t classify_compile(const struct model_view_filter *filters, size_t count,
                          const struct classify_intern *intern, struct classify_image **image,
                          struct model_error *error);

/* The same for all filters in force in a view. */
uint32_t classify_compile_view(const struct model_view *view, const struct classify_intern *intern,
                               struct classify_image **image, struct model_error *error);

void classify_image_free(struct classify_image *image);

/*
 * The memory has been copied to `mapping`, which is the image's memory from now on and is given
 * back with release().
 */
void classify_image_adopt(struct classify_image *image, void *mapping,
                          void (*release)(void *mapping, size_t size));

/* The version that is in force, or the one that is about to be (change.h). */
struct classify_version *classify_image_version(const struct classify_image *image);

/* A layer of that version; NULL: it has no filters. */
const struct classify_layer *classify_image_layer(const struct classify_image *image,
                                                  uint16_t layer);

/* The weight of a matched filter's sublayer. */
uint16_t classify_sublayer_weight(const struct classify_image *image, uint16_t layer,
                                  const struct classify_filter *filter);

#endif
