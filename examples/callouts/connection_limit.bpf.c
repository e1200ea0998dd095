/*
 * A callout that limits how many connections a program makes per second.
 *
 * Used by a filter with the action FWP_ACTION_CALLOUT_TERMINATING or _UNKNOWN at ALE_AUTH_CONNECT;
 * the filter's rawContext is the limit (0: 10). Within the limit it has no opinion with an UNKNOWN
 * filter's next filter in mind, so it permits only behind a TERMINATING one. docs/callouts.md tells
 * how to build, load, replace and unload it.
 */
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>
#include "openwfp_callout.h"

#define SECOND        1000000000ull
#define DEFAULT_LIMIT 10

struct rate {
    __u64 second; /* the one that is being counted */
    __u64 connections;
};

/* Pinned by name: a new version of this callout goes on counting where the old one stopped. */
struct {
    __uint(type, BPF_MAP_TYPE_LRU_HASH);
    __uint(max_entries, 4096);
    __type(key, __u64); /* the program's number */
    __type(value, struct rate);
} connection_limit_rates SEC(".maps");

static __always_inline __u64 count(__u64 app)
{
    __u64 second = bpf_ktime_get_ns() / SECOND;
    struct rate *rate = bpf_map_lookup_elem(&connection_limit_rates, &app);
    struct rate fresh = {.second = second, .connections = 1};

    if (!rate || rate->second != second) {
        bpf_map_update_elem(&connection_limit_rates, &app, &fresh, BPF_ANY);
        return 1;
    }
    return __sync_fetch_and_add(&rate->connections, 1) + 1;
}

OPENWFP_CALLOUT(classify)
{
    __u64 limit = classify->filter_context ? classify->filter_context : DEFAULT_LIMIT;

    if (!openwfp_has(classify, OPENWFP_APP))
        return 0;
    if (count(classify->value[OPENWFP_APP]) > limit)
        openwfp_block(classify);
    else
        openwfp_permit(classify);
    return 0;
}

char LICENSE[] SEC("license") = "GPL";
