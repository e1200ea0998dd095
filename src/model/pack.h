/*
 * Deep copies in which an object and all it points to are one allocation. Pieces are copied behind
 * each other into one block. The same code runs twice: with base NULL it only counts, then with a
 * block of that size it copies.
 */
#ifndef OPENWFP_MODEL_PACK_H
#define OPENWFP_MODEL_PACK_H

#include "model.h"

struct pack {
    uint8_t *base;
    size_t used;
};

/* Room for `size` bytes; NULL while counting, and for 0 bytes. */
void *pack_room(struct pack *pack, size_t size, size_t alignment);
/* NULL for NULL and while counting. */
void *pack_bytes(struct pack *pack, const void *from, size_t size, size_t alignment);
WCHAR *pack_text(struct pack *pack, const WCHAR *from);
GUID *pack_guid(struct pack *pack, const GUID *from);
/* These turn the pointers inside *value, itself already a copy, into pointers to copies. */
void pack_blob(struct pack *pack, FWP_BYTE_BLOB *blob);
void pack_display(struct pack *pack, FWPM_DISPLAY_DATA0 *display);
void pack_value(struct pack *pack, FWP_VALUE0 *value);
void pack_condition_value(struct pack *pack, FWP_CONDITION_VALUE0 *value);

/*
 * malloc'ed: `front` zero bytes, then a copy of the structure (its size a multiple of 8) in which
 * `pointers` has turned every pointer into one to a copy behind it. NULL: out of memory.
 */
void *pack_copy(const void *from, size_t size, size_t front,
                void (*pointers)(struct pack *pack, void *copy));

#endif
