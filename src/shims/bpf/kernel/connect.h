/* AUTH_CONNECT where a process is waiting for the answer: connect() and sendto(). */
#ifndef OPENWFP_ALE_CONNECT_H
#define OPENWFP_ALE_CONNECT_H

#include "flow.h"

#define ICMP_ECHO   8
#define ICMPV6_ECHO 128

#define INADDR_LOOPBACK 0x7f000001

static __always_inline void user_address(struct bpf_sock_addr *ctx, __u32 family, __u8 *address)
{
    if (family == AF_INET) {
        address_from_v4(address, ctx->user_ip4);
        return;
    }
    ((__u32 *)address)[0] = ctx->user_ip6[0];
    ((__u32 *)address)[1] = ctx->user_ip6[1];
    ((__u32 *)address)[2] = ctx->user_ip6[2];
    ((__u32 *)address)[3] = ctx->user_ip6[3];
}

static __always_inline void user_address_set(struct bpf_sock_addr *ctx, __u32 family,
                                             const __u8 *address)
{
    const __u32 *part = (const __u32 *)address;

    if (family == AF_INET) {
        ctx->user_ip4 = part[3];
        return;
    }
    ctx->user_ip6[0] = part[0];
    ctx->user_ip6[1] = part[1];
    ctx->user_ip6[2] = part[2];
    ctx->user_ip6[3] = part[3];
}

/* What the kernel takes an unspecified address for: of IPv4 the one that the socket is bound to, if
 * it is, else loopback. */
static __always_inline void address_of_itself(const __u8 *local, __u32 family, __u8 *address)
{
    bool v4 = family == AF_INET || address_is_mapped(address);
    bool local_v4 = address_is_mapped(local);

    if (!v4 && !local_v4)
        address[15] = 1;
    else if (v4 && local_v4 && !address_is_any(local))
        __builtin_memcpy(address, local, 16);
    else
        address_from_v4(address, bpf_htonl(INADDR_LOOPBACK));
}

/* Whom connect() or sendto() names. What stands for this machine itself is written out, so that
 * what is asked about is what will be done. */
static __always_inline void user_peer(struct bpf_sock_addr *ctx, struct work *work, __u32 family)
{
    user_address(ctx, family, work->remote);
    if (!address_is_any(work->remote))
        return;
    address_of_itself(work->local, family, work->remote);
    user_address_set(ctx, family, work->remote);
}

/* The same of a datagram: a connected socket comes here with no peer, if it sends control data. */
static __always_inline __u16 datagram_peer(struct bpf_sock_addr *ctx, struct bpf_sock *sk,
                                           struct work *work, __u32 family)
{
    if (ctx->user_port || sk->state != TCP_ESTABLISHED_STATE) {
        user_peer(ctx, work, family);
        return bpf_ntohs(ctx->user_port);
    }
    peer_address(sk, work->remote);
    return bpf_ntohs(sk->dst_port);
}

/* The kernel chooses a port for a socket that was never bound. A permit is not reported: the
 * connect that it belongs to is. */
static __always_inline enum verdict assign_implicitly(const struct caller *caller)
{
    struct request *request = &caller->process->work.request;
    __u64 flags = request->walk.key.value[CLASSIFY_FLAGS];

    request->hold = ALE_HOLD_LATER;
    key_set(request, CLASSIFY_FLAGS, FLAG_IMPLICIT_BIND | FLAG_WILDCARD_BIND);
    enum verdict verdict = authorize(request, &caller->process->self, ALE_RESOURCE_ASSIGNMENT, 0);
    if (verdict == PERMITTED)
        held_note(caller->socket, request);
    key_set(request, CLASSIFY_FLAGS, flags);
    return verdict;
}

static __always_inline void request_to_peer(struct request *request,
                                            const struct ale_socket *socket, const __u8 *remote,
                                            __u16 port)
{
    if (socket->protocol == IPPROTO_ICMP || socket->protocol == IPPROTO_ICMPV6) {
        key_remote(request, remote, 0);
        key_set(request, CLASSIFY_LOCAL_PORT,
                socket->protocol == IPPROTO_ICMP ? ICMP_ECHO : ICMPV6_ECHO);
        return;
    }
    key_remote(request, remote, port);
}

/* A connected datagram socket hears only its peer: its answers need no look at the flow table. */
static __always_inline enum verdict datagram_connected(const struct caller *caller, __u16 port)
{
    struct work *work = &caller->process->work;
    struct ale_socket *socket = caller->socket;

    if (flow_established(&work->request, &caller->process->self) == BLOCKED)
        return BLOCKED;
    if (!caller->remembered)
        return PERMITTED;
    socket->flags |= ALE_SOCKET_BOUND;
    socket->connected = policy_generation();
    flow_key(&work->flow, socket->cookie, socket->protocol, work->remote, port);
    flow_permit(&work->flow, socket->connected, clock_now(), true);
    return PERMITTED;
}

static __always_inline enum verdict connect_authorize(const struct caller *caller, bool bound,
                                                      __u16 port)
{
    struct work *work = &caller->process->work;
    struct ale_socket *socket = caller->socket;

    if (held_of_socket(socket, ALE_RESOURCE_ASSIGNMENT) == HELD_BLOCKED)
        return BLOCKED;
    if (!bound && caller->assign_filtered && assign_implicitly(caller) == BLOCKED)
        return BLOCKED;
    request_to_peer(&work->request, socket, work->remote, port);
    work->request.hold = ALE_HOLD_QUEUE;
    enum verdict verdict = PERMITTED;
    if (caller->redirect_filtered)
        verdict = authorize(&work->request, &caller->process->self, ALE_CONNECT_REDIRECT, 0);
    if (verdict == PERMITTED)
        verdict =
            authorize(&work->request, &caller->process->self, ALE_AUTH_CONNECT, COLLECT_ALLOWS);
    if (verdict == BLOCKED)
        return BLOCKED;
    if (socket->protocol == IPPROTO_UDP && verdict == PERMITTED)
        return datagram_connected(caller, port);
    if (caller->remembered) {
        __builtin_memcpy(socket->remote, work->remote, sizeof(socket->remote));
        socket->remote_port = port;
        socket->flags |= ALE_SOCKET_BOUND | ALE_SOCKET_CONNECTED;
    }
    return PERMITTED;
}

static __always_inline void request_of_caller(const struct caller *caller, struct bpf_sock *sk)
{
    struct work *work = &caller->process->work;

    request_start(&work->request, caller->socket, &caller->process->self);
    key_local(&work->request, work->local, sk->src_port);
    key_interface(&work->request, sk->bound_dev_if);
}

static __always_inline int on_connect(struct bpf_sock_addr *ctx, __u32 family)
{
    struct bpf_sock *sk = ctx->sk;
    struct caller caller;

    if (!sk)
        return HOOK_PERMIT;
    enum entry entry = CALLER_ENTER(&caller, ctx, sk, ctx->family, ctx->type, ctx->protocol, false);
    if (entry != ENTRY_READY)
        return hook_entry_answer(entry);
    struct work *work = &caller.process->work;

    local_address(sk, work->local);
    user_peer(ctx, work, family);
    request_of_caller(&caller, sk);
    return hook_answer(connect_authorize(&caller, sk->src_port != 0, bpf_ntohs(ctx->user_port)));
}

SEC("cgroup/connect4") int ale_connect4(struct bpf_sock_addr *ctx)
{
    return on_connect(ctx, AF_INET);
}

SEC("cgroup/connect6") int ale_connect6(struct bpf_sock_addr *ctx)
{
    return on_connect(ctx, AF_INET6);
}

/* By now the port has been chosen; only what is remembered tells whether somebody asked for it. */
static __always_inline enum verdict send_authorize(const struct caller *caller, struct bpf_sock *sk)
{
    struct work *work = &caller->process->work;

    request_of_caller(caller, sk);
    if (held_of_socket(caller->socket, ALE_RESOURCE_ASSIGNMENT) == HELD_BLOCKED)
        return BLOCKED;
    if (!(caller->socket->flags & ALE_SOCKET_BOUND)) {
        if (caller->assign_filtered && assign_implicitly(caller) == BLOCKED)
            return BLOCKED;
        __builtin_memcpy(caller->socket->local, work->local, sizeof(work->local));
        caller->socket->local_port = sk->src_port;
        caller->socket->flags |= ALE_SOCKET_BOUND;
    }
    key_remote(&work->request, work->flow.remote, work->flow.port);
    work->request.hold = ALE_HOLD_QUEUE;
    if (caller->redirect_filtered) {
        enum verdict verdict =
            authorize(&work->request, &caller->process->self, ALE_CONNECT_REDIRECT, 0);
        if (verdict != PERMITTED)
            return verdict;
    }
    return flow_authorize(&work->request, &caller->process->self, &work->flow, 0);
}

/* The fast path: nobody asks who sends, and to this peer it was permitted under this policy. */
static __always_inline bool send_continues(struct bpf_sock_addr *ctx, __u32 family)
{
    __u8 protocol = protocol_of(ctx->type, ctx->protocol), remote[16];
    struct ale_state *shared = state_get();
    struct ale_flow_key key;

    if (!shared || (shared->remember & memory_for(protocol)))
        return false;
    user_address(ctx, family, remote);
    if (address_type(remote) != ADDRESS_UNICAST || address_is_any(remote))
        return false;
    flow_key(&key, bpf_get_socket_cookie(ctx), protocol, remote, bpf_ntohs(ctx->user_port));
    return flow_is_current(&key);
}

static __always_inline int on_sendmsg(struct bpf_sock_addr *ctx, __u32 family)
{
    struct bpf_sock *sk = ctx->sk;
    struct caller caller;

    if (!sk || send_continues(ctx, family))
        return HOOK_PERMIT;
    enum entry entry = CALLER_ENTER(&caller, ctx, sk, ctx->family, ctx->type, ctx->protocol, false);
    if (entry != ENTRY_READY)
        return hook_entry_answer(entry);
    struct work *work = &caller.process->work;
    __u8 protocol = caller.socket->protocol;

    local_address(sk, work->local);
    __u16 port = datagram_peer(ctx, sk, work, family);
    flow_key(&work->flow, caller.socket->cookie, protocol, work->remote, port);
    if (!flow_is_current(&work->flow) && send_authorize(&caller, sk) == BLOCKED)
        return hook_deny(EACCES);
    if (address_type(work->remote) != ADDRESS_UNICAST)
        flow_await_anyone(&work->flow);
    return HOOK_PERMIT;
}

SEC("cgroup/sendmsg4") int ale_sendmsg4(struct bpf_sock_addr *ctx)
{
    return on_sendmsg(ctx, AF_INET);
}

SEC("cgroup/sendmsg6") int ale_sendmsg6(struct bpf_sock_addr *ctx)
{
    return on_sendmsg(ctx, AF_INET6);
}

#endif
