#include "scenarios.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static int run_all(const struct scenario_test *test, const struct scenario *scenarios,
                   unsigned count, struct kernel_side *kernel, uint64_t seed)
{
    unsigned failed = 0;
    printf("1..%u\n%s", count, kernel != NULL ? "" : "# the kernel is not asked\n");
    for (unsigned i = 0; i < count; i++)
        failed += !test->run(&scenarios[i], kernel, seed, i + 1);
    return failed != 0;
}

int scenarios_main(const struct scenario_test *test, int argc, char **argv)
{
    if (argc != 2 && argc != 5 && argc != 6) {
        fprintf(stderr, "usage: %s\n", test->usage);
        return 2;
    }
    bool kernel_wanted = strcmp(argv[1], "-") != 0 && kernel_side_permitted();
    if (test->kernel_only && !kernel_wanted) {
        printf("1..0 # SKIP the kernel is not asked, or BPF not permitted\n");
        return 0;
    }
    struct kernel_side *kernel = kernel_wanted ? kernel_side_open(argv[1]) : NULL;
    if (kernel_wanted && kernel == NULL)
        return 1;
    uint64_t seed = argc == 6 ? strtoull(argv[5], NULL, 0) : test->seed;
    int failed;
    if (argc > 2) {
        struct scenario given = {argv[2], strtoul(argv[3], NULL, 0), strtoul(argv[4], NULL, 0)};
        failed = run_all(test, &given, 1, kernel, seed);
    } else {
        failed = run_all(test, test->scenarios, test->count, kernel, seed);
    }
    kernel_side_close(kernel);
    return failed;
}
