/*
 * How many operations are held, of each program and of each user: nobody may take the room that
 * others need, and all users together leave some to root. Whoever can copy a program has many
 * programs, whoever has subordinate users many users.
 */
#ifndef OPENWFP_ALE_QUOTA_H
#define OPENWFP_ALE_QUOTA_H

#include "maps.h"

struct {
    __uint(type, BPF_MAP_TYPE_ARRAY);
    __uint(max_entries, ALE_APPS);
    __type(key, __u32);
    __type(value, __u32);
} held_apps SEC(".maps");

/* By the user's number, modulo; the last is of all users but root. */
struct {
    __uint(type, BPF_MAP_TYPE_ARRAY);
    __uint(max_entries, ALE_USER_SLOTS + 1);
    __type(key, __u32);
    __type(value, __u32);
} held_users SEC(".maps");

static __always_inline bool quota_is_less(void *counts, __u32 slot, __u32 limit)
{
    __u32 *count = bpf_map_lookup_elem(counts, &slot);

    return count && *count < limit;
}

static __always_inline bool quota_has_room(__u32 app, __u32 uid)
{
    return quota_is_less(&held_apps, app, ALE_HELD_APP) &&
           (!uid || (quota_is_less(&held_users, uid % ALE_USER_SLOTS, ALE_HELD_USER) &&
                     quota_is_less(&held_users, ALE_USER_SLOTS, ALE_HELD_USERS)));
}

static __always_inline void quota_add(void *counts, __u32 slot, int by)
{
    __u32 *count = bpf_map_lookup_elem(counts, &slot);

    if (count)
        __sync_fetch_and_add(count, by);
}

static __always_inline void quota_count(__u32 app, __u32 uid, int by)
{
    quota_add(&held_apps, app, by);
    if (!uid)
        return;
    quota_add(&held_users, uid % ALE_USER_SLOTS, by);
    quota_add(&held_users, ALE_USER_SLOTS, by);
}

#endif
