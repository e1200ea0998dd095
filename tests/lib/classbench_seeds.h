/* What ClassBench's parameter files acl1, fw1 and ipc1 say, in round numbers. */
#ifndef OPENWFP_TESTS_CLASSBENCH_SEEDS_H
#define OPENWFP_TESTS_CLASSBENCH_SEEDS_H

#include "classbench.h"

enum port_class { ANY_PORT, HIGH_PORT, PORT_RANGE, EXACT_PORT };

/* Weights within a list are shares of their sum. */
struct port_pair {
    uint8_t protocol; /* 0: any */
    uint8_t source, destination;
    uint16_t weight;
};

struct length_pair {
    uint8_t source_class, destination_class; /* of ports */
    uint8_t source, destination;
    uint16_t weight;
};

/*
 * A tree of prefixes: what percent of the nodes of a level have two children, at least; and how
 * many leaves the tree of n rules needs, as a power of n.
 */
struct tree_shape {
    uint8_t percent[32];
    double growth;
};

struct seed_shape {
    const char *name;
    uint64_t random;
    const struct port_pair *ports;
    const struct length_pair *lengths;
    const uint16_t *exact; /* popular ports, the most popular first */
    const struct classbench_ports *ranges;
    size_t ports_count, lengths_count, exact_count, ranges_count;
    uint32_t more_exact, more_ranges; /* less popular ones, made up */
    struct tree_shape source, destination;
    uint32_t related;        /* percent of the destinations that begin as their source does, */
    uint32_t related_levels; /* for at most so many bits */
};

extern const struct seed_shape seed_shapes[CLASSBENCH_SEEDS];

#endif
