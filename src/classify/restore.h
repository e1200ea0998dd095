/* A compiled policy from bytes that were kept: it can be put in force, but not changed. */
#ifndef OPENWFP_CLASSIFY_RESTORE_H
#define OPENWFP_CLASSIFY_RESTORE_H

#include <stdbool.h>

#include "compile.h"

/*
 * Whether the bytes, aligned to 8, can be read as a policy: all that user space reads of it (its
 * version and its layers) is inside. What only lookups read they check themselves, at every step,
 * and block what they can't.
 */
bool classify_image_sound(const uint8_t *bytes, size_t size);

/* The image of sound bytes, which are copied; as classify_compile() gave it when they were kept.
 * NULL: out of memory, or not sound. */
struct classify_image *classify_image_restore(const uint8_t *bytes, size_t size,
                                              const struct classify_group *groups, size_t count);

#endif
