/* Random objects of the API, all in an arena; the same seed makes the same ones. */
#ifndef OPENWFP_TESTS_RANDOM_OBJECT_H
#define OPENWFP_TESTS_RANDOM_OBJECT_H

#include <openwfp.h>

#include "rpc/arena.h"

struct random_source {
    struct arena *arena;
    uint64_t state;
};

uint32_t random_below(struct random_source *source, uint32_t bound);
GUID random_guid_value(struct random_source *source);

/* Any type that a value, or a condition's value, can have. */
FWP_VALUE0 random_value(struct random_source *source);
FWP_CONDITION_VALUE0 random_condition_value(struct random_source *source);

FWPM_PROVIDER0 random_provider(struct random_source *source);
FWPM_PROVIDER_CONTEXT0 random_provider_context(struct random_source *source);
FWPM_SUBLAYER0 random_sublayer(struct random_source *source);
FWPM_CALLOUT0 random_callout(struct random_source *source);
FWPM_FILTER0 random_filter(struct random_source *source);
FWPM_FILTER_ENUM_TEMPLATE0 random_filter_template(struct random_source *source);
OPENWFP_NET_EVENT random_net_event(struct random_source *source);
OPENWFP_CLASSIFIER random_classifier(struct random_source *source);
OPENWFP_HELD_NOTICE random_held_notice(struct random_source *source);

#endif
