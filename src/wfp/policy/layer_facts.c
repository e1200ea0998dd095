#include "src/wfp/policy/layer_facts.h"

#include <fwpmu.h>
#include <fwpsu.h>

#define IDS(layer)                                                                                 \
    {                                                                                              \
        FWPS_LAYER_##layer##_V4, FWPS_LAYER_##layer##_V6                                           \
    }
#define REAUTHORIZED (FWP_CONDITION_FLAG_IS_LOOPBACK | FWP_CONDITION_FLAG_IS_REAUTHORIZE)

static const struct layer_facts facts[RULE_LAYERS] = {
    [RULE_CONNECT] = {IDS(ALE_AUTH_CONNECT), true, true, false,
                      REAUTHORIZED | FWP_CONDITION_FLAG_IS_RAW_ENDPOINT, FIELD_REMOTE_PORT,
                      FIELD_LOCAL_ADDRESS, FIELD_REMOTE_ADDRESS},
    [RULE_LISTEN] = {IDS(ALE_AUTH_LISTEN), false, false, false, 0, FIELD_LOCAL_PORT, FIELDS,
                     FIELDS},
    [RULE_ACCEPT] = {IDS(ALE_AUTH_RECV_ACCEPT), true, true, false,
                     REAUTHORIZED | FWP_CONDITION_FLAG_IS_RAW_ENDPOINT, FIELD_LOCAL_PORT,
                     FIELD_REMOTE_ADDRESS, FIELD_LOCAL_ADDRESS},
    [RULE_BIND] = {IDS(ALE_RESOURCE_ASSIGNMENT), true, false, false,
                   FWP_CONDITION_FLAG_IS_WILDCARD_BIND | FWP_CONDITION_FLAG_IS_RAW_ENDPOINT |
                       FWP_CONDITION_FLAG_IS_IMPLICIT_BIND | FWP_CONDITION_FLAG_IS_PROMISCUOUS,
                   FIELD_LOCAL_PORT, FIELDS, FIELDS},
    [RULE_ESTABLISHED] = {IDS(ALE_FLOW_ESTABLISHED), true, true, true,
                          FWP_CONDITION_FLAG_IS_LOOPBACK, FIELDS, FIELDS, FIELDS},
    [RULE_CLOSURE] = {IDS(ALE_ENDPOINT_CLOSURE), true, true, false, 0, FIELDS, FIELDS, FIELDS},
    [RULE_RELEASE] = {IDS(ALE_RESOURCE_RELEASE), true, false, false, 0, FIELD_LOCAL_PORT, FIELDS,
                      FIELDS},
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
