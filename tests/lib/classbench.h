/*
 * Rules on addresses, ports and protocol, like those that ClassBench makes of its parameter files
 * acl1, fw1 and ipc1 (Taylor and Turner, "ClassBench: A Packet Classification Benchmark"): the
 * shares of protocols, of pairs of port classes, of pairs of prefix lengths under them, and how
 * bushy the trees of prefixes are, follow those files. The same seed and number make the same rules
 * every time.
 *
 * Rules are in order: the first that matches decides. Wide rules tend to stand behind narrow ones,
 * and no two rules are the same.
 */
#ifndef OPENWFP_TESTS_CLASSBENCH_H
#define OPENWFP_TESTS_CLASSBENCH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "random.h"

struct classbench_prefix {
    uint32_t address; /* host order, zeros behind the prefix */
    uint8_t length;
};

struct classbench_ports {
    uint16_t low, high;
};

struct classbench_rule {
    struct classbench_prefix source, destination;
    struct classbench_ports source_ports, destination_ports; /* all, unless TCP or UDP */
    uint8_t protocol;
    bool any_protocol;
};

struct classbench_header {
    uint32_t source, destination;
    uint16_t source_port, destination_port;
    uint8_t protocol;
};

enum classbench_seed { CLASSBENCH_ACL, CLASSBENCH_FW, CLASSBENCH_IPC, CLASSBENCH_SEEDS };

const char *classbench_seed_name(enum classbench_seed seed);
/* False: no seed is called that. */
bool classbench_seed_by_name(const char *name, enum classbench_seed *seed);

/* Fills `rules`; false: out of memory. */
bool classbench_make(enum classbench_seed seed, struct classbench_rule *rules, size_t count);

/* What the rule at this place does: one in three blocks. */
static inline bool classbench_blocks(size_t place)
{
    return random_mix(place + 1) % 3 == 0;
}

/* A header that the rule matches; wildcards are drawn evenly. */
struct classbench_header classbench_header_in(const struct classbench_rule *rule,
                                              struct random *random);
/* The place of the first rule that matches, or count. */
size_t classbench_first(const struct classbench_rule *rules, size_t count,
                        const struct classbench_header *header);

/*
 * ClassBench's trace: headers in random rules, each repeated as often as a Pareto distribution
 * (a = 1, b = `locality`) has it. 0: each once.
 */
void classbench_trace(const struct classbench_rule *rules, size_t count, double locality,
                      struct classbench_header *headers, size_t header_count,
                      struct random *random);

/* How often in a row a header comes in such a trace. */
size_t classbench_burst(double locality, struct random *random);

#endif
