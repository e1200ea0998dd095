#include "classbench.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "classbench_seeds.h"

#define TCP 6
#define UDP 17

/* Fruitless attempts at a rule that is not there yet, until its addresses become random. */
#define ATTEMPTS 6

const char *classbench_seed_name(enum classbench_seed seed)
{
    return seed_shapes[seed].name;
}

bool classbench_seed_by_name(const char *name, enum classbench_seed *seed)
{
    for (int i = 0; i < CLASSBENCH_SEEDS; i++) {
        if (strcmp(name, seed_shapes[i].name) == 0) {
            *seed = (enum classbench_seed)i;
            return true;
        }
    }
    return false;
}

/* ---- addresses ---- */

/*
 * A tree that is nowhere in memory: what a node's children are follows from its prefix alone, so
 * all walks from the root see the same tree.
 */
struct tree {
    uint64_t random;
    uint32_t percent[32];
};

static struct tree tree_of(const struct tree_shape *shape, uint64_t random, size_t count)
{
    struct tree tree = {.random = random};
    double doublings = 0, wanted = log2((double)count) * shape->growth + 2;
    for (int i = 0; i < 32; i++)
        doublings += shape->percent[i] / 100.0;
    double more = wanted > doublings ? (wanted - doublings) / (32 - doublings) : 0;
    for (int i = 0; i < 32; i++)
        tree.percent[i] = (uint32_t)(shape->percent[i] + more * (100 - shape->percent[i]));
    return tree;
}

static uint32_t child(const struct tree *tree, uint32_t prefix, unsigned level,
                      struct random *random)
{
    uint64_t node = random_mix(tree->random + ((uint64_t)prefix << 8 | level));
    uint32_t heavier = node & 1;
    if ((node >> 8) % 100 >= tree->percent[level])
        return heavier;
    uint32_t skew = 50 + (node >> 32) % 40;
    return random_below(random, 100) < skew ? heavier : 1 - heavier;
}

/* A leaf whose first bits, `fixed` of them, are those of `address`. */
static uint32_t leaf(const struct tree *tree, uint32_t address, unsigned fixed,
                     struct random *random)
{
    uint32_t prefix = fixed == 0 ? 0 : address >> (32 - fixed);
    for (unsigned level = fixed; level < 32; level++)
        prefix = prefix << 1 | child(tree, prefix, level, random);
    return prefix;
}

static uint32_t mask_of(uint32_t length)
{
    return length == 0 ? 0 : UINT32_MAX << (32 - length);
}

/* ---- rules ---- */

struct maker {
    const struct seed_shape *shape;
    struct tree source, destination;
    uint32_t port_weight;
    struct random random;
    uint32_t *table; /* places of rules by hash, + 1; 0: none */
    size_t table_mask;
};

static const struct port_pair *pick_ports(struct maker *maker)
{
    const struct port_pair *pair = maker->shape->ports;
    uint32_t at = random_below(&maker->random, maker->port_weight);
    while (at >= pair->weight)
        at -= pair++->weight;
    return pair;
}

static const struct length_pair *pick_lengths(struct maker *maker, const struct port_pair *ports)
{
    const struct length_pair *end = maker->shape->lengths + maker->shape->lengths_count;
    const struct length_pair *first = maker->shape->lengths, *pair;
    uint32_t weight = 0;
    while (first < end &&
           (first->source_class != ports->source || first->destination_class != ports->destination))
        first++;
    for (pair = first; pair < end && pair->source_class == ports->source &&
                       pair->destination_class == ports->destination;
         pair++)
        weight += pair->weight;
    uint32_t at = random_below(&maker->random, weight);
    for (pair = first; at >= pair->weight; pair++)
        at -= pair->weight;
    return pair;
}

/* One of `count`, the first ones more often. */
static uint32_t pick_popular(struct random *random, uint32_t count)
{
    double even = (double)(random_next(random) >> 11) / 9007199254740992.0;
    return (uint32_t)(pow(count + 1.0, even) - 1) % count;
}

static uint16_t exact_port(struct maker *maker)
{
    const struct seed_shape *shape = maker->shape;
    uint32_t which = pick_popular(&maker->random, (uint32_t)shape->exact_count + shape->more_exact);
    return which < shape->exact_count ? shape->exact[which]
                                      : (uint16_t)(random_mix(shape->random + which) % 40000);
}

static struct classbench_ports port_range(struct maker *maker)
{
    const struct seed_shape *shape = maker->shape;
    uint32_t which =
        pick_popular(&maker->random, (uint32_t)shape->ranges_count + shape->more_ranges);
    if (which < shape->ranges_count)
        return shape->ranges[which];
    uint64_t made = random_mix(shape->random * 3 + which);
    uint16_t low = (uint16_t)(1 + made % 50000);
    return (struct classbench_ports){low, (uint16_t)(low + 1 + (made >> 32) % 120)};
}

static struct classbench_ports make_ports(struct maker *maker, uint8_t class)
{
    uint16_t port;
    switch (class) {
    case HIGH_PORT:
        return (struct classbench_ports){1024, UINT16_MAX};
    case PORT_RANGE:
        return port_range(maker);
    case EXACT_PORT:
        port = exact_port(maker);
        return (struct classbench_ports){port, port};
    default:
        return (struct classbench_ports){0, UINT16_MAX};
    }
}

static void make_addresses(struct maker *maker, struct classbench_rule *rule, bool wild)
{
    const struct seed_shape *shape = maker->shape;
    struct random *random = &maker->random;
    uint32_t source = leaf(&maker->source, 0, 0, random);
    unsigned related = random_below(random, 100) < shape->related
                           ? random_below(random, shape->related_levels + 1)
                           : 0;
    uint32_t destination = leaf(&maker->destination, source, related, random);
    if (wild) { /* the trees have no more to give */
        source ^= (uint32_t)random_next(random) & 0x3ffff;
        destination ^= (uint32_t)random_next(random) & 0x3ffff;
    }
    rule->source.address = source & mask_of(rule->source.length);
    rule->destination.address = destination & mask_of(rule->destination.length);
}

static void make_rule(struct maker *maker, struct classbench_rule *rule, bool wild)
{
    const struct port_pair *ports = pick_ports(maker);
    const struct length_pair *lengths = pick_lengths(maker, ports);
    memset(rule, 0, sizeof *rule); /* the padding too: rules are hashed and compared as bytes */
    rule->protocol = ports->protocol;
    rule->any_protocol = ports->protocol == 0;
    rule->source_ports = make_ports(maker, ports->source);
    rule->destination_ports = make_ports(maker, ports->destination);
    rule->source.length = lengths->source;
    rule->destination.length = lengths->destination;
    make_addresses(maker, rule, wild);
}

/* ---- no rule twice ---- */

static uint64_t hash_of(const struct classbench_rule *rule)
{
    uint64_t hash = 0, part[(sizeof *rule + 7) / 8] = {0};
    memcpy(part, rule, sizeof *rule);
    for (size_t i = 0; i < sizeof part / sizeof part[0]; i++)
        hash = random_mix(hash ^ part[i]);
    return hash;
}

/* False: it is there already. */
static bool enter(struct maker *maker, const struct classbench_rule *rules, size_t at)
{
    size_t place = hash_of(&rules[at]) & maker->table_mask;
    for (; maker->table[place] != 0; place = (place + 1) & maker->table_mask) {
        if (memcmp(&rules[maker->table[place] - 1], &rules[at], sizeof rules[at]) == 0)
            return false;
    }
    maker->table[place] = (uint32_t)at + 1;
    return true;
}

/* ---- order ---- */

struct place {
    uint32_t narrowness, at;
};

static uint32_t port_bits(struct classbench_ports ports)
{
    uint32_t bits = 16;
    for (uint32_t width = ports.high - ports.low; width != 0; width >>= 1)
        bits--;
    return bits;
}

static uint32_t narrowness_of(const struct classbench_rule *rule)
{
    return rule->source.length + rule->destination.length + port_bits(rule->source_ports) +
           port_bits(rule->destination_ports) + (rule->any_protocol ? 0 : 8);
}

static int narrowest_first(const void *left, const void *right)
{
    const struct place *a = left, *b = right;
    if (a->narrowness != b->narrowness)
        return a->narrowness > b->narrowness ? -1 : 1;
    return a->at < b->at ? -1 : 1;
}

/* Narrow rules first, but for some that stand up to 12 bits from where they belong. */
static bool put_in_order(struct classbench_rule *rules, size_t count, struct random *random)
{
    struct place *places = malloc((count + 1) * sizeof *places);
    struct classbench_rule *copy = malloc((count + 1) * sizeof *copy);
    if (places != NULL && copy != NULL) {
        for (size_t i = 0; i < count; i++)
            places[i] =
                (struct place){narrowness_of(&rules[i]) + random_below(random, 13), (uint32_t)i};
        qsort(places, count, sizeof *places, narrowest_first);
        memcpy(copy, rules, count * sizeof *rules);
        for (size_t i = 0; i < count; i++)
            rules[i] = copy[places[i].at];
    }
    bool done = places != NULL && copy != NULL;
    free(places);
    free(copy);
    return done;
}

bool classbench_make(enum classbench_seed seed, struct classbench_rule *rules, size_t count)
{
    const struct seed_shape *shape = &seed_shapes[seed];
    struct maker maker = {.shape = shape,
                          .random.state = shape->random,
                          .source = tree_of(&shape->source, shape->random ^ 0x5eed, count),
                          .destination = tree_of(&shape->destination, shape->random, count)};
    size_t size = 16;
    while (size < 2 * count)
        size *= 2;
    for (size_t i = 0; i < shape->ports_count; i++)
        maker.port_weight += shape->ports[i].weight;
    maker.table_mask = size - 1;
    maker.table = calloc(size, sizeof *maker.table);
    if (maker.table == NULL)
        return false;
    for (size_t i = 0; i < count; i++) {
        unsigned attempts = 0;
        do
            make_rule(&maker, &rules[i], attempts >= ATTEMPTS);
        while (!enter(&maker, rules, i) && ++attempts != 0);
    }
    free(maker.table);
    return put_in_order(rules, count, &maker.random);
}

/* ---- headers ---- */

static uint16_t port_in(struct classbench_ports ports, struct random *random)
{
    return (uint16_t)random_between(random, ports.low, ports.high);
}

static uint32_t address_in(struct classbench_prefix prefix, struct random *random)
{
    return prefix.address | ((uint32_t)random_next(random) & ~mask_of(prefix.length));
}

struct classbench_header classbench_header_in(const struct classbench_rule *rule,
                                              struct random *random)
{
    static const uint8_t common[] = {TCP, TCP, UDP, UDP, 1};
    struct classbench_header header = {
        .source = address_in(rule->source, random),
        .destination = address_in(rule->destination, random),
        .source_port = port_in(rule->source_ports, random),
        .destination_port = port_in(rule->destination_ports, random),
        .protocol =
            rule->any_protocol ? common[random_below(random, sizeof common)] : rule->protocol,
    };
    if (header.protocol != TCP && header.protocol != UDP)
        header.source_port = header.destination_port = 0;
    return header;
}

static bool is_in(struct classbench_prefix prefix, uint32_t address)
{
    return (address & mask_of(prefix.length)) == prefix.address;
}

static bool is_between(struct classbench_ports ports, uint16_t port)
{
    return ports.low <= port && port <= ports.high;
}

size_t classbench_first(const struct classbench_rule *rules, size_t count,
                        const struct classbench_header *header)
{
    size_t i = 0;
    while (i < count && !(is_in(rules[i].source, header->source) &&
                          is_in(rules[i].destination, header->destination) &&
                          is_between(rules[i].source_ports, header->source_port) &&
                          is_between(rules[i].destination_ports, header->destination_port) &&
                          (rules[i].any_protocol || rules[i].protocol == header->protocol)))
        i++;
    return i;
}

size_t classbench_burst(double locality, struct random *random)
{
    double even = ((double)(random_next(random) >> 11) + 1) / 9007199254740993.0;
    double length = ceil(locality / even); /* Pareto with a = 1 */
    return length < 1 ? 1 : length > 1e6 ? 1000000 : (size_t)length;
}

void classbench_trace(const struct classbench_rule *rules, size_t count, double locality,
                      struct classbench_header *headers, size_t header_count, struct random *random)
{
    for (size_t i = 0; i < header_count;) {
        const struct classbench_rule *rule = &rules[random_next(random) % count];
        struct classbench_header header = classbench_header_in(rule, random);
        for (size_t n = classbench_burst(locality, random); n > 0 && i < header_count; n--)
            headers[i++] = header;
    }
}
