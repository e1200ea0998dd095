#include "store_file.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#define DAMAGED ".damaged-"

/* "/var/lib/openwfp/policy.db" lies in "/var/lib/openwfp", "policy.db" in ".". */
static const char *split(const char *path, char directory[PATH_MAX])
{
    const char *slash = strrchr(path, '/');

    if (!slash)
        snprintf(directory, PATH_MAX, ".");
    else
        snprintf(directory, PATH_MAX, "%.*s", slash == path ? 1 : (int)(slash - path), path);
    return slash ? slash + 1 : path;
}

/* ---- whose it is ---- */

static int refuse(const char *path, const char *what, char why[STORE_WHY])
{
    snprintf(why, STORE_WHY, "%.200s %s: bfe does not take a policy from there", path, what);
    return -EPERM;
}

static int check_owner(const char *path, const struct stat *st, char why[STORE_WHY])
{
    if (st->st_uid != 0 && st->st_uid != geteuid())
        return refuse(path, "belongs to another user", why);
    if (st->st_mode & (S_IWGRP | S_IWOTH))
        return refuse(path, "can be changed by others; take the right to write from them", why);
    return 0;
}

static int check_directory(const char *directory, char why[STORE_WHY])
{
    struct stat st;

    if (mkdir(directory, 0700) < 0 && errno != EEXIST) {
        snprintf(why, STORE_WHY, "can't make the directory %.200s: %s", directory, strerror(errno));
        return -EPERM;
    }
    if (stat(directory, &st) < 0) {
        snprintf(why, STORE_WHY, "can't look at %.200s: %s", directory, strerror(errno));
        return -EPERM;
    }
    return check_owner(directory, &st, why);
}

static int check_file(const char *path, char why[STORE_WHY])
{
    struct stat st;

    if (lstat(path, &st) < 0) {
        snprintf(why, STORE_WHY, "can't look at %.200s: %s", path, strerror(errno));
        return errno == ENOENT ? -ENOENT : -EPERM;
    }
    if (!S_ISREG(st.st_mode))
        return refuse(path, "is not a regular file", why);
    return check_owner(path, &st, why);
}

int store_file_check(const char *path, char why[STORE_WHY])
{
    char directory[PATH_MAX], journal[PATH_MAX];
    int code;

    split(path, directory);
    snprintf(journal, sizeof(journal), "%s-journal", path);
    code = check_directory(directory, why);
    if (!code)
        code = check_file(journal, why);
    return code && code != -ENOENT ? code : check_file(path, why);
}

/* ---- what lies beside it ---- */

int store_file_sync(const char *path)
{
    char directory[PATH_MAX];
    int fd, code;

    split(path, directory);
    fd = open(directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    code = fd < 0 || fsync(fd) < 0 ? -errno : 0;
    if (fd >= 0)
        close(fd);
    return code;
}

int store_file_aside(const char *path, const char *word, char name[STORE_WHY])
{
    char from[PATH_MAX], to[PATH_MAX], when[32];
    time_t now = time(NULL);
    struct tm utc;

    strftime(when, sizeof(when), "%Y%m%dT%H%M%SZ", gmtime_r(&now, &utc));
    snprintf(name, STORE_WHY, "%.300s.%s-%s", path, word, when);
    for (int i = 2; access(name, F_OK) == 0 && i < 100; i++)
        snprintf(name, STORE_WHY, "%.300s.%s-%s-%d", path, word, when, i);
    /* The journal goes first: it must never be taken for that of a new store. */
    snprintf(from, sizeof(from), "%s-journal", path);
    snprintf(to, sizeof(to), "%s-journal", name);
    if ((rename(from, to) < 0 && errno != ENOENT) || rename(path, name) < 0)
        return -errno;
    return store_file_sync(path);
}

/* Calls visit with the directory and the name of each file that begins with the store's. */
static int each_beside(const char *path, int (*visit)(int directory, const char *name, void *ctx),
                       void *ctx)
{
    char directory[PATH_MAX];
    const char *name = split(path, directory);
    const struct dirent *entry;
    DIR *listing = opendir(directory);
    int code = 0;

    while (listing && !code && (entry = readdir(listing)))
        if (!strncmp(entry->d_name, name, strlen(name)))
            code = visit(dirfd(listing), entry->d_name, ctx);
    if (listing)
        closedir(listing);
    return code;
}

static int is_damaged(int directory, const char *name, void *ctx)
{
    return !strncmp(name + strlen(ctx), DAMAGED, strlen(DAMAGED));
}

bool store_file_damaged(const char *path)
{
    char directory[PATH_MAX];

    return each_beside(path, is_damaged, (void *)split(path, directory));
}

static bool is_ours(const char *rest)
{
    return !*rest || !strcmp(rest, "-journal") || !strcmp(rest, ".new") ||
           !strncmp(rest, DAMAGED, strlen(DAMAGED)) || !strncmp(rest, ".mended-", 8);
}

static int remove_one(int directory, const char *name, void *ctx)
{
    if (!is_ours(name + strlen(ctx)))
        return 0;
    return unlinkat(directory, name, 0) < 0 && errno != ENOENT ? -errno : 0;
}

int store_file_remove(const char *path)
{
    char directory[PATH_MAX];
    int code = each_beside(path, remove_one, (void *)split(path, directory));

    return code ? code : store_file_sync(path);
}
