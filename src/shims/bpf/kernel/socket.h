/*
 * What is remembered with a socket: its owner, its addresses, what was permitted.
 *
 * The owner is the process that last bound, connected, listened or sent to an address with it: a
 * socket handed over by fork or SCM_RIGHTS changes hands at the receiver's first such call.
 */
#ifndef OPENWFP_ALE_SOCKET_H
#define OPENWFP_ALE_SOCKET_H

#include "own.h"
#include "verdict.h"

#define IPPROTO_ICMP   1
#define IPPROTO_SCTP   132
#define IPPROTO_UDP    17
#define IPPROTO_ICMPV6 58

#define TCP_ESTABLISHED_STATE 1 /* of a datagram socket: connected */

/* The loader puts the namespace here before it loads; 0 = every namespace. */
const volatile __u64 scope_cookie;

static __always_inline bool in_scope(__u64 netns_cookie)
{
    return !scope_cookie || scope_cookie == netns_cookie;
}

/* MPTCP and SMC are TCP to everyone who writes filters. SCTP's sockets, whatever their type, meet
 * none of the hooks of bind, connect and send: they are seen when they are made, and by their
 * packets. */
static __always_inline bool is_stream(__u32 type, __u32 protocol)
{
    return type == SOCK_STREAM && protocol != IPPROTO_SCTP;
}

static __always_inline __u8 protocol_of(__u32 type, __u32 protocol)
{
    return is_stream(type, protocol) ? IPPROTO_TCP : protocol;
}

/* A socket never leaves its namespace, but its owner can: the number is only right when the
 * caller still lives where the socket does. */
static __always_inline __u32 netns_inum(struct task_struct *task, __u64 cookie)
{
    struct net *net = task->nsproxy->net_ns;

    return net->net_cookie == cookie ? net->ns.inum : 0;
}

static __always_inline void socket_describe(struct ale_socket *socket, struct task_struct *task,
                                            __u64 cookie, __u64 netns_cookie, __u8 family,
                                            __u8 protocol)
{
    if (socket->cookie)
        return;
    socket->netns_cookie = netns_cookie;
    socket->netns = netns_inum(task, netns_cookie);
    socket->family = family == AF_INET ? 4 : 6;
    socket->protocol = protocol;
    socket->cookie = cookie;
}

/* Makes the caller the owner. */
static __always_inline void socket_own(struct ale_socket *socket, const struct ale_identity *self)
{
    struct ale_identity *owner = &socket->owner;

    owner->who = self->who;
    owner->start_time = self->start_time;
    owner->cgroup = self->cgroup;
    owner->pid = self->pid;
    owner->gid = self->gid;
    __builtin_memcpy(owner->comm, self->comm, sizeof(owner->comm));
    if (self->group_count || owner->group_count)
        bpf_probe_read_kernel(owner->groups, sizeof(owner->groups), self->groups);
    owner->group_count = self->group_count;
}

enum entry { ENTRY_READY, ENTRY_OUTSIDE, ENTRY_FAILED };

/* The calling process and the socket it calls on, ready for a classify. */
struct caller {
    struct ale_process *process;
    struct ale_socket *socket;
    bool remembered;
    bool assign_filtered;
    bool redirect_filtered;
};

static __always_inline __u32 memory_for(__u8 protocol)
{
    return protocol == IPPROTO_TCP ? ALE_REMEMBER_TCP : ALE_REMEMBER_OTHER;
}

/* Of a socket that is not remembered only this call is known. */
static __always_inline struct ale_socket *socket_passing(struct ale_process *process)
{
    struct ale_socket *socket = &process->work.socket;

    socket->cookie = 0;
    socket->connected = 0;
    socket->flags = 0;
    return socket;
}

/* Remembers the socket when some hook will ask for it. A macro because the helpers want the very
 * type of each program's context. */
#define CALLER_ENTER(caller, ctx, sk, family, type, protocol, always)                              \
    ({                                                                                             \
        struct ale_state *state_ = state_get();                                                    \
        __u32 memory_ = state_ ? state_->remember : 0;                                             \
        __u8 protocol_ = protocol_of(type, protocol);                                              \
        __u64 netns_ = bpf_get_netns_cookie(ctx);                                                  \
        struct task_struct *task_ = bpf_get_current_task_btf();                                    \
        enum entry entry_ = ENTRY_OUTSIDE;                                                         \
        if (in_scope(netns_) && !is_kernels_call(task_, sk)) {                                     \
            entry_ = ENTRY_FAILED;                                                                 \
            (caller)->assign_filtered = memory_ & ALE_ASSIGN_FILTERED;                             \
            (caller)->redirect_filtered = memory_ & ALE_REDIRECT_FILTERED;                         \
            (caller)->remembered = (always) || (memory_ & memory_for(protocol_));                  \
            (caller)->process =                                                                    \
                process_current(task_, (caller)->remembered || (memory_ & ALE_REMEMBER_GROUPS));   \
            if ((caller)->process) {                                                               \
                (caller)->socket =                                                                 \
                    (caller)->remembered                                                           \
                        ? bpf_sk_storage_get(&sockets, sk, NULL, BPF_SK_STORAGE_GET_F_CREATE)      \
                        : socket_passing((caller)->process);                                       \
                if ((caller)->socket) {                                                            \
                    socket_describe((caller)->socket, task_, bpf_get_socket_cookie(ctx), netns_,   \
                                    family, protocol_);                                            \
                    if ((caller)->remembered)                                                      \
                        socket_own((caller)->socket, &(caller)->process->self);                    \
                    entry_ = ENTRY_READY;                                                          \
                }                                                                                  \
            }                                                                                      \
        }                                                                                          \
        entry_;                                                                                    \
    })

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

static __always_inline void peer_address(struct bpf_sock *sk, __u8 *address)
{
    if (sk->family == AF_INET) {
        __u32 v4 = sk->dst_ip4;

        asm volatile("" : "+r"(v4)); /* not one load of either: that were arithmetic with sk */
        address_from_v4(address, v4);
        return;
    }
    ((__u32 *)address)[0] = sk->dst_ip6[0];
    ((__u32 *)address)[1] = sk->dst_ip6[1];
    ((__u32 *)address)[2] = sk->dst_ip6[2];
    ((__u32 *)address)[3] = sk->dst_ip6[3];
}

#define HOOK_PERMIT 1

/* What a cgroup hook returns to make the system call fail with the error. */
static __always_inline int hook_deny(int error)
{
    bpf_set_retval(-error);
    return 0;
}

/* A call that can't be attributed is refused: there is no memory for its owner. */
static __always_inline int hook_entry_answer(enum entry entry)
{
    return entry == ENTRY_OUTSIDE ? HOOK_PERMIT : hook_deny(ENOMEM);
}

static __always_inline int hook_answer(enum verdict verdict)
{
    return verdict == PERMITTED ? HOOK_PERMIT : hook_deny(EACCES);
}

#endif
