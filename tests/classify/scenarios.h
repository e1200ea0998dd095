/* Tests that run one scenario after another on policy sets, each a line of TAP. */
#ifndef OPENWFP_TESTS_SCENARIOS_H
#define OPENWFP_TESTS_SCENARIOS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "kernel_side.h"

struct scenario {
    const char *name; /* of a policy set */
    size_t count;     /* filters */
    unsigned long rounds;
};

struct scenario_test {
    const char *usage; /* what the program is called with */
    const struct scenario *scenarios;
    unsigned count;
    uint64_t seed;
    bool kernel_only; /* without the kernel there is nothing to test */
    /* Prints its line; kernel: NULL: it is not asked. */
    bool (*run)(const struct scenario *scenario, struct kernel_side *kernel, uint64_t seed,
                unsigned number);
};

/* PROGRAM OBJECT|- [SET COUNT ROUNDS [SEED]]; returns what main() returns. */
int scenarios_main(const struct scenario_test *test, int argc, char **argv);

#endif
