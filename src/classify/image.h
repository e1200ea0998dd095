/* What an image keeps beside its memory: where everything is, for who changes or describes it. */
#ifndef OPENWFP_CLASSIFY_IMAGE_H
#define OPENWFP_CLASSIFY_IMAGE_H

#include <stdbool.h>

#include "compile.h"
#include "grace.h"
#include "memory.h"
#include "tree.h"

/* The place of a filter in the order of all filters: what decides it, and its records. */
struct image_filter {
    uint64_t weight, id;
    uint32_t sublayer; /* index in image_private.sublayers */
    uint32_t unit;     /* of its first record */
    uint32_t records : 30;
    uint32_t notes : 2; /* enum tree_note */
};

struct image_sublayer {
    GUID key;
    uint16_t layer, weight, number;
    uint32_t first, end;                 /* units of its records */
    uint32_t first_filter, filter_count; /* in image_private.filters */
};

/* A filter of the overlay; its records are written anew for every version. */
struct overlay_filter {
    uint64_t weight, id;
    GUID sublayer;
    uint16_t layer, sublayer_weight, number;
    uint32_t before, end; /* as in struct classify_filter */
    uint32_t units;       /* of all its records, which stand without gaps in: */
    uint64_t *records;
};

/* A filter of the base that is gone from a version on. */
struct overlay_death {
    uint32_t filter; /* index in image_private.filters */
    uint32_t number; /* of the version */
};

/* Changes in force, in the order of all filters, and the ones about to be. */
struct overlay {
    struct overlay_filter *filters, *next;
    struct overlay_death *deaths;
    uint32_t count, next_count;
    uint32_t death_count, next_death_count, death_capacity;
    uint32_t at, next_at; /* unit behind the version in force, behind the pending one */
    uint32_t old_groups;  /* to go back to */
    uint64_t commits;
};

/* A layer's part of the base. */
struct image_layer {
    uint16_t id;
    uint32_t first, end; /* units of its records */
    uint32_t filters;
    uint32_t sublayers;
    uint32_t protocols;
    uint64_t slots;
    uint32_t records;
    uint32_t tree_units;
    uint32_t dead; /* filters that changes have deleted */
    struct trees trees;
};

struct image_private {
    void (*release)(void *mapping, size_t size); /* NULL: the memory is on the heap */
    uint32_t filter_count, sublayer_count, layer_count;
    struct image_filter *filters;     /* of the base, in order */
    struct image_sublayer *sublayers; /* likewise */
    struct image_layer *layers;       /* in the order of their records */
    uint32_t records_end;             /* units */
    uint32_t reserve, end;            /* units [reserve, end) are for changes */
    uint32_t version, pending;        /* units of versions; 0: none */
    uint64_t build_ns;
    struct overlay overlay;
    struct grace grace; /* for the half of the reserve that was left last */
};

/* What the tests of a record read, and which protocols they let through. */
void image_summarise(const struct classify_filter *filter, uint64_t *slots, uint32_t *protocols);

/* Sublayers and filters in their order: 0 is equal. */
int image_compare_sublayers(uint16_t weight_a, const GUID *a, uint16_t weight_b, const GUID *b);
int image_compare_filters(uint64_t weight_a, uint64_t id_a, uint64_t weight_b, uint64_t id_b);

/*
 * Empty tables with room for so many filters, and a memory for about as many. Versions and changes
 * come first in it, so that in most policies they share a block with the trees, then records, then
 * trees. NULL: out of memory.
 */
struct classify_image *image_new(size_t filters, struct memory *memory);

/* Builds the trees of all layers and the first version, around records that are there. */
bool image_finish(struct classify_image *image, struct memory *memory);

/* Writes a version with these layers; MEMORY_FULL: no room. */
uint32_t image_write_version(struct memory *memory, const struct classify_version *version,
                             const struct classify_layer *layers, const uint16_t *ids,
                             uint32_t count);

/* The layer as it is in a version without changes. */
struct classify_layer image_base_layer(const struct image_layer *layer);

/* The sublayer of the base; NULL: it has no filters there. */
struct image_sublayer *image_sublayer(const struct image_private *private, uint16_t layer,
                                      uint16_t weight, const GUID *key);
struct image_layer *image_layer(const struct image_private *private, uint16_t id);

/* A sublayer at the end of the table, with the records from here on; NULL: out of memory. */
struct image_sublayer *image_begin_sublayer(struct image_private *private,
                                            struct image_layer *layer, const struct memory *memory,
                                            uint16_t weight, const GUID *key);
/* All its filters and records are there. */
void image_end_sublayer(struct image_private *private, struct image_sublayer *sublayer,
                        const struct memory *memory);

/* Puts a version in force: one store. */
void image_publish(struct classify_image *image, uint32_t version);

#endif
