/*
 * The layers a rule can name, and what the language's words mean at each: which end is "from",
 * which port is "port".
 */
#ifndef OPENWFP_POLICY_LAYER_FACTS_H
#define OPENWFP_POLICY_LAYER_FACTS_H

#include <stdbool.h>
#include <stdint.h>

#include "src/wfp/policy/ast.h"

enum field {
    FIELD_PROTOCOL,
    FIELD_LOCAL_ADDRESS,
    FIELD_LOCAL_PORT, /* ICMP: the type */
    FIELD_REMOTE_ADDRESS,
    FIELD_REMOTE_PORT, /* ICMP: the code */
    FIELD_INTERFACE,
    FIELD_DIRECTION,
    FIELDS
};

enum family { FAMILY_V4, FAMILY_V6, FAMILIES };

struct layer_facts {
    uint16_t ids[FAMILIES];           /* run-time layer ids */
    bool protocol, remote, direction; /* it has these fields */
    uint32_t flags;                   /* that may be set there (semantics 3.12) */
    enum field port;                  /* what "port" means; FIELDS: both ends are possible */
    enum field from, to;              /* FIELDS: no such end, or both are possible */
};

const struct layer_facts *layer_facts(enum rule_layer layer);

/* Which of them a run-time layer id is; false when it is none. */
bool layer_facts_find(uint16_t id, enum rule_layer *layer, enum family *family);

#endif
