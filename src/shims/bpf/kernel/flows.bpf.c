/*
 * Lists the live flows: an iterator over every process's open files writes a struct ale_live for
 * each covered socket that has a peer. A socket that several processes hold is written for each.
 */
#include <linux/in.h>

#include "types.h"
#include "scope.h"
#include "shims/bpf/abi.h"

char LICENSE[] SEC("license") = "GPL";

#define TCP_ESTABLISHED_STATE 1
#define TCP_CLOSE_WAIT_STATE  8

static __always_inline void live_addresses(struct ale_live *live, struct sock *sk)
{
    if (live->family == 4) {
        __u32 local = COMMON(sk, skc_rcv_saddr), remote = COMMON(sk, skc_daddr);

        __builtin_memcpy(live->local, &local, 4);
        __builtin_memcpy(live->remote, &remote, 4);
        return;
    }
    BPF_CORE_READ_INTO((struct in6_addr___k *)live->local, sk, __sk_common.skc_v6_rcv_saddr);
    BPF_CORE_READ_INTO((struct in6_addr___k *)live->remote, sk, __sk_common.skc_v6_daddr);
}

static __always_inline void live_describe(struct ale_live *live, struct sock *sk)
{
    struct net *net = COMMON(sk, skc_net.net);

    live->cookie = bpf_get_socket_cookie(sk);
    live->netns_cookie = BPF_CORE_READ(net, net_cookie);
    live->netns = BPF_CORE_READ(net, ns.inum);
    live->cgroup = BPF_CORE_READ(sk, sk_cgrp_data.cgroup, kn, id);
    live->family = COMMON(sk, skc_family) == AF_INET ? 4 : 6;
    live->protocol =
        BPF_CORE_READ(sk, sk_type) == SOCK_STREAM ? IPPROTO_TCP : BPF_CORE_READ(sk, sk_protocol);
    live->local_port = COMMON(sk, skc_num);
    live->remote_port = bpf_ntohs(COMMON(sk, skc_dport));
    live_addresses(live, sk);
}

static __always_inline bool has_peer(struct sock *sk)
{
    __u16 family = COMMON(sk, skc_family);
    __u8 state = COMMON(sk, skc_state);

    return (family == AF_INET || family == AF_INET6) &&
           (state == TCP_ESTABLISHED_STATE || state == TCP_CLOSE_WAIT_STATE);
}

SEC("iter/task_file") int ale_flows(struct bpf_iter__task_file *ctx)
{
    struct task_struct *task = ctx->task;
    struct file *file = ctx->file;
    struct ale_live live = {};
    struct socket *opened;
    struct sock *sk;

    if (!task || !file)
        return 0;
    opened = bpf_sock_from_file(file);
    if (!opened)
        return 0;
    sk = opened->sk;
    if (!sk || !has_peer(sk) || !in_scope_cgroup(sk))
        return 0;
    live_describe(&live, sk);
    live.pid = task->tgid;
    live.start_time = task->group_leader->start_boottime;
    live.uid = task->cred->euid.val;
    bpf_seq_write(ctx->meta->seq, &live, sizeof(live));
    return 0;
}
