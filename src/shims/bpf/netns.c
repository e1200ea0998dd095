/*
 * The accept hook is attached per network namespace: to this process's own, and to each in which
 * somebody covered listens. Each has its own instance of the program, which knows its cookie.
 */
#include "shims/bpf/internal.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#ifndef SO_NETNS_COOKIE
#define SO_NETNS_COOKIE 71
#endif

#define LOOKUP_PIN "ale_lookup_"

struct in_namespace {
    int netns_fd;
    int (*fn)(void *ctx);
    void *ctx;
    int result;
};

static void *enter_namespace(void *ctx)
{
    struct in_namespace *job = ctx;

    job->result = setns(job->netns_fd, CLONE_NEWNET) ? -errno : job->fn(job->ctx);
    return NULL;
}

int netns_run(int netns_fd, int (*fn)(void *ctx), void *ctx)
{
    struct in_namespace job = {.netns_fd = netns_fd, .fn = fn, .ctx = ctx};
    pthread_t thread;
    int result = pthread_create(&thread, NULL, enter_namespace, &job);

    if (result)
        return -result;
    pthread_join(thread, NULL);
    return job.result;
}

static int read_cookie(void *ctx)
{
    CLEANUP_FD int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    socklen_t length = sizeof(uint64_t);

    if (fd < 0)
        return -errno;
    return getsockopt(fd, SOL_SOCKET, SO_NETNS_COOKIE, ctx, &length) ? -errno : 0;
}

int netns_cookie_of(int netns_fd, uint64_t *cookie)
{
    return netns_run(netns_fd, read_cookie, cookie);
}

static int attach_program(struct shim *shim, int program, int netns_fd, uint64_t cookie,
                          struct shim_error *error)
{
    CLEANUP_FD int link = bpf_link_create(program, netns_fd, BPF_SK_LOOKUP, NULL);
    char name[64], path[PATH_MAX];
    uint32_t here = 1;
    int result = 0;

    if (link < 0)
        return shim_fail(error, link, "can't attach the accept hook to a network namespace: %s",
                         strerror(-link));
    snprintf(name, sizeof(name), LOOKUP_PIN "%llu", (unsigned long long)cookie);
    result = pins_path(shim, name, path);
    if (!result && bpf_obj_pin(link, path))
        result = -errno;
    if (!result && bpf_map_update_elem(shim->maps[MAP_NAMESPACES], &cookie, &here, BPF_ANY))
        result = -errno;
    if (result)
        shim_fail(error, result, "can't pin the accept hook: %s", strerror(-result));
    return result;
}

static int attach_cookie(struct shim *shim, int netns_fd, uint64_t cookie, struct shim_error *error)
{
    uint32_t here;

    if (shim->scope_cookie && shim->scope_cookie != cookie)
        return 0;
    if (!bpf_map_lookup_elem(shim->maps[MAP_NAMESPACES], &cookie, &here))
        return 0;
    CLEANUP_FD int program = code_of_namespace(shim, PROGRAM_LOOKUP, cookie, error);
    return program < 0 ? program : attach_program(shim, program, netns_fd, cookie, error);
}

static int attach_fd(struct shim *shim, int netns_fd, struct shim_error *error)
{
    uint64_t cookie;
    int result = netns_cookie_of(netns_fd, &cookie);

    if (result)
        return shim_fail(error, result, "can't enter a network namespace: %s", strerror(-result));
    return attach_cookie(shim, netns_fd, cookie, error);
}

static int open_inum(const char *path, uint64_t inum)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    struct stat status;

    if (fd < 0)
        return -errno;
    if (!fstat(fd, &status) && status.st_ino == inum)
        return fd;
    close(fd);
    return -ESRCH;
}

int netns_find(uint64_t inum)
{
    DIR *processes = opendir("/proc");
    struct dirent *entry;
    char path[300];
    int fd = -ESRCH;

    if (!processes)
        return -errno;
    while (fd < 0 && (entry = readdir(processes))) {
        if (entry->d_name[0] < '0' || entry->d_name[0] > '9')
            continue;
        snprintf(path, sizeof(path), "/proc/%s/ns/net", entry->d_name);
        fd = open_inum(path, inum);
    }
    closedir(processes);
    return fd;
}

int netns_open(uint32_t pid, uint64_t inum)
{
    char path[64];
    int fd;

    snprintf(path, sizeof(path), "/proc/%u/ns/net", pid);
    fd = open_inum(path, inum);
    return fd >= 0 ? fd : netns_find(inum);
}

int netns_attach_pid(struct shim *shim, uint32_t pid, uint64_t inum, struct shim_error *error)
{
    CLEANUP_FD int fd = netns_open(pid, inum);

    return fd < 0 ? fd : attach_fd(shim, fd, error);
}

/* The namespaces of all known listeners. */
static void attach_listeners(struct shim *shim)
{
    struct ale_endpoint_key key, next, *previous = NULL;
    struct ale_endpoint endpoint;

    while (!bpf_map_get_next_key(shim->maps[MAP_ENDPOINTS], previous, &next)) {
        key = next;
        previous = &key;
        if (!bpf_map_lookup_elem(shim->maps[MAP_ENDPOINTS], &key, &endpoint))
            netns_attach_pid(shim, endpoint.owner.pid, endpoint.netns, NULL);
    }
}

int netns_attach_all(struct shim *shim, struct shim_error *error)
{
    CLEANUP_FD int own = open("/proc/self/ns/net", O_RDONLY | O_CLOEXEC);
    int result = own < 0 ? -errno : attach_fd(shim, own, error);

    attach_listeners(shim);
    return result;
}

static uint64_t cookie_of_pin(const char *name)
{
    return strtoull(name + strlen(LOOKUP_PIN), NULL, 10);
}

static int detach_pin(struct shim *shim, const char *name, struct shim_error *error)
{
    uint64_t cookie = cookie_of_pin(name);
    char path[PATH_MAX];

    bpf_map_delete_elem(shim->maps[MAP_NAMESPACES], &cookie);
    code_forget_namespace(shim, PROGRAM_LOOKUP, cookie);
    return pins_path(shim, name, path) || unlink(path) ? -errno : 0;
}

int netns_detach_all(struct shim *shim, struct shim_error *error)
{
    return pins_each(shim, LOOKUP_PIN, detach_pin, error);
}

static bool is_defunct(int link_fd)
{
    struct bpf_link_info info = {0};
    uint32_t length = sizeof(info);

    return !bpf_obj_get_info_by_fd(link_fd, &info, &length) && !info.netns.netns_ino;
}

static int replace_pin(struct shim *shim, const char *name, struct shim_error *error)
{
    char path[PATH_MAX];
    int result = pins_path(shim, name, path);
    CLEANUP_FD int link = result ? result : bpf_obj_get(path);

    if (link < 0)
        return shim_fail(error, -errno, "can't open the pinned link %s: %s", name, strerror(errno));
    if (is_defunct(link))
        return detach_pin(shim, name, error);
    CLEANUP_FD int program = code_of_namespace(shim, PROGRAM_LOOKUP, cookie_of_pin(name), error);
    if (program < 0)
        return program;
    result = bpf_link_update(link, program, NULL) ? -errno : 0;
    if (result)
        return shim_fail(error, result, "can't replace the accept hook: %s", strerror(-result));
    return 0;
}

/* Puts the present code's programs behind the links. */
int netns_replace(struct shim *shim, struct shim_error *error)
{
    return pins_each(shim, LOOKUP_PIN, replace_pin, error);
}
