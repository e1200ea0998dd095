#include "src/wfp/policy/layer_facts.h"

#include <fwpmu.h>

#define REAUTHORIZED (FWP_CONDITION_FLAG_IS_LOOPBACK | FWP_CONDITION_FLAG_IS_REAUTHORIZE)

static const struct layer_facts facts[RULE_LAYERS] = {
    [RULE_CONNECT] = {{48, 50},
                      true,
                      true,
                      false,
                      REAUTHORIZED | FWP_CONDITION_FLAG_IS_RAW_ENDPOINT,
                      FIELD_REMOTE_PORT,
                      FIELD_LOCAL_ADDRESS,
                      FIELD_REMOTE_ADDRESS},
    [RULE_LISTEN] = {{40, 42}, false, false, false, 0, FIELD_LOCAL_PORT, FIELDS, FIELDS},
    [RULE_ACCEPT] = {{44, 46},
                     true,
                     true,
                     false,
                     REAUTHORIZED | FWP_CONDITION_FLAG_IS_RAW_ENDPOINT,
                     FIELD_LOCAL_PORT,
                     FIELD_REMOTE_ADDRESS,
                     FIELD_LOCAL_ADDRESS},
    [RULE_BIND] = {{36, 38},
                   true,
                   false,
                   false,
                   FWP_CONDITION_FLAG_IS_WILDCARD_BIND | FWP_CONDITION_FLAG_IS_RAW_ENDPOINT |
                       FWP_CONDITION_FLAG_IS_IMPLICIT_BIND,
                   FIELD_LOCAL_PORT,
                   FIELDS,
                   FIELDS},
    [RULE_ESTABLISHED] =
        {{52, 54}, true, true, true, FWP_CONDITION_FLAG_IS_LOOPBACK, FIELDS, FIELDS, FIELDS},
    [RULE_CLOSURE] = {{64, 65}, true, true, false, 0, FIELDS, FIELDS, FIELDS},
    [RULE_RELEASE] = {{62, 63}, true, false, false, 0, FIELD_LOCAL_PORT, FIELDS, FIELDS},
};

const struct layer_facts *layer_facts(enum rule_layer layer)
{
    return &facts[layer];
}

bool layer_facts_find(uint16_t id, enum rule_layer *layer, enum family *family)
{
    for (int l = 0; l < RULE_LAYERS; l++) {
        for (int f = 0; f < FAMILIES; f++) {
            if (facts[l].ids[f] == id) {
                *layer = (enum rule_layer)l;
                *family = (enum family)f;
                return true;
            }
        }
    }
    return false;
}
