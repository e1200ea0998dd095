/*
 * Sets after ClassBench's seeds. A plain one says just what the rules say. The others are made a
 * policy of WFP: what a filter has beyond its rule is drawn with the frequencies below.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../lib/classbench.h"
#include "policy_set_build.h"

static const struct seed_set {
    const char *name;
    enum classbench_seed seed;
    bool plain;
    uint8_t family;
} seed_sets[] = {
    {"acl", CLASSBENCH_ACL, false, 4},      {"fw", CLASSBENCH_FW, false, 4},
    {"ipc", CLASSBENCH_IPC, false, 4},      {"acl6", CLASSBENCH_ACL, false, 6},
    {"acl-plain", CLASSBENCH_ACL, true, 4}, {"fw-plain", CLASSBENCH_FW, true, 4},
    {"ipc-plain", CLASSBENCH_IPC, true, 4},
};

static bool percent(struct random *random, uint32_t share)
{
    return random_below(random, 100) < share;
}

/* ---- the rule's own conditions ---- */

static void add_ports(struct policy_set *set, const GUID *field, struct classbench_ports ports)
{
    if (ports.low == ports.high)
        set_u16(set, field, FWP_MATCH_EQUAL, ports.low);
    else if (ports.low != 0 || ports.high != UINT16_MAX)
        set_range(set, field, FWP_UINT16, ports.low, ports.high);
}

static void add_prefix(struct policy_set *set, const GUID *field, struct classbench_prefix prefix)
{
    if (prefix.length != 0)
        set_prefix(set, field, prefix.address, prefix.length);
}

/* Further values for the condition on a remote address or port that stands last. */
static void add_alternatives(struct policy_set *set, const struct classbench_rule *rule,
                             bool address, struct random *random)
{
    for (uint32_t n = 1 + random_below(random, 7); n > 0; n--) {
        if (address)
            set_prefix(set, &FWPM_CONDITION_IP_REMOTE_ADDRESS,
                       rule->destination.address + (uint32_t)(random_next(random) & 0xff00), 24);
        else
            set_u16(set, &FWPM_CONDITION_IP_REMOTE_PORT, FWP_MATCH_EQUAL,
                    (uint16_t)random_below(random, 1024));
    }
}

static void add_rule(struct policy_set *set, const struct classbench_rule *rule)
{
    if (!rule->any_protocol)
        set_u8(set, &FWPM_CONDITION_IP_PROTOCOL, FWP_MATCH_EQUAL, rule->protocol);
    add_prefix(set, &FWPM_CONDITION_IP_LOCAL_ADDRESS, rule->source);
    add_ports(set, &FWPM_CONDITION_IP_LOCAL_PORT, rule->source_ports);
    add_prefix(set, &FWPM_CONDITION_IP_REMOTE_ADDRESS, rule->destination);
    add_ports(set, &FWPM_CONDITION_IP_REMOTE_PORT, rule->destination_ports);
}

/* Now and then a negation or a list stands where the rule has one value. */
static void add_varied_rule(struct policy_set *set, const struct classbench_rule *rule,
                            struct random *random)
{
    struct classbench_rule rest = *rule;
    struct classbench_ports all = {0, UINT16_MAX}, ports = rule->destination_ports;
    bool exact = ports.low == ports.high, negated = exact && percent(random, 2);
    bool more_ports = exact && !negated && percent(random, 4);
    bool more_addresses = rule->destination.length >= 24 && percent(random, 4);
    if (more_addresses)
        rest.destination.length = 0;
    if (negated || more_ports)
        rest.destination_ports = all;
    add_rule(set, &rest);
    if (negated)
        set_u16(set, &FWPM_CONDITION_IP_REMOTE_PORT, FWP_MATCH_NOT_EQUAL, ports.low);
    if (more_ports) {
        add_ports(set, &FWPM_CONDITION_IP_REMOTE_PORT, ports);
        add_alternatives(set, rule, false, random);
    }
    if (more_addresses) {
        add_prefix(set, &FWPM_CONDITION_IP_REMOTE_ADDRESS, rule->destination);
        add_alternatives(set, rule, true, random);
    }
}

/* ---- what rules do not have ---- */

static void add_program_and_user(struct policy_set *set, struct random *random)
{
    if (percent(random, 35))
        set_program(set, percent(random, 6) ? FWP_MATCH_NOT_EQUAL : FWP_MATCH_EQUAL,
                    1 + set_popular(random, SET_PROGRAMS));
    if (percent(random, 15))
        set_user(set, set_popular(random, SET_DESCRIPTORS));
    if (percent(random, 2))
        set_u32(set, &FWPM_CONDITION_FLAGS,
                percent(random, 50) ? FWP_MATCH_FLAGS_ALL_SET : FWP_MATCH_FLAGS_NONE_SET,
                FWP_CONDITION_FLAG_IS_LOOPBACK);
}

/* Most filters are in the lightest of four sublayers. */
static uint32_t pick_sublayer(struct random *random)
{
    uint32_t at = random_below(random, 100);
    return at < 5 ? 0 : at < 20 ? 1 : at < 40 ? 2 : 3;
}

static void add_callout_filter(struct policy_set *set, uint32_t sublayer, uint64_t weight,
                               struct random *random)
{
    static const FWP_ACTION_TYPE types[] = {
        FWP_ACTION_CALLOUT_INSPECTION, FWP_ACTION_CALLOUT_INSPECTION, FWP_ACTION_CALLOUT_UNKNOWN,
        FWP_ACTION_CALLOUT_TERMINATING};
    FWPM_FILTER0 *filter = set_filter(set, sublayer, weight, types[random_below(random, 4)]);
    if (filter->action.type != FWP_ACTION_CALLOUT_INSPECTION && percent(random, 50))
        filter->flags = FWPM_FILTER_FLAG_PERMIT_IF_CALLOUT_UNREGISTERED;
    set_callout(set, percent(random, 25) ? MODEL_CALLOUT_UNREGISTERED : random_below(random, 2),
                random_below(random, SCRIPT_ACTIONS) | (percent(random, 20) ? SCRIPT_HARDEN : 0));
}

static void add_policy_filter(struct policy_set *set, const struct classbench_rule *rule,
                              size_t place, uint64_t weight, struct random *random)
{
    uint32_t sublayer = pick_sublayer(random);
    if (percent(random, 2)) {
        add_callout_filter(set, sublayer, weight, random);
    } else {
        bool block = classbench_blocks(place);
        FWPM_FILTER0 *filter =
            set_filter(set, sublayer, weight, block ? FWP_ACTION_BLOCK : FWP_ACTION_PERMIT);
        if (!block && percent(random, 5))
            filter->flags = FWPM_FILTER_FLAG_CLEAR_ACTION_RIGHT;
    }
    add_varied_rule(set, rule, random);
    add_program_and_user(set, random);
}

static void add_plain_filter(struct policy_set *set, const struct classbench_rule *rule,
                             size_t place, uint64_t weight)
{
    set_filter(set, 0, weight, classbench_blocks(place) ? FWP_ACTION_BLOCK : FWP_ACTION_PERMIT);
    add_rule(set, rule);
}

static void fill(struct policy_set *set, const struct seed_set *kind,
                 const struct classbench_rule *rules, size_t count)
{
    struct random random = {.state = 0xf117e5 + kind->family};
    for (size_t i = 0; i < count; i++) {
        uint64_t weight = 2 * (count - i);
        if (kind->plain)
            add_plain_filter(set, &rules[i], i, weight);
        else /* some weigh as much as the one before them */
            add_policy_filter(set, &rules[i], i, percent(&random, 6) ? weight + 2 : weight,
                              &random);
    }
}

bool set_make_seed(struct policy_set *set, const char *name, size_t count)
{
    const struct seed_set *kind = seed_sets, *end = kind + sizeof seed_sets / sizeof *seed_sets;
    while (kind < end && strcmp(kind->name, name) != 0)
        kind++;
    if (kind == end)
        return false;
    struct classbench_rule *rules = calloc(count + 1, sizeof *rules);
    if (rules == NULL || !classbench_make(kind->seed, rules, count)) {
        fprintf(stderr, "out of memory for %zu rules\n", count);
        exit(1);
    }
    set_begin(set, kind->name,
              kind->family == 4 ? &FWPM_LAYER_ALE_AUTH_CONNECT_V4 : &FWPM_LAYER_ALE_AUTH_CONNECT_V6,
              count);
    fill(set, kind, rules, count);
    free(rules);
    return true;
}
