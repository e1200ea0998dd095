/*
 * Load generator of the benches: measures one socket operation in several places (network
 * namespace + cgroup). Every place has a process of its own, all on one CPU; they run batch by
 * batch in turn, so that whatever the machine does meanwhile hits all of them alike. Every batch of
 * a place is preceded by a batch of the first place, the baseline; the reader divides the two.
 *
 *   load MODE ROUNDS MILLISECONDS CPU PEER NAME,NETNS,CGROUP,ADDRESS...
 *
 * MODE: see load_modes.c. On loopback a place talks to itself; over veth it talks to ADDRESS, a
 * listener in the namespace PEER and in the cgroup that load was started in. A batch lasts
 * MILLISECONDS. Prints one line per pair of batches: NAME ROUND BASE_P50 BASE_P99 P50 P99
 * (nanoseconds).
 */
#include "load.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#define WARM_UP    16
#define SAMPLES    4096
#define ENOUGH     8 /* so many samples are taken even when they last too long */
#define PLACES_MAX 64

struct place {
    char name[64], netns[128], cgroup[256], address[64];
    int commands, answers;
    pid_t worker;
};

struct batch {
    uint64_t p50, p99;
};

void die(const char *what, const char *object)
{
    fprintf(stderr, "load: %s %s: %s\n", what, object, strerror(errno));
    exit(1);
}

static void parse_place(struct place *place, const char *text)
{
    if (sscanf(text, "%63[^,],%127[^,],%255[^,],%63s", place->name, place->netns, place->cgroup,
               place->address) != 4) {
        fprintf(stderr, "load: \"%s\" is not NAME,NETNS,CGROUP,ADDRESS\n", text);
        exit(2);
    }
}

static void enter_netns(const char *name)
{
    char path[512];

    snprintf(path, sizeof path, "/run/netns/%s", name);
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0 || setns(fd, CLONE_NEWNET) != 0)
        die("cannot enter network namespace", path);
    close(fd);
}

static void enter_cgroup(const char *cgroup)
{
    char path[512];

    snprintf(path, sizeof path, "%s/cgroup.procs", cgroup);
    int fd = open(path, O_WRONLY | O_CLOEXEC);
    if (fd < 0 || write(fd, "0", 1) != 1)
        die("cannot join cgroup", path);
    close(fd);
}

/* ---- the worker ---- */

static int compare(const void *a, const void *b)
{
    uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

    return (x > y) - (x < y);
}

static struct batch run_batch(const struct mode *mode, struct session *session, uint64_t budget)
{
    static uint64_t samples[SAMPLES];
    uint64_t spent = 0;
    size_t count = 0;

    for (int i = 0; i < WARM_UP && spent < budget; i++)
        spent += mode->once(session);
    for (spent = 0; count < SAMPLES && (spent < budget || count < ENOUGH); count++)
        spent += samples[count] = mode->once(session);
    qsort(samples, count, sizeof *samples, compare);
    return (struct batch){.p50 = samples[count / 2], .p99 = samples[count * 99 / 100]};
}

/* One byte in, one batch out, until the parent is gone. */
static _Noreturn void work(const struct place *place, const struct mode *mode,
                           struct session *session, uint64_t budget, int commands, int answers)
{
    struct in_addr loopback = {.s_addr = htonl(INADDR_LOOPBACK)};
    char command;

    enter_cgroup(place->cgroup);
    enter_netns(place->netns);
    if (!mode->over_veth)
        session_listen(session, mode, loopback);
    mode->open(session);
    while (read(commands, &command, 1) == 1) {
        struct batch batch = run_batch(mode, session, budget);

        if (write(answers, &batch, sizeof batch) != sizeof batch)
            break;
    }
    exit(0);
}

/* The listener of a place's peer has to be made here: its cgroup is the one it was made in. */
static void start_worker(struct place *place, const struct mode *mode, uint64_t budget)
{
    struct session session = {.listener = -1};
    struct in_addr address;
    int commands[2], answers[2];

    if (mode->over_veth) {
        if (inet_pton(AF_INET, place->address, &address) != 1)
            die("not an address:", place->address);
        session_listen(&session, mode, address);
    }
    if (pipe2(commands, O_CLOEXEC) || pipe2(answers, O_CLOEXEC) || (place->worker = fork()) < 0)
        die("cannot start a worker for", place->name);
    if (place->worker == 0) {
        close(commands[1]);
        close(answers[0]);
        work(place, mode, &session, budget, commands[0], answers[1]);
    }
    close(commands[0]);
    close(answers[1]);
    close(session.listener);
    place->commands = commands[1];
    place->answers = answers[0];
}

/* ---- the parent ---- */

static struct batch ask(const struct place *place)
{
    struct batch batch = {.p50 = 0};

    if (write(place->commands, "", 1) != 1 ||
        read(place->answers, &batch, sizeof batch) != sizeof batch)
        die("no more answers from", place->name);
    return batch;
}

static void run_rounds(const struct place *places, int count, int rounds)
{
    for (int round = 0; round < rounds; round++) {
        for (int i = 1; i < count; i++) {
            struct batch base = ask(&places[0]), here = ask(&places[i]);

            printf("%s %d %lu %lu %lu %lu\n", places[i].name, round, base.p50, base.p99, here.p50,
                   here.p99);
            fflush(stdout);
        }
    }
}

static void stop_workers(const struct place *places, int count)
{
    for (int i = 0; i < count; i++)
        close(places[i].commands);
    for (int i = 0; i < count; i++)
        waitpid(places[i].worker, NULL, 0);
}

static void stay_on_cpu(const char *number)
{
    cpu_set_t cpus;

    CPU_ZERO(&cpus);
    CPU_SET(atoi(number), &cpus);
    if (sched_setaffinity(0, sizeof cpus, &cpus) != 0)
        die("cannot run on CPU", number);
}

int main(int argc, char **argv)
{
    static struct place places[PLACES_MAX];
    int count = argc - 6;
    const struct mode *mode = argc > 1 ? mode_find(argv[1]) : NULL;

    if (!mode || count < 2 || count > PLACES_MAX) {
        fprintf(stderr, "usage: load MODE ROUNDS MILLISECONDS CPU PEER "
                        "NAME,NETNS,CGROUP,ADDRESS...\n");
        return 2;
    }
    signal(SIGPIPE, SIG_IGN);
    stay_on_cpu(argv[4]);
    for (int i = 0; i < count; i++)
        parse_place(&places[i], argv[6 + i]);
    enter_netns(argv[5]);
    for (int i = 0; i < count; i++)
        start_worker(&places[i], mode, strtoul(argv[3], NULL, 10) * 1000000);
    run_rounds(places, count, atoi(argv[2]));
    stop_workers(places, count);
    return 0;
}
