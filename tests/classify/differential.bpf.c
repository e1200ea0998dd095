// SPDX-License-Identifier: GPL-2.0-only
/* The kernel's side of the differential test: many keys, decided by the very code of the shim. */
#include <linux/bpf.h>
#include <stdbool.h>
#include <bpf/bpf_helpers.h>
#include "classify/abi.h"
#include "differential.h"

#include "classify/kernel.h"
#include "classify/forget.h"

struct {
    __uint(type, BPF_MAP_TYPE_ARRAY);
    __uint(max_entries, DIFFERENTIAL_KEYS);
    __uint(map_flags, BPF_F_MMAPABLE);
    __type(key, __u32);
    __type(value, struct classify_walk);
} walks SEC(".maps");

static long decide_one(__u32 index, void *ctx)
{
    struct classify_walk *walk = bpf_map_lookup_elem(&walks, &index);

    if (walk)
        classify(walk);
    return 0;
}

SEC("tc")
int decide_all(struct __sk_buff *skb)
{
    bpf_loop(DIFFERENTIAL_KEYS, decide_one, NULL, 0);
    return 0;
}

/* For the bench: the first key again and again by BPF_PROG_TEST_RUN's repeat. */
SEC("tc")
int decide_first(struct __sk_buff *skb)
{
    decide_one(0, NULL);
    return 0;
}

char LICENSE[] SEC("license") = "GPL";
