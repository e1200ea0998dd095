/* What a compiled policy is made of, for people. */
#ifndef OPENWFP_CLASSIFY_STATISTICS_H
#define OPENWFP_CLASSIFY_STATISTICS_H

#include "compile.h"

struct classify_layer_statistics {
    uint16_t layer;       /* run-time id */
    uint32_t filters;     /* in force */
    uint32_t records;     /* of the base; a filter with many alternatives has several */
    uint32_t overlay;     /* filters added since the image was made */
    uint32_t trees;       /* with the overlay's */
    uint32_t depth;       /* nodes that a lookup visits at most, in all trees of the base */
    uint32_t longest;     /* filters that it compares at most, until the first that matches */
    uint32_t worst_tests; /* steps of such a lookup, at most: nodes, filters and their tests */
    uint64_t record_bytes, tree_bytes; /* of the base */
};

struct classify_statistics {
    uint64_t generation;
    uint64_t size; /* bytes, with the reserve */
    uint64_t reserve, reserve_used;
    uint64_t build_ns; /* of the trees of the whole image */
    uint64_t commits;  /* made in place since */
    uint32_t deleted;  /* filters of the base that are gone but still stand there */
    uint32_t overlay;
    uint32_t layer_count;
    struct classify_layer_statistics layers[CLASSIFY_LAYERS];
};

void classify_statistics(const struct classify_image *image,
                         struct classify_statistics *statistics);

#endif
