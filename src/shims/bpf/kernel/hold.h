/*
 * Operations that user space answers. A classify that meets a callout of user space stands still:
 * it is kept here with all that is needed to go on, and the question goes into the ring `asks`.
 *
 * What waits meanwhile depends on the hook (enum ale_hold). A system call can't: connect() and
 * sendto() go on, and their packets wait in a netfilter queue (queue.h). Should the rules for that
 * be gone, the egress hook drops these packets: nothing gets out unanswered.
 */
#ifndef OPENWFP_ALE_HOLD_H
#define OPENWFP_ALE_HOLD_H

#include "event.h"
#include "quota.h"

enum held_state {
    HELD_NEW, /* being made */
    HELD_ASKED,
    HELD_PERMITTED,
    HELD_BLOCKED,
};

struct held {
    __u64 operation;
    __u64 decided; /* when; monotonic clock */
    __u32 state;
    __u32 hold;
    __u32 layer; /* run-time id */
    __u32 app;
    __u16 redirected, redirect_port;
    __u8 redirect[16];
    struct ale_identity owner;
    struct request request;
};

struct {
    __uint(type, BPF_MAP_TYPE_HASH);
    __uint(max_entries, ALE_HELD);
    __uint(map_flags, BPF_F_NO_PREALLOC);
    __type(key, struct ale_held_key);
    __type(value, struct held);
} held SEC(".maps");

/* Always zero: what a new operation is made from. */
struct {
    __uint(type, BPF_MAP_TYPE_ARRAY);
    __uint(max_entries, 1);
    __type(key, __u32);
    __type(value, struct held);
} held_blank SEC(".maps");

struct {
    __uint(type, BPF_MAP_TYPE_RINGBUF);
    __uint(max_entries, ALE_ASKS);
} asks SEC(".maps");

/* Network namespaces (by cookie) whose packets find the queue. */
struct {
    __uint(type, BPF_MAP_TYPE_HASH);
    __uint(max_entries, 4096);
    __uint(map_flags, BPF_F_NO_PREALLOC);
    __type(key, __u64);
    __type(value, __u32);
} held_networks SEC(".maps");

/* Sockets (by cookie) whose end somebody waits for. */
struct {
    __uint(type, BPF_MAP_TYPE_HASH);
    __uint(max_entries, ALE_FLOWS);
    __uint(map_flags, BPF_F_NO_PREALLOC);
    __type(key, __u64);
    __type(value, __u32);
} held_watched SEC(".maps");

static __always_inline void held_address(const struct request *request, __u32 slot, __u8 *to)
{
    const __u64 *value = request->walk.key.value;

    if (!(request->walk.key.present >> slot & 1)) {
        __builtin_memset(to, 0, 16);
        return;
    }
    if (request->family == 4) {
        *(__u64 *)to = 0;
        *(__u32 *)(to + 8) = bpf_htonl(0xffff);
        *(__u32 *)(to + 12) = bpf_htonl((__u32)value[slot]);
        return;
    }
    *(__u64 *)to = bpf_cpu_to_be64(value[slot]);
    *(__u64 *)(to + 8) = bpf_cpu_to_be64(value[slot + 1]);
}

static __always_inline __u32 layer_without_family(const struct request *request, __u32 layer)
{
    if (request->family == 4)
        return layer;
    return layer - (layer < ALE_RESOURCE_RELEASE ? 2 : 1);
}

static __always_inline void held_key(struct ale_held_key *key, const struct request *request,
                                     __u32 layer)
{
    __builtin_memset(key, 0, sizeof(*key));
    key->cookie = request->cookie;
    key->layer = layer_without_family(request, layer);
    if (key->layer == ALE_CONNECT_REDIRECT)
        key->layer = ALE_AUTH_CONNECT; /* which is asked next, of the same operation */
    key->protocol = request->walk.key.value[CLASSIFY_PROTOCOL];
    if (key->layer != ALE_RESOURCE_ASSIGNMENT && key->layer != ALE_AUTH_LISTEN) {
        held_address(request, CLASSIFY_REMOTE_ADDRESS, key->remote);
        key->port = request->peer_port;
    }
}

static __always_inline void held_describe(const struct request *request,
                                          const struct ale_identity *owner, struct ale_ask *ask)
{
    const struct classify_walk *walk = &request->walk;

    ask->filter_id = walk->call.filter_id;
    ask->filter_context = walk->call.filter_context;
    ask->filter_type = walk->asked_type;
    ask->filter_flags = walk->asked_flags;
    ask->callout_id = walk->asked_callout;
    ask->rights = walk->call.rights;
    ask->start_time = owner->start_time;
    ask->cgroup = owner->cgroup;
    ask->netns_cookie = request->netns_cookie;
    ask->local_port = walk->key.value[CLASSIFY_LOCAL_PORT];
    ask->remote_port = walk->key.value[CLASSIFY_REMOTE_PORT];
    ask->layer = walk->layer;
    ask->family = request->family;
    ask->direction = request->direction;
    ask->pid = owner->pid;
    ask->uid = owner->uid;
    ask->gid = owner->gid;
    ask->netns = request->netns;
    ask->ifindex = request->ifindex;
    ask->app = owner->app;
    __builtin_memcpy(ask->comm, owner->comm, sizeof(ask->comm));
    __builtin_memcpy(&ask->fields, &walk->key, sizeof(ask->fields));
    held_address(request, CLASSIFY_LOCAL_ADDRESS, ask->local);
    held_address(request, CLASSIFY_REMOTE_ADDRESS, ask->remote);
}

/* Fills in the question that an operation is waiting with. */
static __noinline int held_question(struct held *entry, const struct ale_held_key *key,
                                    struct ale_ask *ask)
{
    if (!entry || !key || !ask)
        return 0;
    ask->kind = ALE_ASK;
    ask->hold = entry->hold;
    ask->operation = entry->operation;
    ask->key = *key;
    ask->time = clock_now();
    held_describe(&entry->request, &entry->owner, ask);
    return 0;
}

static __always_inline bool held_waits(__u32 hold)
{
    return hold == ALE_HOLD_QUEUE || hold == ALE_HOLD_DROP;
}

/* The counters of what is held. */
static __always_inline void held_count(struct ale_state *shared, const struct held *entry, int by)
{
    quota_count(entry->app, entry->owner.uid, by);
    if (held_waits(entry->hold))
        __sync_fetch_and_add(&shared->held, by);
}

static __always_inline void held_forget(struct ale_state *shared, const struct ale_held_key *key,
                                        const struct held *entry)
{
    held_count(shared, entry, -1);
    bpf_map_delete_elem(&held, key);
}

/* What was decided about the operation lately. */
static __always_inline bool held_is_fresh(const struct held *entry)
{
    return entry->decided && bpf_ktime_get_ns() - entry->decided < ALE_DECISION_LIFE;
}

static __always_inline struct held *held_make(struct ale_state *shared,
                                              const struct ale_held_key *key,
                                              const struct request *request,
                                              const struct ale_identity *owner)
{
    __u32 zero = 0, app = owner->app;
    struct held *blank = bpf_map_lookup_elem(&held_blank, &zero), *entry;

    if (!blank || !quota_has_room(app, owner->uid) ||
        bpf_map_update_elem(&held, key, blank, BPF_NOEXIST))
        return NULL;
    entry = bpf_map_lookup_elem(&held, key);
    if (!entry)
        return NULL;
    entry->hold = request->hold;
    entry->app = app;
    entry->layer = request->walk.layer;
    entry->operation = __sync_fetch_and_add(&shared->operations, 1) + 1;
    bpf_probe_read_kernel(&entry->owner, sizeof(entry->owner), owner);
    bpf_probe_read_kernel(&entry->request, sizeof(entry->request), request);
    held_count(shared, entry, 1);
    return entry;
}

/* Nobody puts packets of this namespace into the queue yet, or any more. */
static __always_inline void held_ask_network(const struct request *request,
                                             const struct ale_identity *owner)
{
    struct ale_ask *ask = bpf_ringbuf_reserve(&asks, sizeof(*ask), 0);
    if (!ask)
        return;
    __builtin_memset(ask, 0, sizeof(*ask));
    ask->kind = ALE_ASK_NETWORK;
    ask->netns_cookie = request->netns_cookie;
    ask->netns = request->netns;
    ask->pid = owner->pid;
    bpf_ringbuf_submit(ask, BPF_RB_FORCE_WAKEUP);
}

static __always_inline bool held_is_queued(const struct request *request)
{
    __u64 cookie = request->netns_cookie;

    return bpf_map_lookup_elem(&held_networks, &cookie) != NULL;
}

/* Of a queued operation the packet wakes the reader, if there is one in the same call. */
static __always_inline __u64 held_wakeup(const struct request *request)
{
    bool packet = request->hold == ALE_HOLD_QUEUE &&
                  request->walk.key.value[CLASSIFY_PROTOCOL] == 6 /* TCP */;

    return packet ? BPF_RB_NO_WAKEUP : BPF_RB_FORCE_WAKEUP;
}

static __always_inline bool held_ask(struct held *entry, const struct ale_held_key *key,
                                     __u64 wakeup)
{
    struct ale_ask *ask = bpf_ringbuf_reserve(&asks, sizeof(*ask), 0);

    if (!ask)
        return false;
    __builtin_memset(ask, 0, sizeof(*ask));
    held_question(entry, key, ask);
    entry->state = HELD_ASKED;
    bpf_ringbuf_submit(ask, wakeup);
    return true;
}

enum verdict { PERMITTED, BLOCKED, HELD };

/* What the hook is to do while there is no answer. */
static __always_inline enum verdict held_meanwhile(__u32 hold)
{
    return hold == ALE_HOLD_QUEUE ? HELD : hold == ALE_HOLD_DROP ? BLOCKED : PERMITTED;
}

/* What is known of an operation that is kept already. */
static __always_inline enum verdict held_verdict(const struct held *entry)
{
    if (entry->state == HELD_PERMITTED)
        return PERMITTED;
    return entry->state == HELD_BLOCKED ? BLOCKED : held_meanwhile(entry->hold);
}

/* Of request->hold: only looks, and keeps nothing; another hook comes after this one. */
#define HOLD_LOOK 0xffu

/* Keeps an operation whose classify stands still, and asks. What finds no room is blocked. */
static __noinline enum verdict hold(struct request *request, const struct ale_identity *owner)
{
    struct ale_state *shared = state_get();
    struct ale_held_key key;

    if (!shared || !owner || !shared->asking)
        return BLOCKED;
    held_key(&key, request, request->walk.layer);
    struct held *entry = bpf_map_lookup_elem(&held, &key);
    bool known =
        entry && (entry->state == HELD_ASKED || entry->state == HELD_NEW || held_is_fresh(entry));
    if (request->hold == HOLD_LOOK)
        return known && entry->state == HELD_BLOCKED ? BLOCKED : HELD;
    if (known)
        return held_verdict(entry);
    if (entry)
        held_forget(shared, &key, entry);
    entry = held_make(shared, &key, request, owner);
    if (!entry)
        return BLOCKED;
    if (request->hold == ALE_HOLD_QUEUE && !held_is_queued(request))
        held_ask_network(request, owner);
    if (held_ask(entry, &key, held_wakeup(request)))
        return held_meanwhile(request->hold);
    held_forget(shared, &key, entry);
    return BLOCKED;
}

static __always_inline void held_key_of_socket(struct ale_held_key *key,
                                               const struct ale_socket *socket, __u32 layer)
{
    __builtin_memset(key, 0, sizeof(*key));
    key->cookie = socket->cookie;
    key->protocol = socket->protocol;
    key->layer = layer;
}

/* How the socket's bind or listen stands: HELD_ASKED, HELD_BLOCKED, or 0: nothing is in its way. */
static __always_inline __u32 held_of_socket(const struct ale_socket *socket, __u32 layer)
{
    struct ale_held_key key;

    if (!(socket->flags & ALE_SOCKET_ASKED))
        return 0;
    held_key_of_socket(&key, socket, layer);
    const struct held *entry = bpf_map_lookup_elem(&held, &key);
    return entry ? entry->state : 0;
}

/* Notes that the socket's bind or listen, just permitted, may only be so for now. */
static __always_inline void held_note(struct ale_socket *socket, const struct request *request)
{
    if (request->walk.asked)
        socket->flags |= ALE_SOCKET_ASKED;
}

static __always_inline void held_release(const struct ale_socket *socket, __u32 layer)
{
    struct ale_state *shared = state_get();
    struct ale_held_key key;

    held_key_of_socket(&key, socket, layer);
    const struct held *entry = bpf_map_lookup_elem(&held, &key);
    if (entry && shared)
        held_forget(shared, &key, entry);
}

/* Tells of a watched socket's end. */
static __always_inline void held_closed(__u64 cookie)
{
    if (!bpf_map_lookup_elem(&held_watched, &cookie))
        return;
    bpf_map_delete_elem(&held_watched, &cookie);
    struct ale_ask *ask = bpf_ringbuf_reserve(&asks, sizeof(*ask), 0);
    if (!ask)
        return;
    __builtin_memset(ask, 0, sizeof(*ask));
    ask->kind = ALE_ASK_CLOSED;
    ask->key.cookie = cookie;
    bpf_ringbuf_submit(ask, BPF_RB_FORCE_WAKEUP);
}

#endif
