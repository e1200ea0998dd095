#include "boot/closed.h"

#include <fwpmu.h>

#include "model/layers.h"

#define ICMPV6          58
#define UDP             17
#define CONDITIONS_MOST 3
#define FILTERS_MOST    24

/* One line of the table below, at one or two layers. 0 says nothing. */
struct rule {
    const GUID *layers[2];
    FWP_ACTION_TYPE action;
    uint32_t flags; /* all set */
    uint8_t protocol;
    uint16_t local[2], remote;           /* ports; of ICMP, local is the type */
    const FWP_CONDITION_VALUE0 *address; /* local */
};

/* Loopback as LISTEN knows it, where there is no flag for it (3.12). */
static FWP_V4_ADDR_AND_MASK loopback4 = {0x7f000000, 0xff000000};
static FWP_BYTE_ARRAY16 loopback6 = {.byteArray16[15] = 1};
static const FWP_CONDITION_VALUE0 address4 = {.type = FWP_V4_ADDR_MASK, .v4AddrMask = &loopback4};
static const FWP_CONDITION_VALUE0 address6 = {.type = FWP_BYTE_ARRAY16_TYPE,
                                              .byteArray16 = &loopback6};

#define CONNECT4 &FWPM_LAYER_ALE_AUTH_CONNECT_V4
#define CONNECT6 &FWPM_LAYER_ALE_AUTH_CONNECT_V6
#define ACCEPT4  &FWPM_LAYER_ALE_AUTH_RECV_ACCEPT_V4
#define ACCEPT6  &FWPM_LAYER_ALE_AUTH_RECV_ACCEPT_V6
#define LISTEN4  &FWPM_LAYER_ALE_AUTH_LISTEN_V4
#define LISTEN6  &FWPM_LAYER_ALE_AUTH_LISTEN_V6

/* The first that matches decides. */
/* clang-format off */
static const struct rule rules[] = {
    {{CONNECT4, CONNECT6}, FWP_ACTION_PERMIT, FWP_CONDITION_FLAG_IS_LOOPBACK, 0, {0}, 0, NULL},
    {{ACCEPT4, ACCEPT6}, FWP_ACTION_PERMIT, FWP_CONDITION_FLAG_IS_LOOPBACK, 0, {0}, 0, NULL},
    {{LISTEN4, NULL}, FWP_ACTION_PERMIT, 0, 0, {0}, 0, &address4},
    {{LISTEN6, NULL}, FWP_ACTION_PERMIT, 0, 0, {0}, 0, &address6},
    {{CONNECT4, ACCEPT4}, FWP_ACTION_PERMIT, 0, UDP, {68, 68}, 67, NULL},     /* DHCP */
    {{CONNECT6, ACCEPT6}, FWP_ACTION_PERMIT, 0, UDP, {546, 546}, 547, NULL},  /* DHCPv6 */
    {{CONNECT6, ACCEPT6}, FWP_ACTION_PERMIT, 0, ICMPV6, {133, 137}, 0, NULL}, /* neighbours */
    {{CONNECT4, CONNECT6}, FWP_ACTION_BLOCK, 0, 0, {0}, 0, NULL},
    {{ACCEPT4, ACCEPT6}, FWP_ACTION_BLOCK, 0, 0, {0}, 0, NULL},
    {{LISTEN4, LISTEN6}, FWP_ACTION_BLOCK, 0, 0, {0}, 0, NULL},
};
/* clang-format on */

struct closed {
    FWPM_FILTER0 filters[FILTERS_MOST];
    FWPM_FILTER_CONDITION0 conditions[FILTERS_MOST][CONDITIONS_MOST + 1];
    FWP_RANGE0 ranges[FILTERS_MOST];
    struct model_view_filter view[FILTERS_MOST];
    size_t count;
};

static void add_condition(FWPM_FILTER0 *filter, const GUID *field, FWP_MATCH_TYPE match,
                          FWP_CONDITION_VALUE0 value)
{
    filter->filterCondition[filter->numFilterConditions++] =
        (FWPM_FILTER_CONDITION0){.fieldKey = *field, .matchType = match, .conditionValue = value};
}

static void add_local(struct closed *closed, FWPM_FILTER0 *filter, const uint16_t local[2])
{
    FWP_RANGE0 *range = &closed->ranges[closed->count];

    range->valueLow = (FWP_VALUE0){.type = FWP_UINT16, .uint16 = local[0]};
    range->valueHigh = (FWP_VALUE0){.type = FWP_UINT16, .uint16 = local[1]};
    add_condition(filter, &FWPM_CONDITION_IP_LOCAL_PORT, FWP_MATCH_RANGE,
                  (FWP_CONDITION_VALUE0){.type = FWP_RANGE_TYPE, .rangeValue = range});
}

static void add_conditions(struct closed *closed, FWPM_FILTER0 *filter, const struct rule *rule)
{
    if (rule->flags)
        add_condition(filter, &FWPM_CONDITION_FLAGS, FWP_MATCH_FLAGS_ALL_SET,
                      (FWP_CONDITION_VALUE0){.type = FWP_UINT32, .uint32 = rule->flags});
    if (rule->protocol)
        add_condition(filter, &FWPM_CONDITION_IP_PROTOCOL, FWP_MATCH_EQUAL,
                      (FWP_CONDITION_VALUE0){.type = FWP_UINT8, .uint8 = rule->protocol});
    if (rule->local[0])
        add_local(closed, filter, rule->local);
    if (rule->address)
        add_condition(filter, &FWPM_CONDITION_IP_LOCAL_ADDRESS, FWP_MATCH_EQUAL, *rule->address);
    if (rule->remote)
        add_condition(filter, &FWPM_CONDITION_IP_REMOTE_PORT, FWP_MATCH_EQUAL,
                      (FWP_CONDITION_VALUE0){.type = FWP_UINT16, .uint16 = rule->remote});
}

/* Ids from the end, where no filter of a policy has its own. */
static void add_filter(struct closed *closed, const struct rule *rule, const GUID *layer)
{
    size_t n = closed->count;
    FWPM_FILTER0 *filter = &closed->filters[n];

    *filter = (FWPM_FILTER0){.layerKey = *layer,
                             .filterCondition = closed->conditions[n],
                             .filterId = UINT64_MAX - n,
                             .action.type = rule->action};
    add_conditions(closed, filter, rule);
    closed->view[n] = (struct model_view_filter){
        .filter = filter, .weight = FILTERS_MOST - n, .callout_slot = MODEL_CALLOUT_UNREGISTERED};
    closed->count++;
}

static uint32_t no_app(void *ctx, const char *path)
{
    return 0;
}

struct classify_image *boot_closed_policy(struct model_error *error)
{
    const struct classify_intern intern = {NULL, no_app};
    struct classify_image *image = NULL;
    struct closed closed = {.count = 0};

    for (size_t i = 0; i < sizeof(rules) / sizeof(rules[0]); i++)
        for (size_t which = 0; which < 2 && rules[i].layers[which]; which++)
            add_filter(&closed, &rules[i], rules[i].layers[which]);
    classify_compile(closed.view, closed.count, &intern, &image, error);
    return image;
}
