/*
 * After a change of policy: iterators go over the live connections, and those that are
 * blocked now are destroyed. On a thread of its own, because a commit need not wait for it and
 * because connections are listed by network namespace, which the thread enters. It gets nothing of
 * the handle but descriptors; a change that comes meanwhile makes it go round once more.
 */
#include "shims/bpf/internal.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/syscall.h>
#include <sched.h>
#include <time.h>
#include <unistd.h>
#include <linux/membarrier.h>
#include <linux/sockios.h>

#define BIT(program)  (1ull << (program))
#define PROGRAMS      (BIT(PROGRAM_HOLDERS) | BIT(PROGRAM_REAUTHORIZE) | BIT(PROGRAM_REAUTHORIZE_UDP))
#define SETTLE_ROUNDS 10  /* the first waits for 1 ms, each for twice as long */
#define LOG_PATIENCE  100 /* times 1 ms that are waited for the reader of the log */
#define AT_ONCE       64  /* sockets that one read goes over: so long it keeps the processor */

/* A network namespace, and a process that has a socket of it. */
struct network {
    uint32_t inum, pid, fd;
};

/* Links; -1: there is nothing to do. */
struct round {
    int holders, tcp, udp;
};

#define NO_ROUND ((struct round){-1, -1, -1})

struct reauthorizer {
    pthread_mutex_t lock;
    pthread_t thread;
    struct round next;
    bool started, running; /* started: to be joined */
    const struct ale_log *log;
    int room; /* the map that the programs work in */
    size_t room_size;
    uint64_t scans;
    struct network *networks;
    size_t network_count, network_room;
    bool unsettled;
    const struct shim_cookies *ending; /* these are destroyed, whatever the policy says */
    int diagnosis;                     /* netlink socket in the namespace that is seen */
};

static void sleep_ms(unsigned ms)
{
    const struct timespec time = {.tv_sec = ms / 1000, .tv_nsec = ms % 1000 * 1000000l};

    nanosleep(&time, NULL);
}

/* ---- reading an iterator ---- */

typedef void visit_fn(struct reauthorizer *all, const void *record);

/* Records are whole, but a read may end inside one. */
static int read_records(struct reauthorizer *all, int fd, size_t size, visit_fn *visit)
{
    char records[AT_ONCE * sizeof(struct ale_live)];
    size_t have = 0, room = AT_ONCE * size;
    ssize_t got;

    while ((got = read(fd, records + have, room - have)) != 0) {
        if (got < 0 && errno == EAGAIN)
            continue;
        if (got < 0)
            return -errno;
        have += (size_t)got;
        size_t whole = have / size * size;
        for (size_t at = 0; at < whole; at += size)
            visit(all, records + at);
        have -= whole;
        memmove(records, records + whole, have);
    }
    return 0;
}

static int iterate(struct reauthorizer *all, int link, size_t size, visit_fn *visit)
{
    CLEANUP_FD int fd = bpf_iter_create(link);

    return fd < 0 ? -errno : read_records(all, fd, size, visit);
}

/* ---- who holds what, and where ---- */

static void add_network(struct reauthorizer *all, const struct ale_found *found)
{
    size_t count = all->network_count;

    for (size_t i = 0; i < count; i++)
        if (all->networks[i].inum == found->netns)
            return;
    if (count == all->network_room) {
        size_t room = count ? 2 * count : 16;
        struct network *larger = realloc(all->networks, room * sizeof(*larger));

        if (!larger)
            return;
        all->networks = larger;
        all->network_room = room;
    }
    all->networks[all->network_count++] =
        (struct network){.inum = found->netns, .pid = found->pid, .fd = found->fd};
}

static void visit_found(struct reauthorizer *all, const void *record)
{
    const struct ale_found *found = record;

    all->unsettled |= found->unsettled != 0;
    add_network(all, found);
}

/* A fresh number makes what an earlier scan noted worthless. */
static int begin_scan(struct reauthorizer *all)
{
    uint64_t *room = calloc(1, all->room_size);
    uint32_t zero = 0;
    int result = -ENOMEM;

    if (room) {
        *room = ++all->scans;
        result = bpf_map_update_elem(all->room, &zero, room, BPF_ANY) ? -errno : 0;
    }
    free(room);
    all->network_count = 0;
    all->unsettled = false;
    return result;
}

static int find_holders(struct reauthorizer *all, int link)
{
    int result = begin_scan(all);

    if (!result)
        result = iterate(all, link, sizeof(struct ale_found), visit_found);
    for (unsigned i = 0; !result && all->unsettled && i < SETTLE_ROUNDS; i++) {
        sleep_ms(1u << i);
        result = begin_scan(all);
        if (!result)
            result = iterate(all, link, sizeof(struct ale_found), visit_found);
    }
    return result;
}

/* ---- the connections of one network namespace ---- */

/* Its namespace need not be that of any process: then the socket itself leads there. */
static int open_network(const struct network *network)
{
    int fd = netns_open(network->pid, network->inum);
    CLEANUP_FD int process = fd < 0 ? (int)syscall(SYS_pidfd_open, network->pid, 0) : -1;
    CLEANUP_FD int sock = process < 0 ? -1 : (int)syscall(SYS_pidfd_getfd, process, network->fd, 0);

    return fd >= 0 || sock < 0 ? fd : ioctl(sock, SIOCGSKNS);
}

/* Events of permits must not push others' out. */
static void await_reader(const struct reauthorizer *all)
{
    for (int i = 0; i < LOG_PATIENCE; i++) {
        uint64_t head = __atomic_load_n(&all->log->head, __ATOMIC_RELAXED);

        if (head - __atomic_load_n(&all->log->tail, __ATOMIC_RELAXED) < ALE_LOG / 2)
            return;
        sleep_ms(1);
    }
}

static void visit_connection(struct reauthorizer *all, const void *record)
{
    const struct ale_live *live = record;

    if (live->blocked || cookies_have(all->ending, live->cookie))
        destroy_live(all->diagnosis, live);
    await_reader(all);
}

static void see_network(struct reauthorizer *all, const struct network *network,
                        const struct round *round)
{
    CLEANUP_FD int netns = open_network(network);

    if (netns < 0 || setns(netns, CLONE_NEWNET))
        return;
    CLEANUP_FD int diagnosis = destroy_open();
    if (diagnosis < 0)
        return;
    all->diagnosis = diagnosis;
    iterate(all, round->tcp, sizeof(struct ale_live), visit_connection);
    iterate(all, round->udp, sizeof(struct ale_live), visit_connection);
    if (all->ending)
        listeners_end(all->ending);
}

/* The barrier waits for packets that are decided by the policy before just now. */
static void scan(struct reauthorizer *all, const struct round *round)
{
    if (find_holders(all, round->holders))
        return;
    syscall(SYS_membarrier, MEMBARRIER_CMD_GLOBAL, 0, 0);
    for (size_t i = 0; i < all->network_count; i++)
        see_network(all, &all->networks[i], round);
}

/* ---- the thread ---- */

static void round_close(struct round *round)
{
    close_fd(&round->holders);
    close_fd(&round->tcp);
    close_fd(&round->udp);
    *round = NO_ROUND;
}

static void *work(void *ctx)
{
    struct reauthorizer *all = ctx;

    pthread_mutex_lock(&all->lock);
    while (all->next.holders >= 0) {
        struct round round = all->next;

        all->next = NO_ROUND;
        pthread_mutex_unlock(&all->lock);
        scan(all, &round);
        round_close(&round);
        pthread_mutex_lock(&all->lock);
    }
    all->running = false;
    pthread_mutex_unlock(&all->lock);
    return NULL;
}

static int start(struct reauthorizer *all, const struct round *round)
{
    int result = 0;

    pthread_mutex_lock(&all->lock);
    round_close(&all->next);
    all->next = *round;
    bool running = all->running;
    all->running = true;
    pthread_mutex_unlock(&all->lock);
    if (running)
        return 0;
    if (all->started)
        pthread_join(all->thread, NULL);
    result = -pthread_create(&all->thread, NULL, work, all);
    all->started = !result;
    if (!result)
        return 0; /* it may be done already */
    all->running = false;
    round_close(&all->next);
    return result;
}

/* Whoever was here before may have been killed in the middle of one. */
static uint64_t last_scan(const struct reauthorizer *all)
{
    uint64_t *room = calloc(1, all->room_size), scan = 0;
    uint32_t zero = 0;

    if (room && !bpf_map_lookup_elem(all->room, &zero, room))
        scan = *room;
    free(room);
    return scan;
}

static struct reauthorizer *reauthorizer_new(const struct shim *shim)
{
    struct reauthorizer *all = calloc(1, sizeof(*all));
    struct bpf_map_info info = {0};
    uint32_t length = sizeof(info);

    if (!all)
        return NULL;
    pthread_mutex_init(&all->lock, NULL);
    all->next = NO_ROUND;
    all->log = shim->log;
    all->room = shim->maps[MAP_REAUTHORIZING];
    bpf_obj_get_info_by_fd(all->room, &info, &length);
    all->room_size = info.value_size;
    all->scans = last_scan(all);
    return all;
}

static int link_iterator(const struct shim *shim, enum shim_program program)
{
    return bpf_link_create(shim->code.programs[program], 0, BPF_TRACE_ITER, NULL);
}

int shim_reauthorize(struct shim *shim, struct shim_error *error)
{
    struct round round = NO_ROUND;
    int result = code_provide(shim, PROGRAMS, error);

    if (result)
        return result;
    if (!shim->reauthorizer)
        shim->reauthorizer = reauthorizer_new(shim);
    if (!shim->reauthorizer)
        return shim_fail(error, -ENOMEM, "out of memory");
    round.holders = link_iterator(shim, PROGRAM_HOLDERS);
    round.tcp = link_iterator(shim, PROGRAM_REAUTHORIZE);
    round.udp = link_iterator(shim, PROGRAM_REAUTHORIZE_UDP);
    if (round.holders < 0 || round.tcp < 0 || round.udp < 0)
        result = -errno;
    if (!result)
        result = start(shim->reauthorizer, &round);
    else
        round_close(&round);
    return result ? shim_fail(error, result, "can't look at the live connections: %s",
                              strerror(-result))
                  : 0;
}

int reauthorize_end(struct shim *shim, const struct shim_cookies *cookies, struct shim_error *error)
{
    struct reauthorizer *all = reauthorizer_new(shim);
    int result;

    if (!all)
        return shim_fail(error, -ENOMEM, "out of memory");
    all->ending = cookies;
    shim->reauthorizer = all;
    result = shim_reauthorize(shim, error);
    shim->reauthorizer = NULL;
    reauthorizer_free(all);
    return result;
}

void reauthorizer_free(struct reauthorizer *all)
{
    if (!all)
        return;
    if (all->started)
        pthread_join(all->thread, NULL);
    pthread_mutex_destroy(&all->lock);
    free(all->networks);
    free(all);
}
