#include "index.h"

#include <stdlib.h>
#include <string.h>

#define FIRST_SIZE 64

static void insert(struct index *index, struct index_node *node)
{
    struct index_node **chain = &index->chains[node->hash & index->mask];

    node->next = *chain;
    *chain = node;
}

bool index_reserve(struct index *index)
{
    size_t chains = index->chains ? index->mask + 1 : 0;

    if (index->count < chains)
        return true;

    size_t wanted = chains ? chains * 2 : FIRST_SIZE;
    struct index bigger = {.chains = calloc(wanted, sizeof(struct index_node *)),
                           .mask = wanted - 1,
                           .count = index->count};
    if (!bigger.chains)
        return false;
    for (size_t i = 0; i < chains; i++) {
        for (struct index_node *node = index->chains[i], *next; node; node = next) {
            next = node->next;
            insert(&bigger, node);
        }
    }
    free(index->chains);
    *index = bigger;
    return true;
}

void index_insert(struct index *index, struct index_node *node, uint64_t hash)
{
    node->hash = hash;
    insert(index, node);
    index->count++;
}

void index_remove(struct index *index, struct index_node *node)
{
    struct index_node **link = &index->chains[node->hash & index->mask];

    while (*link != node)
        link = &(*link)->next;
    *link = node->next;
    index->count--;
}

static struct index_node *same_hash(struct index_node *node, uint64_t hash)
{
    while (node && node->hash != hash)
        node = node->next;
    return node;
}

struct index_node *index_first(const struct index *index, uint64_t hash)
{
    return index->chains ? same_hash(index->chains[hash & index->mask], hash) : NULL;
}

struct index_node *index_next(const struct index_node *node)
{
    return same_hash(node->next, node->hash);
}

void index_free(struct index *index)
{
    free(index->chains);
    *index = (struct index){0};
}

/* Multiply to 128 bits and fold: the core of wyhash. */
static uint64_t mix(uint64_t a, uint64_t b)
{
    unsigned __int128 product = (unsigned __int128)a * b;

    return (uint64_t)product ^ (uint64_t)(product >> 64);
}

uint64_t index_hash(const void *sixteen_bytes, uint64_t seed)
{
    uint64_t half[2];

    memcpy(half, sixteen_bytes, sizeof(half));
    return mix(mix(half[0] ^ seed, half[1] ^ 0xa0761d6478bd642fu), seed ^ 0xe7037ed1a0b428dbu);
}

uint64_t index_hash_number(uint64_t number, uint64_t seed)
{
    uint64_t pair[2] = {number, ~number};

    return index_hash(pair, seed);
}
