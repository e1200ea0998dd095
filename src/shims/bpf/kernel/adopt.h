/*
 * Sockets older than the hooks: an iterator over every process's open files gives each inet socket
 * the owner it would have had, publishes listeners and makes flows of connected datagram sockets
 * (as of an older policy, so their next packet is authorized again). Who of several holders of a
 * socket is found first stands as its owner until somebody makes a call on it.
 */
#ifndef OPENWFP_ALE_ADOPT_H
#define OPENWFP_ALE_ADOPT_H

#include "listen.h"
#include "scope.h"

static __always_inline void local_of_sock(__u8 *address, struct sock *sk)
{
    if (COMMON(sk, skc_family) == AF_INET)
        address_from_v4(address, COMMON(sk, skc_rcv_saddr));
    else
        BPF_CORE_READ_INTO((struct in6_addr___k *)address, sk, __sk_common.skc_v6_rcv_saddr);
}

static __always_inline void remote_of_sock(__u8 *address, struct sock *sk)
{
    if (COMMON(sk, skc_family) == AF_INET)
        address_from_v4(address, COMMON(sk, skc_daddr));
    else
        BPF_CORE_READ_INTO((struct in6_addr___k *)address, sk, __sk_common.skc_v6_daddr);
}

static __always_inline void adopt_describe(struct ale_socket *socket, struct sock *sk)
{
    struct net *net = COMMON(sk, skc_net.net);

    socket->netns_cookie = BPF_CORE_READ(net, net_cookie);
    socket->netns = BPF_CORE_READ(net, ns.inum);
    socket->family = COMMON(sk, skc_family) == AF_INET ? 4 : 6;
    socket->protocol = protocol_of(BPF_CORE_READ(sk, sk_type), BPF_CORE_READ(sk, sk_protocol));
    socket->cookie = bpf_get_socket_cookie(sk);
}

static __always_inline void adopt_listener(struct ale_process *holder, struct ale_socket *socket,
                                           struct sock *sk)
{
    socket->flags |= ALE_SOCKET_CONNECTED;
    endpoint_publish(&holder->work.endpoint, socket,
                     BPF_CORE_READ_BITFIELD_PROBED(&sk->__sk_common, skc_ipv6only));
}

static __always_inline void adopt_datagrams(struct ale_process *holder, struct ale_socket *socket,
                                            struct sock *sk)
{
    struct work *work = &holder->work;

    remote_of_sock(work->remote, sk);
    flow_key(&work->flow, socket->cookie, socket->protocol, work->remote,
             bpf_ntohs(COMMON(sk, skc_dport)));
    flow_permit(&work->flow, 0, bpf_ktime_get_ns(), true); /* iterators have no coarse clock */
}

static __always_inline void adopt_socket(struct sock *sk, struct ale_process *holder,
                                         struct ale_socket *socket, bool known)
{
    __u8 state = COMMON(sk, skc_state);

    if (!known) {
        adopt_describe(socket, sk);
        socket_own(socket, &holder->self);
    }
    local_of_sock(socket->local, sk);
    socket->local_port = COMMON(sk, skc_num);
    if (socket->local_port)
        socket->flags |= ALE_SOCKET_BOUND;
    if (socket->protocol == IPPROTO_TCP && state == TCP_LISTEN_STATE)
        adopt_listener(holder, socket, sk);
    if (!known && socket->protocol == IPPROTO_UDP && state == TCP_ESTABLISHED_STATE)
        adopt_datagrams(holder, socket, sk);
}

static __always_inline bool is_covered(struct sock *sk)
{
    __u16 family = COMMON(sk, skc_family);
    struct net *net = COMMON(sk, skc_net.net);

    return (family == AF_INET || family == AF_INET6) && in_scope(BPF_CORE_READ(net, net_cookie)) &&
           in_scope_cgroup(sk);
}

SEC("iter/task_file") int ale_adopt(struct bpf_iter__task_file *ctx)
{
    struct task_struct *task = ctx->task;
    struct file *file = ctx->file;
    __u32 zero = 0;
    struct ale_process *holder = bpf_map_lookup_elem(&adopted, &zero);
    struct ale_socket *known, *socket;
    struct socket *opened;
    struct sock *sk;

    if (!task || !file || !holder)
        return 0;
    opened = bpf_sock_from_file(file);
    if (!opened)
        return 0;
    sk = opened->sk;
    if (!sk || !is_covered(sk))
        return 0;
    holder->image = 0;
    process_refresh(holder, task, true);
    known = bpf_sk_storage_get(&sockets, sk, NULL, 0);
    socket = known ? known : bpf_sk_storage_get(&sockets, sk, NULL, BPF_SK_STORAGE_GET_F_CREATE);
    if (socket)
        adopt_socket(sk, holder, socket, known != NULL);
    return 0;
}

#endif
