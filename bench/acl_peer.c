/*
 * DPDK's librte_acl on the rules of tests/lib/classbench.h, one lookup at a time: the peer of
 * bench-classify in user space.
 *
 *   acl-peer SEED COUNT KEYS
 *
 * Prints one JSON object: how long building took, what it takes in memory, and the median of
 * PASSES over headers drawn evenly inside rules, scalar and with this CPU's best instructions.
 */
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>

#include <rte_acl.h>
#include <rte_eal.h>

#include "../tests/lib/classbench.h"

#define PASSES  5
#define CHECKED 1000
#define MEMORY                                                                                     \
    (16ull << 30) /* bytes; half is DPDK's, the rest for building: it takes what it gets */

/* The fields in network byte order; librte_acl reads one byte, then four at a time. */
struct tuple {
    uint8_t protocol;
    uint8_t pad[3];
    uint32_t source, destination;
    uint16_t source_port, destination_port;
};

enum { PROTOCOL, SOURCE, DESTINATION, SOURCE_PORT, DESTINATION_PORT, FIELDS };

RTE_ACL_RULE_DEF(peer_rule, FIELDS);

static const struct rte_acl_field_def fields[FIELDS] = {
    {RTE_ACL_FIELD_TYPE_BITMASK, 1, PROTOCOL, 0, offsetof(struct tuple, protocol)},
    {RTE_ACL_FIELD_TYPE_MASK, 4, SOURCE, 1, offsetof(struct tuple, source)},
    {RTE_ACL_FIELD_TYPE_MASK, 4, DESTINATION, 2, offsetof(struct tuple, destination)},
    {RTE_ACL_FIELD_TYPE_RANGE, 2, SOURCE_PORT, 3, offsetof(struct tuple, source_port)},
    {RTE_ACL_FIELD_TYPE_RANGE, 2, DESTINATION_PORT, 3, offsetof(struct tuple, destination_port)},
};

struct peer {
    struct rte_acl_ctx *context;
    struct classbench_rule *rules;
    struct classbench_header *headers;
    struct tuple *tuples;
    size_t count, keys;
};

static double now_ns(clockid_t clock)
{
    struct timespec time;
    clock_gettime(clock, &time);
    return (double)time.tv_sec * 1e9 + (double)time.tv_nsec;
}

static int fail(const char *what)
{
    fprintf(stderr, "acl-peer: %s\n", what);
    return 1;
}

/* ---- building ---- */

/* librte_acl prefers the highest priority, the set its first rule. */
static struct peer_rule rule_of(const struct classbench_rule *rule, size_t place)
{
    struct peer_rule into = {.data = {.category_mask = 1,
                                      .priority = (int32_t)(RTE_ACL_MAX_PRIORITY - place),
                                      .userdata = (uint32_t)place + 1}};
    into.field[PROTOCOL].value.u8 = rule->any_protocol ? 0 : rule->protocol;
    into.field[PROTOCOL].mask_range.u8 = rule->any_protocol ? 0 : 0xff;
    into.field[SOURCE].value.u32 = rule->source.address;
    into.field[SOURCE].mask_range.u32 = rule->source.length;
    into.field[DESTINATION].value.u32 = rule->destination.address;
    into.field[DESTINATION].mask_range.u32 = rule->destination.length;
    into.field[SOURCE_PORT].value.u16 = rule->source_ports.low;
    into.field[SOURCE_PORT].mask_range.u16 = rule->source_ports.high;
    into.field[DESTINATION_PORT].value.u16 = rule->destination_ports.low;
    into.field[DESTINATION_PORT].mask_range.u16 = rule->destination_ports.high;
    return into;
}

static bool build(struct peer *peer)
{
    struct rte_acl_param parameters = {.name = "peer",
                                       .rule_size = RTE_ACL_RULE_SZ(FIELDS),
                                       .max_rule_num = (uint32_t)peer->count};
    struct rte_acl_config config = {.num_categories = 1, .num_fields = FIELDS};
    memcpy(config.defs, fields, sizeof fields);
    peer->context = rte_acl_create(&parameters);
    if (peer->context == NULL)
        return false;
    for (size_t i = 0; i < peer->count; i++) {
        struct peer_rule rule = rule_of(&peer->rules[i], i);
        if (rte_acl_add_rules(peer->context, (const struct rte_acl_rule *)&rule, 1) != 0)
            return false;
    }
    return rte_acl_build(peer->context, &config) == 0;
}

/* ---- asking ---- */

static bool make_keys(struct peer *peer)
{
    struct random random = {.state = 20261123};
    peer->headers = calloc(peer->keys, sizeof *peer->headers);
    peer->tuples = calloc(peer->keys, sizeof *peer->tuples);
    if (peer->headers == NULL || peer->tuples == NULL)
        return false;
    classbench_trace(peer->rules, peer->count, 0, peer->headers, peer->keys, &random);
    for (size_t i = 0; i < peer->keys; i++) {
        const struct classbench_header *header = &peer->headers[i];
        peer->tuples[i] = (struct tuple){.protocol = header->protocol,
                                         .source = htonl(header->source),
                                         .destination = htonl(header->destination),
                                         .source_port = htons(header->source_port),
                                         .destination_port = htons(header->destination_port)};
    }
    return true;
}

static uint32_t ask(const struct peer *peer, size_t key)
{
    const uint8_t *data = (const uint8_t *)&peer->tuples[key];
    uint32_t result = 0;
    rte_acl_classify(peer->context, &data, &result, 1, 1);
    return result;
}

static int compare(const void *left, const void *right)
{
    double a = *(const double *)left, b = *(const double *)right;
    return (a > b) - (a < b);
}

static double spread(const struct peer *peer, enum rte_acl_classify_alg algorithm)
{
    double passes[PASSES];
    uint32_t sum = 0;
    rte_acl_set_ctx_classify(peer->context, algorithm);
    for (int pass = 0; pass < PASSES; pass++) {
        double start = now_ns(CLOCK_THREAD_CPUTIME_ID);
        for (size_t i = 0; i < peer->keys; i++)
            sum += ask(peer, i);
        passes[pass] = (now_ns(CLOCK_THREAD_CPUTIME_ID) - start) / (double)peer->keys;
    }
    __asm__ volatile("" : : "r"(sum));
    qsort(passes, PASSES, sizeof *passes, compare);
    return passes[PASSES / 2];
}

static unsigned wrong_answers(const struct peer *peer)
{
    unsigned wrong = 0;
    for (size_t i = 0; i < peer->keys && i < CHECKED; i++)
        wrong += ask(peer, i) != classbench_first(peer->rules, peer->count, &peer->headers[i]) + 1;
    return wrong;
}

static int measure(struct peer *peer, const char *seed)
{
    struct rusage usage;
    double start = now_ns(CLOCK_MONOTONIC);
    if (!build(peer))
        return fail("librte_acl can't build a table of these rules");
    double build_ms = (now_ns(CLOCK_MONOTONIC) - start) / 1e6;
    if (!make_keys(peer))
        return fail("out of memory");
    getrusage(RUSAGE_SELF, &usage);
    double scalar = spread(peer, RTE_ACL_CLASSIFY_SCALAR);
    double best = spread(peer, RTE_ACL_CLASSIFY_DEFAULT);
    printf("{\"seed\": \"%s\", \"filters\": %zu, \"build_ms\": %.1f, \"scalar_ns\": %.0f, "
           "\"best_ns\": %.0f, \"mb\": %ld, \"wrong\": %u}\n",
           seed, peer->count, build_ms, scalar, best, usage.ru_maxrss / 1024, wrong_answers(peer));
    return 0;
}

int main(int argc, char **argv)
{
    char options[] = "acl-peer --no-huge --no-pci --no-telemetry --no-shconf -m 8192 "
                     "--log-level=error -l 0";
    char *eal[16];
    int eal_count = 0;
    enum classbench_seed seed;
    struct peer peer = {.context = NULL};
    if (argc != 4 || !classbench_seed_by_name(argv[1], &seed))
        return fail("usage: acl-peer acl|fw|ipc COUNT KEYS");
    for (char *word = strtok(options, " "); word != NULL; word = strtok(NULL, " "))
        eal[eal_count++] = word;
    eal[eal_count] = NULL;
    setrlimit(RLIMIT_AS, &(struct rlimit){MEMORY, MEMORY});
    if (rte_eal_init(eal_count, eal) < 0)
        return fail("DPDK does not start");
    peer.count = strtoul(argv[2], NULL, 0);
    peer.keys = strtoul(argv[3], NULL, 0);
    peer.rules = calloc(peer.count, sizeof *peer.rules);
    if (peer.rules == NULL || !classbench_make(seed, peer.rules, peer.count))
        return fail("out of memory");
    return measure(&peer, argv[1]);
}
