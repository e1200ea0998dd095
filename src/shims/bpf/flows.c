/* The live flows, by an iterator that is loaded for the occasion. */
#include <errno.h>
#include <string.h>
#include <sys/stat.h>

#include "flows.skel.h"
#include "internal.h"

struct visit {
    const struct shim *shim;
    void (*fn)(void *ctx, const struct shim_flow *);
    void *ctx;
};

static void hand_over(const struct visit *visit, const struct ale_live *live)
{
    struct shim_flow flow = {
        .flow = live->cookie,
        .cgroup = live->cgroup,
        .start_time = live->start_time,
        .local_port = live->local_port,
        .remote_port = live->remote_port,
        .family = live->family,
        .protocol = live->protocol,
        .netns = live->netns,
        .pid = live->pid,
        .uid = live->uid,
    };

    if (visit->shim->scope_cookie && visit->shim->scope_cookie != live->netns_cookie)
        return;
    memcpy(flow.local, live->local, sizeof(flow.local));
    memcpy(flow.remote, live->remote, sizeof(flow.remote));
    visit->fn(visit->ctx, &flow);
}

/* Records are whole, but a read may end inside one. */
static int read_all(int fd, const struct visit *visit)
{
    struct ale_live records[64];
    size_t have = 0;
    ssize_t got;

    while ((got = read(fd, (char *)records + have, sizeof(records) - have)) > 0) {
        size_t whole = (have + (size_t)got) / sizeof(*records);

        have += (size_t)got;
        for (size_t i = 0; i < whole; i++)
            hand_over(visit, &records[i]);
        have -= whole * sizeof(*records);
        memmove(records, &records[whole], have);
    }
    return got < 0 ? -errno : 0;
}

static int run(struct flows_bpf *skeleton, const struct visit *visit)
{
    struct bpf_link *link = bpf_program__attach_iter(skeleton->progs.ale_flows, NULL);
    CLEANUP_FD int fd = link ? bpf_iter_create(bpf_link__fd(link)) : -1;
    int result = fd < 0 ? -errno : read_all(fd, visit);

    bpf_link__destroy(link);
    return result;
}

int shim_flows(struct shim *shim, void (*fn)(void *ctx, const struct shim_flow *), void *ctx)
{
    const struct visit visit = {shim, fn, ctx};
    struct flows_bpf *skeleton = flows_bpf__open();
    int result;

    if (!skeleton)
        return -errno;
    object_set_scope(shim, skeleton->obj);
    result = flows_bpf__load(skeleton);
    if (!result)
        result = run(skeleton, &visit);
    flows_bpf__destroy(skeleton);
    return result;
}
