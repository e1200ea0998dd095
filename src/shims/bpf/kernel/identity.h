/*
 * Who is calling: the program's canonical path as a number, the process, user, groups, cgroup.
 *
 * The path is walked once per process image (self_exec_id), from the executable's dentry up over
 * every mount point to the root of its mount namespace, so neither chroot nor the name it was
 * called by matters. A file in a mount namespace other than the loader's is named
 * "mnt:[NUMBER]/path", because there a user namespace's owner can mount anything anywhere; it is
 * one of the policy's programs only when it is the same file (device and inode).
 */
#ifndef OPENWFP_ALE_IDENTITY_H
#define OPENWFP_ALE_IDENTITY_H

#include "scratch.h"

#define PATH_STEPS   128
#define MOUNT_PREFIX 16 /* "mnt:[4026531840]": inode numbers of namespaces have ten digits */
#define MOUNT_DIGITS 10

/* Says what is known anyway in a form that the verifier understands and the compiler leaves alone.
 */
#define BOUNDED(value, power_of_two)                                                               \
    ({                                                                                             \
        __u64 bounded_ = (value);                                                                  \
        asm volatile("%0 &= %1" : "+r"(bounded_) : "i"((power_of_two)-1));                         \
        bounded_;                                                                                  \
    })

struct path_walk {
    char *buffer; /* filled from ALE_PATH - 1 downwards */
    struct dentry *dentry;
    struct mount *mount;
    __u32 start;        /* where the path begins in buffer */
    __u8 failed, loose; /* loose: a file in no directory, as memfd_create() makes */
};

static __always_inline struct mount *mount_of(struct vfsmount *mnt)
{
    return (void *)mnt - bpf_core_field_offset(struct mount, mnt);
}

/* Puts "/name" before what is there. */
static __always_inline bool path_prepend(struct path_walk *walk, struct dentry *dentry)
{
    __u32 length = BPF_CORE_READ(dentry, d_name.len);
    __u32 start = walk->start;

    if (length + 1 > start || start > ALE_PATH - 1)
        return false;
    start = BOUNDED(start - length, ALE_PATH);
    length = BOUNDED(length, ALE_PATH);
    if (bpf_probe_read_kernel(walk->buffer + start, length, BPF_CORE_READ(dentry, d_name.name)))
        return false;
    start = BOUNDED(start - 1, ALE_PATH);
    walk->buffer[start] = '/';
    walk->start = start;
    return true;
}

/* One step up: to the parent directory, or from a mount's root to what it is mounted on. */
static long path_step(__u32 index, void *ctx)
{
    struct path_walk *walk = ctx;
    struct dentry *dentry = walk->dentry, *parent = BPF_CORE_READ(dentry, d_parent);
    struct mount *mount = walk->mount, *above = BPF_CORE_READ(mount, mnt_parent);

    if (dentry == BPF_CORE_READ(mount, mnt.mnt_root)) {
        if (above == mount)
            return 1;
        walk->dentry = BPF_CORE_READ(mount, mnt_mountpoint);
        walk->mount = above;
        return 0;
    }
    walk->failed = index == PATH_STEPS - 1 || !path_prepend(walk, dentry);
    walk->loose = parent == dentry;
    walk->dentry = parent;
    return walk->failed || walk->loose;
}

static __always_inline void prepend_namespace(struct path_walk *walk, __u32 inum)
{
    __u32 start = walk->start;

    if (start < MOUNT_PREFIX || start > ALE_PATH - 1) {
        walk->failed = 1;
        return;
    }
    start = BOUNDED(start - MOUNT_PREFIX, ALE_PATH);
    char *at = walk->buffer + start;
    __builtin_memcpy(at, "mnt:[", 5);
    for (int i = MOUNT_DIGITS - 1; i >= 0; i--) {
        at[5 + i] = '0' + inum % 10;
        inum /= 10;
    }
    at[MOUNT_PREFIX - 1] = ']';
    walk->start = start;
}

/* The number of the path, a fresh one if nobody has asked for it before; 0 when the table is full.
 * The name is stored before the number can be found, so every number that is seen has a name. */
static __always_inline __u32 app_intern(const char *path)
{
    __u32 *known = bpf_map_lookup_elem(&apps, path);
    struct ale_state *shared = state_get();

    if (known)
        return *known;
    if (!shared || shared->next_app >= ALE_APPS_LEARNED)
        return 0;
    __u32 number = __sync_fetch_and_add(&shared->next_app, 1);
    struct ale_path *name = bpf_map_lookup_elem(&app_names, &number);
    if (!name)
        return 0;
    bpf_probe_read_kernel(name, sizeof(*name), path);
    if (!bpf_map_update_elem(&apps, path, &number, BPF_NOEXIST))
        return number;
    known = bpf_map_lookup_elem(&apps, path);
    return known ? *known : 0;
}

static __always_inline __u32 app_by_file(struct dentry *dentry)
{
    struct ale_file file = {
        .dev = BPF_CORE_READ(dentry, d_inode, i_sb, s_dev),
        .ino = BPF_CORE_READ(dentry, d_inode, i_ino),
    };
    __u32 *number = bpf_map_lookup_elem(&app_files, &file);

    return number ? *number : 0;
}

static __noinline __u32 app_of(struct task_struct *task, char *buffer)
{
    struct file *exe = BPF_CORE_READ(task, mm, exe_file);
    struct ale_state *shared = state_get();
    __u32 number;

    if (!exe || !shared || !buffer)
        return 0;
    struct dentry *file = BPF_CORE_READ(exe, f_path.dentry);
    struct mount *mount = mount_of(BPF_CORE_READ(exe, f_path.mnt));
    __u32 inum = BPF_CORE_READ(mount, mnt_ns, ns.inum);
    struct path_walk walk = {
        .buffer = buffer,
        .dentry = file,
        .mount = mount,
        .start = ALE_PATH - 1,
    };

    __builtin_memset(buffer, 0, ALE_PATH);
    bpf_loop(PATH_STEPS, path_step, &walk, 0);
    if (inum != shared->host_mounts && !walk.loose && walk.start < ALE_PATH - 1) {
        number = app_by_file(file);
        if (number)
            return number;
        prepend_namespace(&walk, inum);
    }
    if (walk.failed || walk.start >= ALE_PATH - 1)
        return 0;
    return app_intern(buffer + BOUNDED(walk.start, ALE_PATH));
}

static __always_inline void read_groups(struct ale_identity *self, const struct cred *cred)
{
    struct group_info *groups = cred->group_info;
    __u32 count = groups ? groups->ngroups : 0;

    if (count > ALE_GROUPS)
        count = ALE_GROUPS;
    count = BOUNDED(count, 2 * ALE_GROUPS);
    self->group_count = count;
    if (count)
        bpf_probe_read_kernel(self->groups, count * sizeof(__u32),
                              (void *)groups + bpf_core_field_offset(struct group_info, gid));
}

/* What can change between two calls of one image: setuid, setgroups, a move between cgroups. Plain
 * loads: a probe read costs ten times as much. */
static __always_inline void read_identity(struct ale_identity *self, struct task_struct *task,
                                          bool groups)
{
    const struct cred *cred = task->cred;

    if (!cred)
        return;
    self->uid = cred->euid.val;
    self->gid = cred->egid.val;
    self->cgroup = task->cgroups->dfl_cgrp->kn->id;
    if (groups)
        read_groups(self, cred);
}

/* What stays as long as the image does. */
static __always_inline void read_image(struct ale_process *process, struct task_struct *task)
{
    process->self.app = app_of(task, process->path);
    process->self.pid = task->tgid;
    process->self.start_time = task->group_leader->start_boottime;
    bpf_probe_read_kernel(process->self.comm, sizeof(process->self.comm), task->comm);
}

static __always_inline void process_refresh(struct ale_process *process, struct task_struct *task,
                                            bool groups)
{
    __u64 image = task->self_exec_id + 1;

    if (process->image != image) {
        read_image(process, task);
        process->image = image;
    }
    read_identity(&process->self, task, groups);
}

/* A number is used again by a later task: then nothing of what is kept holds. */
static __always_inline struct ale_process *caller_by_number(struct task_struct *task)
{
    __u32 number = task->pid, zero = 0;
    struct ale_process *blank, *process = bpf_map_lookup_elem(&callers, &number);

    if (!process) {
        blank = bpf_map_lookup_elem(&caller_blank, &zero);
        if (!blank || bpf_map_update_elem(&callers, &number, blank, BPF_ANY))
            return NULL;
        process = bpf_map_lookup_elem(&callers, &number);
    }
    if (process && process->since != task->start_boottime) {
        process->since = task->start_boottime;
        process->image = 0;
    }
    return process;
}

/* What is kept of a task; NULL only when the kernel is out of memory. */
static __always_inline struct ale_process *process_of(struct task_struct *task)
{
    return no_task_storage
               ? caller_by_number(task)
               : bpf_task_storage_get(&processes, task, NULL, BPF_LOCAL_STORAGE_GET_F_CREATE);
}

/* The calling task's process; NULL as above. */
static __always_inline struct ale_process *process_current(struct task_struct *task, bool groups)
{
    struct ale_process *process = process_of(task);

    if (process)
        process_refresh(process, task, groups);
    return process;
}

#endif
