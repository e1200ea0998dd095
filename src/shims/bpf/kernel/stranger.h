/*
 * Sockets that no hook has seen in a call and no walk over open files has found. Most are the
 * kernel's own, and no endpoints that filters speak of. The others were in no process' file table
 * when the hooks were attached: in flight over AF_UNIX, or known to io_uring alone. Of these only
 * the user who made them is known.
 */
#ifndef OPENWFP_ALE_STRANGER_H
#define OPENWFP_ALE_STRANGER_H

#include "scope.h"
#include "socket.h"

#define NO_GROUP (~0u)

static __always_inline bool is_stranger(struct bpf_sock *known)
{
    struct sock *sk = sock_address(known);

    return sk && !BPF_CORE_READ_BITFIELD_PROBED(sk, sk_kern_sock) &&
           in_scope(BPF_CORE_READ(sk, __sk_common.skc_net.net, net_cookie));
}

/* Nothing is remembered with it: the next walk may find its owner. */
static __always_inline void stranger_describe(struct ale_socket *socket, struct __sk_buff *skb,
                                              struct bpf_sock *known)
{
    struct sock *sk = sock_address(known);
    struct net *net = COMMON(sk, skc_net.net);

    __builtin_memset(socket, 0, sizeof(*socket));
    socket->cookie = bpf_get_socket_cookie(skb);
    socket->netns_cookie = BPF_CORE_READ(net, net_cookie);
    socket->netns = BPF_CORE_READ(net, ns.inum);
    socket->family = known->family == AF_INET ? 4 : 6;
    socket->protocol = protocol_of(known->type, known->protocol);
    socket->owner.uid = BPF_CORE_READ(sk, sk_uid.val);
    socket->owner.gid = NO_GROUP;
}

#endif
