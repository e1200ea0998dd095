/*
 * Load generator of the benches: measures one socket operation in several places (network
 * namespace + cgroup), in one process on one CPU, batch by batch in turn, so that whatever the
 * machine does meanwhile hits all of them alike. Every batch of a place is preceded by a batch of
 * the first place, the baseline; the reader divides the two.
 *
 *   load MODE ROUNDS ITERATIONS CPU NAME,NETNS,CGROUP...   ("-" for NETNS or CGROUP: stay)
 *
 * MODE: connect (a loopback TCP connect), rr (a 64-byte request and response on one connection).
 * Prints one line per batch pair: NAME ROUND BASE_P50 BASE_P99 P50 P99 (nanoseconds).
 */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/tcp.h>
#include <sched.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#define PORT       7777
#define WARM_UP    100
#define PLACES_MAX 32

struct place {
    char name[64], netns[128], cgroup[256];
};

struct batch {
    uint64_t p50, p99;
};

static void die(const char *what, const char *object)
{
    fprintf(stderr, "load: %s %s: %s\n", what, object, strerror(errno));
    exit(1);
}

static uint64_t now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

static int compare(const void *a, const void *b)
{
    uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;
    return (x > y) - (x < y);
}

static struct batch summarise(uint64_t *samples, size_t n)
{
    qsort(samples, n, sizeof *samples, compare);
    return (struct batch){.p50 = samples[n / 2], .p99 = samples[n * 99 / 100]};
}

static void parse_place(struct place *place, const char *text)
{
    if (sscanf(text, "%63[^,],%127[^,],%255s", place->name, place->netns, place->cgroup) != 3) {
        fprintf(stderr, "load: \"%s\" is not NAME,NETNS,CGROUP\n", text);
        exit(2);
    }
}

static void enter(const struct place *place, int own_netns)
{
    char path[512];
    int fd = own_netns;
    if (strcmp(place->netns, "-") != 0) {
        snprintf(path, sizeof path, "/run/netns/%s", place->netns);
        fd = open(path, O_RDONLY | O_CLOEXEC);
        if (fd < 0)
            die("cannot open network namespace", path);
    }
    if (setns(fd, CLONE_NEWNET) != 0)
        die("cannot enter network namespace", place->netns);
    if (fd != own_netns)
        close(fd);
    if (strcmp(place->cgroup, "-") == 0)
        return;
    snprintf(path, sizeof path, "%s/cgroup.procs", place->cgroup);
    fd = open(path, O_WRONLY | O_CLOEXEC);
    if (fd < 0 || write(fd, "0", 1) != 1)
        die("cannot join cgroup", path);
    close(fd);
}

static void reset_on_close(int fd)
{
    struct linger linger = {.l_onoff = 1};
    setsockopt(fd, SOL_SOCKET, SO_LINGER, &linger, sizeof linger);
}

static int listen_here(struct sockaddr_in *address)
{
    int one = 1, fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    *address = (struct sockaddr_in){
        .sin_family = AF_INET, .sin_port = htons(PORT), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof one);
    if (fd < 0 || bind(fd, (void *)address, sizeof *address) != 0 || listen(fd, 64) != 0)
        die("cannot listen on", "127.0.0.1:7777");
    return fd;
}

/* One connection to the listener; returns the client and the accepted socket and the time taken. */
static uint64_t connect_once(int listener, const struct sockaddr_in *address, int ends[2])
{
    ends[0] = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    reset_on_close(ends[0]);
    uint64_t start = now();
    if (connect(ends[0], (const void *)address, sizeof *address) != 0)
        die("cannot connect to", "127.0.0.1:7777");
    uint64_t taken = now() - start;
    ends[1] = accept4(listener, NULL, NULL, SOCK_CLOEXEC);
    if (ends[1] < 0)
        die("cannot accept on", "127.0.0.1:7777");
    reset_on_close(ends[1]);
    return taken;
}

static struct batch batch_connect(uint64_t *samples, size_t n)
{
    struct sockaddr_in address;
    int listener = listen_here(&address), ends[2];
    for (size_t i = 0; i < n + WARM_UP; i++) {
        uint64_t taken = connect_once(listener, &address, ends);
        close(ends[0]);
        close(ends[1]);
        if (i >= WARM_UP)
            samples[i - WARM_UP] = taken;
    }
    close(listener);
    return summarise(samples, n);
}

static struct batch batch_rr(uint64_t *samples, size_t n)
{
    struct sockaddr_in address;
    char message[64] = "ping";
    int one = 1, listener = listen_here(&address), ends[2];
    connect_once(listener, &address, ends);
    setsockopt(ends[0], IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
    setsockopt(ends[1], IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
    for (size_t i = 0; i < n + WARM_UP; i++) {
        uint64_t start = now();
        if (send(ends[0], message, sizeof message, 0) < 0 ||
            recv(ends[1], message, sizeof message, MSG_WAITALL) < 0 ||
            send(ends[1], message, sizeof message, 0) < 0 ||
            recv(ends[0], message, sizeof message, MSG_WAITALL) < 0)
            die("lost the connection to", "127.0.0.1:7777");
        if (i >= WARM_UP)
            samples[i - WARM_UP] = now() - start;
    }
    close(ends[0]);
    close(ends[1]);
    close(listener);
    return summarise(samples, n);
}

int main(int argc, char **argv)
{
    struct place places[PLACES_MAX];
    if (argc < 7 || argc - 5 > PLACES_MAX) {
        fprintf(stderr, "usage: load connect|rr ROUNDS ITERATIONS CPU NAME,NETNS,CGROUP...\n");
        return 2;
    }
    struct batch (*run)(uint64_t *, size_t) = strcmp(argv[1], "rr") == 0 ? batch_rr : batch_connect;
    int rounds = atoi(argv[2]), count = argc - 5;
    size_t iterations = strtoul(argv[3], NULL, 10);
    uint64_t *samples = calloc(iterations, sizeof *samples);
    int own_netns = open("/proc/self/ns/net", O_RDONLY | O_CLOEXEC);
    cpu_set_t cpus;
    CPU_ZERO(&cpus);
    CPU_SET(atoi(argv[4]), &cpus);
    if (samples == NULL || iterations == 0 || own_netns < 0)
        die("cannot start with", argv[3]);
    if (sched_setaffinity(0, sizeof cpus, &cpus) != 0)
        die("cannot run on CPU", argv[4]);
    for (int i = 0; i < count; i++)
        parse_place(&places[i], argv[5 + i]);
    for (int round = 0; round < rounds; round++) {
        for (int i = 1; i < count; i++) {
            enter(&places[0], own_netns);
            struct batch base = run(samples, iterations);
            enter(&places[i], own_netns);
            struct batch here = run(samples, iterations);
            printf("%s %d %lu %lu %lu %lu\n", places[i].name, round, base.p50, base.p99, here.p50,
                   here.p99);
            fflush(stdout);
        }
    }
    enter(&places[0], own_netns);
    free(samples);
    return 0;
}
