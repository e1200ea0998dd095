/*
 * How long any CPU is kept from a thread that must run: one real-time thread on each CPU sleeps for
 * short times and records how late it wakes. What delays it is the kernel at work without letting
 * go (or a virtual machine's host: compare with a time when nothing happens).
 *
 *   stall     for each line of standard input one line of output: the longest delay on each CPU
 *             since the line before, in nanoseconds
 */
#include <errno.h>
#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

#define PERIOD_NS 250000u
#define CPUS_MAX  256

static _Atomic uint64_t longest[CPUS_MAX];

static uint64_t nanoseconds(struct timespec t)
{
    return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

static void record(_Atomic uint64_t *most, uint64_t late)
{
    uint64_t before = atomic_load(most);

    while (late > before && !atomic_compare_exchange_weak(most, &before, late))
        ;
}

static void *watch(void *argument)
{
    size_t cpu = (size_t)argument;
    struct timespec wake, now;

    for (;;) {
        clock_gettime(CLOCK_MONOTONIC, &wake);
        wake.tv_nsec += PERIOD_NS;
        if (wake.tv_nsec >= 1000000000) {
            wake.tv_sec++;
            wake.tv_nsec -= 1000000000;
        }
        clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &wake, NULL);
        clock_gettime(CLOCK_MONOTONIC, &now);
        record(&longest[cpu], nanoseconds(now) - nanoseconds(wake));
    }
    return NULL;
}

static void start(size_t cpu)
{
    const struct sched_param priority = {.sched_priority = 50};
    pthread_attr_t attributes;
    pthread_t thread;
    cpu_set_t set;
    int code;

    CPU_ZERO(&set);
    CPU_SET(cpu, &set);
    pthread_attr_init(&attributes);
    pthread_attr_setaffinity_np(&attributes, sizeof(set), &set);
    pthread_attr_setinheritsched(&attributes, PTHREAD_EXPLICIT_SCHED);
    pthread_attr_setschedpolicy(&attributes, SCHED_FIFO);
    pthread_attr_setschedparam(&attributes, &priority);
    code = pthread_create(&thread, &attributes, watch, (void *)cpu);
    pthread_attr_destroy(&attributes);
    if (code) {
        fprintf(stderr, "stall: can't start a real-time thread: %s\n", strerror(code));
        exit(1);
    }
}

int main(void)
{
    long cpus = sysconf(_SC_NPROCESSORS_ONLN);
    char line[16];

    if (cpus > CPUS_MAX)
        cpus = CPUS_MAX;
    if (mlockall(MCL_CURRENT | MCL_FUTURE) < 0)
        fprintf(stderr, "stall: can't lock memory: %s\n", strerror(errno));
    for (long cpu = 0; cpu < cpus; cpu++)
        start((size_t)cpu);
    while (fgets(line, sizeof(line), stdin)) {
        for (long cpu = 0; cpu < cpus; cpu++)
            printf("%s%llu", cpu ? " " : "", (unsigned long long)atomic_exchange(&longest[cpu], 0));
        printf("\n");
        fflush(stdout);
    }
    return 0;
}
