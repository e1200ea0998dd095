/* A hash table of nodes that live inside of what they find; several nodes may have one hash. */
#ifndef OPENWFP_MODEL_INDEX_H
#define OPENWFP_MODEL_INDEX_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct index_node {
    struct index_node *next;
    uint64_t hash;
};

struct index {
    struct index_node **chains;
    size_t mask; /* number of chains - 1 */
    size_t count;
};

/* So that the next index_insert has room; false: out of memory. */
bool index_reserve(struct index *index);
void index_insert(struct index *index, struct index_node *node, uint64_t hash);
void index_remove(struct index *index, struct index_node *node);
/* Nodes with that hash, in no order. */
struct index_node *index_first(const struct index *index, uint64_t hash);
struct index_node *index_next(const struct index_node *node);
void index_free(struct index *index);

/* Mixes 16 bytes or a number with a secret seed, so that clients can't make keys collide. */
uint64_t index_hash(const void *sixteen_bytes, uint64_t seed);
uint64_t index_hash_number(uint64_t number, uint64_t seed);

#define INDEX_ITEM(node, type, member) ((type *)((char *)(node)-offsetof(type, member)))

#endif
