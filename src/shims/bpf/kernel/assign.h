/* RESOURCE_ASSIGNMENT (bind, raw sockets), RESOURCE_RELEASE and ENDPOINT_CLOSURE. */
#ifndef OPENWFP_ALE_ASSIGN_H
#define OPENWFP_ALE_ASSIGN_H

#include "connect.h"

static __always_inline bool is_port_socket(__u32 type, __u32 protocol)
{
    return is_stream(type, protocol) || (type == SOCK_DGRAM && protocol == IPPROTO_UDP);
}

/* Raw, ping and SCTP sockets have no bind hook: creating one is their assignment (15.4). Everybody
 * else gets an owner at the first bind, connect, listen or send. */
SEC("cgroup/sock_create") int ale_sock_create(struct bpf_sock *ctx)
{
    struct caller caller;
    __u32 type = ctx->type, protocol = ctx->protocol, family = ctx->family;

    if ((family != AF_INET && family != AF_INET6) || is_port_socket(type, protocol))
        return HOOK_PERMIT;
    enum entry entry = CALLER_ENTER(&caller, ctx, ctx, family, type, protocol, true);
    if (entry != ENTRY_READY)
        return hook_entry_answer(entry);
    struct request *request = &caller.process->work.request;
    const struct ale_identity *self = &caller.process->self;

    request_start(request, caller.socket, self);
    request->hold = ALE_HOLD_LATER;
    if (type == SOCK_RAW || protocol == IPPROTO_ICMP || protocol == IPPROTO_ICMPV6)
        key_flag(request, FLAG_RAW_ENDPOINT);
    enum verdict verdict = authorize(request, self, ALE_RESOURCE_ASSIGNMENT, COLLECT_ALLOWS);
    if (verdict == PERMITTED) {
        caller.socket->flags |= ALE_SOCKET_BOUND;
        held_note(caller.socket, request);
    }
    return hook_answer(verdict);
}

/* Only bind() knows the interface and that any port would do; only post_bind, later in the same
 * system call, knows which one it became. */
static __always_inline int on_bind(struct bpf_sock_addr *ctx)
{
    struct ale_process *process = process_of(bpf_get_current_task_btf());

    if (!process)
        return hook_deny(ENOMEM);
    process->wildcard = !ctx->user_port;
    process->ifindex = ctx->sk ? ctx->sk->bound_dev_if : 0;
    return HOOK_PERMIT;
}

SEC("cgroup/bind4") int ale_bind4(struct bpf_sock_addr *ctx)
{
    return on_bind(ctx);
}

SEC("cgroup/bind6") int ale_bind6(struct bpf_sock_addr *ctx)
{
    return on_bind(ctx);
}

static __always_inline int on_post_bind(struct bpf_sock *ctx, const __u8 *local, __u16 port)
{
    struct caller caller;
    enum entry entry =
        CALLER_ENTER(&caller, ctx, ctx, ctx->family, ctx->type, ctx->protocol, false);

    if (entry != ENTRY_READY)
        return hook_entry_answer(entry);
    struct request *request = &caller.process->work.request;
    const struct ale_identity *self = &caller.process->self;
    struct ale_socket *socket = caller.socket;

    request_start(request, socket, self);
    request->hold = ALE_HOLD_LATER;
    key_local(request, local, port);
    key_interface(request, caller.process->ifindex);
    /* LOOPBACK is not a flag of this layer (3.12). */
    key_set(request, CLASSIFY_FLAGS, caller.process->wildcard ? FLAG_WILDCARD_BIND : 0);
    if (authorize(request, self, ALE_RESOURCE_ASSIGNMENT, COLLECT_ALLOWS) == BLOCKED)
        return hook_deny(EACCES);
    __builtin_memcpy(socket->local, local, sizeof(socket->local));
    socket->local_port = port;
    socket->flags |= ALE_SOCKET_BOUND;
    held_note(socket, request);
    return HOOK_PERMIT;
}

SEC("cgroup/post_bind4") int ale_post_bind4(struct bpf_sock *ctx)
{
    __u8 local[16];

    address_from_v4(local, ctx->src_ip4);
    return on_post_bind(ctx, local, ctx->src_port);
}

SEC("cgroup/post_bind6") int ale_post_bind6(struct bpf_sock *ctx)
{
    __u8 local[16];

    ((__u32 *)local)[0] = ctx->src_ip6[0];
    ((__u32 *)local)[1] = ctx->src_ip6[1];
    ((__u32 *)local)[2] = ctx->src_ip6[2];
    ((__u32 *)local)[3] = ctx->src_ip6[3];
    return on_post_bind(ctx, local, ctx->src_port);
}

static __always_inline void release(struct work *work, const struct ale_socket *socket)
{
    struct request *request = &work->request;

    request_start(request, socket, &socket->owner);
    key_local(request, socket->local, socket->local_port);
    if (socket->remote_port)
        key_remote(request, socket->remote, socket->remote_port);
    if ((socket->flags & ALE_SOCKET_CONNECTED) || socket->protocol != IPPROTO_TCP)
        authorize(request, &socket->owner, ALE_ENDPOINT_CLOSURE, COLLECT_LIFECYCLES);
    if (socket->flags & ALE_SOCKET_BOUND)
        authorize(request, &socket->owner, ALE_RESOURCE_RELEASE, COLLECT_LIFECYCLES);
}

/* Closing never fails: these layers are told, not asked. */
SEC("cgroup/sock_release") int ale_sock_release(struct bpf_sock *ctx)
{
    struct ale_socket *socket = bpf_sk_storage_get(&sockets, ctx, NULL, 0);
    struct ale_state *shared = state_get();
    struct workbench *bench;

    if (shared && shared->asking)
        held_closed(bpf_get_socket_cookie(ctx));
    if (socket && (socket->flags & ALE_SOCKET_ASKED)) {
        held_release(socket, ALE_RESOURCE_ASSIGNMENT);
        held_release(socket, ALE_AUTH_LISTEN);
    }
    if (!socket || !(socket->flags & (ALE_SOCKET_BOUND | ALE_SOCKET_CONNECTED)))
        return HOOK_PERMIT;
    bench = workbench_take(false);
    if (!bench)
        return HOOK_PERMIT;
    release(&bench->work, socket);
    workbench_return(bench);
    return HOOK_PERMIT;
}

#endif
