/* A table of things by number, each with its node inside. */
#ifndef OPENWFP_DRIVER_TABLE_H
#define OPENWFP_DRIVER_TABLE_H

#include <stddef.h>
#include <stdint.h>

#define TABLE_BUCKETS 4096u /* a power of two */

struct node {
    struct node *next;
    uint64_t number;
};

struct table {
    struct node *buckets[TABLE_BUCKETS];
};

#define NODE_OF(node, type, member) ((type *)((char *)(node)-offsetof(type, member)))

static inline struct node **table_bucket(struct table *table, uint64_t number)
{
    return &table->buckets[number * 0x9e3779b97f4a7c15ull >> 52 & (TABLE_BUCKETS - 1)];
}

/* The first of that number in a chain; NULL = none. */
static inline struct node *table_next(struct node *chain, uint64_t number)
{
    while (chain && chain->number != number)
        chain = chain->next;
    return chain;
}

static inline struct node *table_find(struct table *table, uint64_t number)
{
    return table_next(*table_bucket(table, number), number);
}

static inline void table_add(struct table *table, struct node *node, uint64_t number)
{
    struct node **bucket = table_bucket(table, number);

    node->number = number;
    node->next = *bucket;
    *bucket = node;
}

static inline void table_remove(struct table *table, struct node *node)
{
    struct node **link = table_bucket(table, node->number);

    while (*link != node)
        link = &(*link)->next;
    *link = node->next;
}

#endif
