/*
 * A policy as written: sublayers of rules, rules of clauses, clauses of values. Values are still
 * text with a place; meaning.h says what they mean.
 */
#ifndef OPENWFP_POLICY_AST_H
#define OPENWFP_POLICY_AST_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "src/wfp/policy/source.h"

enum rule_verb { VERB_PERMIT, VERB_BLOCK, VERB_CALLOUT, VERB_HOLD };

enum rule_strength { STRENGTH_DEFAULT, STRENGTH_SOFT, STRENGTH_HARD };

enum rule_layer {
    RULE_CONNECT,
    RULE_LISTEN,
    RULE_ACCEPT,
    RULE_BIND,
    RULE_ESTABLISHED,
    RULE_CLOSURE,
    RULE_RELEASE,
    RULE_LAYERS
};

enum clause_kind {
    CLAUSE_PROTOCOL,
    CLAUSE_APP,
    CLAUSE_USER,
    CLAUSE_GROUP,
    CLAUSE_FROM,
    CLAUSE_TO,
    CLAUSE_LOCAL_ADDRESS,
    CLAUSE_REMOTE_ADDRESS,
    CLAUSE_PORT,
    CLAUSE_LOCAL_PORT,
    CLAUSE_REMOTE_PORT,
    CLAUSE_ICMP_TYPE,
    CLAUSE_ICMP_CODE,
    CLAUSE_INTERFACE,
    CLAUSE_FLAGS,
    CLAUSE_DIRECTION, /* the word itself: inbound, outbound */
    CLAUSE_FAMILY,    /* the word itself: ipv4, ipv6 */
    CLAUSE_WEIGHT,
    CLAUSE_NAME,
    CLAUSE_AS,           /* callout … as terminating|inspection|unknown */
    CLAUSE_UNREGISTERED, /* callout … unregistered permit|block */
    CLAUSE_TIMEOUT,      /* hold … */
    CLAUSE_DEFAULT,      /* hold … */
    CLAUSE_KINDS
};

struct value {
    struct place place; /* where the rule uses it, a variable's name for a variable's value */
    const char *text;
    const struct value *next;
};

struct clause {
    enum clause_kind kind;
    bool negated;
    struct place place; /* of the keyword */
    const struct value *values;
    const struct clause *next;
};

struct rule {
    struct place place; /* of the verb */
    struct place whole; /* first line, for the rule's name */
    bool boot;
    struct place boot_place;
    enum rule_strength strength;
    struct place strength_place;
    enum rule_verb verb;
    const struct value *callout;
    enum rule_layer layer;
    struct place layer_place;
    const struct clause *clauses;
    struct rule *next;
};

struct policy_sublayer {
    struct place place;
    const char *name;
    const struct value *weight; /* NULL: POLICY_SUBLAYER_WEIGHT */
    const struct value *key;    /* NULL: derived from the policy's and the sublayer's name */
    struct rule *first, *last;
    struct policy_sublayer *next;
};

struct policy {
    const char *name;
    struct place name_place; /* source NULL: named after its file */
    struct policy_sublayer *sublayers;
};

#define POLICY_SUBLAYER_WEIGHT 0x8000

#endif
