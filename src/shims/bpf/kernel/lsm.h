/*
 * LSM's hooks, where the kernel lets BPF have them: what programs of a cgroup can't refuse in
 * place, or don't see at all. They see the whole machine, and look for themselves who is covered.
 *
 * Whatever they leave undecided the other programs decide as if these didn't exist.
 */
#ifndef OPENWFP_ALE_LSM_H
#define OPENWFP_ALE_LSM_H

#include <bpf/bpf_tracing.h>

#include "adopt.h"

#define IPPROTO_MPTCP   262
#define TCP_CLOSE_STATE 7

#define RCVALL_ON 1 /* ALE_PROMISCUOUS_MODE: all packets */

static __always_inline struct ale_process *lsm_caller(bool always)
{
    struct ale_state *shared = state_get();

    return shared ? process_current(bpf_get_current_task_btf(),
                                    always || (shared->remember & ALE_REMEMBER_GROUPS))
                  : NULL;
}

static __always_inline int lsm_answer(enum verdict verdict)
{
    return verdict == PERMITTED ? 0 : -EACCES;
}

/* ---- listen() ---- */

/* Whether listen() would make it a TCP listener. Without a port it can't be decided yet: TCP's own
 * event comes when the kernel has chosen one. */
static __always_inline bool may_listen(struct sock *sk)
{
    __u16 protocol = BPF_CORE_READ(sk, sk_protocol);

    return BPF_CORE_READ(sk, sk_type) == SOCK_STREAM &&
           (protocol == IPPROTO_TCP || protocol == IPPROTO_MPTCP) &&
           COMMON(sk, skc_state) == TCP_CLOSE_STATE && COMMON(sk, skc_num);
}

static __always_inline bool bind_was_refused(struct sock *sk)
{
    struct ale_socket *known = bpf_sk_storage_get(&sockets, sk, NULL, 0);

    return known && held_of_socket(known, ALE_RESOURCE_ASSIGNMENT) == HELD_BLOCKED;
}

/* Where user space is to be asked, HELD: TCP's own event does that. */
static __always_inline enum verdict ask_listen(struct ale_process *process, struct sock *sk)
{
    struct ale_socket *socket = socket_passing(process);
    struct request *request = &process->work.request;

    if (bind_was_refused(sk))
        return BLOCKED;
    adopt_describe(socket, sk);
    local_of_sock(process->listening, sk);
    socket->local_port = COMMON(sk, skc_num);
    request_start(request, socket, &process->self);
    request->direction = DIRECTION_INBOUND;
    key_local(request, process->listening, socket->local_port);
    key_set(request, CLASSIFY_FLAGS, 0);
    request->hold = HOLD_LOOK;
    return authorize(request, &process->self, ALE_AUTH_LISTEN, COLLECT_ALLOWS);
}

SEC("?lsm/socket_listen") int BPF_PROG(ale_lsm_listen, struct socket *opened, int backlog)
{
    struct sock *sk = opened->sk;

    if (!sk || !is_covered(sk) || !may_listen(sk))
        return 0;
    struct ale_process *process = lsm_caller(false);
    if (!process)
        return -ENOMEM;
    enum verdict verdict = ask_listen(process, sk);
    process->listening_port = verdict == PERMITTED ? COMMON(sk, skc_num) : 0;
    return verdict == BLOCKED ? -EACCES : 0;
}

/* ---- packet sockets, and AF_XDP's, which are the same in another form ---- */

static __always_inline bool is_packet_family(int family)
{
    return family == AF_PACKET || family == AF_XDP;
}

static __always_inline enum verdict ask_packet_of(struct ale_process *process, __u8 family,
                                                  __u32 ifindex)
{
    struct request *request = &process->work.request;

    process->work.socket.family = family;
    request_start(request, &process->work.socket, &process->self);
    request->walk.key.present &= ~(1ull << CLASSIFY_PROTOCOL);
    key_set(request, CLASSIFY_FLAGS, FLAG_RAW_ENDPOINT | FLAG_PROMISCUOUS);
    key_set(request, CLASSIFY_PROMISCUOUS, RCVALL_ON);
    key_interface(request, ifindex);
    request->hold = HOLD_LOOK;
    return authorize(request, &process->self, ALE_RESOURCE_ASSIGNMENT, COLLECT_ALLOWS);
}

/* A packet socket sends and receives what it likes, of both versions of IP: both must permit it. It
 * can't wait for user space: where that is to be asked, it is refused. */
static __always_inline int ask_packet(__u64 cookie, struct net *net, __u32 ifindex)
{
    struct ale_process *process = lsm_caller(false);

    if (!process)
        return -ENOMEM;
    struct ale_socket *socket = socket_passing(process);
    socket->cookie = cookie;
    socket->netns_cookie = BPF_CORE_READ(net, net_cookie);
    socket->netns = BPF_CORE_READ(net, ns.inum);
    socket->protocol = 0;
    enum verdict verdict = ask_packet_of(process, 4, ifindex);
    return lsm_answer(verdict == PERMITTED ? ask_packet_of(process, 6, ifindex) : verdict);
}

SEC("?lsm/socket_create")
int BPF_PROG(ale_lsm_create, int family, int type, int protocol, int kern)
{
    struct task_struct *task = bpf_get_current_task_btf();

    if (!is_packet_family(family) || kern)
        return 0;
    struct net *net = task->nsproxy->net_ns;
    if (!in_scope(net->net_cookie) || !is_scope_cgroup(task->cgroups->dfl_cgrp))
        return 0;
    return ask_packet(0, net, 0);
}

/* ---- bind() of sockets that have no port ---- */

#define PACKET_IFINDEX 4 /* where struct sockaddr_ll and sockaddr_xdp have it */
#define PACKET_LENGTH  8 /* with it */
#define V4_LENGTH      16
#define V6_LENGTH      24 /* without a scope */

static __always_inline int bind_packet(struct sock *sk, const void *address, int length)
{
    __u32 ifindex = 0;

    if (length >= PACKET_LENGTH)
        bpf_probe_read_kernel(&ifindex, sizeof(ifindex), address + PACKET_IFINDEX);
    return ask_packet(bpf_get_socket_cookie(sk), COMMON(sk, skc_net.net), ifindex);
}

/* Makes the caller the owner, as the hooks of other sockets' bind() do. */
static __always_inline enum verdict ask_raw(struct ale_process *process, struct ale_socket *socket,
                                            struct sock *sk, const __u8 *local)
{
    struct request *request = &process->work.request;

    if (!socket->cookie)
        adopt_describe(socket, sk);
    socket_own(socket, &process->self);
    request_start(request, socket, &process->self);
    request->hold = ALE_HOLD_LATER;
    key_local(request, local, 0);
    key_interface(request, COMMON(sk, skc_bound_dev_if));
    key_set(request, CLASSIFY_FLAGS, FLAG_RAW_ENDPOINT);
    enum verdict verdict =
        authorize(request, &process->self, ALE_RESOURCE_ASSIGNMENT, COLLECT_ALLOWS);
    if (verdict == PERMITTED) {
        __builtin_memcpy(socket->local, local, sizeof(socket->local));
        socket->flags |= ALE_SOCKET_BOUND;
        held_note(socket, request);
    }
    return verdict;
}

/* False: the kernel will refuse such an address itself. */
static __always_inline bool raw_address(struct sock *sk, const void *address, int length,
                                        __u8 *local)
{
    bool v6 = COMMON(sk, skc_family) == AF_INET6;
    __u32 v4 = 0;

    if (length < (v6 ? V6_LENGTH : V4_LENGTH))
        return false;
    if (v6)
        return !bpf_probe_read_kernel(local, 16, address + 8);
    if (bpf_probe_read_kernel(&v4, sizeof(v4), address + 4))
        return false;
    address_from_v4(local, v4);
    return true;
}

static __always_inline int bind_raw(struct sock *sk, const void *address, int length)
{
    struct ale_process *process = lsm_caller(true);
    struct ale_socket *socket = bpf_sk_storage_get(&sockets, sk, NULL, BPF_SK_STORAGE_GET_F_CREATE);

    if (!process || !socket)
        return -ENOMEM;
    if (!raw_address(sk, address, length, process->work.local))
        return 0;
    return lsm_answer(ask_raw(process, socket, sk, process->work.local));
}

static __always_inline bool has_no_port(struct sock *sk)
{
    __u16 protocol = BPF_CORE_READ(sk, sk_protocol);

    return BPF_CORE_READ(sk, sk_type) == SOCK_RAW || protocol == IPPROTO_ICMP ||
           protocol == IPPROTO_ICMPV6;
}

SEC("?lsm/socket_bind")
int BPF_PROG(ale_lsm_bind, struct socket *opened, struct sockaddr *address, int length)
{
    struct sock *sk = opened->sk;

    if (!sk)
        return 0;
    if (is_packet_family(COMMON(sk, skc_family)))
        return in_scope(BPF_CORE_READ(sk, __sk_common.skc_net.net, net_cookie)) &&
                       in_scope_cgroup(sk)
                   ? bind_packet(sk, address, length)
                   : 0;
    return is_covered(sk) && has_no_port(sk) ? bind_raw(sk, address, length) : 0;
}

#endif
