#include "boot_file.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define MODE 0600

static int beside(const char *path, const char *suffix, char name[PATH_MAX])
{
    return snprintf(name, PATH_MAX, "%s%s", path, suffix) < PATH_MAX ? 0 : -ENAMETOOLONG;
}

static int write_all(int fd, const uint8_t *bytes, size_t size)
{
    while (size) {
        ssize_t some = write(fd, bytes, size);

        if (some < 0)
            return -errno;
        bytes += some;
        size -= (size_t)some;
    }
    return fsync(fd) ? -errno : 0;
}

static int write_file(const char *name, const uint8_t *bytes, size_t size)
{
    int fd, code;

    unlink(name);
    fd = open(name, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, MODE);
    if (fd < 0)
        return -errno;
    code = write_all(fd, bytes, size);
    if (close(fd) && !code)
        code = -errno;
    if (code)
        unlink(name);
    return code;
}

/* Puts the directory's entries on the disk. */
static int sync_directory(const char *path)
{
    char directory[PATH_MAX];
    const char *slash = strrchr(path, '/');
    int fd, code = 0;

    snprintf(directory, sizeof(directory), "%.*s", slash ? (int)(slash - path) : 1,
             slash ? path : ".");
    fd = open(*directory ? directory : "/", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0)
        return -errno;
    if (fsync(fd))
        code = -errno;
    close(fd);
    return code;
}

static void make_directory(const char *path)
{
    char directory[PATH_MAX];
    const char *slash = strrchr(path, '/');

    if (!slash || slash - path >= PATH_MAX)
        return;
    snprintf(directory, sizeof(directory), "%.*s", (int)(slash - path), path);
    mkdir(directory, 0700);
}

/* A name for the old file, that it does not lose its own before the new one has it. */
static int keep_old(const char *path, const char *old)
{
    unlink(old);
    return link(path, old) && errno != ENOENT ? -errno : 0;
}

int boot_file_replace(const char *path, const uint8_t *bytes, size_t size)
{
    char old[PATH_MAX], fresh[PATH_MAX];
    int code = beside(path, ".old", old);

    if (!code)
        code = beside(path, ".new", fresh);
    if (code)
        return code;
    make_directory(path);
    if (bytes)
        code = write_file(fresh, bytes, size);
    if (!code)
        code = keep_old(path, old);
    if (!code && (bytes ? rename(fresh, path) : unlink(path)) && (bytes || errno != ENOENT))
        code = -errno;
    if (!code) {
        code = sync_directory(path);
        if (code)
            boot_file_restore(path);
    }
    if (code)
        unlink(fresh);
    return code;
}

void boot_file_keep(const char *path)
{
    char old[PATH_MAX];

    if (!beside(path, ".old", old))
        unlink(old);
}

int boot_file_restore(const char *path)
{
    char old[PATH_MAX];
    int code = beside(path, ".old", old);

    if (code)
        return code;
    if (rename(old, path) && (errno != ENOENT || (unlink(path) && errno != ENOENT)))
        return -errno;
    return sync_directory(path);
}
