/*
 * Room to think: a classify is too big for the BPF stack.
 *
 * A hook that runs for a process works in what is kept of that task: nobody else writes there, so
 * being preempted half-way is harmless. Packet and lookup hooks have no such owner; they take one
 * of a few buffers of their CPU, and give it back.
 */
#ifndef OPENWFP_ALE_SCRATCH_H
#define OPENWFP_ALE_SCRATCH_H

#include "layers.h"
#include "maps.h"
#include "classify/kernel.h"

/* What is asked about. */
struct request {
    struct classify_walk walk;
    __u64 cookie;
    __u64 netns_cookie;
    __u32 netns;
    __u32 ifindex;
    __u8 family; /* 4 or 6 */
    __u8 direction;
    __u16 peer_port; /* as flows have it: of ICMP the echo's id */
    __u32 hold;      /* enum ale_hold: what can be done while user space is asked */
};

struct packet {
    __u8 source[16], destination[16]; /* v6 form */
    __u32 transport;                  /* offset of the transport header; 0 = not in this packet */
    __u8 head[8];                     /* the transport header's first bytes */
    __u8 protocol;
};

struct work {
    struct request request;
    struct packet packet;
    struct ale_flow_key flow;
    struct ale_endpoint endpoint;
    struct ale_socket socket;   /* stands for one that nothing is remembered of */
    __u8 local[16], remote[16]; /* v6 form */
};

struct ale_process {
    __u64 image; /* self_exec_id + 1 of the image that self.app belongs to; 0 = not looked at yet */
    struct ale_identity self;
    char path[2 * ALE_PATH]; /* the second half stays zero */
    __u32 wildcard, ifindex; /* what bind() asked for, for post_bind in the same call */
    __u8 listening[16];      /* the address that LSM's hook has permitted to listen at, for TCP's */
    __u32 listening_port;    /* own event in the same call; 0: none */
    struct work work;
    __u64 since; /* of a caller: when the task began */
};

struct {
    __uint(type, BPF_MAP_TYPE_TASK_STORAGE);
    __uint(map_flags, BPF_F_NO_PREALLOC);
    __type(key, int);
    __type(value, struct ale_process);
} processes SEC(".maps");

/* Older kernels let no program of a cgroup have a task's storage. There the tasks that called last
 * are kept by number; the loader says so, and makes this table small where it isn't needed. */
const volatile __u32 no_task_storage;

struct {
    __uint(type, BPF_MAP_TYPE_LRU_HASH);
    __uint(max_entries, ALE_CALLERS);
    __type(key, __u32);
    __type(value, struct ale_process);
} callers SEC(".maps");

struct {
    __uint(type, BPF_MAP_TYPE_ARRAY);
    __uint(max_entries, 1);
    __type(key, __u32);
    __type(value, struct ale_process);
} caller_blank SEC(".maps");

/* For looking at other processes when older sockets are adopted; one iterator runs at a time. */
struct {
    __uint(type, BPF_MAP_TYPE_ARRAY);
    __uint(max_entries, 1);
    __type(key, __u32);
    __type(value, struct ale_process);
} adopted SEC(".maps");

#define WORKBENCHES 8 /* a CPU can be in several packet hooks at once: preempted, in softirq */

struct workbench {
    __u32 taken;
    __u32 permitted_gid;
    __u64 permitted; /* when the SYN in work was permitted; 0: none was */
    __u64 permitted_who;
    struct work work;
};

struct {
    __uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
    __uint(max_entries, WORKBENCHES);
    __type(key, __u32);
    __type(value, struct workbench);
} workbenches SEC(".maps");

/* What the lookup hook noted is only for the ingress hook that comes next. */
static __always_inline struct workbench *workbench_take(bool with_note)
{
    for (__u32 i = 0; i < WORKBENCHES; i++) {
        __u32 index = i;
        struct workbench *bench = bpf_map_lookup_elem(&workbenches, &index);

        if (!bench || __sync_lock_test_and_set(&bench->taken, 1))
            continue;
        if (!with_note)
            bench->permitted = 0;
        return bench;
    }
    return NULL;
}

/* Who sees it is on this CPU, so in this order. */
static __always_inline void workbench_return(struct workbench *bench)
{
    barrier();
    *(volatile __u32 *)&bench->taken = 0;
}

#endif
