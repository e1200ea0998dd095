/* What the kernel does for itself, by sockets and threads of its own: no filter speaks of it. */
#ifndef OPENWFP_ALE_OWN_H
#define OPENWFP_ALE_OWN_H

#include "types.h"

#define IPPROTO_TCP 6

/* As a number: the verifier lets nobody do arithmetic with the pointer. */
static __always_inline struct sock *sock_address(struct bpf_sock *sk)
{
    struct bpf_sock *volatile here = sk;
    struct sock *address;

    return bpf_probe_read_kernel(&address, sizeof(address), (const void *)&here) ? NULL : address;
}

/* MPTCP and SMC connect by sockets of the kernel, and MPTCP by a thread of it, but for programs. */
static __always_inline bool serves_program(struct sock *sk)
{
    struct tcp_sock *tcp = (struct tcp_sock *)sk;

    if (BPF_CORE_READ(sk, sk_protocol) != IPPROTO_TCP)
        return false;
    if (bpf_core_field_exists(tcp->is_mptcp) && BPF_CORE_READ(tcp, is_mptcp))
        return true;
    return bpf_core_field_exists(tcp->syn_smc) && BPF_CORE_READ_BITFIELD_PROBED(tcp, syn_smc);
}

/* NFS and its like bind and connect by threads of the kernel. */
static __always_inline bool is_kernels_call(struct task_struct *task, struct bpf_sock *sk)
{
    return task->flags & PF_KTHREAD && !serves_program(sock_address(sk));
}

#endif
