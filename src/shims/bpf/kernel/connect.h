/* AUTH_CONNECT where a process is waiting for the answer: connect() and sendto(). */
#ifndef OPENWFP_ALE_CONNECT_H
#define OPENWFP_ALE_CONNECT_H

#include "flow.h"

#define ICMP_ECHO   8
#define ICMPV6_ECHO 128

static __always_inline void local_address(struct bpf_sock *sk, __u8 *address)
{
    if (sk->family == AF_INET) {
        address_from_v4(address, sk->src_ip4);
        return;
    }
    ((__u32 *)address)[0] = sk->src_ip6[0];
    ((__u32 *)address)[1] = sk->src_ip6[1];
    ((__u32 *)address)[2] = sk->src_ip6[2];
    ((__u32 *)address)[3] = sk->src_ip6[3];
}

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

/* The kernel is about to choose a port for a socket that was never bound. A permit is not reported:
 * the connect that it belongs to is. */
static __always_inline enum verdict assign_implicitly(struct request *request,
                                                      const struct ale_identity *self,
                                                      struct ale_socket *socket)
{
    if (socket->flags & ALE_SOCKET_BOUND)
        return PERMITTED;
    __u64 flags = request->walk.key.value[CLASSIFY_FLAGS];

    key_flag(request, FLAG_IMPLICIT_BIND | FLAG_WILDCARD_BIND);
    enum verdict verdict = authorize(request, self, ALE_RESOURCE_ASSIGNMENT, 0);
    key_set(request, CLASSIFY_FLAGS, flags);
    __builtin_memset(&request->walk.result, 0, sizeof(request->walk.result));
    if (verdict == PERMITTED)
        socket->flags |= ALE_SOCKET_BOUND;
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
static __always_inline enum verdict datagram_connected(struct work *work,
                                                       const struct ale_identity *self,
                                                       struct ale_socket *socket, __u16 port)
{
    if (flow_established(&work->request, self) == BLOCKED)
        return BLOCKED;
    socket->connected = policy_generation();
    flow_key(&work->flow, socket, socket->protocol, work->remote, port);
    flow_permit(&work->flow, socket->connected, bpf_ktime_get_boot_ns(), true);
    return PERMITTED;
}

static __always_inline enum verdict connect_authorize(struct work *work,
                                                      const struct ale_identity *self,
                                                      struct ale_socket *socket, __u16 port)
{
    struct request *request = &work->request;

    if (assign_implicitly(request, self, socket) == BLOCKED)
        return BLOCKED;
    request_to_peer(request, socket, work->remote, port);
    if (authorize(request, self, ALE_AUTH_CONNECT, COLLECT_ALLOWS) == BLOCKED)
        return BLOCKED;
    if (socket->protocol == IPPROTO_UDP)
        return datagram_connected(work, self, socket, port);
    __builtin_memcpy(socket->remote, work->remote, sizeof(socket->remote));
    socket->remote_port = port;
    socket->flags |= ALE_SOCKET_CONNECTED;
    return PERMITTED;
}

static __always_inline int on_connect(struct bpf_sock_addr *ctx, __u32 family)
{
    struct bpf_sock *sk = ctx->sk;
    struct caller caller;

    if (!sk)
        return HOOK_PERMIT;
    enum entry entry = CALLER_ENTER(&caller, ctx, sk, ctx->family, ctx->type, ctx->protocol);
    if (entry != ENTRY_READY)
        return hook_entry_answer(entry);
    struct work *work = &caller.process->work;
    const struct ale_identity *self = &caller.process->self;

    local_address(sk, work->local);
    user_address(ctx, family, work->remote);
    request_start(&work->request, caller.socket, self);
    key_local(&work->request, work->local, sk->src_port);
    key_interface(&work->request, sk->bound_dev_if);
    return hook_answer(connect_authorize(work, self, caller.socket, bpf_ntohs(ctx->user_port)));
}

SEC("cgroup/connect4") int ale_connect4(struct bpf_sock_addr *ctx)
{
    return on_connect(ctx, AF_INET);
}

SEC("cgroup/connect6") int ale_connect6(struct bpf_sock_addr *ctx)
{
    return on_connect(ctx, AF_INET6);
}

static __always_inline enum verdict send_authorize(struct work *work,
                                                   const struct ale_identity *self,
                                                   struct ale_socket *socket, struct bpf_sock *sk)
{
    struct request *request = &work->request;

    local_address(sk, work->local);
    request_start(request, socket, self);
    key_local(request, work->local, sk->src_port);
    key_interface(request, sk->bound_dev_if);
    if (assign_implicitly(request, self, socket) == BLOCKED)
        return BLOCKED;
    key_remote(request, work->flow.remote, work->flow.port);
    return flow_authorize(request, self, &work->flow, 0);
}

static __always_inline int on_sendmsg(struct bpf_sock_addr *ctx, __u32 family)
{
    struct bpf_sock *sk = ctx->sk;
    struct caller caller;

    if (!sk)
        return HOOK_PERMIT;
    enum entry entry = CALLER_ENTER(&caller, ctx, sk, ctx->family, ctx->type, ctx->protocol);
    if (entry != ENTRY_READY)
        return hook_entry_answer(entry);
    struct work *work = &caller.process->work;
    struct ale_socket *socket = caller.socket;

    user_address(ctx, family, work->remote);
    flow_key(&work->flow, socket, socket->protocol, work->remote, bpf_ntohs(ctx->user_port));
    if (!flow_is_current(&work->flow) &&
        send_authorize(work, &caller.process->self, socket, sk) == BLOCKED)
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
