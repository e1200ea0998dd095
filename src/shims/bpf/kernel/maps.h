/* Every map of the shim but the policy's (classify/kernel.h). All are pinned: they outlive both the
 * loader and the programs. */
#ifndef OPENWFP_ALE_MAPS_H
#define OPENWFP_ALE_MAPS_H

#include "types.h"
#include "classify/abi.h"
#include "shims/bpf/abi.h"

struct {
    __uint(type, BPF_MAP_TYPE_ARRAY);
    __uint(max_entries, 1);
    __uint(map_flags, BPF_F_MMAPABLE);
    __type(key, __u32);
    __type(value, struct ale_state);
} state SEC(".maps");

/* Programs by path, and their names by number. */
struct {
    __uint(type, BPF_MAP_TYPE_HASH);
    __uint(max_entries, ALE_APPS);
    __uint(map_flags, BPF_F_NO_PREALLOC);
    __type(key, struct ale_path);
    __type(value, __u32);
} apps SEC(".maps");

struct {
    __uint(type, BPF_MAP_TYPE_ARRAY);
    __uint(max_entries, ALE_APPS);
    __uint(map_flags, BPF_F_MMAPABLE);
    __type(key, __u32);
    __type(value, struct ale_path);
} app_names SEC(".maps");

/* Files of the programs in the policy: how a process in another mount namespace is one of them. */
struct {
    __uint(type, BPF_MAP_TYPE_HASH);
    __uint(max_entries, ALE_APPS);
    __uint(map_flags, BPF_F_NO_PREALLOC);
    __type(key, struct ale_file);
    __type(value, __u32);
} app_files SEC(".maps");

struct {
    __uint(type, BPF_MAP_TYPE_SK_STORAGE);
    __uint(map_flags, BPF_F_NO_PREALLOC);
    __type(key, int);
    __type(value, struct ale_socket);
} sockets SEC(".maps");

struct {
    __uint(type, BPF_MAP_TYPE_LRU_HASH);
    __uint(max_entries, ALE_FLOWS);
    __type(key, struct ale_flow_key);
    __type(value, struct ale_flow);
} flows SEC(".maps");

/* Whom the flows go to that were led elsewhere, by the peer that their sockets asked for. */
struct {
    __uint(type, BPF_MAP_TYPE_LRU_HASH);
    __uint(max_entries, ALE_LED);
    __type(key, struct ale_flow_key);
    __type(value, struct ale_peer);
} led SEC(".maps");

struct {
    __uint(type, BPF_MAP_TYPE_HASH);
    __uint(max_entries, ALE_ENDPOINTS);
    __uint(map_flags, BPF_F_NO_PREALLOC);
    __type(key, struct ale_endpoint_key);
    __type(value, struct ale_endpoint);
} endpoints SEC(".maps");

/* Network namespaces (by cookie) that have the accept hook. */
struct {
    __uint(type, BPF_MAP_TYPE_HASH);
    __uint(max_entries, 4096);
    __uint(map_flags, BPF_F_NO_PREALLOC);
    __type(key, __u64);
    __type(value, __u32);
} namespaces SEC(".maps");

/* Groups that the policy names, by gid. */
struct {
    __uint(type, BPF_MAP_TYPE_HASH);
    __uint(max_entries, 4096);
    __uint(map_flags, BPF_F_NO_PREALLOC);
    __type(key, __u32);
    __type(value, struct ale_group);
} group_bits SEC(".maps");

/* What the loader has to do, and is woken for. */
struct {
    __uint(type, BPF_MAP_TYPE_RINGBUF);
    __uint(max_entries, ALE_RING);
} events SEC(".maps");

struct {
    __uint(type, BPF_MAP_TYPE_ARRAY);
    __uint(max_entries, 1);
    __uint(map_flags, BPF_F_MMAPABLE);
    __type(key, __u32);
    __type(value, struct ale_log);
} event_log SEC(".maps");

struct {
    __uint(type, BPF_MAP_TYPE_ARRAY);
    __uint(max_entries, CLASSIFY_CALLOUTS);
    __type(key, __u32);
    __type(value, struct ale_callout_object);
} callout_objects SEC(".maps");

/* The loader sets it for programs that may not ask for the coarse time. */
const volatile __u32 no_coarse_clock;

/* The time to a tick (1 to 4 ms): asking a virtual machine's clock costs more than a lookup. */
static __always_inline __u64 clock_now(void)
{
    return no_coarse_clock ? bpf_ktime_get_ns() : bpf_ktime_get_coarse_ns();
}

/* What passed between two readings; the coarse clock is behind the other by up to a tick. */
static __always_inline __u64 clock_since(__u64 then, __u64 now)
{
    return now > then ? now - then : 0;
}

static __always_inline struct ale_state *state_get(void)
{
    __u32 zero = 0;
    return bpf_map_lookup_elem(&state, &zero);
}

#endif
