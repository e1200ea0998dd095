/*
 * One classify: the key is built from an endpoint and its owner, the policy is asked, the event is
 * written. Addresses come in v6 form (IPv4 as v4-mapped) and become what the layer wants: a host
 * order number at the V4 layers, two halves at the V6 ones.
 */
#ifndef OPENWFP_ALE_VERDICT_H
#define OPENWFP_ALE_VERDICT_H

#include "hold.h"
#include "identity.h"

#define GROUP_ATTEMPTS 3

static __always_inline void key_set(struct request *request, __u32 slot, __u64 value)
{
    request->walk.key.present |= 1ull << slot;
    request->walk.key.value[slot] = value;
}

static __always_inline void key_flag(struct request *request, __u64 flag)
{
    key_set(request, CLASSIFY_FLAGS, request->walk.key.value[CLASSIFY_FLAGS] | flag);
}

static __always_inline __u64 address_half(const void *half)
{
    return bpf_be64_to_cpu(*(const __u64 *)half);
}

static __always_inline __u32 address_v4(const __u8 *address)
{
    return bpf_ntohl(*(const __u32 *)(address + 12));
}

static __always_inline bool address_is_mapped(const __u8 *address)
{
    return *(const __u64 *)address == 0 && *(const __u32 *)(address + 8) == bpf_htonl(0xffff);
}

/* The unspecified address of either family. */
static __always_inline bool address_is_any(const __u8 *address)
{
    return *(const __u64 *)address == 0 && *(const __u32 *)(address + 12) == 0 &&
           (*(const __u32 *)(address + 8) == 0 || address_is_mapped(address));
}

static __always_inline bool address_is_loopback(const __u8 *address)
{
    if (address_is_mapped(address))
        return address[12] == 127;
    return *(const __u64 *)address == 0 && *(const __u64 *)(address + 8) == bpf_cpu_to_be64(1);
}

static __always_inline __u64 address_type(const __u8 *address)
{
    if (!address_is_mapped(address))
        return address[0] == 0xff ? ADDRESS_MULTICAST : ADDRESS_UNICAST;
    if (address_v4(address) == 0xffffffff)
        return ADDRESS_BROADCAST;
    return (address[12] & 0xf0) == 0xe0 ? ADDRESS_MULTICAST : ADDRESS_UNICAST;
}

static __always_inline void address_from_v4(__u8 *address, __u32 v4)
{
    *(__u64 *)address = 0;
    *(__u32 *)(address + 8) = bpf_htonl(0xffff);
    *(__u32 *)(address + 12) = v4;
}

static __always_inline void key_address(struct request *request, __u32 slot, const __u8 *address)
{
    if (request->family == 4) {
        key_set(request, slot, address_v4(address));
        return;
    }
    key_set(request, slot, address_half(address));
    key_set(request, slot + 1, address_half(address + 8));
}

/* A wildcard local address and a port not chosen yet are FWP_EMPTY (2.2). */
static __always_inline void key_local(struct request *request, const __u8 *address, __u16 port)
{
    if (!address_is_any(address)) {
        key_address(request, CLASSIFY_LOCAL_ADDRESS, address);
        key_set(request, CLASSIFY_LOCAL_ADDRESS_TYPE, address_type(address));
        if (address_is_loopback(address))
            key_flag(request, FLAG_LOOPBACK);
    }
    if (port)
        key_set(request, CLASSIFY_LOCAL_PORT, port);
}

static __always_inline void key_remote(struct request *request, const __u8 *address, __u16 port)
{
    key_address(request, CLASSIFY_REMOTE_ADDRESS, address);
    key_set(request, CLASSIFY_REMOTE_PORT, port);
    request->peer_port = port;
    key_set(request, CLASSIFY_DESTINATION_ADDRESS_TYPE, address_type(address));
    if (address_is_loopback(address))
        key_flag(request, FLAG_LOOPBACK);
}

static __always_inline void key_interface(struct request *request, __u32 ifindex)
{
    if (!ifindex)
        return;
    request->ifindex = ifindex;
    key_set(request, CLASSIFY_INTERFACE_INDEX, ifindex);
    key_set(request, CLASSIFY_LOCAL_INTERFACE, ifindex);
}

/* Of the walk only the key: the rest is the classifier's to begin with. */
static __always_inline void request_clear(struct request *request)
{
    __builtin_memset(&request->walk.key, 0, sizeof(request->walk.key));
    request->ifindex = 0;
    request->direction = DIRECTION_OUTBOUND;
    request->peer_port = 0;
    request->hold = ALE_HOLD_NOTICE;
}

static __always_inline void request_start(struct request *request, const struct ale_socket *socket,
                                          const struct ale_identity *owner)
{
    request_clear(request);
    request->cookie = socket->cookie;
    request->netns_cookie = socket->netns_cookie;
    request->netns = socket->netns;
    request->family = socket->family;
    key_set(request, CLASSIFY_FLAGS, 0);
    key_set(request, CLASSIFY_PROTOCOL, socket->protocol);
    key_set(request, CLASSIFY_UID, owner->uid);
    key_set(request, CLASSIFY_APP, owner->app);
    if (socket->netns)
        key_set(request, CLASSIFY_COMPARTMENT, socket->netns);
}

static __always_inline __u64 policy_generation(void)
{
    void *memory = classify_memory();

    return memory ? classify_generation(memory) : 0;
}

static __always_inline __u64 group_matched(__u32 gid, __u64 generation)
{
    struct ale_group *group = bpf_map_lookup_elem(&group_bits, &gid);

    return group ? group->bits[generation & 1] : 0;
}

/* Which group conditions of the generation's policy the owner satisfies. */
__noinline __u64 groups_matched(const struct ale_identity *owner, __u64 generation)
{
    __u64 bits = 0;

    if (!owner)
        return 0;
    bits |= group_matched(owner->gid, generation);
    for (__u32 i = 0; i < ALE_GROUPS && i < owner->group_count; i++)
        bits |= group_matched(owner->groups[i], generation);
    return bits;
}

/* What a bit says is only known to the policy that it was made for: when another one has come in
 * between, the question is asked again. */
static __always_inline void classify_with_groups(struct request *request,
                                                 const struct ale_identity *owner)
{
    __u64 generation = policy_generation();

    for (__u32 i = 0; i < GROUP_ATTEMPTS; i++) {
        __u64 before = generation;

        key_set(request, CLASSIFY_USER_BITS, groups_matched(owner, before));
        classify(&request->walk);
        generation = policy_generation();
        if (generation == before)
            break;
    }
}

/* Without a readable policy: permit if none was ever committed, else block (fail closed). */
static __always_inline enum verdict decide(struct request *request,
                                           const struct ale_identity *owner, __u32 layer,
                                           const struct ale_state *shared)
{
    request->walk.layer = layer;
    if (shared->remember & ALE_REMEMBER_GROUPS)
        classify_with_groups(request, owner);
    else
        classify(&request->walk);
    if (request->walk.asked)
        return HELD;
    if (request->walk.result.flags & CLASSIFY_RESULT_BROKEN && !shared->loaded)
        return PERMITTED;
    return request->walk.result.action == FWP_ACTION_BLOCK ? BLOCKED : PERMITTED;
}

/* Tells of the verdict if the loader collects any of `collect`. */
static __always_inline void notify(const struct request *request, const struct ale_identity *owner,
                                   __u32 layer, enum verdict verdict,
                                   const struct ale_state *shared, __u32 collect)
{
    if ((shared->collect & collect) && !(request->walk.result.flags & CLASSIFY_RESULT_SILENT))
        log_event(request, owner, layer, verdict);
}

static __always_inline __u32 layer_of_family(const struct request *request, __u32 layer)
{
    return request->family == 6 ? ALE_V6(layer) : layer;
}

/* Asks the layer (given as V4) of the request's family: an enum verdict; a permit is reported if
 * the loader collects any of `collect`. Global, as what it calls: verified once, however often it
 * is called. */
__noinline int authorize(struct request *request, const struct ale_identity *owner, __u32 layer,
                         __u32 collect)
{
    struct ale_state *shared = state_get();

    if (!shared || !request || !owner)
        return BLOCKED;
    layer = layer_of_family(request, layer);
    enum verdict verdict = decide(request, owner, layer, shared);
    if (verdict == HELD)
        return hold(request, owner);
    notify(request, owner, layer, verdict, shared, verdict == BLOCKED ? COLLECT_DROPS : collect);
    return verdict;
}

#endif
