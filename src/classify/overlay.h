/* The overlay of an image: filters added and deleted since the image was made. */
#ifndef OPENWFP_CLASSIFY_OVERLAY_H
#define OPENWFP_CLASSIFY_OVERLAY_H

#include "image.h"

#define OVERLAY_MOST 1024u /* filters; more are a new image */

void overlay_free(struct overlay *overlay);

/* Starts the next state as a copy of the present one, with room for `more`; false: no memory. */
bool overlay_begin(struct classify_image *image, size_t more);

/*
 * Adds a filter to the next state, at its place in the order; fills in what depends on the base.
 * The records become the overlay's.
 */
void overlay_add(struct classify_image *image, struct overlay_filter *filter);

/*
 * Takes a filter out of the next state, and brings back what it has covered (uncover.c). False:
 * there is no such filter, or too many are brought back.
 */
bool overlay_remove(struct classify_image *image, const struct overlay_filter *filter);

/* Only takes it out. */
bool overlay_delete(struct classify_image *image, const struct overlay_filter *filter);

/* Writes the next state and its version into the reserve. False: no room. */
bool overlay_write(struct classify_image *image);

/* The next state is in force, or forgotten. */
void overlay_publish(struct classify_image *image);
void overlay_cancel(struct classify_image *image);

/* A filter of the base as it would be in the overlay, without records. */
struct overlay_filter overlay_of_base(const struct image_private *private, uint32_t filter);

/* Layer by layer, in a layer in the order in which filters are asked; 0 is equal. */
int overlay_compare(const struct overlay_filter *a, const struct overlay_filter *b);

/* A copy with records of its own; false: out of memory. */
bool overlay_copy(const struct overlay_filter *filter, struct overlay_filter *copy);

/* The filter's index in the base, which may have it as a dead one. */
bool overlay_find_base(const struct classify_image *image, const struct overlay_filter *filter,
                       uint32_t *found);

/* The first record of a filter of the base. */
struct classify_filter *overlay_base_record(const struct classify_image *image, uint32_t filter);

/* A copy of `count` records that stand in memory from `unit` on; records NULL: out of memory. */
uint64_t *overlay_copy_records(const uint8_t *memory, uint32_t unit, uint32_t count,
                               uint32_t *units);

#endif
