/* Where cgroup v2 and the BPF file system are. */
#include "shims/bpf/internal.h"

#include <errno.h>
#include <fcntl.h>
#include <mntent.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <unistd.h>
#include <linux/magic.h>

int cgroup2_root(char path[PATH_MAX])
{
    FILE *mounts = setmntent("/proc/self/mounts", "re");
    struct mntent *mount;
    int result = -ENOENT;

    if (!mounts)
        return -errno;
    while (result && (mount = getmntent(mounts))) {
        if (strcmp(mount->mnt_type, "cgroup2") || strlen(mount->mnt_dir) >= PATH_MAX)
            continue;
        strcpy(path, mount->mnt_dir);
        result = 0;
    }
    endmntent(mounts);
    return result;
}

/* A cgroup's id is its inode number. */
uint64_t cgroup_id(int cgroup_fd)
{
    struct stat status;

    return fstat(cgroup_fd, &status) ? 0 : status.st_ino;
}

/* How many directories below the root. */
int cgroup_level(const char *root, const char *cgroup)
{
    char above[PATH_MAX], below[PATH_MAX];
    int level = 0;

    if (!realpath(root, above) || !realpath(cgroup, below))
        return -errno;
    if (strncmp(above, below, strlen(above)))
        return -EINVAL;
    for (const char *c = below + strlen(above); *c; c++)
        level += *c == '/';
    return level;
}

int bpffs_ensure(const char *pin_dir, struct shim_error *error)
{
    struct statfs status;

    if (strncmp(pin_dir, "/sys/fs/bpf", strlen("/sys/fs/bpf")))
        return 0;
    if (statfs("/sys/fs/bpf", &status))
        return shim_fail(error, -errno, "/sys/fs/bpf: %s: this kernel has no BPF file system",
                         strerror(errno));
    if (status.f_type == BPF_FS_MAGIC)
        return 0;
    if (mount("bpf", "/sys/fs/bpf", "bpf", 0, "mode=0700"))
        return shim_fail(error, -errno, "can't mount the BPF file system at /sys/fs/bpf: %s",
                         strerror(errno));
    return 0;
}

uint64_t namespace_inum(const char *path)
{
    struct stat status;

    return stat(path, &status) ? 0 : status.st_ino;
}
