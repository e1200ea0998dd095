/*
 * Values of every FWP_DATA_TYPE: soundness, comparison, and deep copies in which an object and all
 * it points to are one allocation.
 */
#ifndef OPENWFP_MODEL_VALUE_H
#define OPENWFP_MODEL_VALUE_H

#include "model.h"

/*
 * Copies pieces behind each other into one block. The same code runs twice: with base NULL it only
 * counts, then with a block of that size it copies.
 */
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

/* Every pointer the type needs is there and what it points to is well-formed. */
uint32_t value_check(const FWP_VALUE0 *value, struct model_error *error);
uint32_t condition_value_check(const FWP_CONDITION_VALUE0 *value, struct model_error *error);

/* A condition's value of a single type (not a mask, not a range) as a plain value. */
FWP_VALUE0 value_of_condition(const FWP_CONDITION_VALUE0 *value);

/* Integers, 16-byte arrays, blobs, strings: the types that have an order (rule 3.3). */
bool value_is_sortable(FWP_DATA_TYPE type);
bool value_is_unsigned(FWP_DATA_TYPE type);
uint64_t value_unsigned(const FWP_VALUE0 *value);
/* Both of the same sortable type: <0, 0, >0. */
int value_compare(const FWP_VALUE0 *a, const FWP_VALUE0 *b);
/* Any types; different types are not equal. */
bool value_equal(const FWP_VALUE0 *a, const FWP_VALUE0 *b);

/* "FWP_UINT16", for messages. */
const char *value_type_name(FWP_DATA_TYPE type);

#endif
