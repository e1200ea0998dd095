/*
 * Processes as /proc tells of them. A pid alone names nothing, it may have been given anew: a
 * process counts only as long as it began when it is said to have begun.
 */
#ifndef OPENWFP_WFP_PROCESS_H
#define OPENWFP_WFP_PROCESS_H

#include <stdint.h>

#define PROCESS_CHAIN_MAX 16

struct arena;

struct process {
    uint32_t pid;
    char comm[17];
    const char *path;             /* of its program; "" when it has none, or it is not known */
    const struct process *parent; /* NULL: none, or it is not known */
};

/* The process that began so many ns after the start of the machine, with its parents. NULL: it is
 * gone. */
const struct process *process_find(struct arena *arena, uint32_t pid, uint64_t start_time);

#endif
