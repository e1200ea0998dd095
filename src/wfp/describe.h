/*
 * Filters in words: in the policy language where it has words for them (so the text can be used
 * as a rule again), else with the API's names.
 */
#ifndef OPENWFP_WFP_DESCRIBE_H
#define OPENWFP_WFP_DESCRIBE_H

#include <stdbool.h>

#include <fwpmu.h>

struct arena;
struct json;
struct sd;

/* Names for numbers and keys; a function that is NULL or returns NULL leaves the number. */
struct describer {
    struct arena *arena;
    void *ctx;
    const char *(*user)(void *ctx, uint32_t uid);
    const char *(*group)(void *ctx, uint32_t gid);
    const char *(*interface)(void *ctx, uint64_t index);
    const char *(*callout)(void *ctx, const GUID *key);
};

extern const struct describer describer_plain; /* no names; set the arena */
extern const struct describer describer_host;  /* this machine's names; set the arena */

/* "permit connect tcp app /usr/bin/curl to 10.0.0.0/8 port 443 ipv4" */
const char *describe_filter(const struct describer *describer, const FWPM_FILTER0 *filter);

/* Whether it is what a hold rule makes; its "hold": {"timeout_ms": …, "default": …}. */
bool describe_is_hold(const FWPM_FILTER0 *filter);
void describe_hold_json(struct json *json, const FWPM_FILTER0 *filter);

/* "permit", "block", "hold", "callout NAME as terminating" */
const char *describe_action(const struct describer *describer, const FWPM_FILTER0 *filter);

/* One condition's operand: "10.0.0.0/8", "443", "/usr/bin/curl" */
const char *describe_value(const struct describer *describer, const GUID *field,
                           const FWP_CONDITION_VALUE0 *value);

/* "user { a, b }"; NULL for descriptors that the language doesn't make. */
const char *describe_accounts(const struct describer *describer, const struct sd *sd);

/* A layer's short name, "connect-v4"; else the API's; else its key. */
const char *describe_layer(struct arena *arena, const GUID *layer);
const char *describe_layer_id(struct arena *arena, uint16_t id);

const char *describe_match(FWP_MATCH_TYPE match);

/* An ALE_APP_ID blob as a path. */
const char *describe_app(struct arena *arena, const FWP_BYTE_BLOB *blob);

/* {"field": …, "match": …, "value": …} */
void describe_condition_json(const struct describer *describer, struct json *json,
                             const FWPM_FILTER_CONDITION0 *condition);

/* A WCHAR text of the API as UTF-8 in the arena; "" for NULL. */
const char *arena_narrow(struct arena *arena, const WCHAR *text);

#endif
