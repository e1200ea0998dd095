#include "boot/system.h"

#include <errno.h>
#include <mntent.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

#include "boot/say.h"

#define SWITCH     "openwfp=off"
#define CGROUP_DIR "/sys/fs/cgroup"

static bool mounted_cgroup2;

static int mount_one(const char *type, const char *where, const char *options)
{
    mkdir(where, 0755);
    if (!mount(type, where, type, MS_NOSUID | MS_NODEV | MS_NOEXEC, options))
        return 0;
    return -errno;
}

static int said(int code, const char *type, const char *where)
{
    if (code)
        say_problem("can't mount %s at %s: %s", type, where, strerror(-code));
    return code;
}

int system_mount_proc(void)
{
    if (!access("/proc/self/mounts", F_OK))
        return 0;
    return said(mount_one("proc", "/proc", NULL), "proc", "/proc");
}

static bool is_mounted(const char *type)
{
    FILE *mounts = setmntent("/proc/self/mounts", "re");
    struct mntent *mount;
    bool found = false;

    while (mounts && !found && (mount = getmntent(mounts)))
        found = !strcmp(mount->mnt_type, type);
    if (mounts)
        endmntent(mounts);
    return found;
}

static int mount_cgroup2(void)
{
    int code = mount_one("cgroup2", CGROUP_DIR, NULL);

    mounted_cgroup2 = !code;
    return said(code, "cgroup2", CGROUP_DIR);
}

void system_unmount_cgroup2(void)
{
    if (mounted_cgroup2)
        umount2(CGROUP_DIR, MNT_DETACH);
}

int system_mount_sys(void)
{
    int code = 0;

    if (access("/sys/fs", F_OK))
        code = said(mount_one("sysfs", "/sys", NULL), "sysfs", "/sys");
    if (!code && !is_mounted("cgroup2"))
        code = mount_cgroup2();
    return code;
}

bool system_switched_off(const char *command_line)
{
    char line[4096], *rest = line, *word;
    FILE *file = fopen(command_line, "re");
    size_t length;

    if (!file)
        return false;
    length = fread(line, 1, sizeof(line) - 1, file);
    fclose(file);
    line[length] = '\0';
    while ((word = strsep(&rest, " \t\n")))
        if (!strcmp(word, SWITCH))
            return true;
    return false;
}
