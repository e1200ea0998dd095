/* Which sockets the hooks cover, for programs that see all of them: the iterators, and LSM's. */
#ifndef OPENWFP_ALE_SCOPE_H
#define OPENWFP_ALE_SCOPE_H

#include "types.h"

#define COMMON(sk, field) BPF_CORE_READ(sk, __sk_common.field)

/* Where the loader attaches the hooks; level 0, the root, covers everything. */
const volatile __u64 scope_cgroup;
const volatile __u32 scope_level;

static __always_inline bool is_scope_cgroup(struct cgroup *cgroup)
{
    struct cgroup *above;

    if (!scope_level)
        return true;
    if (!cgroup || BPF_CORE_READ(cgroup, level) < scope_level)
        return false;
    void *slot = (void *)cgroup + bpf_core_field_offset(struct cgroup, ancestors) +
                 scope_level * sizeof(void *);
    if (bpf_probe_read_kernel(&above, sizeof(above), slot))
        return false;
    return BPF_CORE_READ(above, kn, id) == scope_cgroup;
}

static __always_inline bool in_scope_cgroup(struct sock *sk)
{
    return is_scope_cgroup(BPF_CORE_READ(sk, sk_cgrp_data.cgroup));
}

#endif
