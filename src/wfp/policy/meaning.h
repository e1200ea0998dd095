/*
 * What a rule says, checked: its layer has the fields it names, its values are read, from/to/port
 * are turned into local and remote. Still independent of the API's structures.
 *
 * IPv4 and IPv6 are separate layers, so numbers are kept per family. An IPv4 address also stands
 * for its mapped form at the IPv6 layer, where the kernel shows IPv4 traffic of IPv6 sockets
 * (semantics 1.8): otherwise an IPv6 socket would be a way round every IPv4 rule.
 */
#ifndef OPENWFP_POLICY_MEANING_H
#define OPENWFP_POLICY_MEANING_H

#include "src/wfp/policy/ast.h"
#include "src/wfp/policy/environment.h"
#include "src/wfp/policy/layer_facts.h"
#include "src/wfp/policy/spans.h"
#include "src/wfp/policy/values.h"

/* One field's condition. Negated, the spans are what is excluded. No spans: no condition. */
struct field_test {
    bool negated;
    struct spans spans;
};

struct names {
    bool negated;
    const struct path *list; /* sorted, distinct */
};

struct accounts {
    bool negated, used;
    bool groups; /* gids, else uids */
    uint32_t *ids;
    size_t count;
};

enum callout_kind { CALLOUT_UNKNOWN, CALLOUT_TERMINATING, CALLOUT_INSPECTION };

struct meaning {
    const struct rule *rule;
    bool never;            /* it matches nothing (warned about): no filters */
    bool family[FAMILIES]; /* which layers it needs */
    bool given[FIELDS];
    struct place given_at[FIELDS];
    struct field_test tests[FAMILIES][FIELDS];
    struct names apps;
    struct accounts accounts;
    uint32_t flags;
    bool flags_negated;
    bool has_weight;
    uint64_t weight;
    const char *name;
    enum callout_kind callout_kind;
    bool permit_unregistered;
    uint32_t hold_ms;
    bool hold_permits; /* when nobody has answered by then */
};

/* The largest value of a field. */
u128 meaning_max(enum field field, enum family family);

/* False when something was reported. */
bool meaning_of(const struct reader *reader, const struct rule *rule, struct meaning *meaning);

#endif
